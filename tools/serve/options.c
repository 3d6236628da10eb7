/*
 * serve/options.c - parses the command line of `weir serve`; see serve/options.h.
 */
#include "tools/serve/options.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/h2/flow.h"
#include "io/base/limits.h"
#include "tools/common/option_values.h"

static const char help[] =
    "Usage: weir serve [OPTIONS] [DIR]\n"
    "\n"
    "Serves the files in DIR over HTTP/2 and HTTP/1.1. Without DIR, serves a small built-in\n"
    "site.\n"
    "\n"
    "Where to listen (options may be repeated)\n"
    "  --http ADDR:PORT       in clear text: HTTP/1.1, also with an upgrade to h2c, and\n"
    "                         HTTP/2 with prior knowledge\n"
    "  --https ADDR:PORT      over TLS 1.2 and 1.3: HTTP/2 or HTTP/1.1, by ALPN\n"
    "                         ADDR is an IPv4 address, an [IPv6] address, or localhost\n"
    "                         (127.0.0.1 and [::1]). PORT alone means localhost:PORT;\n"
    "                         :PORT means all addresses.\n"
    "                         ADDR:PORT,weight=N also sets the weight of connections\n"
    "                         that come in there; see --weight.\n"
    "                         Default: --http localhost:8080 --https localhost:8443\n"
    "  --spdy                 speak SPDY/3.1 too: over TLS by ALPN (spdy/3.1), in clear text\n"
    "                         with prior knowledge or by Upgrade: SPDY/3.1\n"
    "  --cert FILE            certificate chain, PEM, the server's own first\n"
    "  --key FILE             its private key, PEM. Without --cert and --key, weir makes\n"
    "                         a self-signed certificate in memory and prints its\n"
    "                         SHA-256 fingerprint\n"
    "\n"
    "What to send\n"
    "  --cache-control VALUE  send this Cache-Control with every file: max-age=3600\n"
    "  --preload PAGE=PATH    tell clients of PAGE to load PATH too, by a link field, a\n"
    "                         103 Early Hints response to clients that can take it,\n"
    "                         and a push to those that accept it. May be repeated\n"
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
    "                         affinity mask, within the cgroup's CPU quota and memory\n"
    "  --connections N        concurrent connections. Default: as many as the limit on\n"
    "                         descriptors and the cgroup's memory allow\n"
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
    "  --access-log FILE      write one line per request to FILE; - is standard output, and\n"
    "                         messages then go to standard error. SIGUSR2 opens the file\n"
    "                         anew; so does renaming it\n"
    "  --log-format FORMAT    combined   as other servers write it, with more fields after\n"
    "                                    it (default)\n"
    "                         json       one flat object per line\n"
    "  --record FILE          write down each request for weir load --replay -i FILE, as one\n"
    "                         JSON object per line: method, path, fields, time and size of\n"
    "                         the body. Fields with secrets (authorization, cookie and\n"
    "                         others) are left out; paths and queries are kept\n"
    "  --record-secrets       keep fields with secrets, too\n"
    "  --verbose              list the kernel features found and what a cgroup's memory\n"
    "                         limit allows, tell why each path's first 403, and print\n"
    "                         totals at exit\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "SIGTERM and SIGINT stop the server gracefully; a second one stops it at once.\n"
    "SIGUSR1 prints all counters, summed over the workers, as one line of JSON to\n"
    "standard error. SIGUSR2 opens the files of --access-log and --record anew,\n"
    "after they were renamed.\n"
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

/* ---- addresses ------------------------------------------------------------------------------- */

/* Whether it has the form NAME:PORT: well formed, but not an address. */
static bool is_name_and_port(const char *text) {
  const char *colon = strrchr(text, ':');
  if (!colon || colon == text) return false;
  size_t host = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
  uint64_t port;
  return host == (size_t)(colon - text) && isalpha((unsigned char)colon[-1]) &&
         option_number(colon + 1, 0, UINT16_MAX, &port);
}

/* Whether it means both loopback addresses, as a port alone does. */
static bool is_localhost(const char *text) {
  static const char local[] = "localhost:";
  return strncmp(text, local, sizeof local - 1) == 0 || !strchr(text, ':');
}

static bool add_listener(struct serve_options *options, const struct serve_listener *listener) {
  if (options->listener_count == SERVE_LISTENERS_MAX) return false;
  options->listeners[options->listener_count++] = *listener;
  return true;
}

static bool not_an_address(struct options *parser, const char *text) {
  if (!is_name_and_port(text))
    return options_wrong(parser, "not an address; expected ADDR:PORT such as 127.0.0.1:8080");
  parser->impossible = true;
  return failure_set(
      parser->failure,
      "cannot listen on %s: not an address; localhost is the only name that weir looks up", text);
}

static bool add_address(struct options *parser, const char *text, bool secure, uint16_t weight) {
  struct serve_options *options = parser->out;
  struct serve_listener listener = {.secure = secure, .weight = weight};
  if (!address_parse(&listener.address, text)) return not_an_address(parser, text);
  bool room = add_listener(options, &listener);
  listener.optional = true;
  if (room && is_localhost(text) &&
      address_from_host(&listener.address, "::1", address_port(&listener.address)))
    room = add_listener(options, &listener);
  return room || options_wrong(parser, "more than %d addresses", SERVE_LISTENERS_MAX);
}

/* Adds ADDR:PORT or ADDR:PORT,weight=N. Cuts `text` at the comma. */
static bool add_weighted(struct options *parser, char *text, bool secure) {
  static const char key[] = "weight=";
  uint16_t weight = 0;
  char *comma = strchr(text, ',');
  if (comma) {
    if (strncmp(comma + 1, key, sizeof key - 1) != 0 ||
        !serve_weight_parse(comma + sizeof key, &weight))
      return options_wrong(parser, "expected ADDR:PORT,weight=N, N from 1 to %d",
                           MACHINE_WEIGHT_MAX);
    *comma = 0;
  }
  return add_address(parser, text, secure, weight);
}

static bool add_weight(const struct options *parser, struct serve_options *options) {
  const char *problem = serve_weights_add(&options->weights, parser->value);
  return !problem || options_wrong(parser, "%s", problem);
}

/* ---- options --------------------------------------------------------------------------------- */

enum option_code {
  OPTION_HTTP = 1,
  OPTION_HTTPS,
  OPTION_SPDY,
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
  OPTION_ACCESS_LOG,
  OPTION_LOG_FORMAT,
  OPTION_RECORD,
  OPTION_RECORD_SECRETS,
  OPTION_VERBOSE,
};

static const struct option names[] = {
    {"http", required_argument, NULL, OPTION_HTTP},
    {"https", required_argument, NULL, OPTION_HTTPS},
    {"spdy", no_argument, NULL, OPTION_SPDY},
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
    {"access-log", required_argument, NULL, OPTION_ACCESS_LOG},
    {"log-format", required_argument, NULL, OPTION_LOG_FORMAT},
    {"record", required_argument, NULL, OPTION_RECORD},
    {"record-secrets", no_argument, NULL, OPTION_RECORD_SECRETS},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* A valid field value (RFC 9110 section 5.5), without white space at the ends. */
static bool set_field_value(const struct options *parser, const char **out) {
  const char *text = parser->value;
  size_t len = strlen(text);
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
      return failure_set(parser->failure, "%s: a value must not contain control characters",
                         parser->option);
  if (len > SERVE_FIELD_VALUE_BYTES_MAX)
    return failure_set(parser->failure, "%s: more than %d bytes", parser->option,
                       SERVE_FIELD_VALUE_BYTES_MAX);
  if (len == 0 || text[0] == ' ' || text[len - 1] == ' ')
    return failure_set(parser->failure, "%s: expected a value without spaces around it",
                       parser->option);
  *out = text;
  return true;
}

static bool add_preload(const struct options *parser, struct serve_options *options) {
  const char *text = parser->value, *equals = strchr(text, '=');
  if (text[0] != '/' || !equals || equals[1] != '/' || strpbrk(text, " \t\r\n"))
    return options_wrong(parser, "expected PAGE=PATH such as /=/style.css");
  if (options->preload_count == SERVE_PRELOADS_MAX)
    return options_wrong(parser, "more than %d; use --push-manifest", SERVE_PRELOADS_MAX);
  options->preloads[options->preload_count++] = text;
  return true;
}

static bool set_flow(const struct options *parser, struct serve_options *options) {
  if (h2_flow_parse(parser->value, &options->flow)) return true;
  return options_wrong(parser, "expected auto, consume, threshold or echo");
}

static bool set_log_format(const struct options *parser, struct serve_options *options) {
  options->log_format_given = true;
  options->log_format = strcmp(parser->value, "json") == 0 ? LOG_JSON : LOG_COMBINED;
  return options->log_format == LOG_JSON || strcmp(parser->value, "combined") == 0 ||
         options_wrong(parser, "expected combined or json");
}

/* Keeps `text`, and converts its type to lower case, since media types ignore case. */
static bool add_head_start(const struct options *parser, struct serve_options *options,
                           char *text) {
  for (char *at = text; *at && *at != '@' && *at != '='; at++)
    *at = (char)text_lower((uint8_t)*at);
  struct head_start_rules *rules = &options->head_starts;
  /* One place is reserved for the default. */
  if (rules->count + 1 == HEAD_START_RULES_MAX)
    return options_wrong(parser, "more than %u rules", HEAD_START_RULES_MAX - 1);
  if (head_start_add(rules, span_text(text))) return true;
  return options_wrong(parser, "expected TYPE[@PATH]=BYTES[k][:URGENCY] such as image/*=4k, or "
                               "scan for BYTES");
}

static bool take(struct options *parser, int code, char *value) {
  struct serve_options *options = parser->out;
  switch ((enum option_code)code) {
  case OPTION_HTTP: return add_weighted(parser, value, false);
  case OPTION_HTTPS: return add_weighted(parser, value, true);
  case OPTION_SPDY: options->spdy = true; return true;
  case OPTION_CERT: options->certificate = value; return true;
  case OPTION_KEY: options->key = value; return true;
  case OPTION_CACHE_CONTROL: return set_field_value(parser, &options->cache_control);
  case OPTION_PRELOAD: return add_preload(parser, options);
  case OPTION_PUSH_MANIFEST: options->push_manifest = value; return true;
  case OPTION_NO_PUSH: options->push = false; return true;
  case OPTION_NO_RFC7540_PRIORITIES: options->no_rfc7540_priorities = true; return true;
  case OPTION_WORKERS: return options_count(parser, 1, IO_WORKERS_MAX, &options->workers);
  case OPTION_CONNECTIONS: return options_count(parser, 1, 10000000, &options->connections);
  case OPTION_STREAMS: return options_count(parser, 1, 65536, &options->concurrent_streams);
  case OPTION_FLOW: return set_flow(parser, options);
  case OPTION_WINDOW:
    return options_count(parser, 1, H2_CONNECTION_WINDOW_BYTES_MAX, &options->window_bytes);
  case OPTION_HEAD_START: return add_head_start(parser, options, value);
  case OPTION_WEIGHT: return add_weight(parser, options);
  case OPTION_IDLE_SECONDS: return options_count(parser, 1, 86400, &options->idle_seconds);
  case OPTION_DRAIN_SECONDS: return options_count(parser, 0, 86400, &options->drain_seconds);
  case OPTION_ACCESS_LOG: options->access_log = value; return true;
  case OPTION_LOG_FORMAT: return set_log_format(parser, options);
  case OPTION_RECORD: options->record = value; return true;
  case OPTION_RECORD_SECRETS: options->record_secrets = true; return true;
  case OPTION_VERBOSE: options->verbose = true; return true;
  }
  return true;
}

/* What only the whole command line shows. */
static bool check(struct serve_options *options, const struct failure *failure) {
  bool secure = options->listener_count == 0;
  for (unsigned i = 0; i < options->listener_count; i++)
    secure |= options->listeners[i].secure;
  options->head_starts.at[options->head_starts.count++] = head_start_rules_default.at[0];
  if (options->certificate && !options->key)
    return failure_set(failure, "--cert needs --key, its private key");
  if (options->key && !options->certificate)
    return failure_set(failure, "--key needs --cert, its certificate");
  if (options->certificate && !secure)
    return failure_set(failure, "--cert has no effect without --https");
  if (options->log_format_given && !options->access_log)
    return failure_set(failure, "--log-format has no effect without --access-log");
  if (options->record_secrets && !options->record)
    return failure_set(failure, "--record-secrets has no effect without --record");
  if (options->record && options->access_log && strcmp(options->record, options->access_log) == 0)
    return failure_set(failure, "--record and --access-log need different files");
  if (options->directory) return true;
  const char *for_files = options->cache_control       ? "--cache-control"
                          : options->push_manifest     ? "--push-manifest"
                          : options->preload_count > 0 ? "--preload"
                                                       : NULL;
  return !for_files || failure_set(failure, "%s needs a directory to serve", for_files);
}

static bool set_directory(struct serve_options *options, const struct options *parser) {
  if (parser->operand_count > 1)
    return failure_set(parser->failure, "%s: only one directory can be served",
                       parser->operands[1]);
  if (parser->operand_count == 1 && !parser->operands[0][0])
    return failure_set(parser->failure, "DIR is empty");
  options->directory = parser->operand_count ? parser->operands[0] : NULL;
  return true;
}

/* Listens on the default addresses when no option names one. */
static bool add_default_addresses(struct options *parser, const struct serve_options *options) {
  if (options->listener_count > 0) return true;
  return add_address(parser, "localhost:8080", false, 0) &&
         add_address(parser, "localhost:8443", true, 0);
}

enum options_result serve_options_parse(struct serve_options *options, int argc, char **argv,
                                        const struct failure *failure) {
  struct options parser = {.out = options, .failure = failure};
  *options = (struct serve_options){.drain_seconds = SERVE_DRAIN_SECONDS_DEFAULT, .push = true};
  enum options_result result = options_read(&parser, argc, argv, names, take);
  if (result != OPTIONS_RUN) return result;
  bool good = set_directory(options, &parser) && check(options, failure) &&
              add_default_addresses(&parser, options);
  return good ? OPTIONS_RUN : OPTIONS_WRONG;
}
