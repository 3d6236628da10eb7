/*
 * trace/options.c - reads the command line of `weir trace`; see trace/options.h.
 */
#include "tools/trace/options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/option_values.h"

static const char help[] =
    "Usage: weir trace [OPTIONS] URL...\n"
    "       weir trace [OPTIONS] --manifest FILE BASE-URL\n"
    "\n"
    "Fetches resources from any HTTP/2 server, over one connection per origin, and shows how\n"
    "they arrived: one line per resource, one line per frame (--frames), or a waterfall\n"
    "(--output). https:// needs a server that selects h2 by ALPN; http:// is HTTP/2 with\n"
    "prior knowledge.\n"
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
    "  -k, --insecure         do not verify certificates\n"
    "      --cacert FILE      trust these authorities, PEM, instead of the system's\n"
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
    "  weir trace --window 16384 -o stalls.svg http://localhost:8080/bytes/1000000\n"
    "      where does a small window make the server wait?\n"
    "\n"
    "Exit status: 0 every resource arrived completely, whatever its status; 1 one did not;\n"
    "2 wrong command line or manifest.\n";

const char *trace_options_help(void) {
  return help;
}

enum { OPTION_WINDOW = 256, OPTION_CONNECTION_WINDOW, OPTION_CACERT, OPTION_TITLE, OPTION_LABEL };

static const struct option long_options[] = {
    {"manifest", required_argument, NULL, 'm'},
    {"profile", required_argument, NULL, 'p'},
    {"header", required_argument, NULL, 'H'},
    {"limit-rate", required_argument, NULL, 'r'},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"connection-window", required_argument, NULL, OPTION_CONNECTION_WINDOW},
    {"insecure", no_argument, NULL, 'k'},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"timeout", required_argument, NULL, 't'},
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

struct parser {
  struct trace_options *options;
  char *error;
  size_t error_size;
};

__attribute__((format(printf, 2, 3))) static bool wrong(struct parser *parser, const char *format,
                                                        ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(parser->error, parser->error_size, format, arguments);
  va_end(arguments);
  return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t len = strlen(text), end_len = strlen(end);
  return len > end_len && strcmp(text + len - end_len, end) == 0;
}

static bool set_rate(struct parser *parser, const char *text) {
  double rate;
  if (!option_bytes(text, &rate) || rate < TRACE_RATE_MIN || rate > 1e10)
    return wrong(parser, "--limit-rate %s: expected bytes per second, at least %d, such as 200K",
                 text, TRACE_RATE_MIN);
  parser->options->rate_limit = (uint64_t)rate;
  return true;
}

static bool set_window(struct parser *parser, const char *name, const char *text, double low,
                       double high, uint32_t *out) {
  double bytes;
  if (!option_bytes(text, &bytes) || bytes < low || bytes > high)
    return wrong(parser, "%s %s: expected %.0f to %.0f bytes", name, text, low, high);
  *out = (uint32_t)bytes;
  return true;
}

static bool set_timeout(struct parser *parser, const char *text) {
  char *end;
  double seconds = strtod(text, &end);
  if (end == text || *end || !(seconds > 0 && seconds <= 86400))
    return wrong(parser, "--timeout %s: expected seconds", text);
  parser->options->timeout_seconds = seconds;
  return true;
}

/* A field that HTTP/2 allows in a request and that is not the tool's own. */
static bool add_field(struct parser *parser, const char *text) {
  struct trace_options *options = parser->options;
  if (options->field_count == TRACE_FIELDS_MAX)
    return wrong(parser, "--header: more than %d fields", TRACE_FIELDS_MAX);
  if (!option_field_check(text))
    return wrong(parser, "--header %s: expected \"name: value\"", text);
  options->fields[options->field_count++] = text;
  return true;
}

static bool set_picture(struct parser *parser, const char *text) {
  if (!ends_with(text, ".svg") && !ends_with(text, ".html"))
    return wrong(parser, "--output %s: expected FILE.svg or FILE.html", text);
  parser->options->picture = text;
  return true;
}

static bool set_profile(struct parser *parser, const char *text) {
  parser->options->profile = trace_profile_find(text);
  if (parser->options->profile) return true;
  return wrong(parser, "--profile %s: expected chromium, firefox, safari or none", text);
}

/* ---- the line -------------------------------------------------------------------------------- */

static bool take(struct parser *parser, int option, const char *value) {
  struct trace_options *options = parser->options;
  switch (option) {
  case 'm': options->manifest = value; return true;
  case 'p': return set_profile(parser, value);
  case 'H': return add_field(parser, value);
  case 'r': return set_rate(parser, value);
  case OPTION_WINDOW:
    return set_window(parser, "--window", value, 1, 2147483647, &options->stream_window_bytes);
  case OPTION_CONNECTION_WINDOW:
    return set_window(parser, "--connection-window", value, 65535, 16 << 20,
                      &options->connection_window_bytes);
  case 'k': options->insecure = true; return true;
  case OPTION_CACERT: options->ca_path = value; return true;
  case 't': return set_timeout(parser, value);
  case 'o': return set_picture(parser, value);
  case 'c': options->compare = value; return true;
  case OPTION_TITLE: options->title = value; return true;
  case OPTION_LABEL:
    if (options->label_count == 2) return wrong(parser, "--label: more than two");
    options->labels[options->label_count++] = value;
    return true;
  case 'f': options->frames = true; return true;
  case 'j': options->json = value; return true;
  default: return false;
  }
}

static bool check(struct parser *parser) {
  const struct trace_options *options = parser->options;
  if (options->url_count == 0) return wrong(parser, "no URL given; see weir trace --help");
  if (options->manifest && options->url_count > 1)
    return wrong(parser, "--manifest takes one base URL, not %zu", options->url_count);
  return true;
}

enum trace_options_result trace_options_parse(struct trace_options *options, int argc, char **argv,
                                              char *error, size_t error_size) {
  struct parser parser = {.options = options, .error = error, .error_size = error_size};
  *options = (struct trace_options){.profile = trace_profile_find("chromium"),
                                    .timeout_seconds = TRACE_TIMEOUT_SECONDS};
  optind = 0; /* begin anew, also in tests */
  opterr = 0;
  static const char letters[] = ":m:p:H:r:kt:o:c:fj:hV";
  int option;
  while ((option = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
    if (option == 'h') return TRACE_OPTIONS_HELP;
    if (option == 'V') return TRACE_OPTIONS_VERSION;
    if (option == ':' || option == '?') {
      option_complain(argv, option, letters, error, error_size);
      return TRACE_OPTIONS_WRONG;
    }
    if (!take(&parser, option, optarg)) return TRACE_OPTIONS_WRONG;
  }
  options->urls = argv + optind;
  options->url_count = (size_t)(argc - optind);
  return check(&parser) ? TRACE_OPTIONS_RUN : TRACE_OPTIONS_WRONG;
}
