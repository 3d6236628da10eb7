/*
 * load/options_others.c - options of generators other than h2load that weir load does not have, each with what
 * to use instead; and the page that compares them.
 */
#include "tools/load/options_rows.h"

static const struct load_option rows[] = {
    {"", 'R', "N", LOAD_INSTEAD("use -r N"), NULL},
    {"", 'z', "TIME", LOAD_INSTEAD("use -D TIME"), NULL},
    {"latency", 'L', NULL, LOAD_INSTEAD("latencies are always shown: leave it out"), NULL},
    {"script", 's', "FILE", LOAD_INSTEAD("use -i FILE; see --help=requests"), NULL},
    {"method", 'X', "METHOD", LOAD_INSTEAD("use -H ':method: METHOD'"), NULL},
    {"body", 0, "FILE", LOAD_INSTEAD("use -d FILE"), NULL},
    {"targets", 0, "FILE", LOAD_INSTEAD("use -i FILE; see --help=requests"), NULL},
    {"vus", 0, "N", LOAD_INSTEAD("use -c N: connections, each with one request at a time (-m)"),
     NULL},
    {"iterations", 0, "N", LOAD_INSTEAD("use -n N"), NULL},
    {"disable-keepalive", 0, NULL, LOAD_INSTEAD("use --requests-per-connection 1"), NULL},
    {"unix-socket", 0, "PATH", LOAD_INSTEAD("use --connect-to unix:PATH"), NULL},
    {"http2", 0, NULL, LOAD_INSTEAD("use --h2; without it, too, HTTP/2 is the first choice"), NULL},
    {"no-tui", 0, NULL, LOAD_INSTEAD("use -q"), NULL},
};

static const char more[] = "Options of wrk, wrk2, hey, oha, vegeta and k6 in weir load\n"
                           "\n"
                           "wrk, wrk2\n"
                           "  -c -t -H          the same\n"
                           "  -d TIME           -D TIME\n"
                           "  -R N              -r N\n"
                           "  -s, --script FILE -i FILE, with variables; see --help=requests\n"
                           "  --timeout TIME    -T TIME. Requests that take longer fail\n"
                           "  -L, --latency     nothing: latencies are always shown\n"
                           "  -H 'Connection: close'    --requests-per-connection 1\n"
                           "hey, oha\n"
                           "  -n -c -H          the same\n"
                           "  -z TIME           -D TIME\n"
                           "  -q N              -r N, over all connections; or --rps N for each\n"
                           "  -p N              -m N\n"
                           "  -m, -X, --method METHOD   -H ':method: METHOD'\n"
                           "  -d TEXT           -d FILE, which makes it a POST\n"
                           "  --disable-keepalive    --requests-per-connection 1\n"
                           "  --unix-socket PATH     --connect-to unix:PATH\n"
                           "  --no-tui          -q\n"
                           "  --http2           --h2, or nothing\n"
                           "vegeta\n"
                           "  --rate N/TIME     the same, --duration too, with two dashes\n"
                           "  --targets FILE    -i FILE, in either format\n"
                           "  --body FILE       -d FILE, which makes it a POST\n"
                           "  --max-connections N    -c N\n"
                           "  --output, plot    --csv, --hdr, --html; weir report compares\n"
                           "k6\n"
                           "  --vus N           -c N, with one request at a time (-m 1)\n"
                           "  --iterations N    -n N\n"
                           "  --duration TIME   the same\n"
                           "  --stage TIME:N    N is a rate of requests, not a number of users\n"
                           "  thresholds        --fail-if, which says what must not be\n";

const struct load_option_family load_options_others = {
    .topic = "others", LOAD_OPTIONS(rows), .more = more};
