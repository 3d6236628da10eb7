/*
 * load/options_protocol.c - which protocol is spoken.
 */
#include "tools/load/options_rows.h"

static const struct load_option rows[] = {
    {"h1", 0, NULL, LOAD_FLAG(h1),
     "HTTP/1.1, also over TLS; -m is then how many requests are\n"
     "pipelined on a connection"},
    {"h2", 0, NULL, LOAD_FLAG(h2), "HTTP/2 only. Without it, a TLS server may select HTTP/1.1"},
};

static bool check(struct load_options *options, const struct failure *failure) {
  if (options->h1 && options->h2) return failure_set(failure, "--h1 and --h2 exclude each other");
  if (options->h1 && options->caps.count > 0)
    return failure_set(failure, "--cap needs HTTP/2: over HTTP/1.1 responses come one by one");
  options->versions = options->h1 ? CLIENT_HTTP1 : CLIENT_HTTP2_OR_1;
  if (options->h2 || options->caps.count > 0) options->versions = CLIENT_HTTP2;
  return true;
}

const struct load_option_family load_options_protocol = {
    .topic = "protocol", .title = "Protocol", LOAD_OPTIONS(rows), .check = check};
