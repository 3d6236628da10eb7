/*
 * load/options_flow.c - how much the server may send, and when; and other limits of HTTP/2.
 */
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/h2/flow.h"
#include "engine/h2/frame.h"
#include "engine/hpack/limits.h"
#include "tools/load/options_rows.h"

static bool set_flow(struct options *parser, struct load_options *options, char *text) {
  if (h2_flow_parse(text, &options->flow)) return true;
  return options_wrong(parser, "expected consume, threshold, echo or auto");
}

static bool add_cap(struct options *parser, struct load_options *options, char *text) {
  return load_caps_add(&options->caps, text, parser->failure);
}

/* A size as h2load has it: K, M and G are powers of 1024. */
static bool read_size(const struct options *parser, unsigned min, unsigned max, unsigned *out) {
  static const char units[] = "KMG";
  const char *text = parser->value;
  size_t digits = strspn(text, "0123456789");
  uint64_t value;
  bool good = decimal_get(span_of(text, digits), &value) && value <= UINT32_MAX;
  if (good && text[digits]) {
    const char *unit = strchr(units, text[digits]);
    good = unit && text[digits + 1] == 0;
    value <<= good ? 10 * (unit - units + 1) : 0;
  }
  if (!good || value < min || value > max)
    return options_wrong(parser, "expected a size from %u to %u bytes; 16K is 16384", min, max);
  *out = (unsigned)value;
  return true;
}

static bool set_frame(struct options *parser, struct load_options *options, char *text) {
  (void)text;
  return read_size(parser, H2_FRAME_BYTES_MIN, H2_FRAME_BYTES_MAX, &options->frame_bytes);
}

static bool set_decoder_table(struct options *parser, struct load_options *options, char *text) {
  (void)text;
  return read_size(parser, 0, HPACK_TABLE_BYTES_MAX, &options->decoder_table_bytes);
}

static bool set_encoder_table(struct options *parser, struct load_options *options, char *text) {
  (void)text;
  return read_size(parser, 0, HPACK_TABLE_BYTES_MAX, &options->encoder_table_bytes);
}

static const struct load_option rows[] = {
    {"window-bits", 'w', "N", LOAD_COUNT(stream_window_bits, 1, 30),
     "receive window of each stream, 2^N - 1 bytes (default 30)"},
    {"connection-window-bits", 'W', "N", LOAD_COUNT(connection_window_bits, 16, 30),
     "receive window of the connection, likewise (default 30)"},
    {"max-frame-size", 'f', "SIZE", LOAD_TAKE(set_frame),
     "largest frame that the server may send (default 16K)"},
    {"header-table-size", 0, "SIZE", LOAD_TAKE(set_decoder_table),
     "HPACK table of responses (default and at most 4K)"},
    {"encoder-header-table-size", 0, "SIZE", LOAD_TAKE(set_encoder_table),
     "and of requests, within what the server allows"},
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

const struct load_option_family load_options_flow = {.topic = "flow",
                                                     .title = "HTTP/2: flow control and limits",
                                                     LOAD_OPTIONS(rows),
                                                     .check = check,
                                                     .more = more};
