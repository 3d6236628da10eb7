/*
 * load/test_options.c - the command line of `weir load`, its cap schedules, and
 * its error messages.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "tools/load/options_families.h"
#include "tools/load/options_help.h"
#include "tools/load/options_parse.h"
#include "tools/load/stats.h"

#define URL "http://127.0.0.1:1/"

enum { ARGUMENTS_MAX = 32 };

/* Splits the text at spaces. Keeps the text. */
static enum options_result parse(struct load_options *options, const char *line, char *error,
                                 size_t error_size) {
  static char texts[4][256];
  static char *argv[4][ARGUMENTS_MAX + 2];
  static unsigned next;
  unsigned at = next++ % 4;
  int argc = 1;
  static char name[] = "load";
  argv[at][0] = name;
  snprintf(texts[at], sizeof texts[at], "%s", line);
  for (char *word = strtok(texts[at], " "); word && argc <= ARGUMENTS_MAX; word = strtok(NULL, " "))
    argv[at][argc++] = word;
  argv[at][argc] = NULL;
  const struct failure failure = {.text = error, .size = error_size};
  return load_options_parse(options, argc, argv[at], &failure);
}

static struct load_options good(const char *line) {
  struct load_options options;
  char error[256] = "";
  if (parse(&options, line, error, sizeof error) != OPTIONS_RUN) fail_msg("%s: %s", line, error);
  return options;
}

static void test_defaults(void **state) {
  (void)state;
  struct load_options options = good(URL);
  assert_int_equal(options.requests, 1);
  assert_int_equal(options.connections, 1);
  assert_int_equal(options.streams, 1);
  assert_int_equal(options.threads, 1);
  assert_true(options.rate == 0);
  assert_true(options.timeout_seconds == LOAD_TIMEOUT_SECONDS);
  assert_int_equal(options.flow, FLOW_CONSUME);
  assert_int_equal(load_options_stream_window(&options), (1 << 30) - 1);
  assert_int_equal(load_options_connection_window(&options), (1 << 30) - 1);
  assert_int_equal(good("-c 7 " URL).requests, 7);
}

static void test_values(void **state) {
  (void)state;
  struct load_options options =
      good("-n 1000 -c 20 -m 30 -t 4 -r 500 -T 250ms -H a:b --header c:d -k -w 16 -W 20 -q " URL
           " " URL);
  assert_int_equal(options.requests, 1000);
  assert_int_equal(options.connections, 20);
  assert_int_equal(options.streams, 30);
  assert_int_equal(options.threads, 4);
  assert_true(options.rate == 500);
  assert_true(options.timeout_seconds == 0.25);
  assert_int_equal(options.field_count, 2);
  assert_true(options.insecure && options.quiet && !options.json);
  assert_int_equal(load_options_stream_window(&options), 65535);
  assert_int_equal(load_options_connection_window(&options), (1 << 20) - 1);
  assert_int_equal(options.url_count, 2);
  assert_string_equal(good(URL " --json").json, "-");
  assert_string_equal(good("--json -n 5 " URL).json, "-");
  (void)good("-H Connection:keep-alive " URL);
  options = good("-D 1m --warm-up-time 2s --json --flow auto -H :method:HEAD " URL);
  assert_true(options.duration_seconds == 60 && options.warm_up_seconds == 2);
  assert_int_equal(options.requests, 0);
  assert_int_equal(options.flow, FLOW_AUTO);
  assert_int_equal(load_options_stream_window(&options), 65535);
  assert_int_equal(load_options_connection_window(&options), 65535);
}

static void test_pseudo_fields(void **state) {
  (void)state;
  enum header_token token = TOKEN_UNKNOWN;
  assert_string_equal(load_options_pseudo(":method:  HEAD", &token), "HEAD");
  assert_int_equal(token, TOKEN_METHOD);
  assert_string_equal(load_options_pseudo(":authority:a:1", &token), "a:1");
  assert_int_equal(token, TOKEN_AUTHORITY);
  assert_null(load_options_pseudo(":methods: x", NULL));
  assert_null(load_options_pseudo("method: x", NULL));
  assert_null(load_options_pseudo(":path: /", NULL));
}

static void test_versions(void **state) {
  (void)state;
  assert_int_equal(good(URL).versions, CLIENT_HTTP2_OR_1);
  assert_int_equal(good("--h1 " URL).versions, CLIENT_HTTP1);
  assert_int_equal(good("--h2 " URL).versions, CLIENT_HTTP2);
  assert_int_equal(good("--cap 4k,rest " URL).versions, CLIENT_HTTP2);
}

/* WebSockets are used over HTTP/1.1 unless HTTP/2 is asked for. */
static void test_ws(void **state) {
  (void)state;
  struct load_options options = good("--ws " URL);
  assert_int_equal(options.versions, CLIENT_HTTP1);
  assert_int_equal(options.message_bytes_min, LOAD_MESSAGE_BYTES_DEFAULT);
  assert_int_equal(options.message_bytes_max, LOAD_MESSAGE_BYTES_DEFAULT);
  assert_false(options.message_text);
  options = good("--ws --h2 --message-bytes 3-9 --message-text --subprotocol chat " URL);
  assert_int_equal(options.versions, CLIENT_HTTP2);
  assert_int_equal(options.message_bytes_min, 3);
  assert_int_equal(options.message_bytes_max, 9);
  assert_true(options.message_text);
  assert_string_equal(options.subprotocol, "chat");
  options = good("--ws --message-bytes 0 " URL);
  assert_true(options.sized && options.message_bytes_max == 0);
}

static void test_shapes(void **state) {
  (void)state;
  struct load_options options = good("-r 30/1m --arrivals burst=7 -D 1m30s " URL);
  assert_true(options.rate == 0.5 && options.duration_seconds == 90);
  assert_int_equal(options.arrivals, LOAD_BURSTS);
  assert_int_equal(options.burst, 7);
  options = good("-r 5 --arrivals poisson --seed 42 " URL);
  assert_int_equal(options.arrivals, LOAD_POISSON);
  assert_int_equal(options.seed, 42);
  assert_int_equal(good("-r 5 --arrivals constant " URL).arrivals, LOAD_CONSTANT);
  /* One of them may be 0, but not both. */
  assert_true(good("-r 5 --arrivals poisson " URL).seed !=
              good("-r 5 --arrivals poisson " URL).seed);
  options = good("-r 10 --warm-up-time 2 --stage 30s:500 --stage 0:2k/s --stage 100ms:0 " URL);
  assert_true(options.rate == 2000 && options.begin_rate == 10);
  assert_true(options.duration_seconds == 30.1);
  assert_int_equal(options.stage_count, 3);
  assert_string_equal(options.stages[1].text, "0:2k/s");
  assert_true(options.stages[0].rate == 500 && options.stages[0].seconds == 30);
}

static const struct {
  const char *line, *words;
} wrong[] = {
    {"", "no URL"},
    {"-n 0 " URL, "-n 0"},
    {"-n x " URL, "-n x"},
    {"-n -1 " URL, "-n -1"},
    {"-n 1k " URL, "-n 1k"},
    {"-c 0 " URL, "-c 0"},
    {"-c 2000000 " URL, "-c 2000000"},
    {"-m 0 " URL, "-m 0"},
    {"-t 0 " URL, "-t 0"},
    {"-r 0 " URL, "-r 0"},
    {"-r 1.5x " URL, "-r 1.5x: expected a rate, such as 500, 0.5, 2k or 30/1m"},
    {"-r 1/25h " URL, "-r 1/25h"},
    {"-r 10.1M " URL, "from one a day to 10000000 a second"},
    {"--arrivals often -r 1 " URL, "expected constant, poisson or burst=N"},
    {"--arrivals burst -r 1 " URL, "expected constant"},
    {"--arrivals burst=0 -r 1 " URL, "N from 1 to 1000000"},
    {"--arrivals burst=1000001 -r 1 " URL, "N from 1 to 1000000"},
    {"--arrivals poisson " URL, "--arrivals needs -r or --stage"},
    {"--seed 1 -r 1 " URL, "--seed needs --arrivals poisson"},
    {"--seed x -r 1 " URL, "--seed x: expected a number"},
    {"-f 16383 " URL, "-f 16383: expected a size from 16384 to 16777215 bytes"},
    {"-f 16M " URL, "expected a size"},
    {"-f 99999999999 " URL, "expected a size"},
    {"-f 20KB " URL, "expected a size"},
    {"-f K " URL, "expected a size"},
    {"--header-table-size 5K " URL, "expected a size from 0 to 4096"},
    {"--encoder-header-table-size -1 " URL, "expected a size from 0 to 4096"},
    {"--rps 5 -r 5 " URL, "--rps excludes -r and --stage"},
    {"--rps 5 --stage 1s:5 " URL, "--rps excludes -r and --stage"},
    {"--rps 6M -c 2 " URL, "--rps: more than 10000000 requests a second"},
    {"-p http/1.1 " URL, "-p http/1.1: for HTTP/1.1 use --h1"},
    {"-N 5 " URL, "-N 5: use -T"},
    {"-vq " URL, "-v: use weir trace"},
    {"--rate-period 1s " URL, "--rate-period 1s: use --connect-rate N/TIME"},
    {"--connect-rate 0 " URL, "--connect-rate 0: expected a rate"},
    {"--connect-rate x " URL, "--connect-rate x: expected a rate"},
    {"--requests-per-connection 0 " URL, "expected a number from 1"},
    {"--stage 30s " URL, "--stage 30s: expected TIME:RATE"},
    {"--stage 30s:x " URL, "expected TIME:RATE"},
    {"--stage x:30 " URL, "expected TIME:RATE"},
    {"--stage :30 " URL, "expected TIME:RATE"},
    {"--stage 1s:20M " URL, "at most 10000000 a second"},
    {"--stage 1s:5 -n 5 " URL, "--stage excludes -n and -D"},
    {"--stage 1s:5 -D 5 " URL, "--stage excludes -n and -D"},
    {"--stage 1s:5 --warm-up-time 5 " URL, "needs -r, the rate of the warm-up"},
    {"--stage 0:5 " URL, "no stage takes time"},
    {"--stage 5:0 " URL, "no stage has a rate"},
    {"-D 0 " URL, "-D 0"},
    {"-D 1y " URL, "-D 1y"},
    {"-D nan " URL, "-D nan"},
    {"-D 25h " URL, "-D 25h"},
    {"-T 0 " URL, "-T 0"},
    {"-w 0 " URL, "-w 0"},
    {"-w 31 " URL, "-w 31"},
    {"-W 15 " URL, "-W 15"},
    {"-H a " URL, "name: value"},
    {"-H : " URL, "name: value"},
    {"-H :path:/x " URL, "name: value"},
    {"-H :method: " URL, "name: value"},
    {"-H :authority:\x01 " URL, "name: value"},
    {"-H :scheme:http " URL, "name: value"},
    {"-H Connection:Close " URL, "--requests-per-connection 1"},
    {"-H content-length:5 " URL, "see -d"},
    {"-H Transfer-Encoding:chunked " URL, "Content-Length"},
    {"-H Upgrade:h2c " URL, "--upgrade"},
    {"--flow fast " URL, "--flow fast"},
    {"--no-such " URL, "--no-such: no such option; see weir load --help"},
    {"--json o.json " URL, "--json o.json: write --json=o.json"},
    {URL " --json -", "--json -: write --json=-"},
    {"--json=" URL, "expected the name of a file"},
    {"--html " URL, "--html " URL ": expected the name of a file"},
    {"--json -xq " URL, "-x: no such option; see weir load --help"},
    {"-qx " URL, "-x: no such option"},
    {"--quiet=1 " URL, "--quiet=1: that option takes no value"},
    {"-qn", "-qn needs a value"},
    {"-n", "needs a value"},
    {"-n 5 -D 5 " URL, "-n and -D"},
    {"--warm-up-time 1 " URL, "needs -D"},
    {"-t 2 -c 1 " URL, "more threads"},
    {"-n 2 -c 3 " URL, "fewer requests"},
    {"--cap 4k -w 20 " URL, "-w and --cap"},
    {"--key a " URL, "--key needs --cert"},
    {"--tls-min 1.3 --tls-max 1.2 " URL, "no version is left"},
    {"--connect-to unix: " URL, "1 to 107 bytes"},
    {"--h1 --h2 " URL, "--h1 and --h2"},
    {"--h1 --cap 4k " URL, "--cap needs HTTP/2"},
    {"--cap x " URL, "--cap x"},
    {"--replay " URL, "--replay needs -i"},
    {"-i a --replay -r 5 " URL, "--replay excludes -r"},
    {"-i a --speed 2 " URL, "--speed needs --replay"},
    {"-i a --replay --speed 2/s " URL, "--speed 2/s: expected a number from 0.001 to 1000"},
    {"-i a " URL " " URL, "-i takes one URL"},
    {"--data-csv-once " URL, "--data-csv-once needs --data-csv"},
    {"--upgrade --h1 " URL, "--upgrade is for HTTP/2"},
    {"--upgrade --ws " URL, "--ws needs --h2"},
    {"--message-text " URL, "need --ws"},
    {"--message-bytes 5 " URL, "need --ws"},
    {"--subprotocol a " URL, "need --ws"},
    {"--ws --message-bytes 5-4 " URL, "expected N or N-M bytes, at most 67108864"},
    {"--ws --message-bytes 5- " URL, "expected N or N-M"},
    {"--ws --subprotocol a,b " URL, "expected a name"},
    {"--ws --data-csv a " URL, "--ws excludes --data-csv"},
    {"--ws -d a " URL, "--ws excludes -d"},
    {"--ws -i a " URL, "--ws excludes -i"},
    {"--ws --cap 4k,rest " URL, "--ws excludes --cap"},
    {"--ws -H :method:PUT " URL, "--ws excludes -H :method"},
};

/* Users of other generators are told what to use instead. */
static void test_others(void **state) {
  static const char *const lines[] = {"-R 10",       "-z 10s",
                                      "-L",          "--latency",
                                      "-s x.lua",    "-X POST",
                                      "--vus 5",     "--iterations 5",
                                      "--no-tui",    "--body x",
                                      "--http2",     "--unix-socket x",
                                      "--targets x", "--disable-keepalive"};
  (void)state;
  for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
    struct load_options options;
    char line[128], error[256] = "";
    snprintf(line, sizeof line, "%s " URL, lines[i]);
    assert_int_equal(parse(&options, line, error, sizeof error), OPTIONS_WRONG);
    if (!strstr(error, ": use ") && !strstr(error, "leave it out")) fail_msg("%s: %s", line, error);
  }
}

/* Every option of h2load 1.52 is taken, or refused with what to use instead. */
static void test_h2load(void **state) {
  static const char *const names[] = {"-n",
                                      "-c",
                                      "-t",
                                      "-i",
                                      "-m",
                                      "-f",
                                      "-w",
                                      "-W",
                                      "-H",
                                      "-p",
                                      "-d",
                                      "-r",
                                      "-D",
                                      "-T",
                                      "-N",
                                      "-B",
                                      "-v",
                                      "--requests",
                                      "--clients",
                                      "--threads",
                                      "--input-file",
                                      "--max-concurrent-streams",
                                      "--max-frame-size",
                                      "--window-bits",
                                      "--connection-window-bits",
                                      "--header",
                                      "--no-tls-proto",
                                      "--data",
                                      "--rate",
                                      "--rate-period",
                                      "--duration",
                                      "--warm-up-time",
                                      "--connection-active-timeout",
                                      "--connection-inactivity-timeout",
                                      "--timing-script-file",
                                      "--base-uri",
                                      "--npn-list",
                                      "--h1",
                                      "--header-table-size",
                                      "--encoder-header-table-size",
                                      "--qlog-file-base",
                                      "--connect-to",
                                      "--rps",
                                      "--ciphers",
                                      "--tls13-ciphers",
                                      "--groups",
                                      "--log-file",
                                      "--no-udp-gso",
                                      "--max-udp-payload-size",
                                      "--ktls",
                                      "--verbose",
                                      "--version",
                                      "--help"};
  (void)state;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct load_options options;
    char line[128], error[256] = "";
    snprintf(line, sizeof line, "%s 1 " URL, names[i]);
    enum options_result result = parse(&options, line, error, sizeof error);
    if (strstr(error, "no such option")) fail_msg("%s", error);
    bool known = strstr(error, "use ") || strstr(error, "HTTP/3") || strstr(error, "leave") ||
                 strstr(error, "expected") || strstr(error, "needs -D");
    if (result == OPTIONS_WRONG && !known) fail_msg("%s", error);
  }
}

static void test_http2_limits(void **state) {
  (void)state;
  struct load_options options = good(URL);
  assert_int_equal(options.frame_bytes, 16384);
  assert_int_equal(options.decoder_table_bytes, 4096);
  options = good("-f 1M --header-table-size 1K --encoder-header-table-size 0 --rps 2.5 -c 4 " URL);
  assert_int_equal(options.frame_bytes, 1 << 20);
  assert_int_equal(options.decoder_table_bytes, 1024);
  assert_int_equal(options.encoder_table_bytes, 0);
  assert_true(options.rate == 10);
  (void)good("-p h2c " URL);
}

static void test_wrong(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    struct load_options options;
    char error[256] = "";
    if (parse(&options, wrong[i].line, error, sizeof error) != OPTIONS_WRONG)
      fail_msg("accepted: %s", wrong[i].line);
    if (!strstr(error, wrong[i].words)) fail_msg("%s: %s", wrong[i].line, error);
    assert_null(strchr(error, '\n'));
  }
}

static void test_help(void **state) {
  (void)state;
  struct load_options options;
  char error[256];
  assert_int_equal(parse(&options, "-h", error, sizeof error), OPTIONS_HELP);
  assert_int_equal(parse(&options, "-V", error, sizeof error), OPTIONS_VERSION);
  assert_int_equal(parse(&options, "--version", error, sizeof error), OPTIONS_VERSION);
  assert_int_equal(parse(&options, "--help=flow", error, sizeof error), OPTIONS_HELP);
  assert_string_equal(options.topic, "flow");
  assert_int_equal(parse(&options, "--help tls", error, sizeof error), OPTIONS_HELP);
  assert_string_equal(options.topic, "tls");
  assert_int_equal(parse(&options, "--help " URL, error, sizeof error), OPTIONS_HELP);
  assert_null(options.topic);
  assert_int_equal(parse(&options, "--help=nothing", error, sizeof error), OPTIONS_WRONG);
  assert_string_equal(error, "--help nothing: no such topic; see weir load --help");
  assert_null(load_options_help("nothing"));
}

/* Every row of every table is in --help and in its topic's page, and no line is too wide. */
static void test_help_rows(void **state) {
  (void)state;
  static char all[LOAD_HELP_BYTES];
  snprintf(all, sizeof all, "%s", load_options_help(NULL));
  for (const struct load_option_family *const *at = load_option_families; *at; at++) {
    const char *page = load_options_help((*at)->topic);
    for (size_t i = 0; i < (*at)->count; i++) {
      char name[64];
      snprintf(name, sizeof name, "--%s", (*at)->options[i].name);
      bool listed = (*at)->options[i].help && (*at)->title;
      if (listed && !(strstr(all, name) && strstr(page, name))) fail_msg("no %s", name);
    }
    for (const char *line = page; *line; line += strcspn(line, "\n") + 1)
      if (strcspn(line, "\n") > 90) fail_msg("too wide: %.100s", line);
  }
}

/* ---- caps ------------------------------------------------------------------------------------ */

static void test_caps(void **state) {
  static const struct {
    const char *text;
    unsigned count; /* 0: refused */
    uint64_t totals[3];
  } rows[] = {
      {"4k", 1, {4000}},
      {"4k,rest", 1, {4000}},
      {"4k,500k,rest", 2, {4000, 504000}},
      {"1,2,3", 3, {1, 3, 6}},
      {"*.jpg=4096,rest", 1, {4096}},
      {"/a?b=c=10", 1, {10}},
      {"", 0, {0}},
      {"rest", 0, {0}},
      {"4k,rest,4k", 0, {0}},
      {"4k,,4k", 0, {0}},
      {"4k,", 0, {0}},
      {"0", 0, {0}},
      {"-1", 0, {0}},
      {"=4k", 0, {0}},
      {"*.jpg=", 0, {0}},
      {"1,1,1,1,1,1,1,1,1", 0, {0}},
      {"3000000000", 0, {0}},
  };
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct load_caps caps = {.count = 0};
    char error[128];
    const struct failure failure = {.text = error, .size = sizeof error};
    bool accepted = load_caps_add(&caps, rows[i].text, &failure);
    if (accepted != (rows[i].count > 0)) fail_msg("%s", rows[i].text);
    if (!accepted) continue;
    assert_int_equal(caps.at[0].count, rows[i].count);
    for (unsigned k = 0; k < rows[i].count; k++)
      assert_int_equal(load_cap_total(&caps.at[0], k), rows[i].totals[k]);
    assert_true(load_cap_total(&caps.at[0], rows[i].count) == UINT64_MAX);
    assert_int_equal(load_caps_window(&caps), rows[i].totals[0]);
  }
}

static void test_caps_match(void **state) {
  (void)state;
  struct load_options options = good("--cap *.jpg=4k,rest --cap /app.js*=500k --cap 30k " URL);
  const struct load_caps *caps = &options.caps;
  assert_ptr_equal(load_caps_find(caps, "/images/a.jpg"), &caps->at[0]);
  assert_ptr_equal(load_caps_find(caps, "/app.js?v=1"), &caps->at[1]);
  assert_ptr_equal(load_caps_find(caps, "/"), &caps->at[2]);
  assert_int_equal(load_options_stream_window(&options), 4000);
  options = good("--cap *.jpg=4k " URL);
  assert_null(load_caps_find(&options.caps, "/a.png"));
}

/* ---- statistics ------------------------------------------------------------------------------ */

static void test_reasons(void **state) {
  (void)state;
  static struct load_stats sum, other;
  char text[64];
  load_stats_reason(&sum, "a", false, 1);
  load_stats_reason(&other, "b", false, 2);
  load_stats_reason(&other, "a", false, 3);
  load_stats_merge(&sum, &other);
  assert_int_equal(sum.reason_count, 2);
  assert_string_equal(sum.reasons[0].text, "a");
  assert_int_equal(sum.reasons[0].count, 4);
  assert_int_equal(sum.reasons[1].count, 2);
  load_stats_reason(&sum, "a", true, 1);
  assert_true(sum.reasons[2].graceful);
  assert_int_equal(sum.reasons[0].count, 4);
  for (unsigned i = 0; i < 2 * LOAD_REASONS_MAX; i++) {
    snprintf(text, sizeof text, "reason %u", i);
    load_stats_reason(&sum, text, false, 1);
  }
  assert_int_equal(sum.reason_count, LOAD_REASONS_MAX);
  assert_int_equal(sum.reasons_lost, LOAD_REASONS_MAX + 3);
}

static void test_error_words(void **state) {
  (void)state;
  char text[96];
  for (unsigned i = 0; i < LOAD_ERRORS; i++) {
    assert_non_null(load_error_name((enum load_error)i));
    assert_true(strlen(load_error_text((enum load_error)i, 0, text, sizeof text)) > 5);
  }
  assert_string_equal(load_error_text(LOAD_RESET, 7, text, sizeof text),
                      "the server sent RST_STREAM (REFUSED_STREAM)");
  assert_string_equal(load_error_text(LOAD_RESET, 12345, text, sizeof text),
                      "the server sent RST_STREAM (code 12345)");
  assert_string_equal(load_error_text(LOAD_UNECHOED, 1001, text, sizeof text),
                      "the WebSocket was closed (1001)");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_defaults),      cmocka_unit_test(test_values),
      cmocka_unit_test(test_pseudo_fields), cmocka_unit_test(test_wrong),
      cmocka_unit_test(test_versions),      cmocka_unit_test(test_h2load),
      cmocka_unit_test(test_others),        cmocka_unit_test(test_http2_limits),
      cmocka_unit_test(test_shapes),        cmocka_unit_test(test_help),
      cmocka_unit_test(test_help_rows),     cmocka_unit_test(test_caps),
      cmocka_unit_test(test_caps_match),    cmocka_unit_test(test_reasons),
      cmocka_unit_test(test_error_words),   cmocka_unit_test(test_ws),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
