/*
 * h2/test_tunnel.c - tunnels of handlers that name a protocol: extended CONNECT (RFC 8441) is offered
 * and accepted by stream_tunnel(), what the peer sends earlier is kept back until then, and refusals are
 * ordinary responses.
 */
#include "engine/http/limits.h"
#include "tests/spec/spec_lines.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#define ASK                                                                                        \
  "HEADERS/H 1 [:method=CONNECT :protocol=websocket :scheme=https :authority=a :path=/chat]; "
#define ASKED "request 1 CONNECT /chat, protocol websocket"

static const struct spec_line tunnels[] = {
    {"8441 5", "both ways, until both have ended",
     ASK "!tunnel 1; DATA 1 *4; !send 1 3; !end 1; DATA 1 *5; DATA/S 1 *1",
     ASKED ", HEADERS 1 200, data 1 4, DATA 1 3, DATA 1 0 end, data 1 5, data 1 1 end, "
           "closed 1 NO_ERROR",
     SPEC_LINE_TUNNELS},
    {"8441 5", "the client ends first", ASK "!tunnel 1; DATA/S 1 *4; !send 1 3; !end 1",
     ASKED ", HEADERS 1 200, data 1 4 end, DATA 1 3, closed 1 NO_ERROR, DATA 1 0 end",
     SPEC_LINE_TUNNELS},
    {"8441 5", "RST_STREAM of the client", ASK "!tunnel 1; DATA 1 *4; RST 1 =8",
     ASKED ", HEADERS 1 200, data 1 4, closed 1 CANCEL", SPEC_LINE_TUNNELS},
    {"8441 5", "what comes before is kept back", ASK "DATA 1 *4; DATA 1 *700; !tunnel 1; DATA 1 *2",
     ASKED ", data 1 704, HEADERS 1 200, data 1 2", SPEC_LINE_TUNNELS},
    {"8441 5", "and the end, too", ASK "DATA 1 *4; DATA/S 1; !tunnel 1; !end 1",
     ASKED ", data 1 4 end, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end", SPEC_LINE_TUNNELS},
    {"8441 5", "a whole window",
     ASK "DATA 1 *16384; DATA 1 *16384; DATA 1 *16384; DATA 1 *16383; "
         "!tunnel 1; DATA 1 *16384",
     ASKED ", data 1 65535, HEADERS 1 200, data 1 16384", SPEC_LINE_TUNNELS},
    {"8441 5", "a name in any case is the handler's",
     "HEADERS/H 1 [:method=CONNECT :protocol=WebSocket :scheme=https :authority=a :path=/chat]; "
     "!tunnel 1",
     ASKED ", HEADERS 1 200", SPEC_LINE_TUNNELS},
    {"8441 5", "refused: what was kept is dropped, and its credit returned",
     ASK "DATA 1 *9000; !respond 1 403; DATA/S 1 *9; !end 1",
     ASKED ", HEADERS 1 403, data 1 9 end, closed 1 NO_ERROR, DATA 1 0 end", SPEC_LINE_TUNNELS},
    {"8441 5", "2xx makes no tunnel: the handler's mistake",
     ASK "!respond 1 200; !tunnel 1; !tunnel 1; DATA 1 *2",
     ASKED ", HEADERS 1 200, tunnel refused, data 1 2", SPEC_LINE_TUNNELS},
    {"8441 5", "reset while bytes are kept", ASK "DATA 1 *9; !reset 1 8",
     ASKED ", closed 1 CANCEL, RST_STREAM 1 CANCEL", SPEC_LINE_TUNNELS},
    {"8441 5", "a request that asks for none",
     "HEADERS/SH 1 [@hold]; !tunnel 1; !respond 1 200; !end 1",
     "request 1 GET /hold end, tunnel refused, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end",
     SPEC_LINE_TUNNELS},
};

static const struct spec_line others[] = {
    {"9220 3", "a protocol that the handler does not name",
     "HEADERS/H 1 [:method=CONNECT :protocol=smoke :scheme=https :authority=a :path=/chat]; "
     "DATA/S 1 *9",
     "HEADERS 1 501 end", SPEC_LINE_TUNNELS},
    {"8441 3", "a handler that names none does not offer it", ASK, "HEADERS 1 400 end", 0},
};

_Static_assert(KEPT_BYTES_FIRST < 700, "a line above keeps more");

static void test_tunnels(void **state) {
  (void)state;
  enum stream_flow flows[] = {FLOW_CONSUME, FLOW_ECHO, FLOW_THRESHOLD};
  for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
    struct engine_config config = script_config();
    config.h2.connect_protocol = false;
    config.h2.stream_window_bytes = 65535;
    config.h2.flow = flows[i];
    spec_lines_run(SPEC_LINES(tunnels), H2_SERVER, &config);
    spec_lines_run(SPEC_LINES(others), H2_SERVER, &config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tunnels)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
