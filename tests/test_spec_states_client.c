/*
 * test_spec_states_client.c - what a server may send to a client's stream in which state: every
 * frame in every state, alone and after every prefix of one or two steps. How to read the table:
 * test_spec_states_server.c.
 */
#include "tests/spec_states.h"

/* The states of stream `$`. A promised stream is 2, on request 1. */
enum {
  IDLE = STATE_FIRST, /* a request not made yet */
  OPEN,               /* the request's body is being sent, no final response yet */
  WAITING,            /* half-closed (local), no final response yet */
  OPEN_ANSWERED,      /* the final response's header section has come */
  ANSWERED,           /* the same, half-closed (local) */
  HALF_REMOTE,        /* the response is complete, the request is not */
  CLOSED,
  RESET_LOCAL,
  RESET_REMOTE,
  PUSH_IDLE,
  RESERVED,
  PUSHED, /* the promised response has begun */
  PUSH_CLOSED,
  PUSH_RESET_LOCAL,
  PUSH_RESET_REMOTE,
};

/* ---- the prefixes ---------------------------------------------------------------------------- */

static const struct spec_step steps[] = {
    {"!request /a", {[IDLE] = WAITING}},
    {"!request /a body", {[IDLE] = OPEN}},
    {"!send $ 5", {[OPEN] = OPEN, [OPEN_ANSWERED] = OPEN_ANSWERED, [HALF_REMOTE] = HALF_REMOTE}},
    {"!end $", {[OPEN] = WAITING, [OPEN_ANSWERED] = ANSWERED, [HALF_REMOTE] = CLOSED}},
    {"HEADERS/H $ [:status=103 +x-sync=early]",
     {[OPEN] = OPEN, [WAITING] = WAITING, [RESET_LOCAL] = RESET_LOCAL}},
    {"HEADERS/H $ [@ok +x-sync=final]",
     {[OPEN] = OPEN_ANSWERED,
      [WAITING] = ANSWERED,
      [RESERVED] = PUSHED,
      [RESET_LOCAL] = RESET_LOCAL,
      [PUSH_RESET_LOCAL] = PUSH_RESET_LOCAL}},
    {"HEADERS/SH $ [@ok +x-sync=whole]",
     {[OPEN] = HALF_REMOTE, [WAITING] = CLOSED, [RESERVED] = PUSH_CLOSED}},
    {"DATA $ *3",
     {[OPEN_ANSWERED] = OPEN_ANSWERED,
      [ANSWERED] = ANSWERED,
      [PUSHED] = PUSHED,
      [RESET_LOCAL] = RESET_LOCAL,
      [PUSH_RESET_LOCAL] = PUSH_RESET_LOCAL}},
    {"DATA/S $ *3",
     {[OPEN_ANSWERED] = HALF_REMOTE,
      [ANSWERED] = CLOSED,
      [PUSHED] = PUSH_CLOSED,
      [RESET_LOCAL] = RESET_LOCAL}},
    {"HEADERS/SH $ [x-sum=1 +x-sync=trailers]",
     {[OPEN_ANSWERED] = HALF_REMOTE, [ANSWERED] = CLOSED, [PUSHED] = PUSH_CLOSED}},
    {"RST $ =8",
     {[OPEN] = RESET_REMOTE,
      [WAITING] = RESET_REMOTE,
      [OPEN_ANSWERED] = RESET_REMOTE,
      [ANSWERED] = RESET_REMOTE,
      [HALF_REMOTE] = RESET_REMOTE,
      [CLOSED] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL,
      [RESET_REMOTE] = RESET_REMOTE,
      [RESERVED] = PUSH_RESET_REMOTE,
      [PUSHED] = PUSH_RESET_REMOTE,
      [PUSH_CLOSED] = PUSH_CLOSED}},
    {"WU $ =1",
     {[OPEN] = OPEN,
      [WAITING] = WAITING,
      [OPEN_ANSWERED] = OPEN_ANSWERED,
      [ANSWERED] = ANSWERED,
      [HALF_REMOTE] = HALF_REMOTE,
      [CLOSED] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL,
      [RESET_REMOTE] = RESET_REMOTE}},
    {"PRIORITY $ d0/16",
     {[IDLE] = IDLE,
      [OPEN] = OPEN,
      [WAITING] = WAITING,
      [ANSWERED] = ANSWERED,
      [CLOSED] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL,
      [PUSH_IDLE] = PUSH_IDLE,
      [RESERVED] = RESERVED}},
    {"!reset $ 8",
     {[OPEN] = RESET_LOCAL,
      [WAITING] = RESET_LOCAL,
      [OPEN_ANSWERED] = RESET_LOCAL,
      [ANSWERED] = RESET_LOCAL,
      [HALF_REMOTE] = RESET_LOCAL,
      [RESERVED] = PUSH_RESET_LOCAL,
      [PUSHED] = PUSH_RESET_LOCAL}},
    {"PUSH/H 1 =2 [@get +x-sync=promise]", {[PUSH_IDLE] = RESERVED}},
    /* The application does not want this one. */
    {"PUSH/H 1 =2 [:method=GET :scheme=https :authority=a :path=/unwanted]",
     {[PUSH_IDLE] = PUSH_RESET_LOCAL}},
    {"SETTINGS 0 s4=70000", {[IDLE] = IDLE, [OPEN] = OPEN, [WAITING] = WAITING}},
};

/* ---- the table ------------------------------------------------------------------------------- */

#define CLOSED_STATES(verdict)                                                                     \
  [CLOSED] = verdict, [RESET_LOCAL] = verdict, [RESET_REMOTE] = verdict, [PUSH_CLOSED] = verdict,  \
  [PUSH_RESET_LOCAL] = verdict, [PUSH_RESET_REMOTE] = verdict

#define GONE_STATES                                                                                \
  [HALF_REMOTE] = "S:SC C:SC", [CLOSED] = "C:SC S:SC", [RESET_LOCAL] = "- S:SC",                   \
  [RESET_REMOTE] = "C:SC S:SC", [PUSH_CLOSED] = "C:SC S:SC", [PUSH_RESET_LOCAL] = "- S:SC",        \
  [PUSH_RESET_REMOTE] = "C:SC S:SC"

/* Sections 5.1, 6.1; DATA before HEADERS is malformed: 8.1. */
#define DATA_STATES                                                                                \
  [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [RESERVED] = "C:PE", [OPEN] = "S:PE C:PE",                \
  [WAITING] = "S:PE C:PE", GONE_STATES

/* Sections 5.1, 5.1.1. */
#define HEADERS_STATES [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", GONE_STATES

#define MALFORMED "S:PE C:PE"

/* What is malformed as the final response, and as anything that may come instead of it. */
#define BAD_RESPONSE(fields)                                                                       \
  {                                                                                                \
    "8.3.2", "HEADERS/SH $ [" fields " +x-sync=v]", MALFORMED, {                                   \
      HEADERS_STATES                                                                               \
    }                                                                                              \
  }

/* Section 5.1: whatever else of this stream arrives while it is reserved. */
#define NOT_RESERVED [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [RESERVED] = "C:PE"

/* Section 6.6: promises come on streams that are open or half-closed (local), of the client. */
#define PROMISE_STATES                                                                             \
  [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [HALF_REMOTE] = "C:PE", [CLOSED] = "C:PE C:SC",           \
  [RESET_LOCAL] = "-", [RESET_REMOTE] = "C:PE C:SC", [RESERVED] = "C:PE", [PUSHED] = "C:PE",       \
  [PUSH_CLOSED] = "C:PE C:SC", [PUSH_RESET_LOCAL] = "C:PE", [PUSH_RESET_REMOTE] = "C:PE C:SC"

static const struct spec_row rows[] = {
    {"6.1", "DATA $ *3", "-", {DATA_STATES}},
    {"6.1", "DATA $", "-", {DATA_STATES}},
    {"6.1", "DATA/S $ *3", "-", {DATA_STATES}},
    {"6.1", "DATA/PS $ p3 *3", "-", {DATA_STATES}},
    {"4.1", "DATA/U $ *3", "-", {DATA_STATES}},
    {"4.2", "DATA $ *16384", "-", {DATA_STATES}},
    {"6.1",
     "DATA/P $ x05 *3",
     "C:PE",
     {[CLOSED] = "C:SC C:PE S:SC",
      [RESET_REMOTE] = "C:SC C:PE S:SC",
      [PUSH_CLOSED] = "C:SC C:PE S:SC",
      [PUSH_RESET_REMOTE] = "C:SC C:PE S:SC"}},
    {"6.1", "DATA/P $", "C:FSE C:PE", {[IDLE] = "C:FSE C:PE"}},
    {"4.2", "DATA $ L16385", "C:FSE S:FSE", {[IDLE] = "C:FSE C:PE"}},

    {"8.1",
     "HEADERS/H $ [@ok +x-sync=v]",
     MALFORMED, /* a second final response, or trailers that go on */
     {[OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", HEADERS_STATES}},
    {"8.1",
     "HEADERS/SH $ [@ok +x-sync=v]",
     MALFORMED,
     {[OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", HEADERS_STATES}},
    {"8.1",
     "HEADERS/SHPR $ p4 d0/9 [@ok +x-sync=v]",
     MALFORMED,
     {[OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", HEADERS_STATES}},
    {"8.1",
     "HEADERS/H $ [:status=103 +x-sync=v]",
     MALFORMED,
     {[OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", HEADERS_STATES}},
    {"8.1", "HEADERS/SH $ [:status=103 +x-sync=v]", MALFORMED, {HEADERS_STATES}},
    {"8.6", "HEADERS/H $ [:status=101 +x-sync=v]", MALFORMED, {HEADERS_STATES}},
    {"8.1",
     "HEADERS/SH $ [x-sum=1 +x-sync=v]",
     MALFORMED,
     {[OPEN_ANSWERED] = "-", [ANSWERED] = "-", [PUSHED] = "-", HEADERS_STATES}},
    {"8.1", "HEADERS/H $ [x-sum=1 +x-sync=v]", MALFORMED, {HEADERS_STATES}},
    BAD_RESPONSE(":status=20"),
    BAD_RESPONSE(":status=2000"),
    BAD_RESPONSE(":status=2x0"),
    BAD_RESPONSE(":status=099"),
    BAD_RESPONSE(":status=200 :status=200"),
    BAD_RESPONSE("a=b :status=200"),
    BAD_RESPONSE("@ok :path=/"),
    BAD_RESPONSE("@ok :method=GET"),
    BAD_RESPONSE("@ok connection=close"),
    BAD_RESPONSE("@ok transfer-encoding=chunked"),
    BAD_RESPONSE("@ok A=b"),
    BAD_RESPONSE("@ok a=%20b"),
    BAD_RESPONSE("@ok a=b%0d"),
    BAD_RESPONSE("@ok content-length=5"), /* and no DATA: 8.1.1 */
    BAD_RESPONSE("@ok content-length=x"),
    {"4.3",
     "HEADERS/SH $ [x80]",
     "C:CE",
     {[IDLE] = "C:PE C:CE",
      [PUSH_IDLE] = "C:PE C:CE",
      [CLOSED] = "C:SC C:CE",
      [RESET_REMOTE] = "C:SC C:CE",
      [PUSH_CLOSED] = "C:SC C:CE",
      [PUSH_RESET_REMOTE] = "C:SC C:CE"}},
    {"6.2", "HEADERS/SHP $ x09 *8", "C:PE", {[CLOSED] = "C:PE C:SC"}},
    {"6.2", "HEADERS/SHR $ *4", "C:FSE", {[IDLE] = "C:FSE C:PE"}},
    {"4.2", "HEADERS/SH $ L16385", "C:FSE", {[IDLE] = "C:FSE C:PE"}},
    {"6.10",
     "HEADERS $ [@ok]; CONT $ [a=b]; CONT/H $ [+x-sync=v]",
     MALFORMED,
     {[OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", HEADERS_STATES}},
    {"6.10",
     "HEADERS $ [@ok]; DATA $ *1",
     "C:PE",
     {[CLOSED] = "C:SC C:PE",
      [RESET_REMOTE] = "C:SC C:PE",
      [PUSH_CLOSED] = "C:SC C:PE",
      [PUSH_RESET_REMOTE] = "C:SC C:PE"}},

    {"6.3", "PRIORITY $ d0/16", "-", {[IDLE] = "-"}},
    {"6.3",
     "PRIORITY $ *4",
     "S:FSE C:FSE",
     {[IDLE] = "C:FSE S:FSE", [PUSH_IDLE] = "C:FSE S:FSE", CLOSED_STATES("C:FSE S:FSE")}},
    {"6.4", "RST $ =8", "-", {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE"}},
    {"8.1", "RST $ =0", "-", {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE"}},
    {"6.4", "RST $ *3", "C:FSE", {[IDLE] = "C:FSE C:PE"}},
    {"6.9", "WU $ =1", "-", {NOT_RESERVED}},
    {"6.9", "WU $ =0", MALFORMED, {NOT_RESERVED, CLOSED_STATES("C:PE S:PE -")}},
    {"6.9.1",
     "WU $ =2147483647",
     "S:FCE C:FCE",
     {NOT_RESERVED, CLOSED_STATES("- S:FCE C:FCE"), [WAITING] = "S:FCE C:FCE -"}},
    {"6.9", "WU $ *3", "C:FSE", {[IDLE] = "C:FSE C:PE"}},

    {"6.6", "PUSH/H $ =4 [@get +x-sync=v]", "-", {PROMISE_STATES}},
    {"6.6", "PUSH/HP $ p9 =4 [@get +x-sync=v]", "-", {PROMISE_STATES}},
    {"6.6", "PUSH $ =4 [@get]; CONT/H $ [+x-sync=v]", "-", {PROMISE_STATES}},
    {"4.1", "PUSH/HU $ =2147483652 [@get +x-sync=v]", "-", {PROMISE_STATES}},
    /* Section 8.4: not safe or with a body: the promised stream is reset, this one goes on. */
    {"8.4", "PUSH/H $ =4 [@post +x-sync=v]", "-", {PROMISE_STATES}},
    {"8.4", "PUSH/H $ =4 [@get content-length=5 +x-sync=v]", "-", {PROMISE_STATES}},
    {"8.4", "PUSH/H $ =4 [:method=GET +x-sync=v]", "-", {PROMISE_STATES}},
    {"8.4",
     "PUSH/H $ =4 [:method=GET :scheme=https :authority=b :path=/ +x-sync=v]",
     "-",
     {PROMISE_STATES}},
    {"8.4",
     "PUSH/H $ =4 [:method=GET :scheme=http :authority=a :path=/ +x-sync=v]",
     "-",
     {PROMISE_STATES}},
    {"6.6", "PUSH/H $ =0 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.6", "PUSH/H $ =5 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.6", "PUSH/HP $ xff =4 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.6", "PUSH/H $ *3", "C:FSE C:PE", {[IDLE] = "C:FSE C:PE"}},
    {"4.3",
     "PUSH/H $ =4 [x80]",
     "C:CE",
     {[IDLE] = "C:PE",
      [PUSH_IDLE] = "C:PE",
      [HALF_REMOTE] = "C:PE C:CE",
      [CLOSED] = "C:PE C:SC",
      [RESET_REMOTE] = "C:PE C:SC",
      [RESERVED] = "C:PE",
      [PUSHED] = "C:PE",
      [PUSH_CLOSED] = "C:PE C:SC",
      [PUSH_RESET_LOCAL] = "C:PE",
      [PUSH_RESET_REMOTE] = "C:PE C:SC"}},

    {"6.10", "CONT/H $ [@ok]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5", "SETTINGS $", "C:PE", {[IDLE] = "C:PE"}},
    {"6.7", "PING $ *8", "C:PE", {[IDLE] = "C:PE"}},
    {"6.8", "GOAWAY $ =0 =0", "C:PE", {[IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 =$ x753d31", "C:PE", {[IDLE] = "C:PE"}},
    {"5.5", "T200 $ *9", "-", {[IDLE] = "-"}},

    {"6.1", "DATA 0 *3", "C:PE", {[IDLE] = "C:PE"}},
    {"6.2", "HEADERS/SH 0 [@ok]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.4", "RST 0 =8", "C:PE", {[IDLE] = "C:PE"}},
    {"6.6", "PUSH/H 0 =4 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5", "SETTINGS 0", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s2=0", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s2=1", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5.2", "SETTINGS 0 s2=2", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5.2", "SETTINGS 0 s4=2147483648", "C:FCE", {[IDLE] = "C:FCE"}},
    {"6.5.2", "SETTINGS 0 s5=0", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5.2", "SETTINGS 0 s1=0", "-", {[IDLE] = "-"}},
    {"8441 3", "SETTINGS 0 s8=1", "-", {[IDLE] = "-"}},
    {"8441 3", "SETTINGS 0 s8=1 s8=0", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5", "SETTINGS 0 *5", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.7", "PING 0 *8", "-", {[IDLE] = "-"}},
    {"6.7", "PING 0 *7", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.8", "GOAWAY 0 =0 *3", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.9", "WU 0 =0", "C:PE", {[IDLE] = "C:PE"}},
    {"6.9.1", "WU 0 =2147483647", "C:FCE", {[IDLE] = "C:FCE"}},
    {"5.5", "T200 0 *9", "-", {[IDLE] = "-"}},
};

static const struct spec_table table = {
    .role = H2_CLIENT,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
};

static void test_responses(void **state) {
  (void)state;
  spec_enumerate(&table, "", 1, IDLE);
}

static void test_pushes(void **state) {
  (void)state;
  spec_enumerate(&table, "!request /a", 2, PUSH_IDLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_responses),
      cmocka_unit_test(test_pushes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
