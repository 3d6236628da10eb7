/*
 * files/window.c - see files/window.h.
 */
#include "io/files/window.h"

#include <assert.h>
#include <stdlib.h>

#include "io/files/limits.h"

static struct file_window *of_order(struct list_node *node) {
  return LIST_OWNER(node, struct file_window, order);
}

#ifdef WEIR_INVARIANTS
static void invariants(const struct file_windows *windows) {
  uint32_t count = 0;
  for (const struct list_node *node = windows->order.next; node != &windows->order;
       node = node->next) {
    const struct file_window *window = of_order((struct list_node *)(uintptr_t)node);
    assert(window->len <= FILES_WINDOW_BYTES && window->offset % FILES_WINDOW_BYTES == 0);
    assert(window->buffer || (!list_is_linked(&window->of_file) && window->loans == 0));
    assert(list_is_linked(&window->of_file) || window->readers == 0);
    count++;
  }
  assert(count == windows->count);
}
#else
static void invariants(const struct file_windows *windows) {
  (void)windows;
}
#endif

void windows_init(struct file_windows *windows, struct file_cache *cache, struct pages *pages,
                  uint32_t count) {
  *windows = (struct file_windows){.cache = cache, .pages = pages};
  list_init(&windows->order);
  windows->at = calloc(count, sizeof *windows->at);
  if (!windows->at) return;
  windows->count = count;
  for (uint32_t i = 0; i < count; i++)
    list_append(&windows->order, &windows->at[i].order);
}

static bool is_in_pages(const struct file_windows *windows, const struct file_window *window) {
  return windows->pages && pages_hold(windows->pages, window->buffer);
}

static void free_buffer(struct file_windows *windows, struct file_window *window) {
  if (is_in_pages(windows, window))
    pages_give(windows->pages, window->buffer);
  else
    free(window->buffer);
  window->buffer = NULL;
}

/* Gives the window a buffer that may be written. */
static bool prepare_buffer(struct file_windows *windows, struct file_window *window) {
  if (!window->buffer && windows->pages) window->buffer = pages_take(windows->pages);
  if (!window->buffer) window->buffer = malloc(FILES_WINDOW_BYTES);
  if (is_in_pages(windows, window)) return pages_renew(windows->pages, window->buffer);
  return window->buffer;
}

void windows_destroy(struct file_windows *windows) {
  for (uint32_t i = 0; i < windows->count; i++) {
    assert(windows->at[i].readers == 0 && windows->at[i].loans == 0);
    list_remove(&windows->at[i].of_file);
    free_buffer(windows, &windows->at[i]);
  }
  free(windows->at);
}

/* What it holds is no longer lent. Loans that are out stay as they are. */
static void empty(struct file_window *window) {
  list_remove(&window->of_file);
  window->readers = 0;
  window->serial++;
}

static bool is_old(const struct file_windows *windows, const struct file_window *window) {
  return windows->cache->seconds - window->used_at > FILES_WINDOW_SECONDS;
}

static bool is_free(const struct file_windows *windows, const struct file_window *window) {
  return window->loans == 0 && (window->readers == 0 || is_old(windows, window));
}

static void make_last(struct file_windows *windows, struct file_window *window) {
  list_remove(&window->order);
  list_append(&windows->order, &window->order);
}

/* The one of those in use for longest that may be read anew. Those that may not are looked at last next time. */
static struct file_window *find_free(struct file_windows *windows) {
  for (unsigned i = 0; i < FILES_GIVE_TRIES && i < windows->count; i++) {
    struct file_window *window = of_order(windows->order.next);
    make_last(windows, window);
    if (is_free(windows, window)) return window;
  }
  return NULL;
}

static uint64_t begin_of(uint64_t offset) {
  return offset - offset % FILES_WINDOW_BYTES;
}

/* Reads the window around `offset`, whose file is as the proof has it. NULL: not now. */
static struct file_window *fill(struct file_windows *windows, struct file *file, uint64_t offset) {
  struct file_window *window = find_free(windows);
  if (!window) return NULL;
  empty(window);
  if (!prepare_buffer(windows, window)) return NULL;
  uint64_t begin = begin_of(offset), left = file->identity.size_bytes - begin;
  size_t max = left < FILES_WINDOW_BYTES ? (size_t)left : FILES_WINDOW_BYTES;
  ssize_t got = disk_read(file->fd, window->buffer, max, begin, false);
  if (got <= 0 || begin + (uint64_t)got <= offset || !proof_vouches(&file->proof, file->fd)) {
    list_remove(&window->order);
    list_prepend(&windows->order, &window->order); /* the next to be read anew */
    return NULL;
  }
  counter_add(&windows->cache->counters->reads_direct, 1);
  window->offset = begin;
  window->len = (uint32_t)got;
  window->ctime_ns = file->proof.ctime_ns;
  list_append(&file->windows, &window->of_file);
  proof_keep(&file->proof, window->buffer, (size_t)got, begin);
  return window;
}

static bool holds(const struct file_window *window, uint64_t offset) {
  return offset >= window->offset && offset - window->offset < window->len;
}

/* The file's window with that byte, if its time stamps still vouch for it. */
static struct file_window *find(struct file *file, uint64_t offset) {
  struct list_node *node = file->windows.next;
  for (; node != &file->windows; node = node->next) {
    struct file_window *window = LIST_OWNER(node, struct file_window, of_file);
    if (!holds(window, offset)) continue;
    if (window->ctime_ns == file->proof.ctime_ns) return window;
    empty(window);
    return NULL;
  }
  return NULL;
}

static bool is_in(const struct file_view *view, uint64_t offset) {
  return view->window && view->serial == view->window->serial && holds(view->window, offset);
}

static bool enter(struct file_windows *windows, struct file *file, uint64_t offset, bool may_read,
                  struct file_view *view) {
  if (file->fd < 0 || !proof_vouches(&file->proof, file->fd)) return false;
  struct file_window *window = find(file, offset);
  if (!window && may_read) window = fill(windows, file, offset);
  if (!window) return false;
  view->window = window;
  view->serial = window->serial;
  window->readers++;
  make_last(windows, window);
  invariants(windows);
  return true;
}

struct span windows_lend(struct file_windows *windows, struct file *file, uint64_t offset,
                         bool may_read, const void *client, struct file_view *view,
                         uint32_t **loans) {
  assert(file->kind == FILE_LARGE && offset < file->identity.size_bytes);
  if (!is_in(view, offset)) {
    windows_leave(view);
    if (offset < view->refused_to || (!may_read && list_is_empty(&file->windows)))
      return span_of(NULL, 0);
    if (!enter(windows, file, offset, may_read, view)) {
      if (may_read) view->refused_to = begin_of(offset) + FILES_WINDOW_BYTES;
      return span_of(NULL, 0);
    }
    file_cache_touch(windows->cache, file, client);
  }
  struct file_window *window = view->window;
  window->used_at = windows->cache->seconds;
  *loans = &window->loans;
  size_t begin = (size_t)(offset - window->offset);
  return span_of(window->buffer + begin, window->len - begin);
}

void windows_leave(struct file_view *view) {
  if (view->window && view->serial == view->window->serial) view->window->readers--;
  view->window = NULL;
}

bool windows_are_lent(const struct file_windows *windows) {
  for (uint32_t i = 0; i < windows->count; i++)
    if (windows->at[i].loans > 0) return true;
  return false;
}

void windows_trim(struct file_windows *windows) {
  for (uint32_t i = 0; i < windows->count; i++) {
    struct file_window *window = &windows->at[i];
    if (!window->buffer || window->loans > 0 || !is_old(windows, window)) continue;
    empty(window);
    free_buffer(windows, window);
  }
  invariants(windows);
}
