/*
 * spec/spec_states_rows.h - rows of tests/spec/spec_states.h that both roles share: what is wrong with a frame
 * whoever sends it, frames of the connection, frames that mean the same in both directions.
 *
 * The role's file says before it includes this one what differs: MESSAGE, the fields of a message
 * that is valid in an idle stream, DATA_STATES, where DATA is not accepted, and UPDATE_RESERVED,
 * what WINDOW_UPDATE earns on a reserved stream.
 */
#ifndef WEIR_TESTS_SPEC_STATES_ROWS_H
#define WEIR_TESTS_SPEC_STATES_ROWS_H

#define UNUSED(verdict) [IDLE] = verdict, [PUSH_IDLE] = verdict
#define SKIPS(verdict)  [SKIPPED] = verdict, [PUSH_SKIPPED] = verdict
#define RESETS(verdict) [RESET_LOCAL] = verdict, [PUSH_RESET_LOCAL] = verdict
/* Closed, and the peer must know it. */
#define LATE(verdict)                                                                              \
  [CLOSED] = verdict, [RESET_REMOTE] = verdict, [PUSH_CLOSED] = verdict,                           \
  [PUSH_RESET_REMOTE] = verdict

/* Section 5.4.1: what has no stream is the connection's error. */
#define WITHOUT_STREAM(verdict) UNUSED(verdict), LATE(verdict), RESETS(verdict)

static const struct spec_row shared_rows[] = {
    {"6.1", "DATA $ *3", "-", {DATA_STATES}},
    {"6.1", "DATA $", "-", {DATA_STATES}},
    {"6.1", "DATA/S $ *3", "-", {DATA_STATES}},
    {"6.1", "DATA/S $", "-", {DATA_STATES}},
    {"6.1", "DATA/P $ p3 *3", "-", {DATA_STATES}},
    {"6.1", "DATA/P $ p255", "-", {DATA_STATES}},
    {"6.1", "DATA/PS $ p3 *3", "-", {DATA_STATES}},
    {"6.1", "DATA/PS $ p0", "-", {DATA_STATES}},
    {"4.1", "DATA/U $ *3", "-", {DATA_STATES}},
    {"4.2", "DATA $ *16384", "-", {DATA_STATES}},
    /* Padding is looked at even where the data is not wanted. */
    {"6.1", "DATA/P $ x05 *3", "C:PE", {LATE("C:SC C:PE S:SC")}},
    {"6.1", "DATA/PS $ x04 *4", "-", {DATA_STATES}}, /* nothing but padding */
    {"6.1", "DATA/PS $ x05 *4", "C:PE", {LATE("C:SC C:PE S:SC")}},
    {"6.1", "DATA/P $", "C:FSE C:PE", {0}},
    {"4.2", "DATA $ L16385", "C:FSE S:FSE C:PE C:SC", {0}},

    {"6.2", "HEADERS/SHP $ x09 *8", "C:PE", {0}},
    {"6.2", "HEADERS/SHP $", "C:FSE C:PE", {0}},
    {"6.2", "HEADERS/SHR $ *4", "C:FSE C:PE", {0}},
    {"6.2", "HEADERS/SHPR $ x04 *8", "C:FSE C:PE", {0}}, /* padding where the priority should be */
    {"4.2", "HEADERS/SH $ L16385", "C:FSE C:PE C:SC", {0}},
    {"6.2", "HEADERS $ [" MESSAGE "]; DATA $ *1", "C:PE", {LATE("C:SC C:PE")}},
    {"6.2", "HEADERS $ [" MESSAGE "]; HEADERS/SH $ [a=b]", "C:PE", {LATE("C:SC C:PE")}},
    {"6.2", "HEADERS $ [" MESSAGE "]; PRIORITY $ d0/1", "C:PE", {LATE("C:SC C:PE")}},
    {"6.2", "HEADERS $ [" MESSAGE "]; RST $ =8", "C:PE", {LATE("C:SC C:PE")}},
    {"6.10", "HEADERS/S $ [" MESSAGE "]; PING 0 *8", "C:PE", {LATE("C:SC C:PE")}},
    {"6.10", "HEADERS/S $ [" MESSAGE "]; CONT/H 7 [a=b]", "C:PE", {LATE("C:SC C:PE")}},
    {"6.10", "HEADERS/S $ [" MESSAGE "]; CONT $ [a=b]; SETTINGS 0", "C:PE", {LATE("C:SC C:PE")}},
    {"5.5", "HEADERS/S $ [" MESSAGE "]; T200 $ *1", "C:PE", {LATE("C:SC C:PE")}},

    {"6.3", "PRIORITY $ d0/16", "-", {0}},
    {"6.3", "PRIORITY $ d5/256!", "-", {0}},
    {"4.1", "PRIORITY/UAHPR $ d5/1", "-", {0}},
    /* RFC 7540 section 5.3.1; RFC 9113 lets it be ignored. */
    {"5.3", "PRIORITY $ d$/16", "S:PE C:PE -", {WITHOUT_STREAM("C:PE S:PE -")}},
    {"6.3", "PRIORITY $", "S:FSE C:FSE", {WITHOUT_STREAM("C:FSE S:FSE")}},
    {"6.3", "PRIORITY $ *4", "S:FSE C:FSE", {WITHOUT_STREAM("C:FSE S:FSE")}},
    {"6.3", "PRIORITY $ *6", "S:FSE C:FSE", {WITHOUT_STREAM("C:FSE S:FSE")}},
    {"4.2", "PRIORITY $ L16385", "C:FSE S:FSE", {0}},

    {"6.4", "RST $ =8", "-", {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"8.1", "RST $ =0", "-", {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"7", "RST $ =4294967295", "-", {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"4.1", "RST/UAHPR $ =8", "-", {UNUSED("C:PE"), SKIPS("- C:PE C:SC")}},
    {"6.4", "RST $", "C:FSE C:PE", {0}},
    {"6.4", "RST $ *3", "C:FSE C:PE", {0}},
    {"6.4", "RST $ *5", "C:FSE C:PE", {0}},
    {"4.2", "RST $ L16385", "C:FSE C:PE", {0}},

    {"6.9", "WU $ =1", "-", {UNUSED("C:PE"), SKIPS("- C:PE C:SC"), UPDATE_RESERVED("-")}},
    {"4.1",
     "WU/UAHPR $ =2147483649",
     "-",
     {UNUSED("C:PE"), SKIPS("- C:PE C:SC"), UPDATE_RESERVED("-")}},
    {"6.9", "WU $ =0", "S:PE C:PE", {WITHOUT_STREAM("C:PE S:PE -"), UPDATE_RESERVED("S:PE")}},
    {"6.9",
     "WU $ =2147483648",
     "S:PE C:PE",
     {WITHOUT_STREAM("C:PE S:PE -"), UPDATE_RESERVED("S:PE")}},
    {"6.9.1",
     "WU $ =2147483647",
     "S:FCE C:FCE",
     {UNUSED("C:PE"), SKIPS("- S:FCE C:FCE C:PE"), LATE("- S:FCE C:FCE"), RESETS("- S:FCE C:FCE"),
      UPDATE_RESERVED("S:FCE")}},
    {"6.9", "WU $ *3", "C:FSE C:PE", {0}},
    {"6.9", "WU $ *5", "C:FSE C:PE", {0}},
    {"4.2", "WU $ L16385", "C:FSE C:PE", {0}},

    {"6.6", "PUSH/H $ =0 [@get]", "C:PE", {0}},
    {"6.6", "PUSH/H $ =5 [@get]", "C:PE", {0}},
    {"6.6", "PUSH/HP $ xff =4 [@get]", "C:PE", {0}},
    {"6.6", "PUSH/H $ *3", FROM_SERVER_ALONE("C:FSE C:PE"), {0}},
    {"4.2", "PUSH/H $ L16385", FROM_SERVER_ALONE("C:FSE C:PE"), {0}},

    {"6.10", "CONT $", "C:PE", {0}},
    {"6.10", "CONT/H $ [a=b]", "C:PE", {0}},
    {"6.10", "CONT/U $ [a=b]", "C:PE", {0}},
    {"6.10", "CONT/H $ L16385", "C:PE C:FSE", {0}},
    {"6.5", "SETTINGS $", "C:PE", {0}},
    {"6.5", "SETTINGS/A $", "C:PE", {0}},
    {"6.7", "PING $ *8", "C:PE", {0}},
    {"6.7", "PING/A $ *8", "C:PE", {0}},
    {"6.8", "GOAWAY $ =0 =0", "C:PE", {0}},
    {"9218 7.1", "PU $ =1 x753d31", "C:PE", {0}},
    {"5.5", "T200 $ *9", "-", {0}},
    {"5.5", "T200 $", "-", {0}},
    {"5.5", "T10 $", "-", {0}},
    {"5.5", "T200/SHPRU $ *16384", "-", {0}},
    {"5.5", "T255/SHPRU $ *16384", "-", {0}},
    {"4.2", "T200 $ L16385", "C:FSE S:FSE", {0}},

    /* Stream 0, whatever the streams do. */
    {"6.1", "DATA 0 *3", "C:PE", {0}},
    {"6.2", "HEADERS/SH 0 [" MESSAGE "]", "C:PE", {0}},
    {"6.3", "PRIORITY 0 d1/16", "C:PE", {0}},
    {"6.4", "RST 0 =8", "C:PE", {0}},
    {"6.6", "PUSH/H 0 =4 [@get]", "C:PE", {0}},
    {"6.10", "CONT/H 0 [@get]", "C:PE", {0}},

    {"6.5", "SETTINGS 0", "-", {0}},
    {"6.5", "SETTINGS/U 0 s3=5 s6=1000", "-", {0}},
    {"6.5.2", "SETTINGS 0 s61680=7 s0=1", "-", {0}},
    {"6.5", "SETTINGS 0 *5", "C:FSE", {0}},
    {"6.5", "SETTINGS 0 *7", "C:FSE", {0}},
    {"4.2", "SETTINGS 0 L16386", "C:FSE", {0}},
    {"6.5", "SETTINGS/A 0 s1=1", "C:FSE", {0}},
    {"6.5.3", "SETTINGS/A 0", "C:PE -", {0}},
    {"6.5.2", "SETTINGS 0 s1=0", "-", {0}},
    {"6.5.2", "SETTINGS 0 s1=4294967295", "-", {0}},
    {"6.5.2", "SETTINGS 0 s2=0", "-", {0}},
    {"6.5.2", "SETTINGS 0 s2=2", "C:PE", {0}},
    {"6.9.2", "SETTINGS 0 s4=0", "-", {0}},
    {"6.9.2", "SETTINGS 0 s4=2147483000", "-", {0}},
    {"6.5.2", "SETTINGS 0 s4=2147483648", "C:FCE", {0}},
    {"6.5.2", "SETTINGS 0 s5=0", "C:PE", {0}},
    {"6.5.2", "SETTINGS 0 s5=16383", "C:PE", {0}},
    {"6.5.2", "SETTINGS 0 s5=16384", "-", {0}},
    {"6.5.2", "SETTINGS 0 s5=16777215", "-", {0}},
    {"6.5.2", "SETTINGS 0 s5=16777216", "C:PE", {0}},
    {"8441 3", "SETTINGS 0 s8=1", "-", {0}},
    {"8441 3", "SETTINGS 0 s8=2", "C:PE", {0}},
    {"9218 2.1", "SETTINGS 0 s9=0", "-", {0}},
    {"9218 2.1.1", "SETTINGS 0 s9=1", "C:PE -", {0}}, /* not in the first frame */
    {"9218 2.1", "SETTINGS 0 s9=2", "C:PE", {0}},

    {"6.7", "PING 0 *8", "-", {0}},
    {"6.7", "PING/A 0 *8", "-", {0}},
    {"4.1", "PING/UHPR 0 *8", "-", {0}},
    {"6.7", "PING 0", "C:FSE", {0}},
    {"6.7", "PING 0 *7", "C:FSE", {0}},
    {"6.7", "PING 0 *9", "C:FSE", {0}},
    {"4.2", "PING 0 L16385", "C:FSE", {0}},

    {"6.8", "GOAWAY 0 =2147483647 =0", "~", {0}},
    {"6.8", "GOAWAY/UAHPR 0 =4294967295 =255 x646562756700", "~", {0}},
    {"6.8", "GOAWAY 0 =0 *3", "C:FSE", {0}},
    {"4.2", "GOAWAY 0 L16385", "C:FSE", {0}},

    {"6.9", "WU 0 =1", "-", {0}},
    {"4.1", "WU 0 =2147483649", "-", {0}},
    {"4.1", "WU 2147483648 =1", "-", {0}},
    {"6.9", "WU 0 =0", "C:PE", {0}},
    {"6.9.1", "WU 0 =2147483647", "C:FCE", {0}},
    {"6.9", "WU 0 *3", "C:FSE", {0}},
    {"6.9", "WU 0 *5", "C:FSE", {0}},

    {"9218 7.1", "PU 0 =0 x753d31", "C:PE", {0}},
    {"9218 7.1", "PU 0 *3", FROM_CLIENT_ALONE("C:FSE C:PE"), {0}},
    {"4.2", "PU 0 L16385", FROM_CLIENT_ALONE("C:FSE C:PE"), {0}},
    {"5.5", "T200 0 *9", "-", {0}},
    {"5.5", "T254/SHPRU 0", "-", {0}},
};

#endif
