/*
 * spdy/shared.h - what the SPDY sessions of one worker share: configuration, counters and pools; and what a
 * session is told when it is made. spdy_shared_init() of spdy/spdy.h makes it.
 */
#ifndef WEIR_SPDY_SHARED_H
#define WEIR_SPDY_SHARED_H

#include "engine/http/shared.h"
#include "engine/sched/sched.h"
#include "engine/spdy/block.h"

/* The user's choices; spdy_config_default() fills them in from base/limits.h. */
struct spdy_config {
  bool server;                   /* conn.c speaks SPDY with clients that want it */
  uint32_t streams_max;          /* of all sessions at once */
  uint32_t concurrent_streams;   /* we announce it as MAX_CONCURRENT_STREAMS */
  uint32_t stream_window_bytes;  /* we announce it as INITIAL_WINDOW_SIZE */
  uint32_t session_window_bytes; /* of a session with a body to receive; 3.1 only */
  uint64_t window_budget_bytes;  /* for the session windows of all sessions together */
  bool push;                     /* server: push if the handler wants it; client: accept pushes */
  /* Of a request's body, as in struct h2_config. */
  uint32_t body_bytes_per_second_min; /* 0: none */
  uint64_t body_idle_ns;
  uint64_t conversation_idle_ns;
};

enum spdy_minor {
  SPDY_3_1,
  SPDY_3
}; /* both say version 3 on the wire; SPDY_3 has no session window */

enum spdy_windows {
  SPDY_WINDOWS_ON,
  /* The peer may be one that knows no windows: what it sends breaks none of ours. And when ours for
   * sending are used up and it has sent neither a WINDOW_UPDATE nor an INITIAL_WINDOW_SIZE, it gets
   * a PING; if it answers and still has sent none, its windows are unlimited from then on. */
  SPDY_WINDOWS_DETECT,
};

/* The name of the protocol of raw streams, in request.protocol. */
#define SPDY_RAW_PROTOCOL "spdy/3.1"

/* One session. Copied by spdy_server() and spdy_client(). */
struct spdy_session_config {
  enum spdy_minor minor;
  bool raw; /* streams carry no HTTP: fields are as on the wire, and none is required */
  enum spdy_windows windows;
  /* After so long without a byte from the peer it gets a PING; if it stays silent for as long
   * again, the session is lost. 0: never. */
  uint64_t ping_ns;
  bool patient;                  /* it is not lost while output waits: spdy/alive.h */
  const struct handler *handler; /* kept. Server: NULL means the engine's own. Client: not used */
};

/* The worker writes them; readers use counter_get(). */
struct spdy_counters {
  uint64_t sessions; /* that were made, in either role */
  uint64_t tunnels;  /* streams that stream_tunnel() accepted */
  uint64_t pushes;   /* bounded by PEER_PUSH* */
  uint64_t resets_received, resets_sent;
  uint64_t goaways_received, goaways_sent;
  uint64_t windowless;    /* peers that turned out to know no windows */
  uint64_t dropped_bytes; /* DATA for streams that had ended */
  uint64_t held; /* times that reading stopped: SPDY_STREAM_HELD_BYTES_MAX, SPDY_QUEUE_BYTES_MAX */
  /* What is charged to budgets; base/limits.h has the size of each and the reason. */
  uint64_t charged_resets;                  /* PEER_RESET_* */
  uint64_t charged_pings, charged_settings; /* PEER_PING_*, PEER_SETTINGS_* */
  uint64_t glitches;                        /* PEER_GLITCH_*: useless frames, of these kinds: */
  uint64_t glitches_data;                   /* PEER_EMPTY_DATA_FREE */
  uint64_t glitches_updates;                /* PEER_UPDATES_FREE* */
  uint64_t glitches_unknown;                /* frame types */
  uint64_t glitches_refused;                /* PEER_CONCURRENT_STREAMS_DEFAULT, lack of resources */
  uint64_t glitches_late;                   /* frames for streams that have ended */
  uint64_t glitches_goaways;                /* GOAWAY after GOAWAY */
  uint64_t slowed;                          /* times that a session began to use up one of these */
  uint64_t pauses;                          /* of their reading, PEER_PAUSE_NS each */
  uint64_t calmed;                          /* sessions that ended for it (PEER_SLOWED_NS), by: */
  uint64_t calmed_resets, calmed_glitches, calmed_pings;
  uint64_t calmed_settings;    /* also H2_SETTINGS_ENTRIES_MAX */
  uint64_t calmed_headers;     /* header blocks that are too large even to be thrown away */
  uint64_t failed;             /* sessions ended by other errors of the peer, among them: */
  uint64_t failed_compression; /* corrupt zlib */
  uint64_t timeouts;           /* sessions or streams ended by a deadline, of these kinds: */
  uint64_t timeouts_frames;    /* PEER_PREFACE_NS, PEER_HEADER_BLOCK_NS */
  uint64_t timeouts_replies;   /* PEER_CONTROL_STALL_NS */
  uint64_t timeouts_output; /* PEER_SEND_STALL_NS, PEER_SEND_BYTES_PER_SECOND_MIN, PEER_HELD_NS */
  uint64_t timeouts_bodies; /* PEER_BODY_*, PEER_STREAM_IDLE_NS: streams */
  uint64_t lost;   /* sessions whose peer did not answer PING: spdy_session_config.ping_ns */
  uint64_t hushed; /* PEER_LINGER_*: requests cut short after they had been answered */
};

struct spdy_shared {
  struct http_shared *http;
  struct spdy_config config;
  struct spdy_counters counters;

  struct pool sessions; /* struct spdy */
  struct pool streams;  /* struct spdy_stream */
  struct pool outs;     /* OUT_OBJECT_BYTES each */
  struct pool chunks;   /* of frames that wait to be sent, SPDY_CHUNK_BYTES each */

  struct spdy_scratch scratch;   /* for inflated header blocks; made for the first session */
  uint64_t window_bytes_charged; /* of config.window_budget_bytes */
};

#endif
