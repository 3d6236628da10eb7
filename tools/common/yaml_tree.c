/*
 * common/yaml_tree.c - see common/yaml_tree.h.
 */
#include "tools/common/yaml_tree.h"

#include <string.h>
#include <yaml.h>

#include "engine/base/text.h"

struct reader {
  yaml_parser_t parser;
  struct span text;
  unsigned depth_max;
  struct arena *arena;
  struct mistakes *mistakes;
};

/* libyaml counts from 0. */
static struct place place_of(yaml_mark_t mark) {
  return (struct place){(unsigned)mark.line + 1, (unsigned)mark.column + 1};
}

/* Of a byte: libyaml has no mark for what it cannot decode. */
static struct place place_at(struct span text, size_t offset) {
  struct place place = {1, 1};
  for (size_t i = 0; i < offset && i < text.len; i++) {
    uint8_t byte = text.base[i];
    if (byte == '\n')
      place = (struct place){place.line + 1, 1};
    else if ((byte & 0xc0) != 0x80)
      place.column++; /* the first of a character's */
  }
  return place;
}

static bool wrong(const struct reader *reader, const yaml_event_t *event, const char *what) {
  return mistakes_add(reader->mistakes, place_of(event->start_mark), "%s", what);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Whether white space at the beginning of that line has a tab, which YAML does not allow there. */
static bool has_tab(struct span text, size_t line) {
  size_t at = 0;
  for (; line > 0 && at < text.len; at++)
    line -= text.base[at] == '\n';
  while (at < text.len && text.base[at] == ' ')
    at++;
  return at < text.len && text.base[at] == '\t';
}

/* False: the text is not YAML. */
static bool next(struct reader *reader, yaml_event_t *event) {
  const yaml_parser_t *parser = &reader->parser;
  if (yaml_parser_parse(&reader->parser, event)) return true;
  const char *problem = parser->problem ? parser->problem : "not YAML";
  size_t line = parser->problem_mark.line, begin = parser->context_mark.line;
  if (parser->error == YAML_READER_ERROR)
    return mistakes_add(reader->mistakes, place_at(reader->text, parser->problem_offset), "%s",
                        problem);
  const char *tab = parser->error == YAML_SCANNER_ERROR && has_tab(reader->text, line)
                        ? ": a tab; indent with spaces"
                        : "";
  if (parser->context && begin < line) /* a quotation mark that nothing closes, say */
    return mistakes_add(reader->mistakes, place_of(parser->problem_mark),
                        "%s, %s that begins in line %zu%s", problem, parser->context, begin + 1,
                        tab);
  return mistakes_add(reader->mistakes, place_of(parser->problem_mark), "%s%s", problem, tab);
}

static const yaml_char_t *anchor_of(const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT: return event->data.scalar.anchor;
  case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.anchor;
  case YAML_MAPPING_START_EVENT: return event->data.mapping_start.anchor;
  default: return NULL;
  }
}

static const yaml_char_t *tag_of(const yaml_event_t *event) {
  switch (event->type) {
  case YAML_SCALAR_EVENT: return event->data.scalar.tag;
  case YAML_SEQUENCE_START_EVENT: return event->data.sequence_start.tag;
  case YAML_MAPPING_START_EVENT: return event->data.mapping_start.tag;
  default: return NULL;
  }
}

/* YAML's own kinds of values, such as !!str, say nothing new; other tags would be lost. */
static bool is_foreign(const yaml_char_t *tag) {
  static const char *const own[] = {YAML_STR_TAG,  YAML_INT_TAG, YAML_FLOAT_TAG, YAML_BOOL_TAG,
                                    YAML_NULL_TAG, YAML_SEQ_TAG, YAML_MAP_TAG,   "!"};
  for (size_t i = 0; i < sizeof own / sizeof *own; i++)
    if (tag && strcmp((const char *)tag, own[i]) == 0) return false;
  return tag;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static struct yaml_tree *make_node(const struct reader *reader, const yaml_event_t *event,
                                   enum yaml_tree_kind kind, struct span text) {
  struct yaml_tree *node = arena_alloc(reader->arena, sizeof *node);
  const char *copy = node ? arena_text(reader->arena, text) : NULL;
  if (!copy) {
    wrong(reader, event, "out of memory");
    return NULL;
  }
  *node = (struct yaml_tree){
      .kind = kind, .place = place_of(event->start_mark), .text = span_of(copy, text.len)};
  return node;
}

static struct yaml_tree *make_scalar(const struct reader *reader, const yaml_event_t *event) {
  struct span text = {0};
  if (event->type == YAML_SCALAR_EVENT)
    text = span_of(event->data.scalar.value, event->data.scalar.length);
  struct yaml_tree *node = make_node(reader, event, YAML_TREE_SCALAR, text);
  if (node && event->type == YAML_SCALAR_EVENT)
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
  return node;
}

static void append(struct yaml_tree *parent, struct yaml_tree *node) {
  if (parent->last)
    parent->last->next = node;
  else
    parent->first = node;
  parent->last = node;
}

static struct yaml_tree *value_of(struct reader *reader, const yaml_event_t *event, unsigned depth);

/* The value that comes next. */
static struct yaml_tree *next_value(struct reader *reader, unsigned depth) {
  yaml_event_t event;
  if (!next(reader, &event)) return NULL;
  struct yaml_tree *value = value_of(reader, &event, depth);
  yaml_event_delete(&event);
  return value;
}

static bool read_items(struct reader *reader, struct yaml_tree *list, unsigned depth) {
  yaml_event_t event;
  while (next(reader, &event)) {
    bool end = event.type == YAML_SEQUENCE_END_EVENT;
    struct yaml_tree *value = end ? NULL : value_of(reader, &event, depth + 1);
    yaml_event_delete(&event);
    if (!value) return end;
    append(list, value);
  }
  return false;
}

static bool has_key(const struct yaml_tree *map, struct span text) {
  for (const struct yaml_tree *value = map->first; value; value = value->next)
    if (span_equal(value->key->text, text)) return true;
  return false;
}

/* One key, which begins with `event`, and its value. False: reading cannot go on. */
static bool read_entry(struct reader *reader, struct yaml_tree *map, unsigned *count,
                       const yaml_event_t *event, unsigned depth) {
  bool scalar = event->type == YAML_SCALAR_EVENT;
  struct yaml_tree *key = value_of(reader, event, depth + 1);
  bool twice = key && scalar && has_key(map, key->text);
  if (key && !scalar && event->type != YAML_ALIAS_EVENT)
    wrong(reader, event, "a key is not a scalar");
  if (twice)
    mistakes_add(reader->mistakes, key->place, "%.*s is given twice", (int)key->text.len,
                 (const char *)key->text.base);
  struct yaml_tree *value = key ? next_value(reader, depth + 1) : NULL;
  if (!value) return false;
  if (++*count > YAML_TREE_KEYS_MAX) return wrong(reader, event, "too many keys");
  if (!scalar || twice) return true;
  value->key = key;
  append(map, value);
  return true;
}

static bool read_entries(struct reader *reader, struct yaml_tree *map, unsigned depth) {
  yaml_event_t event;
  unsigned count = 0;
  while (next(reader, &event)) {
    bool end = event.type == YAML_MAPPING_END_EVENT;
    bool more = !end && read_entry(reader, map, &count, &event, depth);
    yaml_event_delete(&event);
    if (!more) return end;
  }
  return false;
}

static struct yaml_tree *nested(struct reader *reader, const yaml_event_t *event, unsigned depth) {
  bool map = event->type == YAML_MAPPING_START_EVENT;
  enum yaml_tree_kind kind = map ? YAML_TREE_MAPPING : YAML_TREE_SEQUENCE;
  struct yaml_tree *node = make_node(reader, event, kind, (struct span){0});
  if (!node) return NULL;
  bool read = map ? read_entries(reader, node, depth) : read_items(reader, node, depth);
  return read ? node : NULL;
}

/* The value that begins with `event`. An alias stands for nothing. NULL: reading cannot go on. */
static struct yaml_tree *value_of(struct reader *reader, const yaml_event_t *event,
                                  unsigned depth) {
  if (depth >= reader->depth_max) {
    wrong(reader, event, "values are nested too deeply");
    return NULL;
  }
  bool alias = event->type == YAML_ALIAS_EVENT;
  if (alias || anchor_of(event)) wrong(reader, event, "anchors and aliases are not supported");
  if (is_foreign(tag_of(event))) wrong(reader, event, "tags such as !name are not supported");
  switch (event->type) {
  case YAML_ALIAS_EVENT:
  case YAML_SCALAR_EVENT: return make_scalar(reader, event);
  case YAML_SEQUENCE_START_EVENT:
  case YAML_MAPPING_START_EVENT: return nested(reader, event, depth);
  default: wrong(reader, event, "a value is missing"); return NULL;
  }
}

/* ---- the document ---------------------------------------------------------------------------- */

/* What comes after the document: nothing but the end of the stream. */
static bool read_end(struct reader *reader) {
  yaml_event_t event;
  while (next(reader, &event)) {
    bool over = event.type == YAML_STREAM_END_EVENT;
    bool more = event.type == YAML_DOCUMENT_START_EVENT;
    if (more) wrong(reader, &event, "a second document");
    yaml_event_delete(&event);
    if (over || more) return over;
  }
  return false;
}

static struct yaml_tree *read_stream(struct reader *reader) {
  yaml_event_t event;
  while (next(reader, &event)) {
    bool empty = event.type == YAML_STREAM_END_EVENT;
    bool before = event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT;
    struct yaml_tree *value = NULL;
    if (empty) value = make_scalar(reader, &event);
    if (empty && value) value->plain = true;
    if (!empty && !before) value = value_of(reader, &event, 0);
    yaml_event_delete(&event);
    if (empty) return value;
    if (!before) return value && read_end(reader) ? value : NULL;
  }
  return NULL;
}

struct yaml_tree *yaml_tree_read(struct span text, unsigned depth_max, struct arena *arena,
                                 struct mistakes *mistakes) {
  struct reader reader = {
      .text = text, .depth_max = depth_max, .arena = arena, .mistakes = mistakes};
  if (!yaml_parser_initialize(&reader.parser)) {
    mistakes_add(mistakes, (struct place){0}, "out of memory");
    return NULL;
  }
  yaml_parser_set_input_string(&reader.parser, text.base, text.len);
  struct yaml_tree *tree = read_stream(&reader);
  yaml_parser_delete(&reader.parser);
  return tree;
}

bool yaml_tree_is_null(const struct yaml_tree *node) {
  static const char *const words[] = {"", "~", "null", "Null", "NULL"};
  if (node->kind != YAML_TREE_SCALAR || !node->plain) return false;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (span_is(node->text, words[i])) return true;
  return false;
}
