/*
 * ws/suite_takeover.c - permessage-deflate with context takeover.
 */
#include "tests/engine/ws/suite.h"

static const struct suite_row rows[] = {
    {"7.2.3.2 shared window", "zT:=f248cdc9c90700 zT:=f200110000", "T:Hello T:Hello", NULL},
    {"7.2.3.2 three times", "zT:=f248cdc9c90700 zT:=f200110000 zT:=f200110000",
     "T:Hello T:Hello T:Hello", NULL},
    {"plain messages leave the window alone", "zT:=f248cdc9c90700 T:other zT:=f200110000",
     "T:Hello T:other T:Hello", NULL},
    {"shared window in fragments", "zt:=f248cd C:=c9c90700 zt:=f2 c:=00 C:=110000",
     "T:Hello T:Hello", NULL},
    {"a distance beyond the beginning", "zT:=f200110000", ">X:1007compressed_data_is_not_valid",
     "1007 compressed data is not valid"},
};

const struct suite suite_takeover = SUITE("takeover", rows, "");
