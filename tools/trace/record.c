/*
 * trace/record.c - see trace/record.h.
 */
#include "tools/trace/record.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/trace/manifest.h"

static const char *const kind_names[TRACE_KINDS] = {
    [TRACE_DOCUMENT] = "document", [TRACE_STYLE] = "style", [TRACE_SCRIPT] = "script",
    [TRACE_FONT] = "font",         [TRACE_IMAGE] = "image", [TRACE_FETCH] = "fetch",
    [TRACE_OTHER] = "other",
};

const char *trace_kind_name(enum trace_kind kind) {
  return kind_names[kind];
}

enum trace_kind trace_kind_parse(const char *name) {
  for (int kind = 0; kind < TRACE_KINDS; kind++)
    if (strcmp(kind_names[kind], name) == 0) return (enum trace_kind)kind;
  return TRACE_KINDS;
}

enum trace_kind trace_kind_of_type(const char *type, size_t len) {
  static const struct {
    const char *prefix;
    enum trace_kind kind;
  } types[] = {
      {"text/html", TRACE_DOCUMENT},
      {"application/xhtml", TRACE_DOCUMENT},
      {"text/css", TRACE_STYLE},
      {"text/javascript", TRACE_SCRIPT},
      {"application/javascript", TRACE_SCRIPT},
      {"font/", TRACE_FONT},
      {"application/font", TRACE_FONT},
      {"image/", TRACE_IMAGE},
      {"application/json", TRACE_FETCH},
  };
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t prefix = strlen(types[i].prefix);
    if (len >= prefix && strncasecmp(type, types[i].prefix, prefix) == 0) return types[i].kind;
  }
  return TRACE_OTHER;
}

enum trace_kind trace_kind_of_path(const char *path) {
  static const struct {
    const char *extension;
    enum trace_kind kind;
  } extensions[] = {
      {".html", TRACE_DOCUMENT}, {".htm", TRACE_DOCUMENT}, {".css", TRACE_STYLE},
      {".js", TRACE_SCRIPT},     {".mjs", TRACE_SCRIPT},   {".woff2", TRACE_FONT},
      {".woff", TRACE_FONT},     {".ttf", TRACE_FONT},     {".otf", TRACE_FONT},
      {".png", TRACE_IMAGE},     {".jpg", TRACE_IMAGE},    {".jpeg", TRACE_IMAGE},
      {".gif", TRACE_IMAGE},     {".webp", TRACE_IMAGE},   {".avif", TRACE_IMAGE},
      {".svg", TRACE_IMAGE},     {".ico", TRACE_IMAGE},    {".json", TRACE_FETCH},
  };
  size_t len = strcspn(path, "?#");
  if (len > 0 && path[len - 1] == '/') return TRACE_DOCUMENT;
  for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; i++) {
    size_t extension = strlen(extensions[i].extension);
    if (len > extension &&
        strncasecmp(path + len - extension, extensions[i].extension, extension) == 0)
      return extensions[i].kind;
  }
  return TRACE_OTHER;
}

bool trace_record_init(struct trace_record *record, const char *label, size_t resources) {
  *record = (struct trace_record){.label = label, .result_count = resources};
  record->results = calloc(resources ? resources : 1, sizeof *record->results);
  if (!record->results) return false;
  for (size_t i = 0; i < resources; i++) {
    struct trace_result *result = &record->results[i];
    result->due_ns = result->asked_ns = result->sent_ns = result->headers_ns = TRACE_NEVER;
    result->byte_ns = result->end_ns = result->size_ns = result->scan_ns = TRACE_NEVER;
  }
  return true;
}

void trace_record_free(struct trace_record *record) {
  free(record->frames);
  free(record->payloads);
  free(record->results);
  *record = (struct trace_record){0};
}

/* Room for `more` of `size` bytes behind `used`; NULL leaves everything as it was. */
static void *grown(void *base, size_t used, size_t more, size_t size, size_t *capacity) {
  if (used + more <= *capacity) return base;
  size_t count = *capacity ? *capacity * 2 : 1024;
  while (count < used + more)
    count *= 2;
  void *bigger = realloc(base, count * size);
  if (bigger) *capacity = count;
  return bigger;
}

void trace_record_frame(struct trace_record *record, struct trace_frame frame,
                        const uint8_t *payload, size_t payload_bytes) {
  if (payload_bytes > TRACE_PAYLOAD_BYTES_MAX) payload_bytes = TRACE_PAYLOAD_BYTES_MAX;
  struct trace_frame *frames = NULL;
  uint8_t *payloads = NULL;
  if (record->frame_count < TRACE_FRAMES_MAX) {
    frames = grown(record->frames, record->frame_count, 1, sizeof *frames, &record->frame_capacity);
    if (frames) record->frames = frames;
    payloads = grown(record->payloads, record->payload_used, payload_bytes + 1, 1,
                     &record->payload_capacity);
    if (payloads) record->payloads = payloads;
  }
  if (!frames || !payloads) {
    record->frames_lost++;
    return;
  }
  frame.payload_at = record->payload_used;
  frame.payload_bytes = (uint16_t)payload_bytes;
  if (payload_bytes) memcpy(payloads + record->payload_used, payload, payload_bytes);
  record->payload_used += payload_bytes;
  record->frames[record->frame_count++] = frame;
}

void trace_record_sent(struct trace_record *record, const struct trace_frame *frame) {
  for (size_t i = 0; i < record->result_count; i++) {
    struct trace_result *result = &record->results[i];
    if (result->stream_id != frame->stream_id || result->connection != frame->connection) continue;
    if (result->sent_ns == TRACE_NEVER) result->sent_ns = frame->end_ns;
  }
}

/* ---- summary --------------------------------------------------------------------------------- */

static void latest(uint64_t *so_far, uint64_t at_ns) {
  if (*so_far != TRACE_NEVER && (at_ns == TRACE_NEVER || at_ns > *so_far)) *so_far = at_ns;
}

struct trace_summary trace_summarize(const struct trace_record *record,
                                     const struct trace_manifest *manifest) {
  struct trace_summary sum = {.resources = (unsigned)record->result_count};
  for (size_t i = 0; i < record->result_count; i++) {
    const struct trace_result *result = &record->results[i];
    uint64_t end_ns = result->complete ? result->end_ns : TRACE_NEVER;
    sum.bytes += result->bytes;
    sum.complete += result->complete;
    sum.failed += result->failed;
    latest(&sum.end_ns, end_ns);
    if (manifest->at[i].critical) {
      sum.critical++;
      sum.critical_complete += result->complete;
      latest(&sum.critical_ns, end_ns);
    }
    /* An SVG has no size of its own in its first bytes: it is text, and not waited for here. */
    if (result->kind != TRACE_IMAGE) continue;
    if (result->complete && result->size_ns == TRACE_NEVER) continue;
    sum.images++;
    sum.images_sized += result->size_ns != TRACE_NEVER;
    latest(&sum.dimensions_ns, result->size_ns);
  }
  if (!sum.critical) sum.critical_ns = TRACE_NEVER;
  if (!sum.images) sum.dimensions_ns = TRACE_NEVER;
  return sum;
}
