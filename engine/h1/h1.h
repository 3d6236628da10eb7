/*
 * h1/h1.h - one HTTP/1.1 or HTTP/1.0 connection, in either role.
 * Spec: RFC 9112.
 *
 *   bytes -> h1/recv.c     heads (h1/head.c), in one piece or several
 *         -> h1/request.c  what they ask for (h1/framing.c, h1/target.c), given to the handler
 *         -> h1/body.c     bodies, by length or in chunks (h1/chunked.c), and tunnels
 *         -> h1/answer.c   what the handler does: respond, tunnel, reset ...
 *   bytes <- h1/send.c     the answer to the first request in the queue, then to the next
 *
 * Of a client it is h1/ask.c that makes requests, and h1/response.c that reads their responses.
 *
 * They share the structs of h1/connection.h, and stand on h1/life.c (streams from birth to end),
 * h1/fault.c (errors and budgets), h1/text.c (heads of responses) and h1/clock.c (deadlines). h1/h1.c is
 * the machine in front. h1/request_memo.c, h1/section_memo.c, h1/response_memo.c and h1/head_memo.c are shortcuts for
 * what repeats; they only save time.
 */
#ifndef WEIR_H1_H
#define WEIR_H1_H

#include "engine/h1/ask.h"
#include "engine/h1/client.h"
#include "engine/h1/connection.h"

/* Once an engine: what its HTTP/1.1 connections share. At most `connections_max` can be open. Keeps
 * `http`; allocates nothing yet. All connections must be closed before h1_shared_destroy() (asserted). */
struct h1_config h1_config_default(void);
void h1_shared_init(struct h1_shared *shared, struct http_shared *http,
                    const struct h1_config *config, uint32_t connections_max);
void h1_shared_destroy(struct h1_shared *shared);

/* Gives back memory that a flood took: see pool_trim(). To be called about once a second. */
void h1_shared_trim(struct h1_shared *shared);

/* Makes the machine of a server's or a client's connection. Keeps `shared` and `host`, which may be NULL in tests.
 * False when a pool is full or memory was refused. */
__attribute__((warn_unused_result)) bool h1_server(struct h1_shared *shared,
                                                   const struct machine_peer *peer,
                                                   struct machine_host *host, uint64_t now_ns,
                                                   struct machine *out);

__attribute__((warn_unused_result)) bool h1_client(struct h1_shared *shared,
                                                   const struct machine_peer *peer,
                                                   struct machine_host *host, uint64_t now_ns,
                                                   struct machine *out);

static inline struct h1 *h1_of(const struct machine *machine) {
  return machine->self;
}

/* Lets the client go on in HTTP/2 or SPDY: `upgrade` is called for a request that asks for it. Keeps `ctx`. */
void h1_offer_upgrade(const struct machine *machine, h1_upgrade_fn *upgrade, void *ctx);

extern const struct machine_ops h1_machine_ops;

#endif
