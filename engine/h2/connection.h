/*
 * h2/connection.h - the struct that the modules of an HTTP/2 connection share, and nothing else.
 *
 * It is open, so that each module can embed or read what it needs.
 */
#ifndef WEIR_H2_CONNECTION_H
#define WEIR_H2_CONNECTION_H

#include "engine/base/budget.h"
#include "engine/base/idmap.h"
#include "engine/base/merit.h"
#include "engine/base/out.h"
#include "engine/base/pause.h"
#include "engine/base/window.h"
#include "engine/h2/limits.h"
#include "engine/h2/request_memo.h"
#include "engine/h2/settings.h"
#include "engine/h2/shared.h"
#include "engine/h2/stream.h"
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"
#include "engine/http/origin.h"

enum h2_read_phase {
  H2_READ_PREFACE,
  H2_READ_HEADER,  /* the bytes of a frame header */
  H2_READ_PAYLOAD, /* a payload that is handled as a whole */
  H2_READ_PADLEN,  /* DATA: the Pad Length byte */
  H2_READ_DATA,    /* DATA: the data, passed on as it arrives */
  H2_READ_SKIP,    /* bytes of no use: padding, unknown frames, debug data */
};

struct h2_reader {
  enum h2_read_phase phase;
  struct h2_frame_header frame;
  uint32_t left;    /* payload bytes of this phase that are still to come */
  uint32_t padding; /* DATA: padding bytes after the data */
  uint8_t header[H2_FRAME_HEADER_BYTES];
  uint8_t have;     /* bytes of `header`, or of the preface */
  uint8_t *payload; /* of a frame split over receives; from shared->frames or http->memory */
  uint32_t payload_have, payload_size;
  struct h2_stream *data; /* DATA: the stream that gets it, or NULL */
  uint64_t begun_ns;      /* when the frame's first byte arrived; 0 between frames */
};

enum h2_block_kind {
  H2_BLOCK_NONE,
  H2_BLOCK_REQUEST,
  H2_BLOCK_MESSAGE,
  H2_BLOCK_PROMISE,
  H2_BLOCK_DISCARD
};

/* A header block that is being received, from HEADERS or PUSH_PROMISE to END_HEADERS. */
struct h2_block {
  enum h2_block_kind kind; /* H2_BLOCK_NONE: no block is open */
  uint32_t stream_id;      /* CONTINUATION must name it */
  uint32_t promised_id;
  bool end_stream;
  bool has_dependency;
  struct h2_dependency dependency;
  struct h2_verdict verdict; /* on the stream; acted on once the block is decoded */
  uint8_t *bytes; /* the fragments so far, from http->memory; NULL while one frame is enough */
  uint32_t len, size;
  uint32_t continuations;
  uint32_t wire_bytes; /* of all its frames, once they are there; without padding */
  uint64_t begun_ns;
};

/* A connection's share of the window budget, and what `auto` knows about its path. */
struct h2_flow {
  uint64_t streams_bytes; /* sum of the window_credit.counted of all streams */
  uint64_t charged_bytes; /* of the engine's budget */
  uint64_t sample_bytes;  /* consumed since sample_ns; 0: no sample has begun */
  uint64_t sample_ns;
  uint64_t probe_ns;      /* when the PING was queued that is still unanswered; 0: none is */
  uint64_t probe_next_ns; /* the earliest time for the next one */
  uint64_t rtt_ns;        /* shortest round trip that was measured; 0: none was */
  uint64_t arrived_ns;    /* when DATA last arrived */
  bool unbounded;         /* there is no budget, and so nothing is counted for it */
  bool hurries;           /* the connection's credit is returned at once, however little it is */
};

/* Answers that wait to be sent as a whole: h2/brief.h. */
struct h2_briefs {
  struct h2_stream *first, *last; /* by h2_stream.urgent_next */
  struct sched_place place;       /* of all of them */
};

/* What a request needs comes first: hosts may have the first lines of a machine fetched before they call it. */
struct h2 {
  struct http_shared *http; /* shared with all protocols */
  struct h2_shared *shared; /* shared with all HTTP/2 connections */
  struct machine_host *host;
  const struct stream_ops *stream_ops; /* for its streams */
  enum h2_role role;
  uint64_t now_ns; /* of the current machine call, or of the last one */

  struct h2_reader reader;
  struct h2_block block;
  struct out out;
  uint8_t *control; /* H2_CONTROL_BYTES of control frames to be sent, or NULL */
  uint32_t control_used;
  /* Bits, since they are mostly asked together. */
  bool dead : 1;        /* after a connection error: nothing more is read */
  bool lost : 1;        /* nothing more is sent, either */
  bool eof : 1;         /* the peer has closed its direction */
  bool draining : 1;    /* an orderly end has begun: h2/drain.h */
  bool drain_final : 1; /* our last GOAWAY is queued or sent: newer streams are ignored */
  bool goaway_received : 1;

  struct hpack_decoder decoder;
  struct h2_request_memos requests; /* server role */
  struct hpack_encoder encoder;
  struct h2_settings ours;   /* as announced */
  struct h2_settings theirs; /* as applied */
  uint32_t settings_unacked; /* SETTINGS frames of ours that the peer has not acknowledged */
  uint64_t settings_sent_ns; /* when the oldest of them was queued */
  bool settings_received;    /* the peer's first SETTINGS frame has arrived */

  struct window window;        /* for sending */
  struct window_credit credit; /* for receiving */
  struct h2_flow flow;         /* how much credit the peer gets: h2/flow.h */

  struct idmap streams;
  /* Live streams, or NULL: which the next DATA and the next HEADERS that are there as a whole may be for. */
  struct h2_stream *recent, *expected;
  struct h2_stream *all;    /* streams that live */
  struct h2_stream *graves; /* streams that have finished and are not freed yet */
  struct origin *origins;   /* numbered by h2_stream.origin; NULL while there are none */
  uint32_t active_peer;     /* streams that the peer opened; they count against our limit */
  uint32_t active_own;      /* streams that we opened */
  uint32_t receiving;       /* streams whose message from the peer is incomplete */
  uint32_t peer_id_max;     /* highest identifier that the peer has used */
  uint32_t peer_id_handled; /* highest that we have acted on, for GOAWAY's last stream */
  uint32_t own_id_next;     /* our next identifier */
  uint16_t reset_next, closed_next;
  uint32_t own_reset_max; /* highest identifier of ours that we reset and have forgotten since */

  struct h2_stream *urgent_queue, *urgent_queue_tail; /* streams with something to send that no
                                                           window holds back */
  struct h2_briefs briefs;                            /* in the order of their turns */
  struct h2_stream *credit_queue;                     /* streams with credit to return */
  uint32_t room_waits;                                /* streams with room_bytes */
  bool kept_due;                                      /* a tunnel was made: h2_answer_deliver() */
  struct alarms timers;                               /* of streams */

  struct budget glitches, resets, pings, settings, pushes;
  uint32_t empty_data;    /* DATA frames in a row without data */
  uint32_t late_free;     /* frames for streams that we reset that are still free of charge */
  uint64_t late_until_ns; /* how long they are */
  struct merit merit;
  uint32_t priorities_free; /* PRIORITY and PRIORITY_UPDATE frames that are still free of charge */

  struct pause pause; /* h2/pause.h */

  uint32_t goaway_last_id; /* of the peer's GOAWAY: it does not handle our streams above this one */
  uint32_t goaway_code;    /* of the peer's last GOAWAY */
  uint32_t reset_code;     /* of the peer's last RST_STREAM, as it came */
  uint64_t drain_ns;       /* when our last GOAWAY is due */
  uint64_t opened_ns, idle_since_ns, control_since_ns;
  bool rested;               /* memory was given back since it became idle: H2_REST_NS */
  uint64_t stalled_since_ns; /* when output last began to wait for the peer; 0: none waits */
  uint64_t stalled_bytes;    /* bytes that the peer has taken since */
  bool stalled_ended;        /* a message of ours has ended since */
  uint64_t queued_since_ns;  /* when it began to wait for more than a stream's own window; 0: not */
  uint64_t held_look_ns;     /* when streams are looked at next that their own windows hold back */
  uint64_t tick_ns;          /* when request bodies are looked at next */
  uint64_t farewell_ns;      /* dead: how long our GOAWAY may take */
  bool in_call;              /* a machine call is running */

  struct h2_response_memo *responses; /* client role: h2/response_memo.h; NULL until one is kept */
  const struct h2_client_events *client; /* client role; may be NULL */
  void *client_ctx;
  bool end_told; /* h2_client_events.ended was called */

  /* Large, and mostly untouched: last, so that what each request reads and writes lies together. */
  struct sched sched;
  uint32_t reset_ids[H2_RESETS_REMEMBERED];  /* the last streams that we reset, a ring */
  uint32_t closed_ids[H2_CLOSED_REMEMBERED]; /* the last others that closed, a ring */
  uint8_t closed_states[H2_CLOSED_REMEMBERED];
  struct machine_peer peer; /* without its application protocol */
};

static inline size_t h2_min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Brings the time when a call comes from outside of the machine's calls: from a handler, say. */
static inline void h2_call_in(struct h2 *h2) {
  uint64_t now_ns = http_shared_now_ns(h2->http);
  if (!h2->in_call && now_ns > h2->now_ns) h2->now_ns = now_ns;
}

#endif
