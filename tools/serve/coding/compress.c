/*
 * serve/coding/compress.c - see serve/coding/compress.h.
 *
 *     pull() --output left?--yes--> gives it
 *               |no
 *               v
 *            pulls the handler's body --> a job compresses that --> stream_resume() --> pull()
 *
 * The stream lives until the body's close(), and resuming one that has ended does nothing.
 */
#include "tools/serve/coding/compress.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/decimal.h"
#include "engine/base/machine.h"
#include "engine/http/contract.h"
#include "engine/http/field_list.h"
#include "engine/http/limits.h"
#include "engine/http/negotiate.h"
#include "engine/site/limits.h"
#include "engine/site/mime.h"
#include "tools/serve/coding/codec_stream.h"
#include "tools/serve/limits.h"

/* A body that is compressed. */
struct squeeze {
  struct job job; /* first */
  struct compressor *compressor;
  struct stream *stream;
  struct body inner;
  struct codec_stream codec;
  struct span in;   /* in `room`, not taken yet */
  enum codec_op op; /* of the job under way, or of the one that has to go on */
  enum codec_step step;
  bool working;  /* a job is under way: it has all of this but `closed` */
  bool going_on; /* the last job needs more room */
  bool dirty;    /* bytes were taken, and not flushed */
  bool finished; /* all output is in `out` */
  bool closed;   /* freed when the job ends */
  size_t out_from, out_to;
  uint8_t out[COMPRESS_OUT_BYTES], room[COMPRESS_IN_BYTES];
};

_Static_assert((int)COMPRESS_IN_BYTES >= (int)BODY_ROOM_BYTES, "no body needs more room");

/* ---- the work -------------------------------------------------------------------------------- */

static void run(struct job *job) {
  struct squeeze *squeeze = (struct squeeze *)job;
  size_t len = sizeof squeeze->out;
  squeeze->step = codec_stream_run(&squeeze->codec, squeeze->op, &squeeze->in, squeeze->out, &len);
  squeeze->out_from = 0;
  squeeze->out_to = len;
}

static void squeeze_free(struct squeeze *squeeze) {
  codec_stream_close(&squeeze->codec);
  squeeze->compressor->streams--;
  free(squeeze);
}

static void conclude(struct squeeze *squeeze) {
  struct compress_counters *counters = &squeeze->compressor->counters;
  bool failed = squeeze->step == CODEC_STEP_FAILED;
  counter_add(&counters->failed, failed);
  counter_add(&counters->bytes_out, failed ? 0 : squeeze->out_to);
  squeeze->going_on = squeeze->step == CODEC_STEP_ROOM;
  if (squeeze->going_on) return;
  squeeze->dirty = squeeze->op == CODEC_TAKE;
  squeeze->finished = squeeze->op == CODEC_FINISH;
}

static void done(struct job *job, bool ran) {
  struct squeeze *squeeze = (struct squeeze *)job;
  squeeze->working = false;
  if (!ran) squeeze->step = CODEC_STEP_FAILED;
  if (squeeze->closed) {
    squeeze_free(squeeze);
    return;
  }
  conclude(squeeze);
  stream_resume(squeeze->stream);
}

/* On a thread, or when too many wait, here: it is one piece. */
static void work(struct squeeze *squeeze, enum codec_op op) {
  squeeze->op = op;
  squeeze->working = jobs_put(squeeze->compressor->desk, &squeeze->job);
  if (squeeze->working) return;
  run(&squeeze->job);
  conclude(squeeze);
}

/* ---- the body -------------------------------------------------------------------------------- */

/* Takes the next piece of the inner body to work. */
static enum body_result fetch(struct squeeze *squeeze) {
  struct body_chunk chunk = {.room = squeeze->room, .max = sizeof squeeze->room};
  enum body_result result = squeeze->inner.ops->pull(squeeze->inner.self, &chunk);
  if (contract_pulled(result, &chunk)) return BODY_ERROR;
  switch (result) {
  case BODY_MORE:
  case BODY_END:
    /* A copy, so that no job needs the inner body, which may have to be closed before it ends. */
    if (chunk.bytes.base != squeeze->room && chunk.bytes.len > 0)
      memcpy(squeeze->room, chunk.bytes.base, chunk.bytes.len);
    squeeze->in = span_of(squeeze->room, chunk.bytes.len);
    counter_add(&squeeze->compressor->counters.bytes_in, chunk.bytes.len);
    work(squeeze, result == BODY_END ? CODEC_FINISH : CODEC_TAKE);
    return BODY_MORE;
  case BODY_WAIT:
    squeeze->in = (struct span){0};
    if (!squeeze->dirty) return BODY_WAIT;
    work(squeeze, CODEC_FLUSH);
    return BODY_MORE;
  default: return BODY_ERROR;
  }
}

static enum body_result give(struct squeeze *squeeze, struct body_chunk *chunk) {
  size_t left = squeeze->out_to - squeeze->out_from;
  size_t count = left < chunk->max ? left : chunk->max;
  memcpy(chunk->room, squeeze->out + squeeze->out_from, count);
  chunk->bytes = span_of(chunk->room, count);
  squeeze->out_from += count;
  return squeeze->finished && count == left ? BODY_END : BODY_MORE;
}

static enum body_result pull(void *self, struct body_chunk *chunk) {
  struct squeeze *squeeze = self;
  chunk->bytes = (struct span){0};
  for (;;) {
    if (squeeze->working) return BODY_WAIT;
    if (squeeze->step == CODEC_STEP_FAILED) return BODY_ERROR;
    bool output = squeeze->out_from < squeeze->out_to;
    if (!output && squeeze->finished) return BODY_END;
    if (output && chunk->max == 0) return BODY_MORE;
    if (output) return give(squeeze, chunk);
    if (squeeze->going_on) {
      work(squeeze, squeeze->op);
      continue;
    }
    enum body_result result = fetch(squeeze);
    if (result != BODY_MORE) return result;
  }
}

static void close_body(void *self) {
  struct squeeze *squeeze = self;
  contract_drop(squeeze->inner);
  squeeze->closed = true;
  if (!squeeze->working) squeeze_free(squeeze);
}

/* ---- the response ---------------------------------------------------------------------------- */

/* What the fields say of the body. */
struct survey {
  bool compressible; /* by its type */
  bool forbidden;    /* encoded already, a part, or not to be changed */
  bool tagged;       /* it has an entity tag */
  bool known;        /* its length */
  uint64_t length;
};

static bool forbids_transforms(struct span cache_control) {
  struct span directive;
  while (field_next(&cache_control, &directive))
    if (span_is_ignoring_case(directive, "no-transform")) return true;
  return false;
}

static bool is_stream_of_events(struct span type) {
  struct span bare = field_split(&type, ';');
  return span_is_ignoring_case(bare, "text/event-stream");
}

static struct survey survey_of(const struct response *response) {
  struct survey survey = {0};
  for (size_t i = 0; i < response->count; i++) {
    struct span value = response->fields[i].value;
    switch (header_token_by_name(&response->fields[i])) {
    case TOKEN_CONTENT_TYPE:
      survey.compressible = mime_is_compressible(value) && !is_stream_of_events(value);
      break;
    case TOKEN_CONTENT_LENGTH: survey.known = decimal_get(value, &survey.length); break;
    case TOKEN_ETAG: survey.tagged = true; break;
    case TOKEN_CACHE_CONTROL: survey.forbidden |= forbids_transforms(value); break;
    case TOKEN_CONTENT_ENCODING:
    case TOKEN_CONTENT_RANGE: survey.forbidden = true; break;
    default: break;
    }
  }
  return survey;
}

/* The note: the compressor's address, whose low bits are free, and in them the coding, and compress_begin_made()'s
 * mark. */
enum { NOTE_CODING = 3, NOTE_MADE = 4, NOTE_BITS = NOTE_CODING | NOTE_MADE };
_Static_assert(CODING_COUNT <= NOTE_CODING + 1 && _Alignof(struct compressor) > NOTE_BITS,
               "they fit beside an address");

static struct squeeze *squeeze_make(struct compressor *compressor, struct stream *stream,
                                    struct body inner) {
  enum coding coding = (enum coding)(stream->filter_note & NOTE_CODING);
  if (compressor->streams >= COMPRESS_STREAMS_MAX) return NULL;
  struct squeeze *squeeze = malloc(sizeof *squeeze);
  if (!squeeze) return NULL;
  memset(squeeze, 0, offsetof(struct squeeze, out));
  if (!codec_stream_open(&squeeze->codec, coding)) {
    free(squeeze);
    return NULL;
  }
  squeeze->job = (struct job){.run = run, .done = done};
  squeeze->compressor = compressor;
  squeeze->stream = stream;
  squeeze->inner = inner;
  compressor->streams++;
  return squeeze;
}

static struct squeeze *squeeze_begin(struct stream *stream, struct body inner) {
  struct compressor *compressor =
      (struct compressor *)(uintptr_t)(stream->filter_note & ~(uint64_t)NOTE_BITS);
  struct squeeze *squeeze = squeeze_make(compressor, stream, inner);
  counter_add(squeeze ? &compressor->counters.begun : &compressor->counters.busy, 1);
  return squeeze;
}

/* The fields of the response once it is compressed. */
struct outgoing {
  struct header fields[FIELD_RULES_FIELDS_MAX + 2];
  size_t count;
  uint8_t etag[COMPRESS_ETAG_BYTES_MAX + 2];
};

static void put_etag(struct outgoing *out, struct header field) {
  bool weak = field.value.len > 2 && field.value.base[0] == 'W';
  if (!weak && field.value.len > COMPRESS_ETAG_BYTES_MAX) return; /* without it, then */
  if (!weak) {
    memcpy(out->etag, "W/", 2);
    memcpy(out->etag + 2, field.value.base, field.value.len);
    field.value = span_of(out->etag, field.value.len + 2);
    field.memo = 0;
  }
  out->fields[out->count++] = field;
}

static void put_all(struct outgoing *out, const struct response *response, enum coding coding) {
  out->count = 0;
  for (size_t i = 0; i < response->count; i++)
    switch (header_token_by_name(&response->fields[i])) {
    case TOKEN_CONTENT_LENGTH:
    case TOKEN_ACCEPT_RANGES: break;
    case TOKEN_ETAG: put_etag(out, response->fields[i]); break;
    default: out->fields[out->count++] = response->fields[i];
    }
  out->fields[out->count++] = header_of(TOKEN_CONTENT_ENCODING, coding_name(coding));
  out->fields[out->count++] = header_of(TOKEN_VARY, span_text("accept-encoding"));
}

/* As it is, but others could have got it compressed. */
static bool vary(const struct answer_filter *filter, struct stream *stream,
                 struct response *response) {
  struct header fields[FIELD_RULES_FIELDS_MAX + 1];
  memcpy(fields, response->fields, response->count * sizeof fields[0]);
  fields[response->count] = header_of(TOKEN_VARY, span_text("accept-encoding"));
  response->fields = fields;
  response->count++;
  response->set = NULL;
  return answer_filter_pass(filter, stream, response);
}

static bool respond(const struct answer_filter *filter, struct stream *stream,
                    struct response *response) {
  static const struct body_ops ops = {.pull = pull, .close = close_body};
  enum coding coding = (enum coding)(stream->filter_note & NOTE_CODING);
  struct survey survey = survey_of(response);
  bool small = survey.known && survey.length < SITE_ENCODE_BYTES_MIN;
  bool once = survey.tagged && stream->filter_note & NOTE_MADE;
  if (!stream->filter_note || once || !survey.compressible || survey.forbidden || small ||
      !response->body.ops || response->count > FIELD_RULES_FIELDS_MAX)
    return answer_filter_pass(filter, stream, response);
  struct squeeze *squeeze = coding ? squeeze_begin(stream, response->body) : NULL;
  if (!squeeze) return vary(filter, stream, response);
  struct outgoing out;
  put_all(&out, response, coding);
  response->fields = out.fields;
  response->count = out.count;
  response->set = NULL;
  response->body = (struct body){.ops = &ops, .self = squeeze};
  return answer_filter_pass(filter, stream, response);
}

const struct answer_filter compress_filter = {.respond = respond};

void compress_begin(struct compressor *compressor, struct stream *stream,
                    const struct headers *fields) {
  enum { ALL = 1u << CODING_GZIP | 1u << CODING_ZSTD | 1u << CODING_BR };
  enum coding coding = CODING_IDENTITY;
  struct negotiation negotiation;
  if (headers_find(fields, TOKEN_ACCEPT_ENCODING)) {
    negotiate_read(&negotiation, fields);
    coding = negotiate_best(&negotiation, ALL);
  }
  stream->filter_note = (uint64_t)(uintptr_t)compressor | (uint64_t)coding;
}

void compress_begin_made(struct compressor *compressor, struct stream *stream,
                         const struct headers *fields) {
  compress_begin(compressor, stream, fields);
  stream->filter_note |= NOTE_MADE;
}
