/*
 * spdy/connection.h - the struct that the modules of a session share, and nothing else.
 *
 * It is open, so that each module can embed or read what it needs.
 */
#ifndef WEIR_SPDY_CONNECTION_H
#define WEIR_SPDY_CONNECTION_H

#include "engine/base/budget.h"
#include "engine/base/idmap.h"
#include "engine/base/merit.h"
#include "engine/base/out.h"
#include "engine/base/pause.h"
#include "engine/http/origin.h"
#include "engine/spdy/block.h"
#include "engine/spdy/limits.h"
#include "engine/spdy/shared.h"
#include "engine/spdy/stream.h"

enum spdy_read_phase {
  SPDY_READ_HEADER,  /* the 8 bytes that every frame begins with */
  SPDY_READ_FIXED,   /* the fixed part of a control frame */
  SPDY_READ_BLOCK,   /* a header block, inflated as it arrives */
  SPDY_READ_SETTING, /* an entry of SETTINGS */
  SPDY_READ_DATA,    /* data, passed on as it arrives */
  SPDY_READ_SKIP,    /* bytes of no use */
};

struct spdy_reader {
  enum spdy_read_phase phase;
  struct spdy_frame frame;
  uint32_t left; /* bytes of the payload that are still to come */
  uint8_t bytes[SPDY_FRAME_FIXED_BYTES_MAX];
  uint8_t have; /* of `bytes` */
  /* On the stream of a frame with a block; acted on once that is read. */
  struct spdy_verdict verdict;
  struct spdy_stream *data; /* DATA: the stream that gets it, or NULL */
  uint64_t begun_ns;        /* when the frame's first byte arrived; 0 between frames */
};

/* Control frames and header blocks that wait to be sent: spdy/queue.h. */
struct spdy_chunk {
  struct spdy_chunk *next;
  uint32_t size; /* of `bytes` */
  uint32_t from, len;
  uint8_t bytes[];
};

struct spdy_queue {
  struct spdy_chunk *first, *last;
  size_t bytes;
  uint64_t since_ns; /* when it last became not empty */
};

/* Whether the peer is alive: spdy/alive.h. */
struct spdy_alive {
  uint64_t heard_ns; /* when the peer last sent a byte, or we began to read again */
  uint32_t ping_id;  /* of our last PING, if none is answered; 0: none */
  uint64_t left_at;  /* spdy.sent_bytes once what stood ahead of the answer has left; 0: it has */
  uint64_t waits_ns; /* since when its answer is due */
  uint64_t again_ns; /* when the next one is sent */
  bool deaf;         /* we do not read */
};

struct spdy {
  struct http_shared *http;   /* shared with all protocols */
  struct spdy_shared *shared; /* shared with all SPDY sessions */
  const struct handler *handler;
  struct machine_host *host;
  const struct stream_ops *stream_ops; /* for its streams */
  struct spdy_session_config session;
  bool server;
  struct machine_peer peer; /* without its application protocol */
  uint64_t now_ns;          /* of the current machine call, or of the last one */

  struct spdy_reader reader;
  struct spdy_block_reader blocks_in;
  struct spdy_block_writer blocks_out;
  struct spdy_queue queue;
  struct out out;
  uint64_t sent_bytes; /* that the transport has taken */

  uint32_t their_window_bytes; /* their INITIAL_WINDOW_SIZE */
  uint32_t their_streams_max;  /* their MAX_CONCURRENT_STREAMS */
  struct window window;        /* for sending; 3.1 only */
  struct window_credit credit; /* for receiving; 3.1 only */
  uint64_t charged_bytes;      /* of the engine's window budget */
  bool knows_windows;          /* the peer has sent a WINDOW_UPDATE or INITIAL_WINDOW_SIZE */
  bool windowless;             /* it seems to know none: spdy/windows.h */
  uint32_t overfull;           /* streams that are */

  struct idmap streams;
  struct spdy_stream *all;    /* streams that live */
  struct origin *origins;     /* numbered by spdy_stream.origin; NULL while there are none */
  struct spdy_stream *graves; /* streams that have finished and are not freed yet */
  uint32_t active_peer;       /* streams that the peer opened; they count against our limit */
  uint32_t active_own;
  uint32_t receiving;       /* streams whose direction from the peer has not ended */
  uint32_t peer_id_max;     /* highest identifier that the peer has used */
  uint32_t peer_id_handled; /* highest that we have acted on, for GOAWAY */
  uint32_t own_id_next;
  uint32_t ping_id_next;
  uint32_t closed_ids[SPDY_CLOSED_REMEMBERED]; /* the last streams that ended, a ring */
  uint8_t closed_states[SPDY_CLOSED_REMEMBERED];
  uint16_t closed_next;
  uint32_t own_reset_max; /* highest identifier of ours that we reset and have forgotten since */

  struct sched sched;
  struct spdy_stream *probe_queue,
      *probe_queue_tail;            /* bodies to be asked whether they have ended */
  struct spdy_stream *credit_queue; /* streams with credit to return */
  uint32_t room_waits;              /* streams with room_bytes */
  bool kept_due;                    /* a tunnel was accepted */
  struct alarms timers;             /* of streams */

  struct budget glitches, resets, pings, settings, pushes;
  uint32_t empty_data; /* DATA frames in a row without data */
  uint32_t late_free;  /* frames for streams that have ended that are still free of charge */
  struct merit merit;
  struct pause pause; /* base/pause.h */

  struct spdy_alive alive;
  /* Of the PING whose answer tells whether the peer knows windows; 0: none. */
  uint32_t window_ping_id;

  bool begun;       /* the peer has begun with a control frame */
  uint16_t set;     /* a bit for each setting below 16 that the SETTINGS frame at hand has had */
  bool dead;        /* after a session error: nothing more is read */
  bool lost;        /* nothing more is sent, either */
  bool eof;         /* the peer has closed its direction */
  bool goaway_sent; /* newer streams of the peer are ignored */
  bool goaway_received;
  uint32_t goaway_last_id; /* of the peer's GOAWAY: it does not handle our streams above this one */
  uint32_t goaway_code;
  uint64_t opened_ns, idle_since_ns;
  uint64_t stalled_since_ns; /* when output last began to wait for the peer; 0: none waits */
  uint64_t stalled_bytes;    /* bytes that the peer has taken since */
  bool stalled_ended;        /* a direction of ours has ended since */
  uint64_t queued_since_ns;  /* when it began to wait for more than a stream's own window; 0: not */
  uint64_t held_look_ns;     /* when streams are looked at next that their own windows hold back */
  uint64_t tick_ns;          /* when request bodies are looked at next */
  uint64_t farewell_ns;      /* dead: how long our GOAWAY may take */
  bool in_call;              /* a machine call is running */

  const struct spdy_client_events *client; /* client role; may be NULL */
  void *client_ctx;
  bool end_told;    /* client.ended was called */
  bool room_wanted; /* a request was refused because there was no room */
};

static inline size_t spdy_min(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Brings the time when a call comes from outside of the machine's calls: from a handler, say. */
static inline void spdy_call_in(struct spdy *spdy) {
  uint64_t now_ns = http_shared_now_ns(spdy->http);
  if (!spdy->in_call && now_ns > spdy->now_ns) spdy->now_ns = now_ns;
}

#endif
