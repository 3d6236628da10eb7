/*
 * http/answer_filter.h - a hook between a handler and the protocol that carries its stream: it sees each final
 * response and may replace status, fields and body.
 * Spec: none; what it passes on obeys http/stream.h.
 *
 * Whoever calls a handler may set stream->filter first: a router, say, for the rules of a route. A response then
 * goes through a chain:
 *
 *     stream_respond() --> filter --answer_filter_pass()--> filter->next --> ... --> the protocol
 *
 * Each filter passes the response on once, or answers for it later, with answer_filter_pass() too. So new fields
 * and texts may live on the filter's stack: what follows copies them. A filter that wraps the body gives a body of
 * its own, which closes the handler's when it is closed; the handler's stream_resume() wakes the outer one. What it
 * makes of the bytes is its own: it sets the chunk's `loans` to NULL where it does not lend the handler's bytes on.
 *
 * Not filtered: informational responses, tunnels, and what the engine answers by itself. What breaks the contract
 * of stream_respond() goes past the filters, to the protocol, which refuses it. HEAD, 204 and 304: the protocol
 * closes the body unread, whatever the filters gave.
 *
 * Ownership: the setter keeps the chain until handler.ended(). Filters are not changed while they are in use, so
 * the streams of all cores may share one; what a filter has to know of one request is in stream->filter_note.
 * Cost: without a filter one test of a pointer.
 */
#ifndef WEIR_ANSWER_FILTER_H
#define WEIR_ANSWER_FILTER_H

#include "engine/http/stream.h"

/* A final response on its way. Borrowed by the filter, which may change every member. */
struct response {
  unsigned status;
  const struct header *fields; /* borrowed */
  size_t count;
  /* The handler gave these fields as a set (stream_respond_set()), and they are unchanged: the protocol then
   * remembers what it worked out about them. A filter that changes `fields` or `count` sets it to NULL. */
  struct header_set *set;
  struct body body; /* taken: passed on, or closed */
};

struct answer_filter {
  /* As stream_respond(): takes the body in every case; false when resources were refused. */
  bool (*respond)(const struct answer_filter *filter, struct stream *stream,
                  struct response *response);
  const struct answer_filter *next; /* NULL: the protocol */
};

/* For filters: the response goes on to what comes after `filter`. The result is stream_respond()'s. */
__attribute__((warn_unused_result)) bool answer_filter_pass(const struct answer_filter *filter,
                                                            struct stream *stream,
                                                            struct response *response);

#endif
