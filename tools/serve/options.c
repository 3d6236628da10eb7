/*
 * serve/options.c - parses the command line of `weir serve`; see serve/options.h.
 */
#include "tools/serve/options.h"

#include <stdlib.h>
#include <string.h>

#include "tools/serve/config/find.h"
#include "tools/serve/config/make.h"

static const char help[] =
    "Usage: weir serve [OPTIONS] [DIR]\n"
    "\n"
    "Serves the files in DIR over HTTP/2 and HTTP/1.1. Without DIR, serves a small built-in\n"
    "site.\n"
    "\n"
    "Where to listen (options may be repeated)\n"
    "  --http ADDR:PORT       in clear text: HTTP/1.1, also with an upgrade to h2c, and\n"
    "                         HTTP/2 with prior knowledge\n"
    "  --https ADDR:PORT      over TLS 1.2 and 1.3: HTTP/2 or HTTP/1.1, by ALPN.\n"
    "                         ADDR is an IPv4 address, an [IPv6] address, or localhost\n"
    "                         (127.0.0.1 and [::1]). PORT alone means localhost:PORT;\n"
    "                         :PORT means all addresses.\n"
    "                         ADDR:PORT,weight=N also sets the weight of connections\n"
    "                         that come in there; see --weight.\n"
    "                         Default: --http localhost:8080 --https localhost:8443\n"
    "  --spdy                 speak SPDY/3.1 too: over TLS by ALPN (spdy/3.1), in clear text\n"
    "                         with prior knowledge or by Upgrade: SPDY/3.1\n"
    "  --cert FILE            certificate chain, PEM, the server's own first\n"
    "  --key FILE             its private key, PEM. Further pairs may follow:\n"
    "                         --cert, --key, --cert, --key. Clients get the certificate of\n"
    "                         the name they ask for, of the kind (ECDSA, RSA) they support,\n"
    "                         else the first. Files that change are read again. Without\n"
    "                         --cert and --key, weir makes a self-signed certificate in\n"
    "                         memory and prints its SHA-256 fingerprint\n"
    "  --ciphers LIST         of TLS 1.2 and 1.3 in OpenSSL's names, the preferred first:\n"
    "                         A:B. Default: OpenSSL's or the system's, in the client's\n"
    "                         order. TLS 1.2 gets those with ECDHE and AEAD only\n"
    "  --groups LIST          of the key exchange, likewise: X25519:P-256\n"
    "  --client-ca FILE       clients must show a certificate that an authority in this PEM\n"
    "                         file vouches for; its subject is in the access log\n"
    "  --client-optional      they may show none\n"
    "  --key-log FILE         append the secrets of TLS connections to FILE, so that\n"
    "                         Wireshark can decrypt them: --key-log \"$SSLKEYLOGFILE\".\n"
    "                         Who reads the file can read all traffic\n"
    "  --ticket-keys FILE     session-ticket keys, so that several servers can resume each\n"
    "                         other's sessions: 80 bytes each, as in nginx; the first\n"
    "                         encrypts. Read again when it changes. Default: keys in\n"
    "                         memory, replaced every 3 hours\n"
    "\n"
    "What to send\n"
    "  --cache-control VALUE  send this Cache-Control with every file: max-age=3600\n"
    "  --no-compress          send files as they are, or with what lies beside them: FILE.br,\n"
    "                         FILE.zst, FILE.gz. Else text is compressed on the fly (brotli,\n"
    "                         zstd, gzip). Turn it off for pages that hold both secrets and\n"
    "                         what a stranger can choose: their sizes tell (BREACH)\n"
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
    "                         Default: image/*=scan, at urgency 2. After --route or\n"
    "                         --host, a rule counts there, before others\n"
    "  --no-rfc7540-priorities\n"
    "                         follow only the priority field and PRIORITY_UPDATE\n"
    "                         (RFC 9218), ignore the weights and dependencies of\n"
    "                         RFC 7540, and tell clients so\n"
    "\n"
    "Rules, each for what --host and --route before it name (options may be repeated)\n"
    "  --cache-rule 'PATTERN: VALUE'\n"
    "                         Cache-Control of files whose name matches PATTERN, or whose\n"
    "                         path does if that begins with /; the first match counts\n"
    "  --type EXT=TYPE        content-type of files whose name ends with .EXT\n"
    "  --charset NAME         charset of text (default utf-8), or none\n"
    "  --index NAME           file that stands for its directory (default index.html)\n"
    "  --listing              list directories without such a file\n"
    "  --fallback PATH        send this file where nothing is, for single-page applications;\n"
    "                         not for paths of a known type: a missing .js stays 404\n"
    "  --error-page N=FILE    send FILE with error N\n"
    "  --header-set 'NAME: VALUE'\n"
    "                         set a field of all responses; --header-add adds one beside\n"
    "                         others. Strict-Transport-Security is sent over TLS only;\n"
    "                         Content-Encoding, of files stored so, needs --no-compress\n"
    "  --header-add 'NAME: VALUE'\n"
    "  --header-remove NAME   remove one\n"
    "  --access RULE          'allow NETWORK' or 'deny NETWORK', which may be all. The first\n"
    "                         match counts; others are let in unless a rule allows. 0.0.0.0/0\n"
    "                         is all of IPv4, ::/0 all of IPv6\n"
    "  --request-rate RATE    requests of a client, an IPv4 address or an IPv6 /64: 100/s,\n"
    "                         30/m or 100/s,burst=500. Beyond it 429; on each worker.\n"
    "                         Pushes are not counted\n"
    "  --connection-rate RATE\n"
    "                         new connections of a client, on each worker, whatever is\n"
    "                         asked for there\n"
    "  --connections-per-client N\n"
    "                         most that a client may have open at once, on each worker\n"
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
    "  --metrics ADDR:PORT    show metrics to Prometheus, in clear text, at /metrics; and to\n"
    "                         probes /healthz, and /readyz, which fails while the server\n"
    "                         drains. PORT alone means 127.0.0.1:PORT\n"
    "  --user NAME[:GROUP]    give up root's privileges for good, once ports, keys and logs are\n"
    "                         open. Keys that are read again and logs that are opened\n"
    "                         anew must then be open to NAME\n"
    "  --ring ENGINE          io_uring, epoll, or auto: io_uring unless it is missing or\n"
    "                         refused. Without io_uring a request costs more (default\n"
    "                         auto)\n"
    "  --verbose              list the kernel features found and what a cgroup's memory\n"
    "                         limit allows, tell why each path's first 403, and print\n"
    "                         totals at exit\n"
    "\n"
    "Configuration files (the same settings, and several hosts and routes: man weir)\n"
    "  --config FILE          read all settings from FILE. SIGHUP reads it anew\n"
    "  --check                only say whether the settings can be used\n"
    "  --print-config         print all settings as a file\n"
    "  --host NAME            what follows is for this host: example.org, *.example.org, or\n"
    "                         default for all others. May be repeated\n"
    "  --route PATH           what follows is for this path and those below it; with rules\n"
    "                         alone, it serves the files there of the host's directory\n"
    "  --directory DIR        serve the files in DIR there\n"
    "  --redirect URL         redirect there; a URL that ends with / gets the rest of the\n"
    "                         path and the query\n"
    "  --answer TEXT          answer TEXT there\n"
    "  --answer-type TYPE     content-type of such answers (default text/plain)\n"
    "  --status N             of an answer (default 200) or a redirect (default 302)\n"
    "  --demo                 the built-in site there\n"
    "  --https-only           redirect requests in clear text to https\n"
    "\n"
    "  -h, --help             print this help\n"
    "  -V, --version          print the version\n"
    "\n"
    "SIGTERM and SIGINT stop the server gracefully, and so does closing its terminal,\n"
    "unless nohup started it; a second signal stops it at once.\n"
    "SIGUSR1 prints all counters, summed over the workers, as one line of JSON to\n"
    "standard error. SIGUSR2 opens the files of --access-log and --record anew,\n"
    "after they were renamed.\n"
    "SIGRTMIN (kill -RTMIN) replaces the running program by the one that lies in its\n"
    "place now, with the same options: the new one gets the listening sockets, and when\n"
    "it serves, the old one drains. No connection is lost; if the new one fails, the old\n"
    "one goes on.\n"
    "\n"
    "Ports below 1024 are root's. Others get them from systemd (weir.socket: LISTEN_FDS),\n"
    "by the capability (AmbientCapabilities=CAP_NET_BIND_SERVICE in a unit, or setcap\n"
    "cap_net_bind_service=+ep on the program), by sysctl\n"
    "net.ipv4.ip_unprivileged_port_start=80, or from root with --user. A socket of systemd\n"
    "belongs to the --http or --https that has its address; others must have the name\n"
    "http or https (FileDescriptorName=).\n"
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

/* ---- the line ----------------------------------------------------------------------------------- */

/* A command line that is being read. */
struct line {
  struct serve_options *options;
  struct config_document document;
  struct config_part *certificate, *host, *route; /* what options are for now, or NULL */
  bool naming;                   /* the last option was --host: another one names the same host */
  unsigned count;                /* of options so far */
  char first[OPTION_NAME_BYTES]; /* the first that is a setting */
};

/* Codes of options that are keys: two each, of which the second is that of --no-KEY. */
enum { OPTION_CONFIG = 1, OPTION_CHECK, OPTION_PRINT_CONFIG, OPTION_KEYS = 256 };

static struct config_part *add_part(struct line *line, struct config_part *parent,
                                    enum config_scope scope) {
  return config_document_add(&line->document, parent, scope, (struct place){0, line->count});
}

/* A certificate that has this key already is followed by another one. */
static struct config_part *certificate_for(struct line *line, const struct config_key *key) {
  if (!line->certificate || config_document_own(line->certificate, key)->given)
    line->certificate = add_part(line, line->document.global, CONFIG_CERTIFICATE);
  return line->certificate;
}

static struct config_part *host_for(struct line *line) {
  if (!line->naming) line->host = add_part(line, line->document.global, CONFIG_HOST);
  line->route = NULL;
  line->naming = true;
  return line->host;
}

static struct config_part *route_for(struct line *line) {
  struct config_part *parent = line->host ? line->host : line->document.global;
  line->route = add_part(line, parent, CONFIG_ROUTE);
  return line->route;
}

/* The part that an option belongs to; NULL when there are too many. */
static struct config_part *part_for(struct line *line, const struct config_key *key) {
  bool naming = line->naming;
  line->naming = false;
  if (key->scopes == CONFIG_CERTIFICATE) return certificate_for(line, key);
  if (key->scopes == CONFIG_HOST) {
    line->naming = naming;
    return host_for(line);
  }
  if (key->scopes == CONFIG_ROUTE) return route_for(line);
  if (key->scopes & CONFIG_ROUTE && line->route) return line->route;
  if (key->scopes & CONFIG_HOST && line->host) return line->host;
  return line->document.global;
}

/* Of options that are no lists the last one counts. */
static bool give(struct line *line, const struct config_key *key, const char *text,
                 const struct failure *failure) {
  struct config_part *part = part_for(line, key);
  if (!part)
    return failure_set(failure, "more than %d hosts, routes and certificates", CONFIG_PARTS_MAX);
  if (!key->many) config_document_clear(part, key);
  return config_document_give(&line->document, part, key, text, (struct place){0, line->count}) ||
         failure_set(failure, "out of memory");
}

static bool take(struct options *parser, int code, char *value) {
  struct line *line = parser->out;
  line->count++;
  switch (code) {
  case OPTION_CONFIG: return options_file(parser, &line->options->file);
  case OPTION_CHECK: line->options->check = true; return true;
  case OPTION_PRINT_CONFIG: line->options->print = true; return true;
  default: break;
  }
  if (!line->first[0]) memcpy(line->first, parser->option, sizeof line->first);
  const struct config_key *key = &config_keys[(code - OPTION_KEYS) / 2];
  bool no = (code - OPTION_KEYS) % 2;
  const char *text = value ? value : no ? "false" : "true";
  return give(line, key, text, parser->failure);
}

/* ---- the options --------------------------------------------------------------------------------- */

static const struct option others[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"check", no_argument, NULL, OPTION_CHECK},
    {"print-config", no_argument, NULL, OPTION_PRINT_CONFIG},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
};

enum { OTHERS = sizeof others / sizeof *others };

/* The options of all keys and the others, in the arena. NULL when memory was refused. */
static struct option *names_of_options(struct arena *arena) {
  struct option *names = arena_alloc(arena, (2 * config_key_count + OTHERS + 1) * sizeof *names);
  if (!names) return NULL;
  size_t count = 0;
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    bool flag = key->type == CONFIG_FLAG;
    const char *option = config_key_option(key);
    int code = OPTION_KEYS + 2 * (int)i;
    names[count++] = (struct option){option, flag ? no_argument : required_argument, NULL, code};
    if (!flag) continue;
    char *no = arena_alloc(arena, strlen(option) + sizeof "no-");
    if (!no) return NULL;
    strcat(strcpy(no, "no-"), option);
    names[count++] = (struct option){no, no_argument, NULL, code + 1};
  }
  memcpy(&names[count], others, sizeof others);
  return names;
}

/* ---- all ------------------------------------------------------------------------------------------ */

static bool set_directory(struct line *line, const struct options *parser) {
  const struct config_key *key = config_key_find("directory");
  if (parser->operand_count > 1)
    return failure_set(parser->failure, "%s: only one directory can be served",
                       parser->operands[1]);
  if (parser->operand_count == 0) return true;
  const char *directory = parser->operands[0];
  if (!directory[0]) return failure_set(parser->failure, "DIR is empty");
  if (config_document_own(line->document.global, key)->given)
    return failure_set(parser->failure, "%s: --directory names one already", directory);
  if (line->options->file)
    return failure_set(parser->failure, "%s: with --config, the file names the directories",
                       directory);
  return config_document_give(&line->document, line->document.global, key, directory,
                              (struct place){0}) ||
         failure_set(parser->failure, "out of memory");
}

/* Makes the configuration of the options. With a file, they are none. */
static enum options_result make(struct line *line, const struct failure *failure) {
  struct serve_options *options = line->options;
  if (options->file && line->first[0]) {
    failure_set(failure, "%s: with --config, all settings stand in the file", line->first);
    return OPTIONS_WRONG;
  }
  if (options->file) return OPTIONS_RUN;
  struct mistakes mistakes = {0};
  bool impossible;
  options->config = config_make(&line->document, true, &mistakes, &impossible);
  if (options->config) return OPTIONS_RUN;
  mistakes_sort(&mistakes);
  failure_set(failure, "%s", mistakes.at[0].text);
  return impossible && mistakes.count == 1 ? OPTIONS_FAILED : OPTIONS_WRONG;
}

enum options_result serve_options_parse(struct serve_options *options, int argc, char **argv,
                                        const struct failure *failure) {
  struct line line = {.options = options};
  struct options parser = {.out = &line, .failure = failure};
  *options = (struct serve_options){0};
  struct arena arena = {0};
  enum options_result result = OPTIONS_WRONG;
  struct option *names = names_of_options(&arena);
  if (names && config_document_init(&line.document)) {
    result = options_read(&parser, argc, argv, names, take);
    if (result == OPTIONS_RUN && !set_directory(&line, &parser)) result = OPTIONS_WRONG;
    if (result == OPTIONS_RUN) result = make(&line, failure);
  } else {
    failure_set(failure, "out of memory");
  }
  config_document_free(&line.document);
  arena_free(&arena);
  return result;
}
