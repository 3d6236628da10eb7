/*
 * spec/test_states_client.c - which frames a server may send to a client's stream in which state.
 * tests/spec/spec_states.h explains the table. A promised stream is 2, on request 1.
 */
#include "tests/spec/spec_states.h"

/* ---- the steps ------------------------------------------------------------------------------- */

#define STAYS(state) [state] = state

static const struct spec_states_step steps[] = {
    {"!request /a", {[IDLE] = WAITING}, false},
    {"!request /a body", {[IDLE] = OPEN}, false},
    {"!request connect body; HEADERS/H $ [@ok]", {[IDLE] = TUNNEL}, false},
    {"!send $ 5", {STAYS(OPEN), STAYS(OPEN_ANSWERED), STAYS(HALF_REMOTE), STAYS(TUNNEL)}, false},
    {"!end $",
     {[OPEN] = WAITING, [OPEN_ANSWERED] = ANSWERED, [HALF_REMOTE] = CLOSED, [TUNNEL] = HALF_LOCAL},
     false},
    {"HEADERS/H $ [:status=103 +x-sync=early]",
     {STAYS(OPEN), STAYS(WAITING), [RESERVED] = RESERVED_INFORMED, STAYS(RESET_LOCAL)},
     false},
    {"HEADERS/H $ [@ok +x-sync=final]",
     {[OPEN] = OPEN_ANSWERED,
      [WAITING] = ANSWERED,
      [RESERVED] = PUSHED,
      [RESERVED_INFORMED] = PUSHED,
      STAYS(RESET_LOCAL),
      STAYS(PUSH_RESET_LOCAL)},
     false},
    {"HEADERS/SH $ [@ok +x-sync=whole]",
     {[OPEN] = HALF_REMOTE,
      [WAITING] = CLOSED,
      [RESERVED] = PUSH_CLOSED,
      [RESERVED_INFORMED] = PUSH_CLOSED},
     false},
    {"DATA $ *3",
     {STAYS(OPEN_ANSWERED), STAYS(ANSWERED), STAYS(TUNNEL), STAYS(HALF_LOCAL), STAYS(PUSHED),
      STAYS(RESET_LOCAL), STAYS(PUSH_RESET_LOCAL)},
     false},
    {"DATA/S $ *3",
     {[OPEN_ANSWERED] = HALF_REMOTE,
      [ANSWERED] = CLOSED,
      [TUNNEL] = HALF_REMOTE,
      [HALF_LOCAL] = CLOSED,
      [PUSHED] = PUSH_CLOSED,
      STAYS(RESET_LOCAL)},
     false},
    {"HEADERS/SH $ [x-sum=1 +x-sync=trailers]",
     {[OPEN_ANSWERED] = HALF_REMOTE, [ANSWERED] = CLOSED, [PUSHED] = PUSH_CLOSED},
     false},
    {"WU $ =1",
     {STAYS(OPEN), STAYS(WAITING), STAYS(OPEN_ANSWERED), STAYS(ANSWERED), STAYS(TUNNEL),
      STAYS(HALF_LOCAL), STAYS(HALF_REMOTE), STAYS(CLOSED), STAYS(RESET_LOCAL), STAYS(RESET_REMOTE),
      STAYS(RESERVED_INFORMED), STAYS(PUSHED), STAYS(PUSH_CLOSED), STAYS(PUSH_RESET_LOCAL),
      STAYS(PUSH_RESET_REMOTE), STAYS(PUSH_SKIPPED)},
     false},
    {"PING 0 *8", {0}, true},
    {"PUSH/H $ =& [@get +x-sync=promise]",
     {STAYS(OPEN), STAYS(WAITING), STAYS(OPEN_ANSWERED), STAYS(ANSWERED), STAYS(RESET_LOCAL)},
     false},
    {"PUSH/H 1 =2 [@get +x-sync=promise]", {[PUSH_IDLE] = RESERVED}, false},
    {"PUSH/H 1 =& [@get +x-sync=promise]", {[PUSH_IDLE] = PUSH_SKIPPED}, false},
    /* The application does not want this one. */
    {"PUSH/H 1 =2 [:method=GET :scheme=https :authority=a :path=/unwanted]",
     {[PUSH_IDLE] = PUSH_RESET_LOCAL},
     false},
};

/* ---- the rows -------------------------------------------------------------------------------- */

#define MALFORMED "S:PE C:PE"

/* The header section of a response, where one may come. */
#define RESPONSE                                                                                   \
  MALFORMED, AS_HEADERS, {                                                                         \
    [OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", [RESERVED_INFORMED] = "-"                     \
  }

/* Trailers, where they may come. */
#define TRAILERS                                                                                   \
  MALFORMED, AS_HEADERS, {                                                                         \
    [OPEN_ANSWERED] = "-", [ANSWERED] = "-", [PUSHED] = "-"                                        \
  }

/* Malformed both as a response and as trailers. */
#define NEITHER                                                                                    \
  MALFORMED, AS_HEADERS, {                                                                         \
    0                                                                                              \
  }

#define PROMISE                                                                                    \
  "-", AS_PROMISE, {                                                                               \
    0                                                                                              \
  }

static const struct spec_states_row rows[] = {
    {"8.1", "HEADERS/H $ [@ok +x-sync=v]", RESPONSE},
    {"8.1", "HEADERS/SH $ [@ok +x-sync=v]", RESPONSE},
    {"4.1", "HEADERS/SHU $ [@ok +x-sync=v]", RESPONSE},
    {"6.2", "HEADERS/SHPR $ p4 d0/9 [@ok +x-sync=v]", RESPONSE},
    {"8.1", "HEADERS/H $ [:status=103 +x-sync=v]", RESPONSE},
    {"6.10", "HEADERS $ [@ok]; CONT $ [a=b]; CONT/H $ [+x-sync=v]", RESPONSE},
    {"8.1", "HEADERS/SH $ [x-sum=1 +x-sync=v]", TRAILERS},
    {"6.10", "HEADERS/S $; CONT/H $ [x-sum=1 +x-sync=v]", TRAILERS},
    {"8.1", "HEADERS/SH $", TRAILERS},
    {"8.1", "HEADERS/SH $ [:status=103 +x-sync=v]", NEITHER},
    {"8.6", "HEADERS/H $ [:status=101 +x-sync=v]", NEITHER},
    {"8.1", "HEADERS/H $ [x-sum=1 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [:status=20 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [:status=2000 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [:status=2x0 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [:status=099 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [:status=200 :status=200 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [a=b :status=200 +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok :path=/ +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok :method=GET +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok connection=close +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok transfer-encoding=chunked +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok A=b +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok a=%20b +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok a=b%0d +x-sync=v]", NEITHER},
    {"8.3.2", "HEADERS/SH $ [@ok content-length=5 +x-sync=v]", NEITHER}, /* and no DATA: 8.1.1 */
    {"8.3.2", "HEADERS/SH $ [@ok content-length=x +x-sync=v]", NEITHER},
    {"4.3",
     "HEADERS/SH $ [x80]",
     "C:CE",
     AS_ROW,
     {[IDLE] = "C:PE C:CE",
      [PUSH_IDLE] = "C:PE C:CE",
      [CLOSED] = "C:SC C:CE",
      [RESET_REMOTE] = "C:SC C:CE",
      [PUSH_CLOSED] = "C:SC C:CE",
      [PUSH_RESET_REMOTE] = "C:SC C:CE",
      [PUSH_SKIPPED] = "C:PE C:CE"}},

    {"6.6", "PUSH/H $ =& [@get +x-sync=v]", PROMISE},
    {"6.6", "PUSH/HP $ p9 =& [@get +x-sync=v]", PROMISE},
    {"6.6", "PUSH $ =& [@get]; CONT/H $ [+x-sync=v]", PROMISE},
    {"6.6", "PUSH $ =&; CONT $ [@get]; CONT/H $ [+x-sync=v]", PROMISE},
    {"4.1", "PUSH/HU $ =& [@get +x-sync=v]", PROMISE},
    {"4.1", "PUSH/H $ =2147484648 [@get +x-sync=v]", PROMISE}, /* the reserved bit, and 1000 */
    /* Section 8.4: not safe, with a body, incomplete, or of another origin. The promised stream
     * is reset, and this one continues. */
    {"8.4", "PUSH/H $ =& [@post +x-sync=v]", PROMISE},
    {"8.4", "PUSH/H $ =& [@get content-length=5 +x-sync=v]", PROMISE},
    {"8.4", "PUSH/H $ =& [:method=GET +x-sync=v]", PROMISE},
    {"8.4", "PUSH/H $ =& [:method=GET :scheme=https :authority=b :path=/ +x-sync=v]", PROMISE},
    {"8.4", "PUSH/H $ =& [:method=GET :scheme=http :authority=a :path=/ +x-sync=v]", PROMISE},
    {"4.3",
     "PUSH/H $ =& [x80]",
     "C:CE",
     AS_ROW,
     {[IDLE] = "C:PE",
      [PUSH_IDLE] = "C:PE",
      [CLOSED] = "C:PE C:SC",
      [RESET_REMOTE] = "C:PE C:SC",
      [PUSH_CLOSED] = "C:PE C:SC",
      [PUSH_RESET_REMOTE] = "C:PE C:SC",
      [HALF_REMOTE] = "C:PE C:CE",
      [RESERVED] = "C:PE",
      [RESERVED_INFORMED] = "C:PE",
      [PUSHED] = "C:PE",
      [PUSH_RESET_LOCAL] = "C:PE",
      [PUSH_SKIPPED] = "C:PE"}},
    {"6.6",
     "PUSH $ =& [@get]; DATA $ *1",
     "C:PE",
     AS_ROW,
     {[CLOSED] = "C:PE C:SC",
      [RESET_REMOTE] = "C:PE C:SC",
      [PUSH_CLOSED] = "C:PE C:SC",
      [PUSH_RESET_REMOTE] = "C:PE C:SC"}},
    {"6.5.2", "SETTINGS 0 s2=1", "C:PE", AS_ROW, {0}},
    {"8441 3", "SETTINGS 0 s8=1 s8=0", "C:PE", AS_ROW, {0}},
    {"9218 7.1", "PU 0 =$ x753d31", "C:PE", AS_ROW, {0}},
    {"9218 7.1", "PU/UAHPR 0 =$", "C:PE", AS_ROW, {0}},
};

/* ---- the table ------------------------------------------------------------------------------- */

#define GONE_STATES                                                                                \
  [HALF_REMOTE] = "S:SC C:SC", [CLOSED] = "C:SC S:SC", [RESET_LOCAL] = "- S:SC",                   \
  [RESET_REMOTE] = "C:SC S:SC", [PUSH_CLOSED] = "C:SC S:SC", [PUSH_RESET_LOCAL] = "- S:SC",        \
  [PUSH_RESET_REMOTE] = "C:SC S:SC"

static const struct spec_states_table table = {
    .role = H2_CLIENT,
    .message = "@ok",
    .push_setup = "!request /a",
    .steps = SPEC_STATES_LIST(steps),
    .rows = SPEC_STATES_LIST(rows),
    .bases =
        {
            /* Sections 5.1, 6.1; DATA before HEADERS is malformed: 8.1. */
            [AS_DATA] = {[IDLE] = "C:PE",
                         [PUSH_IDLE] = "C:PE",
                         [RESERVED] = "C:PE",
                         [OPEN] = MALFORMED,
                         [RESERVED_INFORMED] = MALFORMED,
                         [WAITING] = MALFORMED,
                         [PUSH_SKIPPED] = "S:SC C:SC C:PE",
                         GONE_STATES},
            /* Sections 5.1, 5.1.1. */
            [AS_HEADERS] =
                {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [PUSH_SKIPPED] = "C:PE C:SC", GONE_STATES},
            /* A reserved stream has not begun to send: section 5.1. */
            [AS_WINDOW_UPDATE] = {[RESERVED] = "C:PE"},
            /* Section 6.6: promises come on the client's streams that are open or half-closed
             * (local). In a tunnel, only DATA may come (8.5). */
            [AS_PROMISE] = {[IDLE] = "C:PE",
                            [PUSH_IDLE] = "C:PE",
                            [HALF_REMOTE] = "C:PE",
                            [CLOSED] = "C:PE C:SC",
                            [RESET_LOCAL] = "-",
                            [RESET_REMOTE] = "C:PE C:SC",
                            [RESERVED] = "C:PE",
                            [RESERVED_INFORMED] = "C:PE",
                            [PUSHED] = "C:PE",
                            [PUSH_CLOSED] = "C:PE C:SC",
                            [PUSH_RESET_LOCAL] = "C:PE",
                            [PUSH_RESET_REMOTE] = "C:PE C:SC",
                            [PUSH_SKIPPED] = "C:PE",
                            [TUNNEL] = MALFORMED,
                            [HALF_LOCAL] = MALFORMED},
            /* A client's frame: RFC 9218 section 7.1. */
            [AS_FROM_CLIENT] = {[0 ... STATE_COUNT - 1] = "C:PE"},
        },
};

int main(void) {
  return spec_states_main(&table);
}
