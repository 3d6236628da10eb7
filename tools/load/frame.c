/*
 * load/frame.c - see load/frame.h.
 */
#include "tools/load/frame.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/load/units.h"

enum color { PLAIN, DIM, GOOD, BAD, BOLD };

struct painter {
  struct load_frame *frame;
  struct load_line *line;
  const struct load_look *look;
  const struct load_progress *progress;
};

/* ---- cells ----------------------------------------------------------------------------------- */

static void append(struct load_line *line, const char *text) {
  size_t len = strlen(text);
  if (line->bytes + len >= sizeof line->text) return;
  memcpy(line->text + line->bytes, text, len + 1);
  line->bytes += (unsigned)len;
}

static void paint(struct painter *painter, enum color color, const char *text, unsigned columns) {
  static const char *const codes[] = {
      [DIM] = "\33[2m", [GOOD] = "\33[36m", [BAD] = "\33[1;31m", [BOLD] = "\33[1m"};
  bool colored = painter->look->color && color != PLAIN;
  struct load_line *line = painter->line;
  if (line->bytes + strlen(text) + 16 >= sizeof line->text) return;
  if (colored) append(line, codes[color]);
  append(line, text);
  if (colored) append(line, "\33[0m");
  line->columns += columns;
}

static unsigned room(const struct painter *painter) {
  return painter->look->columns > painter->line->columns
             ? painter->look->columns - painter->line->columns
             : 0;
}

/* ASCII text. Left out when it does not fit; and then so is what follows. False in that case. */
__attribute__((format(printf, 3, 4))) static bool cell(struct painter *painter, enum color color,
                                                       const char *format, ...) {
  char text[LOAD_FRAME_LINE_BYTES / 2];
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (len < 0 || (size_t)len >= sizeof text || (unsigned)len > room(painter)) return false;
  paint(painter, color, text, (unsigned)len);
  return true;
}

/* Begins a line. */
static void name(struct painter *painter, const char *text) {
  painter->line = &painter->frame->lines[painter->frame->count++];
  if (*text) (void)cell(painter, DIM, "%-10s", text);
}

/* ---- sparklines ------------------------------------------------------------------------------ */

/* The last values, with the greatest as high as a line. It begins at `column`. */
static void spark(struct painter *painter, const double *values, unsigned column) {
  static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  static const char *const ascii[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
  const char *const *levels = painter->look->utf8 ? blocks : ascii;
  unsigned count = painter->progress->spark_count;
  if (painter->line->columns >= column || painter->look->columns < column + 8) return;
  (void)cell(painter, PLAIN, "%*s", (int)(column - painter->line->columns), "");
  unsigned first = count > room(painter) ? count - room(painter) : 0;
  double most = 0;
  for (unsigned i = first; i < count; i++)
    if (values[i] > most) most = values[i];
  for (unsigned i = first; i < count; i++)
    paint(painter, GOOD, levels[most > 0 ? (unsigned)(values[i] / most * 7 + 0.5) : 0], 1);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* Part of a text that fits the line, leaving `spare` columns. */
static void title(struct painter *painter, const char *text, unsigned spare) {
  unsigned most = room(painter) > spare ? room(painter) - spare : 0;
  unsigned len = (unsigned)strlen(text);
  if (len <= most)
    (void)cell(painter, BOLD, "%s", text);
  else if (most > 3)
    (void)cell(painter, BOLD, "%.*s...", (int)(most - 3), text);
}

static void print_what(struct painter *painter) {
  const struct load_options *options = painter->progress->options;
  const char *url = options->url_count > 0 ? options->urls[0] : "";
  char shape[2 * LOAD_TEXT_BYTES];
  int len =
      snprintf(shape, sizeof shape, "  %u connection%s of %u stream%s", options->connections,
               load_plural(options->connections), options->streams, load_plural(options->streams));
  name(painter, "");
  (void)cell(painter, DIM, "weir load ");
  title(painter, url, painter->look->columns >= 60 ? (unsigned)len : 0);
  (void)cell(painter, DIM, "%s", shape);
}

static void print_bar(struct painter *painter) {
  double left, part = load_progress_part(painter->progress, &left);
  char text[LOAD_TEXT_BYTES], ending[2 * LOAD_TEXT_BYTES] = "";
  if (left >= 120)
    snprintf(ending, sizeof ending, "  %s left", load_time_text(left * 1e9, text));
  else if (left >= 0)
    snprintf(ending, sizeof ending, "  %.0fs left", left);
  if (painter->progress->measured_ns == 0)
    snprintf(ending, sizeof ending, "  %s",
             painter->progress->options->warm_up_seconds > 0 ? "warming up" : "connecting");
  name(painter, "");
  if (!cell(painter, BOLD, "%3.0f%% ", 100 * part)) return;
  unsigned width = room(painter) > 20 ? room(painter) - 20 : 0;
  unsigned done = (unsigned)(part * width + 0.5);
  for (unsigned i = 0; i < width; i++)
    paint(painter, i < done ? GOOD : DIM,
          painter->look->utf8 ? (i < done ? "━" : "─") : (i < done ? "#" : "-"), 1);
  (void)cell(painter, PLAIN, "%s", ending);
}

static void print_rate(struct painter *painter) {
  const struct load_progress *progress = painter->progress;
  double kept = load_progress_kept(progress), rate = load_progress_rate(progress);
  char a[LOAD_TEXT_BYTES];
  name(painter, "rate");
  if (cell(painter, BOLD, "%s/s", load_number_text(rate, a)) && kept >= 0 &&
      cell(painter, PLAIN, " of %s/s", load_number_text(load_progress_asked(progress), a)))
    (void)cell(painter, kept < 0.99 ? BAD : PLAIN, "  %.1f%% kept", 100 * kept);
  spark(painter, progress->spark_rates, LOAD_FRAME_SPARK_COLUMN);
}

static void print_latency(struct painter *painter) {
  static const struct {
    const char *name;
    double percent;
  } rows[] = {{"p50", 50}, {"p99", 99}, {"max", 100}};
  const struct load_histogram *latency = &painter->progress->last->latency;
  char text[LOAD_TEXT_BYTES];
  name(painter, "latency");
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    load_time_text((double)load_histogram_percentile(latency, rows[i].percent), text);
    if (!cell(painter, DIM, "%s%s ", i ? "  " : "", rows[i].name) ||
        !cell(painter, BOLD, "%-6s", latency->count ? text : "-"))
      break;
  }
  spark(painter, painter->progress->spark_p99s, LOAD_FRAME_SPARK_COLUMN);
}

static void print_requests(struct painter *painter) {
  const struct load_progress *progress = painter->progress;
  const struct load_second *last = progress->last;
  char text[LOAD_TEXT_BYTES];
  name(painter, progress->options->ws ? "messages" : "requests");
  if (!cell(painter, PLAIN, "%s done", load_count_text(progress->done, text))) return;
  if (!cell(painter, progress->failed ? BAD : PLAIN, "  %s failed",
            load_count_text(progress->failed, text)))
    return;
  double seconds = (double)(last->end_ns - last->begin_ns) / 1e9;
  if (last->failed > 0 && seconds > 0 &&
      !cell(painter, BAD, ", %s/s", load_number_text((double)last->failed / seconds, text)))
    return;
  if (!cell(painter, PLAIN, "  %s in flight", load_count_text(last->in_flight, text))) return;
  if (load_options_are_open(progress->options))
    (void)cell(painter, last->backlog ? BAD : PLAIN, "  backlog %s",
               load_count_text(last->backlog, text));
}

static void print_connections(struct painter *painter) {
  const struct load_second *last = painter->progress->last;
  double seconds = (double)(last->end_ns - last->begin_ns) / 1e9;
  char text[LOAD_TEXT_BYTES];
  bool all = last->connections >= painter->progress->options->connections;
  name(painter, "network");
  if (!cell(painter, all ? PLAIN : BAD, "%s connection%s open",
            load_count_text(last->connections, text), load_plural(last->connections)))
    return;
  (void)cell(painter, PLAIN, "  %s/s received",
             load_bytes_text(seconds > 0 ? (double)last->bytes_in / seconds : 0, text));
}

static void print_self(struct painter *painter) {
  const struct load_second *last = painter->progress->last;
  uint64_t late_ns = load_histogram_percentile(&last->lateness, 99);
  char text[LOAD_TEXT_BYTES];
  name(painter, "weir load");
  if (!cell(painter, last->busy > LOAD_BUSY ? BAD : PLAIN, "busiest thread %.0f%%",
            100 * last->busy))
    return;
  (void)cell(painter, late_ns > LOAD_LATE_NS ? BAD : PLAIN, "  woke late p99 %s",
             last->lateness.count ? load_time_text((double)late_ns, text) : "-");
}

void load_frame_make(struct load_frame *frame, const struct load_progress *progress,
                     const struct load_look *look) {
  static void (*const lines[LOAD_FRAME_LINES])(struct painter * painter) = {
      print_what,     print_bar,         print_rate, print_latency,
      print_requests, print_connections, print_self};
  struct painter painter = {.frame = frame, .look = look, .progress = progress};
  memset(frame, 0, sizeof *frame);
  for (unsigned i = 0; i < LOAD_FRAME_LINES && i + 1 < look->rows; i++)
    lines[i](&painter);
}
