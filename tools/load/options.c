/*
 * load/options.c - parses the command line of `weir load`; see load/options.h.
 */
#include "tools/load/options.h"

#include <string.h>

#include "engine/base/limits.h"
#include "engine/h2/flow.h"
#include "io/base/limits.h"
#include "tools/common/option_values.h"
#include "tools/load/schedule.h"

static const char help[] =
    "Usage: weir load [OPTIONS] URL...\n"
    "\n"
    "Makes requests over HTTP/2 and measures the answers. All URLs need the same scheme,\n"
    "host and port; each connection requests them in turn. https:// needs a server that\n"
    "selects h2 by ALPN; http:// is HTTP/2 with prior knowledge.\n"
    "\n"
    "How much\n"
    "  -n, --requests N       requests in total (default: one per connection)\n"
    "  -D, --duration TIME    run for TIME instead: 10, 500ms, 1m\n"
    "      --warm-up-time TIME\n"
    "                         with -D: run for TIME before that, without counting\n"
    "  -c, --clients N        connections (default 1)\n"
    "  -m, --max-concurrent-streams N\n"
    "                         concurrent requests per connection (default 1), within\n"
    "                         the server's limit\n"
    "  -t, --threads N        threads (default 1), pinned to cores from the last one down\n"
    "  -r, --rate N           open loop: start N requests a second over all connections,\n"
    "                         even if earlier ones are unfinished. Latency counts from\n"
    "                         the time a request was due, so a stalled server shows\n"
    "  -T, --timeout TIME     fail requests that take longer (default 30). With -n, also\n"
    "                         give up connections that are silent for three times as long\n"
    "\n"
    "What to request\n"
    "  -H, --header FIELD     add a request field, \"name: value\". May be repeated.\n"
    "                         \":method: HEAD\" and \":authority: HOST\" override the URL\n"
    "  -d, --data FILE        POST the content of FILE\n"
    "      --connect-to HOST[:PORT]\n"
    "                         connect there instead of to the URL's host\n"
    "  -k, --insecure         do not verify certificates\n"
    "      --cacert FILE      trust these authorities, PEM, instead of the system's\n"
    "\n"
    "Flow control\n"
    "  -w, --window-bits N    receive window of each stream, 2^N - 1 bytes (default 30)\n"
    "  -W, --connection-window-bits N\n"
    "                         receive window of the connection, likewise (default 30)\n"
    "      --flow POLICY      when to give the server credit:\n"
    "                         consume    at half a window, for bytes consumed (default)\n"
    "                         threshold  at half a window, for bytes received\n"
    "                         echo       for each frame at once\n"
    "                         auto       like consume, with windows that start at 65535\n"
    "                                    bytes and grow with the path\n"
    "      --cap [PATTERN=]BYTES[,BYTES...][,rest]\n"
    "                         let the server send responses in steps. A stream that has\n"
    "                         received its step gets the next one when every other stream\n"
    "                         of its connection that was open then has come as far or\n"
    "                         ended. '*.jpg=4k,rest' takes 4 KB of each image first.\n"
    "                         PATTERN matches path and query, with shell wildcards. May\n"
    "                         be repeated; the first match counts\n"
    "\n"
    "What to show\n"
    "      --json             print the report as one JSON object\n"
    "  -q, --quiet            show no progress\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "Examples\n"
    "  weir load -n 100000 -c 100 -m 100 http://localhost:8080/plaintext\n"
    "      how many requests a second can the server answer?\n"
    "  weir load -D 10 -c 50 -r 2000 -k https://localhost:8443/\n"
    "      what is its latency at 2000 requests a second?\n"
    "  weir load -D 30 --warm-up-time 5 -c 10 -m 10 -d upload.bin http://localhost:8080/echo\n"
    "      uploads for 30 s, after 5 s that do not count\n"
    "  weir load -n 2 -m 2 --cap '*.jpg=4k,rest' http://HOST/a.jpg http://HOST/b.js\n"
    "      4 KB of the image, the script, then the rest of the image\n"
    "\n"
    "Ctrl-C ends a run early and prints what was measured so far.\n"
    "Exit status: 0 success; 1 no request succeeded, or no connection could be made;\n"
    "2 wrong command line.\n";

const char *load_options_help(void) {
  return help;
}

enum {
  OPTION_WARM_UP = 256,
  OPTION_CONNECT_TO,
  OPTION_CACERT,
  OPTION_FLOW,
  OPTION_CAP,
  OPTION_JSON
};

static const struct option names[] = {
    {"requests", required_argument, NULL, 'n'},
    {"duration", required_argument, NULL, 'D'},
    {"warm-up-time", required_argument, NULL, OPTION_WARM_UP},
    {"clients", required_argument, NULL, 'c'},
    {"connections", required_argument, NULL, 'c'},
    {"max-concurrent-streams", required_argument, NULL, 'm'},
    {"streams", required_argument, NULL, 'm'},
    {"threads", required_argument, NULL, 't'},
    {"rate", required_argument, NULL, 'r'},
    {"timeout", required_argument, NULL, 'T'},
    {"header", required_argument, NULL, 'H'},
    {"data", required_argument, NULL, 'd'},
    {"connect-to", required_argument, NULL, OPTION_CONNECT_TO},
    {"insecure", no_argument, NULL, 'k'},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"window-bits", required_argument, NULL, 'w'},
    {"connection-window-bits", required_argument, NULL, 'W'},
    {"flow", required_argument, NULL, OPTION_FLOW},
    {"cap", required_argument, NULL, OPTION_CAP},
    {"window-cap", required_argument, NULL, OPTION_CAP},
    {"json", no_argument, NULL, OPTION_JSON},
    {"quiet", no_argument, NULL, 'q'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* ---- values ---------------------------------------------------------------------------------- */

/* A field, or one of the two pseudo-header fields that may differ from the URL. */
static bool add_field(const struct options *parser, struct load_options *options,
                      const char *text) {
  if (options->field_count == LOAD_FIELDS_MAX)
    return options_wrong(parser, "more than %d fields", LOAD_FIELDS_MAX);
  const char *value = load_options_pseudo(text, NULL);
  if (!(value ? *value != 0 && option_field_check(text + 1) : option_field_check(text)))
    return options_wrong(parser, "expected \"name: value\"");
  options->fields[options->field_count++] = text;
  return true;
}

static bool set_flow(const struct options *parser, struct load_options *options, const char *text) {
  if (h2_flow_parse(text, &options->flow)) return true;
  return options_wrong(parser, "expected consume, threshold, echo or auto");
}

const char *load_options_pseudo(const char *text, enum header_token *token) {
  static const enum header_token tokens[] = {TOKEN_METHOD, TOKEN_AUTHORITY};
  for (unsigned i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    struct span name = header_token_name(tokens[i]);
    if (strncmp(text, (const char *)name.base, name.len) != 0 || text[name.len] != ':') continue;
    if (token) *token = tokens[i];
    text += name.len + 1;
    return text + strspn(text, " \t");
  }
  return NULL;
}

/* ---- the line -------------------------------------------------------------------------------- */

static bool take(struct options *parser, int code, char *value) {
  struct load_options *options = parser->out;
  switch (code) {
  case 'n': return options_number(parser, 1, UINT64_C(1) << 48, &options->requests);
  case 'D': return options_seconds(parser, &options->duration_seconds);
  case OPTION_WARM_UP: return options_seconds(parser, &options->warm_up_seconds);
  case 'c': return options_count(parser, 1, LOAD_CONNECTIONS_MAX, &options->connections);
  case 'm': return options_count(parser, 1, LOAD_STREAMS_MAX, &options->streams);
  case 't': return options_count(parser, 1, IO_WORKERS_MAX, &options->threads);
  case 'r': return options_number(parser, 1, LOAD_RATE_MAX, &options->rate);
  case 'T': return options_seconds(parser, &options->timeout_seconds);
  case 'H': return add_field(parser, options, value);
  case 'd': options->data_path = value; return true;
  case OPTION_CONNECT_TO: options->connect_to = value; return true;
  case 'k': options->insecure = true; return true;
  case OPTION_CACERT: options->ca_path = value; return true;
  case 'w': return options_count(parser, 1, 30, &options->stream_window_bits);
  case 'W': return options_count(parser, 16, 30, &options->connection_window_bits);
  case OPTION_FLOW: return set_flow(parser, options, value);
  case OPTION_CAP: return load_caps_add(&options->caps, value, parser->failure);
  case OPTION_JSON: options->json = "-"; return true;
  case 'q': options->quiet = true; return true;
  default: return false;
  }
}

/* Checks that need the whole command line. */
static bool check(struct load_options *options, const struct failure *failure) {
  if (options->url_count == 0) return failure_set(failure, "no URL given; see weir load --help");
  if (options->url_count > LOAD_URLS_MAX)
    return failure_set(failure, "more than %d URLs", LOAD_URLS_MAX);
  if (options->requests && options->duration_seconds > 0)
    return failure_set(failure, "-n and -D exclude each other");
  if (options->warm_up_seconds > 0 && options->duration_seconds == 0)
    return failure_set(failure, "--warm-up-time needs -D");
  if (options->requests == 0 && options->duration_seconds == 0)
    options->requests = options->connections;
  if (options->threads > options->connections)
    return failure_set(failure, "-t %u: more threads than connections (-c %u)", options->threads,
                       options->connections);
  if (options->requests && options->requests < options->connections)
    return failure_set(failure, "-n %llu: fewer requests than connections (-c %u)",
                       (unsigned long long)options->requests, options->connections);
  if (options->caps.count > 0 && options->stream_window_bits)
    return failure_set(failure,
                       "-w and --cap exclude each other: the smallest first step is the window");
  return true;
}

enum options_result load_options_parse(struct load_options *options, int argc, char **argv,
                                       const struct failure *failure) {
  struct options parser = {.out = options, .failure = failure};
  *options = (struct load_options){.connections = 1,
                                   .streams = 1,
                                   .threads = 1,
                                   .flow = FLOW_CONSUME,
                                   .timeout_seconds = LOAD_TIMEOUT_SECONDS};
  enum options_result result = options_read(&parser, argc, argv, names, take);
  if (result != OPTIONS_RUN) return result;
  options->urls = parser.operands;
  options->url_count = (size_t)parser.operand_count;
  return check(options, failure) ? OPTIONS_RUN : OPTIONS_WRONG;
}

/* ---- windows --------------------------------------------------------------------------------- */

static uint32_t bytes_of(unsigned bits) {
  return (UINT32_C(1) << bits) - 1;
}

uint32_t load_options_stream_window(const struct load_options *options) {
  if (options->caps.count > 0) return (uint32_t)load_caps_window(&options->caps);
  if (options->stream_window_bits) return bytes_of(options->stream_window_bits);
  return options->flow == FLOW_AUTO ? H2_STREAM_WINDOW_BYTES_DEFAULT : bytes_of(LOAD_WINDOW_BITS);
}

uint32_t load_options_connection_window(const struct load_options *options) {
  if (options->connection_window_bits) return bytes_of(options->connection_window_bits);
  return options->flow == FLOW_AUTO ? H2_STREAM_WINDOW_BYTES_DEFAULT : bytes_of(LOAD_WINDOW_BITS);
}
