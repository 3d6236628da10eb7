/*
 * trace/options.c - parses the command line of `weir trace`; see trace/options.h.
 */
#include "tools/trace/options.h"

#include <string.h>

#include "tools/common/option_values.h"
#include "tools/common/ring.h"

static const char help[] =
    "Usage: weir trace [OPTIONS] URL...\n"
    "       weir trace [OPTIONS] --manifest FILE BASE-URL\n"
    "\n"
    "Fetches resources from any HTTP/2 server, over one connection per origin, and shows how\n"
    "they arrived: one line per resource, one line per frame (--frames), or a waterfall\n"
    "(--output). https:// needs a server that selects h2 by ALPN; http:// is HTTP/2 with\n"
    "prior knowledge. With --http1.1 it is HTTP/1.1 on both.\n"
    "\n"
    "What to fetch\n"
    "  -m, --manifest FILE    fetch the resources in a JSON file, relative to BASE-URL:\n"
    "                           { \"resources\": [\n"
    "                               { \"url\": \"/\", \"kind\": \"document\" },\n"
    "                               { \"url\": \"/a.css\", \"after\": \"/\", \"event\": "
    "\"first-byte\" },\n"
    "                               { \"url\": \"/b.jpg\", \"start\": 120, \"priority\": \"u=2, "
    "i\" } ] }\n"
    "                         kind: document, style, script, font, image, fetch or other\n"
    "                         event: headers, first-byte, dimensions or complete\n"
    "                         start, delay: milliseconds\n"
    "                         critical: true counts for \"last critical byte\"\n"
    "                         weight: 1 to 256; id: a name for after and uncap\n"
    "                         cap, uncap: \"cap\": 4096 lets the server send 4 KB until the\n"
    "                         resource named by uncap is complete\n"
    "  -p, --profile NAME     signals and windows of chromium (default), firefox or safari;\n"
    "                         or none\n"
    "  -H, --header FIELD     add a request field, \"name: value\". May be repeated\n"
    "\n"
    "How to fetch it\n"
    "  -r, --limit-rate RATE  bytes per second, with K or M (200K = 1.6 Mbit/s). Reads the\n"
    "                         sockets at that rate through small buffers, like a slow line\n"
    "      --window BYTES     receive window of each stream, instead of the profile's\n"
    "      --connection-window BYTES\n"
    "                         receive window of the connection, 65535 or more\n"
    "      --http1.1          speak HTTP/1.1, over up to six connections to an origin, as\n"
    "                         browsers do; with --compare, to the second server only\n"
    "  -k, --insecure         do not verify certificates\n"
    "      --cacert FILE      trust these authorities, PEM, instead of the system's\n"
    "      --key-log FILE     append the secrets of TLS to FILE, for Wireshark\n"
    "      --ring ENGINE      " RING_HELP "\n"
    "  -t, --timeout SECONDS  for everything together (default 60)\n"
    "\n"
    "What to show\n"
    "  -o, --output FILE      draw a waterfall: FILE.svg, or FILE.html with the frames below\n"
    "  -c, --compare URL      fetch from a second server too, and draw both on one time axis\n"
    "      --title TEXT       heading of the waterfall\n"
    "      --label TEXT       name of the server; repeat it for the second server\n"
    "  -f, --frames           print every frame: time, direction, type, stream ...\n"
    "  -j, --json FILE        write everything seen as JSON; - is standard output\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "Examples\n"
    "  weir trace -f https://example.org/\n"
    "      which frames does that server send?\n"
    "  weir trace -k -m page.json -r 200K -o page.svg https://localhost:8443/\n"
    "      how does a page arrive over 1.6 Mbit/s?\n"
    "  weir trace -k -m page.json -r 200K -o both.html -c https://localhost:9443/ \\\n"
    "      https://localhost:8443/\n"
    "      which of two servers decides better?\n"
    "  weir trace -k -m page.json -r 200K -o both.svg --label h2 --label http/1.1 \\\n"
    "      --http1.1 -c https://localhost:8443/ https://localhost:8443/\n"
    "      what does HTTP/2 gain on that page?\n"
    "  weir trace --window 16384 -o stalls.svg http://localhost:8080/bytes/1000000\n"
    "      where does a small window make the server wait?\n"
    "\n"
    "Exit status: 0 every resource arrived completely, whatever its status; 1 one did not;\n"
    "2 wrong command line or manifest.\n";

const char *trace_options_help(void) {
  return help;
}

enum {
  OPTION_WINDOW = 256,
  OPTION_CONNECTION_WINDOW,
  OPTION_CACERT,
  OPTION_KEY_LOG,
  OPTION_TITLE,
  OPTION_LABEL,
  OPTION_HTTP1,
  OPTION_RING
};

static const struct option names[] = {
    {"manifest", required_argument, NULL, 'm'},
    {"profile", required_argument, NULL, 'p'},
    {"header", required_argument, NULL, 'H'},
    {"limit-rate", required_argument, NULL, 'r'},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"connection-window", required_argument, NULL, OPTION_CONNECTION_WINDOW},
    {"insecure", no_argument, NULL, 'k'},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"key-log", required_argument, NULL, OPTION_KEY_LOG},
    {"http1.1", no_argument, NULL, OPTION_HTTP1},
    {"timeout", required_argument, NULL, 't'},
    {"ring", required_argument, NULL, OPTION_RING},
    {"output", required_argument, NULL, 'o'},
    {"compare", required_argument, NULL, 'c'},
    {"title", required_argument, NULL, OPTION_TITLE},
    {"label", required_argument, NULL, OPTION_LABEL},
    {"frames", no_argument, NULL, 'f'},
    {"json", required_argument, NULL, 'j'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* ---- values ---------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), end_len = strlen(end);
  return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool set_rate(const struct options *parser, struct trace_options *options) {
  double rate;
  if (!option_bytes(parser->value, &rate) || rate < TRACE_RATE_MIN || rate > 1e10)
    return options_wrong(parser, "expected bytes per second, at least %d, such as 200K",
                         TRACE_RATE_MIN);
  options->rate_limit = (uint64_t)rate;
  return true;
}

static bool set_window(const struct options *parser, double low, double high, uint32_t *out) {
  double bytes;
  if (!option_bytes(parser->value, &bytes) || bytes < low || bytes > high)
    return options_wrong(parser, "expected %.0f to %.0f bytes", low, high);
  *out = (uint32_t)bytes;
  return true;
}

/* A request field that HTTP/2 allows. */
static bool add_field(const struct options *parser, struct trace_options *options) {
  if (options->field_count == TRACE_FIELDS_MAX)
    return options_wrong(parser, "more than %d fields", TRACE_FIELDS_MAX);
  if (!option_field_check(parser->value)) return options_wrong(parser, "expected \"name: value\"");
  options->fields[options->field_count++] = parser->value;
  return true;
}

static bool set_picture(const struct options *parser, struct trace_options *options) {
  if (!ends_with(parser->value, ".svg") && !ends_with(parser->value, ".html"))
    return options_wrong(parser, "expected FILE.svg or FILE.html");
  options->picture = parser->value;
  return true;
}

static bool set_profile(const struct options *parser, struct trace_options *options) {
  options->profile = trace_profile_find(parser->value);
  if (options->profile) return true;
  return options_wrong(parser, "expected chromium, firefox, safari or none");
}

static bool add_label(const struct options *parser, struct trace_options *options) {
  if (options->label_count == 2) return options_wrong(parser, "more than two");
  options->labels[options->label_count++] = parser->value;
  return true;
}

/* ---- the line -------------------------------------------------------------------------------- */

static bool take(struct options *parser, int code, char *value) {
  struct trace_options *options = parser->out;
  switch (code) {
  case 'm': return options_file(parser, &options->manifest);
  case 'p': return set_profile(parser, options);
  case 'H': return add_field(parser, options);
  case 'r': return set_rate(parser, options);
  case OPTION_WINDOW: return set_window(parser, 1, 2147483647, &options->stream_window_bytes);
  case OPTION_CONNECTION_WINDOW:
    return set_window(parser, 65535, 16 << 20, &options->connection_window_bytes);
  case OPTION_HTTP1: options->http1 = true; return true;
  case 'k': options->insecure = true; return true;
  case OPTION_CACERT: return options_file(parser, &options->ca_path);
  case OPTION_KEY_LOG: return options_file(parser, &options->key_log);
  case 't': return options_seconds(parser, &options->timeout_seconds);
  case OPTION_RING: return ring_option(parser, &options->ring);
  case 'o': return set_picture(parser, options);
  case 'c': options->compare = value; return true;
  case OPTION_TITLE: options->title = value; return true;
  case OPTION_LABEL: return add_label(parser, options);
  case 'f': options->frames = true; return true;
  case 'j': return options_file(parser, &options->json);
  default: return false;
  }
}

static bool check(const struct trace_options *options, const struct failure *failure) {
  if (options->url_count == 0) return failure_set(failure, "no URL given; see weir trace --help");
  if (options->manifest && options->url_count > 1)
    return failure_set(failure, "--manifest takes one base URL, not %zu", options->url_count);
  return true;
}

enum options_result trace_options_parse(struct trace_options *options, int argc, char **argv,
                                        const struct failure *failure) {
  struct options parser = {.out = options, .failure = failure};
  *options = (struct trace_options){.profile = trace_profile_find("chromium"),
                                    .timeout_seconds = TRACE_TIMEOUT_SECONDS};
  enum options_result result = options_read(&parser, argc, argv, names, take);
  if (result != OPTIONS_RUN) return result;
  options->urls = parser.operands;
  options->url_count = (size_t)parser.operand_count;
  return check(options, failure) ? OPTIONS_RUN : OPTIONS_WRONG;
}
