/*
 * spec/test_limits.c - excess, and what must still work after it: header lists beyond
 * SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113 section 6.5.2, RFC 6585 section 5), endless informational
 * responses, priorities for more streams than allowed (RFC 9218 section 7.1), and refused memory.
 */
#include "tests/spec/spec_lines.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#define BIG   "x-big=0123456789012345678901234567890123456789012345678901234567890123456789"
#define BIG_4 BIG " " BIG " " BIG " " BIG

/* With a limit of 500 bytes: four BIG fields beside a request are beyond it, twelve beyond twice.
 */
static const struct spec_line requests[] = {
    {"6585 5", "431 without the handler", "HEADERS/SH 1 [@get " BIG_4 "]", "HEADERS 1 431 end", 0},
    {"6585 5", "the body is not wanted", "HEADERS/H 1 [@post " BIG_4 "]; DATA 1 *9; !tick 1000",
     "HEADERS 1 431 end, RST_STREAM 1 NO_ERROR", 0},
    {"4.3", "fields beyond the limit are decoded",
     "HEADERS/SH 1 [@get " BIG_4 " +x-sync=1 +x-sync=2]; HEADERS/SH 3 [@get #63]",
     "HEADERS 1 431 end, request 3 GET / end, closed 3 NO_ERROR, HEADERS 3 200, DATA 3 2 end", 0},
    {"10.5.1", "pseudo-header fields beyond it", "HEADERS/SH 1 [" BIG_4 " " BIG " @get]",
     "HEADERS 1 431 end", 0},
    {"10.5.1", "a field that is malformed before the limit counts",
     "HEADERS/SH 1 [@get a=b :path=/]", "HEADERS 1 400 end, RST_STREAM 1 PROTOCOL_ERROR", 0},
    {"10.5.1", "more than twice as much", "HEADERS/SH 1 [@get " BIG_4 " " BIG_4 " " BIG_4 "]",
     "GOAWAY 0 ENHANCE_YOUR_CALM", 0},
    {"10.5.1", "repeated references to one entry",
     "HEADERS/SH 1 [@get +" BIG " #62 #62 #62 #62]; HEADERS/SH 3 [@get +x-sync=3 #63]",
     "HEADERS 1 431 end, request 3 GET / end, closed 3 NO_ERROR, HEADERS 3 200, DATA 3 2 end", 0},
    {"10.5.1", "trailers", "HEADERS/H 1 [@post]; HEADERS/SH 1 [" BIG_4 " " BIG_4 " +x-sync=1]",
     "request 1 POST /hold, closed 1 ENHANCE_YOUR_CALM, RST_STREAM 1 ENHANCE_YOUR_CALM", 0},
    {"5.1.2", "after 431 the stream no longer counts",
     "HEADERS/SH 1 [@get " BIG_4 "]; HEADERS/SH 3 [@get " BIG_4 "]; HEADERS/SH 5 [@get " BIG_4 "]; "
     "HEADERS/SH 7 [@get]",
     "HEADERS 1 431 end, HEADERS 3 431 end, HEADERS 5 431 end, request 7 GET / end, "
     "closed 7 NO_ERROR, HEADERS 7 200, DATA 7 2 end",
     0},
};

static const struct spec_line responses[] = {
    {"10.5.1", "a response", "!request /a; HEADERS/SH 1 [@ok " BIG_4 " +x-sync=1]",
     "HEADERS 1 /a end, closed 1 ENHANCE_YOUR_CALM, RST_STREAM 1 ENHANCE_YOUR_CALM", 0},
    {"10.5.1", "informational responses share one limit",
     "!request /a; HEADERS/H 1 [:status=103 " BIG "]; HEADERS/H 1 [:status=103 " BIG "]; "
     "HEADERS/H 1 [:status=103 " BIG "]; HEADERS/H 1 [:status=103 " BIG "]; HEADERS/SH 1 [@ok]",
     "HEADERS 1 /a end, response 1 103, response 1 103, "
     "closed 1 ENHANCE_YOUR_CALM, RST_STREAM 1 ENHANCE_YOUR_CALM",
     0},
    {"10.5.1", "a promise",
     "!request /a; PUSH/H 1 =2 [@get " BIG_4 " +x-sync=1]; HEADERS/SH 2 [@ok]; HEADERS/SH 1 [@ok]",
     "HEADERS 1 /a end, RST_STREAM 2 REFUSED_STREAM, response 1 200 end, closed 1 NO_ERROR", 0},
};

static void test_header_lists(void **state) {
  (void)state;
  struct engine_config config = script_config();
  config.header_list_bytes = 500;
  spec_lines_run(SPEC_LINES(requests), H2_SERVER, &config);
  config.header_list_bytes = 400;
  spec_lines_run(SPEC_LINES(responses), H2_CLIENT, &config);
}

/* RFC 9218 section 7.1, with two streams allowed. */
static const struct spec_line updates[] = {
    {"9218 7.1", "as many idle streams as may be opened",
     "PU 0 =1 x753d30; PU 0 =3 x753d30; HEADERS/SH 1 [@get]",
     "request 1 GET / end, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end", 0},
    {"9218 7.1", "an idle stream again", "PU 0 =1 x753d30; PU 0 =3 x753d30; PU 0 =3 x753d31", "",
     0},
    {"9218 7.1", "one more", "PU 0 =1; PU 0 =3; PU 0 =5", "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"9218 7.1", "active streams count, too", "HEADERS/SH 1 [@hold]; PU 0 =3; PU 0 =5",
     "request 1 GET /hold end, closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR", 0},
    {"9218 7.1", "closed ones do not",
     "HEADERS/SH 1 [@get]; PU 0 =1 x753d30; PU 0 =3; PU 0 =5; PU 0 =1 x753d31",
     "request 1 GET / end, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end", 0},
};

/* Sections 4.2, 7.1: urgency, and a change of it, decide which stream goes first. */
static const struct spec_line order[] = {
    {"9218 4.1", "the more urgent first",
     "HEADERS/SH 1 [@hold priority=u=5]; HEADERS/SH 3 [@hold priority=u=1]; !mute; !respond 1 200; "
     "!send 1 900; !end 1; !respond 3 200; !send 3 900; !end 3; !listen",
     "request 1 GET /hold end, request 3 GET /hold end, closed 3 NO_ERROR, closed 1 NO_ERROR, "
     "HEADERS 1 200, HEADERS 3 200, DATA 3 900 end, DATA 1 900 end",
     0},
    {"9218 4.2", "of equals, the older first",
     "HEADERS/SH 1 [@hold priority=u=1]; HEADERS/SH 3 [@hold priority=u=1]; !mute; !respond 3 200; "
     "!send 3 900; !end 3; !respond 1 200; !send 1 900; !end 1; !listen",
     "request 1 GET /hold end, request 3 GET /hold end, closed 1 NO_ERROR, closed 3 NO_ERROR, "
     "HEADERS 3 200, HEADERS 1 200, DATA 1 900 end, DATA 3 900 end",
     0},
    {"9218 7.1", "an update counts more than the field",
     "HEADERS/SH 1 [@hold priority=u=5]; HEADERS/SH 3 [@hold priority=u=1]; PU 0 =1 x753d30; "
     "!mute; "
     "!respond 1 200; !send 1 900; !end 1; !respond 3 200; !send 3 900; !end 3; !listen",
     "request 1 GET /hold end, request 3 GET /hold end, closed 1 NO_ERROR, closed 3 NO_ERROR, "
     "HEADERS 1 200, HEADERS 3 200, DATA 1 900 end, DATA 3 900 end",
     0},
    {"9218 7.1", "also if it came before the stream",
     "PU 0 =3 x753d30; HEADERS/SH 1 [@hold priority=u=1]; HEADERS/SH 3 [@hold]; !mute; "
     "!respond 1 200; !send 1 900; !end 1; !respond 3 200; !send 3 900; !end 3; !listen",
     "request 1 GET /hold end, request 3 GET /hold end, closed 3 NO_ERROR, closed 1 NO_ERROR, "
     "HEADERS 1 200, HEADERS 3 200, DATA 3 900 end, DATA 1 900 end",
     0},
    {"9218 4", "a field that cannot be parsed means the defaults",
     "HEADERS/SH 1 [@hold priority=u=]; HEADERS/SH 3 [@hold priority=u=2]; !mute; !respond 1 200; "
     "!send 1 900; !end 1; !respond 3 200; !send 3 900; !end 3; !listen",
     "request 1 GET /hold end, request 3 GET /hold end, closed 3 NO_ERROR, closed 1 NO_ERROR, "
     "HEADERS 1 200, HEADERS 3 200, DATA 3 900 end, DATA 1 900 end",
     0},
};

static void test_priorities(void **state) {
  (void)state;
  struct engine_config config = script_config();
  spec_lines_run(SPEC_LINES(order), H2_SERVER, &config);
  config.h2.concurrent_streams = 2;
  spec_lines_run(SPEC_LINES(updates), H2_SERVER, &config);
}

/* Each allocation is refused in turn: the result is a clean end or a refused stream, without a
 * leak or failed assertion. */
static void refuse_each(enum h2_role role, const char *text) {
  static struct script script;
  for (uint64_t refused = 1;; refused++) {
    script_begin(&script, role, NULL, false);
    script.memory.refuse_at = script.memory.calls + refused;
    script_run(&script, text);
    bool through = script.memory.calls < script.memory.refuse_at;
    script_close(&script);
    if (through) break;
    assert_true(refused < 1000);
  }
}

static void test_refused_memory(void **state) {
  (void)state;
  refuse_each(H2_SERVER, "HEADERS/SH 1 [@get +a=b]; HEADERS/SH 3 [@get #62]; PING 0 *8");
  refuse_each(H2_SERVER, "HEADERS/S 1 [@get]; CONT 1 [a=b]; CONT/H 1 [+c=d]; HEADERS/SH 3 [@get]");
  refuse_each(H2_SERVER, "HEADERS/H 1 [@post]; DATA 1 *900; !respond 1 200; !send 1 70000; "
                         "HEADERS/SH 1 [a=b]; !trailers 1; !end 1; WU 0 =99999; WU 1 =99999");
  refuse_each(H2_SERVER,
              "HEADERS/SH 1 [@hold]; !push 1; !push 1; !respond 2 200; !end 2; RST 4 =8; "
              "!inform 1 103; !respond 1 200; !end 1");
  refuse_each(H2_SERVER, "PU 0 =1 x753d30; PRIORITY 3 d1/9!; HEADERS/SHR 5 d3/7! [@hold]; "
                         "PRIORITY 5 d1/2; !respond 5 200; !end 5; !drain; !tick 1100");
  refuse_each(H2_CLIENT,
              "!request /a body; !send 1 900; !request /b; PUSH/H 1 =2 [@get +x=y]; "
              "HEADERS/H 2 [@ok]; DATA/S 2 *9; HEADERS/SH 1 [@ok]; !end 1; GOAWAY 0 =1 =0");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_header_lists),
      cmocka_unit_test(test_priorities),
      cmocka_unit_test(test_refused_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
