/*
 * spec/test_messages.c - requests to a server and responses to a client by RFC 9113 section 8, with
 * RFC 9110 section 10.1.1 (expectations), RFC 8441 (extended CONNECT), RFC 8297 (early hints), and
 * server push (RFC 9113 sections 6.6 and 8.4); one row per requirement.
 * tests/engine/h2/test_message.c tests the characters of fields.
 */
#include "tests/spec/spec_lines.h"
#include "tests/support/cmocka.h"
#include "tests/support/script.h"

#define SERVED(id)                                                                                 \
  "request " #id " GET / end, closed " #id " NO_ERROR, HEADERS " #id " 200, DATA " #id " 2 end"
/* A malformed request is answered, and reset if it has ended; else read as any that is answered early. */
#define MALFORMED(id) ANSWERED(id) ", RST_STREAM " #id " PROTOCOL_ERROR"
#define ANSWERED(id)  "HEADERS " #id " 400 end"
/* A request that turns out to be malformed after its handler has begun. */
#define POSTED "request 1 POST /hold"
#define RUINED ", closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"
#define PSEUDO ":method=GET :scheme=https :authority=a "

static const struct spec_line requests[] = {
    {"6.4", "a request reset with NO_ERROR has not been answered",
     "HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 5; RST 1 =0",
     "request 1 GET /hold end, HEADERS 1 200, DATA 1 5, closed 1 CANCEL", 0},
    {"8.1", "trailers end a request", "HEADERS/H 1 [@post]; DATA 1 *3; HEADERS/SH 1 [x-sum=1]",
     POSTED ", data 1 3, trailers 1 1", 0},
    {"8.1", "trailers without a body", "HEADERS/H 1 [@post]; HEADERS/SH 1 [x-sum=1]",
     POSTED ", trailers 1 1", 0},
    {"8.1", "an empty trailer section", "HEADERS/H 1 [@post]; HEADERS/SH 1",
     POSTED ", trailers 1 0", 0},
    {"8.1", "a second HEADERS without END_STREAM", "HEADERS/H 1 [@post]; HEADERS/H 1 [x-sum=1]",
     POSTED RUINED, 0},
    {"8.1", "pseudo-header fields in trailers", "HEADERS/H 1 [@post]; HEADERS/SH 1 [:path=/]",
     POSTED RUINED, 0},
    {"8441 4", "not even :protocol", "HEADERS/H 1 [@post]; HEADERS/SH 1 [:protocol=a]",
     POSTED RUINED, 0},
    {"8.1", "frames behind trailers", "HEADERS/H 1 [@post]; HEADERS/SH 1 [x-sum=1]; DATA 1 *1",
     POSTED ", trailers 1 1, closed 1 STREAM_CLOSED, RST_STREAM 1 STREAM_CLOSED", 0},
    {"8.1", "malformed requests never reach the application, HPACK is kept",
     "HEADERS/SH 1 [@get A=b +x-sync=1]; HEADERS/SH 3 [@get #62]", MALFORMED(1) ", " SERVED(3), 0},
    {"8.1.1", "400 needs no window", "SETTINGS 0 s4=0; HEADERS/SH 1 [@get A=b]", MALFORMED(1), 0},
    {"8.1.1", "HEAD as well", "HEADERS/SH 1 [:method=HEAD :scheme=https :authority=a :path=/ A=b]",
     MALFORMED(1), 0},
    {"8.1.1", "frames after it are dropped",
     "HEADERS/H 1 [@post A=b]; DATA 1 *9; HEADERS/SH 1 [a=b]", ANSWERED(1), 0},
    {"8.1.1", "content-length is met",
     "HEADERS/H 1 [@post content-length=6]; DATA 1 *3; DATA/S 1 *3",
     POSTED ", data 1 3, data 1 3 end", 0},
    {"8.1.1", "it is met with trailers",
     "HEADERS/H 1 [@post content-length=3]; DATA 1 *3; HEADERS/SH 1 [x-sum=1]",
     POSTED ", data 1 3, trailers 1 1", 0},
    {"8.1.1", "padding does not count", "HEADERS/H 1 [@post content-length=3]; DATA/PS 1 p9 *3",
     POSTED ", data 1 3 end", 0},
    {"8.1.1", "0 with END_STREAM", "HEADERS/SH 1 [@get content-length=0]", SERVED(1), 0},
    {"8.1.1", "END_STREAM on HEADERS", "HEADERS/SH 1 [@post content-length=1]", MALFORMED(1), 0},
    {"8.1.1", "one DATA frame, too short", "HEADERS/H 1 [@post content-length=2]; DATA/S 1 *1",
     POSTED RUINED, 0},
    {"8.1.1", "several DATA frames, too short",
     "HEADERS/H 1 [@post content-length=9]; DATA 1 *4; DATA/S 1 *4", POSTED ", data 1 4" RUINED, 0},
    {"8.1.1", "too long", "HEADERS/H 1 [@post content-length=2]; DATA 1 *3", POSTED RUINED, 0},
    {"8.1.1", "too long by the second frame",
     "HEADERS/H 1 [@post content-length=4]; DATA 1 *3; DATA 1 *3", POSTED ", data 1 3" RUINED, 0},
    {"8.1.1", "too short before trailers",
     "HEADERS/H 1 [@post content-length=4]; DATA 1 *3; HEADERS/SH 1 [x-sum=1]",
     POSTED ", data 1 3" RUINED, 0},
    {"8.1.1", "empty DATA at the end", "HEADERS/H 1 [@post content-length=4]; DATA 1 *3; DATA/S 1",
     POSTED ", data 1 3" RUINED, 0},
    {"8.1.1", "twice, the same", "HEADERS/SH 1 [@get content-length=0 content-length=0]", SERVED(1),
     0},
    {"8.1.1", "twice, different", "HEADERS/H 1 [@post content-length=1 content-length=2]",
     ANSWERED(1), 0},
    {"8.1.1", "twice, the first is 0", "HEADERS/H 1 [@post content-length=0 content-length=2]",
     ANSWERED(1), 0},
    {"8.1.1", "a list", "HEADERS/H 1 [@post content-length=1,%201]", ANSWERED(1), 0},
    {"8.1.1", "a sign", "HEADERS/H 1 [@post content-length=+1]", ANSWERED(1), 0},
    {"8.1.1", "hexadecimal", "HEADERS/H 1 [@post content-length=0x1]", ANSWERED(1), 0},
    {"8.1.1", "nothing", "HEADERS/H 1 [@post content-length=]", ANSWERED(1), 0},
    {"8.1.1", "2^63", "HEADERS/H 1 [@post content-length=9223372036854775808]", ANSWERED(1), 0},
    {"8.1.1", "2^64", "HEADERS/H 1 [@post content-length=18446744073709551616]", ANSWERED(1), 0},
    {"8.1.1", "2^63 - 1", "HEADERS/H 1 [@post content-length=9223372036854775807]", POSTED, 0},
    {"8.1.1", "leading zeros", "HEADERS/H 1 [@post content-length=0003]; DATA/S 1 *3",
     POSTED ", data 1 3 end", 0},

    {"8.2", "upper case", "HEADERS/SH 1 [@get X-A=b]", MALFORMED(1), 0},
    {"8.2", "an empty name", "HEADERS/SH 1 [@get =b]", MALFORMED(1), 0},
    {"8.2.2", "connection", "HEADERS/SH 1 [@get connection=keep-alive]", MALFORMED(1), 0},
    {"8.2.2", "keep-alive", "HEADERS/SH 1 [@get keep-alive=5]", MALFORMED(1), 0},
    {"8.2.2", "proxy-connection", "HEADERS/SH 1 [@get proxy-connection=close]", MALFORMED(1), 0},
    {"8.2.2", "transfer-encoding", "HEADERS/SH 1 [@get transfer-encoding=chunked]", MALFORMED(1),
     0},
    {"8.2.2", "upgrade", "HEADERS/SH 1 [@get upgrade=h2c]", MALFORMED(1), 0},
    {"8.2.2", "te: trailers", "HEADERS/SH 1 [@get te=trailers]", SERVED(1), 0},
    {"8.2.2", "in any case", "HEADERS/SH 1 [@get te=Trailers]", SERVED(1), 0},
    {"8.2.2", "te: gzip", "HEADERS/SH 1 [@get te=gzip]", MALFORMED(1), 0},
    {"8.2.2", "te: trailers, deflate", "HEADERS/SH 1 [@get te=trailers,%20deflate]", MALFORMED(1),
     0},
    {"8.2.2", "te twice", "HEADERS/SH 1 [@get te=trailers te=trailers]", SERVED(1), 0},
    {"8.2.2", "te twice, once bad", "HEADERS/SH 1 [@get te=trailers te=gzip]", MALFORMED(1), 0},
    {"8.2.2", "transfer-encoding in trailers",
     "HEADERS/H 1 [@post]; HEADERS/SH 1 [transfer-encoding=chunked]", POSTED RUINED, 0},

    {"8.3", "an unknown pseudo-header field", "HEADERS/SH 1 [@get :test=1]", MALFORMED(1), 0},
    {"8.3", "a response's", "HEADERS/SH 1 [@get :status=200]", MALFORMED(1), 0},
    {"8.3", "behind a regular field", "HEADERS/SH 1 [:method=GET a=b :scheme=https :path=/]",
     MALFORMED(1), 0},
    {"8.3", "an empty pseudo-header name", "HEADERS/SH 1 [@get :=x]", MALFORMED(1), 0},
    {"8.3.1", "no :method", "HEADERS/SH 1 [:scheme=https :authority=a :path=/]", MALFORMED(1), 0},
    {"8.3.1", "no :scheme", "HEADERS/SH 1 [:method=GET :authority=a :path=/]", MALFORMED(1), 0},
    {"8.3.1", "no :path", "HEADERS/SH 1 [:method=GET :scheme=https :authority=a]", MALFORMED(1), 0},
    {"8.3.1", "an empty :path", "HEADERS/SH 1 [" PSEUDO ":path=]", MALFORMED(1), 0},
    {"8.3.1", "two :method", "HEADERS/SH 1 [@get :method=GET]", MALFORMED(1), 0},
    {"8.3.1", "two :scheme", "HEADERS/SH 1 [@get :scheme=https]", MALFORMED(1), 0},
    {"8.3.1", "two :path", "HEADERS/SH 1 [@get :path=/]", MALFORMED(1), 0},
    {"8.3.1", "two :authority", "HEADERS/SH 1 [@get :authority=a]", MALFORMED(1), 0},
    {"8.3.1", "a relative :path", "HEADERS/SH 1 [" PSEUDO ":path=x]", MALFORMED(1), 0},
    {"8.3.1", "an absolute URI as :path", "HEADERS/SH 1 [" PSEUDO ":path=https://a/]", MALFORMED(1),
     0},
    {"8.3.1", "a fragment", "HEADERS/SH 1 [" PSEUDO ":path=/a#b]", MALFORMED(1), 0},
    {"8.3.1", "a blank in :path", "HEADERS/SH 1 [" PSEUDO ":path=/a%20b]", MALFORMED(1), 0},
    {"8.3.1", "* for OPTIONS", "HEADERS/SH 1 [:method=OPTIONS :scheme=https :authority=a :path=*]",
     "request 1 OPTIONS * end, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end", 0},
    {"8.3.1", "* for GET", "HEADERS/SH 1 [" PSEUDO ":path=*]", MALFORMED(1), 0},
    {"8.3.1", "userinfo", "HEADERS/SH 1 [:method=GET :scheme=https :authority=me@a :path=/]",
     MALFORMED(1), 0},
    {"8.3.1", "an invalid port",
     "HEADERS/SH 1 [:method=GET :scheme=https :authority=a:99999 :path=/]", MALFORMED(1), 0},
    {"8.3.1", "IPv6", "HEADERS/SH 1 [:method=GET :scheme=https :authority=%5b::1%5d:8443 :path=/]",
     SERVED(1), 0},
    {"8.3.1", "host beside :authority, the same", "HEADERS/SH 1 [@get host=a]", SERVED(1), 0},
    {"8.3.1", "the same except for case and the default port",
     "HEADERS/SH 1 [:method=GET :scheme=https :authority=a.b :path=/ host=A.B:443]", SERVED(1), 0},
    {"8.3.1", "another port", "HEADERS/SH 1 [@get host=a:80]", MALFORMED(1), 0},
    {"8.3.1", "another host", "HEADERS/SH 1 [@get host=b]", MALFORMED(1), 0},
    {"8.3.1", "two hosts", "HEADERS/SH 1 [@get host=a host=a]", MALFORMED(1), 0},
    {"8.3.1", "host instead of :authority",
     "HEADERS/SH 1 [:method=GET :scheme=https :path=/ host=a]", SERVED(1), 0},
    {"9110 7.2", "neither host nor :authority", "HEADERS/SH 1 [:method=GET :scheme=https :path=/]",
     "HEADERS 1 400 end", 0},
    {"8.3.1", "a scheme begins with a letter",
     "HEADERS/SH 1 [:method=GET :scheme=1 :authority=a :path=/]", MALFORMED(1), 0},
    {"8.3.1", "a method is a token",
     "HEADERS/SH 1 [:method=G%20T :scheme=https :authority=a :path=/]", MALFORMED(1), 0},

    {"8.5", "CONNECT is a tunnel until both have ended",
     "HEADERS/H 1 [@connect]; !respond 1 200; DATA 1 *4; !end 1; DATA 1 *4; DATA/S 1 *1",
     "request 1 CONNECT a:443, HEADERS 1 200, data 1 4, DATA 1 0 end, data 1 4, data 1 1 end, "
     "closed 1 NO_ERROR",
     0},
    {"8.5", "the client ends first",
     "HEADERS/H 1 [@connect]; !respond 1 200; DATA/S 1 *4; !send 1 9; !end 1",
     "request 1 CONNECT a:443, HEADERS 1 200, data 1 4 end, DATA 1 9, closed 1 NO_ERROR, "
     "DATA 1 0 end",
     0},
    {"8.5", "a refused tunnel is an ordinary response",
     "HEADERS/H 1 [@connect]; !respond 1 403; !end 1; !tick 1000",
     "request 1 CONNECT a:443, HEADERS 1 403, closed 1 NO_ERROR, DATA 1 0 end, RST_STREAM 1 "
     "NO_ERROR",
     0},
    {"8.5", "with :scheme and :path", "HEADERS/H 1 [@connect :scheme=https :path=/]", ANSWERED(1),
     0},
    {"8.5", "without :authority", "HEADERS/H 1 [:method=CONNECT]", ANSWERED(1), 0},
    {"8.5", "without a port", "HEADERS/H 1 [:method=CONNECT :authority=a]", ANSWERED(1), 0},
    {"8.5", "with an empty port", "HEADERS/H 1 [:method=CONNECT :authority=a:]", ANSWERED(1), 0},
    {"8.5", "with content-length", "HEADERS/H 1 [@connect content-length=3]", ANSWERED(1), 0},
    {"8.5", "HEADERS in a tunnel", "HEADERS/H 1 [@connect]; !respond 1 200; HEADERS/SH 1 [a=b]",
     "request 1 CONNECT a:443, HEADERS 1 200" RUINED, 0},
    {"8441 4", "extended CONNECT",
     "HEADERS/H 1 [:method=CONNECT :protocol=websocket :scheme=https :authority=a :path=/hold]; "
     "!respond 1 200; DATA 1 *2; !send 1 3; RST 1 =8",
     "request 1 CONNECT /hold, protocol websocket, HEADERS 1 200, data 1 2, DATA 1 3, "
     "closed 1 CANCEL",
     0},
    {"8441 4", "without :path", "HEADERS/H 1 [@connect :protocol=websocket]", ANSWERED(1), 0},
    {"8441 4", "without :authority",
     "HEADERS/H 1 [:method=CONNECT :protocol=websocket :scheme=https :path=/]", ANSWERED(1), 0},
    {"8441 4", ":protocol with GET", "HEADERS/H 1 [@get :protocol=websocket]", ANSWERED(1), 0},

    {"9110 10.1.1", "100 before the body when the application wants it",
     "HEADERS/H 1 [@post expect=100-continue]; DATA/S 1 *3; !respond 1 200; !end 1",
     POSTED ", HEADERS 1 100, data 1 3 end, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end", 0},
    {"9110 10.1.1", "in any case", "HEADERS/H 1 [@post expect=100-Continue]",
     POSTED ", HEADERS 1 100", 0},
    {"9110 10.1.1", "none when it has answered",
     "HEADERS/H 1 [:method=POST :scheme=https :authority=a :path=/ expect=100-continue]; !tick "
     "1000",
     "request 1 POST /, closed 1 NO_ERROR, HEADERS 1 200, DATA 1 2 end, RST_STREAM 1 NO_ERROR", 0},
    {"9110 10.1.1", "none without a body", "HEADERS/SH 1 [@get expect=100-continue]", SERVED(1), 0},
    {"9110 10.1.1", "other expectations fail", "HEADERS/SH 1 [@get expect=100-continue,%20tea]",
     "HEADERS 1 417 end", 0},
    {"8297 2", "early hints",
     "HEADERS/SH 1 [@hold]; !inform 1 103; !inform 1 103; !respond 1 200; "
     "!inform 1 103; !end 1",
     "request 1 GET /hold end, HEADERS 1 103, HEADERS 1 103, HEADERS 1 200, inform refused, "
     "closed 1 NO_ERROR, DATA 1 0 end",
     0},
    {"8.1", "trailers of ours",
     "HEADERS/SH 1 [@hold]; !trailers 1; !respond 1 200; !send 1 5; !end 1",
     "request 1 GET /hold end, HEADERS 1 200, DATA 1 5, closed 1 NO_ERROR, HEADERS 1 - end", 0},
    {"8.2.3", "cookie crumbs", "HEADERS/SH 1 [@get cookie=a=b cookie=c=d x-sync=1 cookie=]",
     SERVED(1), 0},
};

static const struct spec_line not_offered[] = {
    {"8441 3", ":protocol that was not offered",
     "HEADERS/H 1 [:method=CONNECT :protocol=websocket :scheme=https :authority=a :path=/hold]",
     ANSWERED(1), 0},
};

/* ---- the client ------------------------------------------------------------------------------ */

#define ASKED  "HEADERS 1 /a end"
#define BROKEN ", closed 1 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR"
#define GET_A  "!request /a; "

static const struct spec_line responses[] = {
    {"8.1", "headers, data, trailers", GET_A "HEADERS/H 1 [@ok]; DATA 1 *3; HEADERS/SH 1 [x-sum=1]",
     ASKED ", response 1 200, data 1 3, trailers 1 1, closed 1 NO_ERROR", 0},
    {"8.1", "informational responses come first",
     GET_A "HEADERS/H 1 [:status=103 link=x]; "
           "HEADERS/H 1 [:status=100]; HEADERS/H 1 [:status=199]; HEADERS/SH 1 [@ok]",
     ASKED
     ", response 1 103, response 1 100, response 1 199, response 1 200 end, closed 1 NO_ERROR",
     0},
    {"8.1", "and do not end a stream", GET_A "HEADERS/SH 1 [:status=103]", ASKED BROKEN, 0},
    {"8.1", "DATA before HEADERS", GET_A "DATA 1 *3", ASKED BROKEN, 0},
    {"8.1", "DATA after 103", GET_A "HEADERS/H 1 [:status=103]; DATA/S 1 *3",
     ASKED ", response 1 103" BROKEN, 0},
    {"8.6", "101 does not exist", GET_A "HEADERS/H 1 [:status=101]", ASKED BROKEN, 0},
    {"8.1", "a final response after the final response",
     GET_A "HEADERS/H 1 [@ok]; HEADERS/SH 1 [@ok]", ASKED ", response 1 200" BROKEN, 0},
    {"8.1", "RST_STREAM(NO_ERROR) after a complete response keeps it",
     "!request /a body; HEADERS/H 1 [@ok]; DATA/S 1 *3; RST 1 =0",
     "HEADERS 1 /a, response 1 200, data 1 3 end, closed 1 NO_ERROR", 0},
    {"8.1", "but not an incomplete one: that was cut short, whatever the code",
     "!request /a body; HEADERS/H 1 [@ok]; DATA 1 *3; RST 1 =0",
     "HEADERS 1 /a, response 1 200, data 1 3, closed 1 CANCEL", 0},
    {"8.1", "nor one that has not begun", GET_A "RST 1 =0", ASKED ", closed 1 CANCEL", 0},
    {"8.5", "nor a tunnel's other half",
     "!request connect body; HEADERS/H 1 [@ok]; DATA/S 1 *3; RST 1 =0",
     "HEADERS 1 -, response 1 200, data 1 3 end, closed 1 CANCEL", 0},
    {"9110 15", "status codes above 599", GET_A "HEADERS/SH 1 [:status=999]",
     ASKED ", response 1 999 end, closed 1 NO_ERROR", 0},
    {"8.1.1", "content-length is met", GET_A "HEADERS/H 1 [@ok content-length=3]; DATA/S 1 *3",
     ASKED ", response 1 200, data 1 3 end, closed 1 NO_ERROR", 0},
    {"8.1.1", "too short", GET_A "HEADERS/H 1 [@ok content-length=3]; DATA/S 1 *2",
     ASKED ", response 1 200" BROKEN, 0},
    {"8.1.1", "too short before trailers",
     GET_A "HEADERS/H 1 [@ok content-length=3]; DATA 1 *2; HEADERS/SH 1 [a=b]",
     ASKED ", response 1 200, data 1 2" BROKEN, 0},
    {"8.1.1", "too long", GET_A "HEADERS/H 1 [@ok content-length=3]; DATA 1 *4",
     ASKED ", response 1 200" BROKEN, 0},
    {"8.1.1", "END_STREAM on HEADERS", GET_A "HEADERS/SH 1 [@ok content-length=3]", ASKED BROKEN,
     0},
    {"8.1.1", "304 may state a length without content",
     GET_A "HEADERS/SH 1 [:status=304 content-length=3]",
     ASKED ", response 1 304 end, closed 1 NO_ERROR", 0},
    {"8.1.1", "HEAD, too", "!request /head; HEADERS/SH 1 [@ok content-length=3]",
     "HEADERS 1 /head end, response 1 200 end, closed 1 NO_ERROR", 0},
    {"8.1.1", "but must have no body",
     "!request /head; HEADERS/H 1 [@ok content-length=3]; DATA/S 1 *3",
     "HEADERS 1 /head end, response 1 200" BROKEN, 0},
    {"8.1.1", "nor has 204", GET_A "HEADERS/H 1 [:status=204]; DATA/S 1 *3",
     ASKED ", response 1 204" BROKEN, 0},
    {"8.1.1", "an empty end is not a body", GET_A "HEADERS/H 1 [:status=204]; DATA/S 1",
     ASKED ", response 1 204, data 1 0 end, closed 1 NO_ERROR", 0},
    {"8.2.2", "te in a response", GET_A "HEADERS/SH 1 [@ok te=trailers]", ASKED BROKEN, 0},
    {"8.3.2", "no :status", GET_A "HEADERS/SH 1 [a=b]", ASKED BROKEN, 0},
    {"8.3.2", "an empty block", GET_A "HEADERS/SH 1", ASKED BROKEN, 0},
    {"8.5", "a tunnel",
     "!request connect body; HEADERS/H 1 [@ok content-length=7]; DATA 1 *3; "
     "!send 1 4; !end 1; DATA/S 1 *3",
     "HEADERS 1 -, response 1 200, data 1 3, DATA 1 4, DATA 1 0 end, data 1 3 end, closed 1 "
     "NO_ERROR",
     0},
    {"8.5", "a refused tunnel",
     "!request connect body; HEADERS/H 1 [:status=403 content-length=3]; "
     "DATA/S 1 *2",
     "HEADERS 1 -, response 1 403" BROKEN, 0},
    {"8441 3", "extended CONNECT has to be offered",
     "!request websocket body; SETTINGS 0 s8=1; !request websocket body; HEADERS/H 1 [@ok]; DATA 1 "
     "*2; "
     "!send 1 3",
     "request refused, HEADERS 1 /chat, response 1 200, data 1 2, DATA 1 3", 0},
    {"6.5.2", "a request beyond MAX_HEADER_LIST_SIZE is not sent",
     "SETTINGS 0 s6=150; !request /a; SETTINGS 0 s6=200; !request /a", "request refused, " ASKED,
     0},
};

static const struct spec_line connection[] = {
    {"3.4", "the server's first frame is SETTINGS", "PING 0 *8", "GOAWAY 0 PROTOCOL_ERROR",
     SPEC_LINE_BARE},
    {"3.4", "HTTP/1.1 is none", "RAW x485454502f312e3120343030204261640d0a0d0a",
     "GOAWAY 0 PROTOCOL_ERROR", SPEC_LINE_BARE},
    {"3.4", "requests need not wait for it", GET_A "SETTINGS 0; SETTINGS/A 0; HEADERS/SH 1 [@ok]",
     ASKED ", response 1 200 end, closed 1 NO_ERROR", SPEC_LINE_BARE},
    {"5.1.2", "no more streams than the server allows",
     "SETTINGS 0 s3=1; !request /a; !request /b; HEADERS/SH 1 [@ok]; !request /c; "
     "HEADERS/SH 3 [@ok]",
     ASKED ", request refused, response 1 200 end, closed 1 NO_ERROR, HEADERS 3 /c end, "
           "response 3 200 end, closed 3 NO_ERROR",
     SPEC_LINE_FINAL},
    {"5.1.2", "none at all", "SETTINGS 0 s3=0; !request /a", "request refused", SPEC_LINE_FINAL},
    {"5.1.2", "a lowered limit leaves open streams alone",
     "!request /a; !request /b; SETTINGS 0 s3=0; HEADERS/SH 1 [@ok]; HEADERS/SH 3 [@ok]",
     ASKED ", HEADERS 3 /b end, response 1 200 end, closed 1 NO_ERROR, response 3 200 end, "
           "closed 3 NO_ERROR",
     SPEC_LINE_FINAL},
    {"6.8", "GOAWAY: streams above it may be retried elsewhere, the rest continues",
     "!request /a; !request /b; GOAWAY 0 =1 =0; !request /c; HEADERS/SH 1 [@ok]",
     ASKED ", HEADERS 3 /b end, closed 3 REFUSED_STREAM, request refused, response 1 200 end, "
           "closed 1 NO_ERROR, GOAWAY 0 NO_ERROR",
     SPEC_LINE_FINAL},
    {"6.8", "waiting requests are no longer sent", "!mute; !request /a; GOAWAY 0 =0 =0; !listen",
     "closed 1 REFUSED_STREAM, GOAWAY 0 NO_ERROR", SPEC_LINE_FINAL},
    {"6.8", "the last identifier does not rise",
     "!request /a; !request /b; GOAWAY 0 =2147483647 =0; GOAWAY 0 =1 =0; GOAWAY 0 =3 =0; "
     "HEADERS/SH 1 [@ok]",
     ASKED ", HEADERS 3 /b end, closed 3 REFUSED_STREAM, response 1 200 end, closed 1 NO_ERROR, "
           "GOAWAY 0 NO_ERROR",
     SPEC_LINE_FINAL},
    {"6.9", "the request's body obeys the windows",
     "SETTINGS 0 s4=5; !request /a body; !send 1 12; WU 1 =3; WU 1 =10; !end 1",
     "HEADERS 1 /a, DATA 1 5, DATA 1 3, DATA 1 4, DATA 1 0 end", 0},
    {"6.5.3", "the server does not acknowledge", "SETTINGS 0; !tick 9900; !tick 200",
     "GOAWAY 0 SETTINGS_TIMEOUT", SPEC_LINE_BARE},
    {"5.4.1", "an error ends all streams", "!request /a; !request /b; DATA 0 *1",
     ASKED ", HEADERS 3 /b end, closed 3 PROTOCOL_ERROR, closed 1 PROTOCOL_ERROR, "
           "GOAWAY 0 PROTOCOL_ERROR",
     0},
};

/* ---- push ------------------------------------------------------------------------------------ */

static const struct spec_line pushing[] = {
    {"8.4", "a promise precedes the response it belongs to",
     "HEADERS/SH 1 [@hold]; !push 1; !respond 1 200; !end 1; !respond 2 200; !send 2 3; !end 2",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, HEADERS 1 200, "
     "closed 1 NO_ERROR, DATA 1 0 end, HEADERS 2 200, DATA 2 3, closed 2 NO_ERROR, DATA 2 0 end",
     0},
    {"8.4", "the client may refuse it", "HEADERS/SH 1 [@hold]; !push 1; RST 2 =8; !respond 2 200",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, closed 2 CANCEL",
     0},
    {"8.4", "while it is being sent",
     "HEADERS/SH 1 [@hold]; !push 1; !respond 2 200; !send 2 3; RST 2 =8",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, HEADERS 2 200, "
     "DATA 2 3, closed 2 CANCEL",
     0},
    {"6.5.2", "ENABLE_PUSH 0", "SETTINGS 0 s2=0; HEADERS/SH 1 [@hold]; !push 1",
     "request 1 GET /hold end, push refused", 0},
    {"6.5.2", "0, then 1", "SETTINGS 0 s2=0; SETTINGS 0 s2=1; HEADERS/SH 1 [@hold]; !push 1",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold", 0},
    {"6.5.2", "a promise that waits is withdrawn",
     "HEADERS/SH 1 [@hold]; !mute; !push 1; SETTINGS 0 s2=0; !listen; !respond 1 200; !end 1",
     "request 1 GET /hold end, request 2 GET /hold end, closed 2 CANCEL, HEADERS 1 200, "
     "closed 1 NO_ERROR, DATA 1 0 end",
     0},
    {"5.1.2", "the client's limit holds", "SETTINGS 0 s3=1; HEADERS/SH 1 [@hold]; !push 1; !push 1",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, push refused", 0},
    {"5.1.1", "promised identifiers rise across streams",
     "HEADERS/SH 1 [@hold]; HEADERS/SH 3 [@hold]; !mute; !push 1; !push 3; !push 1; !listen",
     "request 1 GET /hold end, request 3 GET /hold end, request 2 GET /hold end, "
     "request 4 GET /hold end, request 6 GET /hold end, PUSH_PROMISE 1 2 /hold, "
     "PUSH_PROMISE 3 4 /hold, PUSH_PROMISE 1 6 /hold",
     0},
    {"8.4", "a promise on an answered stream is refused",
     "HEADERS/SH 1 [@hold]; !respond 1 200; !end 1; !push 1",
     "request 1 GET /hold end, HEADERS 1 200, closed 1 NO_ERROR, DATA 1 0 end", 0},
    {"8.4", "a pushed stream cannot promise", "HEADERS/SH 1 [@hold]; !push 1; !push 2",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, push refused", 0},
    {"8.4", "nor does a tunnel", "HEADERS/H 1 [@connect]; !push 1; !respond 1 200; !push 1",
     "request 1 CONNECT a:443, push refused, HEADERS 1 200, push refused", 0},
    {"8.4", "another authority, scheme or port than the request's",
     "HEADERS/SH 1 [@hold]; !push 1 https://b; !push 1 http://a; !push 1 https://a:444; "
     "!push 1 https://aa; !push 1 https://",
     "request 1 GET /hold end, push refused, push refused, push refused, push refused, "
     "push refused",
     0},
    {"8.4", "the same authority, written differently",
     "HEADERS/SH 1 [:method=GET :scheme=https :authority=Aa:443 :path=/hold]; "
     "!push 1 https://aA; !push 1 https://AA:; !push 1 HTTPS://aa:443",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, "
     "request 4 GET /hold end, PUSH_PROMISE 1 4 /hold, "
     "request 6 GET /hold end, PUSH_PROMISE 1 6 /hold",
     0},
    {"8.4", "each request has its own",
     "HEADERS/SH 1 [:method=GET :scheme=http :authority=b:8080 :path=/hold]; "
     "HEADERS/SH 3 [@hold]; !push 1 https://a; !push 3 http://b:8080; !push 3; "
     "!push 1 http://b:8080",
     "request 1 GET /hold end, request 3 GET /hold end, push refused, push refused, "
     "request 2 GET /hold end, PUSH_PROMISE 3 2 /hold, request 4 GET /hold end, "
     "PUSH_PROMISE 1 4 /hold",
     0},
    {"8.4", "host stands in for :authority",
     "HEADERS/SH 1 [:method=GET :scheme=https :path=/hold host=a:443]; !push 1 https://b; !push 1",
     "request 1 GET /hold end, push refused, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold", 0},
    {"8.4", "not safe, or with content",
     "HEADERS/SH 1 [@hold]; !push 1 https://a POST; !push 1 https://a OPTIONS; "
     "!push 1 https://a BODY; !push 1 https://a HEAD",
     "request 1 GET /hold end, push refused, push refused, push refused, "
     "request 2 HEAD /hold end, PUSH_PROMISE 1 2 /hold",
     0},
    {"6.8", "no promise after the client's GOAWAY", "HEADERS/SH 1 [@hold]; GOAWAY 0 =0 =0; !push 1",
     "request 1 GET /hold end, push refused", SPEC_LINE_FINAL},
    {"6.8", "promises above its last identifier end",
     "HEADERS/SH 1 [@hold]; !push 1; !push 1; GOAWAY 0 =2 =0",
     "request 1 GET /hold end, request 2 GET /hold end, PUSH_PROMISE 1 2 /hold, "
     "request 4 GET /hold end, PUSH_PROMISE 1 4 /hold, closed 4 REFUSED_STREAM",
     SPEC_LINE_FINAL},
};

static const struct spec_line pushed[] = {
    {"8.4", "a promise and its response",
     GET_A "PUSH/H 1 =2 [@get]; HEADERS/SH 1 [@ok]; HEADERS/H 2 [@ok]; DATA/S 2 *3",
     ASKED ", promise 1 2 /, response 1 200 end, closed 1 NO_ERROR, response 2 200, data 2 3 end, "
           "closed 2 NO_ERROR",
     0},
    {"8.4", "the application does not want it",
     GET_A "PUSH/H 1 =2 [:method=GET :scheme=https :authority=a :path=/unwanted +x-sync=2]; "
           "HEADERS/H 2 [@ok +x-sync=3]; DATA 2 *100",
     ASKED ", promise 1 2 /unwanted, RST_STREAM 2 CANCEL", 0},
    {"8.4", "not safe", GET_A "PUSH/H 1 =2 [@post]; HEADERS/H 2 [@ok]",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR", 0},
    {"8.4", "with a body", GET_A "PUSH/H 1 =2 [@get content-length=3]",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR", 0},
    {"8.4", "with an empty body", GET_A "PUSH/H 1 =2 [@get content-length=0]",
     ASKED ", promise 1 2 /", 0},
    {"8.4", "malformed", GET_A "PUSH/H 1 =2 [@get A=b]", ASKED ", RST_STREAM 2 PROTOCOL_ERROR", 0},
    {"8.4", "of another authority",
     GET_A "PUSH/H 1 =2 [:method=GET :scheme=https :authority=b :path=/ +x-sync=2]; "
           "HEADERS/H 2 [@ok +x-sync=3]; DATA 2 *100; HEADERS/SH 1 [@ok #63]",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR, response 1 200 end, closed 1 NO_ERROR", 0},
    {"8.4", "of another port or scheme",
     GET_A "PUSH/H 1 =2 [:method=GET :scheme=https :authority=a:444 :path=/]; "
           "PUSH/H 1 =4 [:method=GET :scheme=http :authority=a:443 :path=/]; "
           "PUSH/H 1 =6 [:method=GET :scheme=http :authority=a :path=/]",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR, RST_STREAM 4 PROTOCOL_ERROR, "
           "RST_STREAM 6 PROTOCOL_ERROR",
     0},
    {"8.4", "the same, written differently",
     GET_A "PUSH/H 1 =2 [:method=GET :scheme=HTTPS :authority=A:443 :path=/1]; "
           "PUSH/H 1 =4 [:method=HEAD :scheme=https :path=/2 host=a:]",
     ASKED ", promise 1 2 /1, promise 1 4 /2", 0},
    {"8.4", "of no origin", GET_A "PUSH/H 1 =2 [:method=GET :scheme=https :path=/]",
     ASKED ", RST_STREAM 2 PROTOCOL_ERROR", 0},
    {"8.5", "in a tunnel",
     "!request connect body; PUSH/H 1 =2 [@get +x-sync=1]; HEADERS/H 1 [@ok]; "
     "PUSH 1 =4 [@get]; CONT/H 1 [+x-sync=2]; !request /a; HEADERS/SH 3 [@ok #63]",
     "HEADERS 1 -, RST_STREAM 2 PROTOCOL_ERROR, response 1 200, closed 1 PROTOCOL_ERROR, "
     "RST_STREAM 4 PROTOCOL_ERROR, RST_STREAM 1 PROTOCOL_ERROR, HEADERS 3 /a end, "
     "response 3 200 end, closed 3 NO_ERROR",
     0},
    {"5.1.1", "an identifier twice", GET_A "PUSH/H 1 =2 [@get]; PUSH/H 1 =2 [@get]",
     ASKED ", promise 1 2 /, closed 2 PROTOCOL_ERROR, closed 1 PROTOCOL_ERROR, "
           "GOAWAY 2 PROTOCOL_ERROR",
     0},
    {"5.1.1", "a lower identifier", GET_A "PUSH/H 1 =4 [@get]; PUSH/H 1 =2 [@get]",
     ASKED ", promise 1 4 /, closed 4 PROTOCOL_ERROR, closed 1 PROTOCOL_ERROR, "
           "GOAWAY 4 PROTOCOL_ERROR",
     0},
    {"6.6", "on a stream that we reset", GET_A "!reset 1 8; PUSH/H 1 =2 [@get +x-sync=1]",
     ASKED ", closed 1 CANCEL, RST_STREAM 1 CANCEL, RST_STREAM 2 REFUSED_STREAM", 0},
};

static const struct spec_line push_off[] = {
    {"6.6", "a promise before the server knows that we want none",
     GET_A "SETTINGS 0; PUSH/H 1 =2 [@get +x-sync=1]; HEADERS/H 2 [@ok]; SETTINGS/A 0; HEADERS/SH "
           "1 [@ok #62]",
     ASKED ", RST_STREAM 2 REFUSED_STREAM, response 1 200 end, closed 1 NO_ERROR", SPEC_LINE_BARE},
    {"6.6", "a promise afterwards", GET_A "PUSH/H 1 =2 [@get]",
     ASKED ", closed 1 PROTOCOL_ERROR, GOAWAY 0 PROTOCOL_ERROR", 0},
};

/* ---- the tests ------------------------------------------------------------------------------- */

static void test_requests(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(requests), H2_SERVER, NULL);
  struct engine_config config = script_config();
  config.h2.connect_protocol = false;
  spec_lines_run(SPEC_LINES(not_offered), H2_SERVER, &config);
}

static void test_responses(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(responses), H2_CLIENT, NULL);
}

static void test_client_connection(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(connection), H2_CLIENT, NULL);
}

static void test_pushing(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(pushing), H2_SERVER, NULL);
}

static void test_pushed(void **state) {
  (void)state;
  spec_lines_run(SPEC_LINES(pushed), H2_CLIENT, NULL);
  struct engine_config config = script_config();
  config.h2.push = false;
  spec_lines_run(SPEC_LINES(push_off), H2_CLIENT, &config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_requests),
      cmocka_unit_test(test_responses),
      cmocka_unit_test(test_client_connection),
      cmocka_unit_test(test_pushing),
      cmocka_unit_test(test_pushed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
