/*
 * tunnel/options.c - parses the command line of `weir tunnel`; see tunnel/options.h.
 */
#include "tools/tunnel/options.h"
#include "tools/common/ring.h"

#include <string.h>

#include "io/base/limits.h"

static const char help[] =
    "Usage: weir tunnel --pod [NAMESPACE/]NAME=HOST[:PORT]... [OPTIONS]\n"
    "\n"
    "Lets kubectl port-forward reach hosts that are in no cluster. It looks like the API\n"
    "server of a cluster whose pods are the hosts given by --pod.\n"
    "\n"
    "Pods\n"
    "  --pod [NAMESPACE/]NAME=HOST[:PORT]\n"
    "                         the pod NAME is HOST, an address or a name, which is looked up\n"
    "                         at the start. Each port of the pod is that port of HOST. With\n"
    "                         PORT, all of them lead to PORT, and there is a service NAME\n"
    "                         with that port. NAMESPACE is \"default\" unless given. May be\n"
    "                         repeated\n"
    "\n"
    "Where to listen\n"
    "  --listen ADDR:PORT     an IPv4 address, an [IPv6] address, or localhost. PORT alone is\n"
    "                         on 127.0.0.1, :PORT on all addresses. May be repeated.\n"
    "                         Default: 127.0.0.1:8001\n"
    "  --kubeconfig-out FILE  write a kubeconfig for this server, with its certificate and\n"
    "                         the first token\n"
    "\n"
    "Who may use it (everybody, unless one of these options is given)\n"
    "  --token TOKEN          clients that send this bearer token. May be repeated\n"
    "  --token-seconds N      the tokens expire N s after the start\n"
    "  --client-ca FILE       clients with a certificate of an authority in FILE, PEM\n"
    "\n"
    "TLS (off, unless one of these options or of those above is given)\n"
    "  --tls                  with a self-signed certificate that is made at the start\n"
    "  --cert FILE            certificate chain, PEM, the server's own first\n"
    "  --key FILE             its private key, PEM\n"
    "\n"
    "How to behave\n"
    "  --write-errors         write errors of targets to error streams, as a kubelet does.\n"
    "                         kubectl ends all its connections when it reads one. Without\n"
    "                         this option only the connection concerned is reset\n"
    "  --keepalive SECONDS    send PING to a client that was silent for this long, and give\n"
    "                         it up after as long again (default 60), unless output waits\n"
    "                         for it: a client that reads nothing cannot answer\n"
    "  --fault KIND[:EVERY]   misbehave on every EVERY-th connection (default: each), to test\n"
    "                         clients. May be repeated. KIND is\n"
    "                         reset   the data stream is reset after 100 ms\n"
    "                         drop    the session ends with a GOAWAY after 100 ms\n"
    "                         vanish  the socket is closed without a word after 100 ms\n"
    "                         delay   the SYN_REPLY of the data stream comes after 3 s\n"
    "                         error   bytes are written to the error stream\n"
    "                         stall   nothing is read from the data stream\n"
    "  --workers N            threads. Default: the cores of the affinity mask\n"
    "  --ring ENGINE          " RING_HELP "\n"
    "  --verbose              print a line for each connection, and totals at exit\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "Example: reach a database as if it were a pod\n"
    "  weir tunnel --pod db=10.0.0.5 &\n"
    "  kubectl -s http://127.0.0.1:8001 port-forward pod/db 5432:5432\n"
    "Example: with TLS and a token\n"
    "  weir tunnel --pod db=10.0.0.5 --token secret --kubeconfig-out tunnel.yaml &\n"
    "  kubectl --kubeconfig tunnel.yaml port-forward pod/db 5432:5432\n"
    "\n"
    "Exit status: 0 success, 1 failure, 2 wrong command line.\n";

const char *tunnel_options_help(void) {
  return help;
}

enum option_code {
  OPTION_LISTEN = 1,
  OPTION_POD,
  OPTION_TLS,
  OPTION_CERT,
  OPTION_KEY,
  OPTION_CLIENT_CA,
  OPTION_TOKEN,
  OPTION_TOKEN_SECONDS,
  OPTION_KUBECONFIG_OUT,
  OPTION_FAULT,
  OPTION_WRITE_ERRORS,
  OPTION_KEEPALIVE,
  OPTION_WORKERS,
  OPTION_RING,
  OPTION_VERBOSE,
};

static const struct option names[] = {
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"pod", required_argument, NULL, OPTION_POD},
    {"tls", no_argument, NULL, OPTION_TLS},
    {"cert", required_argument, NULL, OPTION_CERT},
    {"key", required_argument, NULL, OPTION_KEY},
    {"client-ca", required_argument, NULL, OPTION_CLIENT_CA},
    {"token", required_argument, NULL, OPTION_TOKEN},
    {"token-seconds", required_argument, NULL, OPTION_TOKEN_SECONDS},
    {"kubeconfig-out", required_argument, NULL, OPTION_KUBECONFIG_OUT},
    {"fault", required_argument, NULL, OPTION_FAULT},
    {"write-errors", no_argument, NULL, OPTION_WRITE_ERRORS},
    {"keepalive", required_argument, NULL, OPTION_KEEPALIVE},
    {"workers", required_argument, NULL, OPTION_WORKERS},
    {"ring", required_argument, NULL, OPTION_RING},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {0},
};

static bool add_listener(const struct options *parser, struct tunnel_options *options) {
  if (options->listener_count == TUNNEL_LISTENERS_MAX)
    return options_wrong(parser, "more than %d addresses", TUNNEL_LISTENERS_MAX);
  if (!address_parse(&options->listeners[options->listener_count], parser->value))
    return options_wrong(parser, "not an address; expected ADDR:PORT such as 127.0.0.1:8001");
  options->listener_count++;
  return true;
}

/* The characters of RFC 6750 fit in a field's value, and in a quoted string of YAML. */
static bool add_token(const struct options *parser, struct tunnel_access *access) {
  const char *token = parser->value;
  static const char letters[] =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=";
  size_t len = strlen(token);
  if (access->token_count == TUNNEL_TOKENS_MAX)
    return options_wrong(parser, "more than %d tokens", TUNNEL_TOKENS_MAX);
  if (len > TUNNEL_TOKEN_BYTES_MAX)
    return failure_set(parser->failure, "%s: longer than %d characters", parser->option,
                       TUNNEL_TOKEN_BYTES_MAX);
  if (len == 0 || strspn(token, letters) != len)
    return failure_set(parser->failure, "%s: a token has letters, digits and -._~+/= (RFC 6750)",
                       parser->option);
  access->tokens[access->token_count++] = token;
  return true;
}

static bool add(const struct options *parser, const char *wrong) {
  return !wrong || options_wrong(parser, "%s", wrong);
}

static bool take(struct options *parser, int code, char *value) {
  struct tunnel_options *options = parser->out;
  switch ((enum option_code)code) {
  case OPTION_LISTEN: return add_listener(parser, options);
  case OPTION_POD: return add(parser, pods_add(&options->pods, value));
  case OPTION_TLS: options->tls = true; return true;
  case OPTION_CERT: return options_file(parser, &options->certificate);
  case OPTION_KEY: return options_file(parser, &options->key);
  case OPTION_CLIENT_CA: return options_file(parser, &options->client_ca);
  case OPTION_TOKEN: return add_token(parser, &options->access);
  case OPTION_TOKEN_SECONDS: return options_count(parser, 1, 86400, &options->access.token_seconds);
  case OPTION_KUBECONFIG_OUT: return options_file(parser, &options->kubeconfig_out);
  case OPTION_FAULT: return add(parser, faults_add(&options->faults, value));
  case OPTION_WRITE_ERRORS: options->write_errors = true; return true;
  case OPTION_KEEPALIVE: return options_count(parser, 1, 3600, &options->keepalive_seconds);
  case OPTION_WORKERS: return options_count(parser, 1, IO_WORKERS_MAX, &options->workers);
  case OPTION_RING: return ring_option(parser, &options->ring);
  case OPTION_VERBOSE: options->verbose = true; return true;
  }
  return true;
}

/* What only the whole command line shows. */
static bool check(struct tunnel_options *options, const struct options *parser) {
  const struct failure *failure = parser->failure;
  if (parser->operand_count > 0)
    return failure_set(failure, "%s: no such operand; pods are given by --pod NAME=HOST",
                       failure_shown(parser->operands[0]));
  if (options->pods.count == 0)
    return failure_set(failure, "no pod: --pod NAME=HOST is needed; see weir tunnel --help");
  if (options->certificate && !options->key)
    return failure_set(failure, "--cert needs --key, its private key");
  if (options->key && !options->certificate)
    return failure_set(failure, "--key needs --cert, its certificate");
  if (options->access.token_seconds && options->access.token_count == 0)
    return failure_set(failure, "--token-seconds has no effect without --token");
  options->access.certificates = options->client_ca;
  options->tls |= options->certificate || options->client_ca || options->access.token_count > 0;
  if (options->listener_count == 0)
    return address_parse(&options->listeners[options->listener_count++], "127.0.0.1:8001");
  return true;
}

enum options_result tunnel_options_parse(struct tunnel_options *options, int argc, char **argv,
                                         const struct failure *failure) {
  struct options parser = {.out = options, .failure = failure};
  memset(options, 0, sizeof *options);
  options->keepalive_seconds = TUNNEL_KEEPALIVE_SECONDS;
  enum options_result result = options_read(&parser, argc, argv, names, take);
  if (result != OPTIONS_RUN) return result;
  return check(options, &parser) ? OPTIONS_RUN : OPTIONS_WRONG;
}
