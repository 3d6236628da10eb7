/*
 * h2/priority.c - passes frames and fields to sched/sched.h, which decides what they mean together.
 * Here is only what HTTP/2 allows to be said about which stream.
 */
#include "engine/h2/priority.h"

#include "engine/h2/connection.h"
#include "engine/h2/ids.h"
#include "engine/http/limits.h"

static struct sched_node *find(void *ctx, uint32_t id) {
  struct h2_stream *stream = h2_find(ctx, id);
  return stream && stream->takes_part ? &stream->node : NULL;
}

void h2_priority_attach(struct h2 *h2) {
  sched_attach(&h2->sched, &h2->shared->sched, find, h2);
}

void h2_priority_detach(struct h2 *h2) {
  sched_detach(&h2->sched);
}

void h2_priority_init(struct h2 *h2) {
  sched_init(&h2->sched);
  h2_priority_attach(h2);
  if (h2->ours.no_rfc7540_priorities) sched_ignore_dependencies(&h2->sched);
}

void h2_priority_close(struct h2 *h2) {
  sched_destroy(&h2->sched);
}

void h2_priority_settings(struct h2 *h2) {
  if (h2->theirs.no_rfc7540_priorities) sched_ignore_dependencies(&h2->sched);
}

static struct priority_field field_of(const struct headers *fields) {
  struct priority_field field = PRIORITY_FIELD_NONE;
  for (uint32_t i = 0; i < fields->count; i++)
    if (fields->at[i].token == TOKEN_PRIORITY) priority_field_parse(&field, fields->at[i].value);
  return field;
}

struct h2_priority_said h2_priority_said_of(const struct h2 *h2, const struct request *request) {
  const struct head_start_rules *rules = h2->shared->config.head_start;
  struct h2_priority_said said = {.field = SCHED_PRIORITY_DEFAULT,
                                  .head_start_paths =
                                      rules ? head_start_of_path(rules, request->path) : 0};
  if (headers_find(request->fields, TOKEN_PRIORITY)) {
    struct priority_field field = field_of(request->fields);
    said.field.urgency = field.urgency;
    said.field.incremental = field.incremental;
    said.field.given |= SCHED_GIVEN_EXTENSIBLE;
  }
  return said;
}

bool h2_priority_is_said(const struct h2 *h2, const struct h2_priority_said *said,
                         const struct h2_dependency *dependency) {
  return said->field.given || dependency || h2->sched.updates.count > 0;
}

void h2_priority_request(struct h2_stream *stream, const struct h2_priority_said *said,
                         const struct h2_dependency *dependency) {
  struct sched_priority priority = said->field;
  stream->head_start_paths = said->head_start_paths;
  if (dependency) {
    priority.parent_id = dependency->stream_id;
    priority.weight = dependency->weight;
    priority.exclusive = dependency->exclusive;
    priority.given |= SCHED_GIVEN_DEPENDENCY;
  }
  if (priority.given) sched_declare(&stream->h2->sched, &stream->node, priority);
}

/* The rule gives some bytes to every response; this response needs more of them. What has left
 * already counts as given. */
static void extend_head_start(struct h2_stream *stream) {
  const struct head_start_rule *rule = stream->head_start;
  uint64_t from = rule->bytes > stream->body_sent ? rule->bytes : stream->body_sent;
  uint64_t to = rule->scan ? stream->head_start_bytes : 0;
  sched_extend_head_start(&stream->h2->sched, &stream->node, to > from ? (uint32_t)(to - from) : 0);
}

static const struct head_start_rules *rules_of(const struct h2_stream *stream) {
  return stream->head_start_rules ? stream->head_start_rules
                                  : stream->h2->shared->config.head_start;
}

static void give_head_start(struct h2_stream *stream, uint16_t of_type) {
  const struct head_start_rules *rules = rules_of(stream);
  const struct head_start_rule *rule =
      of_type ? head_start_of_both(rules, stream->head_start_paths, of_type) : NULL;
  if (!rule || !rule->bytes) return;
  stream->head_start = rule;
  sched_set_head_start(&stream->h2->sched, &stream->node, rule->bytes, rule->urgency);
  if (stream->head_start_bytes) extend_head_start(stream);
}

void h2_priority_head_start(struct h2_stream *stream, uint64_t first_bytes) {
  uint64_t most = HEAD_START_SCAN_BYTES_MAX;
  stream->head_start_bytes = (uint32_t)(first_bytes < most ? first_bytes : most);
  if (stream->head_start) extend_head_start(stream);
}

void h2_priority_head_start_rules(struct h2_stream *stream, const struct head_start_rules *rules,
                                  struct span path) {
  stream->head_start_rules = rules;
  stream->head_start_paths = head_start_of_path(rules, path);
}

void h2_priority_response(struct h2_stream *stream, const struct header *fields, size_t count) {
  struct sched *sched = &stream->h2->sched;
  struct priority_field field = PRIORITY_FIELD_NONE;
  enum sched_class class_of_content = SCHED_CLASS_OTHER;
  struct span content_type = {0};
  for (size_t i = 0; i < count; i++) {
    enum header_token token = header_token_by_name(&fields[i]);
    if (token == TOKEN_PRIORITY) priority_field_parse(&field, fields[i].value);
    if (token == TOKEN_CONTENT_TYPE) content_type = fields[i].value;
  }
  if (content_type.len) class_of_content = sched_class_of(content_type);
  if (stream->connect) class_of_content = SCHED_CLASS_TUNNEL;
  sched_hint(sched, &stream->node, class_of_content);
  if (field.has_urgency || field.has_incremental) sched_merge(sched, &stream->node, &field);
  const struct head_start_rules *rules = rules_of(stream);
  if (rules && content_type.len) give_head_start(stream, head_start_types(rules, content_type));
}

void h2_priority_note(const struct h2 *h2, struct h2_set_note *note, struct span content_type) {
  const struct head_start_rules *rules = h2->shared->config.head_start;
  if (content_type.len == 0) return;
  note->content_class = (uint8_t)sched_class_of(content_type);
  note->head_start_types = rules ? head_start_types(rules, content_type) : 0;
}

void h2_priority_response_set(struct h2_stream *stream, const struct header_set *set) {
  struct h2_set_note note = h2_set_note_get(set);
  /* What was noted is about the server's rules for head starts. */
  if (note.says_priority || stream->connect || stream->head_start_rules) {
    h2_priority_response(stream, set->at, set->count);
    return;
  }
  sched_hint(&stream->h2->sched, &stream->node, (enum sched_class)note.content_class);
  give_head_start(stream, note.head_start_types);
}

bool h2_priority_place(const struct h2_stream *stream, const struct h2_set_note *note,
                       struct sched_place *out) {
  bool special = note->says_priority || stream->connect || stream->head_start_rules;
  if (special || stream->takes_part || (note->head_start_types & stream->head_start_paths))
    return false;
  return sched_place_of(&stream->h2->sched, (enum sched_class)note->content_class, out);
}

struct h2_verdict h2_priority_depend(struct h2 *h2, uint32_t id,
                                     const struct h2_dependency *dependency) {
  struct sched_dependency wish = {.parent_id = dependency->stream_id,
                                  .weight = dependency->weight,
                                  .exclusive = dependency->exclusive};
  switch (sched_depend(&h2->sched, id, &wish)) {
  case SCHED_DONE:
  case SCHED_NO_ROOM: return H2_OK;
  case SCHED_CHURN: return (struct h2_verdict){.scope = H2_IGNORE};
  case SCHED_SELF: break;
  }
  return h2_stream_error(H2_PROTOCOL_ERROR, "stream depends on itself");
}

/* Section 7.1: the client must still be able to open the stream, and the idle streams that it names
 * and those that it has open must stay within the limit on streams. `kept` is false for one beyond
 * SCHED_UPDATES_MAX: it counts, though only itself, where a configured limit is higher than that. */
static struct h2_verdict check_idle(const struct h2 *h2, uint32_t id, bool kept) {
  if (h2_is_own_id(h2, id))
    return h2_connection_error(H2_PROTOCOL_ERROR,
                               "PRIORITY_UPDATE for a push that is not promised");
  uint32_t idle = h2->sched.updates.count + (kept ? 0 : 1);
  if (h2->active_peer + idle > h2->ours.max_concurrent_streams)
    return h2_connection_error(H2_PROTOCOL_ERROR, "PRIORITY_UPDATE for too many idle streams");
  return H2_OK;
}

struct h2_verdict h2_priority_update(struct h2 *h2, uint32_t id, struct span text) {
  enum h2_state state = h2_state_of(h2, id);
  if (state >= H2_CLOSED) return H2_OK; /* the frame may have crossed the end of the response */
  struct priority_field field = PRIORITY_FIELD_NONE;
  priority_field_parse(&field, text);
  enum sched_result result = sched_update(&h2->sched, id, &field);
  if (result == SCHED_CHURN) return (struct h2_verdict){.scope = H2_IGNORE};
  return state == H2_IDLE ? check_idle(h2, id, result != SCHED_NO_ROOM) : H2_OK;
}
