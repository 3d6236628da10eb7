/*
 * spdy/test_http.c - HTTP over SPDY, as a server and as a client has it: requests, responses, trailers, what is
 * malformed, pushes in both roles, and the fields that name other resources.
 */
#include "tests/support/cmocka.h"
#include "tests/support/spdy_script.h"

#include <string.h>

#include "engine/spdy/limits.h"

static const struct spdy_session_config http = {0};

#define GOT "request 1 GET / end"

static const struct spdy_line requests[] = {
    {"without a body", "SYN/S 1 @get; !respond 1 200 none",
     GOT ", closed 1 0, SYN_REPLY 1 200 end"},
    {"with one", "SYN/S 1 @get; !respond 1 200; !send 1 5; !end 1 0",
     GOT ", SYN_REPLY 1 200, DATA 1 5, closed 1 0, DATA 1 0 end"},
    {"HEAD", "SYN/S 1 @head; !respond 1 200; !end 1 5",
     "request 1 HEAD / end, closed 1 0, SYN_REPLY 1 200 end, no stream 1"},
    {"204", "SYN/S 1 @get; !respond 1 204", GOT ", closed 1 0, SYN_REPLY 1 204 end"},
    {"trailers", "SYN/S 1 @get; !respond 1 200; !trailers 1; !end 1 5",
     GOT ", SYN_REPLY 1 200, closed 1 0, DATA 1 5, HEADERS 1 fields 1 end"},
    {"an upload", "SYN 1 @post content-length=7; DATA 1 3; DATA/S 1 4; !respond 1 200 none",
     "request 1 POST /, data 1 3, data 1 4 end, closed 1 0, SYN_REPLY 1 200 end"},
    {"that has trailers", "SYN 1 @post; DATA 1 3; HEADERS/S 1 a=b; !respond 1 200 none",
     "request 1 POST /, data 1 3, trailers 1 1, closed 1 0, SYN_REPLY 1 200 end"},
    {"that is longer than it says", "SYN 1 @post content-length=7; DATA 1 8; PING 1",
     "request 1 POST /, closed 1 PROTOCOL_ERROR, SYN_REPLY 1 400 end, RST_STREAM 1 PROTOCOL_ERROR, "
     "PING 1"},
    {"that is shorter", "SYN 1 @post content-length=7; DATA 1 3; HEADERS/S 1",
     "request 1 POST /, data 1 3, closed 1 PROTOCOL_ERROR, SYN_REPLY 1 400 end, "
     "RST_STREAM 1 PROTOCOL_ERROR"},
    {"answered before its end, which is dropped",
     "SYN 1 @post; !respond 1 413 none; DATA 1 9; DATA/S 1 9; PING 1",
     "request 1 POST /, closed 1 0, SYN_REPLY 1 413 end, PING 1"},
    {"and reset when it goes on", "SYN 1 @post; !respond 1 413 none; !pass 1100",
     "request 1 POST /, closed 1 0, SYN_REPLY 1 413 end, RST_STREAM 1 CANCEL"},
    {"an unknown expectation", "SYN/S 1 @get expect=miracles", "SYN_REPLY 1 417 end"},
    {"no :path", "SYN/S 1 :method=GET :version=HTTP/1.1 :host=a :scheme=https; PING 1",
     "SYN_REPLY 1 400 end, RST_STREAM 1 PROTOCOL_ERROR, PING 1"},
    {"a field of HTTP/1.1's connections", "SYN/S 1 @get connection=close",
     "SYN_REPLY 1 400 end, RST_STREAM 1 PROTOCOL_ERROR"},
    {"a body that was promised and is not there", "SYN/S 1 @post content-length=4",
     "SYN_REPLY 1 400 end, RST_STREAM 1 PROTOCOL_ERROR"},
    {"a field list that is too large", "SYN/S 1 @get big=70000; SYN/S 3 @get",
     "SYN_REPLY 1 431 end, request 3 GET / end"},
    {"one that is far too large", "SYN/S 1 @get big=199000; SYN/S 3 @get",
     "SYN_REPLY 1 431 end, request 3 GET / end"},
    {"unidirectional", "SYN/SU 1 @get", "RST_STREAM 1 PROTOCOL_ERROR"},
    {"an identifier that goes backwards", "SYN/S 5 @get; SYN/S 3 @get",
     "request 5 GET / end, closed 5 PROTOCOL_ERROR, GOAWAY 5 PROTOCOL_ERROR, done"},
    {"a cancelled one", "SYN/S 1 @get; RST 1 5; SYN/S 3 @get",
     GOT ", closed 1 CANCEL, request 3 GET / end"},
    {"an informational response cannot be sent", "SYN/S 1 @get; !inform 1 103; !respond 1 200 none",
     GOT ", inform refused, closed 1 0, SYN_REPLY 1 200 end"},
    {"another version", "RAW x8002000100000012000000010000000000000000000000000000; SYN/S 3 @get",
     "RST_STREAM 1 UNSUPPORTED_VERSION, request 3 GET / end"},
    {"another version, and no stream", "RAW x8002000100000012000000000000000000000000000000000000",
     "GOAWAY 0 PROTOCOL_ERROR, done"},
    {"corrupt zlib", "SYN/S 1 @get; RAW x8003000101000012000000030000000000000606060606060606",
     GOT ", closed 1 PROTOCOL_ERROR, GOAWAY 1 PROTOCOL_ERROR, done"},
    {"priorities",
     "SYN/S 1 p7 @get; SYN/S 3 p0 @get; !respond 1 200; !respond 3 200; !mute; !end 1 9; "
     "!end 3 9; !listen",
     "request 1 GET / end, request 3 GET / end, SYN_REPLY 1 200, SYN_REPLY 3 200, closed 3 0, "
     "closed 1 0, DATA 3 9 end, DATA 1 9 end"},
    {"the transport ends: what is complete is answered",
     "SYN/S 1 @get; SYN 3 @post; !eof; !respond 1 200; !end 1 3",
     GOT ", request 3 POST /, closed 3 CANCEL, SYN_REPLY 1 200, closed 1 0, DATA 1 3 end, done"},
    {"idle", "!pass 59990; !pass 10", "GOAWAY 0 OK, done"},
    {"a drain is told to open streams, once",
     "SYN/S 1 @get; SYN/S 3 @get; !respond 3 200 none; !drain; !drain; !respond 1 200 none",
     GOT
     ", request 3 GET / end, closed 3 0, SYN_REPLY 3 200 end, drain 1, GOAWAY 3 OK, closed 1 0, "
     "SYN_REPLY 1 200 end, done"},
};

static void test_requests(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(requests), true, &http, NULL);
}

/* Each is counted once: requests that were handed over, responses that were sent, and what the client sent. */
static void test_counted(void **state) {
  static struct spdy_script script;
  (void)state;
  spdy_script_begin(&script, true, &http, NULL);
  spdy_script_run(&script,
                  "SYN/S 1 @get; !respond 1 200 none; SYN 3 @post content-length=7; DATA 3 8; "
                  "SYN/S 5 @get; RST 5 5; GOAWAY 0 0",
                  0);
  assert_int_equal(script.engine.http.counters.requests, 3);
  assert_int_equal(script.engine.http.counters.responses, 2); /* 200 and 400 */
  assert_int_equal(script.engine.spdy.counters.resets_received, 1);
  assert_int_equal(script.engine.spdy.counters.goaways_received, 1);
  spdy_script_close(&script);
}

/* ---- pushes ---------------------------------------------------------------------------------- */

static const struct spdy_line server_pushes[] = {
    {"with its response",
     "SYN/S 1 p3 @get; !push 1 /x.css; !respond 2 200; !end 2 5; !respond 1 200 none",
     GOT ", request 2 GET /x.css end, SYN_STREAM 2 on 1, HEADERS 2 200, closed 2 0, DATA 2 5 end, "
         "closed 1 0, SYN_REPLY 1 200 end"},
    {"refused by the client", "SYN/S 1 @get; !push 1 /x.css; RST 2 3; !respond 2 200",
     GOT ", request 2 GET /x.css end, SYN_STREAM 2 on 1, closed 2 REFUSED_STREAM, no stream 2"},
    {"not after the page's end", "SYN/S 1 @get; !respond 1 200; !end 1 0; !push 1 /x.css",
     GOT ", SYN_REPLY 1 200, closed 1 0, DATA 1 0 end, no stream 1"},
    {"not of another origin",
     "SYN/S 1 :method=GET :path=/ :version=HTTP/1.1 :host=b :scheme=https; !push 1 /x.css",
     GOT ", push refused"},
    {"not beyond the client's limit", "SET 4=1; SYN/S 1 @get; !push 1 /x.css; !push 1 /y.css",
     GOT ", request 2 GET /x.css end, SYN_STREAM 2 on 1, push refused"},
    {"DATA for a push", "SYN/S 1 @get; !push 1 /x.css; DATA 2 9",
     GOT ", request 2 GET /x.css end, SYN_STREAM 2 on 1, closed 2 STREAM_ALREADY_CLOSED, "
         "RST_STREAM 2 STREAM_ALREADY_CLOSED"},
};

#define ASKED "SYN_STREAM 1 fields 5 end"
#define URL   ":scheme=https :host=a :path=/x.css :version=HTTP/1.1"

static const struct spdy_line client_pushes[] = {
    {"URL, then the response",
     "!request none @ask; SYN/U 2 a1 " URL "; HEADERS 2 @ok; DATA/S 2 5; REPLY/S 1 @ok",
     ASKED ", promise 2 on 1 /x.css, response 2 200 fields 1, data 2 5 end, closed 2 0, "
           "response 1 200 fields 1 end, closed 1 0"},
    {"both at once", "!request none @ask; SYN/U 2 a1 " URL " :status=200 x-a=b; DATA/S 2 5",
     ASKED ", promise 2 on 1 /x.css, response 2 200 fields 1, data 2 5 end, closed 2 0"},
    {"without a body", "!request none @ask; SYN/SU 2 a1 " URL " :status=204",
     ASKED ", promise 2 on 1 /x.css, response 2 204 fields 0 end, closed 2 0"},
    {"without a response", "!request none @ask; SYN/SU 2 a1 " URL,
     ASKED ", promise 2 on 1 /x.css, closed 2 PROTOCOL_ERROR, RST_STREAM 2 PROTOCOL_ERROR"},
    {"DATA before the response", "!request none @ask; SYN/U 2 a1 " URL "; DATA 2 5",
     ASKED ", promise 2 on 1 /x.css, closed 2 PROTOCOL_ERROR, RST_STREAM 2 PROTOCOL_ERROR"},
    {"not wanted",
     "!request none @ask; SYN/U 2 a1 :scheme=https :host=a :path=/unwanted; HEADERS 2 @ok; PING 2",
     ASKED ", promise 2 on 1 /unwanted, RST_STREAM 2 CANCEL, PING 2"},
    {"of another origin", "!request none @ask; SYN/U 2 a1 :scheme=https :host=b :path=/x.css",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR"},
    {"associated to nothing", "!request none @ask; SYN/U 2 " URL,
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR"},
    {"associated to a stream that has ended", "!request none @ask; REPLY/S 1 @ok; SYN/U 2 a1 " URL,
     ASKED ", response 1 200 fields 1 end, closed 1 0, RST_STREAM 2 INVALID_STREAM"},
    {"in both directions", "!request none @ask; SYN 2 a1 " URL,
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR"},
    {"without a path", "!request none @ask; SYN/U 2 a1 :scheme=https :host=a",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR"},
};

static void test_pushes(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(server_pushes), true, &http, NULL);
  spdy_lines_run(SPDY_LINES(client_pushes), false, &http, NULL);
}

static void test_pushes_can_be_refused(void **state) {
  static const struct spdy_line off = {"push is off", "!request none @ask; SYN/U 2 a1 " URL,
                                       ASKED ", RST_STREAM 2 REFUSED_STREAM"};
  struct engine_config config = engine_config_default();
  (void)state;
  config.spdy.push = false;
  spdy_lines_run(&off, 1, false, &http, &config);
}

/* ---- a client's requests --------------------------------------------------------------------- */

static const struct spdy_line client[] = {
    {"a response", "!request none @ask; REPLY 1 @ok content-length=5; DATA/S 1 5",
     ASKED ", response 1 200 fields 2, data 1 5 end, closed 1 0"},
    {"a body of another length", "!request none @ask; REPLY 1 @ok content-length=5; DATA/S 1 4",
     ASKED ", response 1 200 fields 2, data 1 4 end, closed 1 0"},
    {"to HEAD",
     "!request none :method=HEAD :scheme=https :authority=a :path=/; "
     "REPLY/S 1 @ok content-length=5",
     ASKED ", response 1 200 fields 2 end, closed 1 0"},
    {"no :status", "!request none @ask; REPLY 1 :version=HTTP/1.1",
     ASKED ", closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"},
    {"an informational one", "!request none @ask; REPLY 1 :status=103 :version=HTTP/1.1",
     ASKED ", closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"},
    {"trailers", "!request none @ask; REPLY 1 @ok; HEADERS/S 1 a=b",
     ASKED ", response 1 200 fields 1, trailers 1 1, closed 1 0"},
    {"fields in between mean nothing", "!request none @ask; REPLY 1 @ok; HEADERS 1 a=b; DATA/S 1 1",
     ASKED ", response 1 200 fields 1, data 1 1 end, closed 1 0"},
    {"a field list that is too large", "!request none @ask; REPLY 1 @ok big=70000; PING 2",
     ASKED ", closed 1 FRAME_TOO_LARGE, RST_STREAM 1 FRAME_TOO_LARGE, PING 2"},
};

static void test_client(void **state) {
  (void)state;
  spdy_lines_run(SPDY_LINES(client), false, &http, NULL);
}

/* ---- bounds of what we send ------------------------------------------------------------------- */

static struct stream *asked;

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  (void)ctx, (void)request, (void)now_ns;
  asked = stream;
}

static void test_responses_that_are_too_large(void **state) {
  static struct spdy_script script;
  static const struct handler handler = {.request = on_request};
  static char value[SPDY_SEND_BLOCK_BYTES_MAX + 1];
  static struct header fields[SPDY_SEND_FIELDS_MAX + 1];
  const struct spdy_session_config session = {.handler = &handler};
  (void)state;
  memset(value, 'x', sizeof value);
  spdy_script_begin(&script, true, &session, NULL);
  spdy_script_run(&script, "SYN/S 1 @get", 0);
  struct header field = header_of(TOKEN_ETAG, span_of(value, sizeof value));
  assert_false(stream_respond(asked, 200, &field, 1, BODY_NONE));
  spdy_script_run(&script, "SYN/S 3 @get", 0);
  for (size_t i = 0; i < SPDY_SEND_FIELDS_MAX + 1; i++)
    fields[i] = header_of(TOKEN_ETAG, span_text("a"));
  assert_false(stream_respond(asked, 200, fields, SPDY_SEND_FIELDS_MAX + 1, BODY_NONE));
  spdy_script_run(&script, "SYN/S 5 @get", 0);
  assert_true(stream_respond(asked, 200, fields, SPDY_SEND_FIELDS_MAX, BODY_NONE));
  spdy_script_run(&script, "PING 1", 0);
  assert_string_equal(script.log, "RST_STREAM 1 INTERNAL_ERROR, RST_STREAM 3 INTERNAL_ERROR, "
                                  "SYN_REPLY 5 200 end, PING 1");
  spdy_script_close(&script);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests), cmocka_unit_test(test_counted),
      cmocka_unit_test(test_pushes),   cmocka_unit_test(test_pushes_can_be_refused),
      cmocka_unit_test(test_client),   cmocka_unit_test(test_responses_that_are_too_large),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
