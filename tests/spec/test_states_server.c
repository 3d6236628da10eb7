/*
 * spec/test_states_server.c - which frames a client may send to a server's stream in which state.
 * tests/spec/spec_states.h explains the table. It is written from RFC 9113 (plain section numbers),
 * RFC 7540 section 5.3.1 and RFC 9218 section 7.1.
 */
#include "tests/spec/spec_states.h"

/* ---- the steps ------------------------------------------------------------------------------- */

#define STAYS(state) [state] = state

static const struct spec_states_step steps[] = {
    {"HEADERS/H $ [@post +x-sync=open]", {[IDLE] = OPEN}, false},
    {"HEADERS/SH $ [@hold +x-sync=hold]", {[IDLE] = HALF_REMOTE}, false},
    {"HEADERS/H $ [@connect +x-sync=connect]", {[IDLE] = TUNNEL}, false},
    {"HEADERS/SH $ [@get]", {[IDLE] = CLOSED}, false},
    {"HEADERS/H $ [:method=POST :scheme=https :path=/ :authority=a]", {[IDLE] = LINGERS}, false},
    {"HEADERS/SH 9 [@get]", {[IDLE] = SKIPPED}, false},
    {"DATA $ *3",
     {STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_LOCAL), STAYS(LINGERS), STAYS(RESET_LOCAL),
      STAYS(PUSH_RESET_LOCAL)},
     false},
    {"DATA/S $ *3",
     {[OPEN] = HALF_REMOTE,
      [TUNNEL] = HALF_REMOTE,
      [HALF_LOCAL] = CLOSED,
      [LINGERS] = CLOSED,
      STAYS(RESET_LOCAL)},
     false},
    {"HEADERS/SH $ [x-sum=1 +x-sync=trailers]",
     {[OPEN] = HALF_REMOTE, [LINGERS] = CLOSED, STAYS(RESET_LOCAL), STAYS(PUSH_RESET_LOCAL)},
     false},
    {"WU $ =1",
     {STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_REMOTE), STAYS(HALF_LOCAL), STAYS(LINGERS),
      STAYS(CLOSED), STAYS(RESET_LOCAL), STAYS(RESET_REMOTE), STAYS(SKIPPED), STAYS(RESERVED),
      STAYS(PUSHED), STAYS(PUSH_CLOSED), STAYS(PUSH_RESET_LOCAL), STAYS(PUSH_RESET_REMOTE)},
     false},
    {"PING 0 *8; PU 0 =1 x753d31", {0}, true},
    {"!respond $ 200",
     {STAYS(OPEN), STAYS(TUNNEL), STAYS(HALF_REMOTE), [RESERVED] = PUSHED},
     false},
    {"!respond $ 200; !end $",
     {[OPEN] = LINGERS, [TUNNEL] = HALF_LOCAL, [HALF_REMOTE] = CLOSED, [RESERVED] = PUSH_CLOSED},
     false},
    /* Section 8.1: a request that is incomplete by then is reset with NO_ERROR. */
    {"!tick 1100", {[LINGERS] = RESET_LOCAL, STAYS(OPEN)}, false},
    {"!push 1", {[PUSH_IDLE] = RESERVED}, false},
    {"!push 1; !respond 2 200; !end 2", {[PUSH_IDLE] = PUSH_CLOSED}, false},
};

/* ---- the rows -------------------------------------------------------------------------------- */

#define MALFORMED "S:PE C:PE"

/* A request, where one may begin. Anywhere else it would be trailers, which have no
 * pseudo-header fields. */
#define REQUEST                                                                                    \
  MALFORMED, AS_HEADERS, {                                                                         \
    [IDLE] = "-"                                                                                   \
  }

/* Trailers, where they may come. */
#define TRAILERS                                                                                   \
  "-", AS_HEADERS, {                                                                               \
    [IDLE] = MALFORMED, [TUNNEL] = MALFORMED, [HALF_LOCAL] = MALFORMED                             \
  }

/* Malformed both as a request and as trailers. */
#define NEITHER                                                                                    \
  MALFORMED, AS_HEADERS, {                                                                         \
    0                                                                                              \
  }

static const struct spec_states_row rows[] = {
    {"5.1", "HEADERS/SH $ [@hold +x-sync=v]", REQUEST},
    {"5.1", "HEADERS/H $ [@post +x-sync=v]", REQUEST},
    {"4.1", "HEADERS/SHU $ [@hold +x-sync=v]", REQUEST},
    {"6.2", "HEADERS/SHP $ p7 [@hold +x-sync=v]", REQUEST},
    {"6.2", "HEADERS/SHR $ d0/1 [@hold +x-sync=v]", REQUEST},
    {"6.2", "HEADERS/SHPR $ p7 d5/256! [@hold +x-sync=v]", REQUEST},
    {"6.10", "HEADERS/S $ [@hold]; CONT/H $ [+x-sync=v]", REQUEST},
    {"6.10", "HEADERS/SPR $ p9 d0/9 [@hold]; CONT/HU $ [+x-sync=v]", REQUEST},
    {"6.10", "HEADERS/S $ [@hold]; CONT $ [a=b]; CONT/H $ [+x-sync=v]", REQUEST},
    {"8.1", "HEADERS/SH $ [x-sum=1 +x-sync=v]", TRAILERS},
    {"6.2", "HEADERS/SHPR $ p9 d0/9 [+x-sync=v]", TRAILERS},
    {"6.10", "HEADERS/S $; CONT $ [a=b]; CONT/H $ [+x-sync=v]", TRAILERS},
    {"8.1", "HEADERS/SH $", TRAILERS},
    /* Section 8.1.1: a response may come first, and then the request is read as any that is answered
     * early. */
    {"8.1", "HEADERS/H $ [+x-sync=v]", MALFORMED, AS_HEADERS, {[IDLE] = "- S:PE C:PE"}},
    {"8.1", "HEADERS/SH $ [x-sum=1 :path=/ +x-sync=v]", NEITHER},
    {"8.2", "HEADERS/SH $ [@hold X=y +x-sync=v]", NEITHER},
    /* RFC 7540 section 5.3.1; RFC 9113 lets it be ignored. */
    {"5.3",
     "HEADERS/SHR $ d$/1 [@hold +x-sync=v]",
     MALFORMED,
     AS_ROW,
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
     AS_ROW,
     {[CLOSED] = "C:SC C:CE C:PE",
      [RESET_REMOTE] = "C:SC C:CE C:PE",
      [PUSH_CLOSED] = "C:SC C:CE C:PE",
      [PUSH_RESET_REMOTE] = "C:SC C:CE C:PE",
      [SKIPPED] = "C:PE C:CE C:SC",
      [PUSH_IDLE] = "C:PE C:CE",
      [RESERVED] = "C:PE C:CE"}},
    {"6.6", "PUSH/H $ =2 [@get]", "C:PE", AS_ROW, {0}},
    {"6.6", "PUSH/HPU $ p1 =2 [@get]", "C:PE", AS_ROW, {0}},
    {"6.6", "PUSH $ =2", "C:PE", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s2=1", "-", AS_ROW, {0}},
    {"9218 7.1", "PU 0 =$ x753d31", "-", AS_ROW, {[PUSH_IDLE] = "C:PE"}},
    {"4.1", "PU/UAHPR 0 =$ x753d31", "-", AS_ROW, {[PUSH_IDLE] = "C:PE"}},
    {"9218 7.1", "PU 0 =$", "-", AS_ROW, {[PUSH_IDLE] = "C:PE"}},
    {"9218 7.1",
     "PU 0 =$ x223b",
     "-",
     AS_ROW,
     {[PUSH_IDLE] = "C:PE"}}, /* not a dictionary: defaults */
};

/* ---- the table ------------------------------------------------------------------------------- */

static const struct spec_states_table table = {
    .role = H2_SERVER,
    .message = "@hold",
    .push_setup = "HEADERS/SH 1 [@hold]",
    .steps = SPEC_STATES_LIST(steps),
    .rows = SPEC_STATES_LIST(rows),
    .bases =
        {
            /* DATA on a stream that cannot receive it: sections 5.1, 6.1. */
            [AS_DATA] = {[IDLE] = "C:PE",
                         [PUSH_IDLE] = "C:PE",
                         [RESERVED] = "C:PE",
                         [HALF_REMOTE] = "S:SC C:SC",
                         [PUSHED] = "S:SC C:SC",
                         [CLOSED] = "C:SC S:SC",
                         [RESET_LOCAL] = "- S:SC",
                         [RESET_REMOTE] = "C:SC S:SC",
                         [SKIPPED] = "S:SC C:SC C:PE",
                         [PUSH_CLOSED] = "C:SC S:SC",
                         [PUSH_RESET_LOCAL] = "- S:SC",
                         [PUSH_RESET_REMOTE] = "C:SC S:SC"},
            /* HEADERS the same: sections 5.1, 5.1.1, 6.2. */
            [AS_HEADERS] = {[HALF_REMOTE] = "S:SC C:SC",
                            [PUSHED] = "S:SC C:SC C:PE",
                            [CLOSED] = "C:SC C:PE",
                            [RESET_LOCAL] = "- S:SC",
                            [RESET_REMOTE] = "C:SC S:SC C:PE",
                            [SKIPPED] = "C:PE C:SC",
                            [PUSH_IDLE] = "C:PE",
                            [RESERVED] = "C:PE",
                            [PUSH_CLOSED] = "C:SC C:PE",
                            [PUSH_RESET_LOCAL] = "- C:PE S:SC",
                            [PUSH_RESET_REMOTE] = "C:SC C:PE S:SC"},
            /* A client promises nothing: section 8.4. */
            [AS_FROM_SERVER] = {[0 ... STATE_COUNT - 1] = "C:PE"},
        },
};

int main(void) {
  return spec_states_main(&table);
}
