/*
 * h2/h2.h - one HTTP/2 connection, in either role.
 * Spec: RFC 9113.
 *
 *   bytes -> h2/recv.c    frames, each handled by a row of a table; SETTINGS: h2/recv_settings.c
 *         -> h2/block.c   header blocks: collected, decoded, checked, given to the handler
 *         -> h2/answer.c  what the handler does: respond, push, reset ...
 *         -> h2/queue.c   what that leaves to be sent
 *   bytes <- h2/send.c    control frames, header sections, then DATA of what sched/ picks
 *
 * They share the struct of h2/connection.h, and stand on h2/life.c (streams from birth to end),
 * h2/fault.c (errors and budgets), h2/clock.c (deadlines), h2/control.c (control frames) and
 * h2/ids.c (identifiers). h2/h2.c is the machine in front. Besides:
 *
 *   h2/flow.c h2/priority.c       when the peer gets credit; what the scheduler hears of priorities
 *   h2/brief.c h2/request_memo.c h2/response_memo.c   shortcuts for what is short or repeats; they only save time
 *   h2/drain.c h2/pause.c h2/rest.c   an orderly end; a peer that is read slowly; idle connections made small
 *   h2/upgrade.c                  a connection that began as HTTP/1.1
 *
 * The owner of a client also calls h2/client.h, h2/request.h and h2/control.h.
 */
#ifndef WEIR_H2_H
#define WEIR_H2_H

#include "engine/h2/client.h"
#include "engine/h2/connection.h"
#include "engine/h2/control.h"
#include "engine/h2/request.h"

/* Once an engine: what its HTTP/2 connections share. At most `connections_max` can be open. Keeps
 * `http`; allocates nothing yet. All connections must be closed before h2_shared_destroy()
 * (asserted). */
struct h2_config h2_config_default(void);
void h2_shared_init(struct h2_shared *shared, struct http_shared *http,
                    const struct h2_config *config, uint32_t connections_max);
void h2_shared_destroy(struct h2_shared *shared);

/* Gives back memory that a flood took: see pool_trim(). To be called about once a second. */
void h2_shared_trim(struct h2_shared *shared);

/* Makes the machine of a server's or a client's connection; the preface is queued at once. Keeps
 * `shared` and `host`, which may be NULL in tests. False when a pool is full or memory was refused.
 */
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
