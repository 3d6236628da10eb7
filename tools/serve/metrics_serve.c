/*
 * serve/metrics_serve.c - see serve/metrics_serve.h.
 */
#include "tools/serve/metrics_serve.h"

#include "tools/serve/listen.h"
#include "tools/serve/worker.h"

int serve_metrics_open(struct server *server) {
  struct io_error error = {0};
  struct listener listener;
  if (!server->config->has_metrics) return EXIT_DONE;
  if (serve_listen(server, &listener, &server->config->metrics, 1, &error))
    server->metrics = metrics_open(&listener, &error);
  return server->metrics ? EXIT_DONE : complain(EXIT_FAILED, "%s", error.text);
}

/* On the metrics' thread. The ring's features are those of the first worker, and do not change. */
static void read_facts(void *ctx, struct metrics_facts *facts) {
  struct server *server = ctx;
  facts->counts = serve_worker_counts(server, server->group);
  facts->requests = tally_requests(&server->tally);
  facts->gauges = tally_gauges(&server->tally);
  facts->workers = server->workers;
  facts->connections_max = (uint64_t)server->links_max * server->workers;
  facts->ring = server->group->chosen.engine;
  facts->features = ring_features(&server->group->workers[0].loop.ring);
}

bool serve_metrics_start(struct server *server, const struct worker_group *group,
                         struct io_error *error) {
  if (!server->metrics) return true;
  server->group = group;
  metrics_set_ready(server->metrics, true); /* the workers run */
  return metrics_start(server->metrics, group->chosen.engine, server->disabled, read_facts, server,
                       error);
}
