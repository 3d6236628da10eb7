/*
 * spec/test_states_server.c - what a client may send to a server's stream in which state.
 *
 * The table is written from RFC 9113 (with the sections in it), RFC 7540 section 5.3.1 and RFC 9218
 * section 7.1. A verdict is a set of what is allowed: "-" no error, "S:x" RST_STREAM with code x,
 * "C:x" GOAWAY with code x, "~" no error, and the connection ends. The first is what weir chose;
 * any other answer fails, even an allowed one, so that a change is noticed. Section 5.4.1 lets any
 * stream error be a connection error, so that S:x comes with C:x.
 *
 * After each frame that does not end the connection, HPACK and the connection's window must still
 * be in step (script_check()): both are kept for streams that are gone (sections 4.3, 5.1, 6.9).
 */
#include "tests/spec/spec_states.h"

/* ---- the steps ------------------------------------------------------------------------------- */

#define STAYS(state) [state] = state

/* Whatever the stream does. */
#define EVERYWHERE                                                                                 \
  {                                                                                                \
    STAYS(IDLE), STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_REMOTE), STAYS(HALF_LOCAL),                \
        STAYS(LINGERS), STAYS(CLOSED), STAYS(RESET_LOCAL), STAYS(RESET_REMOTE), STAYS(SKIPPED),    \
        STAYS(PUSH_IDLE), STAYS(RESERVED), STAYS(PUSHED), STAYS(PUSH_CLOSED),                      \
        STAYS(PUSH_RESET_LOCAL), STAYS(PUSH_RESET_REMOTE)                                          \
  }

static const struct spec_step steps[] = {
    {"HEADERS/H $ [@post +x-sync=open]", {[IDLE] = OPEN}},
    {"HEADERS/SH $ [@hold +x-sync=hold]", {[IDLE] = HALF_REMOTE}},
    {"HEADERS/H $ [@connect +x-sync=connect]", {[IDLE] = TUNNEL}},
    {"HEADERS/SH $ [@get]", {[IDLE] = CLOSED}},
    {"HEADERS/H $ [:method=POST :scheme=https :path=/ :authority=a]", {[IDLE] = LINGERS}},
    {"HEADERS/SH 9 [@get]", {[IDLE] = SKIPPED}},
    {"DATA $ *3",
     {STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_LOCAL), STAYS(LINGERS), STAYS(RESET_LOCAL),
      STAYS(PUSH_RESET_LOCAL)}},
    {"DATA/S $ *3",
     {[OPEN] = HALF_REMOTE,
      [TUNNEL] = HALF_REMOTE,
      [HALF_LOCAL] = CLOSED,
      [LINGERS] = CLOSED,
      STAYS(RESET_LOCAL)}},
    {"HEADERS/SH $ [x-sum=1 +x-sync=trailers]",
     {[OPEN] = HALF_REMOTE, [LINGERS] = CLOSED, STAYS(RESET_LOCAL), STAYS(PUSH_RESET_LOCAL)}},
    {"RST $ =8",
     {[OPEN] = RESET_REMOTE,
      [TUNNEL] = RESET_REMOTE,
      [HALF_REMOTE] = RESET_REMOTE,
      [HALF_LOCAL] = RESET_REMOTE,
      [LINGERS] = RESET_REMOTE,
      STAYS(CLOSED),
      STAYS(RESET_LOCAL),
      STAYS(RESET_REMOTE),
      STAYS(SKIPPED),
      [RESERVED] = PUSH_RESET_REMOTE,
      [PUSHED] = PUSH_RESET_REMOTE,
      STAYS(PUSH_CLOSED),
      STAYS(PUSH_RESET_LOCAL),
      STAYS(PUSH_RESET_REMOTE)}},
    {"WU $ =1",
     {STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_REMOTE), STAYS(HALF_LOCAL), STAYS(LINGERS),
      STAYS(CLOSED), STAYS(RESET_LOCAL), STAYS(RESET_REMOTE), STAYS(SKIPPED), STAYS(RESERVED),
      STAYS(PUSHED), STAYS(PUSH_CLOSED), STAYS(PUSH_RESET_LOCAL), STAYS(PUSH_RESET_REMOTE)}},
    {"PRIORITY $ d0/16", EVERYWHERE},
    {"SETTINGS 0 s4=70000", EVERYWHERE},
    {"PING 0 *8; PU 0 =1 x753d31", EVERYWHERE},
    {"WU 0 =1", EVERYWHERE},
    {"T200 $ *1", EVERYWHERE},
    {"!respond $ 200", {STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_REMOTE), [RESERVED] = PUSHED}},
    {"!respond $ 200; !end $",
     {[OPEN] = LINGERS, [TUNNEL] = HALF_LOCAL, [HALF_REMOTE] = CLOSED, [RESERVED] = PUSH_CLOSED}},
    {"!reset $ 8",
     {[OPEN] = RESET_LOCAL,
      [TUNNEL] = RESET_LOCAL,
      [HALF_REMOTE] = RESET_LOCAL,
      [HALF_LOCAL] = RESET_LOCAL,
      [RESERVED] = PUSH_RESET_LOCAL,
      [PUSHED] = PUSH_RESET_LOCAL}},
    /* Section 8.1: what is not complete by then is reset, with NO_ERROR. */
    {"!tick 1100", {[LINGERS] = RESET_LOCAL, STAYS(OPEN)}},
    {"!push 1", {[PUSH_IDLE] = RESERVED}},
    {"!push 1; !respond 2 200; !end 2", {[PUSH_IDLE] = PUSH_CLOSED}},
};

/* ---- the table ------------------------------------------------------------------------------- */

#define MESSAGE                    "@hold"
#define UPDATE_RESERVED(verdict)   [RESERVED] = verdict
#define FROM_SERVER_ALONE(verdict) "C:PE"
#define FROM_CLIENT_ALONE(verdict) verdict

/* DATA on whatever cannot receive it: sections 5.1, 6.1. */
#define DATA_STATES                                                                                \
  [IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [RESERVED] = "C:PE", [HALF_REMOTE] = "S:SC C:SC",         \
  [PUSHED] = "S:SC C:SC", [CLOSED] = "C:SC S:SC", [RESET_LOCAL] = "- S:SC",                        \
  [RESET_REMOTE] = "C:SC S:SC", [SKIPPED] = "S:SC C:SC C:PE", [PUSH_CLOSED] = "C:SC S:SC",         \
  [PUSH_RESET_LOCAL] = "- S:SC", [PUSH_RESET_REMOTE] = "C:SC S:SC"

/* HEADERS the same: sections 5.1, 5.1.1, 6.2. */
#define HEADERS_STATES                                                                             \
  [HALF_REMOTE] = "S:SC C:SC", [PUSHED] = "S:SC C:SC C:PE", [CLOSED] = "C:SC C:PE",                \
  [RESET_LOCAL] = "- S:SC", [RESET_REMOTE] = "C:SC S:SC C:PE", [SKIPPED] = "C:PE C:SC",            \
  [PUSH_IDLE] = "C:PE", [RESERVED] = "C:PE", [PUSH_CLOSED] = "C:SC C:PE",                          \
  [PUSH_RESET_LOCAL] = "- C:PE S:SC", [PUSH_RESET_REMOTE] = "C:SC C:PE S:SC"

#include "tests/spec/spec_states_rows.h"

#define MALFORMED "S:PE C:PE"

/* A request where one may begin; anywhere else trailers, which hold no pseudo-header fields. */
#define REQUEST(section, text)                                                                     \
  {                                                                                                \
    section, text, MALFORMED, {                                                                    \
      [IDLE] = "-", HEADERS_STATES                                                                 \
    }                                                                                              \
  }

/* Trailers where they may come. */
#define TRAILERS(section, text)                                                                    \
  {                                                                                                \
    section, text, "-", {                                                                          \
      [IDLE] = MALFORMED, [TUNNEL] = MALFORMED, [HALF_LOCAL] = MALFORMED, HEADERS_STATES           \
    }                                                                                              \
  }

static const struct spec_row rows[] = {
    REQUEST("5.1", "HEADERS/SH $ [@hold +x-sync=v]"),
    REQUEST("5.1", "HEADERS/H $ [@post +x-sync=v]"),
    REQUEST("4.1", "HEADERS/SHU $ [@hold +x-sync=v]"),
    REQUEST("6.2", "HEADERS/SHP $ p7 [@hold +x-sync=v]"),
    REQUEST("6.2", "HEADERS/SHR $ d0/1 [@hold +x-sync=v]"),
    REQUEST("6.2", "HEADERS/SHPR $ p7 d5/256! [@hold +x-sync=v]"),
    REQUEST("6.10", "HEADERS/S $ [@hold]; CONT/H $ [+x-sync=v]"),
    REQUEST("6.10", "HEADERS/SPR $ p9 d0/9 [@hold]; CONT/HU $ [+x-sync=v]"),
    REQUEST("6.10", "HEADERS/S $ [@hold]; CONT $ [a=b]; CONT/H $ [+x-sync=v]"),
    TRAILERS("8.1", "HEADERS/SH $ [x-sum=1 +x-sync=v]"),
    TRAILERS("6.2", "HEADERS/SHPR $ p9 d0/9 [+x-sync=v]"),
    TRAILERS("6.10", "HEADERS/S $; CONT $ [a=b]; CONT/H $ [+x-sync=v]"),
    {"8.1",
     "HEADERS/SH $",
     "-",
     {[IDLE] = MALFORMED, [TUNNEL] = MALFORMED, [HALF_LOCAL] = MALFORMED, HEADERS_STATES}},
    {"8.1", "HEADERS/H $ [+x-sync=v]", MALFORMED, {HEADERS_STATES}},
    {"8.1", "HEADERS/SH $ [x-sum=1 :path=/ +x-sync=v]", MALFORMED, {HEADERS_STATES}},
    {"8.2", "HEADERS/SH $ [@hold X=y +x-sync=v]", MALFORMED, {HEADERS_STATES}},
    /* RFC 7540 section 5.3.1; RFC 9113 lets it be ignored. */
    {"5.3",
     "HEADERS/SHR $ d$/1 [@hold +x-sync=v]",
     MALFORMED,
     {[IDLE] = "S:PE C:PE -",
      [HALF_REMOTE] = "S:SC S:PE C:PE C:SC",
      [PUSHED] = "S:SC S:PE C:PE C:SC",
      [CLOSED] = "C:SC C:PE",
      [RESET_LOCAL] = "- S:SC S:PE C:PE",
      [RESET_REMOTE] = "C:SC S:SC C:PE",
      [SKIPPED] = "C:PE C:SC",
      [PUSH_IDLE] = "C:PE",
      [RESERVED] = "C:PE",
      [PUSH_CLOSED] = "C:SC C:PE",
      [PUSH_RESET_LOCAL] = "- C:PE S:PE S:SC",
      [PUSH_RESET_REMOTE] = "C:SC C:PE S:SC S:PE"}},
    {"4.3",
     "HEADERS/SH $ [x80]",
     "C:CE",
     {LATE("C:SC C:CE C:PE"), [SKIPPED] = "C:PE C:CE C:SC", [PUSH_IDLE] = "C:PE C:CE",
      [RESERVED] = "C:PE C:CE"}},
    {"6.6", "PUSH/H $ =2 [@get]", "C:PE", {0}},
    {"6.6", "PUSH/HPU $ p1 =2 [@get]", "C:PE", {0}},
    {"6.6", "PUSH $ =2", "C:PE", {0}},
    {"6.5.2", "SETTINGS 0 s2=1", "-", {0}},
    {"9218 7.1", "PU 0 =$ x753d31", "-", {[PUSH_IDLE] = "C:PE"}},
    {"4.1", "PU/UAHPR 0 =$ x753d31", "-", {[PUSH_IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 =$", "-", {[PUSH_IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 =$ x223b", "-", {[PUSH_IDLE] = "C:PE"}}, /* not a dictionary: defaults */
};

static struct spec_table table = SPEC_TABLE(H2_SERVER);

SPEC_MAIN("HEADERS/SH 1 [@hold]")
