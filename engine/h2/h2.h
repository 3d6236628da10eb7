/*
 * h2/h2.h - one HTTP/2 connection, either role.
 * Spec: RFC 9113.
 *
 *   bytes -> h2/recv.c     frames; each handled by a row of a table; SETTINGS: h2/recv_settings.c
 *         -> h2/block.c    header blocks: put together, decoded, checked, given to the handler
 *         -> h2/answer.c   what handlers ask for: respond, push, reset ...
 *         -> h2/queue.c    waits there until the transport asks
 *   bytes <- h2/send.c     control frames, header sections, then DATA of whom sched/sched.h picks
 *
 * Below them: h2/connection.h the struct they share, h2/life.c streams from birth to death,
 * h2/fault.c errors and budgets, h2/clock.c deadlines, h2/control.c control frames, h2/ids.c
 * identifiers. h2/h2.c is the machine in front of it all.
 *
 * A client's owner also calls h2/client.h, h2/request.h and h2/control.h.
 */
#ifndef WEIR_H2_H
#define WEIR_H2_H

#include "engine/h2/client.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/request.h"

/* Once an engine: what its HTTP/2 connections share, at most `connections_max` of them. Keeps `http`;
 * allocates nothing yet. Every connection must have been closed before the end (asserted). */
struct h2_config h2_config_default(void);
void h2_shared_init(struct h2_shared *shared, struct http_shared *http,
                    const struct h2_config *config, uint32_t connections_max);
void h2_shared_destroy(struct h2_shared *shared);

/* Makes the machine of a server's or client's end. False when the pools are full or memory was
 * refused. A client's preface is queued at once. Keeps `shared` and `host` (which may be NULL in
 * tests). */
__attribute__((warn_unused_result)) bool h2_server(struct h2_shared *shared,
                                                   const struct machine_peer *peer,
                                                   struct machine_host *host, uint64_t now_ns,
                                                   struct machine *out);
__attribute__((warn_unused_result)) bool h2_client(struct h2_shared *shared,
                                                   const struct machine_peer *peer,
                                                   struct machine_host *host, uint64_t now_ns,
                                                   struct machine *out);

static inline struct h2 *h2_of(const struct machine *machine) {
  return machine->self;
}

extern const struct machine_ops h2_machine_ops;

#endif
