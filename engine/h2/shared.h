/*
 * h2/shared.h - what the HTTP/2 connections of one worker share: configuration, counters, pools,
 * and the budget of their windows. Made by h2_shared_init() of h2/h2.h.
 */
#ifndef WEIR_H2_SHARED_H
#define WEIR_H2_SHARED_H

#include "engine/http/shared.h"
#include "engine/sched/head_start.h"
#include "engine/sched/sched.h"

/* What a user may choose; h2_config_default() fills it from base/limits.h. */
struct h2_config {
  uint32_t streams_max;                 /* streams of all connections at once */
  uint32_t concurrent_streams;          /* SETTINGS_MAX_CONCURRENT_STREAMS that we announce */
  uint32_t stream_window_bytes;         /* SETTINGS_INITIAL_WINDOW_SIZE that we announce */
  uint32_t connection_window_bytes;     /* receive window of a new connection */
  uint32_t connection_window_bytes_max; /* that FLOW_AUTO may widen it to */
  uint64_t window_budget_bytes;         /* receive windows of all connections together */
  enum stream_flow flow;                /* who gets credit when: h2/flow.h; not FLOW_DEFAULT */
  uint32_t frame_bytes_max;             /* SETTINGS_MAX_FRAME_SIZE that we announce */
  uint32_t header_table_bytes;          /* SETTINGS_HEADER_TABLE_SIZE that we announce, at most
                                           HPACK_TABLE_BYTES_MAX */
  bool connect_protocol;                /* offer extended CONNECT (RFC 8441) to clients */
  bool no_rfc7540_priorities;           /* announce SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218) */
  bool push; /* server: push where client and handler want it; client: accept */
  const struct head_start_rules *head_start; /* kept; NULL: no head starts */
};

/* One writer, the worker; readers use counter_get(). H2_CONTROL_BYTES, which only makes us stop
 * reading, is in the host's count of pauses. */
struct h2_counters {
  uint64_t pushes; /* promised streams; H2_PUSH* bound them */
  uint64_t resets_received, resets_sent;
  uint64_t goaways_received, goaways_sent;
  /* What budgets are charged for; base/limits.h has each one's size and reason. */
  uint64_t charged_resets;                  /* H2_RESET_*: streams that ended by the peer's doing */
  uint64_t charged_pings, charged_settings; /* H2_PING_*, H2_SETTINGS_* */
  uint64_t glitches;                        /* H2_GLITCH_*: useless frames, of these kinds: */
  uint64_t glitches_data;                   /* H2_EMPTY_DATA_FREE */
  uint64_t glitches_updates;                /* H2_UPDATES_FREE* */
  uint64_t glitches_priorities; /* H2_PRIORITIES_FREE*, and more than sched/sched.h keeps */
  uint64_t glitches_unknown;    /* frame types */
  uint64_t glitches_refused;    /* H2_CONCURRENT_STREAMS_DEFAULT, lack of resources */
  uint64_t glitches_late;       /* frames for streams that have ended */
  uint64_t glitches_goaways;    /* GOAWAY after GOAWAY */
  uint64_t calmed;              /* connections ended with ENHANCE_YOUR_CALM, by: */
  uint64_t calmed_resets, calmed_glitches, calmed_pings;
  uint64_t calmed_settings; /* also H2_SETTINGS_ENTRIES_MAX */
  uint64_t calmed_headers; /* H2_HEADER_BLOCK_BYTES_MAX, H2_CONTINUATION_FRAMES_MAX, HPACK_LIST_* */
  uint64_t failed;         /* connections ended with any other error of the peer's, of these: */
  uint64_t failed_compression; /* HPACK_INTEGER_*, HPACK_SIZE_UPDATES_MAX, and plain nonsense */
  uint64_t timeouts;           /* connections or streams ended by a deadline, of these kinds: */
  uint64_t timeouts_preface, timeouts_settings; /* H2_PREFACE_NS, H2_SETTINGS_ACK_NS */
  uint64_t timeouts_frames;                     /* H2_HEADER_BLOCK_NS */
  uint64_t timeouts_replies;                    /* H2_CONTROL_STALL_NS */
  uint64_t timeouts_output;                     /* H2_SEND_STALL_NS, H2_SEND_BYTES_PER_SECOND_MIN */
  uint64_t timeouts_bodies;                     /* H2_BODY_*, H2_STREAM_IDLE_NS: streams */
  uint64_t hushed; /* H2_LINGER_*: requests answered before their end, and then cut short */
};

struct h2_shared {
  struct http_shared *http;
  struct h2_config config;
  struct h2_counters counters;

  struct sched_memory sched;
  struct pool connections; /* struct h2 */
  struct pool streams;     /* struct h2_stream */
  struct pool sections;    /* header sections that wait to be sent, H2_SECTION_BYTES each */
  struct pool outs;        /* H2_OUT_OBJECT_BYTES each */
  struct pool controls;    /* H2_CONTROL_BYTES each */
  struct pool frames;      /* frames split over two receives, H2_FRAME_BYTES_DEFAULT each */

  uint64_t window_bytes_charged; /* of config.window_budget_bytes */
  uint64_t sets_numbered;        /* struct header_set: the last number given */
};

#endif
