/*
 * trace/frames.c - one row per frame type: the names of its flags and the function that prints its
 * values.
 */
#include "tools/trace/frames.h"

#include <stdarg.h>
#include <string.h>

#include "engine/h2/frame.h"
#include "engine/h2/settings.h"

struct text {
  char *at;
  size_t size, len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(text->at + text->len, text->size - text->len, format, arguments);
  va_end(arguments);
  if (len < 0) return;
  text->len += (size_t)len;
  if (text->len >= text->size) text->len = text->size - 1;
}

/* The peer may send any bytes. */
static void add_quoted(struct text *text, const uint8_t *bytes, size_t len) {
  add(text, " \"");
  for (size_t i = 0; i < len; i++) {
    bool plain = bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '"';
    if (plain)
      add(text, "%c", bytes[i]);
    else
      add(text, "\\x%02x", bytes[i]);
  }
  add(text, "\"");
}

/* ---- values ---------------------------------------------------------------------------------- */

struct view {
  const struct trace_frame *frame;
  const uint8_t *bytes; /* the payload, as far as it was kept */
  size_t len;
};

static uint32_t number(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void add_dependency(struct text *text, const uint8_t *at) {
  uint32_t parent = number(at);
  add(text, " depends on %u%s, weight %u", parent & H2_STREAM_ID_MAX,
      parent & ~H2_STREAM_ID_MAX ? " exclusively" : "", at[4] + 1u);
}

static void tell_headers(struct text *text, struct view view) {
  size_t at = view.frame->flags & H2_FLAG_PADDED ? 1 : 0;
  if (view.frame->flags & H2_FLAG_PRIORITY && view.len >= at + 5)
    add_dependency(text, view.bytes + at);
}

static void tell_priority(struct text *text, struct view view) {
  if (view.len >= 5) add_dependency(text, view.bytes);
}

static void tell_rst_stream(struct text *text, struct view view) {
  if (view.len >= 4) add(text, " %s", h2_error_name(number(view.bytes)));
}

static void tell_settings(struct text *text, struct view view) {
  static const char *const names[] = {[H2_HEADER_TABLE_SIZE] = "HEADER_TABLE_SIZE",
                                      [H2_ENABLE_PUSH] = "ENABLE_PUSH",
                                      [H2_MAX_CONCURRENT_STREAMS] = "MAX_CONCURRENT_STREAMS",
                                      [H2_INITIAL_WINDOW_SIZE] = "INITIAL_WINDOW_SIZE",
                                      [H2_MAX_FRAME_SIZE] = "MAX_FRAME_SIZE",
                                      [H2_MAX_HEADER_LIST_SIZE] = "MAX_HEADER_LIST_SIZE",
                                      [H2_ENABLE_CONNECT_PROTOCOL] = "ENABLE_CONNECT_PROTOCOL",
                                      [H2_NO_RFC7540_PRIORITIES] = "NO_RFC7540_PRIORITIES"};
  for (size_t at = 0; at + H2_SETTING_BYTES <= view.len; at += H2_SETTING_BYTES) {
    uint16_t id = h2_setting_id(view.bytes + at);
    const char *name = id < sizeof names / sizeof names[0] ? names[id] : NULL;
    if (name)
      add(text, " %s=%u", name, h2_setting_value(view.bytes + at));
    else
      add(text, " 0x%x=%u", id, h2_setting_value(view.bytes + at));
  }
}

static void tell_push_promise(struct text *text, struct view view) {
  size_t at = view.frame->flags & H2_FLAG_PADDED ? 1 : 0;
  if (view.len >= at + 4) add(text, " promises %u", number(view.bytes + at) & H2_STREAM_ID_MAX);
}

static void tell_ping(struct text *text, struct view view) {
  for (size_t i = 0; i < view.len && i < 8; i++)
    add(text, "%s%02x", i ? "" : " ", view.bytes[i]);
}

static void tell_goaway(struct text *text, struct view view) {
  if (view.len < 8) return;
  add(text, " last stream %u, %s", number(view.bytes) & H2_STREAM_ID_MAX,
      h2_error_name(number(view.bytes + 4)));
  if (view.len > 8) add_quoted(text, view.bytes + 8, view.len - 8);
}

static void tell_window_update(struct text *text, struct view view) {
  if (view.len >= 4) add(text, " +%u", number(view.bytes) & H2_STREAM_ID_MAX);
}

static void tell_priority_update(struct text *text, struct view view) {
  if (view.len < 4) return;
  add(text, " stream %u", number(view.bytes) & H2_STREAM_ID_MAX);
  add_quoted(text, view.bytes + 4, view.len - 4);
}

/* ---- one frame ------------------------------------------------------------------------------- */

static const struct row {
  const char *flags[8]; /* by bit */
  void (*tell)(struct text *text, struct view view);
} rows[] = {
    [H2_DATA] = {.flags = {"END_STREAM", NULL, NULL, "PADDED"}},
    [H2_HEADERS] = {.flags = {"END_STREAM", NULL, "END_HEADERS", "PADDED", NULL, "PRIORITY"},
                    .tell = tell_headers},
    [H2_PRIORITY] = {.tell = tell_priority},
    [H2_RST_STREAM] = {.tell = tell_rst_stream},
    [H2_SETTINGS] = {.flags = {"ACK"}, .tell = tell_settings},
    [H2_PUSH_PROMISE] = {.flags = {NULL, NULL, "END_HEADERS", "PADDED"}, .tell = tell_push_promise},
    [H2_PING] = {.flags = {"ACK"}, .tell = tell_ping},
    [H2_GOAWAY] = {.tell = tell_goaway},
    [H2_WINDOW_UPDATE] = {.tell = tell_window_update},
    [H2_CONTINUATION] = {.flags = {NULL, NULL, "END_HEADERS"}},
    [H2_PRIORITY_UPDATE] = {.tell = tell_priority_update},
};

const char *trace_frame_details(const struct trace_record *record, const struct trace_frame *frame,
                                char out[TRACE_FRAME_TEXT_BYTES]) {
  static const struct row unknown = {.tell = NULL};
  const struct row *row =
      frame->type < sizeof rows / sizeof rows[0] ? &rows[frame->type] : &unknown;
  struct text text = {.at = out, .size = TRACE_FRAME_TEXT_BYTES};
  struct view view = {frame, trace_payload(record, frame), frame->payload_bytes};
  out[0] = 0;
  for (unsigned bit = 0; bit < 8; bit++) {
    if (!(frame->flags & 1u << bit)) continue;
    if (row->flags[bit])
      add(&text, " %s", row->flags[bit]);
    else
      add(&text, " 0x%x", 1u << bit);
  }
  if (row->tell) row->tell(&text, view);
  return out[0] ? out + 1 : out;
}

const char *trace_frame_name(const struct trace_record *record, const struct trace_frame *frame,
                             char text[TRACE_FRAME_NAME_BYTES]) {
  if (record->connections[frame->connection].http1) return frame->type == H2_DATA ? "body" : "head";
  if (h2_frame_known(frame->type)) return h2_frame_name(frame->type);
  snprintf(text, TRACE_FRAME_NAME_BYTES, "type 0x%x", frame->type);
  return text;
}

const char *trace_frame_line(const struct trace_record *record, const struct trace_frame *frame,
                             char text[TRACE_FRAME_TEXT_BYTES]) {
  char details[TRACE_FRAME_TEXT_BYTES], name[TRACE_FRAME_NAME_BYTES];
  int len = snprintf(text, TRACE_FRAME_TEXT_BYTES, "%11.3f ms  #%u %s %-15s %6u %8u B  ",
                     (double)frame->end_ns / 1e6, frame->connection, frame->sent ? ">" : "<",
                     trace_frame_name(record, frame, name), frame->stream_id, frame->length);
  if (len > 0)
    snprintf(text + len, TRACE_FRAME_TEXT_BYTES - (size_t)len, "%.900s",
             trace_frame_details(record, frame, details));
  return text;
}

void trace_frames_print(const struct trace_record *record, FILE *to) {
  char line[TRACE_FRAME_TEXT_BYTES];
  for (size_t i = 0; i < record->frame_count; i++)
    fprintf(to, "%s\n", trace_frame_line(record, &record->frames[i], line));
  if (record->frames_lost)
    fprintf(to, "(%llu more frames were not recorded)\n", (unsigned long long)record->frames_lost);
}
