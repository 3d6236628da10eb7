/*
 * support/made.c - a site of made-up files.
 */
#include "tests/support/made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/site/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/jpeg.h"

struct made made;

#define LINE          "p { color: #123456; margin: 0 }\n"
#define LINES         LINE LINE LINE LINE LINE LINE LINE LINE
#define MADE_LONG_CSS LINES LINES LINES LINES /* SITE_ENCODE_BYTES_MIN */
_Static_assert(sizeof MADE_LONG_CSS - 1 == SITE_ENCODE_BYTES_MIN, "as long as it must be");

static const struct made_file files_at_start[MADE_FILES] = {
    {.path = ""},
    {.path = "index.html", .text = "<p>home", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "empty.txt", .text = "", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "digits.txt", .text = "0123456789", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "large.bin", .text = "abcdefghijklmnopqrstuvwxyz", .large = true},
    {.path = "sub"},
    {.path = "sub/index.html", .text = "<p>sub", .mtime_ns = -1},
    {.path = "bare"},
    {.path = "odd"},
    {.path = "odd/index.html"},
    {.path = "app.js", .text = "let plain", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "app.js.br", .text = "BR", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "app.js.gz", .text = "GZIP", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "style.css", .text = "p{}", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "style.css.gz", .text = "ZZZZ", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "dir.css", .text = "q{}", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "dir.css.br"}, /* a directory named like a sibling */
    {.path = "secret", .instead = SITE_FORBIDDEN},
    {.path = "busy", .instead = SITE_BUSY},
    {.path = "broken", .instead = SITE_FAILED},
    {.path = ".well-known/x", .text = "known"},
    {.path = "p.jpg", .text = (const char *)jpeg_colour, .len = sizeof jpeg_colour},
    {.path = "big.jpg",
     .text = (const char *)jpeg_restarts,
     .len = sizeof jpeg_restarts,
     .large = true},
    {.path = "drawing.svgz", .text = "GZIPPED", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "drawing.svgz.br", .text = "never", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "packed.js.br", .text = "BRO", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "packed.js.gz", .text = "GZIPP", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "packed/index.html.gz", .text = "INDEX", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "busy.js.gz", .instead = SITE_BUSY},
    {.path = "missing.svgz.gz", .text = "twice", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "long.css", .text = MADE_LONG_CSS, .mtime_ns = MADE_NOV_1994_NS},
    {.path = "zipped.txt", .text = "plain", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "zipped.txt.zst", .text = "ZSTD", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "only.txt.zst", .text = "ZSTDD", .mtime_ns = MADE_NOV_1994_NS},
    {.path = "a b"}, /* the last: the_longest_redirect() renames it */
};

static struct span content_of(const struct made_file *file) {
  return file->len ? span_of(file->text, file->len) : span_text(file->text);
}

static const char recode_path[] = "*recode"; /* of one that waits */

static enum site_result recoded(struct site_lookup *lookup) {
  if (made.recode_result != SITE_FOUND) return made.recode_result;
  made.recoded.held++;
  lookup->entry = &made.recoded.entry;
  return SITE_FOUND;
}

static enum site_result find(struct span path, struct site_lookup *lookup) {
  if (span_is(path, recode_path)) return recoded(lookup);
  for (size_t i = 0; i < MADE_FILES; i++) {
    struct made_file *file = &made.files[i];
    if (!span_is(path, file->path)) continue;
    if (file->instead != SITE_FOUND) return file->instead;
    if (!file->entry.size_bytes && !file->entry.directory) {
      file->entry.directory = !file->text;
      file->entry.size_bytes = file->text ? content_of(file).len : 0;
      file->entry.mtime_ns = file->mtime_ns;
      if (file->text && !file->large) file->entry.bytes = content_of(file);
    }
    file->held++;
    lookup->entry = &file->entry;
    lookup->listing = made.listing;
    return SITE_FOUND;
  }
  return SITE_MISSING;
}

static bool source_again(void *self, struct site_entry *entry, uint64_t listing, uint64_t now_ns,
                         struct site_lookup *lookup) {
  (void)self;
  (void)now_ns;
  if (listing != made.listing) return false;
  struct made_file *file = (struct made_file *)((char *)entry - offsetof(struct made_file, entry));
  file->held++;
  lookup->entry = entry;
  made.agains++;
  return true;
}

static enum site_result source_lookup(void *self, struct span path, uint64_t now_ns,
                                      struct site_lookup *lookup) {
  (void)self;
  (void)now_ns;
  made.lookups++;
  if (!made.lookups_wait) return find(path, lookup);
  assert_true(made.waiting_count < MADE_WAITING_MAX);
  made.waiting[made.waiting_count].lookup = lookup;
  snprintf(made.waiting[made.waiting_count++].path, sizeof made.waiting[0].path, "%.*s",
           (int)path.len, (const char *)path.base);
  return SITE_PENDING;
}

static void source_lookup_cancel(void *self, struct site_lookup *lookup) {
  (void)self;
  for (unsigned i = 0; i < made.waiting_count; i++)
    if (made.waiting[i].lookup == lookup) {
      made.waiting[i] = made.waiting[--made.waiting_count];
      return;
    }
  fail_msg("cancelled a lookup that was not pending");
}

/* Answers the first pending lookup. */
void made_lookup_done(void) {
  assert_true(made.waiting_count > 0);
  struct site_lookup *lookup = made.waiting[0].lookup;
  enum site_result result = find(span_text(made.waiting[0].path), lookup);
  memmove(made.waiting, made.waiting + 1, --made.waiting_count * sizeof made.waiting[0]);
  lookup->done(lookup, result);
}

static void source_release(void *self, struct site_entry *entry) {
  (void)self;
  struct made_file *file = (struct made_file *)((char *)entry - offsetof(struct made_file, entry));
  assert_true(file->held > 0);
  file->held--;
}

static enum site_result fetch(struct made_file *file, struct site_read *read) {
  if (made.truncated) return SITE_FAILED;
  if (made.no_turn) return SITE_BUSY;
  assert_true(read->max >= 1);
  assert_true(read->offset + read->max <= content_of(file).len);
  /* A copy, so that a use after read_end() is detected. Never all of the file at once. */
  size_t count = read->max > 7 ? 7 : read->max;
  uint8_t *copy = malloc(count);
  memcpy(copy, file->text + read->offset, count);
  read->bytes = span_of(copy, count);
  return SITE_FOUND;
}

/* Has the oldest read that can give up its buffer do so. */
static bool recover(void) {
  for (unsigned i = 0; i < made.buffers_out; i++) {
    bool pending = false;
    for (unsigned j = 0; j < made.read_count; j++)
      pending = pending || made.reads[j] == made.lent[i];
    if (!pending && made.lent[i]->give_up(made.lent[i])) return true;
  }
  return false;
}

static enum site_result source_read(void *self, struct site_entry *entry, struct site_read *read) {
  (void)self;
  struct made_file *file = (struct made_file *)((char *)entry - offsetof(struct made_file, entry));
  assert_true(file->held > 0);
  if (made.buffers_out >= made.buffers_max && !recover()) return SITE_BUSY;
  read->bytes = (struct span){0};
  if (!made.reads_wait) {
    enum site_result result = fetch(file, read);
    if (result == SITE_FOUND) made.lent[made.buffers_out++] = read;
    return result;
  }
  made.lent[made.buffers_out++] = read;
  made.reads[made.read_count] = read;
  made.reading[made.read_count++] = file;
  return SITE_PENDING;
}

void made_read_done(void) {
  assert_true(made.read_count > 0);
  struct site_read *read = made.reads[0];
  struct made_file *file = made.reading[0];
  made.read_count--;
  memmove(made.reads, made.reads + 1, made.read_count * sizeof made.reads[0]);
  memmove(made.reading, made.reading + 1, made.read_count * sizeof made.reading[0]);
  read->done(read, fetch(file, read));
}

static void source_read_end(void *self, struct site_read *read) {
  (void)self;
  for (unsigned i = 0; i < made.read_count; i++)
    if (made.reads[i] == read) {
      made.read_count--;
      memmove(made.reads + i, made.reads + i + 1, (made.read_count - i) * sizeof(void *));
      memmove(made.reading + i, made.reading + i + 1, (made.read_count - i) * sizeof(void *));
    }
  free((void *)read->bytes.base);
  unsigned place = 0;
  while (place < made.buffers_out && made.lent[place] != read)
    place++;
  assert_true(place < made.buffers_out);
  made.buffers_out--;
  memmove(made.lent + place, made.lent + place + 1, (made.buffers_out - place) * sizeof(void *));
}

static enum site_result source_list(void *self, struct span path, uint64_t now_ns,
                                    struct site_names *names) {
  struct site_lookup lookup = {0};
  enum site_result result = find(path, &lookup);
  if (result != SITE_FOUND) return result;
  bool directory = lookup.entry->directory;
  (void)now_ns;
  source_release(self, lookup.entry);
  if (!directory) return SITE_MISSING;
  *names = made.names;
  return SITE_FOUND;
}

static enum site_result source_recode(void *self, struct site_entry *entry, enum coding from,
                                      enum coding to, struct site_lookup *lookup) {
  struct made_file *file = (struct made_file *)((char *)entry - offsetof(struct made_file, entry));
  assert_true(file->held > 0 && from != to);
  made.recode_asked.from = from;
  made.recode_asked.to = to;
  made.recode_count++;
  made.recoded.entry = (struct site_entry){
      .bytes = span_text("MADE"), .size_bytes = 4, .mtime_ns = entry->mtime_ns, .recoded = true};
  return source_lookup(self, span_text(recode_path), 0, lookup);
}

static const struct site_source_ops recoding_ops = {
    .lookup = source_lookup,
    .again = source_again,
    .lookup_cancel = source_lookup_cancel,
    .release = source_release,
    .read = source_read,
    .read_end = source_read_end,
    .recode = source_recode,
    .recode_cancel = source_lookup_cancel,
};

static const struct site_source_ops source_ops = {
    .lookup = source_lookup,
    .again = source_again,
    .lookup_cancel = source_lookup_cancel,
    .release = source_release,
    .read = source_read,
    .read_end = source_read_end,
    .list = source_list,
};

/* ---- one site per test ----------------------------------------------------------------------- */

static const struct site_preload home_preloads[] = {
    {{(const uint8_t *)"/style.css", 10}, {(const uint8_t *)"</style.css>; rel=preload", 25}, true},
    {{(const uint8_t *)"/app.js", 7}, {(const uint8_t *)"</app.js>; rel=preload", 22}, true},
    {{(const uint8_t *)"", 0}, {(const uint8_t *)"<//cdn/x>; rel=preload", 22}, false},
};
const struct site_page made_pages[2] = {
    {{(const uint8_t *)"index.html", 10}, home_preloads, 3},
    {{(const uint8_t *)"style.css", 9}, home_preloads + 1, 1},
};
const struct site_hints made_hints = {.pages = made_pages, .page_count = 2};

static void open_site(struct site_settings settings) {
  settings.memory = counted_init(&made.memory);
  settings.source = (struct site_source){.ops = made.recodes ? &recoding_ops : &source_ops};
  settings.wall_seconds = &made.wall_seconds;
  if (settings.exchanges_max == 0) settings.exchanges_max = 100;
  made.site = site_create(&settings);
  assert_non_null(made.site);
}

int made_set_up(void **state) {
  (void)state;
  made = (struct made){.wall_seconds = 1750000000};
  memcpy(made.files, files_at_start, sizeof files_at_start);
  made.buffers_max = 4;
  made.now_ns = SECOND_NS;
  open_site((struct site_settings){0});
  return 0;
}

/* After every test: nothing is still held, pending, lent or allocated. */
int made_tear_down(void **state) {
  (void)state;
  site_destroy(made.site);
  for (size_t i = 0; i < MADE_FILES; i++)
    assert_int_equal(made.files[i].held, 0);
  assert_int_equal(made.recoded.held, 0);
  assert_int_equal(made.waiting_count, 0);
  assert_int_equal(made.buffers_out, 0);
  assert_int_equal(made.memory.bytes, 0);
  return 0;
}

void made_reopen(struct site_settings settings) {
  site_destroy(made.site);
  assert_int_equal(made.memory.bytes, 0);
  for (size_t i = 0; i < MADE_FILES; i++)
    made.files[i].entry.facts = (struct site_facts){0};
  open_site(settings);
}

void made_ask(struct fake_stream *fake, const struct made_question *asked) {
  struct header at[4];
  size_t count = 0;
  for (; count < 4 && asked->fields[count].value; count++)
    at[count] = header_of(asked->fields[count].token, span_text(asked->fields[count].value));
  fake_request(fake, site_handler(made.site), asked->method, asked->path, at, count, made.now_ns);
}

void made_get(struct fake_stream *fake, const char *path) {
  made_ask(fake, &(struct made_question){.method = "GET", .path = path});
}

void made_assert_field(const struct fake_stream *fake, const char *name, const char *expected) {
  const char *got = fake_field(fake, name);
  if (!expected && got) fail_msg("%s: %s, expected none", name, got);
  if (expected && (!got || strcmp(got, expected) != 0))
    fail_msg("%s: %s, expected %s", name, got ? got : "(none)", expected);
}

void made_assert_body(const struct fake_stream *fake, const char *expected) {
  struct span got = span_of(fake->bytes, fake->len);
  if (!span_is(got, expected))
    fail_msg("body %.*s, expected %s", (int)fake->len, (const char *)fake->bytes, expected);
}
