/*
 * site/mime.c - extension to media type; see site/mime.h.
 */
#include "engine/site/mime.h"

#include "engine/base/text.h"

enum { EXTENSION_BYTES_MAX = 11 }; /* derived from the table, as the compiler checks */

/* Sorted by extension, for the binary search. */
static const struct {
  char extension[EXTENSION_BYTES_MAX + 1];
  char type[MIME_TYPE_BYTES_MAX + 1];
} types[] = {
    {"3gp", "video/3gpp"},
    {"3gpp", "video/3gpp"},
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"ai", "application/postscript"},
    {"apng", "image/apng"},
    {"appcache", "text/cache-manifest; charset=utf-8"},
    {"asf", "video/x-ms-asf"},
    {"asx", "video/x-ms-asf"},
    {"atom", "application/atom+xml"},
    {"avi", "video/x-msvideo"},
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/x-c; charset=utf-8"},
    {"cjs", "text/javascript; charset=utf-8"},
    {"conf", "text/plain; charset=utf-8"},
    {"crt", "application/x-x509-ca-cert"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"cur", "image/x-icon"},
    {"deb", "application/vnd.debian.binary-package"},
    {"der", "application/x-x509-ca-cert"},
    {"dmg", "application/x-apple-diskimage"},
    {"doc", "application/msword"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"ear", "application/java-archive"},
    {"eot", "application/vnd.ms-fontobject"},
    {"eps", "application/postscript"},
    {"epub", "application/epub+zip"},
    {"exe", "application/vnd.microsoft.portable-executable"},
    {"flac", "audio/flac"},
    {"flv", "video/x-flv"},
    {"geojson", "application/geo+json"},
    {"gif", "image/gif"},
    {"glb", "model/gltf-binary"},
    {"gltf", "model/gltf+json"},
    {"gz", "application/gzip"},
    {"h", "text/x-c; charset=utf-8"},
    {"heic", "image/heic"},
    {"heif", "image/heif"},
    {"hqx", "application/mac-binhex40"},
    {"htc", "text/x-component; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"img", "application/octet-stream"},
    {"iso", "application/octet-stream"},
    {"jad", "text/vnd.sun.j2me.app-descriptor; charset=utf-8"},
    {"jar", "application/java-archive"},
    {"jardiff", "application/x-java-archive-diff"},
    {"jng", "image/x-jng"},
    {"jnlp", "application/x-java-jnlp-file"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonl", "application/jsonl"},
    {"jsonld", "application/ld+json"},
    {"jxl", "image/jxl"},
    {"kar", "audio/midi"},
    {"kml", "application/vnd.google-earth.kml+xml"},
    {"kmz", "application/vnd.google-earth.kmz"},
    {"log", "text/plain; charset=utf-8"},
    {"m3u", "audio/x-mpegurl"},
    {"m3u8", "application/vnd.apple.mpegurl"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mid", "audio/midi"},
    {"midi", "audio/midi"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mkv", "video/x-matroska"},
    {"mml", "text/mathml; charset=utf-8"},
    {"mng", "video/x-mng"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpd", "application/dash+xml"},
    {"mpeg", "video/mpeg"},
    {"mpg", "video/mpeg"},
    {"msi", "application/octet-stream"},
    {"msm", "application/octet-stream"},
    {"msp", "application/octet-stream"},
    {"odg", "application/vnd.oasis.opendocument.graphics"},
    {"odp", "application/vnd.oasis.opendocument.presentation"},
    {"ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {"odt", "application/vnd.oasis.opendocument.text"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdb", "application/x-pilot"},
    {"pdf", "application/pdf"},
    {"pem", "application/x-pem-file"},
    {"pl", "application/x-perl"},
    {"pm", "application/x-perl"},
    {"png", "image/png"},
    {"ppt", "application/vnd.ms-powerpoint"},
    {"pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"prc", "application/x-pilot"},
    {"ps", "application/postscript"},
    {"ra", "audio/x-realaudio"},
    {"rar", "application/vnd.rar"},
    {"rdf", "application/rdf+xml"},
    {"rpm", "application/x-rpm"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"run", "application/x-makeself"},
    {"sea", "application/x-sea"},
    {"sh", "text/x-shellscript; charset=utf-8"},
    {"shtml", "text/html; charset=utf-8"},
    {"sit", "application/x-stuffit"},
    {"svg", "image/svg+xml"},
    {"svgz", "image/svg+xml"},
    {"swf", "application/x-shockwave-flash"},
    {"tar", "application/x-tar"},
    {"tcl", "application/x-tcl"},
    {"tgz", "application/gzip"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"tk", "application/x-tcl"},
    {"toml", "application/toml"},
    {"ts", "video/mp2t"},
    {"tsv", "text/tab-separated-values; charset=utf-8"},
    {"ttc", "font/collection"},
    {"ttf", "font/ttf"},
    {"ttl", "text/turtle; charset=utf-8"},
    {"txt", "text/plain; charset=utf-8"},
    {"vcf", "text/vcard; charset=utf-8"},
    {"vtt", "text/vtt; charset=utf-8"},
    {"war", "application/java-archive"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"wbmp", "image/vnd.wap.wbmp"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"wml", "text/vnd.wap.wml; charset=utf-8"},
    {"wmlc", "application/vnd.wap.wmlc"},
    {"wmv", "video/x-ms-wmv"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xls", "application/vnd.ms-excel"},
    {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"xml", "application/xml"},
    {"xpi", "application/x-xpinstall"},
    {"xsl", "application/xslt+xml"},
    {"xspf", "application/xspf+xml"},
    {"xz", "application/x-xz"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

/* What follows the last dot of the last segment, unless that dot begins the segment: a name such as
 * ".profile" has no extension. */
struct span mime_extension(struct span path) {
  for (size_t i = path.len; i-- > 0;) {
    if (path.base[i] == '/') break;
    if (path.base[i] != '.') continue;
    if (i == 0 || path.base[i - 1] == '/') break;
    return span_of(path.base + i + 1, path.len - i - 1);
  }
  return (struct span){0};
}

/* Files that their users fetch by a name without an extension. */
static const struct {
  const char *name, *type;
} named[] = {
    {"apple-app-site-association", "application/json"},
};

static const char *type_of_name(struct span path) {
  size_t begin = path.len;
  while (begin > 0 && path.base[begin - 1] != '/')
    begin--;
  for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
    if (span_is(span_of(path.base + begin, path.len - begin), named[i].name)) return named[i].type;
  return NULL;
}

/* NULL: nothing is known. */
static const char *find(struct span path) {
  struct span extension = mime_extension(path);
  char lower[EXTENSION_BYTES_MAX + 1] = {0};
  size_t low = 0, high = extension.len <= EXTENSION_BYTES_MAX ? sizeof types / sizeof types[0] : 0;
  for (size_t i = 0; i < extension.len && high > 0; i++) {
    lower[i] = (char)text_lower(extension.base[i]);
  }
  while (low < high) {
    size_t middle = (low + high) / 2;
    int order = __builtin_memcmp(lower, types[middle].extension, sizeof lower);
    if (order == 0) return types[middle].type;
    if (order < 0) high = middle;
    if (order > 0) low = middle + 1;
  }
  return extension.len == 0 ? type_of_name(path) : NULL;
}

struct span mime_type(struct span path) {
  const char *type = find(path);
  return span_text(type ? type : "application/octet-stream");
}

bool mime_is_known(struct span path) {
  return find(path) != NULL;
}

bool mime_is_gzipped(struct span path) {
  return span_is_ignoring_case(mime_extension(path), "svgz");
}

static bool ends_in(struct span text, const char *end) {
  size_t len = __builtin_strlen(end);
  return text.len >= len && span_is_ignoring_case(span_of(text.base + text.len - len, len), end);
}

bool mime_is_compressible(struct span type) {
  static const char *const others[] = {"application/json", "application/javascript",
                                       "application/xml", "application/x-ndjson",
                                       "application/wasm"};
  size_t len = 0;
  while (len < type.len && type.base[len] != ';' && type.base[len] != ' ')
    len++;
  struct span bare = span_of(type.base, len);
  if (len >= 5 && span_is_ignoring_case(span_of(bare.base, 5), "text/")) return true;
  if (ends_in(bare, "+xml") || ends_in(bare, "+json")) return true;
  for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
    if (span_is_ignoring_case(bare, others[i])) return true;
  return false;
}
