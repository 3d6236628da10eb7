/*
 * test_spec_states_server.c - what a client may send to a server's stream in which state: every
 * frame in every state, alone and after every prefix of one or two steps.
 *
 * The table is written from RFC 9113 (with the sections in it), RFC 7540 section 5.3.1 and RFC 9218
 * section 7.1. A verdict is a set of what is allowed: "-" no error, "S:x" RST_STREAM with code x,
 * "C:x" GOAWAY with code x. The first is what weir chose; any other answer fails, even an allowed
 * one, so that a change is noticed. Section 5.4.1 lets any stream error be a connection error, so
 * that S:x comes with C:x.
 *
 * After each frame that does not end the connection, HPACK and the connection's window must still
 * be in step (script_check()): both are kept for streams that are gone (sections 4.3, 5.1, 6.9).
 */
#include "tests/spec_states.h"

/* The states of stream `$` as the client knows them. Of a pushed stream `$` is the promised one. */
enum {
  IDLE = STATE_FIRST,
  OPEN,
  TUNNEL, /* CONNECT, both directions open: section 8.5 */
  HALF_REMOTE,
  HALF_LOCAL, /* of a tunnel */
  LINGERS,    /* half-closed (local) otherwise: answered before the request was complete */
  CLOSED,
  RESET_LOCAL,
  RESET_REMOTE,
  SKIPPED, /* closed by a higher identifier, section 5.1.1 */
  RESERVED,
  PUSHED, /* the promised response has begun: half-closed (remote) */
  PUSH_CLOSED,
  PUSH_RESET_LOCAL,
  PUSH_RESET_REMOTE,
  PUSH_IDLE,
};

/* ---- the prefixes ---------------------------------------------------------------------------- */

static const struct spec_step steps[] = {
    {"HEADERS/H $ [@post +x-sync=open]", {[IDLE] = OPEN}},
    {"HEADERS/SH $ [@hold +x-sync=hold]", {[IDLE] = HALF_REMOTE}},
    {"HEADERS/H $ [@connect +x-sync=connect]", {[IDLE] = TUNNEL}},
    {"HEADERS/SH $ [@get]", {[IDLE] = CLOSED}},
    {"HEADERS/H $ [:method=POST :scheme=https :path=/ :authority=a]", {[IDLE] = LINGERS}},
    {"HEADERS/SH 9 [@get]", {[IDLE] = SKIPPED}},
    {"DATA $ *3",
     {[OPEN] = OPEN,
      [TUNNEL] = TUNNEL,
      [HALF_LOCAL] = HALF_LOCAL,
      [LINGERS] = LINGERS,
      [RESET_LOCAL] = RESET_LOCAL,
      [PUSH_RESET_LOCAL] = PUSH_RESET_LOCAL}},
    {"DATA/S $ *3",
     {[OPEN] = HALF_REMOTE,
      [TUNNEL] = HALF_REMOTE,
      [HALF_LOCAL] = CLOSED,
      [LINGERS] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL}},
    {"HEADERS/SH $ [x-sum=1 +x-sync=trailers]",
     {[OPEN] = HALF_REMOTE, [LINGERS] = CLOSED, [RESET_LOCAL] = RESET_LOCAL}},
    {"RST $ =8",
     {[OPEN] = RESET_REMOTE,
      [TUNNEL] = RESET_REMOTE,
      [HALF_REMOTE] = RESET_REMOTE,
      [HALF_LOCAL] = RESET_REMOTE,
      [LINGERS] = RESET_REMOTE,
      [CLOSED] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL,
      [RESET_REMOTE] = RESET_REMOTE,
      [RESERVED] = PUSH_RESET_REMOTE,
      [PUSHED] = PUSH_RESET_REMOTE,
      [PUSH_CLOSED] = PUSH_CLOSED}},
    {"WU $ =1",
     {[OPEN] = OPEN,
      [TUNNEL] = TUNNEL,
      [HALF_REMOTE] = HALF_REMOTE,
      [HALF_LOCAL] = HALF_LOCAL,
      [LINGERS] = LINGERS,
      [CLOSED] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL,
      [RESET_REMOTE] = RESET_REMOTE,
      [RESERVED] = RESERVED,
      [PUSHED] = PUSHED}},
    {"PRIORITY $ d0/16",
     {[IDLE] = IDLE,
      [OPEN] = OPEN,
      [HALF_REMOTE] = HALF_REMOTE,
      [HALF_LOCAL] = HALF_LOCAL,
      [LINGERS] = LINGERS,
      [CLOSED] = CLOSED,
      [RESET_LOCAL] = RESET_LOCAL,
      [RESET_REMOTE] = RESET_REMOTE,
      [SKIPPED] = SKIPPED,
      [RESERVED] = RESERVED,
      [PUSHED] = PUSHED,
      [PUSH_IDLE] = PUSH_IDLE}},
    {"!respond $ 200",
     {[OPEN] = OPEN, [TUNNEL] = TUNNEL, [HALF_REMOTE] = HALF_REMOTE, [RESERVED] = PUSHED}},
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
    {"!tick 1100", {[LINGERS] = RESET_LOCAL, [OPEN] = OPEN}},
    {"SETTINGS 0 s4=70000", {[IDLE] = IDLE, [OPEN] = OPEN, [HALF_REMOTE] = HALF_REMOTE}},
    {"!push 1", {[PUSH_IDLE] = RESERVED}},
    {"!push 1; !respond 2 200; !end 2", {[PUSH_IDLE] = PUSH_CLOSED}},
};

/* ---- the table ------------------------------------------------------------------------------- */

#define CLOSED_STATES(verdict) CLOSED_BUT_SKIPPED(verdict), [SKIPPED] = verdict
#define CLOSED_BUT_SKIPPED(verdict)                                                                \
  [CLOSED] = verdict, [RESET_LOCAL] = verdict, [RESET_REMOTE] = verdict, [PUSH_CLOSED] = verdict,  \
  [PUSH_RESET_LOCAL] = verdict, [PUSH_RESET_REMOTE] = verdict

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

/* A connection error of the frame itself, or of its state. */
#define EITHER(verdict)                                                                            \
  [IDLE] = verdict " C:PE", [PUSH_IDLE] = verdict " C:PE", [RESERVED] = verdict " C:PE",           \
  [HALF_REMOTE] = verdict " S:SC C:SC", [PUSHED] = verdict " S:SC C:SC C:PE",                      \
  CLOSED_STATES(verdict " C:SC S:SC C:PE")

static const struct spec_row rows[] = {
    {"6.1", "DATA $ *3", "-", {DATA_STATES}},
    {"6.1", "DATA $", "-", {DATA_STATES}},
    {"6.1", "DATA/S $ *3", "-", {DATA_STATES}},
    {"6.1", "DATA/S $", "-", {DATA_STATES}},
    {"6.1", "DATA/P $ p3 *3", "-", {DATA_STATES}},
    {"6.1", "DATA/P $ p3", "-", {DATA_STATES}},
    {"6.1", "DATA/PS $ p0", "-", {DATA_STATES}},
    {"4.1", "DATA/U $ *3", "-", {DATA_STATES}},
    {"4.2", "DATA $ *16384", "-", {DATA_STATES}},
    /* Padding is looked at even where the data is not wanted. */
    {"6.1",
     "DATA/P $ x05 *3",
     "C:PE",
     {[CLOSED] = "C:SC C:PE S:SC",
      [RESET_REMOTE] = "C:SC C:PE S:SC",
      [PUSH_CLOSED] = "C:SC C:PE S:SC",
      [PUSH_RESET_REMOTE] = "C:SC C:PE S:SC"}},
    {"6.1", "DATA/P $", "C:FSE C:PE", {[IDLE] = "C:FSE C:PE"}},
    {"4.2", "DATA $ L16385", "C:FSE S:FSE", {EITHER("C:FSE")}},

    {"5.1",
     "HEADERS/SH $ [@hold +x-sync=v]",
     "S:PE C:PE", /* trailers hold no pseudo-header fields: 8.1 */
     {[IDLE] = "-", HEADERS_STATES}},
    {"5.1", "HEADERS/H $ [@post +x-sync=v]", "S:PE C:PE", {[IDLE] = "-", HEADERS_STATES}},
    {"4.1", "HEADERS/SHU $ [@hold +x-sync=v]", "S:PE C:PE", {[IDLE] = "-", HEADERS_STATES}},
    {"8.1",
     "HEADERS/SH $ [x-sum=1 +x-sync=v]",
     "-",
     {[IDLE] = "S:PE C:PE", [TUNNEL] = "S:PE C:PE", [HALF_LOCAL] = "S:PE C:PE", HEADERS_STATES}},
    {"8.1", "HEADERS/H $ [+x-sync=v]", "S:PE C:PE", {HEADERS_STATES}},
    {"6.2", "HEADERS/SHP $ p7 [@hold +x-sync=v]", "S:PE C:PE", {[IDLE] = "-", HEADERS_STATES}},
    {"6.2", "HEADERS/SHR $ d0/1 [@hold +x-sync=v]", "S:PE C:PE", {[IDLE] = "-", HEADERS_STATES}},
    {"6.2",
     "HEADERS/SHPR $ p7 d5/256! [@hold +x-sync=v]",
     "S:PE C:PE",
     {[IDLE] = "-", HEADERS_STATES}},
    /* RFC 7540 section 5.3.1; RFC 9113 lets it be ignored. */
    {"5.3",
     "HEADERS/SHR $ d$/1 [@hold +x-sync=v]",
     "S:PE C:PE",
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
    {"6.2", "HEADERS/SHP $ x09 *8", "C:PE", {CLOSED_STATES("C:PE C:SC")}},
    {"6.2", "HEADERS/SHR $ *4", "C:FSE", {EITHER("C:FSE")}},
    {"6.2", "HEADERS/SHP $", "C:FSE C:PE", {EITHER("C:FSE")}},
    {"4.2", "HEADERS/SH $ L16385", "C:FSE", {EITHER("C:FSE")}},
    {"4.3",
     "HEADERS/SH $ [x80]",
     "C:CE",
     {[CLOSED] = "C:SC C:CE C:PE",
      [RESET_REMOTE] = "C:SC C:CE C:PE",
      [SKIPPED] = "C:PE C:CE C:SC",
      [PUSH_IDLE] = "C:PE C:CE",
      [RESERVED] = "C:PE C:CE",
      [PUSH_CLOSED] = "C:SC C:CE C:PE",
      [PUSH_RESET_REMOTE] = "C:SC C:CE C:PE"}},
    {"6.10",
     "HEADERS/S $ [@hold]; CONT/H $ [+x-sync=v]",
     "S:PE C:PE",
     {[IDLE] = "-", HEADERS_STATES}},
    {"6.10",
     "HEADERS/S $ [@hold]; CONT $ [a=b]; CONT/H $ [+x-sync=v]",
     "S:PE C:PE",
     {[IDLE] = "-", HEADERS_STATES}},
    {"6.10",
     "HEADERS/S $ [@hold]; PING 0 *8",
     "C:PE",
     {[HALF_REMOTE] = "C:PE C:SC",
      [CLOSED] = "C:SC C:PE",
      [RESET_REMOTE] = "C:SC C:PE",
      [PUSH_CLOSED] = "C:SC C:PE",
      [PUSH_RESET_REMOTE] = "C:SC C:PE"}},
    {"6.10",
     "HEADERS/S $ [@hold]; CONT/H 7 [a=b]",
     "C:PE",
     {[CLOSED] = "C:SC C:PE",
      [RESET_REMOTE] = "C:SC C:PE",
      [PUSH_CLOSED] = "C:SC C:PE",
      [PUSH_RESET_REMOTE] = "C:SC C:PE"}},
    {"5.5",
     "HEADERS/S $ [@hold]; T200 $ *1",
     "C:PE",
     {[CLOSED] = "C:SC C:PE",
      [RESET_REMOTE] = "C:SC C:PE",
      [PUSH_CLOSED] = "C:SC C:PE",
      [PUSH_RESET_REMOTE] = "C:SC C:PE"}},

    {"6.3", "PRIORITY $ d0/16", "-", {[IDLE] = "-"}},
    {"6.3", "PRIORITY $ d5/256!", "-", {[IDLE] = "-"}},
    {"4.1", "PRIORITY/UAHP $ d5/1", "-", {[IDLE] = "-"}},
    /* RFC 7540 section 5.3.1; RFC 9113 lets it be ignored. */
    {"5.3",
     "PRIORITY $ d$/16",
     "S:PE C:PE -",
     {[IDLE] = "C:PE S:PE -",
      [PUSH_IDLE] = "C:PE S:PE -",
      CLOSED_BUT_SKIPPED("C:PE S:PE -"),
      [SKIPPED] = "S:PE C:PE -"}},
    {"6.3",
     "PRIORITY $ *4",
     "S:FSE C:FSE",
     {[IDLE] = "C:FSE S:FSE", [PUSH_IDLE] = "C:FSE S:FSE", CLOSED_BUT_SKIPPED("C:FSE S:FSE")}},
    {"6.3",
     "PRIORITY $ *6",
     "S:FSE C:FSE",
     {[IDLE] = "C:FSE S:FSE", [PUSH_IDLE] = "C:FSE S:FSE", CLOSED_BUT_SKIPPED("C:FSE S:FSE")}},

    {"6.4", "RST $ =8", "-", {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [SKIPPED] = "- C:PE C:SC"}},
    {"7",
     "RST $ =4294967295",
     "-",
     {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [SKIPPED] = "- C:PE C:SC"}},
    {"6.4", "RST $ *3", "C:FSE", {[IDLE] = "C:FSE C:PE"}},
    {"6.4", "RST $ *5", "C:FSE", {[IDLE] = "C:FSE C:PE"}},

    {"6.9", "WU $ =1", "-", {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [SKIPPED] = "- C:PE C:SC"}},
    {"4.1",
     "WU/UAHP $ =2147483649",
     "-",
     {[IDLE] = "C:PE", [PUSH_IDLE] = "C:PE", [SKIPPED] = "- C:PE C:SC"}},
    {"6.9",
     "WU $ =0",
     "S:PE C:PE",
     {[IDLE] = "C:PE",
      [PUSH_IDLE] = "C:PE",
      CLOSED_BUT_SKIPPED("C:PE S:PE -"),
      [SKIPPED] = "S:PE C:PE -"}},
    {"6.9",
     "WU $ =2147483648",
     "S:PE C:PE",
     {[IDLE] = "C:PE",
      [PUSH_IDLE] = "C:PE",
      CLOSED_BUT_SKIPPED("C:PE S:PE -"),
      [SKIPPED] = "S:PE C:PE -"}},
    {"6.9.1",
     "WU $ =2147483647",
     "S:FCE C:FCE",
     {[IDLE] = "C:PE",
      [PUSH_IDLE] = "C:PE",
      CLOSED_STATES("- S:FCE C:FCE"),
      [HALF_LOCAL] = "S:FCE C:FCE -",
      [LINGERS] = "S:FCE C:FCE -"}},
    {"6.9", "WU $ *3", "C:FSE", {[IDLE] = "C:FSE C:PE"}},
    {"6.9", "WU $ *5", "C:FSE", {[IDLE] = "C:FSE C:PE"}},

    {"6.6", "PUSH/H $ =2 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.10", "CONT/H $ [@get]", "C:PE", {CLOSED_STATES("C:PE C:SC"), [HALF_REMOTE] = "C:PE C:SC"}},
    {"6.5", "SETTINGS $", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5", "SETTINGS/A $", "C:PE", {[IDLE] = "C:PE"}},
    {"6.7", "PING $ *8", "C:PE", {[IDLE] = "C:PE"}},
    {"6.8", "GOAWAY $ =0 =0", "C:PE", {[IDLE] = "C:PE"}},
    {"9218 7.1", "PU $ =1 x753d31", "C:PE", {[IDLE] = "C:PE"}},
    {"5.5", "T200 $ *9", "-", {[IDLE] = "-"}},
    {"5.5", "T10 $", "-", {[IDLE] = "-"}},
    {"5.5", "T255/SHPRU $ *16384", "-", {[IDLE] = "-"}},
    {"4.2", "T200 $ L16385", "C:FSE S:FSE", {[IDLE] = "C:FSE S:FSE"}},

    /* Stream 0, whatever the streams do. */
    {"6.1", "DATA 0 *3", "C:PE", {[IDLE] = "C:PE"}},
    {"6.2", "HEADERS/SH 0 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.3", "PRIORITY 0 d1/16", "C:PE", {[IDLE] = "C:PE"}},
    {"6.4", "RST 0 =8", "C:PE", {[IDLE] = "C:PE"}},
    {"6.6", "PUSH/H 0 =2 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.10", "CONT/H 0 [@get]", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5", "SETTINGS 0", "-", {[IDLE] = "-"}},
    {"6.5", "SETTINGS/U 0 s3=5 s6=100", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s61680=7 s0=1", "-", {[IDLE] = "-"}},
    {"6.5", "SETTINGS 0 *5", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.5", "SETTINGS 0 *7", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.5", "SETTINGS/A 0 s1=1", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.5.3", "SETTINGS/A 0", "C:PE -", {[IDLE] = "C:PE -"}},
    {"6.5.2", "SETTINGS 0 s2=2", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5.2", "SETTINGS 0 s2=0", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s2=1", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s4=2147483648", "C:FCE", {[IDLE] = "C:FCE"}},
    {"6.9.2", "SETTINGS 0 s4=2147483000", "-", {[IDLE] = "-"}},
    {"6.9.2", "SETTINGS 0 s4=0", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s5=16383", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5.2", "SETTINGS 0 s5=16777216", "C:PE", {[IDLE] = "C:PE"}},
    {"6.5.2", "SETTINGS 0 s5=16777215", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s1=0", "-", {[IDLE] = "-"}},
    {"6.5.2", "SETTINGS 0 s1=4294967295", "-", {[IDLE] = "-"}},
    {"8441 3", "SETTINGS 0 s8=2", "C:PE", {[IDLE] = "C:PE"}},
    {"9218 2.1", "SETTINGS 0 s9=2", "C:PE", {[IDLE] = "C:PE"}},
    {"6.7", "PING 0 *8", "-", {[IDLE] = "-"}},
    {"6.7", "PING/A 0 *8", "-", {[IDLE] = "-"}},
    {"6.7", "PING 0 *7", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.7", "PING 0 *9", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.7", "PING 0", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.8", "GOAWAY 0 =0 *3", "C:FSE", {[IDLE] = "C:FSE"}},
    {"6.9", "WU 0 =1", "-", {[IDLE] = "-"}},
    {"4.1", "WU 0 =2147483649", "-", {[IDLE] = "-"}},
    {"4.1", "WU 2147483648 =1", "-", {[IDLE] = "-"}},
    {"6.9", "WU 0 =0", "C:PE", {[IDLE] = "C:PE"}},
    {"6.9.1", "WU 0 =2147483647", "C:FCE", {[IDLE] = "C:FCE"}},
    {"6.9", "WU 0 *3", "C:FSE", {[IDLE] = "C:FSE"}},
    {"9218 7.1", "PU 0 =$ x753d31", "-", {[PUSH_IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 =$", "-", {[PUSH_IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 =$ x223b", "-", {[PUSH_IDLE] = "C:PE"}}, /* not a dictionary: defaults */
    {"9218 7.1", "PU 0 =0 x753d31", "C:PE", {[IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 *3", "C:FSE", {[IDLE] = "C:FSE"}},
    {"5.5", "T200 0 *9", "-", {[IDLE] = "-"}},
};

static const struct spec_table table = {
    .role = H2_SERVER,
    .steps = steps,
    .step_count = sizeof steps / sizeof *steps,
    .rows = rows,
    .row_count = sizeof rows / sizeof *rows,
};

static void test_requests(void **state) {
  (void)state;
  spec_enumerate(&table, "", 1, IDLE);
}

static void test_pushes(void **state) {
  (void)state;
  spec_enumerate(&table, "HEADERS/SH 1 [@hold]", 2, PUSH_IDLE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),
      cmocka_unit_test(test_pushes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
