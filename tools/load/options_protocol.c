/*
 * load/options_protocol.c - which protocol is spoken.
 */
#include <string.h>

#include "engine/http/syntax.h"
#include "tools/common/option_values.h"
#include "tools/load/options_rows.h"

/* N, or N-M. */
static bool set_message_bytes(struct options *parser, struct load_options *options, char *text) {
  uint64_t min, max;
  char *dash = strchr(text, '-');
  if (dash) *dash = 0;
  bool good = option_number(text, 0, LOAD_MESSAGE_BYTES_MAX, &min) &&
              option_number(dash ? dash + 1 : text, min, LOAD_MESSAGE_BYTES_MAX, &max);
  if (dash) *dash = '-';
  if (!good)
    return options_wrong(parser, "expected N or N-M bytes, at most %d", LOAD_MESSAGE_BYTES_MAX);
  options->sized = true;
  options->message_bytes_min = (unsigned)min;
  options->message_bytes_max = (unsigned)max;
  return true;
}

static bool set_subprotocol(struct options *parser, struct load_options *options, char *text) {
  options->subprotocol = text;
  if (syntax_is_token(span_text(text)) && strlen(text) <= LOAD_SUBPROTOCOL_BYTES_MAX) return true;
  return options_wrong(parser, "expected a name of at most %d letters", LOAD_SUBPROTOCOL_BYTES_MAX);
}

static const struct load_option rows[] = {
    {"h1", 0, NULL, LOAD_FLAG(h1),
     "HTTP/1.1, also over TLS; -m is then how many requests are\n"
     "pipelined on a connection"},
    {"h2", 0, NULL, LOAD_FLAG(h2), "HTTP/2 only. Without it, a TLS server may select HTTP/1.1"},
    {"upgrade", 0, NULL, LOAD_FLAG(upgrade),
     "in clear text, begin HTTP/2 by Upgrade: h2c, with a HEAD\n"
     "request on each connection that is not counted"},
    {"ws", 0, NULL, LOAD_FLAG(ws),
     "send messages to a WebSocket on each connection, and await\n"
     "their echoes; see --help=protocol"},
    {"message-bytes", 0, "N[-M]", LOAD_TAKE(set_message_bytes),
     "their size, or between N and M at random (default 64)"},
    {"message-text", 0, NULL, LOAD_FLAG(message_text), "of kind text, instead of binary"},
    {"subprotocol", 0, "NAME", LOAD_TAKE(set_subprotocol), "offer the server this subprotocol"},
};

/* Options of requests that mean nothing for messages. */
static bool check_ws(const struct load_options *options, const struct failure *failure) {
  const struct {
    bool given;
    const char *name;
  } others[] = {{options->data_path, "-d"},
                {options->input_path, "-i"},
                {options->csv_path, "--data-csv"},
                {options->caps.count > 0, "--cap"}};
  for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++)
    if (others[i].given) return failure_set(failure, "--ws excludes %s", others[i].name);
  for (unsigned i = 0; i < options->field_count; i++)
    if (strncmp(options->fields[i], ":method", 7) == 0)
      return failure_set(failure, "--ws excludes -H :method");
  return true;
}

/* WebSockets are used over HTTP/1.1 unless HTTP/2 is asked for, as browsers do: few servers offer both. */
static bool choose_ws(struct load_options *options, const struct failure *failure) {
  if (!options->ws && (options->sized || options->message_text || options->subprotocol))
    return failure_set(failure, "--message-bytes, --message-text and --subprotocol need --ws");
  if (!options->ws) return true;
  if (!options->sized)
    options->message_bytes_min = options->message_bytes_max = LOAD_MESSAGE_BYTES_DEFAULT;
  options->versions = options->h2 ? CLIENT_HTTP2 : CLIENT_HTTP1;
  return check_ws(options, failure);
}

static bool check(struct load_options *options, const struct failure *failure) {
  if (options->h1 && options->h2) return failure_set(failure, "--h1 and --h2 exclude each other");
  if (options->upgrade && (options->h1 || (options->ws && !options->h2)))
    return failure_set(failure, "--upgrade is for HTTP/2%s",
                       options->h1 ? "" : ": --ws needs --h2");
  if (options->h1 && options->caps.count > 0)
    return failure_set(failure, "--cap needs HTTP/2: over HTTP/1.1 responses come one by one");
  options->versions = options->h1 ? CLIENT_HTTP1 : CLIENT_HTTP2_OR_1;
  if (options->h2 || options->caps.count > 0) options->versions = CLIENT_HTTP2;
  return choose_ws(options, failure);
}

static const char more[] =
    "WebSockets (--ws)\n"
    "  Each connection opens a WebSocket: by Upgrade over HTTP/1.1, or with --h2 by extended\n"
    "  CONNECT (RFC 8441). Its server has to send each message back; --http of weir serve has\n"
    "  /ws for that. -n counts messages, -r is their rate, -m how many of a connection may be\n"
    "  under way, -T how long an echo may take. An echo that differs from its message is an\n"
    "  error. URLs may begin with ws: and wss:. -H adds fields to the handshake.\n"
    "      weir load --ws -D 10 -c 100 -m 10 --message-bytes 20-200 ws://localhost:8080/ws\n"
    "  In the report and its files, requests are messages; they have no statuses.\n";

const struct load_option_family load_options_protocol = {
    .topic = "protocol", .title = "Protocol", LOAD_OPTIONS(rows), .check = check, .more = more};
