/*
 * spdy/test_draft.c - demands of the draft that are on no single frame or state: what is ignored, and what an error says.
 * Each row names its section. Those on frames are in test_frame.c, on states in test_states.c, on header blocks in
 * test_block.c, on HTTP in test_message.c and test_http.c, on windows in test_windows.c.
 */
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

#define OPENED "SYN 1 a=b; !tunnel 1; "
#define SEEN   "request 1 fields 1, SYN_REPLY 1 fields 0"

static const struct spdy_line server[] = {
    {"2.2.1, a type that is not known is skipped", "RAW x800300ff0000000401020304; PING 1",
     "PING 1"},
    {"2.2.1, whatever its flags and length", OPENED "RAW x80037ffeff000000; PING 1",
     SEEN ", PING 1"},
    {"2.2.1, flags that mean nothing",
     OPENED "RAW x80030006ff00000400000001; RAW x80030009ff0000080000000100000001",
     SEEN ", PING 1"},
    {"2.2.2, those of DATA, too", OPENED "RAW x00000001fe00000161", SEEN ", data 1 1"},
    {"2.2.2, DATA of no stream", OPENED "RAW x000000000000000161; PING 1",
     SEEN ", closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR, done"},
    {"2.4.1, GOAWAY names the last stream that was good", OPENED "SYN 3 a=b; SYN 2 a=b",
     SEEN ", request 3 fields 1, closed 3 PROTOCOL_ERROR, closed 1 PROTOCOL_ERROR, "
          "GOAWAY 3 PROTOCOL_ERROR, done"},
    {"2.4.1, 0 if there was none", "SYN 2 a=b", "GOAWAY 0 PROTOCOL_ERROR, done"},
    {"2.4.2, RST_STREAM does not answer RST_STREAM", OPENED "RST 1 5; RST 1 5; RST 9 1; PING 1",
     SEEN ", closed 1 CANCEL, PING 1"},
    {"2.6.4, of several values for one setting the first counts",
     OPENED "SET 7=10 7=50; !send 1 100", SEEN ", DATA 1 10"},
    {"2.6.4, in each frame", OPENED "SET 7=10; SET 7=50 4=1 7=20; !send 1 100", SEEN ", DATA 1 50"},
    {"2.6.4, settings that are not known",
     OPENED "SET 0=7 9=1 16=1 23=5 16777215=3 7=10; !send 1 100", SEEN ", DATA 1 10"},
    {"2.6.8, credit", "!windows; " OPENED "DATA 1 60000",
     SEEN ", data 1 60000, WINDOW_UPDATE 1 60000"},
    {"2.6.8, but not once the peer has ended", "!windows; " OPENED "DATA/S 1 60000",
     SEEN ", data 1 60000 end"},
    {"2.6.4, a client's wish to persist, or to forget",
     OPENED "RAW x800300040100000c00000001030000070000000a; !send 1 100", SEEN ", DATA 1 10"},
};

static void test_server(void **state) {
  static const struct spdy_session_config raw = {.minor = SPDY_3_1, .raw = true};
  (void)state;
  spdy_lines_run(SPDY_LINES(server), true, &raw, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_server)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
