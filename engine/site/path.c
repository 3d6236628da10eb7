/*
 * site/path.c - one pass that decodes, one that takes segments; see site/path.h.
 *
 * Decoding comes first and happens once: text that was encoded twice stays encoded once, and is
 * then an odd but ordinary file name. Dots are unreserved, so an encoded dot is a dot. A slash is
 * reserved, so an encoded slash would be part of a segment; no file system allows that, and it is
 * refused.
 */
#include "engine/site/path.h"

#include "engine/base/text.h"

static bool is_control(int byte) {
  return byte < 0x20 || byte == 0x7f;
}

static enum site_path_result decode(struct span text, uint8_t *room, size_t room_bytes,
                                    size_t *out_len) {
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    int byte = text.base[i];
    if (byte == '%') {
      byte = text_escaped_byte(text, i);
      if (byte < 0 || byte == '/') return SITE_PATH_NO_FILE;
      i += 2;
    } else if (byte == '#' || byte == ' ') {
      return SITE_PATH_BAD; /* neither may stand in a path (RFC 3986 section 3.3) */
    }
    if (is_control(byte) || byte == '\\') return SITE_PATH_NO_FILE;
    if (len == room_bytes) return SITE_PATH_LONG;
    room[len++] = (uint8_t)byte;
  }
  *out_len = len;
  return SITE_PATH_OK;
}

/* The normalised path so far: the first `len` bytes of the room. */
struct normal {
  uint8_t *room;
  size_t len;
};

/* ".." takes the last segment away; false when there is none. */
static bool ascend(struct normal *normal) {
  if (normal->len == 0) return false;
  while (normal->len > 0 && normal->room[normal->len - 1] != '/')
    normal->len--;
  if (normal->len > 0) normal->len--;
  return true;
}

/* The segment lies further on in the same room. Each takes no more than itself and the slash before
 * it, so that bytes still to be read are never overwritten. */
static void append(struct normal *normal, struct span segment) {
  if (normal->len > 0) normal->room[normal->len++] = '/';
  __builtin_memmove(normal->room + normal->len, segment.base, segment.len);
  normal->len += segment.len;
}

/* Takes segments out of room[0 .. len), which begins with a slash, and writes them back without
 * empty and dot segments. */
static bool remove_dot_segments(struct normal *normal, size_t len, bool *directory) {
  for (size_t i = 0; i < len;) {
    size_t start = i + 1, end = start;
    while (end < len && normal->room[end] != '/')
      end++;
    struct span segment = span_of(normal->room + start, end - start);
    bool up = span_is(segment, ".."), stay = segment.len == 0 || span_is(segment, ".");
    if (up && !ascend(normal)) return false;
    *directory = up || stay;
    if (!up && !stay) append(normal, segment);
    i = end;
  }
  return true;
}

static bool is_hidden(struct span path) {
  for (size_t i = 0; i < path.len; i++) {
    if (path.base[i] != '.' || (i > 0 && path.base[i - 1] != '/')) continue;
    struct span rest = span_of(path.base + i, path.len - i);
    static const char well_known[] = ".well-known";
    size_t len = sizeof well_known - 1;
    bool named = rest.len >= len && __builtin_memcmp(rest.base, well_known, len) == 0;
    if (i > 0 || !named || (rest.len > len && rest.base[len] != '/')) return true;
  }
  return false;
}

static bool is_visible_ascii(struct span text) {
  for (size_t i = 0; i < text.len; i++)
    if (text.base[i] <= ' ' || text.base[i] >= 0x7f) return false;
  return true;
}

/* pchar of RFC 3986 section 3.3, and the slash between segments. */
static const bool plain[256] = {
    ['a' ... 'z'] = true, ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['-'] = true, ['.'] = true,
    ['_'] = true,         ['~'] = true,         ['!'] = true,         ['$'] = true, ['&'] = true,
    ['\''] = true,        ['('] = true,         [')'] = true,         ['*'] = true, ['+'] = true,
    [','] = true,         [';'] = true,         ['='] = true,         [':'] = true, ['@'] = true,
    ['/'] = true,
};

/* Whether normalising would not change the path: it has plain bytes alone, and no segment that is
 * empty or begins with a dot. True of most. */
static bool is_normal(struct span path) {
  uint8_t before = 0;
  for (size_t i = 0; i < path.len; i++) {
    uint8_t byte = path.base[i];
    if (!plain[byte]) return false;
    if (before == '/' && (byte == '/' || byte == '.')) return false;
    before = byte;
  }
  return before != '/';
}

enum site_path_result site_path_parse(struct span target, uint8_t *room, size_t room_bytes,
                                      struct site_path *out) {
  if (target.len == 0 || target.base[0] != '/') return SITE_PATH_BAD;
  const uint8_t *mark = __builtin_memchr(target.base, '?', target.len);
  size_t path_len = mark ? (size_t)(mark - target.base) : target.len, len;
  out->query = mark ? span_of(mark, target.len - path_len) : (struct span){0};
  if (!is_visible_ascii(out->query)) return SITE_PATH_BAD;

  if (path_len <= room_bytes && is_normal(span_of(target.base, path_len))) {
    out->directory = false;
    out->path = span_of(room, path_len - 1);
    __builtin_memcpy(room, target.base + 1, path_len - 1);
    return SITE_PATH_OK;
  }
  enum site_path_result result = decode(span_of(target.base, path_len), room, room_bytes, &len);
  if (result != SITE_PATH_OK) return result;
  struct normal normal = {.room = room};
  if (!remove_dot_segments(&normal, len, &out->directory)) return SITE_PATH_NO_FILE;
  out->path = span_of(room, normal.len);
  return is_hidden(out->path) ? SITE_PATH_NO_FILE : SITE_PATH_OK;
}

bool site_path_shows(struct span name) {
  if (name.len == 0 || name.base[0] == '.') return false;
  for (size_t i = 0; i < name.len; i++)
    if (is_control(name.base[i]) || name.base[i] == '\\' || name.base[i] == '/') return false;
  return true;
}

size_t site_path_encode(struct span text, uint8_t *room) {
  static const char hex[] = "0123456789ABCDEF";
  size_t len = 0;
  for (size_t i = 0; i < text.len; i++) {
    uint8_t byte = text.base[i];
    if (plain[byte]) {
      room[len++] = byte;
      continue;
    }
    room[len++] = '%';
    room[len++] = (uint8_t)hex[byte >> 4];
    room[len++] = (uint8_t)hex[byte & 15];
  }
  return len;
}

size_t site_path_directory(struct span prefix, const struct site_path *path, uint8_t *room,
                           size_t room_bytes) {
  size_t len = 0;
  if (room_bytes < 3 * (prefix.len + path->path.len) + 3 + path->query.len) return 0;
  room[len++] = '/';
  len += site_path_encode(prefix, room + len);
  if (prefix.len > 0) room[len++] = '/';
  len += site_path_encode(path->path, room + len);
  if (path->path.len > 0) room[len++] = '/';
  if (path->query.len > 0) __builtin_memcpy(room + len, path->query.base, path->query.len);
  return len + path->query.len;
}
