/*
 * load/meter.h - counts the bytes of HTTP that a connection over TLS takes and sends, until the run is over. Those
 * outside of TLS are counted in load/connection.c.
 * Owner: embedded in its connection; in use until the machine is closed.
 */
#ifndef WEIR_LOAD_METER_H
#define WEIR_LOAD_METER_H

#include "tools/client/wrap.h"
#include "tools/load/books.h"

struct load_meter {
  struct wrap wrap; /* first */
  struct load_books *books;
};

/* Replaces `machine`, which is inside of TLS, by one that counts into `books`, which it keeps. */
void load_meter_around(struct load_meter *meter, struct load_books *books, struct machine *machine);

#endif
