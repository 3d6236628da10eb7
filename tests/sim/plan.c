/*
 * plan.c - see plan.h.
 */
#include "tests/sim/plan.h"

#include "tests/sim/fail.h"

#include <stdio.h>
#include <string.h>

/* ---- plans -------------------------------------------------------------------------------------
 */

static uint32_t body_bytes_of(struct random *random) {
  uint32_t size = random_below(random, 16);
  if (size < 3) return 0;
  if (size < 14) return random_size(random, 6000);
  return random_size(random, size == 14 ? 40000 : 150000);
}

static void plan_kind(struct plan *plan, struct random *random) {
  static const enum plan_kind kinds[] = {PLAN_GET,  PLAN_GET,  PLAN_GET,  PLAN_GET,  PLAN_GET,
                                         PLAN_HEAD, PLAN_POST, PLAN_POST, PLAN_POST, PLAN_TUNNEL};
  plan->kind = kinds[random_below(random, sizeof kinds / sizeof *kinds)];
  if (plan->number & PLAN_NUMBER_PUSHED) plan->kind = PLAN_PUSHED;
  if (plan->kind == PLAN_POST || plan->kind == PLAN_TUNNEL)
    plan->request_bytes = body_bytes_of(random);
}

static void plan_status(struct plan *plan, struct random *random) {
  static const uint16_t statuses[] = {200, 200, 200, 200, 404, 500, 204, 304, 206};
  plan->status = statuses[random_below(random, sizeof statuses / sizeof *statuses)];
  if (plan->kind == PLAN_TUNNEL) plan->status = 200;
  plan->response_bytes = body_bytes_of(random);
}

struct plan plan_of(uint64_t number) {
  struct random random = {random_mix(number ^ 0x7e1a)};
  struct plan plan = {.number = number};
  plan_kind(&plan, &random);
  plan_status(&plan, &random);
  plan.answer = (enum plan_answer)random_below(&random, 4);
  bool body = plan.kind == PLAN_POST || plan.kind == PLAN_TUNNEL;
  if (plan.answer == ANSWER_AFTER_BODY && !body) plan.answer = ANSWER_AT_ONCE;
  if (plan.kind == PLAN_TUNNEL && plan.answer == ANSWER_AFTER_BODY) plan.answer = ANSWER_LATER;
  plan.informs = random_one_in(&random, 8) ? (uint8_t)(1 + random_below(&random, 3)) : 0;
  plan.pushes =
      plan.kind == PLAN_GET && random_one_in(&random, 6) ? 1 + random_below(&random, 3) % 3 : 0;
  plan.request_length = plan.kind == PLAN_POST && random_one_in(&random, 2);
  plan.response_length = plan.kind != PLAN_TUNNEL && random_one_in(&random, 2);
  plan.request_trailers = plan.kind == PLAN_POST && random_one_in(&random, 6);
  plan.response_trailers = plan.kind != PLAN_TUNNEL && random_one_in(&random, 6);
  plan.request_huge = !(number & PLAN_NUMBER_PUSHED) && random_one_in(&random, 60);
  plan.response_huge = random_one_in(&random, 60);
  plan.body_fails = plan.kind != PLAN_TUNNEL && random_one_in(&random, 50);
  return plan;
}

bool plan_is_bodiless(const struct plan *plan) {
  return plan->kind == PLAN_HEAD || plan->status == 204 || plan->status == 304;
}

/* ---- fields ------------------------------------------------------------------------------------
 */

static uint8_t *huge_text(void) {
  static uint8_t text[PLAN_HUGE_BYTES];
  if (!text[0]) memset(text, '#', sizeof text); /* 12 bits in Huffman code: sent as it is */
  return text;
}

static void store_add(struct field_store *store, struct span name, struct span value) {
  store->fields[store->count++] =
      (struct header){.name = name, .value = value, .token = (uint16_t)header_token_of(name)};
}

/* Names from a stock of twelve, values from a stock of about forty for each name: enough to fill
 * a table of 4096 bytes, and to repeat before and after eviction. */
static void add_stock_field(struct field_store *store, struct random *random, size_t i) {
  static const char *const known[] = {"accept", "etag", "user-agent", "vary", "content-type"};
  uint32_t which = random_below(random, 12);
  if (which < 5)
    snprintf(store->name[i], sizeof store->name[i], "%s", known[which]);
  else
    snprintf(store->name[i], sizeof store->name[i], "x-stock-%u", which);
  uint32_t value = random_below(random, 40);
  uint32_t len = value < 20 ? value : value * 3;
  for (uint32_t at = 0; at < len; at++)
    store->text[i][at] = (char)('!' + (value * 7 + at * 3 + which) % 90);
  store_add(store, span_text(store->name[i]), span_of(store->text[i], len));
}

void plan_fields(struct field_store *store, const struct plan *plan, enum list list) {
  struct random random = {random_mix(plan->number * 8 + list)};
  uint32_t count = random_below(&random, list <= LIST_RESPONSE ? PLAN_FIELDS_MAX - 1 : 3);
  bool huge = (list == LIST_REQUEST && plan->request_huge) ||
              (list == LIST_RESPONSE && plan->response_huge);
  if (huge) store_add(store, span_text("x-huge"), span_of(huge_text(), PLAN_HUGE_BYTES));
  for (uint32_t i = 0; i < count; i++)
    add_stock_field(store, &random, i);
  if (list >= LIST_REQUEST_TRAILERS && count == 0)
    store_add(store, span_text("x-last"), span_text("1"));
}

/* Fields that the plan does not contain. */
static bool is_of_engine(const struct header *field) {
  return (field->name.len && field->name.base[0] == ':') || field->token == TOKEN_DATE ||
         field->token == TOKEN_SERVER || field->token == TOKEN_CONTENT_LENGTH ||
         field->token == TOKEN_PRIORITY;
}

void plan_check_fields(const struct headers *got, const struct plan *plan, enum list list) {
  struct field_store store = {.count = 0};
  plan_fields(&store, plan, list);
  size_t at = 0;
  for (uint32_t i = 0; i < got->count; i++) {
    const struct header *field = &got->at[i];
    if (is_of_engine(field)) continue;
    sim_check(at < store.count, "a field too many: %.*s", (int)field->name.len, field->name.base);
    const struct header *meant = &store.fields[at++];
    sim_check(span_equal(field->name, meant->name), "field %.*s, expected %.*s",
              (int)field->name.len, field->name.base, (int)meant->name.len, meant->name.base);
    sim_check(span_equal(field->value, meant->value), "field %.*s has the wrong value",
              (int)field->name.len, field->name.base);
    sim_check(field->token == meant->token, "field %.*s has the wrong token", (int)field->name.len,
              field->name.base);
  }
  sim_check(at == store.count, "%zu fields are missing", store.count - at);
}

static bool names_resources(const struct header *field) {
  return span_is(field->name, "x-subresource") || span_is(field->name, "x-associated-content");
}

static bool is_same(const struct header *a, const struct header *b) {
  return span_equal(a->name, b->name) && span_equal(a->value, b->value);
}

void plan_check_fields_in_any_order(const struct headers *got, const struct plan *plan,
                                    enum list list) {
  struct field_store store = {.count = 0};
  bool found[sizeof store.fields / sizeof *store.fields] = {false};
  plan_fields(&store, plan, list);
  for (uint32_t i = 0; i < got->count; i++) {
    size_t at = 0;
    if (is_of_engine(&got->at[i]) || names_resources(&got->at[i])) continue;
    while (at < store.count && (found[at] || !is_same(&got->at[i], &store.fields[at])))
      at++;
    sim_check(at < store.count, "a field too many: %.*s", (int)got->at[i].name.len,
              got->at[i].name.base);
    found[at] = true;
  }
  for (size_t at = 0; at < store.count; at++)
    sim_check(found[at] || store.fields[at].value.len == 0, "a field is missing: %.*s",
              (int)store.fields[at].name.len, store.fields[at].name.base);
}

/* ---- bodies ------------------------------------------------------------------------------------
 */

enum { PATTERN_BYTES = 1 << 16 };

static const uint8_t *pattern(void) {
  static uint8_t bytes[2 * PATTERN_BYTES];
  if (bytes[1] == 0)
    for (uint32_t i = 0; i < sizeof bytes; i++)
      bytes[i] = (uint8_t)(random_mix(i % PATTERN_BYTES) | 1);
  return bytes;
}

/* From byte `offset` on, the pattern is contiguous for at least PATTERN_BYTES. */
static const uint8_t *pattern_at(const struct plan *plan, bool response, uint32_t offset) {
  uint32_t start = (uint32_t)random_mix(plan->number * 2 + response);
  return pattern() + (start + offset) % PATTERN_BYTES;
}

void plan_copy_body(uint8_t *to, const struct plan *plan, bool response, uint32_t offset,
                    uint32_t len) {
  for (uint32_t at = 0; at < len;) {
    uint32_t piece = len - at < PATTERN_BYTES ? len - at : PATTERN_BYTES;
    memcpy(to + at, pattern_at(plan, response, offset + at), piece);
    at += piece;
  }
}

void plan_check_body(struct span got, const struct plan *plan, bool response, uint32_t offset) {
  for (uint32_t at = 0; at < got.len;) {
    size_t left = got.len - at;
    uint32_t piece = left < PATTERN_BYTES ? (uint32_t)left : PATTERN_BYTES;
    sim_check(memcmp(got.base + at, pattern_at(plan, response, offset + at), piece) == 0,
              "wrong bytes in a body at %u", offset + at);
    at += piece;
  }
}
