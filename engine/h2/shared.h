/*
 * h2/shared.h - what the HTTP/2 connections of one worker share: configuration, counters, pools,
 * and the window budget. h2_shared_init() of h2/h2.h makes it.
 */
#ifndef WEIR_H2_SHARED_H
#define WEIR_H2_SHARED_H

#include "engine/http/shared.h"
#include "engine/sched/head_start.h"
#include "engine/sched/sched.h"

/* A client's windows are its own choice. The sum of two such budgets does not overflow. */
#define H2_WINDOW_BUDGET_NONE (UINT64_MAX / 2)

/* The user's choices; h2_config_default() fills them in from h2/limits.h, base/limits.h. */
struct h2_config {
  uint32_t streams_max;                 /* of all connections at once */
  uint32_t concurrent_streams;          /* we announce it as SETTINGS_MAX_CONCURRENT_STREAMS */
  uint32_t stream_window_bytes;         /* we announce it as SETTINGS_INITIAL_WINDOW_SIZE */
  uint32_t connection_window_bytes;     /* receive window of a connection with a body to receive */
  uint32_t connection_window_bytes_max; /* to which FLOW_AUTO may widen it */
  uint64_t window_budget_bytes;         /* for the receive windows of all connections together, or
                                           H2_WINDOW_BUDGET_NONE */
  enum stream_flow flow;                /* when the peer gets credit: h2/flow.h; not FLOW_DEFAULT */
  uint32_t frame_bytes_max;             /* we announce it as SETTINGS_MAX_FRAME_SIZE */
  uint32_t header_table_bytes;          /* we announce it as SETTINGS_HEADER_TABLE_SIZE; at most
                                           HPACK_TABLE_BYTES_MAX */
  uint32_t encoder_table_bytes;         /* we use at most so much of the peer's table */
  bool connect_protocol;      /* offer clients extended CONNECT (RFC 8441) for any protocol;
                                           a handler that names protocols offers it for those */
  bool no_rfc7540_priorities; /* announce SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218) */
  bool push; /* server: push if client and handler want it; client: accept pushes */
  const struct head_start_rules *head_start; /* kept; NULL: no head starts */
  uint64_t preface_ns; /* how long the peer may take for its preface and SETTINGS */
  /* Of a request's body: the least rate, the longest silence, and that of a conversation, where both
   * sides may be silent for long (a body of unknown length, and an answer that has begun). */
  uint32_t body_bytes_per_second_min; /* 0: none */
  uint64_t body_idle_ns;
  uint64_t conversation_idle_ns;
};

/* The worker writes them; readers use counter_get(). H2_CONTROL_BYTES only makes us stop reading:
 * the host counts those pauses. */
struct h2_counters {
  uint64_t pushes; /* promised streams; bounded by PEER_PUSH* */
  uint64_t resets_received, resets_sent;
  uint64_t goaways_received, goaways_sent;
  /* What is charged to budgets; base/limits.h has the size of each and the reason. */
  uint64_t charged_resets;      /* PEER_RESET_*: streams that ended because of the peer */
  uint64_t charged_pings;       /* PEER_PING_*, unless PEER_EARNED_* pays */
  uint64_t charged_settings;    /* PEER_SETTINGS_*, likewise */
  uint64_t glitches;            /* PEER_GLITCH_*: useless frames, of these kinds: */
  uint64_t glitches_data;       /* PEER_EMPTY_DATA_FREE */
  uint64_t glitches_updates;    /* PEER_UPDATES_FREE* */
  uint64_t glitches_priorities; /* H2_PRIORITIES_FREE*, and more than sched/sched.h keeps */
  uint64_t glitches_unknown;    /* frame types */
  uint64_t glitches_refused;    /* PEER_CONCURRENT_STREAMS_DEFAULT, lack of resources */
  uint64_t glitches_late;       /* frames for streams that have ended */
  uint64_t glitches_goaways;    /* GOAWAY after GOAWAY */
  uint64_t slowed;              /* times that a connection began to use up one of these */
  uint64_t pauses; /* of their reading, PEER_PAUSE_NS each; also for PEER_UPDATES_SMALL_* */
  uint64_t calmed; /* connections ended with ENHANCE_YOUR_CALM (PEER_SLOWED_NS), by: */
  uint64_t calmed_resets, calmed_glitches, calmed_pings;
  uint64_t calmed_settings;    /* also H2_SETTINGS_ENTRIES_MAX */
  uint64_t calmed_headers;     /* PEER_HEADER_BLOCK_BYTES_MAX, H2_CONTINUATION_FRAMES_MAX,
                                  HPACK_LIST_* */
  uint64_t failed;             /* connections ended by other errors of the peer, among them: */
  uint64_t failed_compression; /* HPACK_INTEGER_*, HPACK_SIZE_UPDATES_MAX, and invalid blocks */
  uint64_t timeouts;           /* connections or streams ended by a deadline, of these kinds: */
  uint64_t timeouts_preface, timeouts_settings; /* preface_ns, H2_SETTINGS_ACK_NS */
  uint64_t timeouts_frames;                     /* PEER_HEADER_BLOCK_NS */
  uint64_t timeouts_replies;                    /* PEER_CONTROL_STALL_NS */
  uint64_t timeouts_output; /* PEER_SEND_STALL_NS, PEER_SEND_BYTES_PER_SECOND_MIN; streams by
                               PEER_HELD_NS, PEER_SCARCE_PART */
  uint64_t timeouts_bodies; /* PEER_BODY_*, PEER_STREAM_IDLE_NS: streams */
  uint64_t hushed;          /* PEER_LINGER_*: requests cut short after they had been answered */
};

struct h2_shared {
  struct http_shared *http;
  struct h2_config config;
  struct h2_counters counters;

  struct sched_memory sched;
  struct pool connections; /* struct h2 */
  uint32_t resting;        /* connections that are in none of them: h2/rest.h */
  struct pool streams;     /* struct h2_stream */
  struct pool sections;    /* header sections that are to be sent, H2_SECTION_BYTES each */
  struct pool outs;        /* OUT_OBJECT_BYTES each */
  struct pool controls;    /* H2_CONTROL_BYTES each */
  struct pool frames;      /* frames split over receives, H2_FRAME_BYTES_DEFAULT each */

  uint64_t window_bytes_charged; /* of config.window_budget_bytes */
  uint64_t sets_numbered;        /* the last number that a set of fields was given */
};

/* How many connections there are, those at rest among them. */
static inline uint32_t h2_shared_connections(const struct h2_shared *shared) {
  return shared->connections.taken + shared->resting;
}

#endif
