/*
 * support/spdy_fuzz.c - see spdy_fuzz.h.
 */
#include "tests/support/spdy_fuzz.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/spdy/block.h"
#include "engine/spdy/frame.h"
#include "engine/spdy/zlib.h"

enum { SENT_BYTES = 1 << 17, TEXT_BYTES = 1 << 18, FIELDS = 400, IDS = 4096 };

static struct {
  struct counted_memory memory;
  struct spdy_deflate *deflate; /* of the blocks that are fed */
  struct spdy_block_reader reader;
  struct spdy_scratch scratch;
  uint8_t out[SENT_BYTES]; /* sent, not yet a whole frame */
  size_t out_len;
  bool fin[IDS];   /* of our directions, by identifier; larger ones are not looked at */
  bool known[IDS]; /* something was sent on it */
  bool last;       /* a GOAWAY with an error was sent */
} peer;

void spdy_fuzz_begin(void) {
  static uint8_t scratch[TEXT_BYTES];
  peer.out_len = 0;
  peer.last = false;
  memset(peer.fin, 0, sizeof peer.fin);
  memset(peer.known, 0, sizeof peer.known);
  const struct memory *own = counted_init(&peer.memory);
  peer.deflate = spdy_deflate_new(own);
  peer.scratch = (struct spdy_scratch){.base = scratch, .bytes = sizeof scratch};
  spdy_block_reader_init(&peer.reader, own, &peer.scratch, TEXT_BYTES);
  assert(peer.deflate);
}

void spdy_fuzz_end(void) {
  spdy_deflate_free(peer.deflate);
  spdy_block_reader_destroy(&peer.reader);
  assert(peer.memory.count == 0);
}

/* ---- fed ------------------------------------------------------------------------------------- */

struct input {
  const uint8_t *at, *end;
};

static uint8_t octet(struct input *input) {
  return input->at < input->end ? *input->at++ : 0;
}

static struct span take(struct input *input, size_t len) {
  size_t left = (size_t)(input->end - input->at);
  struct span span = span_of(input->at, len < left ? len : left);
  input->at += span.len;
  return span;
}

static uint8_t *put_block(struct input *input, uint8_t *at, size_t room) {
  struct span text = take(input, 8u * octet(input));
  if (text.len == 0) text = span_of("\0\0\0\0", 4);
  at = spdy_deflate(peer.deflate, text, at, room);
  return spdy_deflate_flush(peer.deflate, false, at, room / 2);
}

/* Frames with a block: its bytes are made first, behind room for the beginning. */
static uint8_t *put_with_block(struct input *input, uint8_t *out, uint8_t type, uint32_t id,
                               uint8_t flags, uint8_t number) {
  static uint8_t block[16384];
  uint32_t len = (uint32_t)(put_block(input, block, sizeof block / 2) - block);
  uint8_t *at = type == 0
                    ? spdy_frame_syn_stream_encode(out, flags, id, number % 8, number >> 5, len)
                : type == 1 ? spdy_frame_syn_reply_encode(out, flags, id, len)
                            : spdy_frame_headers_encode(out, flags, id, len);
  memcpy(at, block, len);
  return at + len;
}

static uint8_t *put_settings(uint8_t *out, uint8_t number) {
  struct spdy_setting settings[16];
  uint32_t count = number % 16;
  for (uint32_t i = 0; i < count; i++)
    settings[i] =
        (struct spdy_setting){.id = (i + number) % 9, .value = (uint32_t)number << (number % 24)};
  return spdy_frame_settings_encode(out, 0, settings, count);
}

static uint8_t *put_frame(struct input *input, uint8_t type, uint8_t *out) {
  uint32_t id = octet(input) % 32 + 1;
  uint8_t flags = octet(input), number = octet(input);
  switch (type % 8) {
  case 0:
  case 1:
  case 2: return put_with_block(input, out, type % 8, id, flags, number);
  case 3:
    out = spdy_frame_data_encode(out, id, flags, number);
    memset(out, 'd', number);
    return out + number;
  case 4: return spdy_frame_rst_stream_encode(out, id, number);
  case 5: return put_settings(out, number);
  case 6:
    return flags & 1 ? spdy_frame_goaway_encode(out, id, number % 3)
                     : spdy_frame_ping_encode(out, id);
  default:
    return spdy_frame_window_update_encode(out, id - 1, ((uint32_t)number << (flags % 23)) + 1);
  }
}

void spdy_fuzz_feed(struct fuzz_run *run, const uint8_t *bytes, size_t len) {
  static uint8_t out[40000];
  struct input input = {bytes, bytes + len};
  while (input.at < input.end) {
    uint8_t first = octet(&input);
    if (first & 0x80) {
      struct span raw = take(&input, octet(&input));
      fuzz_receive(run, raw.base, raw.len);
    } else {
      uint8_t *end = put_frame(&input, first, out);
      fuzz_receive(run, out, (size_t)(end - out));
    }
  }
}

/* ---- sent ------------------------------------------------------------------------------------ */

static void check_block(struct span block) {
  static struct header fields[FIELDS];
  static uint8_t arena[64];
  struct headers list;
  const char *reason;
  headers_init(&list, fields, FIELDS, arena, sizeof arena, TEXT_BYTES);
  enum spdy_block_result result = spdy_block_read(&peer.reader, block, true, &list, &reason);
  assert(result == SPDY_BLOCK_DONE && !list.overflowed);
  (void)result;
}

/* Nothing that belongs to our direction follows its end. */
static void check_order(const struct spdy_frame *frame, uint32_t id, bool ends) {
  if (ends) assert(!peer.fin[id]);
  if (ends && frame->header.flags & SPDY_FLAG_FIN) peer.fin[id] = true;
  if (frame->header.type == SPDY_RST_STREAM && peer.known[id]) peer.fin[id] = true;
  peer.known[id] |= ends; /* a stream that was never opened may be reset, and opened later */
}

static void check_frame(const struct spdy_frame *frame, struct span payload) {
  uint16_t type = frame->header.type;
  uint32_t id = frame->header.control ? frame->stream_id : frame->header.stream_id;
  bool ends = type == SPDY_DATA || spdy_frame_has_block(&frame->header);
  assert(!peer.last);
  if (spdy_frame_has_block(&frame->header)) check_block(payload);
  if (ends) assert(id);
  if (id < IDS) check_order(frame, id, ends);
  peer.last = type == SPDY_GOAWAY && frame->goaway.status != SPDY_GOAWAY_OK;
}

/* The first frame. False: it is not whole. */
static bool check_first(void) {
  struct spdy_frame frame = {0};
  if (peer.out_len < SPDY_FRAME_HEADER_BYTES) return false;
  frame.header = spdy_frame_header_decode(peer.out);
  size_t size = SPDY_FRAME_HEADER_BYTES + frame.header.length;
  if (peer.out_len < size) return false;
  struct spdy_verdict verdict = spdy_frame_check(&frame.header);
  const uint8_t *payload = peer.out + SPDY_FRAME_HEADER_BYTES;
  uint32_t fixed = spdy_frame_fixed_bytes(&frame.header);
  if (frame.header.control) verdict = spdy_frame_decode(&frame.header, payload, &frame);
  assert(verdict.scope == SPDY_ACCEPT);
  check_frame(&frame, span_of(payload + fixed, frame.header.length - fixed));
  peer.out_len -= size;
  memmove(peer.out, peer.out + size, peer.out_len);
  return true;
}

void spdy_fuzz_sent(struct fuzz_run *run, struct span bytes) {
  (void)run;
  assert(peer.out_len + bytes.len <= sizeof peer.out);
  if (bytes.len) memcpy(peer.out + peer.out_len, bytes.base, bytes.len);
  peer.out_len += bytes.len;
  while (check_first()) {
  }
}
