/*
 * http/stream.c - what a handler calls, passed on to the protocol that carries the stream. stream_respond() and
 * stream_respond_set() are in http/answer_filter.c.
 */
#include "engine/http/stream.h"

bool stream_inform(struct stream *stream, unsigned status, const struct header *fields,
                   size_t count) {
  return stream->ops->inform(stream, status, fields, count);
}

bool stream_tunnel(struct stream *stream, const struct header *fields, size_t count,
                   struct body body) {
  return stream->ops->tunnel(stream, fields, count, body);
}

bool stream_trailers(struct stream *stream, const struct header *fields, size_t count) {
  return stream->ops->trailers(stream, fields, count);
}

struct stream *stream_push(struct stream *stream, const struct header *fields, size_t count) {
  return stream->ops->push(stream, fields, count);
}

void stream_resume(struct stream *stream) {
  stream->ops->resume(stream);
}

void stream_consume(struct stream *stream, size_t bytes) {
  stream->ops->consume(stream, bytes);
}

void stream_cap(struct stream *stream, uint64_t total_bytes) {
  stream->ops->cap(stream, total_bytes);
}

void stream_timer(struct stream *stream, uint64_t deadline_ns) {
  stream->ops->timer(stream, deadline_ns);
}

uint64_t stream_now_ns(const struct stream *stream) {
  return stream->ops->now_ns(stream);
}

void stream_reset(struct stream *stream, uint32_t error_code) {
  stream->ops->reset(stream, error_code);
}

void stream_head_start(struct stream *stream, uint64_t first_bytes) {
  stream->ops->head_start(stream, first_bytes);
}

void stream_head_start_rules(struct stream *stream, const struct head_start_rules *rules,
                             struct span path) {
  if (stream->ops->head_start_rules) stream->ops->head_start_rules(stream, rules, path);
}

void stream_weigh_connection(struct stream *stream, unsigned weight) {
  stream->ops->weigh(stream, weight);
}
