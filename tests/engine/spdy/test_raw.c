/*
 * spdy/test_raw.c - raw streams, as a server and as a client has them: opening, both directions and their ends,
 * refusals and resets, windows, and the end of the session.
 */
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

static const struct spdy_session_config raw = {.raw = true};
static const struct spdy_session_config raw_3 = {.raw = true, .minor = SPDY_3};

#define OPENED   "SYN 1 streamtype=data port=80; "
#define ASKED    "request 1 fields 2"
#define ACCEPTED ASKED ", SYN_REPLY 1 fields 0"

static const struct spdy_line server[] = {
    {"accepted", OPENED "!tunnel 1", ACCEPTED},
    {"both ways, until both have ended",
     OPENED "!tunnel 1; DATA 1 4; !send 1 3; !end 1 0; DATA 1 5; DATA/S 1 1",
     ACCEPTED ", data 1 4, DATA 1 3, DATA 1 0 end, data 1 5, data 1 1 end, closed 1 0"},
    {"the peer ends first", OPENED "!tunnel 1; DATA/S 1 4; !send 1 3; !end 1 2",
     ACCEPTED ", data 1 4 end, DATA 1 3, closed 1 0, DATA 1 2 end"},
    {"ended by SYN_STREAM", "SYN/S 1 a=b; !tunnel 1; !end 1 7",
     "request 1 fields 1 end, SYN_REPLY 1 fields 0, closed 1 0, DATA 1 7 end"},
    {"ended by both without a byte", "SYN/S 1 a=b; !tunnel 1 none",
     "request 1 fields 1 end, closed 1 0, SYN_REPLY 1 fields 0 end"},
    {"ended by HEADERS", OPENED "!tunnel 1; HEADERS/S 1 a=b; !end 1 0",
     ACCEPTED ", data 1 0 end, closed 1 0, DATA 1 0 end"},
    {"no fields at all", "SYN 1; !tunnel 1", "request 1 fields 0, SYN_REPLY 1 fields 0"},
    {"what comes before is kept back", OPENED "DATA 1 4; DATA 1 700; !tunnel 1; DATA 1 2",
     ASKED ", data 1 704, SYN_REPLY 1 fields 0, data 1 2"},
    {"and the end, too", OPENED "DATA/S 1 4; !tunnel 1; !end 1 0",
     ASKED ", data 1 4 end, SYN_REPLY 1 fields 0, closed 1 0, DATA 1 0 end"},
    {"and an end by HEADERS", OPENED "HEADERS/S 1; !tunnel 1; !end 1 0",
     ASKED ", data 1 0 end, SYN_REPLY 1 fields 0, closed 1 0, DATA 1 0 end"},
    {"RST_STREAM of the peer", OPENED "!tunnel 1; RST 1 5; DATA 1 300; SYN 3 a=b",
     ACCEPTED ", closed 1 CANCEL, RST_STREAM 1 INVALID_STREAM, request 3 fields 1"},
    {"our reset: what was under way is dropped",
     OPENED "!tunnel 1; !reset 1 3; DATA 1 900; RST 1 5",
     ACCEPTED ", closed 1 REFUSED_STREAM, RST_STREAM 1 REFUSED_STREAM"},
    {"a reset without a code", OPENED "!reset 1 0", ASKED ", closed 1 CANCEL, RST_STREAM 1 CANCEL"},
    {"refused", OPENED "!respond 1 503",
     ASKED ", closed 1 REFUSED_STREAM, RST_STREAM 1 REFUSED_STREAM"},
    {"a status means nothing", OPENED "!respond 1 200; !tunnel 1",
     ASKED ", mistake: stream_respond() with 2xx to a request for a tunnel, which stream_tunnel() "
           "accepts, respond refused, SYN_REPLY 1 fields 0"},
    {"accepted twice", OPENED "!tunnel 1; !tunnel 1",
     ACCEPTED ", mistake: stream_tunnel() to a request that asks for none, tunnel refused"},
    {"an identifier that goes backwards costs only its stream", "SYN 5 a=b; SYN 3 a=b; !tunnel 5",
     "request 5 fields 1, RST_STREAM 3 PROTOCOL_ERROR, SYN_REPLY 5 fields 0"},
    {"an identifier of ours", "SYN 2 a=b", "GOAWAY 0 PROTOCOL_ERROR, done"},
    {"a second SYN_STREAM for a stream that lives", OPENED "!tunnel 1; SYN 1 a=b; SYN 3 a=b",
     ACCEPTED ", closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR, request 3 fields 1"},
    {"unidirectional", "SYN/U 1 a=b; SYN 3 a=b", "RST_STREAM 1 PROTOCOL_ERROR, request 3 fields 1"},
    {"PING", "PING 1; PING 7", "PING 1, PING 7"},
    {"an answer that nobody waits for", "PING 2", ""},
    {"GOAWAY of the peer: what is open goes on",
     OPENED "!tunnel 1; GOAWAY 0 0; DATA/S 1 3; !end 1 4",
     ACCEPTED ", data 1 3 end, closed 1 0, DATA 1 4 end, GOAWAY 1 OK, done"},
    {"drain: newer streams are ignored",
     OPENED "!tunnel 1; !drain; SYN 3 a=b; DATA 3 300; DATA/S 1 3; !end 1 4",
     ACCEPTED ", drain 1, GOAWAY 1 OK, data 1 3 end, closed 1 0, DATA 1 4 end, done"},
    {"the transport ends", OPENED "!tunnel 1; SYN/S 3 a=b; !tunnel 3; !eof; !end 3 4",
     ACCEPTED ", request 3 fields 1 end, SYN_REPLY 3 fields 0, closed 1 CANCEL, closed 3 0, "
              "DATA 3 4 end, done"},
    {"priorities",
     "SYN 1 p5 a=b; SYN 3 p1 a=b; !tunnel 1; !tunnel 3; !mute; !end 1 3; !end 3 3; !listen",
     "request 1 fields 1, request 3 fields 1, SYN_REPLY 1 fields 0, SYN_REPLY 3 fields 0, "
     "DATA 3 3 end, DATA 1 3 end"},
    {"SYN_REPLY for a stream of its own", OPENED "REPLY 1 a=b; SYN 3 a=b",
     ASKED ", closed 1 STREAM_IN_USE, RST_STREAM 1 STREAM_IN_USE, request 3 fields 1"},
};

static void test_server(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(server), true, &raw, NULL);
  spdy_lines_run(SPDY_LINES(server), true, &raw_3, NULL);
}

#define REQUESTED "SYN_STREAM 1 fields 1"

static const struct spdy_line client[] = {
    {"both ways", "!request a=b; REPLY 1; !send 1 3; DATA 1 5; !end 1 0; DATA/S 1 2",
     REQUESTED ", response 1 200 fields 0, DATA 1 3, data 1 5, DATA 1 0 end, data 1 2 end, "
               "closed 1 0"},
    {"bytes before SYN_REPLY", "!request a=b; !end 1 3; REPLY/S 1 c=d",
     REQUESTED ", DATA 1 3 end, response 1 200 fields 1 end, closed 1 0"},
    {"half-closed from the beginning", "!request none a=b; REPLY 1; DATA/S 1 2",
     REQUESTED " end, response 1 200 fields 0, data 1 2 end, closed 1 0"},
    {"refused", "!request a=b; RST 1 3; !request a=b",
     REQUESTED ", closed 1 REFUSED_STREAM, SYN_STREAM 3 fields 1"},
    {"DATA before SYN_REPLY", "!request a=b; PING 2; DATA 1 3; DATA 1 300; PING 4",
     REQUESTED ", PING 2, closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR, PING 4"},
    {"SYN_REPLY twice", "!request a=b; REPLY 1; REPLY 1",
     REQUESTED ", response 1 200 fields 0, closed 1 STREAM_IN_USE, RST_STREAM 1 STREAM_IN_USE"},
    {"a stream that the server opens", "SYN 2 a=b; !request a=b",
     "RST_STREAM 2 REFUSED_STREAM, SYN_STREAM 1 fields 1"},
    {"GOAWAY",
     "!request a=b; !request a=b; REPLY 1; GOAWAY 1 0; !request a=b; DATA/S 1 1; !end 1 0; !close",
     REQUESTED
     ", SYN_STREAM 3 fields 1, response 1 200 fields 0, closing, closed 3 REFUSED_STREAM, "
     "request refused, data 1 1 end, closed 1 0, DATA 1 0 end, GOAWAY 0 OK, done, "
     "ended goaway"},
    {"a limit on streams", "SET 4=1; !request a=b; !request a=b; RST 1 5; !request a=b; RST 3 5",
     REQUESTED ", request refused, closed 1 CANCEL, room, SYN_STREAM 3 fields 1, closed 3 CANCEL"},
    {"drain", "!request a=b; REPLY 1; !drain; DATA/S 1 1; !end 1 0; !close",
     REQUESTED ", response 1 200 fields 0, drain 1, GOAWAY 0 OK, data 1 1 end, closed 1 0, DATA 1 "
               "0 end, done, "
               "ended done"},
    {"the transport ends", "!request a=b; REPLY 1; !eof",
     REQUESTED ", response 1 200 fields 0, ended eof, closed 1 CANCEL, done"},
    {"closed by its owner", "!request a=b; !close", REQUESTED ", ended closed, closed 1 CANCEL"},
    {"another protocol", "!request a=b; RAW x485454502f312e31203430300d0a",
     REQUESTED ", ended broken: not SPDY, closed 1 PROTOCOL_ERROR, GOAWAY 0 PROTOCOL_ERROR, done"},
};

static void test_client(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(client), false, &raw, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_server), cmocka_unit_test(test_client)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
