/*
 * serve/front.c - see serve/front.h.
 *
 * A stream remembers its router in stream->route, from request() to ended(). What the engine answers by itself has
 * none.
 */
#include "tools/serve/front.h"

#include <stdlib.h>

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  struct front *front = ctx;
  stream->route = front->current;
  router_request(front->current, stream, request, now_ns);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  (void)ctx;
  (void)facts;
  if (stream->route) router_ended(stream->route);
}

void front_init(struct front *front, struct router *router, const char *const *protocols) {
  *front = (struct front){
      .handler = {.ctx = front, .request = on_request, .protocols = protocols, .ended = on_ended},
      .current = router};
  router_enter(router);
}

bool front_prepare(struct front *front, struct router *next) {
  front_forget(front);
  front->room = malloc(sizeof *front->room);
  if (front->room)
    front->next = next;
  else
    router_destroy(next);
  return front->room;
}

static void sweep(struct front *front) {
  for (struct front_retired **at = &front->retired; *at;) {
    struct front_retired *retired = *at;
    if (!router_is_idle(retired->router)) {
      at = &retired->before;
      continue;
    }
    *at = retired->before;
    router_destroy(retired->router);
    free(retired);
  }
}

void front_swap(struct front *front) {
  if (!front->next) return;
  *front->room = (struct front_retired){.router = front->current, .before = front->retired};
  front->retired = front->room;
  front->current = front->next;
  front->next = NULL;
  front->room = NULL;
  router_enter(front->current);
  sweep(front);
}

void front_forget(struct front *front) {
  router_destroy(front->next);
  free(front->room);
  front->next = NULL;
  front->room = NULL;
}

void front_second(struct front *front, uint64_t now_ns) {
  sweep(front);
  for (struct front_retired *at = front->retired; at; at = at->before)
    router_trim(at->router, now_ns);
  router_trim(front->current, now_ns);
}

void front_destroy(struct front *front) {
  front_forget(front);
  while (front->retired) {
    struct front_retired *retired = front->retired;
    front->retired = retired->before;
    router_destroy(retired->router);
    free(retired);
  }
  router_destroy(front->current);
}
