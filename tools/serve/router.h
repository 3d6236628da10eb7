/*
 * serve/router.h - one worker's way from a request to what answers it, by one configuration.
 *
 *     authority -> host -> path -> route -> directory | redirect | answer | the built-in site
 *
 * Names and paths are compared in their normal forms (serve/config/host.h, site/path.h), the same in which files are
 * looked up. Hosts: the exact name, then the longest wildcard, then the default. Routes: the longest path.
 * The rules of the route (serve/rules/rules.h) come first: who has access, how often, and what its responses pass through.
 * Without a host or a route the answer is 404, and the rules of the host, or those at the top, apply. A hidden path gets
 * 404 under the rules of its route.
 *
 * A router lives until its streams have ended: serve/front.h replaces it by the next one.
 */
#ifndef WEIR_TOOLS_SERVE_ROUTER_H
#define WEIR_TOOLS_SERVE_ROUTER_H

#include "engine/http/handler.h"
#include "io/base/error.h"
#include "io/files/counters.h"
#include "tools/serve/config/config.h"

struct loop;
struct rates;
struct router;

struct router_settings {
  struct serve_config *config; /* the router takes a reference */
  const struct memory *memory; /* kept, as is what the next members point to */
  struct loop *loop;
  const int64_t *wall_seconds;
  const struct handler *demo; /* for routes to the built-in site */
  struct files_counters *counters;
  struct jobs_desk *desk;
  struct recode_counters *recoded;
  struct compressor *compressor;
  struct rates *rates;    /* of the worker's clients; NULL in tests */
  uint32_t exchanges_max; /* streams at once */
  size_t cache_bytes_max; /* of all directories together; 0: the default for each, */
  uint32_t reads_max;     /* and here */
  unsigned workers;
  uint16_t https_port; /* where https-only redirects to; 0: nowhere */
  /* For routes without their own. NULL: the engine's, which are those of the first configuration. */
  const struct head_start_rules *head_starts;
};

/* NULL with error->text when a directory cannot be opened or memory was refused. `*note` is set to NULL or to
 * a line to print at startup. */
__attribute__((warn_unused_result)) struct router *
router_create(const struct router_settings *settings, const char **note, struct io_error *error);

/* Its configuration is in force from now on: what it says about connections counts. */
void router_enter(struct router *router);

/* Answers, and counts the stream until router_ended(). */
void router_request(struct router *router, struct stream *stream, const struct request *request,
                    uint64_t now_ns);
void router_ended(struct router *router);

/* Whether it may be destroyed: no stream is left, and nothing is read for one. */
bool router_is_idle(const struct router *router);

/* What its directories hold now, added up. */
struct files_gauges router_gauges(const struct router *router);

/* Gives memory back; about once a second. */
void router_trim(struct router *router, uint64_t now_ns);

/* It must be idle (asserted). NULL is allowed. */
void router_destroy(struct router *router);

/* For tests: the host of a request, or NULL; its route. `path` is in normal form. */
const struct serve_host *router_find_host(const struct serve_config *config, struct span authority);
const struct serve_route *router_find_route(const struct serve_host *host, struct span path);

#endif
