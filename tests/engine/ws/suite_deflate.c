/*
 * ws/suite_deflate.c - permessage-deflate without context takeover.
 */
#include "tests/engine/ws/suite.h"

static const struct suite_row rows[] = {
    {"7.2.3.1 one frame", "zT:=f248cdc9c90700", "T:Hello", NULL},
    {"7.2.3.1 two fragments", "zt:=f248cd C:=c9c90700", "T:Hello", NULL},
    {"7.2.3.1 twice", "zT:=f248cdc9c90700 zT:=f248cdc9c90700", "T:Hello T:Hello", NULL},
    {"7.2.3.3 no compression", "zT:=000500faff48656c6c6f00", "T:Hello", NULL},
    {"7.2.3.4 BFINAL", "zT:=f348cdc9c9070000", "T:Hello", NULL},
    {"7.2.3.5 two blocks", "zT:=f24805000000ffffcac9c90700", "T:Hello", NULL},
    {"7.2.3.6 empty", "zT:=00", "T:", NULL},
    {"binary", "zB:=f248cdc9c90700", "B:Hello", NULL},
    {"not compressed", "T:Hello B:Hello", "T:Hello B:Hello", NULL},
    {"compressed, plain, compressed", "zT:=f248cdc9c90700 T:Hello zB:=f248cdc9c90700",
     "T:Hello T:Hello B:Hello", NULL},
    {"octet by octet", "zt:=f2 c:=48 c:=cd c:=c9 c:=c9 c:=07 C:=00", "T:Hello", NULL},
    {"with empty fragments", "zt: c:=f248cd c: c:=c9c90700 C:", "T:Hello", NULL},
    {"ping between fragments", "zt:=f248cd P:p C:=c9c90700", "T:Hello >O:p", NULL},
    {"letters",
     "zB:="
     "ecc9b70180200000b05bb17711ecd7fb8463b226146555376dd70fe3342f6bdc52de8ff3ba9f3718638c31c618638"
     "c31c618637e9a0f",
     "B:*5000", NULL},
    {"UTF-8", "zT:=7ad4b40600", "T:=e282ac", NULL},
    {"no UTF-8", "zT:=fa0f00", ">X:1007text_is_not_UTF-8", "1007 text is not UTF-8"},
    {"UTF-8 that is cut", "zT:=7ad40400", ">X:1007text_is_not_UTF-8", "1007 text is not UTF-8"},
    {"no UTF-8 in binary", "zB:=fa0f00", "B:=ff", NULL},
    {"a reserved kind of block", "zT:=ffffff", ">X:1007compressed_data_is_not_valid",
     "1007 compressed data is not valid"},
    {"a stored block with wrong lengths", "zT:=000500fafe48656c6c6f00",
     ">X:1007compressed_data_is_not_valid", "1007 compressed data is not valid"},
    {"cut within a stored block", "zB:=000500faff4865", ">X:1007compressed_data_is_not_valid",
     "1007 compressed data is not valid"},
    {"BFINAL without an empty block", "zT:=f348cdc9c90700", ">X:1007compressed_data_is_cut",
     "1007 compressed data is cut"},
    {"a distance beyond the beginning", "zT:=f200110000", ">X:1007compressed_data_is_not_valid",
     "1007 compressed data is not valid"},
    {"refers to the message before", "zT:=f248cdc9c90700 zT:=f200110000",
     "T:Hello >X:1007compressed_data_is_not_valid", "1007 compressed data is not valid"},
    {"RSV1 on a continuation", "zt:=f248cd zC:=c9c90700", ">X:1002reserved_bit_set",
     "1002 reserved bit set"},
    {"RSV1 on a ping", "zP:", ">X:1002reserved_bit_set", "1002 reserved bit set"},
    {"RSV1 on a close", "zX:1000", ">X:1002reserved_bit_set", "1002 reserved bit set"},
    {"RSV2", "yT:a", ">X:1002reserved_bit_set", "1002 reserved bit set"},
    {"RSV1 and RSV3", "zwT:a", ">X:1002reserved_bit_set", "1002 reserved bit set"},
    {"close", "zT:=f248cdc9c90700 X:1000", "T:Hello >X:1000", "1000"},
};

const struct suite suite_deflate =
    SUITE("deflate", rows, "server_no_context_takeover; client_no_context_takeover");
