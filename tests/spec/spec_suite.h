/*
 * spec/spec_suite.h - what conformance suites send to a server, and which of the answers that RFC 7540,
 * RFC 9113 and RFC 7541 allow has to come back; as scripts of tests/support/h2_script.h. tests/spec/test_suite.c runs
 * them against the engine, tests/helpers/suite_peer.c against a server on a socket.
 *
 * Wanted: "C PE" GOAWAY with that code; "S PE" RST_STREAM or GOAWAY with it (a stream's error may
 * end the connection: 5.4.1); "ping" that a PING sent afterwards is answered; "end" a complete
 * response and a live connection; anything else has to be in the transcript.
 */
#ifndef WEIR_TESTS_SPEC_SUITE_H
#define WEIR_TESTS_SPEC_SUITE_H

#include "tests/support/h2_script.h"

#include <string.h>

struct suite_case {
  const char *section, *name, *text, *wanted;
};

#define GET  "[@get]"
#define OPEN "HEADERS/H 1 [@post]; "
#define HALF "HEADERS/SH 1 [@hold]; "

static const struct suite_case generic[] = {
    {"1", "preface", "", "ping"},
    {"2", "PRIORITY on an idle stream", "PRIORITY 1 d0/256; HEADERS/SH 1 " GET, "end"},
    {"2", "WINDOW_UPDATE when half-closed", "HEADERS/SH 1 " GET "; WU 1 =1", "end"},
    {"2", "PRIORITY when half-closed", "HEADERS/SH 1 " GET "; PRIORITY 1 d0/256", "end"},
    {"2", "RST_STREAM when half-closed", HALF "RST 1 =8", "ping"},
    {"2", "PRIORITY when closed", "HEADERS/SH 1 " GET "; PRIORITY 1 d0/256", "ping"},
    {"3.1", "a DATA frame", OPEN "DATA/S 1 *4; !respond 1 200; !end 1", "end"},
    {"3.1", "several", OPEN "DATA 1 *4; DATA/S 1 *4; !respond 1 200; !end 1", "end"},
    {"3.1", "with padding", OPEN "DATA/SP 1 p6 *4; !respond 1 200; !end 1", "end"},
    {"3.2", "HEADERS", "HEADERS/SH 1 " GET, "end"},
    {"3.2", "with padding", "HEADERS/SHP 1 p6 " GET, "end"},
    {"3.2", "with priority", "HEADERS/SHR 1 d0/256! " GET, "end"},
    {"3.3", "weight 1", "PRIORITY 1 d0/1; HEADERS/SH 1 " GET, "end"},
    {"3.3", "weight 256", "PRIORITY 1 d0/256; HEADERS/SH 1 " GET, "end"},
    {"3.3", "a dependency", "PRIORITY 1 d2/256; HEADERS/SH 1 " GET, "end"},
    {"3.3", "exclusive", "PRIORITY 1 d0/256!; HEADERS/SH 1 " GET, "end"},
    {"3.3", "for an idle stream, then HEADERS of a lower one",
     "PRIORITY 3 d0/256; HEADERS/SH 1 " GET, "end"},
    {"3.4", "RST_STREAM", OPEN "RST 1 =8", "ping"},
    {"3.5", "SETTINGS", "SETTINGS 0 s3=100 s4=65535", "ping"},
    {"3.7", "PING", "PING 0 *8", "PING ack"},
    {"3.8", "GOAWAY", "GOAWAY 0 =0 =0", ""},
    {"3.9", "WINDOW_UPDATE on 0", "WU 0 =1", "ping"},
    {"3.9", "and on 1", "HEADERS/SH 1 " GET "; WU 1 =1", "end"},
    {"3.10", "CONTINUATION", "HEADERS/S 1 " GET "; CONT/H 1 [a=b]", "end"},
    {"3.10", "several", "HEADERS/S 1 " GET "; CONT 1 [a=b]; CONT/H 1 [c=d]", "end"},
    {"4", "GET", "HEADERS/SH 1 " GET, "end"},
    {"4", "HEAD", "HEADERS/SH 1 [:method=HEAD :scheme=https :path=/ :authority=a]",
     "HEADERS 1 200 end"},
    {"4", "POST", "HEADERS/H 1 [@post]; DATA/S 1 *4; !respond 1 200; !end 1", "end"},
    {"4", "POST with trailers",
     "HEADERS/H 1 [@post trailer=x-test]; DATA 1 *4; HEADERS/SH 1 [x-test=ok]; !respond 1 200; "
     "!end 1",
     "end"},
};

static const struct suite_case http2[] = {
    {"3.5", "invalid preface", "RAW x494e56414c4944", "C PE"},
    {"4.1", "unknown type", "T255 0 *8", "ping"},
    {"4.1", "undefined flag", "PING/U 0 *8", "PING ack"},
    {"4.1", "reserved bit", "PING 2147483648 *8", "PING ack"},
    {"4.2", "DATA of 2^14", OPEN "DATA/S 1 *16384; !respond 1 200; !end 1", "end"},
    {"4.2", "DATA too large", OPEN "DATA/S 1 *16385", "S FSE"},
    {"4.2", "HEADERS too large", "HEADERS/SH 1 *16385", "C FSE"},
    {"4.3", "invalid block", "HEADERS/SH 1 x4001", "C CE"},
    {"4.3", "PRIORITY within a block", "HEADERS/S 1 " GET "; PRIORITY 1 d0/256; CONT/H 1 [a=b]",
     "C PE"},
    {"4.3", "HEADERS within a block", "HEADERS/S 1 " GET "; HEADERS/SH 3 " GET, "C PE"},
    {"5.1", "idle: DATA", "DATA/S 1 *4", "C PE"},
    {"5.1", "idle: RST_STREAM", "RST 1 =8", "C PE"},
    {"5.1", "idle: WINDOW_UPDATE", "WU 1 =100", "C PE"},
    {"5.1", "idle: CONTINUATION", "CONT/H 1 " GET, "C PE"},
    {"5.1", "half-closed: DATA", HALF "DATA/S 1 *4", "S SC"},
    {"5.1", "half-closed: HEADERS", HALF "HEADERS/SH 1 " GET, "S SC"},
    {"5.1", "half-closed: CONTINUATION", HALF "CONT/H 1 " GET, "S SC PE"},
    {"5.1", "closed by RST_STREAM: DATA", OPEN "RST 1 =8; DATA/S 1 *4", "S SC"},
    {"5.1", "closed by RST_STREAM: HEADERS", OPEN "RST 1 =8; HEADERS/SH 1 " GET, "S SC"},
    {"5.1", "closed by RST_STREAM: CONTINUATION", OPEN "RST 1 =8; CONT/H 1 " GET, "S SC PE"},
    {"5.1", "closed: DATA", "HEADERS/SH 1 " GET "; DATA/S 1 *4", "S SC"},
    {"5.1", "closed: HEADERS", "HEADERS/SH 1 " GET "; HEADERS/SH 1 " GET, "S SC"},
    {"5.1", "closed: CONTINUATION", "HEADERS/SH 1 " GET "; CONT/H 1 " GET, "C SC PE"},
    {"5.1.1", "even identifier", "HEADERS/SH 2 " GET, "C PE"},
    {"5.1.1", "smaller identifier", "HEADERS/SH 5 " GET "; HEADERS/SH 3 " GET, "C PE"},
    {"5.3.1", "HEADERS depends on itself", "HEADERS/SHR 1 d1/255 " GET, "S PE"},
    {"5.3.1", "PRIORITY depends on itself", "PRIORITY 1 d1/255", "S PE"},
    {"5.4.1", "an invalid frame ends the connection", "PING 0 *6", "C FSE"},
    {"5.5", "unknown extension frame", "T22 0 *8", "ping"},
    {"5.5", "in the middle of a block", "HEADERS/S 1 " GET "; T22 1 *8; CONT/H 1 [a=b]", "C PE"},
    {"6.1", "DATA on 0", "DATA/S 0 *4", "C PE"},
    {"6.1", "DATA when half-closed", HALF "DATA/S 1 *4", "S SC"},
    {"6.1", "padding too long", OPEN "DATA/SP 1 x06 *4", "C PE"},
    {"6.2", "PRIORITY before END_HEADERS", "HEADERS/S 1 " GET "; PRIORITY 1 d0/256", "C PE"},
    {"6.2", "HEADERS before END_HEADERS", "HEADERS/S 1 " GET "; HEADERS/SH 3 " GET, "C PE"},
    {"6.2", "HEADERS on 0", "HEADERS/SH 0 " GET, "C PE"},
    {"6.2", "padding too long", "HEADERS/SHP 1 xff *20", "C PE"},
    {"6.3", "PRIORITY on 0", "PRIORITY 0 d1/256", "C PE"},
    {"6.3", "length other than 5", OPEN "PRIORITY 1 *4", "S FSE"},
    {"6.4", "RST_STREAM on 0", "RST 0 =8", "C PE"},
    {"6.4", "on an idle stream", "RST 1 =8", "C PE"},
    {"6.4", "length other than 4", OPEN "RST 1 *3", "C FSE"},
    {"6.5", "ACK with a payload", "SETTINGS/A 0 *1", "C FSE"},
    {"6.5", "on a stream", "SETTINGS 1 s3=100", "C PE"},
    {"6.5", "length not a multiple of 6", "SETTINGS 0 *3", "C FSE"},
    {"6.5.2", "ENABLE_PUSH 2", "SETTINGS 0 s2=2", "C PE"},
    {"6.5.2", "INITIAL_WINDOW_SIZE 2^31", "SETTINGS 0 s4=2147483648", "C FCE"},
    {"6.5.2", "MAX_FRAME_SIZE 2^14 - 1", "SETTINGS 0 s5=16383", "C PE"},
    {"6.5.2", "MAX_FRAME_SIZE 2^24", "SETTINGS 0 s5=16777216", "C PE"},
    {"6.5.2", "unknown identifier", "SETTINGS 0 s255=1", "ping"},
    {"6.5.3", "the last of two values", "SETTINGS 0 s4=100 s4=1; HEADERS/SH 1 " GET, "DATA 1 1"},
    {"6.7", "PING", "PING 0 *8", "PING ack"},
    {"6.7", "ACK", "PING/A 0 x696e76616c696420; PING 0 *8", "PING ack"},
    {"6.7", "on a stream", "PING 1 *8", "C PE"},
    {"6.7", "length other than 8", "PING 0 *6", "C FSE"},
    {"6.8", "GOAWAY on a stream", "GOAWAY 1 =0 =0", "C PE"},
    {"6.9", "increment 0", "WU 0 =0", "C PE"},
    {"6.9", "increment 0 on a stream", OPEN "WU 1 =0", "S PE"},
    {"6.9", "length other than 4", "WU 0 *3", "C FSE"},
    {"6.9.1", "window of 1", "SETTINGS 0 s4=1; HEADERS/SH 1 " GET, "DATA 1 1"},
    {"6.9.1", "connection above 2^31 - 1", "WU 0 =2147483647; WU 0 =2147483647", "C FCE"},
    {"6.9.1", "stream above 2^31 - 1", OPEN "WU 1 =2147483647; WU 1 =2147483647", "S FCE"},
    {"6.9.2", "changed after HEADERS", "SETTINGS 0 s4=0; HEADERS/SH 1 " GET "; SETTINGS 0 s4=1",
     "DATA 1 1"},
    {"6.9.2", "negative",
     "SETTINGS 0 s4=3; HEADERS/SH 1 [@hold]; !respond 1 200; !send 1 10; SETTINGS 0 s4=2; WU 1 =2",
     "DATA 1"},
    {"6.9.2", "above the most", "SETTINGS 0 s4=2147483648", "C FCE"},
    {"6.10", "several CONTINUATION", "HEADERS/S 1 " GET "; CONT 1 [a=b]; CONT/H 1 [a=b]", "end"},
    {"6.10", "followed by DATA", "HEADERS 1 " GET "; CONT 1 [a=b]; DATA/S 1 *4", "C PE"},
    {"6.10", "on 0", "HEADERS/S 1 " GET "; CONT/H 0 [a=b]", "C PE"},
    {"6.10", "after HEADERS with END_HEADERS", OPEN "CONT/H 1 [a=b]", "C PE"},
    {"6.10", "after CONTINUATION with END_HEADERS",
     "HEADERS 1 [@post]; CONT/H 1 [a=b]; CONT/H 1 [a=b]", "C PE"},
    {"6.10", "after DATA", OPEN "DATA 1 *4; CONT/H 1 [a=b]", "C PE"},
    {"7", "GOAWAY with an unknown code", "GOAWAY 0 =0 =255", ""},
    {"7", "RST_STREAM with an unknown code", OPEN "RST 1 =255", "ping"},
    {"8.1", "a second HEADERS without END_STREAM", OPEN "HEADERS/H 1 [x-test=ok]", "S PE"},
    {"8.1.2", "upper case", "HEADERS/SH 1 [@get X-TEST=ok]", "S PE"},
    {"8.1.2.1", "unknown pseudo-header field", "HEADERS/SH 1 [@get :test=ok]", "S PE"},
    {"8.1.2.1", "a response's", "HEADERS/SH 1 [@get :status=200]", "S PE"},
    {"8.1.2.1", "in trailers", OPEN "DATA 1 *4; HEADERS/SH 1 [:method=200]", "S PE"},
    {"8.1.2.1", "after a regular field", "HEADERS/SH 1 [x-test=ok @get]", "S PE"},
    {"8.1.2.2", "connection", "HEADERS/SH 1 [@get connection=keep-alive]", "S PE"},
    {"8.1.2.2", "te", "HEADERS/SH 1 [@get trailers=test te=trailers,%20deflate]", "S PE"},
    {"8.1.2.3", "empty :path", "HEADERS/SH 1 [:method=GET :scheme=https :authority=a :path=]",
     "S PE"},
    {"8.1.2.3", "no :method", "HEADERS/SH 1 [:scheme=https :authority=a :path=/]", "S PE"},
    {"8.1.2.3", "no :scheme", "HEADERS/SH 1 [:method=GET :authority=a :path=/]", "S PE"},
    {"8.1.2.3", "no :path", "HEADERS/SH 1 [:method=GET :scheme=https :authority=a]", "S PE"},
    {"8.1.2.3", "two :method", "HEADERS/SH 1 [@get :method=GET]", "S PE"},
    {"8.1.2.3", "two :scheme", "HEADERS/SH 1 [@get :scheme=https]", "S PE"},
    {"8.1.2.3", "two :path", "HEADERS/SH 1 [@get :path=/]", "S PE"},
    {"8.1.2.6", "content-length, one DATA", "HEADERS/H 1 [@post content-length=1]; DATA/S 1 *4",
     "S PE"},
    {"8.1.2.6", "content-length, several DATA",
     "HEADERS/H 1 [@post content-length=1]; DATA 1 *4; DATA/S 1 *4", "S PE"},
    {"8.2", "PUSH_PROMISE", "PUSH/H 1 =2 " GET, "C PE"},
};

static const struct suite_case hpack[] = {
    {"2.3.3", "index beyond both tables", "HEADERS/SH 1 [@get #70]", "C CE"},
    {"2.3.3", "name index beyond both tables", "HEADERS/SH 1 [@get x7f0a0474657374]", "C CE"},
    {"4.2", "size update at the end", "HEADERS/SH 1 [@get ^1]", "C CE"},
    {"5.2", "Huffman padding longer than 7 bits", "HEADERS/SH 1 [@get x0085f2b24a84ff8449509fff]",
     "C CE"},
    {"5.2", "padding of zeros", "HEADERS/SH 1 [@get x0085f2b24a87d18449509fff]", "C CE"},
    {"5.2", "EOS inside", "HEADERS/SH 1 [@get x0085f2b24a84ff87497ffffffffa7f]", "C CE"},
    {"6.1", "index 0", "HEADERS/SH 1 [@get #0]", "C CE"},
    {"6.3", "size update above the limit", "HEADERS/SH 1 [^4097 @get]", "C CE"},
    {"6.1", "indexed", "HEADERS/SH 1 [#2 #7 #4 :authority=a]", "end"},
    {"6.2.1", "inserted, name of the static table", "HEADERS/SH 1 [@get x7a0474657374]", "end"},
    {"6.2.1", "Huffman", "HEADERS/SH 1 [@get x7a8349509f]", "end"},
    {"6.2.1", "a new name", "HEADERS/SH 1 [@get +x-test=test]", "end"},
    {"6.2.1", "a new name, Huffman", "HEADERS/SH 1 [@get x4085f2b24a84ff8349509f]", "end"},
    {"6.2.2", "not inserted, name of the static table", "HEADERS/SH 1 [@get x0f2b0474657374]",
     "end"},
    {"6.2.2", "Huffman", "HEADERS/SH 1 [@get x0f2b8349509f]", "end"},
    {"6.2.2", "a new name", "HEADERS/SH 1 [@get x-test=test]", "end"},
    {"6.2.2", "a new name, Huffman", "HEADERS/SH 1 [@get x0085f2b24a84ff8349509f]", "end"},
    {"6.2.3", "never, name of the static table", "HEADERS/SH 1 [@get x1f2b0474657374]", "end"},
    {"6.2.3", "a new name", "HEADERS/SH 1 [@get !x-test=test]", "end"},
    {"6.3", "size update", "HEADERS/SH 1 [^128 @get]", "end"},
    {"6.3", "two of them", "HEADERS/SH 1 [^128 ^4096 @get]", "end"},
};

/* "PE FSE": is one of them the code called `name`? */
static inline bool code_wanted(const char *list, const char *name) {
  static const char *const codes[][2] = {{"PE", "PROTOCOL_ERROR"},
                                         {"FSE", "FRAME_SIZE_ERROR"},
                                         {"SC", "STREAM_CLOSED"},
                                         {"CE", "COMPRESSION_ERROR"},
                                         {"FCE", "FLOW_CONTROL_ERROR"}};
  size_t len = strcspn(name, ", ");
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    if (strlen(codes[i][1]) != len || strncmp(codes[i][1], name, len) != 0) continue;
    for (const char *at = list; (at = strstr(at, codes[i][0])); at++) {
      char before = at == list ? ' ' : at[-1], after = at[strlen(codes[i][0])];
      if (before == ' ' && (after == ' ' || after == '\0')) return true;
    }
  }
  return false;
}

#endif
