/*
 * weir.h - a server, or a client, inside a program of yours.
 *
 *     static void hello(void *ctx, struct stream *stream, const struct request *request,
 *                       uint64_t now_ns);                          // see http/handler.h
 *     static const struct handler handler = {.request = hello};
 *
 *     struct weir_server_settings settings = {.http = "127.0.0.1:8080", .handler = &handler};
 *     struct weir_server *server = weir_server_start(&settings, error, sizeof error);
 *     ...
 *     weir_server_stop(server, 10);
 *
 * A handler is called by every worker, each on a thread of its own; all events of one stream come
 * on one thread, and only that thread may call functions of the stream. What handlers share has to
 * be safe for that; what they keep for a worker can be _Thread_local. A handler must not block:
 * everything else on its core would wait for it. One that waits for another thread's result looks
 * for it from events.timer().
 *
 * Settings are borrowed by the call that gets them, unless they say otherwise. Functions of this
 * header may be called from any thread, but nothing of a server or a client while it is being
 * stopped or closed, or later. A child of fork() has no workers: there it may not use or stop those
 * of its parent; their descriptors close on exec().
 *
 * Threads of the library take no signals. Errors are one line of text, cut to the given size.
 * Spans, fields and the words *borrows*, *keeps*, *takes*, *lends*: base/machine.h and http/headers.h.
 */
#ifndef WEIR_H
#define WEIR_H

#include "engine/http/body.h"
#include "engine/http/handler.h"
#include "engine/ws/ws.h"
#include "tools/common/version.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Room that every error text fits into. Part of the interface, so it is not in limits.h. */
enum { WEIR_ERROR_BYTES = 256 };

/* malloc() and free(), as ws_settings.memory and others want them; from any thread. */
const struct memory *weir_memory(void);

/* ---- a server -------------------------------------------------------------------------------- */

struct weir_server;

struct weir_server_settings {
  const char *http;        /* "127.0.0.1:8080", "[::1]:8080", ":8080" for all addresses; port 0
                              is any free one; NULL: not in clear text */
  const char *https;       /* the same, over TLS; NULL: not over TLS */
  const char *certificate; /* PEM files: chain, the server's own first, and private key. Both */
  const char *key;         /* NULL: a self-signed certificate, made in memory */
  const struct handler *handler; /* kept until weir_server_stop() */
  unsigned workers; /* 0: the cores of the affinity mask, or what the cgroup pays for */
  /* Of request bodies. A body of unknown length that the handler has begun to answer is a
   * conversation, in which both sides may be silent for longer. */
  unsigned body_rate_min;             /* bytes a second; 0: 500; WEIR_NO_RATE: any */
  unsigned body_idle_seconds;         /* longest silence; 0: 10 */
  unsigned conversation_idle_seconds; /* longest silence of both; 0: 300 */
  int first_core; /* of the affinity mask, counted from 1: where the first worker is pinned, the
                       others on the next ones, and after the last on the first; 0: behind those of
                       the program's other servers; WEIR_NOT_PINNED: none is pinned */
  /* How to wait for the kernel: "io_uring", "epoll", or "auto": io_uring unless it is missing or
   * refused. NULL: "auto". */
  const char *ring;
};

enum { WEIR_NOT_PINNED = -1 };
#define WEIR_NO_RATE UINT32_MAX

/* Listens and starts. NULL with a line in `error` when that fails; nothing is left then. */
__attribute__((warn_unused_result)) struct weir_server *
weir_server_start(const struct weir_server_settings *settings, char *error, size_t error_bytes);

/* The ports that were bound; 0 where it does not listen. */
uint16_t weir_server_http_port(const struct weir_server *server);
uint16_t weir_server_https_port(const struct weir_server *server);

/* SHA-256 of the certificate, in hexadecimal with colons; "" without TLS. Good until weir_server_stop(). */
const char *weir_server_fingerprint(const struct weir_server *server);

/* Takes no new connections, lets streams finish for so long, and frees. When it returns, every
 * stream has been closed and the handler is no longer called. Not from a handler, whose end it
 * would wait for: false, and nothing is done. */
bool weir_server_stop(struct weir_server *server, unsigned drain_seconds);

/* ---- a client -------------------------------------------------------------------------------- */

/* One connection to one server. Fetches of any number of threads are streams of it. */
struct weir_client;

struct weir_client_settings {
  const char *origin; /* "https://example.org" or "http://127.0.0.1:8080", without a path */
  /* Speak HTTP/1.1. Otherwise HTTP/2: over TLS if the server selects it, else HTTP/1.1; in clear
   * text with prior knowledge. */
  bool http1;
  bool insecure;       /* take any certificate */
  const char *ca_file; /* PEM, authorities to trust; NULL: the system's */
  /* To connect until the server has answered, and for each fetch, the time that it waits for its
   * turn included; 0: 60. */
  unsigned timeout_seconds;
  size_t body_bytes_max; /* of one response; 0: 64 MiB */
  const char *ring;      /* as that of a server */
};

/* Connects, and waits until that is done. NULL with a line in `error`. */
__attribute__((warn_unused_result)) struct weir_client *
weir_client_open(const struct weir_client_settings *settings, char *error, size_t error_bytes);

/* All of it is borrowed until weir_client_fetch() returns. */
struct weir_request {
  const char *method;          /* NULL: GET */
  const char *path;            /* with the query; begins with a slash */
  const struct header *fields; /* besides the pseudo-header fields; names in lower case */
  size_t field_count;
  struct span body; /* its content-length is sent too, unless it is among the fields */
};

/* Written by each fetch, whatever was there before, and freed by weir_response_free(), after a
 * failure too. */
struct weir_response {
  unsigned status; /* 0: no response came */
  uint8_t *body;
  size_t body_len;
  struct weir_fields {
    char *text;
    size_t len;
  } fields, trailers;           /* for weir_response_field() and weir_response_trailer() */
  char error[WEIR_ERROR_BYTES]; /* "" after a complete exchange */
  /* RFC 9113 section 7: what the stream was reset with, by either side; else 0. */
  uint32_t error_code;
  bool unprocessed; /* with `error`: the server has not acted on the request, so that it may be sent
                          again, whatever its method (RFC 9113 section 8.7) */
};

/* Sends one request and waits for the whole response; from any thread but the library's own. False
 * with response->error when the exchange was not completed, whatever came of it before; a status of
 * 404 is complete. A connection that has ended stays so: open another. */
__attribute__((warn_unused_result)) bool weir_client_fetch(struct weir_client *client,
                                                           const struct weir_request *request,
                                                           struct weir_response *response);

/* The value of the first field of that name (lower case), or NULL. Good until weir_response_free(). */
const char *weir_response_field(const struct weir_response *response, const char *name);

/* The same in the trailer section, which follows the body. */
const char *weir_response_trailer(const struct weir_response *response, const char *name);

void weir_response_free(struct weir_response *response);

/* No fetch may be under way. */
void weir_client_close(struct weir_client *client);

#ifdef __cplusplus
}
#endif

#endif
