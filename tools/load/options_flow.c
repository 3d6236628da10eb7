/*
 * load/options_flow.c - how much the server may send, and when.
 */
#include "engine/h2/flow.h"
#include "tools/load/options_rows.h"

static bool set_flow(struct options *parser, struct load_options *options, char *text) {
  if (h2_flow_parse(text, &options->flow)) return true;
  return options_wrong(parser, "expected consume, threshold, echo or auto");
}

static bool add_cap(struct options *parser, struct load_options *options, char *text) {
  return load_caps_add(&options->caps, text, parser->failure);
}

static const struct load_option rows[] = {
    {"window-bits", 'w', "N", LOAD_COUNT(stream_window_bits, 1, 30),
     "receive window of each stream, 2^N - 1 bytes (default 30)"},
    {"connection-window-bits", 'W', "N", LOAD_COUNT(connection_window_bits, 16, 30),
     "receive window of the connection, likewise (default 30)"},
    {"flow", 0, "POLICY", LOAD_TAKE(set_flow),
     "when to give the server credit: consume (default),\n"
     "threshold, echo or auto; see --help=flow"},
    {"cap", 0, "[PATTERN=]BYTES[,BYTES...][,rest]", LOAD_TAKE(add_cap),
     "let the server send responses in steps; see --help=flow"},
    {"window-cap", 0, "STEPS", LOAD_TAKE(add_cap), NULL},
};

static bool check(struct load_options *options, const struct failure *failure) {
  if (options->caps.count > 0 && options->stream_window_bits)
    return failure_set(failure,
                       "-w and --cap exclude each other: the smallest first step is the window");
  return true;
}

static const char more[] =
    "--flow gives credit\n"
    "  consume    at half a window, for bytes consumed\n"
    "  threshold  at half a window, for bytes received\n"
    "  echo       for each frame at once\n"
    "  auto       like consume, with windows that start at 65535 bytes and grow with the path\n"
    "\n"
    "--cap: a stream that has received its step gets the next one when every other stream of\n"
    "its connection that was open then has come as far or ended. '*.jpg=4k,rest' takes 4 KB of\n"
    "each image first. PATTERN matches path and query, with shell wildcards. --cap may be\n"
    "repeated; the first match counts.\n";

const struct load_option_family load_options_flow = {
    .topic = "flow", .title = "Flow control", LOAD_OPTIONS(rows), .check = check, .more = more};
