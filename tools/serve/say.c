/*
 * serve/say.c - see serve/say.h.
 */
#include "tools/serve/say.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/common/ring.h"
#include "tools/common/version.h"
#include "tools/serve/metrics/counters.h"
#include "tools/serve/worker.h"

void serve_say_listener(const struct server *server, unsigned slot, const char *what) {
  const struct serve_listener *wanted = &server->slots[slot];
  bool listening = server->listening[slot];
  char text[ADDRESS_TEXT_BYTES];
  address_format(listening ? &server->listeners[slot].address : &wanted->address, text);
  if (listening)
    say("%s %s://%s", what, wanted->secure ? "https" : "http", text);
  else
    say("not listening on %s: IPv6 is not available", text);
}

static void print_listeners(const struct server *server) {
  for (unsigned i = 0; i < SERVE_SLOTS_MAX; i++)
    if (server->used[i]) serve_say_listener(server, i, "listening on");
  if (server->metrics) {
    char text[ADDRESS_TEXT_BYTES];
    say("metrics on http://%s/metrics", address_format(metrics_address(server->metrics), text));
  }
  serve_tls_print(&server->tls);
}

static void print_features(const struct server *server, const struct uring *uring) {
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++) {
    unsigned feature = 1u << i;
    const char *name = uring_feature_name(feature);
    if (uring->features & feature) {
      if (server->config->verbose) say("io_uring: %s in use", name);
      continue;
    }
    say("io_uring: %s %s: %s", name,
        uring->disabled & feature ? "is disabled" : "is not in this kernel",
        uring_feature_fallback(feature));
  }
}

static void print_memory(const struct server *server) {
  const struct serve_memory *memory = &server->memory;
  const uint64_t kib = 1024;
  if (!server->config->verbose) return;
  if (memory->limit_bytes == 0) {
    say("memory: no cgroup limits it");
    return;
  }
  say("memory: the cgroup allows %llu KiB; each worker takes up to %u connections, %u streams, "
      "%llu "
      "KiB of request bodies, %zu KiB of cached files, %u file reads of %u KiB, %u receive buffers "
      "of %u KiB, and keeps %llu KiB of input",
      (unsigned long long)(memory->limit_bytes / kib), server->links_max, memory->streams,
      (unsigned long long)(memory->window_bytes / kib), memory->cache_bytes / kib, memory->reads,
      FILES_READ_BYTES / 1024u, memory->buffers, IO_BUFFER_BYTES / 1024u,
      (unsigned long long)(memory->keep_bytes / kib));
}

/* What is served, in a few words. */
static const char *serving(const struct serve_config *config, char *out, size_t size) {
  const struct serve_route *only = config_only_route(config);
  if (only && only->action == SERVE_DEMO) return "its built-in site";
  if (only && only->action == SERVE_DIRECTORY) return only->directory;
  snprintf(out, size, "%u route%s of %u host%s", config->route_count,
           config->route_count == 1 ? "" : "s", config->host_count,
           config->host_count == 1 ? "" : "s");
  return out;
}

void serve_say_start(const struct server *server, const struct worker_group *group) {
  const struct serve_worker *first = group->workers[0].user;
  char what[128], ring[RING_TEXT_BYTES];
  say("weir " WEIR_VERSION " serving %s with %u worker%s on %s",
      serving(server->config, what, sizeof what), server->workers, server->workers == 1 ? "" : "s",
      ring_text(&group->chosen, ring));
  if (group->chosen.engine == RING_IO_URING)
    print_features(server, &group->workers[0].loop.ring.uring);
  print_memory(server);
  if (first && first->note) say("%s", first->note);
  print_listeners(server);
}

void serve_say_end(const struct server *server, const struct worker_group *group) {
  if (!server->config->verbose) return;
  struct loop_counters all = worker_group_counters(group);
  say("served %llu connections, %llu bytes in, %llu bytes out",
      (unsigned long long)all.links_accepted, (unsigned long long)all.recv_bytes,
      (unsigned long long)all.send_bytes);
}

void serve_say_counters(struct server *server, const struct worker_group *group) {
  struct serve_counts counts = serve_worker_counts(server, group);
  serve_counters_say(STDERR_FILENO, &counts);
}

static void tell_mistake(void *ctx, const char *line) {
  (void)ctx;
  complain(EXIT_FAILED, "%s", line);
}

void serve_tell_mistakes(struct mistakes *mistakes, const char *file) {
  mistakes_sort(mistakes);
  if (file)
    mistakes_tell(mistakes, file, tell_mistake, NULL);
  else if (mistakes->count > 0)
    complain(EXIT_FAILED, "%s", mistakes->at[0].text);
}
