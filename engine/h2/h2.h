/*
 * h2/h2.h - one HTTP/2 connection, either role.
 * Spec: RFC 9113.
 *
 *   bytes -> h2/recv.c  frames; each handled by a row of a table; SETTINGS: h2/recv_settings.c
 *         -> h2/block.c header blocks: put together, decoded, checked, given to the handler
 *         -> h2/exchange.c what handlers ask for: respond, push, reset ...
 *   bytes <- h2/send.c  control frames, header sections, then DATA of whom sched/sched.h picks
 *            h2/h2.c       birth, timers, shutdown, death
 *
 * The struct is open so that those files share it; everybody else uses the functions at the end of
 * this header and the machine that h2_server() and h2_client() make.
 *
 * Lifetime of a stream: from h2_stream_open() to h2_stream_finish(), which tells the handler
 * and puts it into the graveyard; it is freed at the end of the machine call, or when the last
 * piece of its body that the transport holds is acked.
 */
#ifndef WEIR_H2_H
#define WEIR_H2_H

#include "engine/base/idmap.h"
#include "engine/base/limits.h"
#include "engine/engine.h"
#include "engine/h2/budget.h"
#include "engine/h2/flow.h"
#include "engine/h2/origin.h"
#include "engine/h2/out.h"
#include "engine/h2/priority.h"
#include "engine/h2/section.h"
#include "engine/h2/settings.h"
#include "engine/h2/stream.h"
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"

enum h2_recv_phase {
  H2_RECV_PREFACE,
  H2_RECV_HEADER,  /* the 9 bytes of a frame header */
  H2_RECV_PAYLOAD, /* a payload that is handled whole */
  H2_RECV_PADLEN,  /* DATA: the Pad Length byte */
  H2_RECV_DATA,    /* DATA: passed on as it comes */
  H2_RECV_SKIP,    /* bytes that nobody wants: padding, unknown frames, debug data */
};

struct h2_reader {
  enum h2_recv_phase phase;
  struct h2_frame_header frame;
  uint32_t left;    /* payload bytes of this phase still to come */
  uint32_t padding; /* DATA: padding bytes behind the data */
  uint8_t header[H2_FRAME_HEADER_BYTES];
  uint8_t have;     /* bytes of `header`, or of the preface */
  uint8_t *payload; /* a payload split over receives; from engine->frames or memory */
  uint32_t payload_have, payload_size;
  struct h2_stream *data; /* DATA: who gets it; NULL: nobody */
  uint64_t begun_ns;      /* when the frame's first byte came; 0 between frames */
};

enum h2_block_kind {
  H2_BLOCK_NONE,
  H2_BLOCK_REQUEST,
  H2_BLOCK_MESSAGE,
  H2_BLOCK_PROMISE,
  H2_BLOCK_DISCARD
};

/* The header block in hand, from HEADERS or PUSH_PROMISE to END_HEADERS. */
struct h2_block {
  enum h2_block_kind kind; /* H2_BLOCK_NONE: no block is open */
  uint32_t stream_id;      /* that CONTINUATION has to name */
  uint32_t promised_id;
  bool end_stream;
  bool has_dependency;
  struct h2_dependency dependency;
  struct h2_verdict verdict; /* what becomes of the stream once the block is decoded */
  uint8_t *bytes;            /* fragments so far; from memory; NULL while one frame is enough */
  uint32_t len, size;
  uint32_t continuations;
  uint64_t begun_ns;
};

struct h2 {
  struct engine *engine;
  struct machine_host *host;
  enum h2_role role;
  bool secure;     /* the transport is encrypted */
  uint64_t now_ns; /* of the machine call in hand, or the last one */

  struct h2_reader reader;
  struct h2_block block;
  struct h2_out out;
  uint8_t *control; /* control frames to send, H2_CONTROL_BYTES, or NULL */
  uint32_t control_used;

  struct hpack_decoder decoder;
  struct hpack_encoder encoder;
  struct h2_settings ours;   /* as announced */
  struct h2_settings theirs; /* as applied */
  uint32_t settings_unacked; /* SETTINGS frames of ours */
  uint64_t settings_sent_ns; /* of the oldest unacked one */
  bool settings_received;    /* the peer's first SETTINGS frame has come */

  struct h2_window window; /* connection, sending */
  struct h2_credit credit; /* connection, receiving */
  struct h2_flow flow;     /* who gets credit when */

  struct idmap streams;
  struct h2_stream *all;     /* live streams */
  struct h2_stream *graves;  /* finished ones, not yet freed */
  struct h2_origin *origins; /* of streams that may be promised on, by their `origin`; NULL: none */
  uint32_t active_peer;      /* streams that the peer opened and that count against our limit */
  uint32_t active_own;       /* streams that we opened */
  uint32_t receiving;        /* streams whose peer's message is incomplete */
  uint32_t peer_id_max;      /* highest identifier that the peer opened */
  uint32_t peer_id_handled;  /* highest that we acted on: GOAWAY's last stream */
  uint32_t own_id_next;      /* next identifier of ours */
  uint32_t reset_ids[H2_RESETS_REMEMBERED];  /* ring of streams that we reset */
  uint32_t closed_ids[H2_CLOSED_REMEMBERED]; /* and of others that closed */
  uint8_t closed_states[H2_CLOSED_REMEMBERED];
  uint16_t reset_next, closed_next;
  uint32_t own_reset_max; /* highest identifier of ours that we reset and no longer remember */

  struct sched sched;
  struct h2_stream *urgent_queue, *urgent_queue_tail; /* streams with something to send that no
                                                           window holds back */
  struct h2_stream *credit_queue;                     /* streams with credit to return */
  struct h2_stream *timers;                           /* by timer_ns */

  struct h2_budget glitches, resets, pings, settings, pushes;
  uint32_t empty_data;      /* DATA frames without bytes, in a row */
  uint32_t updates_free;    /* WINDOW_UPDATE frames that cost no glitch */
  uint32_t priorities_free; /* PRIORITY and PRIORITY_UPDATE frames that cost no glitch */

  bool dead;        /* a connection error: nothing is read any more */
  bool lost;        /* the transport gave up or we did: nothing is sent either */
  bool eof;         /* the peer sends no more */
  bool draining;    /* drain() was called, or GOAWAY was sent */
  bool drain_final; /* the last GOAWAY is out: newer streams are ignored */
  bool goaway_received;
  uint32_t goaway_last_id; /* from the peer: our streams above it are not handled */
  uint64_t drain_ns;       /* when to send the last GOAWAY */
  uint64_t opened_ns, idle_since_ns, control_since_ns;
  uint64_t stalled_since_ns; /* output that the peer does not take, or 0 */
  uint64_t stalled_bytes;    /* taken since */
  uint64_t tick_ns;          /* next look at request bodies */
  uint64_t farewell_ns;      /* dead: when to stop waiting for GOAWAY to leave */
  bool in_call;              /* a machine call is going on */

  const struct h2_client_events *client; /* client role: may be NULL */
  void *client_ctx;
};

/* What the owner of a client connection hears; every member may be NULL. */
struct h2_client_events {
  void (*settings)(void *ctx, struct h2 *h2); /* the server's SETTINGS were applied */
  void (*goaway)(void *ctx, struct h2 *h2, uint32_t last_stream_id, uint32_t error_code);
  void (*ping_acked)(void *ctx, struct h2 *h2, const uint8_t opaque[8]);
  /* Whether the server may also promise what is of another origin than the request it promises on,
   * by the names in its certificate, say (RFC 9113 section 8.4). NULL: never. */
  bool (*authoritative)(void *ctx, struct h2 *h2, struct span scheme, struct span authority);
};

/* ---- for conn.h and for whoever runs a client ------------------------------------------------ */

/* Makes the machine of a server's or client's end. False when the engine is full or memory was
 * refused. A client's preface is queued at once. Keeps `engine` and `host` (which may be NULL in
 * tests). */
__attribute__((warn_unused_result)) bool h2_server(struct engine *engine,
                                                   const struct machine_peer *peer,
                                                   struct machine_host *host, uint64_t now_ns,
                                                   struct machine *out);
__attribute__((warn_unused_result)) bool h2_client(struct engine *engine,
                                                   const struct machine_peer *peer,
                                                   struct machine_host *host, uint64_t now_ns,
                                                   struct machine *out);

static inline struct h2 *h2_of(const struct machine *machine) {
  return machine->self;
}

/* Client role: opens a stream with a request. `fields` (copied) begin with the pseudo-header
 * fields; `body` is taken in every case. NULL when the peer's limits on streams and header
 * sections, a GOAWAY, exhausted identifiers or lack of resources forbid it now; also for extended
 * CONNECT that the server has not offered. */
struct stream *h2_request(struct h2 *h2, const struct header *fields, size_t count,
                          struct body body, const struct stream_events *events, void *user);

/* Client role: what the HEADERS frame of a request says by RFC 7540 section 5.3. For a stream whose
 * request has not left yet: right after h2_request(). */
void h2_request_depend(struct stream *stream, struct h2_dependency dependency);

/* Client role: PRIORITY for any stream, idle ones included (RFC 7540 section 6.3). It leaves before
 * requests that are waiting. */
void h2_depend(struct h2 *h2, uint32_t stream_id, struct h2_dependency dependency);

/* How many requests h2_request() would accept now. */
uint32_t h2_request_room(const struct h2 *h2);

/* Client role: changes a stream's priority by PRIORITY_UPDATE (RFC 9218 section 7.1). */
void h2_reprioritize(struct h2 *h2, uint32_t stream_id, struct span field);

/* Sends PING. */
void h2_ping(struct h2 *h2, const uint8_t opaque[8]);

extern const struct machine_ops h2_machine_ops;

/* ---- between the files of this room ---------------------------------------------------------- */

static inline size_t h2_min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* h2/recv.c */
size_t h2_recv(struct h2 *h2, struct span in);
/* A stream has ended: the rest of a DATA frame for it is nobody's. */
void h2_recv_forget(struct h2 *h2, const struct h2_stream *stream);
void h2_recv_free(struct h2 *h2);
bool h2_recv_wanted(const struct h2 *h2);

/* h2/recv_settings.c */
void h2_recv_settings(struct h2 *h2, const struct h2_frame *frame);

/* h2/block.c */
/* `fate` is what the frame and the stream's state already said: H2_ACCEPT, or why the block is
 * decoded and then dropped. */
struct h2_verdict h2_block_begin(struct h2 *h2, const struct h2_frame *frame,
                                 struct h2_verdict fate);
struct h2_verdict h2_block_continue(struct h2 *h2, const struct h2_frame *frame);
void h2_block_drop(struct h2 *h2);

/* h2/exchange.c */
extern const struct stream_ops h2_stream_ops;
struct h2_stream *h2_stream_open(struct h2 *h2, uint32_t id);
void h2_remember_closed(struct h2 *h2, uint32_t id, enum h2_state state);
struct h2_stream *h2_find(const struct h2 *h2, uint32_t id);
enum h2_state h2_state_of(const struct h2 *h2, uint32_t id);
bool h2_is_own_id(const struct h2 *h2, uint32_t id);
/* Ends a stream: tells its handler, closes its body, buries it. */
void h2_stream_finish(struct h2 *h2, struct h2_stream *stream, uint32_t error_code);
/* The response is complete, the request is not, and nobody wants the rest: tells the handler that
 * the stream is closed, and goes on reading for a while (H2_LINGER_NS, H2_LINGER_BYTES). */
void h2_stream_linger(struct h2 *h2, struct h2_stream *stream);
/* The end of that while: RST_STREAM(NO_ERROR) tells the client to stop. */
void h2_stream_hush(struct h2 *h2, struct h2_stream *stream);
/* RST_STREAM and finish. */
void h2_stream_abort(struct h2 *h2, struct h2_stream *stream, uint32_t error_code);
/* The peer's message is complete: checks content-length, changes state. False: it was malformed and
 * the stream is gone. */
bool h2_stream_end_received(struct h2 *h2, struct h2_stream *stream);
/* Puts the stream in or out of the scheduler, as its body, window and state say. */
void h2_stream_schedule(struct h2_stream *stream);
void h2_bury(struct h2 *h2);
void h2_timers_run(struct h2 *h2);

/* h2/send.c */
bool h2_section_queue(struct h2_stream *stream, enum h2_frame_type type, uint32_t promised_id,
                      unsigned status, const struct header *fields, size_t count, bool end_stream);
/* The same for a final response of the server whose fields `set` lends, and that has a body. */
bool h2_section_queue_set(struct h2_stream *stream, unsigned status, struct header_set *set);
bool h2_section_trailers(struct h2_stream *stream, const struct header *fields, size_t count);
void h2_sections_free(struct h2_stream *stream);
void h2_urgent_remove(struct h2 *h2, struct h2_stream *stream);
void h2_probe_end(struct h2_stream *stream);
void h2_rst_stream(struct h2 *h2, uint32_t id, uint32_t error_code);
uint8_t *h2_control_room(struct h2 *h2, size_t bytes);
void h2_control_sent(struct h2 *h2, uint8_t *end);
size_t h2_send_peek(struct h2 *h2, struct span *out, size_t max, size_t budget_bytes);
void h2_send_ack(struct h2 *h2, size_t bytes);
bool h2_send_wanted(const struct h2 *h2);
void h2_send_free(struct h2 *h2);

/* h2/h2.c */
/* Connection error: GOAWAY, all streams end, nothing is read any more. */
void h2_fail(struct h2 *h2, enum h2_error code, const char *reason);
/* Spends of a budget; false after it has failed the connection with ENHANCE_YOUR_CALM. */
bool h2_charge(struct h2 *h2, struct h2_budget *budget, uint64_t *calmed, const char *reason);
/* A useless frame; `kind` is the counter of its kind. */
bool h2_glitch(struct h2 *h2, uint64_t *kind);
/* A stream ended early by the peer's doing (RST_STREAM, or an error it provoked). */
bool h2_charge_reset(struct h2 *h2);
void h2_goaway(struct h2 *h2, uint32_t last_id, enum h2_error code, const char *reason);
void h2_wake(struct h2 *h2);

#endif
