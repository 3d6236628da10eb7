/*
 * forward/options.c - see forward/options.h.
 */
#include "tools/forward/options.h"
#include "tools/common/option_values.h"
#include "tools/common/ring.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "Usage: weir forward [OPTIONS] POD|svc/NAME|URL [LOCAL:]REMOTE...\n"
    "\n"
    "Listens on local ports and forwards every connection to a port of a pod, through the\n"
    "Kubernetes API server, as kubectl port-forward does. Unlike with kubectl, a connection\n"
    "that fails never ends the others, a dead network is noticed, and a lost session is\n"
    "dialled again while the local ports stay open. Connections made meanwhile wait.\n"
    "\n"
    "What to forward to\n"
    "  POD, pod/POD           a pod\n"
    "  svc/NAME               a ready pod of a service, chosen again whenever the session is\n"
    "                         dialled; REMOTE is a port of the service\n"
    "  URL                    http[s]://HOST[:PORT]/[NAMESPACE/]POD: a pod of this server,\n"
    "                         such as weir tunnel, without a kubeconfig; or a whole path\n"
    "                         with a segment \"portforward\", as kubelets use\n"
    "  [LOCAL:]REMOTE         the local port and the pod's. Without LOCAL they are the same;\n"
    "                         \":REMOTE\" takes any free one. Behind a colon, REMOTE may be a\n"
    "                         name: 8080:http\n"
    "\n"
    "Which cluster\n"
    "      --kubeconfig FILE  instead of $KUBECONFIG, or of ~/.kube/config\n"
    "      --context NAME     instead of the current context\n"
    "  -n, --namespace NAME   instead of the context's\n"
    "      --token TOKEN      bearer token, instead of the kubeconfig's credentials\n"
    "      --token-file FILE  the same from a file, which is read for each session\n"
    "      --cert FILE, --key FILE\n"
    "                         client certificate and its key, PEM\n"
    "      --cacert FILE      trust these authorities, PEM\n"
    "  -k, --insecure         do not verify the server's certificate\n"
    "\n"
    "How\n"
    "      --address ADDRESS[,ADDRESS]...\n"
    "                         listen there, instead of on localhost (127.0.0.1 and ::1)\n"
    "      --keepalive TIME   give the session up when the server is silent for this long\n"
    "                         (default 10 s); after half of it, the server gets a PING.\n"
    "                         0: never\n"
    "      --no-reconnect     exit with status 1 when the session is lost. The default is\n"
    "                         --reconnect\n"
    "      --no-websocket     upgrade by POST at once, without trying a WebSocket first\n"
    "      --ring ENGINE      " RING_HELP "\n"
    "  -v, --verbose          print a line for each connection\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "Examples\n"
    "  weir forward postgres-0 5432\n"
    "      the database in pod postgres-0, on localhost:5432\n"
    "  weir forward -n shop svc/web 8080:http\n"
    "      the port named http of service web, on localhost:8080\n"
    "  weir forward -k --token-file token https://tunnel.example.org:7443/db :5432\n"
    "      through a server that is no cluster, on any free port\n"
    "\n"
    "The first Ctrl-C ends it. Exit status: 0 ended by a signal; 1 the session could not be\n"
    "made, or was lost with --no-reconnect; 2 wrong command line.\n";

const char *forward_options_help(void) {
  return help;
}

enum {
  OPTION_KUBECONFIG = 256,
  OPTION_CONTEXT,
  OPTION_TOKEN,
  OPTION_TOKEN_FILE,
  OPTION_CERT,
  OPTION_KEY,
  OPTION_CACERT,
  OPTION_ADDRESS,
  OPTION_KEEPALIVE,
  OPTION_RECONNECT,
  OPTION_NO_RECONNECT,
  OPTION_NO_WEBSOCKET,
  OPTION_RING,
};

static const struct option names[] = {
    {"kubeconfig", required_argument, NULL, OPTION_KUBECONFIG},
    {"context", required_argument, NULL, OPTION_CONTEXT},
    {"namespace", required_argument, NULL, 'n'},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"token-file", required_argument, NULL, OPTION_TOKEN_FILE},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"cacert", required_argument, NULL, OPTION_CACERT},
    {"insecure", no_argument, NULL, 'k'},
    {"address", required_argument, NULL, OPTION_ADDRESS},
    {"keepalive", required_argument, NULL, OPTION_KEEPALIVE},
    {"reconnect", no_argument, NULL, OPTION_RECONNECT},
    {"no-reconnect", no_argument, NULL, OPTION_NO_RECONNECT},
    {"no-websocket", no_argument, NULL, OPTION_NO_WEBSOCKET},
    {"ring", required_argument, NULL, OPTION_RING},
    {"verbose", no_argument, NULL, 'v'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

/* ---- values ---------------------------------------------------------------------------------- */

static bool add_address(const struct options *parser, struct forward_options *options,
                        const char *host) {
  if (options->address_count == FORWARD_ADDRESSES_MAX)
    return options_wrong(parser, "more than %d addresses", FORWARD_ADDRESSES_MAX);
  if (address_from_host(&options->addresses[options->address_count], host, 0)) {
    options->address_count++;
    return true;
  }
  return options_wrong(parser, "expected addresses such as 127.0.0.1, ::1 or localhost");
}

/* "localhost" is both 127.0.0.1 and ::1. */
static bool add_localhost(const struct options *parser, struct forward_options *options) {
  options->default_addresses = true;
  return add_address(parser, options, "127.0.0.1") && add_address(parser, options, "::1");
}

static bool set_addresses(const struct options *parser, struct forward_options *options) {
  options->address_count = 0;
  options->default_addresses = false;
  for (const char *at = parser->value;; at++) {
    char host[64];
    size_t len = strcspn(at, ",");
    snprintf(host, sizeof host, "%.*s", (int)(len < sizeof host ? len : sizeof host - 1), at);
    bool both = strcmp(host, "localhost") == 0;
    if (!(both ? add_localhost(parser, options) : add_address(parser, options, host))) return false;
    at += len;
    if (!*at) return true;
  }
}

static bool set_namespace(const struct options *parser, const char **out) {
  *out = parser->value;
  if (target_is_object_name(parser->value)) return true;
  return options_wrong(parser, "expected the name of a namespace, such as default");
}

/* A token is a secret: it is not repeated. */
static bool set_token(const struct options *parser, const char **out) {
  *out = parser->value;
  if (parser->value[0]) return true;
  return failure_set(parser->failure, "%s: expected a token", parser->option);
}

static bool set_keepalive(const struct options *parser, struct forward_options *options) {
  double seconds;
  if (!option_seconds(parser->value, &seconds) || (seconds > 0 && seconds < 1e-6))
    return options_wrong(parser,
                         "expected a time from 1us to 24h, such as 10 or 500ms, or 0 for never");
  options->keepalive_ns = (uint64_t)(seconds * 1e9);
  return true;
}

static bool take(struct options *parser, int code, char *value) {
  struct forward_options *options = parser->out;
  switch (code) {
  case OPTION_KUBECONFIG: return options_file(parser, &options->kubeconfig);
  case OPTION_CONTEXT: options->context = value; return true;
  case 'n': return set_namespace(parser, &options->namespace);
  case OPTION_TOKEN: return set_token(parser, &options->token);
  case OPTION_TOKEN_FILE: return options_file(parser, &options->token_file);
  case OPTION_CERT: return options_file(parser, &options->cert);
  case OPTION_KEY: return options_file(parser, &options->key);
  case OPTION_CACERT: return options_file(parser, &options->cacert);
  case 'k': options->insecure = true; return true;
  case OPTION_ADDRESS: return set_addresses(parser, options);
  case OPTION_KEEPALIVE: return set_keepalive(parser, options);
  case OPTION_RECONNECT: options->reconnect = true; return true;
  case OPTION_NO_RECONNECT: options->reconnect = false; return true;
  case OPTION_NO_WEBSOCKET: options->websocket = false; return true;
  case OPTION_RING: return ring_option(parser, &options->ring);
  case 'v': options->verbose = true; return true;
  default: return false;
  }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool take_operands(const struct options *parser, struct forward_options *options) {
  const struct failure *failure = parser->failure;
  if (parser->operand_count < 2)
    return failure_set(failure,
                       "expected POD, svc/NAME or a URL, and ports; see weir forward --help");
  if (parser->operand_count - 1 > FORWARD_PORTS_MAX)
    return failure_set(failure, "more than %d ports", FORWARD_PORTS_MAX);
  const char *namespace = options->namespace ? options->namespace : "default";
  if (!target_parse(&options->target, parser->operands[0], namespace, failure)) return false;
  for (int i = 1; i < parser->operand_count; i++)
    if (!target_port_parse(&options->ports[options->port_count++], parser->operands[i], failure))
      return false;
  return true;
}

static bool is_clear_text(const struct forward_options *options) {
  return options->target.kind == TARGET_URL && !options->target.url.secure;
}

/* Options that contradict each other. */
static bool check(const struct forward_options *options, const struct failure *failure) {
  bool url = options->target.kind == TARGET_URL;
  if (url && (options->kubeconfig || options->context))
    return failure_set(failure, "--kubeconfig and --context are not for a URL");
  if (options->token && options->token_file)
    return failure_set(failure, "--token and --token-file exclude each other");
  if (!options->cert != !options->key)
    return failure_set(failure, "--cert and --key need each other");
  if (options->insecure && options->cacert)
    return failure_set(failure, "--insecure and --cacert exclude each other");
  if (is_clear_text(options) && (options->token || options->token_file))
    return failure_set(failure, "a token is not sent over http://");
  for (unsigned i = 0; url && i < options->port_count; i++)
    if (!options->ports[i].remote)
      return failure_set(failure, "%s: with a URL, ports are numbers",
                         options->ports[i].remote_name);
  return true;
}

enum options_result forward_options_parse(struct forward_options *options, int argc, char **argv,
                                          const struct failure *failure) {
  struct options parser = {.out = options, .failure = failure};
  *options = (struct forward_options){
      .reconnect = true,
      .websocket = true,
      .keepalive_ns = FORWARD_KEEPALIVE_SECONDS_DEFAULT * SECOND_NS,
  };
  if (!add_localhost(&parser, options)) return OPTIONS_FAILED;
  enum options_result result = options_read(&parser, argc, argv, names, take);
  if (result != OPTIONS_RUN) return result;
  return take_operands(&parser, options) && check(options, failure) ? OPTIONS_RUN : OPTIONS_WRONG;
}
