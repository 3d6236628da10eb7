/*
 * spec/spec_states_shared.c - rows and steps of both roles: frames that are wrong whichever peer
 * sends them, frames of the connection, and frames that mean the same in both directions.
 */
#include "tests/spec/spec_states_shared.h"

/* ---- rows ------------------------------------------------------------------------------------ */

#define UNUSED(verdict) [IDLE] = verdict, [PUSH_IDLE] = verdict
#define SKIPS(verdict)  [SKIPPED] = verdict, [PUSH_SKIPPED] = verdict
#define RESETS(verdict) [RESET_LOCAL] = verdict, [PUSH_RESET_LOCAL] = verdict
/* Closed, and the peer knows it. */
#define LATE(verdict)                                                                              \
  [CLOSED] = verdict, [RESET_REMOTE] = verdict, [PUSH_CLOSED] = verdict,                           \
  [PUSH_RESET_REMOTE] = verdict

/* Section 5.4.1: an error without a stream is the connection's. */
#define WITHOUT_STREAM(verdict) UNUSED(verdict), LATE(verdict), RESETS(verdict)

static const struct spec_states_row rows[] = {
    {"6.1", "DATA $ *3", "-", AS_DATA, {0}},
    {"6.1", "DATA $", "-", AS_DATA, {0}},
    {"6.1", "DATA/S $ *3", "-", AS_DATA, {0}},
    {"6.1", "DATA/S $", "-", AS_DATA, {0}},
    {"6.1", "DATA/P $ p3 *3", "-", AS_DATA, {0}},
    {"6.1", "DATA/P $ p255", "-", AS_DATA, {0}},
    {"6.1", "DATA/PS $ p3 *3", "-", AS_DATA, {0}},
    {"6.1", "DATA/PS $ p0", "-", AS_DATA, {0}},
    {"4.1", "DATA/U $ *3", "-", AS_DATA, {0}},
    {"4.2", "DATA $ *16384", "-", AS_DATA, {0}},
    /* Padding is checked even where the data is not wanted. */
    {"6.1", "DATA/P $ x05 *3", "C:PE", AS_ROW, {LATE("C:SC C:PE S:SC")}},
    {"6.1", "DATA/PS $ x04 *4", "-", AS_DATA, {0}}, /* nothing but padding */
    {"6.1", "DATA/PS $ x05 *4", "C:PE", AS_ROW, {LATE("C:SC C:PE S:SC")}},
    {"6.1", "DATA/P $", "C:FSE C:PE", AS_ROW, {0}},
    {"4.2", "DATA $ L16385", "C:FSE S:FSE C:PE C:SC", AS_ROW, {0}},

    {"6.2", "HEADERS/SHP $ x09 *8", "C:PE", AS_ROW, {0}},
    {"6.2", "HEADERS/SHP $", "C:FSE C:PE", AS_ROW, {0}},
    {"6.2", "HEADERS/SHR $ *4", "C:FSE C:PE", AS_ROW, {0}},
    {"6.2",
     "HEADERS/SHPR $ x04 *8",
     "C:FSE C:PE",
     AS_ROW,
     {0}}, /* padding where the priority should be */
    {"4.2", "HEADERS/SH $ L16385", "C:FSE C:PE C:SC", AS_ROW, {0}},
    {"6.2", "HEADERS $ [@message]; DATA $ *1", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},
    {"6.2", "HEADERS $ [@message]; HEADERS/SH $ [a=b]", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},
    {"6.2", "HEADERS $ [@message]; PRIORITY $ d0/1", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},
    {"6.2", "HEADERS $ [@message]; RST $ =8", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},
    {"6.10", "HEADERS/S $ [@message]; PING 0 *8", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},
    {"6.10", "HEADERS/S $ [@message]; CONT/H 7 [a=b]", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},
    {"6.10",
     "HEADERS/S $ [@message]; CONT $ [a=b]; SETTINGS 0",
     "C:PE",
     AS_ROW,
     {LATE("C:SC C:PE")}},
    {"5.5", "HEADERS/S $ [@message]; T200 $ *1", "C:PE", AS_ROW, {LATE("C:SC C:PE")}},

    {"6.3", "PRIORITY $ d0/16", "-", AS_ROW, {0}},
    {"6.3", "PRIORITY $ d5/256!", "-", AS_ROW, {0}},
    {"4.1", "PRIORITY/UAHPR $ d5/1", "-", AS_ROW, {0}},
    /* RFC 7540 section 5.3.1; RFC 9113 lets it be ignored. */
    {"5.3", "PRIORITY $ d$/16", "S:PE C:PE -", AS_ROW, {WITHOUT_STREAM("C:PE S:PE -")}},
    {"6.3", "PRIORITY $", "S:FSE C:FSE", AS_ROW, {WITHOUT_STREAM("C:FSE S:FSE")}},
    {"6.3", "PRIORITY $ *4", "S:FSE C:FSE", AS_ROW, {WITHOUT_STREAM("C:FSE S:FSE")}},
    {"6.3", "PRIORITY $ *6", "S:FSE C:FSE", AS_ROW, {WITHOUT_STREAM("C:FSE S:FSE")}},
    {"4.2", "PRIORITY $ L16385", "C:FSE S:FSE", AS_ROW, {0}},

    {"6.4", "RST $ =8", "-", AS_ROW, {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"8.1", "RST $ =0", "-", AS_ROW, {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"7", "RST $ =4294967295", "-", AS_ROW, {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"4.1", "RST/UAHPR $ =8", "-", AS_ROW, {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"6.4", "RST $", "C:FSE C:PE", AS_ROW, {0}},
    {"6.4", "RST $ *3", "C:FSE C:PE", AS_ROW, {0}},
    {"6.4", "RST $ *5", "C:FSE C:PE", AS_ROW, {0}},
    {"4.2", "RST $ L16385", "C:FSE C:PE", AS_ROW, {0}},

    {"6.9", "WU $ =1", "-", AS_WINDOW_UPDATE, {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"4.1",
     "WU/UAHPR $ =2147483649",
     "-",
     AS_WINDOW_UPDATE,
     {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"6.9", "WU $ =0", "S:PE C:PE", AS_WINDOW_UPDATE, {WITHOUT_STREAM("C:PE S:PE -")}},
    {"6.9", "WU $ =2147483648", "S:PE C:PE", AS_WINDOW_UPDATE, {WITHOUT_STREAM("C:PE S:PE -")}},
    {"6.9.1",
     "WU $ =2147483647",
     "S:FCE C:FCE",
     AS_WINDOW_UPDATE,
     {UNUSED("C:PE"), SKIPS("- S:FCE C:FCE C:PE"), LATE("- S:FCE C:FCE"), RESETS("- S:FCE C:FCE")}},
    {"6.9", "WU $ *3", "C:FSE C:PE", AS_ROW, {0}},
    {"6.9", "WU $ *5", "C:FSE C:PE", AS_ROW, {0}},
    {"4.2", "WU $ L16385", "C:FSE C:PE", AS_ROW, {0}},

    {"6.6", "PUSH/H $ =0 [@get]", "C:PE", AS_ROW, {0}},
    {"6.6", "PUSH/H $ =5 [@get]", "C:PE", AS_ROW, {0}},
    {"6.6", "PUSH/HP $ xff =4 [@get]", "C:PE", AS_ROW, {0}},
    {"6.6", "PUSH/H $ *3", "C:FSE C:PE", AS_FROM_SERVER, {0}},
    {"4.2", "PUSH/H $ L16385", "C:FSE C:PE", AS_FROM_SERVER, {0}},

    {"6.10", "CONT $", "C:PE", AS_ROW, {0}},
    {"6.10", "CONT/H $ [a=b]", "C:PE", AS_ROW, {0}},
    {"6.10", "CONT/U $ [a=b]", "C:PE", AS_ROW, {0}},
    {"6.10", "CONT/H $ L16385", "C:PE C:FSE", AS_ROW, {0}},
    {"6.5", "SETTINGS $", "C:PE", AS_ROW, {0}},
    {"6.5", "SETTINGS/A $", "C:PE", AS_ROW, {0}},
    {"6.7", "PING $ *8", "C:PE", AS_ROW, {0}},
    {"6.7", "PING/A $ *8", "C:PE", AS_ROW, {0}},
    {"6.8", "GOAWAY $ =0 =0", "C:PE", AS_ROW, {0}},
    {"9218 7.1", "PU $ =1 x753d31", "C:PE", AS_ROW, {0}},
    {"5.5", "T200 $ *9", "-", AS_ROW, {0}},
    {"5.5", "T200 $", "-", AS_ROW, {0}},
    {"5.5", "T10 $", "-", AS_ROW, {0}},
    {"5.5", "T200/SHPRU $ *16384", "-", AS_ROW, {0}},
    {"5.5", "T255/SHPRU $ *16384", "-", AS_ROW, {0}},
    {"4.2", "T200 $ L16385", "C:FSE S:FSE", AS_ROW, {0}},

    /* Stream 0, regardless of the streams. */
    {"6.1", "DATA 0 *3", "C:PE", AS_ROW, {0}},
    {"6.2", "HEADERS/SH 0 [@message]", "C:PE", AS_ROW, {0}},
    {"6.3", "PRIORITY 0 d1/16", "C:PE", AS_ROW, {0}},
    {"6.4", "RST 0 =8", "C:PE", AS_ROW, {0}},
    {"6.6", "PUSH/H 0 =4 [@get]", "C:PE", AS_ROW, {0}},
    {"6.10", "CONT/H 0 [@get]", "C:PE", AS_ROW, {0}},

    {"6.5", "SETTINGS 0", "-", AS_ROW, {0}},
    {"6.5", "SETTINGS/U 0 s3=5 s6=1000", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s61680=7 s0=1", "-", AS_ROW, {0}},
    {"6.5", "SETTINGS 0 *5", "C:FSE", AS_ROW, {0}},
    {"6.5", "SETTINGS 0 *7", "C:FSE", AS_ROW, {0}},
    {"4.2", "SETTINGS 0 L16386", "C:FSE", AS_ROW, {0}},
    {"6.5", "SETTINGS/A 0 s1=1", "C:FSE", AS_ROW, {0}},
    {"6.5.3", "SETTINGS/A 0", "C:PE -", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s1=0", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s1=4294967295", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s2=0", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s2=2", "C:PE", AS_ROW, {0}},
    {"6.9.2", "SETTINGS 0 s4=0", "-", AS_ROW, {0}},
    {"6.9.2", "SETTINGS 0 s4=2147483000", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s4=2147483648", "C:FCE", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s5=0", "C:PE", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s5=16383", "C:PE", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s5=16384", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s5=16777215", "-", AS_ROW, {0}},
    {"6.5.2", "SETTINGS 0 s5=16777216", "C:PE", AS_ROW, {0}},
    {"8441 3", "SETTINGS 0 s8=1", "-", AS_ROW, {0}},
    {"8441 3", "SETTINGS 0 s8=2", "C:PE", AS_ROW, {0}},
    {"9218 2.1", "SETTINGS 0 s9=0", "-", AS_ROW, {0}},
    {"9218 2.1.1", "SETTINGS 0 s9=1", "C:PE -", AS_ROW, {0}}, /* not in the first frame */
    {"9218 2.1", "SETTINGS 0 s9=2", "C:PE", AS_ROW, {0}},

    {"6.7", "PING 0 *8", "-", AS_ROW, {0}},
    {"6.7", "PING/A 0 *8", "-", AS_ROW, {0}},
    {"4.1", "PING/UHPR 0 *8", "-", AS_ROW, {0}},
    {"6.7", "PING 0", "C:FSE", AS_ROW, {0}},
    {"6.7", "PING 0 *7", "C:FSE", AS_ROW, {0}},
    {"6.7", "PING 0 *9", "C:FSE", AS_ROW, {0}},
    {"4.2", "PING 0 L16385", "C:FSE", AS_ROW, {0}},

    {"6.8", "GOAWAY 0 =2147483647 =0", "~", AS_ROW, {0}},
    {"6.8", "GOAWAY/UAHPR 0 =4294967295 =255 x646562756700", "~", AS_ROW, {0}},
    {"6.8", "GOAWAY 0 =0 *3", "C:FSE", AS_ROW, {0}},
    {"4.2", "GOAWAY 0 L16385", "C:FSE", AS_ROW, {0}},

    {"6.9", "WU 0 =1", "-", AS_ROW, {0}},
    {"4.1", "WU 0 =2147483649", "-", AS_ROW, {0}},
    {"4.1", "WU 2147483648 =1", "-", AS_ROW, {0}},
    {"6.9", "WU 0 =0", "C:PE", AS_ROW, {0}},
    {"6.9.1", "WU 0 =2147483647", "C:FCE", AS_ROW, {0}},
    {"6.9", "WU 0 *3", "C:FSE", AS_ROW, {0}},
    {"6.9", "WU 0 *5", "C:FSE", AS_ROW, {0}},

    {"9218 7.1", "PU 0 =0 x753d31", "C:PE", AS_ROW, {0}},
    {"9218 7.1", "PU 0 *3", "C:FSE C:PE", AS_FROM_CLIENT, {0}},
    {"4.2", "PU 0 L16385", "C:FSE C:PE", AS_FROM_CLIENT, {0}},
    {"5.5", "T200 0 *9", "-", AS_ROW, {0}},
    {"5.5", "T254/SHPRU 0", "-", AS_ROW, {0}},
};

const struct spec_states_rows spec_states_shared_rows = SPEC_STATES_LIST(rows);

/* ---- steps ----------------------------------------------------------------------------------- */

#define STAYS(state) [state] = state

static const struct spec_states_step steps[] = {
    {"RST $ =8",
     {[OPEN] = RESET_REMOTE,
      [WAITING] = RESET_REMOTE,
      [OPEN_ANSWERED] = RESET_REMOTE,
      [ANSWERED] = RESET_REMOTE,
      [TUNNEL] = RESET_REMOTE,
      [HALF_LOCAL] = RESET_REMOTE,
      [HALF_REMOTE] = RESET_REMOTE,
      [LINGERS] = RESET_REMOTE,
      STAYS(CLOSED),
      STAYS(RESET_LOCAL),
      STAYS(RESET_REMOTE),
      STAYS(SKIPPED),
      [RESERVED] = PUSH_RESET_REMOTE,
      [RESERVED_INFORMED] = PUSH_RESET_REMOTE,
      [PUSHED] = PUSH_RESET_REMOTE,
      STAYS(PUSH_CLOSED),
      STAYS(PUSH_RESET_LOCAL),
      STAYS(PUSH_RESET_REMOTE),
      STAYS(PUSH_SKIPPED)},
     false},
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
      [PUSHED] = PUSH_RESET_LOCAL},
     false},
    {"PRIORITY $ d0/16", {0}, true},
    {"SETTINGS 0 s4=70000", {0}, true},
    {"WU 0 =1", {0}, true},
    {"T200 $ *1", {0}, true},
};

const struct spec_states_steps spec_states_shared_steps = SPEC_STATES_LIST(steps);
