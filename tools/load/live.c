/*
 * load/live.c - see load/live.h.
 */
#include "tools/load/live.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define HIDE_CURSOR "\33[?25l"
#define SHOW_CURSOR "\33[?25h"
#define ERASE_LINE  "\33[K"
#define ERASE_BELOW "\33[J"

/* ---- the terminal ---------------------------------------------------------------------------- */

static bool is_set(const char *name) {
  const char *value = getenv(name);
  return value && *value;
}

/* The first variable that is set decides; see locale(7). */
static bool has_utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
    if (is_set(names[i]))
      return strcasestr(getenv(names[i]), "utf-8") || strcasestr(getenv(names[i]), "utf8");
  return false;
}

static void measure(struct load_look *look) {
  struct winsize size = {0};
  bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0;
  look->columns = known && size.ws_col > 0 ? size.ws_col : LOAD_PAGE_COLUMNS;
  look->rows = known && size.ws_row > 0 ? size.ws_row : 24;
}

/* Whether it was written. A terminal that is stopped (Ctrl-S) takes nothing, and one that nobody reads not all. */
static bool write_now(const struct load_live *live, const char *text, size_t len) {
  return live->active && write(live->fd, text, len) == (ssize_t)len;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* How many rows the old frame takes up, if the terminal wrapped its lines to the present width. */
static unsigned rows_of(const struct load_frame *frame, unsigned columns) {
  unsigned rows = 0;
  for (unsigned i = 0; i < frame->count; i++) {
    unsigned width = frame->lines[i].columns;
    rows += width > columns ? (width + columns - 1) / columns : 1;
  }
  return rows;
}

/* The cursor is on the line below the frame. */
static void go_up(const struct load_live *live, FILE *to) {
  unsigned rows = rows_of(&live->frame, live->look.columns);
  if (rows > 0) fprintf(to, "\33[%uA", rows);
  fputc('\r', to);
}

void load_live_draw(struct load_live *live, const struct load_progress *progress) {
  struct load_frame frame;
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to) return;
  measure(&live->look);
  load_frame_make(&frame, progress, &live->look);
  go_up(live, to);
  for (unsigned i = 0; i < frame.count; i++)
    fprintf(to, "%s" ERASE_LINE "\n", frame.lines[i].text);
  fputs(ERASE_BELOW, to);
  if (fclose(to) == 0 && write_now(live, text, size)) live->frame = frame;
  free(text);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void finish(struct load_live *live) {
  live->active = false;
  close(live->fd);
}

void load_live_begin(struct load_live *live) {
  const char *terminal = getenv("TERM");
  *live = (struct load_live){0};
  if (!isatty(STDERR_FILENO) || !terminal || strcmp(terminal, "dumb") == 0) return;
  live->look.color = !is_set("NO_COLOR");
  live->look.utf8 = has_utf8();
  live->fd = open("/proc/self/fd/2", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  if (live->fd < 0) return;
  live->active = true;
  if (!write_now(live, HIDE_CURSOR, strlen(HIDE_CURSOR))) finish(live);
}

void load_live_erase(struct load_live *live) {
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  if (!to) return;
  measure(&live->look);
  go_up(live, to);
  fputs(ERASE_BELOW, to);
  if (fclose(to) == 0 && write_now(live, text, size)) live->frame.count = 0;
  free(text);
}

void load_live_end(struct load_live *live) {
  if (!live->active) return;
  load_live_erase(live);
  if (write_now(live, SHOW_CURSOR, strlen(SHOW_CURSOR))) finish(live);
}
