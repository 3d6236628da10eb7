/*
 * http/answer_filter.c - stream_respond() and stream_respond_set(): through the stream's filters, if it has any,
 * to the protocol.
 */
#include "engine/http/answer_filter.h"

#include "engine/http/contract.h"

/* The protocol takes it. */
static bool leave(struct stream *stream, const struct response *response) {
  if (response->set)
    return stream->ops->respond_set(stream, response->status, response->set, response->body);
  return stream->ops->respond(stream, response->status, response->fields, response->count,
                              response->body);
}

static bool give(const struct answer_filter *filter, struct stream *stream,
                 struct response *response) {
  return filter ? filter->respond(filter, stream, response) : leave(stream, response);
}

bool answer_filter_pass(const struct answer_filter *filter, struct stream *stream,
                        struct response *response) {
  return give(filter->next, stream, response);
}

/* The filters see only what can be read; the protocol may still refuse fields that they pass on. */
static bool begin(struct stream *stream, struct response response) {
  bool wrong = response.status < 200 || response.status > 599 ||
               contract_given(response.fields, response.count, response.body);
  return give(wrong ? NULL : stream->filter, stream, &response);
}

bool stream_respond(struct stream *stream, unsigned status, const struct header *fields,
                    size_t count, struct body body) {
  if (stream->filter) return begin(stream, (struct response){status, fields, count, NULL, body});
  return stream->ops->respond(stream, status, fields, count, body);
}

bool stream_respond_set(struct stream *stream, unsigned status, struct header_set *set,
                        struct body body) {
  if (stream->filter && set)
    return begin(stream, (struct response){status, set->at, set->count, set, body});
  return stream->ops->respond_set(stream, status, set, body);
}
