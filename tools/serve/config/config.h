/*
 * serve/config/config.h - what `weir serve` was told to do, by its command line or by a file.
 *
 * A configuration is made from a document (serve/config/make.h) and never changes. Workers that serve
 * by it hold references. All texts live in its arena.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_CONFIG_H
#define WEIR_TOOLS_SERVE_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/http/stream.h"
#include "engine/sched/head_start.h"
#include "io/base/address.h"
#include "io/ring/choice.h"
#include "tools/serve/config/document.h"
#include "tools/serve/config/weight.h"
#include "tools/serve/limits.h"
#include "tools/serve/log/line.h"
#include "tools/serve/rules/rate.h"

struct serve_hints;
struct serve_rules;

struct serve_listener {
  struct address address;
  bool secure;
  uint16_t weight; /* of its connections; 0: the engine's default */
  bool optional;   /* the IPv6 address of "localhost": it may be missing */
};

struct serve_certificate {
  const char *certificate, *key; /* files */
};

enum serve_action { SERVE_DEMO, SERVE_DIRECTORY, SERVE_REDIRECT, SERVE_ANSWER };

struct serve_route {
  const struct config_part *part; /* where it was written */
  struct span path;               /* normal form: as site/path.h writes it */
  struct span site_path;          /* where its directory lies: there, or where its host's does */
  unsigned index;                 /* among all routes of the configuration */
  enum serve_action action;
  bool rest; /* it is in no file: it answers 404 where no other route is */
  bool demo;
  const char *directory;     /* of SERVE_DIRECTORY */
  const char *redirect;      /* of SERVE_REDIRECT: where to */
  const char *answer;        /* of SERVE_ANSWER: the body */
  const char *answer_type;   /* its content-type */
  unsigned status;           /* of a redirect or an answer */
  bool https_only;           /* requests in clear text are redirected to https */
  const char *cache_control; /* or NULL */
  const char *push_manifest; /* or NULL */
  bool compress;             /* files, on the fly */
  const char **preloads;     /* PAGE=RESOURCE */
  unsigned preload_count;
  struct serve_hints *hints; /* the preloads; owned. NULL: no directory */
  /* The route's own, its host's, and all others; NULL: the server's. */
  struct head_start_rules *head_starts;
  bool narrow_head_starts;   /* some are its own or its host's */
  bool listing;              /* of rules->site */
  struct serve_rules *rules; /* serve/rules/rules.h */
};

struct serve_host {
  const struct config_part *part;
  const char *name;           /* as written, of several the first; "default" */
  struct serve_route *routes; /* longest path first */
  unsigned route_count;
  struct serve_route rest; /* where none of them is; `rules` is NULL if one is "/" */
};

/* A name that leads to a host. */
struct serve_name {
  struct span name; /* normal form; without "*." */
  struct place place;
  const struct serve_host *host;
};

struct serve_names {
  struct serve_name *at; /* sorted bytewise, no name twice */
  unsigned count;
};

struct serve_config {
  struct config_document document; /* with the arena */
  unsigned references;             /* atomic */

  struct serve_listener listeners[SERVE_LISTENERS_MAX];
  unsigned listener_count;
  bool default_listeners; /* nothing says where to listen */
  struct serve_certificate *certificates;
  unsigned certificate_count;
  const char *ciphers, *groups; /* in OpenSSL's names; NULL: OpenSSL's or the system's */
  const char *client_ca;        /* PEM file: clients must show a certificate of these; or NULL */
  const char *key_log;          /* a file for TLS's secrets, or NULL */
  bool client_optional;         /* or none */
  const char *ticket_keys;      /* a file, or NULL: they are made in memory */

  struct serve_host *hosts;
  unsigned host_count, route_count;
  struct serve_names exact, wildcards;
  const struct serve_host *any; /* "default"; NULL: other names get `rest` */
  struct serve_route rest;

  unsigned workers;                    /* 0: one per available core */
  unsigned connections;                /* concurrent, all workers; 0: as descriptors allow */
  unsigned concurrent_streams;         /* 0: the engine's default */
  enum stream_flow flow;               /* FLOW_DEFAULT: the engine's default */
  unsigned window_bytes;               /* of a stream; 0: the engine's default */
  struct head_start_rules head_starts; /* those given, then the default */
  struct serve_weights weights;        /* of clients' networks */
  struct rate_limit connection_rate;   /* of a client */
  unsigned connections_per_client;     /* open at once, on each worker; 0: any number */
  unsigned idle_seconds;               /* 0: the engine's default */
  unsigned drain_seconds;
  const char *user;           /* NAME[:GROUP] to become, or NULL */
  const char *access_log;     /* or NULL */
  const char *record;         /* a file of requests, or NULL */
  bool record_secrets;        /* with all their fields */
  enum log_format log_format; /* of the access log's lines */
  bool has_metrics;
  struct address metrics; /* where they are shown */
  bool push;
  bool spdy;               /* speak SPDY/3.1, too */
  bool rfc7540_priorities; /* otherwise only RFC 9218 counts */
  enum ring_choice ring;   /* of all workers */
  bool verbose;
};

struct serve_config *config_retain(struct serve_config *config);

/* NULL is allowed. */
void config_release(struct serve_config *config);

/* Whether a certificate is needed. */
bool config_is_secure(const struct serve_config *config);

/* The only route, when that is all there is: of any host, for every path. NULL otherwise. */
const struct serve_route *config_only_route(const struct serve_config *config);

#endif
