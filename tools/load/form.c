/*
 * load/form.c - makes forms of drafts; see load/form.h. load/form_fill.c fills them in.
 *
 * A request's fields are first collected as a list, since fields of the command line replace
 * others. Then each text is cut into pieces, and all is written as one block.
 */
#include "tools/load/form.h"

#include "engine/http/syntax.h"
#include "tools/common/option_values.h"

/* A field before it is cut into pieces. */
struct item {
  enum header_token token;
  struct span name, value; /* the name is used if the token is TOKEN_UNKNOWN */
  bool literal;
  bool given; /* by --header */
};

/* Six defaults, and what files and --header give. */
enum { ITEMS_MAX = 8 + LOAD_FORM_FIELDS_MAX + LOAD_FIELDS_MAX }; /* derived from those bounds */

struct maker {
  struct load_rules *rules;
  const struct load_draft *draft;
  const struct failure *failure;
  struct url url;
  struct span body;         /* to be cut into pieces */
  struct span body_outside; /* or as it is */
  bool has_body, body_literal;

  struct item items[ITEMS_MAX];
  size_t count;
  char names[LOAD_FORM_FIELDS_MAX + LOAD_FIELDS_MAX][OPTION_FIELD_NAME_BYTES]; /* in lower case */
  size_t name_count;

  struct load_form form;
  struct load_form_field fields[ITEMS_MAX];
  struct load_piece pieces[LOAD_PIECES_MAX];
};

/* ---- URL and body ---------------------------------------------------------------------------- */

/* A URL that begins with a scheme is absolute (RFC 3986 section 4.2). */
static bool is_absolute(const char *text) {
  size_t len = strcspn(text, ":/?#");
  return text[len] == ':';
}

static enum load_form_result find_server(struct maker *maker, const char *text) {
  const struct load_rules *rules = maker->rules;
  bool same = url_same_origin(&maker->url, &rules->base);
  if (rules->base_wins) return LOAD_FORM_MADE;
  if (maker->draft->foreign && !same) return LOAD_FORM_LEFT_OUT;
  if (rules->find_server) {
    bool found = rules->find_server(rules->ctx, &maker->url, &maker->form.server, maker->failure);
    return found ? LOAD_FORM_MADE : LOAD_FORM_WRONG;
  }
  if (same) return LOAD_FORM_MADE;
  char origin[URL_ORIGIN_BYTES];
  url_origin(&rules->base, origin);
  (void)failure_set(maker->failure, "%s: what is read as a stream has one server, here %s", text,
                    origin);
  return LOAD_FORM_WRONG;
}

static enum load_form_result find_url(struct maker *maker) {
  struct load_rules *rules = maker->rules;
  const struct span given = maker->draft->url;
  char text[URL_BYTES_MAX + URL_ORIGIN_BYTES];
  bool good = given.len > 0 && given.len < sizeof text && !memchr(given.base, 0, given.len);
  if (good) {
    memcpy(text, given.base, given.len);
    text[given.len] = 0;
    bool relative = rules->has_base && !maker->draft->absolute && !is_absolute(text);
    good = relative ? url_resolve(&maker->url, &rules->base, text) : url_parse(&maker->url, text);
  }
  if (!good && maker->draft->foreign) return LOAD_FORM_LEFT_OUT; /* blob:, wss: and others */
  if (!good) {
    struct span shown = given.len > 0 ? given : span_text(failure_shown(""));
    (void)failure_set(maker->failure, "%.*s: expected %shttp://HOST/PATH or https://HOST/PATH",
                      shown.len < 200 ? (int)shown.len : 200, (const char *)shown.base,
                      rules->has_base && !maker->draft->absolute ? "a path, " : "");
    return LOAD_FORM_WRONG;
  }
  if (!rules->has_base) rules->base = maker->url;
  rules->has_base = true;
  return find_server(maker, text);
}

static bool open_body(struct maker *maker, struct span path) {
  struct span bytes;
  if (!load_bodies_open(maker->rules->bodies, path, &bytes, maker->failure)) return false;
  maker->has_body = true;
  if (!maker->rules->options->body_variables) {
    maker->body_outside = bytes;
    return true;
  }
  if (bytes.len > LOAD_FORM_BYTES_MAX)
    return failure_set(maker->failure, "%.*s: a body with variables is limited to %d bytes",
                       (int)path.len, (const char *)path.base, LOAD_FORM_BYTES_MAX);
  maker->body = bytes;
  return true;
}

static bool find_body(struct maker *maker) {
  const struct load_draft *draft = maker->draft;
  const char *data = maker->rules->options->data_path;
  maker->body_literal = draft->literal;
  if (draft->body_path.len > 0) return open_body(maker, draft->body_path);
  if (draft->has_body) {
    maker->has_body = true;
    maker->body = draft->body;
  } else if (draft->body_zero_bytes > 0) {
    maker->has_body = true;
    maker->body_outside = span_of(NULL, (size_t)draft->body_zero_bytes);
  } else if (data) {
    maker->body_literal = false;
    return open_body(maker, span_text(data));
  }
  return true;
}

/* ---- fields ---------------------------------------------------------------------------------- */

static void add(struct maker *maker, enum header_token token, struct span value, bool literal) {
  maker->items[maker->count++] = (struct item){.token = token, .value = value, .literal = literal};
}

/* Fields that belong to one connection (RFC 9113 section 8.2.2), and those that are made anew. */
static bool is_dropped(const struct item *item) {
  if (header_token_is_of_connection(item->token)) return true;
  switch (item->token) {
  case TOKEN_HTTP2_SETTINGS:
  case TOKEN_CONTENT_LENGTH: return true;
  case TOKEN_TE: return !span_is_ignoring_case(item->value, "trailers");
  default: return item->name.base[0] == ':';
  }
}

static void remove_item(struct maker *maker, size_t index) {
  maker->count--;
  memmove(maker->items + index, maker->items + index + 1,
          (maker->count - index) * sizeof *maker->items);
}

static bool same_name(const struct item *a, const struct item *b) {
  return a->token == b->token && (a->token != TOKEN_UNKNOWN || span_equal(a->name, b->name));
}

/* Pseudo-header fields keep their places. */
static void replace_pseudo(struct maker *maker, enum header_token token, struct span value,
                           bool literal) {
  for (size_t i = 0; i < maker->count; i++)
    if (maker->items[i].token == token)
      maker->items[i] = (struct item){.token = token, .value = value, .literal = literal};
}

/* Copies the name in lower case. */
static bool read_name(struct maker *maker, struct span name, struct item *item) {
  char *copy = maker->names[maker->name_count];
  if (name.len == 0 || name.len >= OPTION_FIELD_NAME_BYTES)
    return failure_set(maker->failure, "a field's name is longer than %d bytes, or empty",
                       OPTION_FIELD_NAME_BYTES - 1);
  for (size_t i = 0; i < name.len; i++)
    copy[i] = (char)text_lower(name.base[i]);
  maker->name_count++;
  item->name = span_of((const uint8_t *)copy, name.len);
  item->token = header_token_of(item->name);
  return true;
}

static struct span trim(struct span text) {
  while (text.len > 0 && (text.base[0] == ' ' || text.base[0] == '\t'))
    text = span_skip(text, 1);
  while (text.len > 0 && strchr(" \t\r", text.base[text.len - 1]) && text.base[text.len - 1])
    text.len--;
  return text;
}

/* Adds a field of the draft. */
static bool add_field(struct maker *maker, const struct load_draft_field *field) {
  struct item item = {.value = trim(field->value), .literal = maker->draft->literal};
  if (!read_name(maker, field->name, &item)) return false;
  if (is_dropped(&item)) return true;
  if (header_name_flags(item.name) || header_value_flags(item.value))
    return failure_set(maker->failure, "the field %.*s has a byte that is not allowed",
                       (int)item.name.len, (const char *)item.name.base);
  if (item.token == TOKEN_HOST) {
    if (!maker->rules->base_wins) replace_pseudo(maker, TOKEN_AUTHORITY, item.value, item.literal);
    return true;
  }
  for (size_t i = 0; i < maker->count && item.token == TOKEN_USER_AGENT; i++)
    if (maker->items[i].token == TOKEN_USER_AGENT) remove_item(maker, i);
  maker->items[maker->count++] = item;
  return true;
}

/* Puts the field in the place of those of its name that were not given by --header, or at the
 * end. */
static void add_given(struct maker *maker, struct item item) {
  bool placed = false;
  for (size_t i = 0; i < maker->count; i++) {
    if (maker->items[i].given || !same_name(&maker->items[i], &item)) continue;
    if (placed)
      remove_item(maker, i--);
    else
      maker->items[i] = item;
    placed = true;
  }
  if (!placed) maker->items[maker->count++] = item;
}

/* Adds a --header. The first one of a name replaces fields of that name. */
static bool add_option(struct maker *maker, const char *text) {
  enum header_token token;
  const char *pseudo = load_options_pseudo(text, &token);
  if (pseudo) {
    replace_pseudo(maker, token, span_text(pseudo), false);
    return true;
  }
  struct item item = {.given = true};
  struct span name, value;
  if (!span_cut(span_text(text), ':', &name, &value) || !read_name(maker, name, &item))
    return false;
  item.value = trim(value);
  if (item.token == TOKEN_HOST) {
    replace_pseudo(maker, TOKEN_AUTHORITY, item.value, false);
    return true;
  }
  add_given(maker, item);
  return true;
}

static bool collect(struct maker *maker) {
  const struct load_draft *draft = maker->draft;
  const struct load_options *options = maker->rules->options;
  struct span method = draft->method;
  if (method.len == 0) method = span_text(maker->has_body ? "POST" : "GET");
  if (!syntax_is_token(method) || method.len > LOAD_METHOD_BYTES_MAX)
    return failure_set(maker->failure, "%.*s: no such method",
                       method.len < 40 ? (int)method.len : 40, (const char *)method.base);
  const struct url *url = maker->rules->base_wins ? &maker->rules->base : &maker->url;
  add(maker, TOKEN_METHOD, method, true);
  add(maker, TOKEN_SCHEME, span_text(url->secure ? "https" : "http"), true);
  add(maker, TOKEN_AUTHORITY, span_text(url->authority), true);
  add(maker, TOKEN_PATH, span_text(maker->url.target), draft->literal);
  add(maker, TOKEN_USER_AGENT, span_text("weir-load"), true);
  if (maker->has_body) add(maker, TOKEN_CONTENT_LENGTH, span_text(""), true);
  for (size_t i = 0; i < draft->field_count; i++)
    if (!add_field(maker, &draft->fields[i])) return false;
  for (unsigned i = 0; i < options->field_count; i++)
    if (!add_option(maker, options->fields[i])) return false;
  return true;
}

/* ---- the block ------------------------------------------------------------------------------- */

/* Cuts the text into pieces. Returns their count, or 0 with one line in the failure. */
static uint32_t cut(struct maker *maker, struct span text, bool literal) {
  struct load_buffer *out = &maker->rules->text;
  struct load_form *form = &maker->form;
  uint32_t count = 0;
  do {
    if (form->piece_count == LOAD_PIECES_MAX) {
      (void)failure_set(maker->failure, "more than %d fields and variables", LOAD_PIECES_MAX);
      return 0;
    }
    struct load_piece *piece = &maker->pieces[form->piece_count++];
    if (!load_buffer_reserve(out, text.len)) {
      (void)failure_set(maker->failure, "out of memory");
      return 0;
    }
    *piece = (struct load_piece){.len = text.len};
    if (literal) {
      if (text.len) memcpy(out->at + out->len, text.base, text.len);
      text.len = 0;
    } else if (!load_variables_cut(&text, maker->rules->csv, out->at + out->len, &piece->len,
                                   &piece->variable, maker->failure)) {
      return 0;
    }
    out->len += piece->len;
    form->varies |= piece->variable.kind != LOAD_NO_VARIABLE;
    count++;
  } while (text.len > 0);
  return count;
}

static bool cut_fields(struct maker *maker) {
  struct load_form *form = &maker->form;
  form->length_field = UINT32_MAX;
  for (size_t i = 0; i < maker->count; i++) {
    const struct item *item = &maker->items[i];
    struct load_form_field *field = &maker->fields[i];
    *field = (struct load_form_field){.token = (uint16_t)item->token};
    if (item->token == TOKEN_UNKNOWN) {
      field->name_len = (uint32_t)item->name.len;
      if (!load_buffer_add(&maker->rules->text, item->name.base, item->name.len))
        return failure_set(maker->failure, "out of memory");
    }
    if (item->token == TOKEN_CONTENT_LENGTH && item->value.len == 0)
      form->length_field = (uint32_t)i;
    bool varied = form->varies;
    form->varies = false;
    field->piece_count = cut(maker, item->value, item->literal);
    if (field->piece_count == 0) return false;
    if (item->token == TOKEN_PATH) form->path_varies = form->varies;
    form->varies |= varied;
  }
  form->field_count = (uint32_t)maker->count;
  return true;
}

static bool cut_body(struct maker *maker) {
  struct load_form *form = &maker->form;
  form->has_body = maker->has_body;
  form->body = maker->body_outside;
  if (!maker->body.base) return true;
  form->body_piece_count = cut(maker, maker->body, maker->body_literal);
  return form->body_piece_count > 0;
}

static bool write_block(struct maker *maker, struct load_buffer *out) {
  const struct load_buffer *text = &maker->rules->text;
  struct load_form *form = &maker->form;
  size_t fields = form->field_count * sizeof *maker->fields;
  size_t pieces = form->piece_count * sizeof *maker->pieces;
  size_t bytes = sizeof *form + fields + pieces + text->len;
  form->text_bytes = text->len;
  form->bytes = (bytes + 7) / 8 * 8;
  if (form->bytes > LOAD_FORM_BYTES_MAX)
    return failure_set(maker->failure, "more than %d bytes in one request: use a body file",
                       LOAD_FORM_BYTES_MAX);
  if (!load_buffer_reserve(out, form->bytes)) return failure_set(maker->failure, "out of memory");
  bool good =
      load_buffer_add(out, form, sizeof *form) && load_buffer_add(out, maker->pieces, pieces) &&
      load_buffer_add(out, maker->fields, fields) && load_buffer_add(out, text->at, text->len) &&
      load_buffer_add(out, (const uint8_t[8]){0}, form->bytes - bytes);
  return good;
}

enum load_form_result load_form_make(struct load_rules *rules, const struct load_draft *draft,
                                     struct load_buffer *out, const struct failure *failure) {
  struct maker maker; /* its arrays are written before they are read */
  maker.rules = rules;
  maker.draft = draft;
  maker.failure = failure;
  maker.body = maker.body_outside = (struct span){0};
  maker.has_body = maker.body_literal = false;
  maker.count = maker.name_count = 0;
  maker.form = (struct load_form){.weight = draft->weight, .time_ns = draft->time_ns};
  rules->text.len = 0;
  enum load_form_result result = find_url(&maker);
  if (result != LOAD_FORM_MADE) return result;
  bool good = find_body(&maker) && collect(&maker) && cut_fields(&maker) && cut_body(&maker);
  if (!maker.form.path_varies)
    maker.form.cap = load_caps_find(&rules->options->caps, maker.url.target);
  return good && write_block(&maker, out) ? LOAD_FORM_MADE : LOAD_FORM_WRONG;
}
