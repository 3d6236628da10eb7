/*
 * spec/test_states_client.c - what a server may send to a client's stream in which state. How to
 * read the table: tests/spec/test_states_server.c. A promised stream is 2, on request 1; `&` is the next
 * identifier to be promised.
 */
#include "tests/spec/spec_states.h"

/* ---- the steps ------------------------------------------------------------------------------- */

#define STAYS(state) [state] = state

/* Whatever the stream does. */
#define EVERYWHERE                                                                                 \
  {                                                                                                \
    STAYS(IDLE), STAYS(OPEN), STAYS(WAITING), STAYS(OPEN_ANSWERED), STAYS(ANSWERED),               \
        STAYS(TUNNEL), STAYS(HALF_REMOTE), STAYS(HALF_LOCAL), STAYS(CLOSED), STAYS(RESET_LOCAL),   \
        STAYS(RESET_REMOTE), STAYS(PUSH_IDLE), STAYS(RESERVED), STAYS(RESERVED_INFORMED),          \
        STAYS(PUSHED), STAYS(PUSH_CLOSED), STAYS(PUSH_RESET_LOCAL), STAYS(PUSH_RESET_REMOTE),      \
        STAYS(PUSH_SKIPPED)                                                                        \
  }

static const struct spec_step steps[] = {
    {"!request /a", {[IDLE] = WAITING}},
    {"!request /a body", {[IDLE] = OPEN}},
    {"!request connect body; HEADERS/H $ [@ok]", {[IDLE] = TUNNEL}},
    {"!send $ 5", {STAYS(OPEN), STAYS(OPEN_ANSWERED), STAYS(HALF_REMOTE), STAYS(TUNNEL)}},
    {"!end $",
     {[OPEN] = WAITING, [OPEN_ANSWERED] = ANSWERED, [HALF_REMOTE] = CLOSED, [TUNNEL] = HALF_LOCAL}},
    {"HEADERS/H $ [:status=103 +x-sync=early]",
     {STAYS(OPEN), STAYS(WAITING), [RESERVED] = RESERVED_INFORMED, STAYS(RESET_LOCAL)}},
    {"HEADERS/H $ [@ok +x-sync=final]",
     {[OPEN] = OPEN_ANSWERED,
      [WAITING] = ANSWERED,
      [RESERVED] = PUSHED,
      [RESERVED_INFORMED] = PUSHED,
      STAYS(RESET_LOCAL),
      STAYS(PUSH_RESET_LOCAL)}},
    {"HEADERS/SH $ [@ok +x-sync=whole]",
     {[OPEN] = HALF_REMOTE,
      [WAITING] = CLOSED,
      [RESERVED] = PUSH_CLOSED,
      [RESERVED_INFORMED] = PUSH_CLOSED}},
    {"DATA $ *3",
     {STAYS(OPEN_ANSWERED), STAYS(ANSWERED), STAYS(TUNNEL), STAYS(HALF_LOCAL), STAYS(PUSHED),
      STAYS(RESET_LOCAL), STAYS(PUSH_RESET_LOCAL)}},
    {"DATA/S $ *3",
     {[OPEN_ANSWERED] = HALF_REMOTE,
      [ANSWERED] = CLOSED,
      [TUNNEL] = HALF_REMOTE,
      [HALF_LOCAL] = CLOSED,
      [PUSHED] = PUSH_CLOSED,
      STAYS(RESET_LOCAL)}},
    {"HEADERS/SH $ [x-sum=1 +x-sync=trailers]",
     {[OPEN_ANSWERED] = HALF_REMOTE, [ANSWERED] = CLOSED, [PUSHED] = PUSH_CLOSED}},
    {"RST $ =8",
     {[OPEN] = RESET_REMOTE,
      [WAITING] = RESET_REMOTE,
      [OPEN_ANSWERED] = RESET_REMOTE,
      [ANSWERED] = RESET_REMOTE,
      [TUNNEL] = RESET_REMOTE,
      [HALF_LOCAL] = RESET_REMOTE,
      [HALF_REMOTE] = RESET_REMOTE,
      STAYS(CLOSED),
      STAYS(RESET_LOCAL),
      STAYS(RESET_REMOTE),
      [RESERVED] = PUSH_RESET_REMOTE,
      [RESERVED_INFORMED] = PUSH_RESET_REMOTE,
      [PUSHED] = PUSH_RESET_REMOTE,
      STAYS(PUSH_CLOSED),
      STAYS(PUSH_RESET_LOCAL),
      STAYS(PUSH_RESET_REMOTE),
      STAYS(PUSH_SKIPPED)}},
    {"WU $ =1",
     {STAYS(OPEN), STAYS(WAITING), STAYS(OPEN_ANSWERED), STAYS(ANSWERED), STAYS(TUNNEL),
      STAYS(HALF_LOCAL), STAYS(HALF_REMOTE), STAYS(CLOSED), STAYS(RESET_LOCAL), STAYS(RESET_REMOTE),
      STAYS(RESERVED_INFORMED), STAYS(PUSHED), STAYS(PUSH_CLOSED), STAYS(PUSH_RESET_LOCAL),
      STAYS(PUSH_RESET_REMOTE), STAYS(PUSH_SKIPPED)}},
    {"PRIORITY $ d0/16", EVERYWHERE},
    {"SETTINGS 0 s4=70000", EVERYWHERE},
    {"PING 0 *8", EVERYWHERE},
    {"WU 0 =1", EVERYWHERE},
    {"T200 $ *1", EVERYWHERE},
    {"!reset $ 8",
     {[OPEN] = RESET_LOCAL,
      [WAITING] = RESET_LOCAL,
      [OPEN_ANSWERED] = RESET_LOCAL,
      [ANSWERED] = RESET_LOCAL,
      [TUNNEL] = RESET_LOCAL,
      [HALF_LOCAL] = RESET_LOCAL,
      [HALF_REMOTE] = RESET_LOCAL,
      [RESERVED] = PUSH_RESET_LOCAL,
      [RESERVED_INFORMED] = PUSH_RESET_LOCAL,
      [PUSHED] = PUSH_RESET_LOCAL}},
    {"PUSH/H $ =& [@get +x-sync=promise]",
     {STAYS(OPEN), STAYS(WAITING), STAYS(OPEN_ANSWERED), STAYS(ANSWERED), STAYS(RESET_LOCAL)}},
    {"PUSH/H 1 =2 [@get +x-sync=promise]", {[PUSH_IDLE] = RESERVED}},
    {"PUSH/H 1 =& [@get +x-sync=promise]", {[PUSH_IDLE] = PUSH_SKIPPED}},
    /* The application does not want this one. */
    {"PUSH/H 1 =2 [:method=GET :scheme=https :authority=a :path=/unwanted]",
     {[PUSH_IDLE] = PUSH_RESET_LOCAL}},
};

/* ---- the table ------------------------------------------------------------------------------- */

#define MESSAGE                    "@ok"
#define UPDATE_RESERVED(verdict)   [RESERVED] = "C:PE"
#define FROM_SERVER_ALONE(verdict) verdict
#define FROM_CLIENT_ALONE(verdict) "C:PE"

#define GONE_STATES                                                                                \
  [HALF_REMOTE] = "S:SC C:SC", [CLOSED] = "C:SC S:SC", [RESET_LOCAL] = "- S:SC",                   \
  [RESET_REMOTE] = "C:SC S:SC", [PUSH_CLOSED] = "C:SC S:SC", [PUSH_RESET_LOCAL] = "- S:SC",        \
  [PUSH_RESET_REMOTE] = "C:SC S:SC"

/* Sections 5.1, 6.1; DATA before HEADERS is malformed: 8.1. */
#define DATA_STATES                                                                                \
  [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [RESERVED] = "C:PE", [OPEN] = "S:PE C:PE",                \
  [RESERVED_INFORMED] = "S:PE C:PE", [WAITING] = "S:PE C:PE", [PUSH_SKIPPED] = "S:SC C:SC C:PE",   \
  GONE_STATES

/* Sections 5.1, 5.1.1. */
#define HEADERS_STATES                                                                             \
  [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [PUSH_SKIPPED] = "C:PE C:SC", GONE_STATES

#include "tests/spec/spec_states_rows.h"

#define MALFORMED "S:PE C:PE"

/* Where a response's header section may come. */
#define RESPONSE(section, text)                                                                    \
  {                                                                                                \
    section, text, MALFORMED, {                                                                    \
      [OPEN] = "-", [WAITING] = "-", [RESERVED] = "-", [RESERVED_INFORMED] = "-", HEADERS_STATES   \
    }                                                                                              \
  }

#define TRAILERS(section, text)                                                                    \
  {                                                                                                \
    section, text, MALFORMED, {                                                                    \
      [OPEN_ANSWERED] = "-", [ANSWERED] = "-", [PUSHED] = "-", HEADERS_STATES                      \
    }                                                                                              \
  }

/* What is malformed as the final response, and as anything that may come instead of it. */
#define BAD_RESPONSE(fields)                                                                       \
  {                                                                                                \
    "8.3.2", "HEADERS/SH $ [" fields " +x-sync=v]", MALFORMED, {                                   \
      HEADERS_STATES                                                                               \
    }                                                                                              \
  }

/* Section 6.6: promises come on streams that are open or half-closed (local), of the client; in a
 * tunnel nothing but DATA does (8.5). */
#define PROMISE_STATES                                                                             \
  [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [HALF_REMOTE] = "C:PE", [CLOSED] = "C:PE C:SC",           \
  [RESET_LOCAL] = "-", [RESET_REMOTE] = "C:PE C:SC", [RESERVED] = "C:PE",                          \
  [RESERVED_INFORMED] = "C:PE", [PUSHED] = "C:PE", [PUSH_CLOSED] = "C:PE C:SC",                    \
  [PUSH_RESET_LOCAL] = "C:PE", [PUSH_RESET_REMOTE] = "C:PE C:SC", [PUSH_SKIPPED] = "C:PE",         \
  [TUNNEL] = "S:PE C:PE", [HALF_LOCAL] = "S:PE C:PE"

#define PROMISE(section, text)                                                                     \
  {                                                                                                \
    section, text, "-", {                                                                          \
      PROMISE_STATES                                                                               \
    }                                                                                              \
  }

static const struct spec_row rows[] = {
    RESPONSE("8.1", "HEADERS/H $ [@ok +x-sync=v]"),
    RESPONSE("8.1", "HEADERS/SH $ [@ok +x-sync=v]"),
    RESPONSE("4.1", "HEADERS/SHU $ [@ok +x-sync=v]"),
    RESPONSE("6.2", "HEADERS/SHPR $ p4 d0/9 [@ok +x-sync=v]"),
    RESPONSE("8.1", "HEADERS/H $ [:status=103 +x-sync=v]"),
    RESPONSE("6.10", "HEADERS $ [@ok]; CONT $ [a=b]; CONT/H $ [+x-sync=v]"),
    TRAILERS("8.1", "HEADERS/SH $ [x-sum=1 +x-sync=v]"),
    TRAILERS("6.10", "HEADERS/S $; CONT/H $ [x-sum=1 +x-sync=v]"),
    TRAILERS("8.1", "HEADERS/SH $"),
    {"8.1", "HEADERS/SH $ [:status=103 +x-sync=v]", MALFORMED, {HEADERS_STATES}},
    {"8.6", "HEADERS/H $ [:status=101 +x-sync=v]", MALFORMED, {HEADERS_STATES}},
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
     {UNUSED("C:PE C:CE"), LATE("C:SC C:CE"), [PUSH_SKIPPED] = "C:PE C:CE"}},

    PROMISE("6.6", "PUSH/H $ =& [@get +x-sync=v]"),
    PROMISE("6.6", "PUSH/HP $ p9 =& [@get +x-sync=v]"),
    PROMISE("6.6", "PUSH $ =& [@get]; CONT/H $ [+x-sync=v]"),
    PROMISE("6.6", "PUSH $ =&; CONT $ [@get]; CONT/H $ [+x-sync=v]"),
    PROMISE("4.1", "PUSH/HU $ =& [@get +x-sync=v]"),
    PROMISE("4.1", "PUSH/H $ =2147484648 [@get +x-sync=v]"), /* the reserved bit, and 1000 */
    /* Section 8.4: not safe, with a body, incomplete, for somebody else: the promised stream is
     * reset, this one goes on. */
    PROMISE("8.4", "PUSH/H $ =& [@post +x-sync=v]"),
    PROMISE("8.4", "PUSH/H $ =& [@get content-length=5 +x-sync=v]"),
    PROMISE("8.4", "PUSH/H $ =& [:method=GET +x-sync=v]"),
    PROMISE("8.4", "PUSH/H $ =& [:method=GET :scheme=https :authority=b :path=/ +x-sync=v]"),
    PROMISE("8.4", "PUSH/H $ =& [:method=GET :scheme=http :authority=a :path=/ +x-sync=v]"),
    {"4.3",
     "PUSH/H $ =& [x80]",
     "C:CE",
     {UNUSED("C:PE"), LATE("C:PE C:SC"), [HALF_REMOTE] = "C:PE C:CE", [RESERVED] = "C:PE",
      [RESERVED_INFORMED] = "C:PE", [PUSHED] = "C:PE", [PUSH_RESET_LOCAL] = "C:PE",
      [PUSH_SKIPPED] = "C:PE"}},
    {"6.6", "PUSH $ =& [@get]; DATA $ *1", "C:PE", {LATE("C:PE C:SC")}},
    {"6.5.2", "SETTINGS 0 s2=1", "C:PE", {0}},
    {"8441 3", "SETTINGS 0 s8=1 s8=0", "C:PE", {0}},
    {"9218 7.1", "PU 0 =$ x753d31", "C:PE", {0}},
    {"9218 7.1", "PU/UAHPR 0 =$", "C:PE", {0}},
};

static struct spec_table table = SPEC_TABLE(H2_CLIENT);

SPEC_MAIN("!request /a")
