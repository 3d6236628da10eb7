/*
 * serve/options.c - reads the command line of `weir serve`; see serve/options.h.
 */
#include "tools/serve/options.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/h2/flow.h"
#include "io/base/limits.h"
#include "tools/common/option_values.h"

static const char help[] =
    "Usage: weir serve [OPTIONS] [DIR]\n"
    "\n"
    "Serves the files in DIR over HTTP/2. Without DIR, serves a small built-in site.\n"
    "\n"
    "Where to listen (options may be repeated)\n"
    "  --http ADDR:PORT       HTTP/2 over clear text, with prior knowledge\n"
    "  --https ADDR:PORT      HTTP/2 over TLS 1.2 and 1.3\n"
    "                         ADDR is an IPv4 address, an [IPv6] address, or localhost\n"
    "                         (127.0.0.1 and [::1]). PORT alone means localhost:PORT;\n"
    "                         :PORT means all addresses.\n"
    "                         ADDR:PORT,weight=N also sets the weight of connections\n"
    "                         that come in there; see --weight.\n"
    "                         Default: --http localhost:8080 --https localhost:8443\n"
    "  --cert FILE            certificate chain, PEM, the server's own first\n"
    "  --key FILE             its private key, PEM. Without --cert and --key, weir makes\n"
    "                         a self-signed certificate in memory and prints its\n"
    "                         SHA-256 fingerprint\n"
    "\n"
    "What to send\n"
    "  --cache-control VALUE  send this Cache-Control with every file: max-age=3600\n"
    "  --preload PAGE=PATH    tell clients of PAGE to load PATH too, by a link field, a\n"
    "                         103 Early Hints response, and a push to clients that\n"
    "                         accept pushes. May be repeated\n"
    "  --push-manifest FILE   the same from a JSON file:\n"
    "                         {\"/\": {\"/style.css\": {\"type\": \"style\"}}}\n"
    "  --no-push              send link fields and 103, but no pushes\n"
    "  --head-start RULE      send the first bytes of matching responses early, so that\n"
    "                         a browser can lay out the page. RULE is\n"
    "                         TYPE[@PATH]=BYTES[k][:URGENCY]; * matches anything. May be\n"
    "                         repeated; the first match counts. BYTES may be scan: 4 KiB,\n"
    "                         or a progressive JPEG to the end of its first scan.\n"
    "                         Default: image/*=scan, at urgency 2\n"
    "  --no-rfc7540-priorities\n"
    "                         follow only the priority field and PRIORITY_UPDATE\n"
    "                         (RFC 9218), ignore the weights and dependencies of\n"
    "                         RFC 7540, and tell clients so\n"
    "\n"
    "How to run\n"
    "  --workers N            threads, each pinned to a core. Default: the cores of the\n"
    "                         affinity mask, within the cgroup's CPU quota\n"
    "  --connections N        concurrent connections. Default: as many as the limit on\n"
    "                         descriptors allows\n"
    "  --streams N            concurrent streams per connection (default 128)\n"
    "  --flow POLICY          when to give clients credit for uploads:\n"
    "                         auto       windows grow with the path (default)\n"
    "                         consume    fixed windows; credit for bytes consumed\n"
    "                         threshold  fixed windows; refilled at half\n"
    "                         echo       fixed windows; credit for each frame at once\n"
    "  --window BYTES         window that each upload starts with (default 65535)\n"
    "  --weight NETWORK=N     weight of clients in NETWORK: 10.0.0.0/8=64. From 1 to\n"
    "                         256, default 16. A busy thread divides its time among\n"
    "                         connections by weight. May be repeated; the first match\n"
    "                         counts\n"
    "  --idle-seconds N       close connections that are idle for N s (default 60)\n"
    "  --drain-seconds N      after SIGTERM or SIGINT, give streams N s to finish\n"
    "                         (default 10)\n"
    "  --verbose              list the kernel features found, and print totals at exit\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "SIGTERM and SIGINT stop the server gracefully; a second one stops it at once.\n"
    "SIGUSR1 prints all counters, summed over the workers, as one line of JSON to\n"
    "standard error.\n"
    "\n"
    "Examples\n"
    "  weir serve                     the built-in site\n"
    "  weir serve ~/site              a directory, for this machine only\n"
    "  weir serve /var/www --https :443 --cert chain.pem --key key.pem\n"
    "  weir serve dist --http 8080 --cache-control max-age=60 --preload /=/app.js\n"
    "\n"
    "Try it: curl -k --http2 https://localhost:8443/\n"
    "Exit status: 0 success, 1 failure, 2 wrong command line.\n";

const char *serve_options_help(void) {
  return help;
}

/* What the options are read into, and where a complaint goes. */
struct reader {
  struct serve_options *options;
  char *error;
  size_t error_size;
};

__attribute__((format(printf, 2, 3))) static enum serve_options_result
wrong(struct reader *reader, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(reader->error, reader->error_size, format, arguments);
  va_end(arguments);
  return SERVE_OPTIONS_WRONG;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Whether it reads like NAME:PORT: well formed, although not an address. */
static bool is_name_and_port(const char *text) {
  const char *colon = strrchr(text, ':');
  if (!colon || colon == text) return false;
  size_t host = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  uint64_t port;
  return host == (size_t)(colon - text) && isalpha((unsigned char)colon[-1]) &&
         option_number(colon + 1, 0, UINT16_MAX, &port);
}

/* Whether both loopback addresses are meant. A port alone is one of this machine's own. */
static bool is_localhost(const char *text) {
  static const char local[] = "localhost:";
  return strncmp(text, local, sizeof local - 1) == 0 || !strchr(text, ':');
}

static bool add_listener(struct reader *reader, const struct serve_listener *listener) {
  struct serve_options *options = reader->options;
  if (options->listener_count == SERVE_LISTENERS_MAX) return false;
  options->listeners[options->listener_count++] = *listener;
  return true;
}

static enum serve_options_result add_address(struct reader *reader, const char *option,
                                             const char *text, bool secure, uint16_t weight) {
  struct serve_listener listener = {.secure = secure, .weight = weight};
  if (!address_parse(&listener.address, text)) {
    if (!is_name_and_port(text))
      return wrong(reader, "%s %s: not an address; expected ADDR:PORT such as 127.0.0.1:8080",
                   option, text);
    wrong(reader,
          "cannot listen on %s: not an address; localhost is the only name that weir looks up",
          text);
    return SERVE_OPTIONS_FAILED;
  }
  bool room = add_listener(reader, &listener);
  listener.optional = true;
  if (room && is_localhost(text) &&
      address_from_host(&listener.address, "::1", address_port(&listener.address)))
    room = add_listener(reader, &listener);
  if (!room)
    return wrong(reader, "%s %s: more than %d addresses", option, text, SERVE_LISTENERS_MAX);
  return SERVE_OPTIONS_RUN;
}

/* ADDR:PORT or ADDR:PORT,weight=N; `text` is cut at the comma. */
static enum serve_options_result add_weighted(struct reader *reader, const char *option, char *text,
                                              bool secure) {
  static const char key[] = "weight=";
  uint16_t weight = 0;
  char *comma = strchr(text, ',');
  if (comma) {
    if (strncmp(comma + 1, key, sizeof key - 1) != 0 ||
        !serve_weight_parse(comma + sizeof key, &weight))
      return wrong(reader, "%s %s: expected ADDR:PORT,weight=N, N from 1 to %d", option, text,
                   MACHINE_WEIGHT_MAX);
    *comma = 0;
  }
  return add_address(reader, option, text, secure, weight);
}

static enum serve_options_result add_weight(struct reader *reader, const char *text) {
  const char *problem = serve_weights_add(&reader->options->weights, text);
  return problem ? wrong(reader, "--weight %s: %s", text, problem) : SERVE_OPTIONS_RUN;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static enum serve_options_result read_number(struct reader *reader, const char *option,
                                             const char *text, unsigned min, unsigned max,
                                             unsigned *out) {
  uint64_t value;
  if (!option_number(text, min, max, &value))
    return wrong(reader, "%s %s: expected a number from %u to %u", option, text, min, max);
  *out = (unsigned)value;
  return SERVE_OPTIONS_RUN;
}

/* ---- options --------------------------------------------------------------------------------- */

enum option_code {
  OPTION_HTTP = 1,
  OPTION_HTTPS,
  OPTION_CERT,
  OPTION_KEY,
  OPTION_CACHE_CONTROL,
  OPTION_PRELOAD,
  OPTION_PUSH_MANIFEST,
  OPTION_NO_PUSH,
  OPTION_NO_RFC7540_PRIORITIES,
  OPTION_WORKERS,
  OPTION_CONNECTIONS,
  OPTION_STREAMS,
  OPTION_FLOW,
  OPTION_WINDOW,
  OPTION_HEAD_START,
  OPTION_WEIGHT,
  OPTION_IDLE_SECONDS,
  OPTION_DRAIN_SECONDS,
  OPTION_VERBOSE,
};

static const struct option names[] = {
    {"http", required_argument, NULL, OPTION_HTTP},
    {"https", required_argument, NULL, OPTION_HTTPS},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"cache-control", required_argument, NULL, OPTION_CACHE_CONTROL},
    {"preload", required_argument, NULL, OPTION_PRELOAD},
    {"push-manifest", required_argument, NULL, OPTION_PUSH_MANIFEST},
    {"no-push", no_argument, NULL, OPTION_NO_PUSH},
    {"no-rfc7540-priorities", no_argument, NULL, OPTION_NO_RFC7540_PRIORITIES},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"streams", required_argument, NULL, OPTION_STREAMS},
    {"flow", required_argument, NULL, OPTION_FLOW},
    {"window", required_argument, NULL, OPTION_WINDOW},
    {"head-start", required_argument, NULL, OPTION_HEAD_START},
    {"weight", required_argument, NULL, OPTION_WEIGHT},
    {"idle-seconds", required_argument, NULL, OPTION_IDLE_SECONDS},
    {"drain-seconds", required_argument, NULL, OPTION_DRAIN_SECONDS},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

enum { FIELD_VALUE_BYTES_MAX = 1024 }; /* arbitrary, far beyond any that makes sense */

/* What may stand in a field's value (RFC 9110 section 5.5), without white space at the ends. */
static enum serve_options_result read_field_value(struct reader *reader, const char *option,
                                                  const char *text, const char **out) {
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      return wrong(reader, "%s: a value must not contain control characters", option);
  if (len > FIELD_VALUE_BYTES_MAX)
    return wrong(reader, "%s: more than %d bytes", option, FIELD_VALUE_BYTES_MAX);
  if (len == 0 || text[0] == ' ' || text[len - 1] == ' ')
    return wrong(reader, "%s: expected a value without spaces around it", option);
  *out = text;
  return SERVE_OPTIONS_RUN;
}

static enum serve_options_result add_preload(struct reader *reader, const char *text) {
  struct serve_options *options = reader->options;
  const char *equals = strchr(text, '=');
  if (text[0] != '/' || !equals || equals[1] != '/' || strpbrk(text, " \t\r\n"))
    return wrong(reader, "--preload %s: expected PAGE=PATH such as /=/style.css", text);
  if (options->preload_count == SERVE_PRELOADS_MAX)
    return wrong(reader, "--preload %s: more than %d; use --push-manifest", text,
                 SERVE_PRELOADS_MAX);
  options->preloads[options->preload_count++] = text;
  return SERVE_OPTIONS_RUN;
}

static enum serve_options_result read_flow(struct reader *reader, const char *text) {
  if (h2_flow_parse(text, &reader->options->flow)) return SERVE_OPTIONS_RUN;
  return wrong(reader, "--flow %s: expected auto, consume, threshold or echo", text);
}

/* `text` is kept, and its type made lower case, as media types are compared. */
static enum serve_options_result add_head_start(struct reader *reader, char *text) {
  for (char *at = text; *at && *at != '@' && *at != '='; at++)
    *at = (char)text_lower((uint8_t)*at);
  struct head_start_rules *rules = &reader->options->head_starts;
  /* One place is left for the default. */
  if (rules->count + 1 == HEAD_START_RULES_MAX)
    return wrong(reader, "--head-start %s: more than %u rules", text, HEAD_START_RULES_MAX - 1);
  if (head_start_add(rules, span_of(text, strlen(text)))) return SERVE_OPTIONS_RUN;
  return wrong(reader,
               "--head-start %s: expected TYPE[@PATH]=BYTES[k][:URGENCY] such as image/*=4k, or "
               "scan for BYTES",
               text);
}

static enum serve_options_result take(struct reader *reader, int code, char *value) {
  struct serve_options *options = reader->options;
  switch ((enum option_code)code) {
  case OPTION_HTTP: return add_weighted(reader, "--http", value, false);
  case OPTION_HTTPS: return add_weighted(reader, "--https", value, true);
  case OPTION_CERT: options->certificate = value; return SERVE_OPTIONS_RUN;
  case OPTION_KEY: options->key = value; return SERVE_OPTIONS_RUN;
  case OPTION_CACHE_CONTROL:
    return read_field_value(reader, "--cache-control", value, &options->cache_control);
  case OPTION_PRELOAD: return add_preload(reader, value);
  case OPTION_PUSH_MANIFEST: options->push_manifest = value; return SERVE_OPTIONS_RUN;
  case OPTION_NO_PUSH: options->push = false; return SERVE_OPTIONS_RUN;
  case OPTION_NO_RFC7540_PRIORITIES:
    options->no_rfc7540_priorities = true;
    return SERVE_OPTIONS_RUN;
  case OPTION_WORKERS:
    return read_number(reader, "--workers", value, 1, IO_WORKERS_MAX, &options->workers);
  case OPTION_CONNECTIONS:
    return read_number(reader, "--connections", value, 1, 10000000, &options->connections);
  case OPTION_STREAMS:
    return read_number(reader, "--streams", value, 1, 65536, &options->concurrent_streams);
  case OPTION_FLOW: return read_flow(reader, value);
  case OPTION_WINDOW:
    return read_number(reader, "--window", value, 1, H2_CONNECTION_WINDOW_BYTES_MAX,
                       &options->window_bytes);
  case OPTION_HEAD_START: return add_head_start(reader, value);
  case OPTION_WEIGHT: return add_weight(reader, value);
  case OPTION_IDLE_SECONDS:
    return read_number(reader, "--idle-seconds", value, 1, 86400, &options->idle_seconds);
  case OPTION_DRAIN_SECONDS:
    return read_number(reader, "--drain-seconds", value, 0, 86400, &options->drain_seconds);
  case OPTION_VERBOSE: options->verbose = true; return SERVE_OPTIONS_RUN;
  }
  return SERVE_OPTIONS_RUN;
}

/* What only the whole command line shows. */
static enum serve_options_result check(struct reader *reader) {
  struct serve_options *options = reader->options;
  options->head_starts.at[options->head_starts.count++] = head_start_rules_default.at[0];
  if (options->certificate && !options->key)
    return wrong(reader, "--cert needs --key, its private key");
  if (options->key && !options->certificate)
    return wrong(reader, "--key needs --cert, its certificate");
  if (!options->directory &&
      (options->push_manifest || options->preload_count > 0 || options->cache_control))
    return wrong(reader, "%s needs a directory to serve",
                 options->cache_control   ? "--cache-control"
                 : options->push_manifest ? "--push-manifest"
                                          : "--preload");
  if (options->listener_count > 0) {
    bool secure = false;
    for (unsigned i = 0; i < options->listener_count; i++)
      secure |= options->listeners[i].secure;
    if (options->certificate && !secure)
      return wrong(reader, "--cert has no effect without --https");
    return SERVE_OPTIONS_RUN;
  }
  enum serve_options_result result = add_address(reader, "--http", "localhost:8080", false, 0);
  return result ? result : add_address(reader, "--https", "localhost:8443", true, 0);
}

enum serve_options_result serve_options_parse(struct serve_options *options, int argc, char **argv,
                                              char *error, size_t error_size) {
  struct reader reader = {.options = options, .error = error, .error_size = error_size};
  *options = (struct serve_options){.drain_seconds = SERVE_DRAIN_SECONDS_DEFAULT, .push = true};
  opterr = 0;
  optind = 0; /* starts anew, whoever used getopt before */
  static const char letters[] = ":hV";
  int code;
  while ((code = getopt_long(argc, argv, letters, names, NULL)) != -1) {
    if (code == 'h') return SERVE_OPTIONS_HELP;
    if (code == 'V') return SERVE_OPTIONS_VERSION;
    if (code == ':' || code == '?') {
      option_complain(argv, code, letters, error, error_size);
      return SERVE_OPTIONS_WRONG;
    }
    enum serve_options_result result = take(&reader, code, optarg);
    if (result != SERVE_OPTIONS_RUN) return result;
  }
  if (optind < argc) options->directory = argv[optind++];
  if (optind < argc) return wrong(&reader, "%s: only one directory can be served", argv[optind]);
  if (options->directory && !options->directory[0]) return wrong(&reader, "DIR is empty");
  return check(&reader);
}
