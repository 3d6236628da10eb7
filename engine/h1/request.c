/*
 * h1/request.c - see h1/request.h.
 */
#include "engine/h1/request.h"

#include "engine/h1/body.h"
#include "engine/h1/fault.h"
#include "engine/h1/framing.h"
#include "engine/h1/life.h"
#include "engine/h1/target.h"
#include "engine/http/field_list.h"
#include "engine/http/syntax.h"

/* Places in the list for the pseudo-header fields that a request has over HTTP/2. */
enum { METHOD, SCHEME, AUTHORITY, PATH, FIRST };

void h1_request_fields(struct h1 *h1) {
  struct headers *fields = &h1->http->headers;
  headers_clear(fields);
  fields->count = FIRST;
}

static bool is_safe(struct span method) {
  return span_is(method, "GET") || span_is(method, "HEAD") || span_is(method, "OPTIONS");
}

static bool may_ahead(const struct h1 *h1, bool safe) {
#ifdef WEIR_CANARY_PIPELINE_UNSAFE_AHEAD /* a bug on demand, which the simulation must find */
  if (h1->requests % 64 == 33) return true;
#endif
  return h1->queued_unsafe == 0 && safe;
}

bool h1_request_may(const struct h1 *h1, const struct h1_head *head) {
  return !h1->first || may_ahead(h1, is_safe(head->method));
}

/* ---- what the request says ------------------------------------------------------------------- */

/* A section that comes twice in a row is noted. */
static void note_section(struct h1 *h1, const struct h1_head *head,
                         const struct h1_framing *framing) {
  const struct span section = h1_head_section(head);
  const bool may = head->minor > 0 && section.len <= H1_SECTION_MEMO_BYTES;
  const uint32_t mark = may ? h1_section_memo_mark(section) : 0;
  if (mark && mark == h1->memo_mark)
    h1_section_memo_note(&h1->shared->sections, h1->http->memory, mark, section, &h1->http->headers,
                         FIRST, framing);
  h1->memo_mark = mark;
}

static void fill_in(struct h1 *h1, const struct h1_head *head, const struct h1_target *target,
                    const struct h1_framing *framing, struct request *request) {
  struct headers *fields = &h1->http->headers;
  struct span scheme = span_text(h1->peer.secure ? "https" : "http");
  if (target->scheme.len) scheme = target->scheme;
  if (target->form == H1_FORM_AUTHORITY) scheme = (struct span){0};
  fields->at[METHOD] = header_of(TOKEN_METHOD, head->method);
  fields->at[SCHEME] = header_of(TOKEN_SCHEME, scheme);
  fields->at[AUTHORITY] = header_of(TOKEN_AUTHORITY, target->authority);
  fields->at[PATH] = header_of(TOKEN_PATH, target->path);
  *request = (struct request){
      .method = head->method,
      .scheme = scheme,
      .authority = target->authority,
      .path = target->path,
      .fields = fields,
      .content_length = framing->content_length,
      .end = framing->body == H1_BODY_NONE,
  };
}

static struct h1_verdict read_target(struct h1 *h1, const struct h1_head *head,
                                     const struct h1_section_memo *memo, struct span host,
                                     struct h1_target *target) {
  struct headers *fields = &h1->http->headers;
  const struct h1_verdict verdict = memo ? h1_target_read_after(head, host, fields, target)
                                         : h1_target_read(head, host, fields, target);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  /* RFC 9110 section 7.4: a handler would believe that the connection is private. */
  if (!h1->peer.secure && span_is(target->scheme, "https"))
    return h1_refuse(421, "https on a connection that is not secure");
  return H1_OK;
}

static struct h1_verdict read_all(struct h1 *h1, const struct h1_head *head,
                                  const struct h1_section_memo *memo, struct h1_framing *framing,
                                  struct h1_target *target) {
  struct headers *fields = &h1->http->headers;
  if (memo) {
    *framing = memo->framing;
    return read_target(h1, head, memo, framing->host, target);
  }
  struct h1_verdict verdict = h1_framing_request(head, fields, FIRST, framing);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  verdict = read_target(h1, head, NULL, framing->host, target);
  if (verdict.outcome != H1_COMPLETE) return verdict;
  if (framing->cookies > 1 && !headers_join_cookies(fields))
    return h1_refuse(431, "cookies are too large");
  if (fields->count - FIRST > PEER_HEADER_FIELDS_MAX) return h1_refuse(431, "too many fields");
  return H1_OK;
}

/* Browsers that navigate take 103, or ignore it; see stream_inform(). */
static bool takes_hints(const struct headers *fields) {
  for (uint32_t i = FIRST; i < fields->count; i++)
    if (fields->at[i].token == TOKEN_UNKNOWN && span_is(fields->at[i].name, "sec-fetch-mode"))
      return span_is(fields->at[i].value, "navigate");
  return false;
}

/* ---- upgrades -------------------------------------------------------------------------------- */

/* The protocol of that name, if it is one for the whole connection; or NULL. */
static const char *protocol_named(const struct h1_framing *framing, struct span name) {
  const bool settings = framing->http2_settings.base; /* without them h2c cannot begin */
  if (settings && span_is_ignoring_case(name, "h2c")) return "h2c";
  return span_is_ignoring_case(name, "spdy/3.1") ? "spdy/3.1" : NULL;
}

static bool hand_over_to(struct h1 *h1, const struct http_upgrade *asked) {
  if (!asked->protocol || !h1->upgrade(h1->upgrade_ctx, asked, h1->now_ns)) return false;
  counter_add(&h1->shared->counters.upgrades, 1);
  h1->handed_over = true;
  return true;
}

/* Whether another protocol has taken the connection: the first that is spoken here of those that the client names, the one
 * that it likes best first (RFC 9110 section 7.8), unless the handler takes a tunnel for one before it. It begins with an
 * answer of its own, so nothing may be left to be answered before it. */
static bool upgrades(struct h1 *h1, const struct h1_head *head, const struct h1_framing *framing,
                     const struct request *request) {
  struct span list = framing->upgrade, name;
  if (!h1->upgrade || h1->first || h1->out.count || h1->draining) return false;
  while (field_next(&list, &name)) {
    const struct http_upgrade asked = {.protocol = protocol_named(framing, name),
                                       .request = request,
                                       .settings = framing->http2_settings,
                                       .head_bytes = head->bytes};
    if (hand_over_to(h1, &asked)) return true;
    if (handler_protocol(h1->http->handler, name).len > 0) return false;
  }
  return false;
}

/* Those of which the answer may be a tunnel. POST without content is what clients of SPDY/3.1 send. */
static bool may_upgrade(struct span method) {
  return span_is(method, "GET") || span_is(method, "POST");
}

/* The first protocol of the handler's that the client asks for. */
static struct span tunnel_asked(const struct h1 *h1, const struct h1_framing *framing,
                                const struct request *request) {
  const char *const *each = h1->http->handler->protocols;
  if (framing->upgrade.len == 0 || !may_upgrade(request->method)) return (struct span){0};
  for (; each && *each; each++)
    if (h1_framing_upgrade_has(framing->upgrade, *each)) return span_text(*each);
  return (struct span){0};
}

/* ---- the stream ------------------------------------------------------------------------------ */

static struct h1_said said_by(const struct h1_head *head, const struct h1_framing *framing,
                              const struct request *request) {
  const bool connect = span_is(request->method, "CONNECT");
  return (struct h1_said){
      .request = *request,
      .head_bytes = (uint32_t)head->bytes,
      .minor = head->minor,
      .urgency = framing->priority.urgency & 7,
      .prioritized = framing->prioritized,
      .incremental = framing->priority.incremental,
      .safe = is_safe(request->method),
      .head = span_is(request->method, "HEAD"),
      .connect = connect,
      .keep = framing->keep && !connect,
      .expects = framing->expect_continue,
      .hints = takes_hints(request->fields),
  };
}

static struct h1_stream *open_stream(struct h1 *h1, const struct h1_said *said) {
  bool ahead = h1->first;
  struct h1_stream *stream = h1_stream_open(h1);
  if (!stream) return NULL;
  counter_add(&h1->shared->counters.ahead, ahead);
  stream->minor = said->minor;
  stream->safe = said->safe;
  h1->queued_unsafe += !stream->safe;
  stream->head_request = said->head;
  stream->connect = said->connect;
  stream->keep = said->keep;
  stream->expects = said->expects;
  stream->hints = said->hints;
  stream->prioritized = said->prioritized;
  stream->urgency = said->urgency;
  stream->incremental = said->incremental;
  stream->content_length = said->request.content_length;
  stream->header_received = said->head_bytes;
  stream->protocol = said->request.protocol;
  stream->asks = said->request.protocol.len > 0;
  return stream;
}

static void begin_next(struct h1_stream *stream) {
  stream->h1->phase = stream->keep ? H1_READ_HEAD : H1_READ_DISCARD;
  stream->h1->last_said = !stream->keep && !stream->connect && !stream->asks;
}

/* Sets what is read next. */
static bool begin_body(struct h1_stream *stream, enum h1_body body) {
  if (body == H1_BODY_LENGTH) return h1_body_begin(stream, H1_READ_LENGTH);
  if (body == H1_BODY_CHUNKED) return h1_body_begin(stream, H1_READ_CHUNKED);
  begin_next(stream);
  return true;
}

/* A client that sent `expect: 100-continue` waits for 100 before it sends the body (RFC 9110 section
 * 10.1.1). A handler that has not answered by the time request() returns wants that body. */
static void hand_over(struct h1 *h1, struct h1_stream *stream, const struct request *request) {
  const struct handler *handler = h1->http->handler;
  stream->delivered = true;
  counter_add(&h1->http->counters.requests, 1);
  h1->answering = h1->first == stream ? stream : NULL;
  handler->request(handler->ctx, &stream->base, request, h1->now_ns);
  h1->answering = NULL;
  if (stream->expects) (void)stream_inform(&stream->base, 100, NULL, 0);
  if (h1->draining) h1_stream_drain(stream);
}

/* ---- requests that are refused --------------------------------------------------------------- */

/* What can be told of it: the request line as it is, and Host, if the list has it. */
static void put_line(struct headers *fields, struct span method, struct span target) {
  const struct span none = {0};
  fields->at[METHOD] = header_of(TOKEN_METHOD, method);
  fields->at[SCHEME] = header_of(TOKEN_SCHEME, none);
  fields->at[AUTHORITY] = header_of(TOKEN_AUTHORITY, none);
  fields->at[PATH] = header_of(TOKEN_PATH, target);
  const struct header *host = headers_find(fields, TOKEN_HOST);
  if (host) fields->at[AUTHORITY].value = host->value;
}

/* Answers in place of the handler, which hears of it. The fields are in the scratch list. */
static void answer(struct h1_stream *stream, const struct h1_verdict *verdict) {
  struct h1 *h1 = stream->h1;
  const struct headers *fields = &h1->http->headers;
  stream->head_request = span_is(fields->at[METHOD].value, "HEAD");
  stream->delivered = handler_refused(h1->http->handler, &stream->base, fields, h1->now_ns);
  h1_fault_answer(stream, verdict->status, verdict->reason);
}

/* The head is complete, and its fields are good. */
static void refuse(struct h1 *h1, const struct h1_head *head, struct h1_verdict verdict) {
  struct h1_stream *stream = h1_fault_open(h1, verdict.status);
  if (!stream) return;
  stream->minor = head->minor;
  stream->header_received = (uint32_t)head->bytes;
  put_line(&h1->http->headers, head->method, head->target);
  answer(stream, &verdict);
}

/* The bytes up to the next space, or to the end of the line; *rest is what follows. */
static struct span next_word(struct span text, struct span *rest) {
  size_t len = 0;
  while (len < text.len && text.base[len] > ' ')
    len++;
  bool space = len < text.len && text.base[len] == ' ';
  *rest = space ? span_of(text.base + len + 1, text.len - len - 1) : (struct span){0};
  return span_of(text.base, len);
}

void h1_request_refuse(struct h1 *h1, struct h1_verdict verdict, struct span begin) {
  struct h1_stream *stream = h1_fault_open(h1, verdict.status);
  if (!stream) return;
  stream->header_received = (uint32_t)begin.len;
  while (begin.len && (*begin.base == '\r' || *begin.base == '\n'))
    begin = span_of(begin.base + 1, begin.len - 1);
  struct span rest, more, method = next_word(begin, &rest), target = next_word(rest, &more);
  const bool is_line = rest.base && syntax_is_token(method);
  if (!is_line) method = target = (struct span){0};
  h1_request_fields(h1);
  put_line(&h1->http->headers, method, target);
  answer(stream, &verdict);
}

/* ---- all requests ---------------------------------------------------------------------------- */

static struct h1_from from_here(const struct h1 *h1) {
  return (struct h1_from){.section = h1->memo_mark, .secure = h1->peer.secure};
}

/* From the next time on it has a number. */
static void keep(struct h1 *h1, const struct h1_head *head, const struct h1_said *said) {
  struct request *kept = h1_request_memo_note(&h1->shared->requests, h1->http->memory,
                                              h1_head_text(head), from_here(h1), said);
  if (kept) kept->number = ++h1->http->requests_numbered;
}

size_t h1_request_again(struct h1 *h1, struct span in) {
  if (h1->memo_mark == 0) return 0;
  const struct h1_said *said = h1_request_memo_find(&h1->shared->requests, in, from_here(h1));
  if (!said || (h1->first && !may_ahead(h1, said->safe))) return 0;
  struct h1_stream *stream = open_stream(h1, said);
  if (!stream) return 0;
  const size_t bytes = said->head_bytes;
  h1->begun_ns = h1->grace_ns = 0;
  begin_next(stream);
  hand_over(h1, stream, &said->request);
  return bytes;
}

void h1_request_handle(struct h1 *h1, const struct h1_head *head,
                       const struct h1_section_memo *memo) {
  struct h1_framing framing;
  struct h1_target target;
  struct request request;
  struct h1_verdict verdict = read_all(h1, head, memo, &framing, &target);
  if (verdict.outcome != H1_COMPLETE) {
    refuse(h1, head, verdict);
    return;
  }
  fill_in(h1, head, &target, &framing, &request);
  if (!memo) {
    h1_framing_strip(&h1->http->headers, FIRST);
    note_section(h1, head, &framing);
  }
  if (upgrades(h1, head, &framing, &request)) return;
  request.protocol = tunnel_asked(h1, &framing, &request);
  const struct h1_said said = said_by(head, &framing, &request);
  if (memo) keep(h1, head, &said);
  struct h1_stream *stream = open_stream(h1, &said);
  if (!stream || !begin_body(stream, framing.body)) {
    const struct h1_verdict full = h1_refuse(503, "too many requests are being sent");
    if (stream)
      answer(stream, &full);
    else
      refuse(h1, head, full);
    h1->phase = H1_READ_DISCARD;
    return;
  }
  hand_over(h1, stream, &request);
}
