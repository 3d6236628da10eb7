/*
 * h2/connection.h - what the modules of one HTTP/2 connection share: its struct, and nothing else.
 *
 * The struct is open so that each module embeds or reads what it needs. A field is written by the
 * module that its comment names, or by the few that share its section.
 */
#ifndef WEIR_H2_CONNECTION_H
#define WEIR_H2_CONNECTION_H

#include "engine/base/idmap.h"
#include "engine/base/limits.h"
#include "engine/h2/budget.h"
#include "engine/h2/origin.h"
#include "engine/h2/out.h"
#include "engine/h2/settings.h"
#include "engine/h2/shared.h"
#include "engine/h2/stream.h"
#include "engine/h2/window.h"
#include "engine/hpack/decode.h"
#include "engine/hpack/encode.h"

enum h2_read_phase {
  H2_READ_PREFACE,
  H2_READ_HEADER,  /* the 9 bytes of a frame header */
  H2_READ_PAYLOAD, /* a payload that is handled whole */
  H2_READ_PADLEN,  /* DATA: the Pad Length byte */
  H2_READ_DATA,    /* DATA: passed on as it comes */
  H2_READ_SKIP,    /* bytes that nobody wants: padding, unknown frames, debug data */
};

struct h2_reader {
  enum h2_read_phase phase;
  struct h2_frame_header frame;
  uint32_t left;    /* payload bytes of this phase still to come */
  uint32_t padding; /* DATA: padding bytes behind the data */
  uint8_t header[H2_FRAME_HEADER_BYTES];
  uint8_t have;     /* bytes of `header`, or of the preface */
  uint8_t *payload; /* a payload split over receives; from shared->frames or memory */
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

/* One connection's part of the budget, and what `auto` knows of its path. */
struct h2_flow {
  uint64_t streams_bytes; /* windows of all streams that are counted, see h2_credit.counted */
  uint64_t charged_bytes; /* of the engine's budget */
  uint64_t sample_bytes;  /* used since sample_ns; 0: no sample has begun */
  uint64_t sample_ns;
  uint64_t probe_ns;      /* when the PING left that is on its way; 0: none is */
  uint64_t probe_next_ns; /* not before */
  uint64_t rtt_ns;        /* the shortest measured; 0: none */
  uint64_t arrived_ns;    /* when bytes last arrived */
};

struct h2 {
  struct http_shared *http; /* of all protocols */
  struct h2_shared *shared; /* of all connections */
  struct machine_host *host;
  const struct stream_ops *stream_ops; /* of its streams */
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
  uint32_t room_waits;                                /* streams with room_bytes */
  struct h2_stream *timers;                           /* by timer_ns */

  struct h2_budget glitches, resets, pings, settings, pushes;
  uint32_t empty_data;      /* DATA frames without bytes, in a row */
  uint32_t late_free;       /* frames for streams that we reset that cost no glitch, */
  uint64_t late_until_ns;   /* until then */
  uint32_t updates_free;    /* WINDOW_UPDATE frames that cost no glitch */
  uint32_t priorities_free; /* PRIORITY and PRIORITY_UPDATE frames that cost no glitch */

  bool dead;        /* a connection error: nothing is read any more */
  bool lost;        /* the transport gave up or we did: nothing is sent either */
  bool eof;         /* the peer sends no more */
  bool draining;    /* drain() was called, or GOAWAY was sent */
  bool drain_final; /* the last GOAWAY is out: newer streams are ignored */
  bool goaway_received;
  uint32_t goaway_last_id; /* from the peer: our streams above it are not handled */
  uint32_t goaway_code;    /* from the peer: of its last GOAWAY */
  uint64_t drain_ns;       /* when to send the last GOAWAY */
  uint64_t opened_ns, idle_since_ns, control_since_ns;
  uint64_t stalled_since_ns; /* output that the peer does not take, or 0 */
  uint64_t stalled_bytes;    /* taken since */
  uint64_t tick_ns;          /* next look at request bodies */
  uint64_t farewell_ns;      /* dead: when to stop waiting for GOAWAY to leave */
  bool in_call;              /* a machine call is going on */

  const struct h2_client_events *client; /* client role: may be NULL */
  void *client_ctx;
  bool end_told; /* to h2_client_events.ended */
};

static inline size_t h2_min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Something comes from outside of the connection's own calls, and brings the time. */
static inline void h2_call_in(struct h2 *h2) {
  uint64_t now_ns = http_shared_now_ns(h2->http);
  if (!h2->in_call && now_ns > h2->now_ns) h2->now_ns = now_ns;
}

#endif
