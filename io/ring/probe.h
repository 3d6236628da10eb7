/*
 * ring/probe.h - what the kernel's io_uring can do, found by asking and by trying.
 *
 * Opcodes can be asked for. Multishot accept and receive and buffer rings cannot, so each is tried
 * once on a pair of local sockets; a kernel that lacks it answers EINVAL.
 */
#ifndef WEIR_IO_URING_PROBE_H
#define WEIR_IO_URING_PROBE_H

#include <liburing.h>

/* The name of an opcode that weir cannot do without and the kernel lacks; NULL when all are there. */
const char *uring_probe_required(struct io_uring *ring);

/* URING_BUFFER_RING, URING_MULTISHOT_ACCEPT and URING_MULTISHOT_RECV, as far as they work. Those in
 * `disabled` are not tried. The ring must be idle, and is left idle. */
unsigned uring_probe(struct io_uring *ring, unsigned disabled);

#endif
