/*
 * load/options_h2load.c - options of h2load 1.52 that weir load does not have, each with what to use
 * instead; and the page that compares them all.
 */
#include <string.h>

#include "tools/load/options_rows.h"

#define NO_HTTP3 LOAD_INSTEAD("weir load speaks no HTTP/3")

/* -p. The default there is the only choice here. */
static bool take_protocol(struct options *parser, struct load_options *options, char *text) {
  (void)options;
  if (strcmp(text, "h2c") == 0) return true;
  return options_wrong(parser, "for HTTP/1.1 use --h1; without it, http:// is h2c");
}

static const struct load_option rows[] = {
    {"base-uri", 'B', "URI",
     LOAD_INSTEAD("leave out -B: with -i, a URL names the server; or use --connect-to"), NULL},
    {"rate-period", 0, "TIME",
     LOAD_INSTEAD("use --connect-rate N/TIME; -r N/TIME is a rate of requests"), NULL},
    {"connection-active-timeout", 0, "TIME",
     LOAD_INSTEAD("use --requests-per-connection, or -D for the whole run; -T is for requests"),
     NULL},
    {"connection-inactivity-timeout", 'N', "TIME",
     LOAD_INSTEAD("use -T: each request has that long"), NULL},
    {"timing-script-file", 0, "FILE",
     LOAD_INSTEAD("use -i with time_ns in the JSON form, and --replay; see --help=requests"), NULL},
    {"no-tls-proto", 'p', "PROTO", LOAD_TAKE(take_protocol), NULL},
    {"npn-list", 0, "LIST", LOAD_INSTEAD("use --h2 or --h1; without them TLS offers both"), NULL},
    {"alpn-list", 0, "LIST", LOAD_INSTEAD("use --h2 or --h1; without them TLS offers both"), NULL},
    {"tls13-ciphers", 0, "LIST", LOAD_INSTEAD("use --ciphers; see --help=tls"), NULL},
    {"ktls", 0, NULL, LOAD_INSTEAD("weir load leaves TLS to OpenSSL: leave it out"), NULL},
    {"verbose", 'v', NULL, LOAD_INSTEAD("use weir trace, which shows every frame"), NULL},
    {"qlog-file-base", 0, "PATH", NO_HTTP3, NULL},
    {"no-udp-gso", 0, NULL, NO_HTTP3, NULL},
    {"max-udp-payload-size", 0, "SIZE", NO_HTTP3, NULL},
};

static const char more[] =
    "Options of h2load (1.52) in weir load\n"
    "\n"
    "The same: -c -d -D -f -H -i -m -n -t -w -W --connect-to --h1 --rps --warm-up-time\n"
    "  --ciphers --groups --header-table-size --encoder-header-table-size --log-file\n"
    "  --version -h\n"
    "\n"
    "Different\n"
    "  -r N      requests a second over all connections. h2load's -r N, connections a second:\n"
    "            --connect-rate N\n"
    "  -T TIME   the time of each request. h2load's is that of a connection\n"
    "  -n N      with -D: refused, not ignored. Default: one request for each connection\n"
    "  -H        one of a default's name replaces it, further ones are sent too\n"
    "  -k        h2load never verifies certificates; weir load does, unless there is -k\n"
    "  TIME      also 1m30s, 1.5s and 100us\n"
    "  URLs      of several servers divide the connections; h2load asks the first for all\n"
    "\n"
    "Not in weir load\n"
    "  -B, --base-uri URI                        URI alone, with -i; or --connect-to\n"
    "  --rate-period TIME                        --connect-rate N/TIME\n"
    "  --connection-active-timeout TIME          --requests-per-connection, or -D\n"
    "  -N, --connection-inactivity-timeout TIME  -T\n"
    "  --timing-script-file FILE                 -i FILE --replay; see --help=requests\n"
    "  -p, --no-tls-proto http/1.1               --h1; h2c is the default, as there\n"
    "  --npn-list, --alpn-list LIST              --h1, --h2\n"
    "  --tls13-ciphers LIST                      --ciphers\n"
    "  --ktls                                    nothing\n"
    "  -v, --verbose                             weir trace\n"
    "  --qlog-file-base, --no-udp-gso, --max-udp-payload-size: there is no HTTP/3\n";

const struct load_option_family load_options_h2load = {
    .topic = "h2load", LOAD_OPTIONS(rows), .more = more};
