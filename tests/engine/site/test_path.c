/*
 * site/test_path.c - decoding and normalising request paths (RFC 3986), and what must never pass.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/http/headers.h"
#include "engine/site/mime.h"
#include "engine/site/path.h"

struct row {
  const char *target;
  const char *expected; /* path, then " dir" and the query if there are any; or bad, none, long */
};

static const struct row rows[] = {
    {"/", " dir"},
    {"/index.html", "index.html"},
    {"/a/b/c", "a/b/c"},
    {"/a/b/", "a/b dir"},
    {"/a?x=1", "a?x=1"},
    {"/a/?x=/../..", "a dir?x=/../.."},
    {"/?", " dir?"},
    {"//", " dir"},
    {"///a///b", "a/b"},
    {"/./a/./b/.", "a/b dir"},
    {"/a/../b", "b"},
    {"/a/b/..", "a dir"},
    {"/a/b/../../c", "c"},
    {"/a/..", " dir"},
    {"/%61%2Ehtml", "a.html"},
    {"/a%20b", "a b"},
    {"/%E4%BD%A0", "\xe4\xbd\xa0"},
    {"/\xe4\xbd\xa0", "\xe4\xbd\xa0"}, /* unescaped, but well formed */
    {"/%F0%9F%98%80", "\xf0\x9f\x98\x80"},
    {"/a%25b", "a%b"},
    {"/%252e%252e/x", "%2e%2e/x"}, /* encoded twice: decoded once, an odd name */
    {"/..a", "none"},
    {"/a..", "a.."},
    {"/a/...", "none"},
    {"/a+b", "a+b"},
    {"/a;v=1", "a;v=1"},
    {"/a:b", "a:b"},
    {"/%3Fa", "?a"},
    {"/%23a", "#a"},

    {"/.git/config", "none"},
    {"/%2egit/config", "none"},
    {"/a/.htaccess", "none"},
    {"/.", " dir"},
    {"/.git/../index.html", "index.html"},
    {"/.well-known/acme", ".well-known/acme"},
    {"/.well-known", ".well-known"},
    {"/.well-known/", ".well-known dir"},
    {"/.well-known/.x", "none"},
    {"/.well-knownx", "none"},
    {"/a/.well-known/b", "none"},

    {"", "bad"},
    {"*", "bad"},
    {"index.html", "bad"},
    {"http://a/", "bad"},
    {"/..", "none"},
    {"/../etc/passwd", "none"},
    {"/a/../../etc/passwd", "none"},
    {"/%2e%2e/etc/passwd", "none"},
    {"/.%2e/etc/passwd", "none"},
    {"/%2e%2e%2fetc/passwd", "none"},
    {"/a%2fb", "none"},
    {"/a%2Fb", "none"},
    {"/a%5cb", "none"},
    {"/a\\b", "none"},
    {"/..\\..\\x", "none"},
    {"/a%00b", "none"},
    {"/a%0ab", "none"},
    {"/a%7fb", "none"},
    {"/a\tb", "none"},
    {"/a b", "bad"},
    {"/a#b", "bad"},
    {"/%", "none"},
    {"/%4", "none"},
    {"/%4g", "none"},
    {"/%g4", "none"},
    {"/%%41", "none"},
    {"/%u002e", "none"},

    /* Bytes that are not UTF-8 stay as they are: nothing decodes them again. */
    {"/%ff", "\xff"},
    {"/caf%e9.txt", "caf\xe9.txt"},
    {"/%e4%bd/%a0", "\xe4\xbd/\xa0"},
    {"/%c0%ae%c0%ae/x", "\xc0\xae\xc0\xae/x"}, /* overlong dots are no dots */
    {"/%c0%af", "\xc0\xaf"},                   /* nor is this a slash */
    {"/a/%c0%ae%c0%ae/%2e%2e/b", "a/b"},
    {"/%ed%a0%80", "\xed\xa0\x80"}, /* a surrogate */
    {"/a?b c", "bad"},
    {"/a?b\xc3\xa4", "bad"},
    {"/0123456789012345678901234567890123456789", "long"},
    {"/%30123456789012345678901234567890", "0123456789012345678901234567890"},
};

enum { ROOM = 32 };

/* Exact-size heap copies, so that a sanitizer sees one byte too many, read or written. */
static void describe(const char *target, size_t len, char *out, size_t size) {
  struct site_path path = {0};
  uint8_t *copy = malloc(len ? len : 1), *room = malloc(ROOM);
  assert_non_null(copy);
  assert_non_null(room);
  memcpy(copy, target, len);
  static const char *const names[] = {"ok", "bad", "none", "long"};
  enum site_path_result result = site_path_parse(span_of(copy, len), room, ROOM, &path);
  if (result == SITE_PATH_OK)
    snprintf(out, size, "%.*s%s%.*s", (int)path.path.len, (const char *)path.path.base,
             path.directory ? " dir" : "", (int)path.query.len,
             path.query.len ? (const char *)path.query.base : "");
  else
    snprintf(out, size, "%s", names[result]);
  free(room);
  free(copy);
}

static void parse_rows(void **state) {
  (void)state;
  char got[200];
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    describe(rows[i].target, strlen(rows[i].target), got, sizeof got);
    if (strcmp(got, rows[i].expected) != 0)
      fail_msg("%s: %s, expected %s", rows[i].target, got, rows[i].expected);
  }
}

static void a_nul_byte_is_refused(void **state) {
  (void)state;
  char got[200];
  describe("/a\0b", 4, got, sizeof got);
  assert_string_equal(got, "none");
}

static bool is_safe(struct span path) {
  if (path.len == 0) return true;
  if (path.base[0] == '/' || path.base[path.len - 1] == '/') return false;
  for (size_t i = 0; i < path.len; i++) {
    if (path.base[i] < 0x20 || path.base[i] == 0x7f || path.base[i] == '\\') return false;
    bool begins = i == 0 || path.base[i - 1] == '/';
    if (begins && path.base[i] == '/') return false;
    if (begins && path.base[i] == '.' && !(i == 0 && path.len >= 11 && path.base[1] == 'w'))
      return false;
  }
  return true;
}

/* Targets of up to six pieces of this alphabet of mischief: of 17^6, every 1201st. */
static void nothing_escapes(void **state) {
  (void)state;
  static const char *const pieces[] = {"/",   "..", ".",   "%2e",         "%2E",  "%2f",
                                       "%5c", "\\", "%00", "%252e",       "a",    "%c0%ae",
                                       "//",  "%",  "?",   ".well-known", "%2F.."};
  enum { PIECES = sizeof pieces / sizeof pieces[0] };
  unsigned passed = 0, tried = 0;
  for (unsigned code = 0; code < 24137569; code += 1201) { /* 17^6 */
    char target[128] = "/";
    for (unsigned rest = code; rest > 0; rest /= PIECES)
      strcat(target, pieces[rest % PIECES]);
    uint8_t room[128];
    struct site_path path;
    tried++;
    if (site_path_parse(span_text(target), room, sizeof room, &path) != SITE_PATH_OK) continue;
    passed++;
    if (!is_safe(path.path)) fail_msg("%s passed", target);
  }
  assert_true(tried > 10000);
  assert_true(passed > 100); /* or this test would prove nothing */
}

static void assert_below(const char *prefix, const char *target, const char *expected) {
  uint8_t room[128], out[400];
  struct site_path path;
  assert_int_equal(site_path_parse(span_text(target), room, sizeof room, &path), SITE_PATH_OK);
  struct span below = span_text(prefix);
  size_t need = 3 * (below.len + path.path.len) + 3 + path.query.len;
  assert_int_equal(site_path_directory(below, &path, out, need - 1), 0);
  size_t len = site_path_directory(below, &path, out, need);
  if (!span_is(span_of(out, len), expected))
    fail_msg("%s: %.*s, expected %s", target, (int)len, (char *)out, expected);
}

static void assert_directory(const char *target, const char *expected) {
  assert_below("", target, expected);
}

static void redirect_targets(void **state) {
  (void)state;
  assert_directory("/a", "/a/");
  assert_directory("/a/b?c=d&e", "/a/b/?c=d&e");
  assert_directory("//example.org", "/example.org/"); /* no other authority */
  assert_directory("/%2e/example.org", "/example.org/");
  assert_directory("/a%20b", "/a%20b/");
  assert_directory("/%3Fa%25%23", "/%3Fa%25%23/");
  assert_directory("/%e4%bd%a0", "/%E4%BD%A0/");
  assert_directory("/", "/");
  assert_below("docs", "/a/b?c", "/docs/a/b/?c");
  assert_below("docs/x y", "/", "/docs/x%20y/");
}

static void mime_types(void **state) {
  (void)state;
  static const struct {
    const char *path, *type;
  } types[] = {
      {"index.html", "text/html; charset=utf-8"},
      {"a/b.d/INDEX.HTML", "text/html; charset=utf-8"},
      {"app.js", "text/javascript; charset=utf-8"},
      {"app.mjs", "text/javascript; charset=utf-8"},
      {"style.css", "text/css; charset=utf-8"},
      {"x.svg", "image/svg+xml"},
      {"x.json", "application/json"},
      {"x.tar.gz", "application/gzip"},
      {"x.woff2", "font/woff2"},
      {"x.wasm", "application/wasm"},
      {"x.3gp", "video/3gpp"},
      {"x.zst", "application/zstd"},
      {"site.webmanifest", "application/manifest+json"},
      {"x.txt", "text/plain; charset=utf-8"},
      {"x", "application/octet-stream"},
      {"html", "application/octet-stream"},
      {"a.html/x", "application/octet-stream"},
      {".html", "application/octet-stream"},
      {"a/.html", "application/octet-stream"},
      {"x.", "application/octet-stream"},
      {"x.svgz", "image/svg+xml"},
      {"x.shtml", "text/html; charset=utf-8"},
      {"ca.der", "application/x-x509-ca-cert"},
      {"x.ps", "application/postscript"},
      {"x.eps", "application/postscript"},
      {"x.kml", "application/vnd.google-earth.kml+xml"},
      {"x.kmz", "application/vnd.google-earth.kmz"},
      {"x.heic", "image/heic"},
      {"x.geojson", "application/geo+json"},
      {"x.wbmp", "image/vnd.wap.wbmp"},
      {"x.midi", "audio/midi"},
      {"x.swf", "application/x-shockwave-flash"},
      {"x.xpi", "application/x-xpinstall"},
      {"x.war", "application/java-archive"},
      {"x.ttl", "text/turtle; charset=utf-8"},
      {"x.rdf", "application/rdf+xml"},
      {".well-known/apple-app-site-association", "application/json"},
      {"apple-app-site-association", "application/json"},
      {"apple-app-site-association/x", "application/octet-stream"},
      {"x.unheardof", "application/octet-stream"},
      {"x.averyveryverylongextension", "application/octet-stream"},
      {"", "application/octet-stream"},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    struct span got = mime_type(span_text(types[i].path));
    if (!span_is(got, types[i].type)) fail_msg("%s: %s", types[i].path, (const char *)got.base);
  }
}

/* The table is searched by halves, so that a row out of order would not be found. */
static void every_letter_of_the_mime_table(void **state) {
  (void)state;
  static const char *const extensions[] = {
      "7z",  "aac", "avif", "bin",  "c",    "cjs", "css", "csv",  "doc",  "eot", "flac", "gif",
      "gz",  "h",   "htm",  "html", "ico",  "ics", "jar", "jpeg", "jpg",  "js",  "json", "jxl",
      "log", "m4a", "map",  "md",   "mjs",  "mp3", "mp4", "ogg",  "otf",  "pdf", "png",  "rss",
      "svg", "tar", "tgz",  "tiff", "ttf",  "txt", "vtt", "wasm", "webm", "xml", "xz",   "yaml",
      "yml", "zip", "webp", "woff", "xslx", "wav", "ts",  "toml"};
  unsigned known = 0;
  for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
    char path[40];
    snprintf(path, sizeof path, "x.%s", extensions[i]);
    known += !span_is(mime_type(span_text(path)), "application/octet-stream");
  }
  assert_int_equal(known, sizeof extensions / sizeof extensions[0] - 2); /* bin, xslx */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse_rows),      cmocka_unit_test(a_nul_byte_is_refused),
      cmocka_unit_test(nothing_escapes), cmocka_unit_test(redirect_targets),
      cmocka_unit_test(mime_types),      cmocka_unit_test(every_letter_of_the_mime_table),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
