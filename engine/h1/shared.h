/*
 * h1/shared.h - what the HTTP/1.1 connections of one worker share: configuration, counters and pools.
 * h1_shared_init() of h1/h1.h makes it.
 */
#ifndef WEIR_H1_SHARED_H
#define WEIR_H1_SHARED_H

#include "engine/h1/limits.h"
#include "engine/h1/request_memo.h"
#include "engine/h1/response_memo.h"
#include "engine/h1/section_memo.h"
#include "engine/http/shared.h"

/* The user's choices; h1_config_default() fills them in from h1/limits.h, base/limits.h. */
struct h1_config {
  uint32_t streams_max;        /* of all connections at once, */
  uint32_t concurrent_streams; /* and of one: see H1_AHEAD_MAX */
  uint32_t window_bytes; /* of a request's body that a handler may hold and not have consumed */
  uint64_t window_budget_bytes; /* for these windows of all connections together */
  enum stream_flow flow;        /* FLOW_CONSUME and FLOW_AUTO: reading stops when a window is full;
                                   others trust the handler to keep up; not FLOW_DEFAULT */
  /* As those of struct h2_config. */
  uint32_t body_bytes_per_second_min; /* 0: none */
  uint64_t body_idle_ns;
  uint64_t conversation_idle_ns;
  /* As PEER_SEND_STALL_NS: a peer that takes little for so long is given up. */
  uint64_t send_stall_ns;
  /* Of output that waits for the transport: OUT_BYTES, or more for tunnels, which fill it. */
  uint32_t out_bytes;
};

/* The worker writes them; readers use counter_get(). */
struct h1_counters {
  uint64_t ahead;         /* requests that arrived before the one ahead was answered */
  uint64_t tunnels;       /* that were made by `upgrade` */
  uint64_t upgrades;      /* connections that went on in HTTP/2 or SPDY */
  uint64_t refused_heads; /* answered 4xx or 5xx by the engine, by: */
  /* 400, 411, 417: H1_EMPTY_LINES_MAX, H1_CONNECTION_OPTIONS_MAX, H1_CHUNK_*, grammar. */
  uint64_t refused_syntax;
  uint64_t refused_size;    /* 414, 431, 501: H1_TARGET_BYTES_MAX, H1_METHOD_BYTES_MAX, fields */
  uint64_t refused_version; /* 505 */
  uint64_t charged_chunks;  /* H1_CHUNK_SMALL_*: chunks with little in them */
  uint64_t calmed_chunks;   /* connections that ended for too many of them */
  uint64_t timeouts;        /* connections or requests ended by a deadline, of these kinds: */
  uint64_t timeouts_heads;  /* PEER_HEADER_BLOCK_NS, PEER_PREFACE_NS */
  uint64_t timeouts_output; /* PEER_SEND_STALL_NS, PEER_SEND_BYTES_PER_SECOND_MIN */
  uint64_t timeouts_bodies; /* PEER_BODY_*, PEER_STREAM_IDLE_NS */
  /* H1_LINGER_*: connections that ended because a request went on after its answer. */
  uint64_t hushed;
};

/* What the head of a request says besides its text. */
struct h1_request_facts {
  int64_t length; /* content-length; -1: not given */
  bool chunked;
  bool head, connect; /* the method */
};

/* The last text of a set of fields: h1/head_memo.h. */
struct h1_head_memo {
  uint64_t number; /* of the set; 0: none has this place */
  uint64_t key;    /* what the engine added */
  int64_t date_seconds;
  struct h1_request_facts request;
  uint16_t len; /* 0: no text */
  uint8_t bytes[H1_HEAD_MEMO_BYTES];
};

struct h1_shared {
  struct http_shared *http;
  struct h1_config config;
  struct h1_counters counters;

  struct pool connections; /* struct h1 */
  struct pool streams;     /* struct h1_stream */
  struct pool texts;       /* heads that are to be sent, H1_TEXT_BYTES each */
  struct pool gathers;     /* heads that arrive in pieces, H1_GATHER_BYTES each */
  struct pool outs;        /* with config.out_bytes each */

  uint64_t uploads; /* requests whose body is incomplete */

  struct h1_head_memo heads[H1_HEAD_MEMOS];
  uint64_t sets_numbered;             /* header_set.number: the last that was given */
  struct h1_response_memos responses; /* client role */
  struct h1_section_memo *sections;   /* server role: H1_SECTION_MEMOS, or NULL */
  struct h1_request_memos requests;   /* and whole requests */
};

#endif
