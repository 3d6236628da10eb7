/*
 * spdy/spdy.h - one SPDY/3.1 session (or SPDY/3, which has no session window), in either role.
 * Spec: SPDY/3.1 (the framing layer of draft 3 with a session window), section 2; HTTP over it, section 3.
 *
 *   bytes -> spdy/recv.c     frames; control.c and data.c have their effects
 *         -> spdy/block.c    header blocks: inflated as they come, one zlib stream a direction
 *         -> spdy/accept.c   SYN_STREAM, given to the handler; reply.c: SYN_REPLY and HEADERS
 *         -> spdy/answer.c   what the handler does: respond, accept, push, reset ...
 *         -> spdy/queue.c    control frames and header blocks that wait to be sent, in order
 *   bytes <- spdy/send.c     those, then DATA of what sched/ picks
 *
 * They share the struct of spdy/connection.h, and stand on spdy/life.c (streams from birth to end), fault.c (errors
 * and budgets), flow.c and windows.c (credit in both directions), alive.c (PINGs of our own) and clock.c
 * (deadlines). spdy/spdy.c is the machine in front.
 *
 * Streams live in two modes. HTTP: requests and responses, for the same handlers as over HTTP/2. Raw
 * (spdy_session_config.raw): what Kubernetes does, byte streams in both directions that begin with fields.
 *
 * Raw, server: handler.request() gets a request with empty method, scheme, authority and path, `protocol`
 * "spdy/3.1", `fields` as received, and `end` if SYN_STREAM had FLAG_FIN. stream_tunnel() accepts: it sends
 * SYN_REPLY with the fields that it is given, then bytes flow both ways, each direction for itself. The end
 * of its body sends FLAG_FIN; events.data(end) hears the peer's. What the peer sends before stream_tunnel()
 * is kept back until then. stream_reset() sends RST_STREAM with a status of spdy/frame.h (0: CANCEL).
 * Client: spdy/request.h and spdy/client.h.
 *
 * Back-pressure in both modes is the receive window: bytes count as consumed when data() returns, or with
 * stream.consume_later when stream_consume() says so; stream_cap() works as over HTTP/2. A peer that
 * knows no windows is held back by TCP: while one of its streams holds more than SPDY_STREAM_HELD_BYTES_MAX
 * unconsumed bytes, the machine does not want MACHINE_RECV. Bytes for a stream that was reset are dropped
 * and count nowhere.
 */
#ifndef WEIR_SPDY_H
#define WEIR_SPDY_H

#include "engine/spdy/client.h"
#include "engine/spdy/request.h"
#include "engine/spdy/shared.h"

struct spdy;

/* Once an engine: what its SPDY sessions share. At most `connections_max` can be open. Keeps `http`;
 * allocates nothing yet. All sessions must be closed before spdy_shared_destroy() (asserted). */
struct spdy_config spdy_config_default(void);
void spdy_shared_init(struct spdy_shared *shared, struct http_shared *http,
                      const struct spdy_config *config, uint32_t connections_max);
void spdy_shared_destroy(struct spdy_shared *shared);

/* Gives back memory that a flood took: see pool_trim(). To be called about once a second. */
void spdy_shared_trim(struct spdy_shared *shared);

/* Makes the machine of a session; its SETTINGS are queued at once. Keeps `shared`, the session's handler
 * and `host`, which may be NULL in tests. False when a pool is full or memory was refused. */
__attribute__((warn_unused_result)) bool spdy_server(struct spdy_shared *shared,
                                                     const struct spdy_session_config *session,
                                                     const struct machine_peer *peer,
                                                     struct machine_host *host, uint64_t now_ns,
                                                     struct machine *out);
__attribute__((warn_unused_result)) bool spdy_client(struct spdy_shared *shared,
                                                     const struct spdy_session_config *session,
                                                     const struct machine_peer *peer,
                                                     struct machine_host *host, uint64_t now_ns,
                                                     struct machine *out);

static inline struct spdy *spdy_of(const struct machine *machine) {
  return (struct spdy *)machine->self;
}

#endif
