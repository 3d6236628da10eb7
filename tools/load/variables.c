/*
 * load/variables.c - see load/variables.h.
 */
#include "tools/load/variables.h"

#include <assert.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "tools/load/random.h"

/* ---- names ----------------------------------------------------------------------------------- */

static bool read_range(struct span text, struct load_variable *variable) {
  struct span low, high;
  return span_cut(text, '-', &low, &high) && decimal_within(low, 0, INT64_MAX, &variable->low) &&
         decimal_within(high, variable->low, INT64_MAX, &variable->high);
}

static bool find(struct span name, const struct load_csv *csv, struct load_variable *variable) {
  *variable = (struct load_variable){.kind = LOAD_COLUMN};
  if (csv && load_csv_find(csv, name, &variable->column)) return true;
  if (span_is(name, "seq")) {
    variable->kind = LOAD_SEQ;
  } else if (span_is(name, "uuid")) {
    variable->kind = LOAD_UUID;
  } else {
    variable->kind = LOAD_RAND;
    return name.len > 5 && memcmp(name.base, "rand:", 5) == 0 &&
           read_range(span_skip(name, 5), variable);
  }
  return true;
}

/* What stands between a brace at the text's start and its closing brace. Empty: no variable. */
static struct span name_at(struct span text) {
  const struct span none = {0};
  if (text.len < 3) return none;
  uint8_t first = text_lower(text.base[1]);
  if (!(first >= 'a' && first <= 'z') && first != '_') return none;
  for (size_t i = 1; i < text.len && i <= LOAD_VARIABLE_BYTES_MAX; i++) {
    if (text.base[i] == '}') return span_of(text.base + 1, i - 1);
    if (text.base[i] == '{' || text.base[i] == '"' || text.base[i] < ' ') break;
  }
  return none;
}

bool load_variables_cut(struct span *text, const struct load_csv *csv, uint8_t *out, size_t *len,
                        struct load_variable *variable, const struct failure *failure) {
  *len = 0;
  *variable = (struct load_variable){0};
  while (text->len > 0) {
    struct span name = {0};
    uint8_t byte = text->base[0];
    size_t skip = 1;
    if (byte == '{' && text->len > 1 && text->base[1] == '{')
      skip = 2;
    else if (byte == '{')
      name = name_at(*text);
    if (name.len > 0) {
      *text = span_skip(*text, name.len + 2);
      if (find(name, csv, variable)) return true;
      return failure_set(failure,
                         "{%.*s}: no such variable or CSV column; for a plain brace write {{",
                         (int)name.len, (const char *)name.base);
    }
    out[(*len)++] = byte;
    *text = span_skip(*text, skip);
  }
  return true;
}

/* ---- random numbers -------------------------------------------------------------------------- */

/* xoroshiro128+, by David Blackman and Sebastiano Vigna. */
static uint64_t draw(struct load_values *values) {
  uint64_t a = values->random[0], b = values->random[1], sum = a + b;
  b ^= a;
  values->random[0] = (a << 24 | a >> 40) ^ b ^ (b << 16);
  values->random[1] = b << 37 | b >> 27;
  return sum;
}

/* The same throughout a request. */
static void draw_uuid(struct load_values *values) {
  static const char digits[] = "0123456789abcdef";
  if (values->has_uuid) return;
  uint64_t words[2] = {draw(values), draw(values)};
  words[0] = (words[0] & ~UINT64_C(0xf000)) | 0x4000;               /* version */
  words[1] = (words[1] & ~(UINT64_C(3) << 62)) | UINT64_C(1) << 63; /* variant */
  char *out = values->uuid;
  for (unsigned i = 0; i < 32; i++) {
    if (i == 8 || i == 12 || i == 16 || i == 20) *out++ = '-';
    *out++ = digits[words[i / 16] >> (60 - i % 16 * 4) & 15];
  }
  values->has_uuid = true;
}

/* ---- values ---------------------------------------------------------------------------------- */

void load_values_init(struct load_values *values, const struct load_csv *csv, unsigned worker,
                      unsigned workers, uint64_t seed) {
  *values = (struct load_values){.csv = csv, .step = workers};
  values->seq = (uint64_t)worker + 1 - workers; /* wraps: the first request adds `step` */
  seed += worker;
  values->random[0] = load_random_next(&seed);
  values->random[1] = load_random_next(&seed);
}

void load_values_next(struct load_values *values) {
  const struct load_csv *csv = values->csv;
  assert(!load_values_are_out(values));
  values->seq += values->step;
  if (csv) load_csv_row(csv, (values->seq - 1) % csv->row_count, values->row);
  values->has_uuid = false;
}

size_t load_values_bound(const struct load_values *values, const struct load_variable *variable) {
  switch (variable->kind) {
  case LOAD_SEQ:
  case LOAD_RAND: return 20; /* digits of 64 bits */
  case LOAD_UUID: return sizeof values->uuid;
  case LOAD_COLUMN: return values->row[variable->column].text.len;
  default: return 0;
  }
}

size_t load_values_write(struct load_values *values, const struct load_variable *variable,
                         uint8_t *out) {
  switch (variable->kind) {
  case LOAD_SEQ: return decimal_put(out, values->seq);
  case LOAD_RAND:
    return decimal_put(out, variable->low + draw(values) % (variable->high - variable->low + 1));
  case LOAD_UUID:
    draw_uuid(values);
    memcpy(out, values->uuid, sizeof values->uuid);
    return sizeof values->uuid;
  case LOAD_COLUMN: return load_cell_write(values->row[variable->column], out);
  default: return 0;
  }
}
