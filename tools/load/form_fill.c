/*
 * load/form_fill.c - fills in forms; see load/form.h.
 */
#include "tools/load/form.h"

#include "engine/base/decimal.h"

/* Where reading and writing have come to. */
struct filler {
  const struct load_form *form;
  const struct load_piece *piece;
  const uint8_t *text;
  struct load_values *values;
  uint8_t *out;
};

static const struct load_piece *pieces_of(const struct load_form *form) {
  return (const struct load_piece *)(form + 1);
}

static const struct load_form_field *fields_of(const struct load_form *form) {
  return (const struct load_form_field *)(pieces_of(form) + form->piece_count);
}

/* Room for all that is written. In a path, each byte may become three. */
static size_t bound(const struct load_form *form, const struct load_values *values) {
  size_t bytes =
      form->field_count * sizeof(struct header) + form->text_bytes + DECIMAL_BYTES_MAX + 1;
  const struct load_piece *pieces = pieces_of(form);
  for (uint32_t i = 0; i < form->piece_count && form->varies; i++)
    if (pieces[i].variable.kind != LOAD_NO_VARIABLE)
      bytes += 3 * load_values_bound(values, &pieces[i].variable);
  return bytes;
}

static bool make_room(struct load_instance *instance, size_t bytes) {
  if (instance->size >= bytes) return true;
  uint8_t *at = malloc(2 * bytes);
  if (!at) return false;
  free(instance->at);
  instance->at = at;
  instance->size = 2 * bytes;
  return true;
}

/* ---- texts ----------------------------------------------------------------------------------- */

/* Whether the byte may stand in a request target as it is. */
static bool is_plain(uint8_t byte) {
  if ((byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z')) return true; /* most are */
  return byte > ' ' && byte < 0x7f && !strchr("\"#<>\\^`{|}", byte);
}

/* Percent-encodes what a path cannot have (RFC 3986 section 2.1). `len` bytes lie at `at`, with
 * room for three times as many. Returns the new length. */
static size_t encode_path(uint8_t *at, size_t len) {
  static const char digits[] = "0123456789ABCDEF";
  size_t more = 0;
  for (size_t i = 0; i < len; i++)
    more += is_plain(at[i]) ? 0 : 2;
  uint8_t *out = at + len + more;
  for (size_t i = len; i-- > 0;) {
    uint8_t byte = at[i];
    if (is_plain(byte)) {
      *--out = byte;
      continue;
    }
    *--out = (uint8_t)digits[byte & 15];
    *--out = (uint8_t)digits[byte >> 4];
    *--out = '%';
  }
  return len + more;
}

/* Field values have no control characters. */
static size_t soften(uint8_t *at, size_t len) {
  for (size_t i = 0; i < len; i++)
    if (at[i] < ' ' || at[i] == 0x7f) at[i] = ' ';
  return len;
}

enum place { IN_PATH, IN_FIELD, IN_BODY };

static struct span write_text(struct filler *filler, uint32_t count, enum place place) {
  uint8_t *begin = filler->out;
  for (; count > 0; count--, filler->piece++) {
    const struct load_piece *piece = filler->piece;
    memcpy(filler->out, filler->text, piece->len);
    filler->out += piece->len;
    filler->text += piece->len;
    if (piece->variable.kind == LOAD_NO_VARIABLE) continue;
    size_t len = load_values_write(filler->values, &piece->variable, filler->out);
    if (place == IN_PATH) len = encode_path(filler->out, len);
    if (place == IN_FIELD) len = soften(filler->out, len);
    filler->out += len;
  }
  return span_of(begin, (size_t)(filler->out - begin));
}

/* A value must not begin or end with a space, which a column may (RFC 9113 section 8.2.1). */
static struct span trim(struct span text) {
  while (text.len > 0 && text.base[0] == ' ')
    text = span_skip(text, 1);
  while (text.len > 0 && text.base[text.len - 1] == ' ')
    text.len--;
  return text;
}

/* ---- the target ------------------------------------------------------------------------------ */

static void write_field(struct filler *filler, const struct load_form_field *field,
                        struct header *out) {
  struct span name = header_token_name(field->token);
  if (field->name_len > 0) {
    memcpy(filler->out, filler->text, field->name_len);
    name = span_of(filler->out, field->name_len);
    filler->out += field->name_len;
    filler->text += field->name_len;
  }
  bool path = field->token == TOKEN_PATH;
  struct span value = write_text(filler, field->piece_count, path ? IN_PATH : IN_FIELD);
  if (!path) value = trim(value);
  *out = (struct header){.name = name, .value = value, .token = field->token};
}

static const struct load_cap *cap_of(const struct load_form *form, const struct load_rules *rules,
                                     struct span path) {
  if (!form->path_varies) return form->cap;
  return load_caps_find(&rules->options->caps, (const char *)path.base);
}

/* A text of one piece without a variable. */
static bool is_plain_text(const struct load_piece *piece, uint32_t count) {
  return count == 1 && piece->variable.kind == LOAD_NO_VARIABLE;
}

/* Passes over a text, which it returns, and which has no variable. */
static struct span pass_text(struct filler *filler) {
  struct span text = span_of(filler->text, filler->piece->len);
  filler->text += filler->piece++->len;
  return text;
}

static struct header pass_field(struct filler *filler, const struct load_form_field *field) {
  struct span name = header_token_name(field->token);
  if (field->name_len > 0) name = span_of(filler->text, field->name_len);
  filler->text += field->name_len;
  struct span value = pass_text(filler);
  if (field->token != TOKEN_PATH) value = trim(value);
  return (struct header){.name = name, .value = value, .token = field->token};
}

static struct filler filler_of(const struct load_form *form) {
  return (struct filler){.form = form,
                         .piece = pieces_of(form),
                         .text = (const uint8_t *)(fields_of(form) + form->field_count)};
}

struct header *load_form_fix(const struct load_form *form) {
  struct header *headers = calloc(form->field_count, sizeof *headers);
  struct filler filler = filler_of(form);
  for (uint32_t i = 0; headers && i < form->field_count; i++) {
    const struct load_form_field *field = &fields_of(form)[i];
    if (is_plain_text(filler.piece, field->piece_count)) {
      headers[i] = pass_field(&filler, field);
      continue;
    }
    filler.text += field->name_len;
    for (uint32_t k = 0; k < field->piece_count; k++)
      (void)pass_text(&filler);
  }
  return headers;
}

static void fill_fields(struct filler *filler, const struct header *fixed,
                        const struct load_rules *rules, struct load_target *target,
                        struct header *headers) {
  const struct load_form *form = filler->form;
  for (uint32_t i = 0; i < form->field_count; i++) {
    const struct load_form_field *field = &fields_of(form)[i];
    if (fixed && fixed[i].name.len > 0) {
      headers[i] = fixed[i];
      filler->text += field->name_len + filler->piece++->len;
    } else {
      write_field(filler, field, &headers[i]);
      headers[i].flags = fixed ? HEADER_VARIES : 0;
    }
    if (field->token != TOKEN_PATH) continue;
    if (form->path_varies) *filler->out++ = 0; /* for cap_of() */
    target->cap = cap_of(form, rules, headers[i].value);
  }
}

bool load_form_fill(const struct load_form *form, const struct header *fixed,
                    const struct load_rules *rules, struct load_values *values,
                    struct load_instance *instance) {
  struct load_target *target = &instance->target;
  if (!make_room(instance, bound(form, values))) return false;
  struct header *headers = (struct header *)instance->at;
  struct filler filler = filler_of(form);
  filler.values = values;
  filler.out = instance->at + form->field_count * sizeof *headers;
  *target = (struct load_target){.fields = headers,
                                 .field_count = form->field_count,
                                 .varies = fixed,
                                 .body = form->body,
                                 .has_body = form->has_body};
  fill_fields(&filler, fixed, rules, target, headers);
  if (fixed && is_plain_text(filler.piece, form->body_piece_count))
    target->body = pass_text(&filler);
  else if (form->body_piece_count > 0)
    target->body = write_text(&filler, form->body_piece_count, IN_BODY);
  if (form->length_field < form->field_count) {
    size_t len = decimal_put(filler.out, target->body.len);
    struct header *length = &headers[form->length_field];
    length->value = span_of(filler.out, len);
    length->flags = fixed ? HEADER_VARIES : 0;
    length->memo = 0;
  }
  return true;
}
