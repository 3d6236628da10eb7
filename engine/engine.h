/*
 * engine.h - what the connections of one worker share: configuration, pools, scratch space, the
 * wall clock and counters. One engine a core; no connection ever leaves it.
 *
 * Ownership: embedded by the host; keeps `memory` and `handler` for its whole life.
 */
#ifndef WEIR_ENGINE_H
#define WEIR_ENGINE_H

#include "engine/base/pool.h"
#include "engine/http/handler.h"
#include "engine/sched/head_start.h"
#include "engine/sched/sched.h"

/* What a user may choose; engine_config_default() fills it from base/limits.h. */
struct engine_config {
  uint32_t connections_max;             /* connections of this engine at once */
  uint32_t streams_max;                 /* streams of all connections at once */
  uint32_t concurrent_streams;          /* SETTINGS_MAX_CONCURRENT_STREAMS that we announce */
  uint32_t stream_window_bytes;         /* SETTINGS_INITIAL_WINDOW_SIZE that we announce */
  uint32_t connection_window_bytes;     /* receive window of a new connection */
  uint32_t connection_window_bytes_max; /* that FLOW_AUTO may widen it to */
  uint64_t window_budget_bytes;         /* receive windows of all connections together */
  enum stream_flow flow;                /* who gets credit when: h2/flow.h; not FLOW_DEFAULT */
  uint32_t frame_bytes_max;             /* SETTINGS_MAX_FRAME_SIZE that we announce */
  uint32_t header_list_bytes;           /* SETTINGS_MAX_HEADER_LIST_SIZE that we announce */
  uint32_t header_table_bytes;          /* SETTINGS_HEADER_TABLE_SIZE that we announce, at most
                                           HPACK_TABLE_BYTES_MAX */
  bool connect_protocol;                /* offer extended CONNECT (RFC 8441) to clients */
  bool no_rfc7540_priorities;           /* announce SETTINGS_NO_RFC7540_PRIORITIES (RFC 9218) */
  bool push; /* server: push where client and handler want it; client: accept */
  const struct head_start_rules *head_start; /* kept; NULL: no head starts */
  uint64_t idle_ns;                          /* a connection without streams lives this long */
  uint16_t connection_weight; /* of connections that nobody gave one: machine_host.weight */
};

/* One writer, the engine; readers use counter_get(). H2_CONTROL_BYTES, which only makes us stop
 * reading, is in the host's count of pauses. */
struct engine_counters {
  uint64_t connections_opened, connections_closed;
  uint64_t streams_opened, streams_closed;
  uint64_t requests;  /* handed to the handler */
  uint64_t responses; /* final responses begun */
  uint64_t pushes;    /* promised streams; H2_PUSH* bound them */
  uint64_t resets_received, resets_sent;
  uint64_t goaways_received, goaways_sent;
  uint64_t body_bytes_received, body_bytes_sent;
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
  uint64_t idled;  /* connections closed after H2_IDLE_NS; no fault */
  /* Requests answered 431: H2_HEADER_LIST_BYTES_DEFAULT, H2_HEADER_FIELDS_MAX. */
  uint64_t too_large;
  uint64_t refused; /* connections or streams refused for lack of resources */
};

#define ENGINE_DATE_BYTES 29u /* "Sun, 06 Nov 1994 08:49:37 GMT" */

struct engine {
  const struct memory *memory;
  const struct handler *handler; /* server role; NULL in a pure client */
  struct engine_config config;
  struct engine_counters counters;

  struct sched_memory sched;
  struct pool conns;       /* struct conn: the first bytes of clear-text connections */
  struct pool connections; /* struct h2 */
  struct pool streams;     /* struct h2_stream */
  struct pool sections;    /* header sections that wait to be sent, H2_SECTION_BYTES each */
  struct pool outs;        /* H2_OUT_BYTES each */
  struct pool controls;    /* H2_CONTROL_BYTES each */
  struct pool frames;      /* frames split over two receives, H2_FRAME_BYTES_DEFAULT each */

  /* Scratch for the header section in hand: one is decoded and handled before the next. */
  struct headers headers;
  struct header *fields;
  uint8_t *arena;
  size_t arena_bytes;

  uint64_t window_bytes_charged; /* of config.window_budget_bytes */

  uint64_t sets_numbered; /* struct header_set: the last number given */

  int64_t date_seconds;                   /* of `date` */
  char date[ENGINE_DATE_BYTES];           /* IMF-fixdate, set by engine_set_date() */
  struct header date_field, server_field; /* ready to be sent */
};

struct engine_config engine_config_default(void);

/* False when memory was refused; nothing is held then. */
__attribute__((warn_unused_result)) bool engine_init(struct engine *engine,
                                                     const struct memory *memory,
                                                     const struct engine_config *config,
                                                     const struct handler *handler);

/* Every connection must have been closed (asserted). */
void engine_destroy(struct engine *engine);

/* The wall clock, for the `date` field; to be called about once a second. Seconds since 1970. */
void engine_set_date(struct engine *engine, int64_t unix_seconds);

#endif
