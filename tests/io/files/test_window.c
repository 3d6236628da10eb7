/*
 * files/test_window.c - pieces of large files that readers share: when they are lent, when not, and for how
 * long they stay.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/files/limits.h"
#include "io/files/private.h"
#include "tests/support/cmocka.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/stage.h"

STAGE_KERNEL

enum { FILE_BYTES = 3 * FILES_WINDOW_BYTES + 1000 };

static struct files *files;
static struct file *file;

/* Opens a file with the pattern whose time stamps vouch for it. */
static void open_page_with(struct files_settings settings) {
  files = stage_open(settings);
  stage_put_pattern(stage_at("page"), FILE_BYTES);
  shifted_clock_set(CLOCK_REALTIME, 10);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
}

static void open_page(void) {
  open_page_with((struct files_settings){.loop = stage_loop});
}

static void close_page(void) {
  files_release(files, file);
  files_destroy(files);
}

/* The number of bytes lent at `offset`, which are the file's. */
static size_t lend(uint64_t offset, bool may_read, struct file_view *view) {
  uint32_t *loans = NULL;
  struct span bytes = files_lend(files, file, offset, may_read, view, view, &loans);
  assert_true(bytes.len == 0 || loans);
  for (size_t i = 0; i < bytes.len; i += 997)
    assert_int_equal(bytes.base[i], stage_pattern(offset + i));
  return bytes.len;
}

static uint64_t reads_of(const struct files *of) {
  return files_counters(of)->reads_direct;
}

/* One read for all readers; a piece ends where its window or the file does. */
static void test_shared(void **state) {
  (void)state;
  struct file_view a = {0}, b = {0};
  open_page();
  assert_int_equal(lend(5, false, &a), 0); /* not worth a read */
  assert_int_equal(lend(5, true, &a), FILES_WINDOW_BYTES - 5);
  assert_int_equal(lend(FILES_WINDOW_BYTES - 1, false, &a), 1);
  assert_int_equal(lend(0, false, &b), FILES_WINDOW_BYTES);
  assert_int_equal(lend(FILES_WINDOW_BYTES, false, &a), 0);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &a), FILES_WINDOW_BYTES);
  assert_int_equal(lend(2 * FILES_WINDOW_BYTES - 1, false, &b), 1);
  assert_int_equal(lend(3 * FILES_WINDOW_BYTES + 1, true, &b), 999);
  assert_int_equal(reads_of(files), 3);
  windows_leave(&a);
  windows_leave(&b);
  windows_leave(&b); /* in none by now */
  close_page();
}

/* No window is lent or read while the time stamps do not vouch for the bytes. */
static void test_unsettled(void **state) {
  (void)state;
  struct file_view view = {0};
  files = stage_open((struct files_settings){.loop = stage_loop});
  stage_put_pattern(stage_at("page"), FILE_BYTES);
  assert_int_equal(stage_find(files, "page", IO_SECOND, &file), FILES_FOUND);
  assert_int_equal(lend(0, true, &view), 0);
  assert_int_equal(reads_of(files), 0);
  close_page();
}

static void page_appended(void) {
  stage_append_to_page();
}

static void page_truncated(void) {
  stage_truncate_page();
}

static void page_touched(void) {
  assert_int_equal(utimensat(AT_FDCWD, stage_at("page"), NULL, 0), 0);
}

/* A change ends the loans of later pieces: of those in memory, and of those that are being read. */
static void test_changed(void **state) {
  void (*const changes[])(void) = {page_appended, page_truncated, page_touched};
  (void)state;
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    struct file_view a = {0}, b = {0}, c = {0};
    open_page();
    assert_int_equal(lend(0, true, &a), FILES_WINDOW_BYTES);
    usleep(20000); /* another tick of the kernel's clock */
    changes[i]();
    assert_int_equal(lend(10, true, &a), FILES_WINDOW_BYTES - 10); /* of what was read before */
    assert_int_equal(lend(10, true, &b), 0);
    assert_int_equal(lend(FILES_WINDOW_BYTES, true, &c), 0);
    windows_leave(&a);
    close_page();

    open_page();
    stage.before_read = changes[i];
    assert_int_equal(lend(0, true, &a), 0);
    stage.before_read = NULL;
    close_page();
  }
}

/* A file that was touched long ago is lent again, from windows that are read anew. */
static void test_settled_again(void **state) {
  (void)state;
  struct file_view a = {0}, b = {0}, c = {0};
  struct file_piece read = {0};
  open_page();
  assert_int_equal(lend(0, true, &a), FILES_WINDOW_BYTES);
  usleep(20000);
  page_touched();
  shifted_clock_set(CLOCK_REALTIME, 20);
  assert_int_equal(files_read(files, file, 0, 1000, &read), FILES_FOUND); /* looks at the bytes */
  files_read_end(files, &read);
  assert_int_equal(lend(0, false, &b), 0);
  assert_int_equal(lend(0, true, &b), FILES_WINDOW_BYTES);
  assert_int_equal(reads_of(files), 3);
  assert_int_equal(lend(1, true, &a), FILES_WINDOW_BYTES - 1); /* into the new one */
  assert_int_equal(lend(2, true, &c), FILES_WINDOW_BYTES - 2);
  assert_int_equal(reads_of(files), 3);
  windows_leave(&a);
  windows_leave(&b);
  windows_leave(&c);
  close_page();
}

/* The end of a window that was read is a sample of the file: a write there is noticed by the next read elsewhere. */
static void test_rewritten(void **state) {
  (void)state;
  struct file_view view = {0};
  struct file_piece read = {0};
  open_page();
  assert_int_equal(lend(0, true, &view), FILES_WINDOW_BYTES);
  usleep(20000); /* another tick of the kernel's clock */
  int writing = open(stage_at("page"), O_WRONLY | O_CLOEXEC);
  assert_int_equal(pwrite(writing, "\xff", 1, FILES_WINDOW_BYTES - 1), 1);
  assert_int_equal(close(writing), 0);
  assert_int_equal(files_read(files, file, FILES_WINDOW_BYTES, 1000, &read), FILES_FAILED);
  windows_leave(&view);
  close_page();
}

/* What is not in the page cache is not asked for again within the window. Less than a window may be. */
static void test_cold(void **state) {
  (void)state;
  struct file_view view = {0}, other = {0};
  open_page();
  stage.page_cache_cold = true;
  assert_int_equal(lend(0, true, &view), 0);
  stage.page_cache_cold = false;
  assert_int_equal(lend(FILES_WINDOW_BYTES - 1, true, &view), 0);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &view), FILES_WINDOW_BYTES);
  stage.read_bytes_max = 1000;
  assert_int_equal(lend(2 * FILES_WINDOW_BYTES + 900, true, &view), 100);
  assert_int_equal(lend(2 * FILES_WINDOW_BYTES + 1000, true, &view), 0);
  assert_null(view.window); /* none that ends there */
  assert_int_equal(lend(10, true, &other), 990);
  windows_leave(&view);
  windows_leave(&other);
  close_page();
}

/* FILES_WINDOWS_MAX windows; those with loans are not read anew, nor those with readers for
 * FILES_WINDOW_SECONDS. */
static void test_all_in_use(void **state) {
  (void)state;
  static struct file_view views[FILES_WINDOWS_MAX], more;
  static struct file *of[FILES_WINDOWS_MAX];
  uint32_t *loans;
  files = stage_open((struct files_settings){.loop = stage_loop, .descriptors_max = 1024});
  more = (struct file_view){0};
  for (unsigned i = 0; i < FILES_WINDOWS_MAX; i++) {
    char name[16];
    snprintf(name, sizeof name, "%u", i);
    stage_put_pattern(stage_at(name), FILES_SMALL_BYTES + 1);
    shifted_clock_set(CLOCK_REALTIME, 10);
    assert_int_equal(stage_find(files, name, IO_SECOND, &of[i]), FILES_FOUND);
    file = of[i];
    views[i] = (struct file_view){0};
    assert_int_equal(lend(0, true, &views[i]), FILES_WINDOW_BYTES);
  }
  assert_int_equal(files->windows.count, FILES_WINDOWS_MAX);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &more), 0);
  more = (struct file_view){0};
  (void)files_lend(files, of[7], 0, true, NULL, &views[7], &loans);
  (*loans)++;
  for (unsigned i = 0; i <= FILES_WINDOW_SECONDS; i++) {
    assert_int_equal(lend(FILES_WINDOW_BYTES, true, &more), 0);
    more = (struct file_view){0};
    file_cache_second(&files->cache);
  }
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &more), FILES_WINDOW_BYTES);
  assert_true(more.window != views[7].window);
  for (unsigned i = 0; i < 2; i++) /* the loan outlasts trims, its readers and its file */
    files_trim(files, IO_SECOND);
  assert_int_equal(stage_pattern(5), views[7].window->buffer[5]);
  for (unsigned i = 0; i < FILES_WINDOWS_MAX; i++) {
    windows_leave(&views[i]);
    files_release(files, of[i]);
  }
  windows_leave(&more);
  assert_true(windows_are_lent(&files->windows)); /* not the first of them */
  (*loans)--;
  assert_false(windows_are_lent(&files->windows));
  files_destroy(files);
}

/* Fewer windows, where there is less memory for the cache: several directories share a worker's, say. */
static void test_bound(void **state) {
  (void)state;
  struct file_view a = {0}, b = {0};
  open_page_with(
      (struct files_settings){.loop = stage_loop, .cache_bytes_max = 3 * FILES_WINDOW_BYTES});
  assert_int_equal(lend(0, true, &a), FILES_WINDOW_BYTES);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &b), 0);
  windows_leave(&a);
  close_page();
}

/* Of two windows, one with a reader is passed over, and the one in use last stays. */
static void test_two(void **state) {
  (void)state;
  struct file_view a = {0}, b = {0}, c = {0}, d = {0};
  open_page_with(
      (struct files_settings){.loop = stage_loop, .cache_bytes_max = 5 * FILES_WINDOW_BYTES});
  assert_int_equal(files->windows.count, 2);
  for (unsigned i = 0; i < 2 * FILES_WINDOW_SECONDS; i++)
    file_cache_second(&files->cache);
  assert_int_equal(lend(0, true, &a), FILES_WINDOW_BYTES);
  assert_int_equal(file->used_at, files->cache.seconds);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &b), FILES_WINDOW_BYTES);
  windows_leave(&b);
  assert_int_equal(lend(2 * FILES_WINDOW_BYTES, true, &c), FILES_WINDOW_BYTES);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &d), 0); /* both have just been used */
  windows_leave(&a);
  windows_leave(&c);
  assert_int_equal(lend(0, false, &a), FILES_WINDOW_BYTES); /* the last one in use */
  windows_leave(&a);
  assert_int_equal(lend(FILES_WINDOW_BYTES, true, &b), FILES_WINDOW_BYTES);
  assert_int_equal(lend(0, false, &a), FILES_WINDOW_BYTES);
  windows_leave(&a);
  windows_leave(&b);
  for (unsigned i = 0; i <= FILES_WINDOW_SECONDS; i++)
    files_trim(files, IO_SECOND);
  assert_null(files->windows.at[0].buffer);
  assert_null(files->windows.at[1].buffer);
  close_page();
}

/* A window that is read anew keeps its page, and one that is freed gives it back. */
static void test_pages_again(void **state) {
  (void)state;
  struct file_view view = {0};
  open_page_with(
      (struct files_settings){.loop = stage_loop, .cache_bytes_max = 3 * FILES_WINDOW_BYTES});
  for (unsigned i = 0; i <= 2 * PAGES_COUNT; i++) {
    assert_int_equal(lend(i % 2 * FILES_WINDOW_BYTES, true, &view), FILES_WINDOW_BYTES);
    assert_true(pages_hold(&stage_loop->pages, view.window->buffer));
    windows_leave(&view);
    for (unsigned second = 0; i % 2 && second <= FILES_WINDOW_SECONDS; second++)
      files_trim(files, IO_SECOND);
  }
  close_page();
}

/* A loan is left alone when its file is gone; a window that nobody used is freed. */
static void test_freed(void **state) {
  (void)state;
  struct file_view view = {0};
  uint32_t *loans;
  open_page();
  struct span bytes = files_lend(files, file, 0, true, NULL, &view, &loans);
  assert_int_equal(bytes.len, FILES_WINDOW_BYTES);
  struct file_window *window = view.window;
  assert_true(files_are_idle(files));
  (*loans)++;
  windows_leave(&view);
  files_release(files, file);
  file_cache_clear(&files->cache);
  assert_false(files_are_idle(files)); /* what is lent is on its way */
  assert_false(list_is_linked(&window->of_file));
  for (unsigned i = 0; i <= FILES_WINDOW_SECONDS; i++)
    files_trim(files, IO_SECOND);
  assert_int_equal(bytes.base[1], stage_pattern(1));
  (*loans)--;
  assert_true(files_are_idle(files));
  files_trim(files, IO_SECOND);
  assert_null(window->buffer);
  files_destroy(files);
}

/* The kernel refers to the beginning of the file's first window, from a pipe. */
static void refer_to(const struct file_window *window, int pipe_in) {
  struct iovec part = {.iov_base = window->buffer, .iov_len = 64};
  assert_true(pages_hold(&stage_loop->pages, window->buffer));
  pages_refer(&stage_loop->pages, window->buffer);
  assert_int_equal(vmsplice(pipe_in, &part, 1, 0), 64);
}

/* What the kernel refers to stays as it is when the window is read anew, whether it was freed before or not. */
static void test_sent_by_reference(void **state) {
  (void)state;
  int ends[2];
  uint8_t got[64];
  assert_int_equal(pipe(ends), 0);
  for (unsigned freed = 0; freed < 2; freed++) {
    struct file_view view = {0};
    /* A single window. */
    open_page_with(
        (struct files_settings){.loop = stage_loop, .cache_bytes_max = 3 * FILES_WINDOW_BYTES});
    assert_int_equal(lend(0, true, &view), FILES_WINDOW_BYTES);
    struct file_window *window = view.window;
    refer_to(window, ends[1]);
    windows_leave(&view);
    for (unsigned i = 0; freed && i <= FILES_WINDOW_SECONDS; i++)
      files_trim(files, IO_SECOND);
    assert_int_equal(!window->buffer, freed);
    assert_int_equal(lend(FILES_WINDOW_BYTES, true, &view), FILES_WINDOW_BYTES);
    assert_ptr_equal(view.window, window);
    assert_int_equal(read(ends[0], got, sizeof got), sizeof got);
    for (unsigned i = 0; i < sizeof got; i++)
      assert_int_equal(got[i], stage_pattern(i));
    windows_leave(&view);
    close_page();
  }
  close(ends[0]);
  close(ends[1]);
}

/* Windows for which there are no pages are read and lent all the same. */
static void test_without_pages(void **state) {
  (void)state;
  struct file_view view = {0};
  struct pages before = stage_loop->pages;
  stage_loop->pages = (struct pages){.failed = true};
  open_page();
  assert_int_equal(lend(0, true, &view), FILES_WINDOW_BYTES);
  assert_false(pages_hold(&stage_loop->pages, view.window->buffer));
  windows_leave(&view);
  close_page();
  stage_loop->pages = before;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      STAGE_TEST(test_shared),        STAGE_TEST(test_unsettled),
      STAGE_TEST(test_changed),       STAGE_TEST(test_settled_again),
      STAGE_TEST(test_rewritten),     STAGE_TEST(test_cold),
      STAGE_TEST(test_all_in_use),    STAGE_TEST(test_bound),
      STAGE_TEST(test_freed),         STAGE_TEST(test_sent_by_reference),
      STAGE_TEST(test_without_pages), STAGE_TEST(test_two),
      STAGE_TEST(test_pages_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
