/*
 * trace/request.c - what a request says: its fields, and the profile's priorities.
 */
#include <string.h>

#include "tools/common/option_values.h"
#include "tools/trace/fetch_parts.h"

enum { FIELDS_MAX = 12 + TRACE_FIELDS_MAX };

struct fields {
  struct header at[FIELDS_MAX];
  size_t count;
  char names[TRACE_FIELDS_MAX][OPTION_FIELD_NAME_BYTES]; /* of --header, in lower case */
};

static void add(struct fields *fields, enum header_token token, const char *value) {
  fields->at[fields->count++] = header_of(token, span_text(value));
}

static void add_pseudo(struct fields *fields, const struct trace_item *item) {
  const struct url *url = item->url;
  for (const char *at = item->run->options->profile->pseudo; *at; at++) {
    if (*at == 'm') add(fields, TOKEN_METHOD, "GET");
    if (*at == 'a') add(fields, TOKEN_AUTHORITY, url->authority);
    if (*at == 's') add(fields, TOKEN_SCHEME, url->secure ? "https" : "http");
    if (*at == 'p') add(fields, TOKEN_PATH, url->target);
  }
}

/* --header; it replaces a field that the tool would send itself. */
static void add_given(struct fields *fields, const struct trace_options *options) {
  for (unsigned i = 0; i < options->field_count; i++) {
    struct header field;
    if (option_field_read(options->fields[i], fields->names[i], &field))
      option_field_set(fields->at, &fields->count, field);
  }
}

/* The newest open request that is at least as urgent as this one; where several weights are, the
 * nearest: what Chromium keeps its chain by. */
static uint32_t chain_parent(const struct trace_item *item, uint16_t weight) {
  const struct trace_record *record = item->run->record;
  const struct trace_result *best = NULL;
  for (size_t i = 0; i < record->result_count; i++) {
    const struct trace_item *other = &item->run->items[i];
    const struct trace_result *result = &record->results[i];
    if (other == item || other->phase != PHASE_ASKED || other->origin != item->origin) continue;
    if (result->weight < weight) continue;
    if (!best || result->weight < best->weight ||
        (result->weight == best->weight && result->stream_id > best->stream_id))
      best = result;
  }
  return best ? best->stream_id : 0;
}

static void choose_signal(const struct trace_item *item, struct trace_result *result) {
  const struct trace_resource *resource = &item->run->manifest->at[item->index];
  const struct trace_signal *signal = &item->run->options->profile->signals[resource->kind];
  if (item->run->options->profile->mute) return;
  const char *priority = resource->priority ? resource->priority : signal->priority;
  snprintf(result->priority, sizeof result->priority, "%s", priority ? priority : "");
  result->weight = resource->weight ? (uint16_t)resource->weight : signal->weight;
  if (result->weight == 0) return;
  result->exclusive = item->run->options->profile->chain;
  result->parent_id = result->exclusive ? chain_parent(item, result->weight) : 0;
}

static void set_windows(const struct trace_item *item, struct stream *stream) {
  const struct trace_resource *resource = &item->run->manifest->at[item->index];
  const struct trace_options *options = item->run->options;
  if (resource->cap_bytes != UINT64_MAX)
    stream_cap(stream, resource->cap_bytes);
  else if (options->profile->widen && options->stream_window_bytes == 0)
    stream_cap(stream, STREAM_UNCAPPED);
}

struct stream *trace_request(struct trace_item *item, const struct stream_events *events) {
  struct trace_result *result = &item->run->record->results[item->index];
  enum trace_kind kind = item->run->manifest->at[item->index].kind;
  struct fields fields = {.count = 0};
  choose_signal(item, result);
  add_pseudo(&fields, item);
  add(&fields, TOKEN_USER_AGENT, "weir-trace");
  add(&fields, TOKEN_ACCEPT, trace_profile_accept(kind));
  add(&fields, TOKEN_ACCEPT_ENCODING, "gzip, deflate, br, zstd");
  if (result->priority[0]) add(&fields, TOKEN_PRIORITY, result->priority);
  add_given(&fields, item->run->options);
  struct stream *stream =
      h2_request(item->origin->h2, fields.at, fields.count, BODY_NONE, events, item);
  if (!stream) return NULL;
  result->stream_id = (uint32_t)stream->id;
  result->connection = item->origin->index;
  if (result->weight)
    h2_request_depend(stream, (struct h2_dependency){.stream_id = result->parent_id,
                                                     .weight = result->weight,
                                                     .exclusive = result->exclusive});
  set_windows(item, stream);
  return stream;
}
