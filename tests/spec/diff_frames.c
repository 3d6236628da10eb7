/*
 * spec/diff_frames.c - the frames of the differential test.
 */
#include "tests/spec/diff_frames.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/wire.h"

/* ---- chance ---------------------------------------------------------------------------------- */

static uint32_t below(struct diff_source *source, uint32_t bound) {
  return random_below(&source->random, bound);
}

static bool one_in(struct diff_source *source, uint32_t n) {
  return random_one_in(&source->random, n);
}

/* ---- streams --------------------------------------------------------------------------------- */

bool diff_frames_any_open(const struct diff_source *source) {
  for (uint32_t id = 1; id < DIFF_IDS; id += 2)
    if (source->weir.streams[id] && !source->weir.complete[id]) return true;
  return false;
}

static uint32_t opened_below(const struct diff_source *source) {
  return source->role == H2_SERVER ? source->id_next : source->requests * 2 + 1;
}

/* A stream on which something may still arrive. Sometimes any opened stream, or even one that
 * was not opened. */
static uint32_t any_id(struct diff_source *source) {
  uint32_t open[DIFF_IDS], count = 0;
  for (uint32_t id = 1; id < DIFF_IDS; id++)
    if (source->weir.streams[id] && !source->weir.complete[id]) open[count++] = id;
  if (count && !one_in(source, 12)) return open[below(source, count)];
  uint32_t below_id = opened_below(source);
  if (below_id == 1 || one_in(source, 30)) return below_id;
  return 1 + 2 * below(source, below_id / 2);
}

uint32_t diff_frames_live_id(struct diff_source *source) {
  uint32_t live[DIFF_IDS], count = 0;
  for (uint32_t id = 1; id < DIFF_IDS; id++)
    if (source->weir.streams[id]) live[count++] = id;
  return count && !one_in(source, 12) ? live[below(source, count)] : any_id(source);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void spoil(struct diff_source *source, struct diff_section *section) {
  diff_source_describe(source, "spoilt by %s, ", diff_section_spoil(section, &source->random));
}

static void put_request_fields(struct diff_source *source, struct diff_section *section) {
  bool te = source->role == H2_SERVER;
  const char *left_out = diff_section_request(section, &source->random, te);
  if (left_out) diff_source_describe(source, "without %s, ", left_out);
}

/* A message to complete. The lengths that a response may state depend on its status. */
struct message {
  struct diff_section section;
  uint32_t id;
  bool end, may_have_length;
};

static bool begin_request(struct diff_source *source, struct message *message) {
  message->id = source->id_next;
  message->may_have_length = true;
  if (message->id >= DIFF_IDS) return false;
  put_request_fields(source, &message->section);
  source->id_next += 2;
  return true;
}

static bool begin_response(struct diff_source *source, struct message *message) {
  static const char *const statuses[] = {"200", "204", "404", "103", "100", "304", "500", "200"};
  const char *status = statuses[below(source, sizeof statuses / sizeof *statuses)];
  uint32_t id = message->id = any_id(source);
  if (id < DIFF_IDS && source->answered[id] && !one_in(source, 40)) return false;
  if (*status == '1' && !one_in(source, 20)) message->end = false;
  if (*status != '1' && id < DIFF_IDS) source->answered[id] = true;
  message->may_have_length = strchr("245", *status) && strcmp(status, "204") != 0;
  diff_section_add(&message->section, ":status", status);
  for (unsigned i = below(source, 6); i > 0; i--)
    diff_section_add_regular(&message->section, &source->random, false);
  return true;
}

void diff_frames_message(struct diff_source *source) {
  struct message message = {.end = one_in(source, 2)};
  bool begun = source->role == H2_SERVER ? begin_request(source, &message)
                                         : begin_response(source, &message);
  if (!begun) return;
  if (one_in(source, 6) && (message.may_have_length || one_in(source, 20))) {
    char length[16];
    bool none = message.end && !one_in(source, 5);
    snprintf(length, sizeof length, "%u", none ? 0 : below(source, 3) * 10);
    diff_source_describe(source, "content-length %s, ", length);
    diff_section_add(&message.section, "content-length", length);
  }
  if (one_in(source, 15)) spoil(source, &message.section);
  diff_source_describe(source, "HEADERS %u%s", message.id, message.end ? " end" : "");
  diff_source_put_section(source, H2_HEADERS, message.id, 0, &message.section, message.end);
}

void diff_frames_trailers(struct diff_source *source) {
  struct diff_section section = {.count = 0};
  uint32_t id = any_id(source);
  bool end = !one_in(source, 12);
  if (id >= opened_below(source) && id % 2 == 1) return; /* it would be a new message */
  if (source->role == H2_CLIENT && !source->answered[id]) return;
  diff_section_add(&section, "x-sum", "42");
  if (one_in(source, 10)) spoil(source, &section);
  diff_source_describe(source, "trailers %u%s", id, end ? " end" : "");
  diff_source_put_section(source, H2_HEADERS, id, 0, &section, end);
}

void diff_frames_promise(struct diff_source *source) {
  struct diff_section section = {.count = 0};
  put_request_fields(source, &section);
  bool foreign = one_in(source, 10); /* nearly always another origin than the requests' */
  for (size_t i = 0; i < section.count; i++) {
    struct span *value = &section.fields[i].value;
    if (span_is(section.fields[i].name, ":method") && !one_in(source, 10))
      *value = span_text(one_in(source, 3) ? "HEAD" : "GET");
    if (span_is(section.fields[i].name, ":scheme") && !foreign) *value = span_text("https");
    if (span_is(section.fields[i].name, ":authority"))
      *value = span_text(!foreign ? "a" : one_in(source, 3) ? "a:443" : "b");
  }
  if (foreign) diff_source_describe(source, "of another origin, ");
  if (one_in(source, 12)) spoil(source, &section);
  uint32_t id = any_id(source);
  if (source->promise_next >= DIFF_IDS) return;
  diff_source_describe(source, "PUSH_PROMISE %u %u", id, source->promise_next);
  diff_source_put_section(source, H2_PUSH_PROMISE, id, source->promise_next, &section, false);
  source->promise_next += 2;
}

/* ---- DATA ------------------------------------------------------------------------------------ */

/* Returns false if the DATA exceed a window of either engine: this does not test flow control. */
static bool take_credit(struct diff_source *source, uint32_t id, int64_t bytes) {
  struct diff_log *logs[] = {&source->weir.log, &source->other.log};
  for (unsigned i = 0; i < 2; i++)
    if (bytes > logs[i]->connection_credit || bytes > logs[i]->stream_credit[id]) return false;
  for (unsigned i = 0; i < 2; i++) {
    logs[i]->connection_credit -= bytes;
    logs[i]->stream_credit[id] -= bytes;
  }
  return true;
}

static void put_data(struct diff_source *source) {
  static uint8_t payload[16384];
  uint32_t id = any_id(source);
  size_t len = one_in(source, 6) ? below(source, 3000) : below(source, 3) * 10;
  bool padded = one_in(source, 5), end = one_in(source, 4);
  uint8_t padding = padded ? (uint8_t)below(source, 60) : 0;
  if (source->role == H2_CLIENT && !source->answered[id] && !one_in(source, 40)) return;
  size_t whole = padded ? 1u + len + padding : len;
  if (!take_credit(source, id, (int64_t)whole)) return;
  uint8_t *at = payload;
  if (padded) *at++ = padding;
  for (size_t i = 0; i < len; i++)
    *at++ = (uint8_t)below(source, 256);
  memset(at, 0, padding);
  if (padded && one_in(source, 20)) {
    payload[0] = 255;
    if (whole > 255) payload[0] = 0;
    diff_source_describe(source, "badly padded, ");
  }
  diff_source_describe(source, "DATA %u %zu%s%s", id, len, end ? " end" : "",
                       padded ? " padded" : "");
  diff_source_put(source, H2_DATA,
                  (uint8_t)((end ? H2_FLAG_END_STREAM : 0) | (padded ? H2_FLAG_PADDED : 0)), id,
                  payload, whole);
}

/* ---- everything else ------------------------------------------------------------------------- */

void diff_frames_control(struct diff_source *source) {
  uint8_t payload[32] = {0};
  uint32_t id = diff_frames_live_id(source);
  switch (below(source, 9)) {
  case 0:
    diff_source_describe(source, "PING");
    wire_put32(payload, below(source, 1u << 30));
    diff_source_put(source, H2_PING, one_in(source, 4) ? H2_FLAG_ACK : 0, 0, payload, 8);
    break;
  case 1:
    diff_source_describe(source, "PRIORITY %u", id);
    wire_put32(payload, id + 2);
    diff_source_put(source, H2_PRIORITY, 0, id, payload, 5);
    break;
  case 2:
    diff_source_describe(source, "RST_STREAM %u", id);
    wire_put32(payload, below(source, 20));
    diff_source_put(source, H2_RST_STREAM, 0, id, payload, 4);
    break;
  case 3:
    id = one_in(source, 2) ? 0 : id;
    diff_source_describe(source, "WINDOW_UPDATE %u", id);
    wire_put32(payload, 1 + below(source, 1000));
    diff_source_put(source, H2_WINDOW_UPDATE, 0, id, payload, 4);
    break;
  case 4:
    diff_source_describe(source, "SETTINGS");
    wire_put32(wire_put16(payload, H2_INITIAL_WINDOW_SIZE), below(source, 100000));
    wire_put32(wire_put16(payload + 6, one_in(source, 2) ? 0x99 : H2_HEADER_TABLE_SIZE),
               below(source, 9000));
    diff_source_put(source, H2_SETTINGS, 0, 0, payload, below(source, 3) * 6);
    break;
  case 5:
    diff_source_describe(source, "unknown type");
    diff_source_put(source, (uint8_t)(0x20 + below(source, 200)), (uint8_t)below(source, 256),
                    one_in(source, 2) ? 0 : id, payload, below(source, 20));
    break;
  default: put_data(source); break;
  }
}

/* Frames that no peer may send. */
static const struct {
  const char *what;
  uint8_t type, flags;
  bool on_stream;
  uint8_t length;
  uint8_t payload[12];
} nonsense[] = {
    {"DATA on 0", H2_DATA, 0, false, 3, {0}},
    {"HEADERS on 0", H2_HEADERS, H2_FLAG_END_HEADERS, false, 1, {0x82}},
    {"RST_STREAM on 0", H2_RST_STREAM, 0, false, 4, {0}},
    {"RST_STREAM too short", H2_RST_STREAM, 0, true, 3, {0}},
    {"RST_STREAM too long", H2_RST_STREAM, 0, true, 5, {0}},
    {"PRIORITY on 0", H2_PRIORITY, 0, false, 5, {0, 0, 0, 9, 0}},
    {"SETTINGS on a stream", H2_SETTINGS, 0, true, 0, {0}},
    {"SETTINGS of 5", H2_SETTINGS, 0, false, 5, {0}},
    {"SETTINGS ACK with a payload", H2_SETTINGS, 1, false, 6, {0}},
    {"SETTINGS ACK for nothing", H2_SETTINGS, 1, false, 0, {0}},
    {"window too large", H2_SETTINGS, 0, false, 6, {0, 4, 0x80}},
    {"frame size too small", H2_SETTINGS, 0, false, 6, {0, 5, 0, 0, 1, 0}},
    {"push 2", H2_SETTINGS, 0, false, 6, {0, 2, 0, 0, 0, 2}},
    {"PING on a stream", H2_PING, 0, true, 8, {0}},
    {"PING of 7", H2_PING, 0, false, 7, {0}},
    {"GOAWAY on a stream", H2_GOAWAY, 0, true, 8, {0}},
    {"GOAWAY of 7", H2_GOAWAY, 0, false, 7, {0}},
    {"WINDOW_UPDATE of 0 on 0", H2_WINDOW_UPDATE, 0, false, 4, {0}},
    {"WINDOW_UPDATE of 0", H2_WINDOW_UPDATE, 0, true, 4, {0}},
    {"WINDOW_UPDATE of 5", H2_WINDOW_UPDATE, 0, false, 5, {0}},
    {"WINDOW_UPDATE too large on 0", H2_WINDOW_UPDATE, 0, false, 4, {0x7f, 0xff, 0xff, 0xff}},
    {"WINDOW_UPDATE too large", H2_WINDOW_UPDATE, 0, true, 4, {0x7f, 0xff, 0xff, 0xff}},
    {"CONTINUATION alone", H2_CONTINUATION, H2_FLAG_END_HEADERS, true, 1, {0x82}},
    {"CONTINUATION on 0", H2_CONTINUATION, H2_FLAG_END_HEADERS, false, 1, {0x82}},
    {"bad block", H2_HEADERS, H2_FLAG_END_HEADERS, true, 1, {0x80}},
    {"empty padded HEADERS", H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_PADDED, true, 0, {0}},
    {"short priority", H2_HEADERS, H2_FLAG_END_HEADERS | H2_FLAG_PRIORITY, true, 3, {0}},
    {"PUSH_PROMISE on 0", H2_PUSH_PROMISE, H2_FLAG_END_HEADERS, false, 4, {0, 0, 0, 2}},
    {"PUSH_PROMISE of 0", H2_PUSH_PROMISE, H2_FLAG_END_HEADERS, true, 4, {0}},
};

void diff_frames_nonsense(struct diff_source *source) {
  size_t i = below(source, sizeof nonsense / sizeof *nonsense);
  uint32_t id = nonsense[i].on_stream ? any_id(source) : 0;
  diff_source_describe(source, "%s, stream %u", nonsense[i].what, id);
  diff_source_put(source, nonsense[i].type, nonsense[i].flags, id, nonsense[i].payload,
                  nonsense[i].length);
}
