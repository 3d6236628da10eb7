/*
 * site/multipart.c - see site/multipart.h.
 *
 * One part at a time: its text, then its bytes, then the next one's text; after the last part comes the
 * closing text. Lengths are worked out before, by writing each text once.
 */
#include "engine/site/multipart.h"

#include <assert.h>

#include "engine/site/mime.h"
#include "engine/site/reader.h"

static const char type_prefix[] = "multipart/byteranges; boundary=";

/* Derived from the texts below, and from the longest entity tag and media type. */
enum {
  BOUNDARY_BYTES_MAX = SITE_ETAG_BYTES_MAX - 2, /* without its quotes */
  TYPE_BYTES_MAX = sizeof type_prefix - 1 + BOUNDARY_BYTES_MAX,
  /* CRLF "--" boundary CRLF, two fields of at most "content-range: " and CRLF, and CRLF */
  TEXT_BYTES_MAX =
      4 + BOUNDARY_BYTES_MAX + 2 + 2 * 17 + MIME_TYPE_BYTES_MAX + RANGE_TEXT_BYTES_MAX + 2,
};

struct site_multipart {
  struct site_exchange *exchange;
  struct range_set ranges;
  unsigned part;      /* whose text, or bytes, are sent now; ranges.count: the closing text */
  struct body inner;  /* that part's bytes; ops NULL before the first */
  struct span unsent; /* of the text */
  uint64_t bytes;     /* of all */
  size_t type_len;
  uint8_t type[TYPE_BYTES_MAX], text[TEXT_BYTES_MAX];
};

/* ---- text ------------------------------------------------------------------------------------ */

static void put(uint8_t *out, size_t *len, struct span text) {
  assert(*len + text.len <= TEXT_BYTES_MAX);
  __builtin_memcpy(out + *len, text.base, text.len);
  *len += text.len;
}

static struct span boundary_of(const struct site_multipart *multipart) {
  const struct site_facts *facts = &multipart->exchange->sent->facts;
  return span_of(facts->etag + 1, facts->etag_len - 2u);
}

/* Writes the text before that part, or the one after all. */
static void write_text(struct site_multipart *multipart, unsigned part) {
  const struct site_entry *entry = multipart->exchange->sent;
  uint8_t *text = multipart->text;
  size_t len = 0;
  put(text, &len, span_text("\r\n--"));
  put(text, &len, boundary_of(multipart));
  if (part == multipart->ranges.count) {
    put(text, &len, span_text("--\r\n"));
  } else {
    uint8_t range[RANGE_TEXT_BYTES_MAX];
    size_t range_len = range_format(range, multipart->ranges.at[part], entry->size_bytes);
    put(text, &len, span_text("\r\ncontent-type: "));
    put(text, &len, entry->facts.type);
    put(text, &len, span_text("\r\ncontent-range: "));
    put(text, &len, span_of(range, range_len));
    put(text, &len, span_text("\r\n\r\n"));
  }
  multipart->unsent = span_of(text, len);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static void exchange_done(void *ctx) {
  site_exchange_free(ctx);
}

static void begin_bytes(struct site_multipart *multipart) {
  struct site_exchange *exchange = multipart->exchange;
  struct range range = multipart->ranges.at[multipart->part];
  struct span bytes = exchange->sent->bytes;
  if (bytes.base) {
    bytes = span_of(bytes.base + range.first, (size_t)range.count);
    multipart->inner = body_bytes(&exchange->bytes, bytes, exchange_done, exchange);
  } else if (multipart->part == 0) {
    multipart->inner = site_reader_body(exchange, range.first, range.count);
    exchange->scanning = false; /* it sees parts only */
  } else {
    site_reader_seek(exchange, range.first, range.count);
  }
}

/* ---- the body -------------------------------------------------------------------------------- */

static enum body_result pull_text(struct site_multipart *multipart, struct body_chunk *chunk) {
  struct span *unsent = &multipart->unsent;
  size_t count = unsent->len < chunk->max ? unsent->len : chunk->max;
  __builtin_memcpy(chunk->room, unsent->base, count);
  chunk->bytes = span_of(chunk->room, count);
  *unsent = span_of(unsent->base + count, unsent->len - count);
  bool last = multipart->part == multipart->ranges.count;
  return last && unsent->len == 0 ? BODY_END : BODY_MORE;
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct site_multipart *multipart = self;
  if (multipart->unsent.len > 0) return pull_text(multipart, chunk);
  enum body_result result = multipart->inner.ops->pull(multipart->inner.self, chunk);
  if (result != BODY_END) return result;
  multipart->part++;
  write_text(multipart, multipart->part);
  if (multipart->part < multipart->ranges.count) begin_bytes(multipart);
  return BODY_MORE;
}

static void close_body(void *self) {
  struct site_multipart *multipart = self;
  const struct memory *memory = multipart->exchange->site->settings.memory;
  struct body inner = multipart->inner;
  memory_free(memory, multipart, sizeof *multipart);
  inner.ops->close(inner.self); /* frees the exchange */
}

struct site_multipart *site_multipart_create(struct site_exchange *exchange,
                                             const struct range_set *ranges) {
  struct site_multipart *multipart =
      memory_alloc(exchange->site->settings.memory, sizeof *multipart);
  if (!multipart) return NULL;
  *multipart = (struct site_multipart){.exchange = exchange, .ranges = *ranges};
  for (unsigned part = 0; part <= ranges->count; part++) {
    write_text(multipart, part);
    multipart->bytes += multipart->unsent.len;
    if (part < ranges->count) multipart->bytes += ranges->at[part].count;
  }
  struct span boundary = boundary_of(multipart);
  size_t prefix_len = sizeof type_prefix - 1;
  __builtin_memcpy(multipart->type, type_prefix, prefix_len);
  __builtin_memcpy(multipart->type + prefix_len, boundary.base, boundary.len);
  multipart->type_len = prefix_len + boundary.len;
  return multipart;
}

struct span site_multipart_type(const struct site_multipart *multipart) {
  return span_of(multipart->type, multipart->type_len);
}

uint64_t site_multipart_bytes(const struct site_multipart *multipart) {
  return multipart->bytes;
}

struct body site_multipart_body(struct site_multipart *multipart) {
  static const struct body_ops ops = {.pull = pull, .close = close_body};
  write_text(multipart, 0);
  begin_bytes(multipart);
  return (struct body){.ops = &ops, .self = multipart};
}
