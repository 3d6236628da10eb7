/*
 * ceiling.c - the least that a server can do: what this machine, its kernel and weir's io/ allow.
 *
 * Every request gets the same answer, a status and --body bytes. Of HTTP/2 it knows as much as clients need to load it
 * like any other server: it looks at the headers of frames, answers each HEADERS without reading it, SETTINGS and PING
 * too, and keeps to the connection's window. Over HTTP/1.1 it counts empty lines. What another server takes more, on the
 * same io/ and below the same client, is the cost of its protocol.
 *
 *     ceiling --http PORT --https PORT --http1 PORT --cert FILE --key FILE --body BYTES
 */
#include "io/base/error.h"
#include "io/tls/certificate.h"
#include "io/tls/context.h"
#include "io/tls/factory.h"
#include "io/tls/tls.h"
#include "io/worker/group.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* RFC 9113: sizes, types and flags. The rest bounds what is under way; links and machines as a server's. */
enum {
  PREFACE_BYTES = 24,
  HEADER_BYTES = 9,
  FRAME_BYTES = 16384,
  WINDOW_BYTES = 65535,
  DATA = 0,
  HEADERS = 1,
  SETTINGS = 4,
  PING = 6,
  WINDOW_UPDATE = 8,
  END_STREAM = 1,
  ACK = 1,
  END_HEADERS = 4,
  STATUS_200 = 0x88, /* ":status: 200", an indexed field of the static table */
  READ_BYTES = 8,    /* of a frame's content at most */
  STREAMS = 1024,    /* on one connection, not answered yet; a power of two */
  CONTROL_BYTES = 64,
  SMALL_BYTES = 1024, /* a body of so many is copied behind its header */
  SCRATCH_BYTES = 1 << 18,
  MACHINES = 20000
};

static struct options {
  const char *ports[3]; /* as below */
  const char *cert, *key;
  size_t body_bytes;
} options = {.body_bytes = 128};
enum { HTTP, HTTPS, HTTP1 };

/* The same for all: headers of what is sent, until send(2) returns, which copies them; and what bodies consist of. */
static uint8_t scratch[SCRATCH_BYTES];
static uint8_t *filler;
static size_t answer_bytes[2]; /* over HTTP/2, HTTP/1.1 */
static char head[128];         /* of HTTP/1.1 */

/* ---- one connection -------------------------------------------------------------------------- */

struct end {
  bool is_http1, eof, draining;
  uint8_t matched;                          /* HTTP/1.1: of "\r\n\r\n" */
  uint8_t frame[HEADER_BYTES + READ_BYTES]; /* the one that is being received */
  uint8_t filled;
  uint32_t skip; /* bytes of it, or of the preface, that nobody reads */
  uint8_t control[CONTROL_BYTES];
  size_t control_bytes;
  int64_t window; /* for bodies; without those that may be sent already */
  uint32_t first, asked,
      may;     /* requests that were answered, came, may be answered: counts since the beginning */
  size_t sent; /* bytes of the first answer */
  uint32_t streams[STREAMS];
};

static uint32_t read_32(const uint8_t *at) {
  return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint8_t *write_header(uint8_t *at, size_t len, uint8_t type, uint8_t flags,
                             uint32_t stream) {
  const uint8_t bytes[HEADER_BYTES] = {(uint8_t)(len >> 16),
                                       (uint8_t)(len >> 8),
                                       (uint8_t)len,
                                       type,
                                       flags,
                                       (uint8_t)(stream >> 24),
                                       (uint8_t)(stream >> 16),
                                       (uint8_t)(stream >> 8),
                                       (uint8_t)stream};
  memcpy(at, bytes, sizeof bytes);
  return at + sizeof bytes;
}

/* Those for which the window has room. */
static void allow(struct end *end) {
  const int64_t body = (int64_t)options.body_bytes;
  for (; end->may != end->asked && (end->is_http1 || end->window >= body); end->may++)
    end->window -= body;
}

static void control(struct end *end, uint8_t type, uint8_t flags, const uint8_t *content,
                    size_t len) {
  if (end->control_bytes + HEADER_BYTES + len > CONTROL_BYTES) {
    end->draining = true; /* no client that measures sends so many */
    return;
  }
  uint8_t *at = write_header(end->control + end->control_bytes, len, type, flags, 0);
  if (len > 0) memcpy(at, content, len);
  end->control_bytes += HEADER_BYTES + len;
}

static void request(struct end *end, uint32_t stream) {
  if (end->asked - end->first == STREAMS) end->draining = true;
  end->streams[end->asked++ % STREAMS] = stream;
}

/* How many bytes of the content are wanted. */
static uint32_t wanted(const struct end *end) {
  const uint32_t len = read_32(end->frame) >> 8;
  const bool reads = end->frame[3] == WINDOW_UPDATE || end->frame[3] == PING;
  return reads ? (len < READ_BYTES ? len : READ_BYTES) : 0;
}

static void act(struct end *end) {
  const uint8_t *content = end->frame + HEADER_BYTES, flags = end->frame[4];
  const uint32_t stream = read_32(end->frame + 5);
  switch (end->frame[3]) {
  case HEADERS: request(end, stream); break;
  case SETTINGS:
    if (!(flags & ACK)) control(end, SETTINGS, ACK, NULL, 0);
    break;
  case PING:
    if (!(flags & ACK)) control(end, PING, ACK, content, READ_BYTES);
    break;
  case WINDOW_UPDATE:
    if (stream == 0) end->window += read_32(content);
    break;
  }
}

static void receive_frames(struct end *end, struct span in) {
  for (size_t at = 0; at < in.len;) {
    if (end->skip > 0) {
      const size_t part = end->skip < in.len - at ? end->skip : in.len - at;
      end->skip -= (uint32_t)part;
      at += part;
      continue;
    }
    end->frame[end->filled++] = in.base[at++];
    if (end->filled < HEADER_BYTES || end->filled < HEADER_BYTES + wanted(end)) continue;
    end->skip = (read_32(end->frame) >> 8) - wanted(end);
    end->filled = 0;
    act(end);
  }
}

static void receive_lines(struct end *end, struct span in) {
  for (size_t i = 0; i < in.len; i++) {
    end->matched = in.base[i] == "\r\n\r\n"[end->matched] ? end->matched + 1 : in.base[i] == '\r';
    if (end->matched < 4) continue;
    end->matched = 0;
    end->asked++;
  }
}

static size_t end_recv(void *self, struct span in, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  (end->is_http1 ? receive_lines : receive_frames)(end, in);
  allow(end);
  return in.len;
}

static void end_recv_eof(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->eof = true;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* What a peek gathers. */
struct gathered {
  struct span *spans;
  size_t count, max, bytes;
  size_t skip; /* was sent before */
  uint8_t *at; /* the free part of the scratch */
};

static void put(struct gathered *gathered, const uint8_t *base, size_t len) {
  const size_t skip = gathered->skip < len ? gathered->skip : len;
  gathered->skip -= skip;
  base += skip;
  len -= skip;
  if (len == 0) return;
  struct span *last = gathered->count > 0 ? &gathered->spans[gathered->count - 1] : NULL;
  gathered->bytes += len;
  if (last && last->base + last->len == base)
    last->len += len;
  else if (gathered->count < gathered->max)
    gathered->spans[gathered->count++] = span_of(base, len);
  else
    gathered->bytes -= len; /* its other parts do not fit either: see has_room() */
}

/* Bytes from different pages, as those of a file: the kernel counts its references in each. */
static void put_body(struct gathered *gathered, size_t offset, size_t len) {
  if (len > SMALL_BYTES) {
    put(gathered, filler + offset % PAGES_BYTES, len);
    return;
  }
  memcpy(gathered->at, filler, len);
  put(gathered, gathered->at, len);
  gathered->at += len;
}

/* What follows what has been put, which may lie in the scratch. */
static void put_header(struct gathered *gathered, const uint8_t *end) {
  put(gathered, gathered->at, (size_t)(end - gathered->at));
  gathered->at += end - gathered->at;
}

/* A header and a body part are two spans at most. */
static bool has_room(const struct gathered *gathered, size_t budget_bytes) {
  return gathered->count + 2 <= gathered->max && gathered->bytes < budget_bytes &&
         gathered->at + sizeof head + SMALL_BYTES <= scratch + SCRATCH_BYTES;
}

static void put_http2(struct gathered *gathered, uint32_t stream, size_t budget_bytes) {
  uint8_t *at = write_header(gathered->at, 1, HEADERS, END_HEADERS, stream);
  *at++ = STATUS_200;
  for (size_t done = 0; done < options.body_bytes && has_room(gathered, budget_bytes);) {
    const size_t left = options.body_bytes - done, part = left < FRAME_BYTES ? left : FRAME_BYTES;
    put_header(gathered, write_header(at, part, DATA, left == part ? END_STREAM : 0, stream));
    put_body(gathered, done, part);
    done += part;
    at = gathered->at;
  }
}

static void put_http1(struct gathered *gathered) {
  const size_t len = strlen(head);
  memcpy(gathered->at, head, len);
  put_header(gathered, gathered->at + len);
  put_body(gathered, 0, options.body_bytes);
}

/* Control frames go between two answers. */
static bool control_goes(const struct end *end) {
  return end->control_bytes > 0 && end->sent == 0;
}

static size_t end_send_peek(void *self, struct span *out, size_t max, size_t budget_bytes,
                            uint64_t now_ns) {
  struct end *end = self;
  struct gathered gathered = {.spans = out, .max = max, .skip = end->sent, .at = scratch};
  (void)now_ns;
  if (control_goes(end)) {
    out[0] = span_of(end->control, end->control_bytes);
    return 1;
  }
  for (uint32_t i = end->first; i != end->may && has_room(&gathered, budget_bytes); i++) {
    if (end->is_http1)
      put_http1(&gathered);
    else
      put_http2(&gathered, end->streams[i % STREAMS], budget_bytes);
  }
  return gathered.count;
}

static void end_send_ack(void *self, size_t bytes, uint64_t now_ns) {
  struct end *end = self;
  (void)now_ns;
  if (control_goes(end)) {
    memmove(end->control, end->control + bytes, end->control_bytes - bytes);
    end->control_bytes -= bytes;
    return;
  }
  for (end->sent += bytes; end->sent >= answer_bytes[end->is_http1]; end->first++)
    end->sent -= answer_bytes[end->is_http1];
}

static void end_tick(void *self, uint64_t now_ns) {
  (void)self;
  (void)now_ns;
}

static uint64_t end_deadline_ns(const void *self) {
  (void)self;
  return MACHINE_NO_DEADLINE;
}

static unsigned end_wants(const void *self) {
  const struct end *end = self;
  if (end->eof || end->draining) return MACHINE_DONE;
  return end->control_bytes || end->first != end->may ? MACHINE_RECV | MACHINE_SEND : MACHINE_RECV;
}

static void end_drain(void *self, uint64_t now_ns) {
  (void)now_ns;
  ((struct end *)self)->draining = true;
}

/* `ctx` is NULL for HTTP/2. */
static bool end_create(void *ctx, const struct machine_peer *peer, struct machine_host *host,
                       uint64_t now_ns, struct machine *out) {
  static const struct machine_ops ops = {
      .recv = end_recv,
      .recv_eof = end_recv_eof,
      .send_peek = end_send_peek,
      .send_ack = end_send_ack,
      .tick = end_tick,
      .deadline_ns = end_deadline_ns,
      .wants = end_wants,
      .drain = end_drain,
      .close = free,
  };
  struct end *end = calloc(1, sizeof *end);
  (void)peer;
  (void)host;
  (void)now_ns;
  if (!end) return false;
  end->is_http1 = ctx;
  end->window = WINDOW_BYTES;
  if (!ctx) end->skip = PREFACE_BYTES;
  if (!ctx) control(end, SETTINGS, 0, NULL, 0);
  *out = (struct machine){.ops = &ops, .self = end};
  return true;
}

/* ---- the server ------------------------------------------------------------------------------ */

static struct listener listeners[3];
static struct certificate certificate;
static struct tls_factory tls;

static void set_sizes(void) {
  const size_t frames = (options.body_bytes + FRAME_BYTES - 1) / FRAME_BYTES;
  snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\ncontent-length: %zu\r\n\r\n", options.body_bytes);
  answer_bytes[0] = HEADER_BYTES + 1 + frames * HEADER_BYTES + options.body_bytes;
  answer_bytes[1] = strlen(head) + options.body_bytes;
}

static bool set_up(struct worker *worker, void *ctx, struct io_error *error) {
  const struct machine_factory http2 = {.create = end_create},
                               http1 = {.ctx = head, .create = end_create};
  filler =
      pages_take(&worker->loop.pages); /* large bodies go by reference, as a server's files do */
  return (filler && pages_renew(&worker->loop.pages, filler) &&
          tls_factory_init(&tls, ctx, &http2, MACHINES, NULL) &&
          worker_listen(worker, &listeners[HTTP], http2) &&
          worker_listen(worker, &listeners[HTTPS], tls_factory_machines(&tls)) &&
          worker_listen(worker, &listeners[HTTP1], http1)) ||
         io_error_set(error, ENOMEM, "no memory");
}

static bool listen_on(int which, struct io_error *error) {
  struct address address;
  char text[ADDRESS_TEXT_BYTES];
  snprintf(text, sizeof text, "127.0.0.1:%s", options.ports[which] ? options.ports[which] : "0");
  return (address_parse(&address, text) || io_error_set(error, EINVAL, "bad port")) &&
         listener_open(&listeners[which], &address, 1, error);
}

static bool start(struct worker_group *group, struct io_error *error) {
  static const char *const protocols[] = {"h2"};
  static struct worker_config config = {.count = 1, .hooks = {.setup = set_up}};
  if (!certificate_load(&certificate, options.cert, options.key, error)) return false;
  const struct tls_settings settings = {
      .certificate = &certificate, .protocols = protocols, .protocol_count = 1};
  config.hooks.ctx = tls_context_create(&settings, error);
  return config.hooks.ctx && listen_on(HTTP, error) && listen_on(HTTPS, error) &&
         listen_on(HTTP1, error) && worker_group_start(group, &config, error);
}

/* ---- the command line ------------------------------------------------------------------------ */

static const struct option long_options[] = {
    {"http", required_argument, NULL, HTTP},
    {"https", required_argument, NULL, HTTPS},
    {"http1", required_argument, NULL, HTTP1},
    {"cert", required_argument, NULL, 'c'},
    {"key", required_argument, NULL, 'k'},
    {"body", required_argument, NULL, 'b'},
    {NULL, 0, NULL, 0},
};

static bool read_option(int option) {
  switch (option) {
  case HTTP:
  case HTTPS:
  case HTTP1: options.ports[option] = optarg; return true;
  case 'c': options.cert = optarg; return true;
  case 'k': options.key = optarg; return true;
  case 'b': options.body_bytes = strtoul(optarg, NULL, 10); return options.body_bytes > 0;
  default: return false;
  }
}

int main(int argc, char **argv) {
  struct io_error error = {.text = ""};
  struct worker_group group;
  bool good = true;
  for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;)
    good &= read_option(option);
  if (!good || !options.cert || !options.key) {
    fprintf(stderr,
            "ceiling: options are --http --https --http1 PORT --cert --key FILE --body BYTES\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  set_sizes();
  if (!start(&group, &error)) {
    fprintf(stderr, "ceiling: %s\n", error.text);
    return 1;
  }
  for (;;)
    pause();
}
