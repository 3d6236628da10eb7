/*
 * ws/mount.h - a machine whose bytes travel in the binary messages of a WebSocket. Where one message ends and
 * the next begins means nothing.
 *
 * As http/mount.h, with these differences: a text message is an error, and closes with 1003; the peer's
 * close with 1000 is the machine's recv_eof(), and then its close(), as any other end is; MACHINE_DONE closes
 * with 1000; MACHINE_ENDED means nothing, because a WebSocket has no half-close.
 *
 * Server, for a request whose `protocol` is "websocket":
 *
 *     ws_mount_accept(stream, request, &settings)
 *
 * Client:
 *
 *     ws_mount_client(&client, &settings, http1)    client.end has what ws_client() gives
 *     ws_mount_client_sent(&client, stream)
 *       events.opened() or events.refused()
 *     events.closed()                               exactly once, last
 */
#ifndef WEIR_WS_MOUNT_H
#define WEIR_WS_MOUNT_H

#include "engine/ws/client.h"
#include "engine/ws/events.h"

struct ws_mount;

/* Every member may be NULL. */
struct ws_mount_events {
  /* Client: the server has accepted, and the machine is made next. `protocol` is the subprotocol agreed on;
   * NULL: none. False refuses: the WebSocket is closed with 1002. */
  bool (*opened)(void *ctx, const char *protocol);
  /* Client: the server answered with something else. closed() follows. */
  void (*refused)(void *ctx, unsigned status, const struct headers *fields);
  /* The WebSocket has ended; the machine is closed next. As ws_events.closed(). */
  void (*closed)(void *ctx, unsigned code, struct span reason);
};

/* Copied when a mount is made; what it names is kept until closed(). */
struct ws_mount_settings {
  const struct memory *memory;
  struct machine_factory factory; /* a create() that refuses closes with 1011 */
  const char *const
      *protocols; /* subprotocols, as ws_settings.protocols. Server: one of them must be
                                           asked for, else the request is answered with 400; NULL: none is needed */
  const struct ws_mount_events *events; /* NULL: none */
  void *ctx;                            /* of `events` */
  struct ws_counters *counters;         /* NULL: not counted */
  uint64_t ping_ns;                     /* as ws_settings.ping_ns */
  uint32_t (*random)(void *ctx);        /* client: as ws_settings.random */
  void *random_ctx;
};

/* Server: accepts the request. The machine's machine_peer.application_protocol is the subprotocol, or
 * "websocket". False when it was answered otherwise, or reset. */
__attribute__((warn_unused_result)) bool ws_mount_accept(struct stream *stream,
                                                         const struct request *request,
                                                         const struct ws_mount_settings *settings);

/* Client: what has to be asked of the server. */
struct ws_mount_client {
  struct ws_client end;
  struct ws_mount *mount;
};

/* Makes the end and its request; see ws_client(). False when memory was refused. The request must follow; it takes
 * the body in every case. */
__attribute__((warn_unused_result)) bool ws_mount_client(struct ws_mount_client *client,
                                                         const struct ws_mount_settings *settings,
                                                         bool http1);

/* The request was made: its stream. NULL when it was refused: no event follows. */
void ws_mount_client_sent(struct ws_mount_client *client, struct stream *stream);

#endif
