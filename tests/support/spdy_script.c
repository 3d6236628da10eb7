/*
 * support/spdy_script.c - see spdy_script.h: frames from text, and text from frames.
 */
#include "tests/support/spdy_script.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/spdy_app.h"

enum {
  FIELDS_MAX = 300,
  TEXT_BYTES = 200 * 1024,
  INBOX_BYTES = 1 << 20,
  OUT_FRAME_BYTES = 6 << 20
};

/* ---- what the peer sends --------------------------------------------------------------------- */

struct step {
  char type[16], flags[8];
  uint32_t id;
  const char *args; /* after the identifier */
};

static uint8_t flags_of(const struct step *step) {
  uint8_t flags = 0;
  if (strchr(step->flags, 'S')) flags |= SPDY_FLAG_FIN;
  if (strchr(step->flags, 'U')) flags |= SPDY_FLAG_UNIDIRECTIONAL;
  return flags;
}

static uint32_t option(const char *args, char letter) {
  const char *at = args;
  while ((at = strchr(at, letter))) {
    bool begins = at == args || at[-1] == ' ';
    if (begins && at[1] >= '0' && at[1] <= '9') return (uint32_t)strtoul(at + 1, NULL, 10);
    at++;
  }
  return 0;
}

static uint8_t *put_block(struct spdy_script *script, const struct step *step, uint8_t *out) {
  static struct header fields[FIELDS_MAX];
  static uint8_t block[2 * TEXT_BYTES];
  size_t count = spdy_script_fields(step->args, fields, FIELDS_MAX);
  bool ready = spdy_block_writer_ready(&script->writer);
  assert(ready && spdy_block_bound(fields, count) <= sizeof block);
  (void)ready;
  uint32_t len = (uint32_t)(spdy_block_write(&script->writer, fields, count, block) - block);
  uint8_t flags = flags_of(step);
  if (strcmp(step->type, "SYN") == 0)
    out = spdy_frame_syn_stream_encode(out, flags, step->id, option(step->args, 'a'),
                                       (uint8_t)option(step->args, 'p'), len);
  else if (strcmp(step->type, "REPLY") == 0)
    out = spdy_frame_syn_reply_encode(out, flags, step->id, len);
  else
    out = spdy_frame_headers_encode(out, flags, step->id, len);
  memcpy(out, block, len);
  return out + len;
}

static uint8_t *put_settings(const char *text, uint8_t *out) {
  struct spdy_setting settings[128];
  uint32_t count = 0;
  unsigned id, value;
  int used;
  while (sscanf(text, " %u=%u%n", &id, &value, &used) == 2) {
    settings[count++] = (struct spdy_setting){.id = id, .value = value};
    text += used;
  }
  return spdy_frame_settings_encode(out, 0, settings, count);
}

static uint8_t *put_raw(const char *text, uint8_t *out) {
  unsigned byte;
  text = strchr(text, 'x') + 1;
  while (sscanf(text, "%2x", &byte) == 1) {
    *out++ = (uint8_t)byte;
    text += 2;
  }
  return out;
}

static uint8_t *put_frame(struct spdy_script *script, const struct step *step, const char *text,
                          uint8_t *out) {
  uint32_t number = (uint32_t)strtoul(step->args, NULL, 10);
  const char *type = step->type;
  if (strcmp(type, "DATA") == 0) {
    out = spdy_frame_data_encode(out, step->id, flags_of(step), number);
    memset(out, 'd', number);
    return out + number;
  }
  if (strcmp(type, "RST") == 0) return spdy_frame_rst_stream_encode(out, step->id, number);
  if (strcmp(type, "PING") == 0) return spdy_frame_ping_encode(out, step->id);
  if (strcmp(type, "GOAWAY") == 0) return spdy_frame_goaway_encode(out, step->id, number);
  if (strcmp(type, "WU") == 0) return spdy_frame_window_update_encode(out, step->id, number);
  if (strcmp(type, "SET") == 0) return put_settings(text + 3, out);
  if (strcmp(type, "RAW") == 0) return put_raw(text, out);
  return put_block(script, step, out);
}

/* ---- what the machine sends ------------------------------------------------------------------ */

static const char *end_of(const struct spdy_frame *frame) {
  return frame->header.flags & SPDY_FLAG_FIN ? " end" : "";
}

static void log_block(struct spdy_script *script, const struct spdy_frame *frame,
                      struct span block) {
  static struct header fields[FIELDS_MAX];
  static uint8_t arena[1024];
  struct headers list;
  const char *reason;
  headers_init(&list, fields, FIELDS_MAX, arena, sizeof arena, TEXT_BYTES);
  enum spdy_block_result result = spdy_block_read(&script->reader, block, true, &list, &reason);
  assert(result == SPDY_BLOCK_DONE && !list.overflowed);
  (void)result;
  const char *name = spdy_frame_name(frame->header.type);
  struct span status = {0};
  for (uint32_t i = 0; i < list.count; i++)
    if (span_is(list.at[i].name, ":status")) status = list.at[i].value;
  if (status.len)
    spdy_script_log(script, "%s %u %.*s%s", name, frame->stream_id, (int)status.len,
                    (const char *)status.base, end_of(frame));
  else if (frame->header.type == SPDY_SYN_STREAM && frame->syn_stream.associated_id)
    spdy_script_log(script, "%s %u on %u%s", name, frame->stream_id,
                    frame->syn_stream.associated_id, end_of(frame));
  else
    spdy_script_log(script, "%s %u fields %u%s", name, frame->stream_id, list.count, end_of(frame));
}

static void log_frame(struct spdy_script *script, const struct spdy_frame *frame,
                      struct span payload) {
  switch (frame->header.type) {
  case SPDY_DATA:
    spdy_script_log_data(script, "DATA", frame->header.stream_id, payload.len,
                         frame->header.flags & SPDY_FLAG_FIN);
    break;
  case SPDY_RST_STREAM:
    spdy_script_log(script, "RST_STREAM %u %s", frame->stream_id, spdy_status_name(frame->status));
    break;
  case SPDY_PING: spdy_script_log(script, "PING %u", frame->ping_id); break;
  case SPDY_GOAWAY:
    spdy_script_log(script, "GOAWAY %u %s", frame->goaway.last_good_id,
                    spdy_goaway_name(frame->goaway.status));
    break;
  case SPDY_SETTINGS: break;
  case SPDY_WINDOW_UPDATE:
    script->windows++;
    if (script->logs_windows)
      spdy_script_log(script, "WINDOW_UPDATE %u %u", frame->stream_id, frame->delta);
    break;
  default: log_block(script, frame, payload); break;
  }
}

/* The first frame of the inbox. False: it is not whole. */
static bool read_frame(struct spdy_script *script) {
  struct spdy_frame frame = {0};
  if (script->inbox_len < SPDY_FRAME_HEADER_BYTES) return false;
  frame.header = spdy_frame_header_decode(script->inbox);
  size_t size = SPDY_FRAME_HEADER_BYTES + frame.header.length;
  if (script->inbox_len < size) return false;
  struct spdy_verdict verdict = spdy_frame_check(&frame.header);
  assert(verdict.scope == SPDY_ACCEPT);
  const uint8_t *payload = script->inbox + SPDY_FRAME_HEADER_BYTES;
  uint32_t fixed = spdy_frame_fixed_bytes(&frame.header);
  if (frame.header.control) {
    verdict = spdy_frame_decode(&frame.header, payload, &frame);
    assert(verdict.scope == SPDY_ACCEPT);
  }
  log_frame(script, &frame, span_of(payload + fixed, frame.header.length - fixed));
  script->inbox_len -= size;
  memmove(script->inbox, script->inbox + size, script->inbox_len);
  return true;
}

static void take(struct spdy_script *script) {
  struct machine *machine = &script->machine;
  while (machine->ops->wants(machine->self) & MACHINE_SEND) {
    struct span spans[8];
    size_t bytes = 0;
    size_t count = machine->ops->send_peek(machine->self, spans, 8, 32 * KIB, script->now_ns);
    for (size_t i = 0; i < count; i++) {
      assert(script->inbox_len + spans[i].len <= INBOX_BYTES);
      memcpy(script->inbox + script->inbox_len, spans[i].base, spans[i].len);
      script->inbox_len += spans[i].len;
      bytes += spans[i].len;
    }
    machine->ops->send_ack(machine->self, bytes, script->now_ns);
    while (read_frame(script)) {
    }
    if (bytes == 0) break;
  }
}

static void settle(struct spdy_script *script) {
  struct machine *machine = &script->machine;
  if (!machine->ops) return; /* closed */
  if (!script->muted) take(script);
  if (!script->done && machine->ops->wants(machine->self) & MACHINE_DONE) {
    script->done = true;
    spdy_script_log(script, "done");
  }
}

static void pass(struct spdy_script *script, unsigned long ms) {
  struct machine *machine = &script->machine;
  for (unsigned long i = 0; i < ms; i += 10) {
    script->now_ns += 10 * MILLISECOND_NS;
    if (machine->ops->deadline_ns(machine->self) <= script->now_ns)
      machine->ops->tick(machine->self, script->now_ns);
    settle(script);
  }
}

/* ---- giving it to the machine ---------------------------------------------------------------- */

/* A host keeps what is not read during a pause. */
static bool wait_to_be_read(struct spdy_script *script) {
  struct machine *machine = &script->machine;
  for (unsigned i = 0; i < 20 && !script->done; i++) {
    if (machine->ops->wants(machine->self) & MACHINE_RECV) return true;
    pass(script, 10);
  }
  return false;
}

static void give(struct spdy_script *script, struct span bytes, size_t piece) {
  struct machine *machine = &script->machine;
  while (bytes.len && !script->done) {
    size_t part = piece && piece < bytes.len ? piece : bytes.len;
    uint8_t *copy = malloc(part); /* of the exact size, so that a sanitizer sees a read beyond it */
    assert(copy);
    memcpy(copy, bytes.base, part);
    size_t took = machine->ops->recv(machine->self, span_of(copy, part), script->now_ns);
    free(copy);
    assert(took <= part);
    if (took == 0 && !wait_to_be_read(script)) return; /* lost, as with a reset */
    bytes = span_of(bytes.base + took, bytes.len - took);
  }
}

static void frame_step(struct spdy_script *script, const char *text, size_t piece) {
  static uint8_t out[OUT_FRAME_BYTES];
  struct step step = {.args = ""};
  char head[24] = "";
  int used = 0;
  if (sscanf(text, "%23s %u %n", head, &step.id, &used) < 2) used = (int)strlen(text);
  step.args = text + used;
  char *slash = strchr(head, '/');
  if (slash) {
    *slash = 0;
    (void)snprintf(step.flags, sizeof step.flags, "%.7s", slash + 1);
  }
  (void)snprintf(step.type, sizeof step.type, "%.15s", head);
  uint8_t *end = put_frame(script, &step, text, out);
  give(script, span_of(out, (size_t)(end - out)), piece);
}

/* ---- life ------------------------------------------------------------------------------------ */

static void on_wake(struct machine_host *host) {
  struct spdy_script *script =
      (struct spdy_script *)(void *)((char *)host - offsetof(struct spdy_script, host));
  script->wakes++;
}

void spdy_script_begin(struct spdy_script *script, bool server,
                       const struct spdy_session_config *session,
                       const struct engine_config *config) {
  static const struct machine_peer peer = {.application_protocol = "spdy/3.1", .secure = true};
  struct engine_config defaults = engine_config_default();
  *script =
      (struct spdy_script){.server = server, .now_ns = 1000 * SECOND_NS, .host = {.wake = on_wake}};
  const struct memory *memory = counted_init(&script->memory);
  spdy_app_init(script);
  bool ok = engine_init(&script->engine, memory, config ? config : &defaults, &script->handler);
  struct spdy_shared *shared = &script->engine.spdy;
  ok = ok && (server ? spdy_server : spdy_client)(shared, session, &peer, &script->host,
                                                  script->now_ns, &script->machine);
  script->inbox = malloc(INBOX_BYTES);
  script->scratch = (struct spdy_scratch){.base = malloc(TEXT_BYTES), .bytes = TEXT_BYTES};
  assert(ok && script->inbox && script->scratch.base);
  (void)ok;
  spdy_block_reader_init(&script->reader, memory, &script->scratch, TEXT_BYTES);
  spdy_block_writer_init(&script->writer, memory);
  spdy_app_listen(script);
  settle(script);
}

void spdy_script_close(struct spdy_script *script) {
  if (script->machine.ops) script->machine.ops->close(script->machine.self);
  spdy_block_reader_destroy(&script->reader);
  spdy_block_writer_destroy(&script->writer);
  engine_destroy(&script->engine);
  for (size_t i = 0; i < script->stream_count; i++)
    assert(!script->streams[i].stream && !script->streams[i].body_open);
  assert(script->memory.count == 0);
  free(script->inbox);
  free(script->scratch.base);
}

static void run_step(struct spdy_script *script, const char *step, size_t piece) {
  script->data_what[0] = 0;
  if (strncmp(step, "!pass ", 6) == 0)
    pass(script, strtoul(step + 6, NULL, 10));
  else if (step[0] == '!')
    spdy_app_step(script, step + 1);
  else
    frame_step(script, step, piece);
  settle(script);
}

/* "xN" in front of a step repeats it; # in it is a number that rises by two. */
static void repeat(struct spdy_script *script, const char *step, size_t piece) {
  unsigned times = 1, from = 1;
  int used = 0;
  if (sscanf(step, "%ux%u %n", &times, &from, &used) < 2) used = 0, times = 1;
  for (unsigned i = 0; i < times; i++) {
    char text[1024];
    const char *hash = strchr(step + used, '#');
    if (hash)
      (void)snprintf(text, sizeof text, "%.*s%u%s", (int)(hash - step - used), step + used,
                     from + 2 * i, hash + 1);
    else
      (void)snprintf(text, sizeof text, "%s", step + used);
    run_step(script, text, piece);
  }
}

void spdy_script_run(struct spdy_script *script, const char *text, size_t piece) {
  while (*text) {
    char step[1024];
    size_t len = strcspn(text, ";");
    size_t blanks = strspn(text, " ");
    if (blanks > len) blanks = len;
    assert(len < sizeof step);
    (void)snprintf(step, sizeof step, "%.*s", (int)(len - blanks), text + blanks);
    if (step[0]) repeat(script, step, piece);
    text += len + (text[len] == ';');
  }
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool run_line(const struct spdy_line *line, bool server,
                     const struct spdy_session_config *session, const struct engine_config *config,
                     size_t piece) {
  static struct spdy_script script;
  spdy_script_begin(&script, server, session, config);
  spdy_script_run(&script, line->text, piece);
  bool good = strcmp(script.log, line->transcript) == 0;
  if (!good)
    print_error("%s%s\n  script    %s\n  expected  %s\n  got       %s\n", line->name,
                piece ? " (byte by byte)" : "", line->text, line->transcript, script.log);
  spdy_script_close(&script);
  return good;
}

void spdy_lines_run(const struct spdy_line *lines, size_t count, bool server,
                    const struct spdy_session_config *session, const struct engine_config *config) {
  unsigned bad = 0;
  for (size_t i = 0; i < count; i++) {
    bad += !run_line(&lines[i], server, session, config, 0);
    bad += !run_line(&lines[i], server, session, config, 1);
  }
  if (bad) fail_msg("%u runs differ", bad);
}
