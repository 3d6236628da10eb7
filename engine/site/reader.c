/*
 * site/reader.c - the body of a file that is not in memory: read in pieces, when the scheduler
 * asks.
 *
 * A piece is about as large as one pull, so that a slow client holds no more than that, and only
 * after a wait for the disk; bytes that the source has at once pass through without staying.
 *
 * Where the source lends bytes from where they lie, nothing is read or copied: see site/source.h.
 *
 * A client that opens its window by the byte would hold a buffer of the source for long, and a few
 * of them would keep all others from reading. So when buffers are short, the source takes one back from the
 * connection that has most, and the exchange that held it reads its bytes again later. If there is none to take
 * back, an exchange waits: it tries again when another gives a buffer back, and each second, and fails after
 * SITE_STARVED_SECONDS.
 *
 * The first exchange that reads a file from its beginning looks through it for a first scan, and
 * all later ones know the result.
 */
#include "engine/site/reader.h"

#include <assert.h>

#ifdef WEIR_INVARIANTS
/* The unread bytes are the end of the last read, and the next read begins at `offset`. */
static void invariants(const struct site_exchange *exchange) {
  const struct site *site = exchange->site;
  struct span read = exchange->read.bytes, unread = exchange->unread;
  assert(exchange->offset + exchange->left <= exchange->sent->size_bytes);
  assert(!exchange->reading || site->reads > 0);
  assert(!exchange->starved || !exchange->reading);
  assert((site->starved == NULL) == (site->starved_last == NULL));
  assert(!exchange->starved || site->starved);
  assert(!exchange->holding || unread.len > 0);
  if (unread.len == 0) return;
  assert(exchange->reading && exchange->arrived && !exchange->failed);
  assert(unread.base + unread.len == read.base + read.len);
  assert(exchange->offset == exchange->read.offset + read.len);
}
#else
static void invariants(const struct site_exchange *exchange) {
  (void)exchange;
}
#endif

/* ---- exchanges that wait for a buffer -------------------------------------------------------- */

static void starve(struct site_exchange *exchange) {
  struct site *site = exchange->site;
  exchange->starved = true;
  exchange->starved_next = NULL;
  exchange->starved_prev = site->starved_last;
  *(site->starved_last ? &site->starved_last->starved_next : &site->starved) = exchange;
  site->starved_last = exchange;
}

static void unstarve(struct site_exchange *exchange) {
  struct site *site = exchange->site;
  if (!exchange->starved) return;
  exchange->starved = false;
  struct site_exchange *next = exchange->starved_next, *prev = exchange->starved_prev;
  *(prev ? &prev->starved_next : &site->starved) = next;
  *(next ? &next->starved_prev : &site->starved_last) = prev;
}

static void wake(struct site_exchange *exchange) {
  if (exchange->stream) stream_resume(exchange->stream);
}

/* There may be room. All may try again: a window or a full socket may hold up any of them next. */
static void wake_starved(struct site *site) {
  while (site->starved) {
    struct site_exchange *exchange = site->starved;
    unstarve(exchange);
    wake(exchange);
  }
}

void site_reader_second(struct site *site) {
  site->seconds++;
  for (struct site_exchange *exchange = site->starved; exchange; exchange = exchange->starved_next)
    exchange->failed = ++exchange->starved_seconds > SITE_STARVED_SECONDS;
  wake_starved(site);
}

static void end_read(struct site_exchange *exchange) {
  struct site *site = exchange->site;
  if (!exchange->reading) return;
  exchange->holding = false;
  site->settings.source.ops->read_end(site->settings.source.self, &exchange->read);
  exchange->reading = false;
  exchange->unread = (struct span){0};
  assert(site->reads > 0);
  site->reads--;
  wake_starved(site);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void know_first_bytes(struct site_exchange *exchange, enum first_scan_result result) {
  struct site_facts *facts = &exchange->sent->facts;
  if (facts->first_known) return;
  facts->first_known = true;
  facts->first_bytes = result == FIRST_SCAN_FOUND ? exchange->scan.bytes : 0;
}

/* The piece that was just read may hold the end of the first scan; until then, the next piece is
 * needed too. Bytes that are read again after give_up() have been looked at before. */
static void look_for_scan(struct site_exchange *exchange) {
  const struct site_facts *facts = &exchange->sent->facts;
  struct first_scan *scan = &exchange->scan;
  struct span piece = exchange->unread;
  size_t seen = (size_t)(scan->bytes - exchange->read.offset);
  assert(exchange->read.offset <= scan->bytes);
  if (seen >= piece.len) return;
  enum first_scan_result result =
      first_scan_read(scan, span_of(piece.base + seen, piece.len - seen));
  if (result != FIRST_SCAN_MORE) know_first_bytes(exchange, result);
  exchange->scanning = !facts->first_known;
  if (exchange->stream)
    stream_head_start(exchange->stream,
                      facts->first_known ? facts->first_bytes : scan->bytes + SITE_SCAN_STEP_BYTES);
}

/* The source may return less than was asked for, never more. */
static void take_in(struct site_exchange *exchange, enum site_result result) {
  exchange->arrived = true;
  exchange->arrived_second = exchange->site->seconds;
  exchange->failed = result != SITE_FOUND;
  if (exchange->failed) return;
  exchange->unread = exchange->read.bytes;
  assert(exchange->unread.len > 0 && exchange->unread.len <= exchange->left);
  exchange->offset += exchange->unread.len;
  exchange->left -= exchange->unread.len;
  if (exchange->scanning) look_for_scan(exchange);
}

static void read_done(struct site_read *read, enum site_result result) {
  struct site_exchange *exchange =
      (struct site_exchange *)((uint8_t *)read - offsetof(struct site_exchange, read));
  assert(exchange->reading && !exchange->arrived);
  if (result == SITE_BUSY) {
    end_read(exchange);
    starve(exchange);
    return;
  }
  take_in(exchange, result);
  invariants(exchange);
  wake(exchange);
}

/* Bytes that arrived just now are about to be pulled, or else a slow disk would be read again and again. */
static bool give_up(struct site_read *read) {
  struct site_exchange *exchange =
      (struct site_exchange *)((uint8_t *)read - offsetof(struct site_exchange, read));
  assert(exchange->reading && exchange->arrived);
  bool old = exchange->site->seconds - exchange->arrived_second >= 2;
  if (!exchange->holding && !old) return false;
  exchange->offset -= exchange->unread.len;
  exchange->left += exchange->unread.len;
  end_read(exchange);
  invariants(exchange);
  return true;
}

static enum body_result start_read(struct site_exchange *exchange, size_t pull_max) {
  struct site *site = exchange->site;
  uint64_t max = pull_max < SITE_READ_BYTES_MIN ? SITE_READ_BYTES_MIN : pull_max;
  if (max > exchange->left) max = exchange->left;
  exchange->read.done = read_done;
  exchange->read.give_up = give_up;
  exchange->read.offset = exchange->offset;
  exchange->read.max = (size_t)max;
  const struct site_source *source = &site->settings.source;
  enum site_result result = source->ops->read(source->self, exchange->sent, &exchange->read);
  if (result == SITE_BUSY) {
    starve(exchange);
    return BODY_WAIT;
  }
  if (result != SITE_FOUND && result != SITE_PENDING) return BODY_ERROR;
  exchange->starved_seconds = 0;
  site->reads++;
  exchange->reading = true;
  exchange->arrived = false;
  if (result == SITE_PENDING) return BODY_WAIT;
  take_in(exchange, result);
  return BODY_MORE;
}

/* Copies, since the source needs its buffer before the stream has sent the bytes. */
static enum body_result give(struct site_exchange *exchange, struct body_chunk *chunk) {
  size_t count = exchange->unread.len < chunk->max ? exchange->unread.len : chunk->max;
  __builtin_memcpy(chunk->room, exchange->unread.base, count);
  chunk->bytes = span_of(chunk->room, count);
  exchange->unread = span_of(exchange->unread.base + count, exchange->unread.len - count);
  if (exchange->unread.len > 0) {
    exchange->holding = true;
    return BODY_MORE;
  }
  end_read(exchange);
  return exchange->left > 0 ? BODY_MORE : BODY_END;
}

/* Bytes that the source lends are sent from where they lie. False: it has none now. */
static bool borrow(struct site_exchange *exchange, struct body_chunk *chunk) {
  const struct site_source *source = &exchange->site->settings.source;
  struct site_loan *loan = &exchange->loan;
  if (!source->ops->lend || exchange->scanning || chunk->max == 0) return false;
  loan->offset = exchange->offset;
  loan->ahead =
      exchange->offset - exchange->first >= SITE_AHEAD_BYTES && exchange->left >= SITE_AHEAD_BYTES;
  struct span bytes = source->ops->lend(source->self, exchange->sent, loan);
  if (bytes.len == 0) return false;
  if (bytes.len > chunk->max) bytes.len = chunk->max;
  if (bytes.len > exchange->left) bytes.len = (size_t)exchange->left;
  chunk->bytes = bytes;
  chunk->loans = loan->count;
  exchange->offset += bytes.len;
  exchange->left -= bytes.len;
  return true;
}

static enum body_result next_piece(struct site_exchange *exchange, struct body_chunk *chunk) {
  if (exchange->failed) return BODY_ERROR;
  if (exchange->starved) return BODY_WAIT;
  if (!exchange->reading) {
    if (chunk->max == 0) return BODY_MORE; /* only asks whether this is the end */
    if (borrow(exchange, chunk)) return exchange->left > 0 ? BODY_MORE : BODY_END;
    enum body_result result = start_read(exchange, chunk->max);
    if (result != BODY_MORE) return result;
  }
  if (!exchange->arrived) return BODY_WAIT;
  return give(exchange, chunk);
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct site_exchange *exchange = self;
  enum body_result result = next_piece(exchange, chunk);
  invariants(exchange);
  return result;
}

static void close_body(void *self) {
  struct site_exchange *exchange = self;
  if (exchange->stream) exchange->stream->user = NULL;
  unstarve(exchange);
  end_read(exchange);
  const struct site_source *source = &exchange->site->settings.source;
  if (source->ops->lend_end) source->ops->lend_end(source->self, &exchange->loan);
  site_exchange_free(exchange);
}

/* The stream can no longer be woken. The body may live a little longer, and then frees the
 * exchange. */
static void closed(struct stream *stream, uint32_t error_code) {
  (void)error_code;
  struct site_exchange *exchange = stream->user;
  if (exchange) exchange->stream = NULL;
}

struct body site_reader_body(struct site_exchange *exchange, uint64_t first, uint64_t count) {
  static const struct body_ops ops = {.pull = pull, .close = close_body};
  static const struct stream_events events = {.closed = closed};
  assert(count > 0);
  exchange->first = exchange->offset = first;
  exchange->left = count;
  exchange->loan = (struct site_loan){.client = exchange->lookup.client};
  exchange->unread = (struct span){0};
  exchange->starved_seconds = 0;
  exchange->holding = false;
  exchange->read.client = exchange->lookup.client;
  exchange->scanning = first == 0 && !exchange->sent->facts.first_known;
  exchange->scan = (struct first_scan){0};
  exchange->stream->user = exchange;
  exchange->stream->events = &events;
  return (struct body){.ops = &ops, .self = exchange};
}

void site_reader_seek(struct site_exchange *exchange, uint64_t first, uint64_t count) {
  assert(exchange->left == 0 && !exchange->reading && !exchange->scanning);
  assert(count > 0);
  exchange->first = exchange->offset = first;
  exchange->left = count;
}
