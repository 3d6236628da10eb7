/*
 * link/vault.h - vaulted bytes (engine/base/machine.h): from one socket to another without a copy into the process.
 *
 *     socket --splice(2)--> cell: a pipe --splice(2)--> socket
 *
 * A cell is filled once, and empty again when all of it was sent: its bytes leave in the order in which they came.
 * It is given back when nobody holds a part of it any more. What was not sent then is thrown away with the pipe.
 *
 * The address of a vaulted span is a name: the highest bit, the number of its cell, and its place among the bytes that
 * filled the cell.
 *
 * Where a pipe or the system call is refused, and while SIGPIPE would end the process, nothing is ever received here,
 * and links receive as usual.
 *
 * Owner: a worker's links. All zero, then vault_open(). Pipes are opened when they are needed, and
 * stay open.
 */
#ifndef WEIR_IO_LINK_VAULT_H
#define WEIR_IO_LINK_VAULT_H

#include "engine/base/machine.h"
#include "io/link/limits.h"

#include <sys/types.h>

struct vault_cell {
  int in, out; /* of the pipe; open if `is_open` */
  bool is_open;
  uint32_t holders; /* 0: free */
  uint32_t filled;  /* bytes that came */
  uint32_t sent;    /* and those of them that have left */
};

struct vault {
  struct machine_vault base; /* for machines */
  uint16_t free_count;
  uint16_t free[VAULT_CELLS]; /* those that were used last come first */
  struct vault_cell cells[VAULT_CELLS];
};

void vault_open(struct vault *vault);

/* Whoever holds something will not release it any more. */
void vault_close(struct vault *vault);

/* Takes at most `max` bytes out of the socket, without waiting. `*result` is their number; 0 at the end of what the
 * peer sends; or -errno: -ENOBUFS if there is no cell. The span, if there is one, is held once. */
struct span vault_receive(struct vault *vault, int fd, size_t max, ssize_t *result);

/* Sends bytes of a cell, the first that were not sent, without waiting for room: to a socket that is O_NONBLOCK. `more`
 * comes soon. Returns the bytes that the socket took, or -errno. */
ssize_t vault_send(struct vault *vault, struct span vaulted, int fd, bool more);

/* As machine_vault has it. */
void vault_hold(struct vault *vault, struct span vaulted);
void vault_release(struct vault *vault, struct span vaulted);

#endif
