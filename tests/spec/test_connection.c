/*
 * spec/test_connection.c - a server connection by sections 3 to 7 of RFC 9113, one row per
 * requirement. The rows include those of independent conformance suites for these sections.
 */
#include "tests/spec/spec_lines.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#include <stdio.h>

/* A response to GET /, and the application's events meanwhile. */
#define REQUEST(id)  "request " #id " GET / end"
#define RESPONSE(id) "closed " #id " NO_ERROR, HEADERS " #id " 200, DATA " #id " 2 end"
#define SERVED(id)   REQUEST(id) ", " RESPONSE(id)

static const struct spec_line preface[] = {
    {"3.4", "magic, SETTINGS, then requests",
     "RAW ~magic; SETTINGS 0; SETTINGS/A 0; HEADERS/SH 1 [@get]", SERVED(1), SPEC_LINE_BARE},
    {"3.4", "requests may follow before our SETTINGS are seen",
     "RAW ~magic; SETTINGS 0; HEADERS/SH 1 [@get]; SETTINGS/A 0", SERVED(1), SPEC_LINE_BARE},
    {"3.4", "wrong magic", "RAW x505249202a20485454502f322e300d0a0d0a534d0d0a0d0b",
     "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"3.4", "no magic at all", "SETTINGS 0", "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"3.4", "first frame is not SETTINGS", "RAW ~magic; PING 0 *8", "GOAWAY 0 PROTOCOL_ERROR",
     SPEC_LINE_BARE},
    {"3.4", "first frame is a request", "RAW ~magic; HEADERS/SH 1 [@get]",
     "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"3.4", "first frame is an acknowledgement", "RAW ~magic; SETTINGS/A 0",
     "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"3.4", "first frame is unknown", "RAW ~magic; T200 0", "GOAWAY 0 PROTOCOL_ERROR",
     SPEC_LINE_BARE},
};

static const struct spec_line frames[] = {
    {"4.1", "unknown types are ignored, on any stream",
     "T22 0 *8; T200 1 *8; T255 2147483647; PING 0 *8", "PING ack", 0},
    {"4.1", "undefined flags are ignored", "PING/UHPR 0 *8; SETTINGS/UHPR 0", "PING ack", 0},
    {"4.1", "the reserved bit is ignored", "PING 2147483648 *8; HEADERS/SH 2147483649 [@get]",
     "PING ack, " SERVED(1), 0},
    {"4.2", "DATA of 2^14 bytes is accepted", "HEADERS/H 1 [@post]; DATA/S 1 *16384",
     "request 1 POST /hold, data 1 16384 end", 0},
    {"4.2", "HEADERS of 2^14 bytes is accepted", "HEADERS/SHP 1 p255 [@get xff]; ",
     "GOAWAY 0 COMPRESSION_ERROR", 0},
    {"4.2", "DATA above MAX_FRAME_SIZE", "HEADERS/H 1 [@post]; DATA/S 1 *16385",
     "request 1 POST /hold, closed 1 FRAME_SIZE_ERROR, GOAWAY 1 FRAME_SIZE_ERROR", 0},
    {"4.2", "HEADERS above MAX_FRAME_SIZE", "HEADERS/SH 1 *16385", "GOAWAY 0 FRAME_SIZE_ERROR", 0},
    {"4.2", "the length alone is enough", "T99 0 L16777215", "GOAWAY 0 FRAME_SIZE_ERROR", 0},
    {"4.3", "a block over several frames", "HEADERS/S 1 [@get]; CONT 1 [a=b]; CONT/H 1 [c=d]",
     SERVED(1), 0},
    {"4.3", "a field cut by a frame's end", "HEADERS/S 1 [@get x0001]; CONT 1 x61; CONT/H 1 x0162",
     SERVED(1), 0},
    {"4.3", "PRIORITY inside a block", "HEADERS/S 1 [@get]; PRIORITY 1 d0/1",
     "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"4.3", "HEADERS of another stream inside a block", "HEADERS/S 1 [@get]; HEADERS/SH 3 [@get]",
     "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"4.3", "a block that does not decode", "HEADERS/SH 1 x00", "GOAWAY 0 COMPRESSION_ERROR", 0},
    {"4.3", "a block that ends early in its last frame", "HEADERS/S 1 [@get]; CONT/H 1 x0005",
     "GOAWAY 0 COMPRESSION_ERROR", 0},
    {"4.3", "trailers that do not decode", "HEADERS/H 1 [@post]; HEADERS/SH 1 xbf",
     "request 1 POST /hold, closed 1 COMPRESSION_ERROR, GOAWAY 1 COMPRESSION_ERROR", 0},
    {"4.3.1", "size updates at the start of a block", "HEADERS/SH 1 [^0 ^4096 @get]", SERVED(1), 0},
    {"4.3.1", "a size update after the first field", "HEADERS/SH 1 [@get ^100]",
     "GOAWAY 0 COMPRESSION_ERROR", 0},
    {"4.3.1", "a size update above our HEADER_TABLE_SIZE", "HEADERS/SH 1 [^4097 @get]",
     "GOAWAY 0 COMPRESSION_ERROR", 0},
};

static const struct spec_line streams[] = {
    {"5.1.1", "identifiers rise", "HEADERS/SH 1 [@get]; HEADERS/SH 3 [@get]; HEADERS/SH 101 [@get]",
     SERVED(1) ", " SERVED(3) ", " SERVED(101), 0},
    {"5.1.1", "an even identifier", "HEADERS/SH 2 [@get]", "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"5.1.1", "an identifier below the highest", "HEADERS/SH 5 [@get]; HEADERS/SH 3 [@get]",
     SERVED(5) ", GOAWAY 5 PROTOCOL_ERROR", 0},
    {"5.1.1", "the highest identifier", "HEADERS/SH 2147483647 [@get]",
     "request 2147483647 GET / end, closed 2147483647 NO_ERROR, HEADERS 2147483647 200, "
     "DATA 2147483647 2 end",
     SPEC_LINE_FINAL},
    {"5.1.1", "identifiers are used up", "HEADERS/SH 2147483647 [@get]; HEADERS/SH 1 [@get]",
     "request 2147483647 GET / end, closed 2147483647 NO_ERROR, HEADERS 2147483647 200, "
     "DATA 2147483647 2 end, GOAWAY 2147483647 PROTOCOL_ERROR",
     0},
    {"5.1", "an identifier cannot be opened twice", "HEADERS/H 1 [@post]; HEADERS/SH 1 [@get]",
     "request 1 POST /hold, closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR", 0},
    {"5.1", "a self-dependent HEADERS does not open a closed identifier again",
     "HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@get]; HEADERS/SHR 3 d3/1 [@get]",
     "request 1 GET /hold end, " SERVED(3) ", closed 1 STREAM_CLOSED, GOAWAY 3 STREAM_CLOSED", 0},
    {"5.1", "DATA on a stream that a higher one closed", "HEADERS/SH 5 [@get]; DATA 3 *3",
     SERVED(5) ", RST_STREAM 3 STREAM_CLOSED", 0},
    {"5.1", "after our RST_STREAM: trailers are decoded, DATA is counted",
     "HEADERS/H 1 [@post]; !reset 1 8; DATA 1 *5000; HEADERS/SH 1 [+x-sync=late]; RST 1 =8",
     "request 1 POST /hold, closed 1 CANCEL, RST_STREAM 1 CANCEL", 0},
    {"8.1", "a response before the request is complete: the rest is read for a while",
     "HEADERS/H 1 [:method=POST :scheme=https :authority=a :path=/]; DATA 1 *5; DATA/S 1 *5; PING "
     "0 *8",
     "request 1 POST /, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end, PING ack", 0},
    {"8.1", "trailers as well",
     "HEADERS/H 1 [:method=POST :scheme=https :authority=a :path=/]; DATA 1 *5; HEADERS/SH 1 [a=b]",
     "request 1 POST /, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end", 0},
    {"8.1", "its errors are still reported",
     "HEADERS/H 1 [:method=POST :scheme=https :authority=a :path=/ content-length=7]; DATA/S 1 *5",
     "request 1 POST /, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end, RST_STREAM 1 "
     "PROTOCOL_ERROR",
     0},
    {"8.1", "then it is no longer wanted",
     "HEADERS/H 1 [:method=POST :scheme=https :authority=a :path=/]; DATA 1 *5; !tick 900; DATA 1 "
     "*5; !tick 1000; DATA 1 *5; HEADERS/SH 1 [+x-sync=1]",
     "request 1 POST /, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end, RST_STREAM 1 NO_ERROR", 0},
    {"8.1", "the client may give it up", "HEADERS/H 1 [@post]; !respond 1 200; !end 1; RST 1 =8",
     "request 1 POST /hold, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end", 0},
    {"5.3", "PRIORITY on idle, open and closed streams",
     "PRIORITY 1 d3/256!; HEADERS/H 1 [@post]; PRIORITY 1 d0/1; RST 1 =8; PRIORITY 1 d0/16; "
     "PRIORITY 99 d1/16",
     "request 1 POST /hold, closed 1 CANCEL", 0},
    {"5.3", "a stream that depends on itself", "HEADERS/SHR 1 d1/16 [@get +x-sync=1]",
     "RST_STREAM 1 PROTOCOL_ERROR", 0},
    {"5.4.1", "nothing is read after a connection error",
     "DATA 0 *1; HEADERS/SH 1 [@get]; PING 0 *8; SETTINGS/A 0; DATA 0 *5",
     "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"5.4.1", "GOAWAY names the last stream that was handled",
     "HEADERS/SH 1 [@get]; HEADERS/SH 7 [@get]; HEADERS/SH 9 [a=b]; PING 1 *8",
     SERVED(1) ", " SERVED(
         7) ", HEADERS 9 400 end, RST_STREAM 9 PROTOCOL_ERROR, GOAWAY 9 PROTOCOL_ERROR",
     0},
    {"5.4.2", "no RST_STREAM in reply to RST_STREAM",
     "HEADERS/H 1 [@post]; RST 1 =8; RST 1 =8; RST 1 =5", "request 1 POST /hold, closed 1 CANCEL",
     0},
    {"5.5", "unknown frames between DATA",
     "HEADERS/H 1 [@post]; DATA 1 *1; T150 1 *100; DATA/S 1 *1",
     "request 1 POST /hold, data 1 1, data 1 1 end", 0},
};

static const struct spec_line types[] = {
    {"6.1", "padding is not data, but counts",
     "HEADERS/H 1 [@post]; DATA/P 1 p255; DATA/P 1 p10 *5; DATA/PS 1 p0 *1",
     "request 1 POST /hold, data 1 5, data 1 1 end", 0},
    {"6.1", "padding as long as the payload", "HEADERS/H 1 [@post]; DATA/P 1 x04 *3",
     "request 1 POST /hold, closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR", 0},
    {"6.1", "empty DATA", "HEADERS/H 1 [@post]; DATA 1; DATA 1 *1; DATA/S 1",
     "request 1 POST /hold, data 1 1, data 1 0 end", 0},
    {"6.2", "padding as long as the payload", "HEADERS/SHP 1 x06 *5", "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"6.2", "padding and priority", "HEADERS/SHPR 1 p5 d0/256! [@get]", SERVED(1), 0},
    {"6.2", "an empty block", "HEADERS/SH 1", "HEADERS 1 400 end, RST_STREAM 1 PROTOCOL_ERROR", 0},
    {"6.4", "RST_STREAM ends a stream at once",
     "HEADERS/H 1 [@post]; DATA 1 *3; RST 1 =8; PING 0 *8",
     "request 1 POST /hold, data 1 3, closed 1 CANCEL, PING ack", 0},
    {"6.4", "an unknown code", "HEADERS/H 1 [@post]; RST 1 =255",
     "request 1 POST /hold, closed 1 unknown", 0},
    {"6.5", "each SETTINGS is acknowledged", "SETTINGS 0; SETTINGS 0 s3=1 s3=2; PING 0 *8",
     "PING ack", 0},
    {"6.5.3", "the last value counts: HEADERS before DATA, window by window",
     "SETTINGS 0 s4=100 s4=1; HEADERS/SH 1 [@get]; WU 1 =1",
     REQUEST(1) ", HEADERS 1 200, DATA 1 1, closed 1 NO_ERROR, DATA 1 1 end", 0},
    {"9218 2.1.1", "NO_RFC7540_PRIORITIES stays what the first SETTINGS said",
     "SETTINGS 0 s9=0; SETTINGS 0 s9=1", "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"9218 2.1.1", "which may be 1, and be repeated",
     "RAW ~magic; SETTINGS 0 s9=0 s9=1; SETTINGS/A 0; SETTINGS 0 s9=1; HEADERS/SH 1 [@get]; "
     "SETTINGS 0 s9=0",
     SERVED(1) ", GOAWAY 1 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"6.7", "PING is answered, ACK is not", "PING/A 0 *8; PING 0 x3132333435363738",
     "PING ack 12345678", 0},
    {"6.8", "GOAWAY: what has begun is completed",
     "HEADERS/H 1 [@post]; GOAWAY 0 =0 =0; DATA/S 1 *3; "
     "!respond 1 200; !end 1",
     "request 1 POST /hold, data 1 3 end, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end, "
     "GOAWAY 1 NO_ERROR",
     SPEC_LINE_FINAL},
    {"6.8", "and after GOAWAY new requests, until there is none",
     "HEADERS/SH 1 [@hold]; GOAWAY 0 =0 =0; HEADERS/SH 3 [@get]; !respond 1 200; !end 1; "
     "HEADERS/SH 5 [@get]",
     "request 1 GET /hold end, " SERVED(
         3) ", HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end, GOAWAY 3 NO_ERROR",
     SPEC_LINE_FINAL},
    {"6.8", "GOAWAY with an unknown code and debug data", "GOAWAY 0 =0 =255 x646562756700ff",
     "GOAWAY 0 NO_ERROR", SPEC_LINE_FINAL},
    {"6.8", "not twice", "GOAWAY 0 =0 =0; GOAWAY 0 =0 =0", "GOAWAY 0 NO_ERROR", SPEC_LINE_FINAL},
    {"6.8", "GOAWAY with the reserved bit",
     "HEADERS/H 1 [@post]; GOAWAY 0 =2147483648 =0; PING 0 *8", "request 1 POST /hold, PING ack",
     SPEC_LINE_FINAL},
    {"6.9", "a body waits for the window", "SETTINGS 0 s4=0; HEADERS/SH 1 [@get]; WU 1 =1; WU 1 =1",
     REQUEST(1) ", HEADERS 1 200, DATA 1 1, closed 1 NO_ERROR, DATA 1 1 end", 0},
    {"6.9", "an end needs no window",
     "SETTINGS 0 s4=0; HEADERS/SH 1 [@hold]; !respond 1 200; !end 1",
     "request 1 GET /hold end, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end", 0},
    {"6.9.1", "windows of streams and connection are both obeyed",
     "SETTINGS 0 s4=100000; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 70000; !end 1; WU 0 =10; "
     "WU 0 =5000",
     "request 1 GET /hold end, HEADERS 1 200, DATA 1 65535, "
     "DATA 1 10, closed 1 NO_ERROR, DATA 1 4455 end",
     0},
    {"6.9.1", "a stream's window overflows", "HEADERS/SH 1 [@hold]; WU 1 =2147418112; WU 1 =1",
     "request 1 GET /hold end, closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR", 0},
    {"6.9.1", "the connection's window overflows", "WU 0 =2147418112; WU 0 =1",
     "GOAWAY 0 FLOW_CONTROL_ERROR", 0},
    {"6.9.2", "a new initial window moves those of open streams, below zero too",
     "HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 60000; SETTINGS 0 s4=50000; !send 1 100; "
     "WU 1 =10000; WU 1 =50; SETTINGS 0 s4=60000; !end 1",
     "request 1 GET /hold end, HEADERS 1 200, DATA 1 60000, "
     "DATA 1 50, DATA 1 50, closed 1 NO_ERROR, DATA 1 0 end",
     0},
    {"6.9.2", "a new initial window overflows a stream's",
     "HEADERS/SH 1 [@hold]; WU 1 =2147418112; SETTINGS 0 s4=65536",
     "request 1 GET /hold end, closed 1 FLOW_CONTROL_ERROR, GOAWAY 1 FLOW_CONTROL_ERROR", 0},
    {"6.10", "CONTINUATION without HEADERS", "CONT/H 1 [@get]", "GOAWAY 0 PROTOCOL_ERROR", 0},
    {"6.10", "CONTINUATION after END_HEADERS", "HEADERS/H 1 [@post]; CONT/H 1 [a=b]",
     "request 1 POST /hold, closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR", 0},
    {"6.10", "CONTINUATION after DATA", "HEADERS/H 1 [@post]; DATA 1 *1; CONT/H 1 [a=b]",
     "request 1 POST /hold, data 1 1, closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR", 0},
    {"6.10", "an empty last CONTINUATION", "HEADERS/S 1 [@get]; CONT/H 1", SERVED(1), 0},
    {"6.10", "END_STREAM of HEADERS holds after CONTINUATION",
     "HEADERS/S 1 [@hold]; CONT/H 1; DATA 1 *1",
     "request 1 GET /hold end, closed 1 STREAM_CLOSED, RST_STREAM 1 STREAM_CLOSED", 0},
};

/* Our output obeys the client's settings. */
static const struct spec_line sending[] = {
    {"4.2", "frames as large as the client takes, and smaller again",
     "SETTINGS 0 s4=200000 s5=20000; WU 0 =200000; HEADERS/SH 1 [@hold]; !respond 1 200; "
     "!send 1 60000; SETTINGS 0 s5=16384; !send 1 60000; !end 1",
     "request 1 GET /hold end, HEADERS 1 200, DATA 1 60000, DATA 1 60000, closed 1 NO_ERROR, "
     "DATA 1 0 end",
     0},
    {"4.3", "a large header section is cut", "HEADERS/SH 1 [@hold]; !bulk 1 20000",
     "request 1 GET /hold end, closed 1 NO_ERROR, HEADERS 1 200 end", 0},
    {"4.3", "at each end of a frame",
     "HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]; HEADERS/SH 5 [@hold]; "
     "!bulk 1 16280; !bulk 3 16330; !bulk 5 16400",
     "request 1 GET /hold end, request 3 GET /hold end, request 5 GET /hold end, "
     "closed 1 NO_ERROR, HEADERS 1 200 end, closed 3 NO_ERROR, HEADERS 3 200 end, "
     "closed 5 NO_ERROR, HEADERS 5 200 end",
     0},
    {"4.3.1", "a smaller table of the client's is announced",
     "HEADERS/SH 1 [@get]; SETTINGS 0 s1=0; HEADERS/SH 3 [@get]; SETTINGS 0 s1=4096; "
     "HEADERS/SH 5 [@get]; SETTINGS 0 s1=60; SETTINGS 0 s1=0; SETTINGS 0 s1=100; HEADERS/SH 7 "
     "[@get]",
     SERVED(1) ", " SERVED(3) ", " SERVED(5) ", " SERVED(7), 0},
    {"6.5.2", "MAX_HEADER_LIST_SIZE of the client is advice",
     "SETTINGS 0 s6=0; HEADERS/SH 1 [@get]", SERVED(1), 0},
};

/* ---- limits ---------------------------------------------------------------------------------- */

static void test_preface(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(preface), H2_SERVER, NULL);
}

static void test_frames(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(frames), H2_SERVER, NULL);
}

static void test_streams(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(streams), H2_SERVER, NULL);
}

static void test_types(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(types), H2_SERVER, NULL);
}

/* Section 6.5.3: an acknowledgement each, the preface's included. */
static void test_acknowledgements(void **state) {
  (void)state;
  static struct script script;
  script_begin(&script, H2_SERVER, NULL, false);
  assert_int_equal(script.settings_acks, 1);
  script_run(&script, "SETTINGS 0; SETTINGS 0 s3=1 s3=2; SETTINGS 0 s250=1");
  assert_int_equal(script.settings_acks, 4);
  script_close(&script);
}

static void test_sending(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(sending), H2_SERVER, NULL);
}

/* Runs `steps` for `count` more streams, with `%u` for the identifier. */
static void run_each(struct script *script, unsigned count, const char *steps) {
  for (; count > 0; count--) {
    char text[96];
    unsigned id = script->id_max + 2;
    script->app_count = 0;
    snprintf(text, sizeof text, steps, id, id);
    script_run(script, text);
    script->log[script->log_len = 0] = '\0';
  }
}

/* Section 5.1: late frames on a stream that we reset are not the client's fault, however many
 * streams have been answered since. Least of all trailers. */
static void test_reset_remembered(void **state) {
  (void)state;
  static struct script script;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; !reset 1 8");
  run_each(&script, 2 * H2_RESETS_REMEMBERED, "HEADERS/SH %u [@get]");
  script_run(&script, "DATA 1 *3000; WU 1 =1; HEADERS/SH 1 [x-sum=1 +x-sync=late]; RST 1 =8");
  assert_string_equal(script.log, "");
  script_check(&script);
  script_close(&script);
}

/* After enough further resets, we no longer remember the stream. Late frames still do not end
 * the connection. */
static void test_forgotten(void **state) {
  (void)state;
  static struct script script;
  script_begin(&script, H2_SERVER, NULL, false);
  script_run(&script, "HEADERS/H 1 [@post]; !reset 1 8");
  run_each(&script, H2_RESETS_REMEMBERED, "HEADERS/H %u [@post]; !reset %u 8");
  script_run(&script, "DATA 1 *3000; WU 1 =1; RST 1 =8; PRIORITY 1 d0/9");
  assert_string_equal(script.log, "RST_STREAM 1 STREAM_CLOSED");
  script_check(&script);
  script_close(&script);
}

/* The same for a client, on streams that ended normally: any frame is still an error. */
static void test_answered_forgotten(void **state) {
  (void)state;
  static const char *const late[][2] = {
      {"DATA 1 *3", "RST_STREAM 1 STREAM_CLOSED"},
      {"HEADERS/SH 1 [@ok]", "GOAWAY 0 PROTOCOL_ERROR"},
      {"PUSH/H 1 =2 [@get]", "GOAWAY 0 PROTOCOL_ERROR"},
      {"WU 1 =1; RST 1 =8; PRIORITY 1 d0/9", ""},
  };
  static struct script script;
  for (size_t i = 0; i < sizeof late / sizeof *late; i++) {
    script_begin(&script, H2_CLIENT, NULL, false);
    script_run(&script, "!request /a; HEADERS/SH 1 [@ok]");
    run_each(&script, H2_CLOSED_REMEMBERED, "!request /a; HEADERS/SH %u [@ok]");
    script_run(&script, late[i][0]);
    assert_string_equal(script.log, late[i][1]);
    script_close(&script);
  }
}

/* Section 6.9.1, with windows of streams smaller than the connection's. */
static void test_stream_window(void **state) {
  (void)state;
  static const struct spec_line lines[] = {
      {"6.9.1", "as much as the window", "HEADERS/H 1 [@post]; DATA 1 *1000",
       "request 1 POST /hold, data 1 1000", SPEC_LINE_FINAL},
      {"6.9.1", "padding counts", "HEADERS/H 1 [@post]; DATA/P 1 p200 *800",
       "request 1 POST /hold, closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR",
       SPEC_LINE_FINAL},
      {"6.9.1", "one byte more", "HEADERS/H 1 [@post]; DATA 1 *1001",
       "request 1 POST /hold, closed 1 FLOW_CONTROL_ERROR, RST_STREAM 1 FLOW_CONTROL_ERROR",
       SPEC_LINE_FINAL},
      {"6.9.3", "the initial window holds until our SETTINGS are acknowledged",
       "RAW ~magic; SETTINGS 0; HEADERS/H 1 [@post]; DATA/S 1 *15000; SETTINGS/A 0; "
       "HEADERS/H 3 [@post]; DATA 3 *1001",
       "request 1 POST /hold, data 1 15000 end, request 3 POST /hold, "
       "closed 3 FLOW_CONTROL_ERROR, RST_STREAM 3 FLOW_CONTROL_ERROR",
       SPEC_LINE_BARE | SPEC_LINE_FINAL},
  };
  struct engine_config config = script_config();
  config.h2.stream_window_bytes = 1000;
  spec_lines_run(SPEC_LINES(lines), H2_SERVER, &config);
}

/* Section 5.1.1: a client that has used all its identifiers makes no more requests. */
static void test_last_identifier(void **state) {
  (void)state;
  static struct script script;
  script_begin(&script, H2_CLIENT, NULL, false);
  h2_of(&script.machine)->own_id_next = H2_STREAM_ID_MAX - 2;
  assert_int_equal(h2_request_room(h2_of(&script.machine)), 2);
  script_run(&script, "!request /a; !request /b; !request /c; HEADERS/SH 2147483647 [@ok]");
  assert_string_equal(script.log, "HEADERS 2147483645 /a end, HEADERS 2147483647 /b end, "
                                  "request refused, response 2147483647 200 end, "
                                  "closed 2147483647 NO_ERROR");
  script_close(&script);
}

/* Section 5.1.2. */
static void test_concurrency(void **state) {
  (void)state;
  static const struct spec_line lines[] = {
      {"5.1.2", "one stream too many is refused, and may come again",
       "HEADERS/SH 1 [@hold]; HEADERS/H 3 [@post]; HEADERS/H 5 [@post +x-sync=5]; DATA 5 *100; RST "
       "1 =8; "
       "HEADERS/SH 7 [@hold]; !respond 7 200; !end 7; RST 3 =8",
       "request 1 GET /hold end, request 3 POST /hold, RST_STREAM 5 REFUSED_STREAM, "
       "closed 1 CANCEL, request 7 GET /hold end, HEADERS 7 200, closed 7 NO_ERROR, DATA 7 0 end, "
       "closed 3 CANCEL",
       0},
      {"5.1.2", "promised streams do not count until they begin",
       "HEADERS/SH 1 [@hold]; !push 1; !push 1; HEADERS/SH 3 [@hold]; RST 1 =8; RST 3 =8",
       "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, "
       "request 4 GET /hold end, PUSH_PROMISE 1 4 /hold, request 3 GET /hold end, closed 1 CANCEL, "
       "closed 3 CANCEL",
       0},
  };
  struct engine_config config = script_config();
  config.h2.concurrent_streams = 2;
  spec_lines_run(SPEC_LINES(lines), H2_SERVER, &config);
}

/* Section 4.2: frames as large as we announce. */
static void test_large_frames(void **state) {
  (void)state;
  static const struct spec_line lines[] = {
      {"4.2", "DATA of 64 KiB - 1", "HEADERS/H 1 [@post]; DATA/S 1 *65535",
       "request 1 POST /hold, data 1 65535 end", 0},
      {"4.2", "an unknown frame of 2^24 - 2 bytes is read", "T99 0 L16777214", "", SPEC_LINE_FINAL},
      {"4.2", "longer than we announced", "T99 0 L16777215", "GOAWAY 0 FRAME_SIZE_ERROR", 0},
      {"10.5", "a header block larger than any", "HEADERS/SH 1 L70000",
       "GOAWAY 0 ENHANCE_YOUR_CALM", 0},
  };
  struct engine_config config = script_config();
  config.h2.frame_bytes_max = H2_FRAME_BYTES_MAX - 1;
  spec_lines_run(SPEC_LINES(lines), H2_SERVER, &config);
}

/* Section 6.5.2: a smaller header table of ours binds the client from its ACK on. */
static void test_small_table(void **state) {
  (void)state;
  static const struct spec_line lines[] = {
      {"4.3.1", "before the ACK the initial size holds",
       "RAW ~magic; SETTINGS 0; HEADERS/SH 1 [@get +x-sync=1]; HEADERS/SH 3 [@get #62]; SETTINGS/A "
       "0; "
       "HEADERS/SH 5 [^100 @get #62]",
       SERVED(1) ", " SERVED(3) ", " SERVED(5), SPEC_LINE_BARE},
      {"4.3.1", "after it the next block begins with a size update",
       "HEADERS/SH 1 [^100 @get]; HEADERS/SH 3 [@get]", SERVED(1) ", " SERVED(3), SPEC_LINE_FINAL},
      {"4.3.1", "or else", "HEADERS/SH 1 [@get]", "GOAWAY 0 COMPRESSION_ERROR", 0},
      {"4.3.1", "that fits", "HEADERS/SH 1 [^101 @get]", "GOAWAY 0 COMPRESSION_ERROR", 0},
      {"4.3.1", "zero fits", "HEADERS/SH 1 [^0 @get]", SERVED(1), SPEC_LINE_FINAL},
  };
  struct engine_config config = script_config();
  config.h2.header_table_bytes = 100;
  spec_lines_run(SPEC_LINES(lines), H2_SERVER, &config);
}

/* Section 6.5.3 and A08 of the attacks: an unacknowledged SETTINGS frame. */
static void test_settings_timeout(void **state) {
  (void)state;
  static const struct spec_line lines[] = {
      {"6.5.3", "SETTINGS are not acknowledged", "RAW ~magic; SETTINGS 0; !tick 9900; !tick 200",
       "GOAWAY 0 SETTINGS_TIMEOUT", SPEC_LINE_BARE},
      {"3.4", "no preface", "!tick 4900; !tick 200", "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
  };
  spec_lines_run(SPEC_LINES(lines), H2_SERVER, NULL);
}

/* Section 6.8, ours. */
static void test_drain(void **state) {
  (void)state;
  static const struct spec_line lines[] = {
      {"6.8",
       "first a GOAWAY that refuses nothing, then the last one; requests in between are served",
       "HEADERS/SH 1 [@hold]; !drain; HEADERS/SH 3 [@get]; !tick 1000; !respond 1 200; !end 1",
       "request 1 GET /hold end, drain 1, GOAWAY 2147483647 NO_ERROR, PING, request 3 GET / end, "
       "drain 3, closed 3 NO_ERROR, HEADERS 3 200, DATA 3 2 end, GOAWAY 3 NO_ERROR, HEADERS 1 200, "
       "closed 1 NO_ERROR, DATA 1 0 end",
       SPEC_LINE_FINAL},
      {"6.8", "requests after the last one are ignored, HPACK and windows are kept in step",
       "HEADERS/SH 1 [@hold]; !drain; PING/A 0 x647261696e696e67; !tick 100; HEADERS/H 3 [@post "
       "+x-sync=1]; "
       "DATA 3 *500; WU 3 =1; HEADERS/SH 3 [a=b]; RST 3 =8; HEADERS/H 5 [#62]; PING 0 *8",
       "request 1 GET /hold end, drain 1, GOAWAY 2147483647 NO_ERROR, PING, GOAWAY 1 NO_ERROR, "
       "PING ack",
       SPEC_LINE_FINAL},
  };
  spec_lines_run(SPEC_LINES(lines), H2_SERVER, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_preface),
      cmocka_unit_test(test_frames),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_types),
      cmocka_unit_test(test_concurrency),
      cmocka_unit_test(test_large_frames),
      cmocka_unit_test(test_small_table),
      cmocka_unit_test(test_settings_timeout),
      cmocka_unit_test(test_drain),
      cmocka_unit_test(test_sending),
      cmocka_unit_test(test_forgotten),
      cmocka_unit_test(test_reset_remembered),
      cmocka_unit_test(test_answered_forgotten),
      cmocka_unit_test(test_stream_window),
      cmocka_unit_test(test_last_identifier),
      cmocka_unit_test(test_acknowledgements),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
