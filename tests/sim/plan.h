/*
 * plan.h - what the two sides of an exchange send, as a function of its number alone: body sizes,
 * fields, timing, and the bytes of the bodies, which are a pattern of the number and the offset.
 * Fields come from a small stock, so that the HPACK tables are hit, filled and evicted.
 */
#ifndef WEIR_SIM_PLAN_H
#define WEIR_SIM_PLAN_H

#include "engine/http/headers.h"
#include "tests/support/random.h"

/* A flag in an exchange's number: the server promised it. */
#define PLAN_NUMBER_PUSHED (1ull << 60)

enum plan_kind { PLAN_GET, PLAN_HEAD, PLAN_POST, PLAN_TUNNEL, PLAN_PUSHED };

/* When the server answers. */
enum plan_answer { ANSWER_AT_ONCE, ANSWER_AFTER_BODY, ANSWER_BY_TIMER, ANSWER_LATER };

enum { PLAN_FIELDS_MAX = 12, PLAN_HUGE_BYTES = 18000 };

struct plan {
  uint64_t number; /* of the exchange */
  enum plan_kind kind;
  enum plan_answer answer;
  uint32_t request_bytes, response_bytes;
  uint16_t status;
  uint8_t informs, pushes;
  bool request_length, response_length; /* content-length is sent */
  bool request_trailers, response_trailers;
  bool request_huge, response_huge; /* a field of PLAN_HUGE_BYTES: needs CONTINUATION, or is too
                                     * large */
  bool body_fails;                  /* the response's body ends in BODY_ERROR */
};

struct plan plan_of(uint64_t number);

bool plan_is_bodiless(const struct plan *plan);

/* Which list of fields of an exchange. */
enum list {
  LIST_REQUEST,
  LIST_RESPONSE,
  LIST_REQUEST_TRAILERS,
  LIST_RESPONSE_TRAILERS,
  LIST_INFORM
};

struct field_store {
  char text[PLAN_FIELDS_MAX][160];
  char name[PLAN_FIELDS_MAX][16];
  struct header fields[PLAN_FIELDS_MAX + 6];
  size_t count;
};

/* Adds the fields of one list, without pseudo-header fields. */
void plan_fields(struct field_store *store, const struct plan *plan, enum list list);

/* Compares the received fields, except those that engines add, with the plan. Ends the run if
 * they differ. */
void plan_check_fields(const struct headers *got, const struct plan *plan, enum list list);

/* The same where order means nothing, and fields of one name lose their empty values. */
void plan_check_fields_in_any_order(const struct headers *got, const struct plan *plan,
                                    enum list list);

/* The body of either message from byte `offset` on. */
void plan_copy_body(uint8_t *to, const struct plan *plan, bool response, uint32_t offset,
                    uint32_t len);
void plan_check_body(struct span got, const struct plan *plan, bool response, uint32_t offset);

#endif
