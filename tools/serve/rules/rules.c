/*
 * serve/rules/rules.c - reads error pages; see serve/rules/rules.h.
 */
#include "tools/serve/rules/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/site/mime.h"

/* Reads all of the file into the arena. Returns NULL, or what is wrong. */
static const char *read_all(int fd, struct arena *arena, struct span *bytes) {
  struct stat status;
  if (fstat(fd, &status)) return strerror(errno);
  if (!S_ISREG(status.st_mode)) return "it is no regular file";
  if (status.st_size > SERVE_ERROR_PAGE_BYTES_MAX) return "it is too large for an error page";
  size_t size = (size_t)status.st_size, len = 0;
  uint8_t *room = arena_alloc(arena, size + 1);
  if (!room) return "out of memory";
  while (len < size) {
    ssize_t got = read(fd, room + len, size - len);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return strerror(errno);
    if (got == 0) break;
    len += (size_t)got;
  }
  *bytes = span_of(room, len);
  return NULL;
}

static bool load(struct error_page *page, const struct serve_error_file *file, struct arena *arena,
                 struct mistakes *mistakes) {
  int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const char *wrong = fd < 0 ? strerror(errno) : read_all(fd, arena, &page->bytes);
  if (fd >= 0) close(fd);
  page->type = mime_type(span_of(file->path, strlen(file->path)));
  return !wrong ||
         mistakes_add(mistakes, file->place, "cannot show error-page %s for status %u: %s",
                      file->path, page->status, wrong);
}

bool serve_rules_load(struct serve_rules *rules, struct arena *arena, struct mistakes *mistakes) {
  bool good = true;
  for (uint32_t i = 0; i < rules->page_count; i++)
    good &= load(&rules->pages[i], &rules->page_files[i], arena, mistakes);
  return good;
}
