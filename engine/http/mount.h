/*
 * http/mount.h - a machine whose bytes travel in a tunnel: what comes out of the tunnel's stream goes into the
 * machine, and the stream's body is what the machine sends. Over HTTP/1.1 and HTTP/2, on either side.
 * Spec: RFC 9110 section 7.8 (Upgrade), RFC 8441 (extended CONNECT).
 *
 * Server, in a handler that names the protocol (handler.protocols):
 *
 *     mount_accept(stream, fields, count, &settings)     101, or 200 over HTTP/2; makes the machine
 *
 * Client:
 *
 *     mount_client(&client, &settings, http1)
 *     stream = h1_request(h1, fields, count, client.body, client.events, client.mount)
 *     mount_client_sent(&client, stream)
 *       events.response()                                the answer; 101 or 2xx makes the machine
 *       events.refused() ...                             the body of any other answer
 *     events.closed()                                    exactly once, last
 *
 * The machine's side: MACHINE_RECV absent withholds the peer's credit, so that the tunnel pushes back; the
 * peer's end is recv_eof(); MACHINE_ENDED ends our direction; MACHINE_DONE too, and the peer gets MOUNT_CLOSE_NS
 * to end its own; MACHINE_RESET resets the stream; a drain of the connection is the machine's drain(); the
 * machine is closed when the stream is. Its peer is the stream's, with the name of the protocol.
 *
 * Ownership: a mount belongs to its stream, of which it takes events, user, timer and body. Bound: it keeps
 * at most what the tunnel's window lets the peer send while the machine does not read.
 */
#ifndef WEIR_MOUNT_H
#define WEIR_MOUNT_H

#include "engine/base/memory.h"
#include "engine/http/stream.h"

struct mount;

/* Every member may be NULL. */
struct mount_events {
  /* Client: the final answer. `accepted`: it makes the tunnel. False refuses that; the stream is then reset. */
  bool (*response)(void *ctx, unsigned status, const struct headers *fields, bool accepted);
  /* Client: bytes of an answer that makes none. Borrows them. */
  void (*refused)(void *ctx, struct span bytes);
  /* The stream has ended; the machine is closed next. `error_code` as of stream_events. */
  void (*closed)(void *ctx, uint32_t error_code);
};

/* Copied when a mount is made; what it names is kept until closed(). */
struct mount_settings {
  const struct memory *memory;
  struct machine_factory factory; /* a create() that refuses resets the stream */
  const char *protocol; /* the machine_peer.application_protocol of the machine: static text */
  const struct mount_events *events; /* NULL: none */
  void *ctx;                         /* of `events` */
};

/* Server: accepts the request for a tunnel, with these fields. False when resources were refused: the stream
 * has then been answered with 503, or reset. */
__attribute__((warn_unused_result)) bool mount_accept(struct stream *stream,
                                                      const struct header *fields, size_t count,
                                                      const struct mount_settings *settings);

/* Client: what has to be given with the request, whose :protocol names the tunnel. */
struct mount_client {
  struct mount *mount; /* the `user` of the request */
  struct body body;
  const struct stream_events *events;
};

/* Makes the client's mount. `http1`: by Upgrade, so that only 101 accepts. False when memory was refused.
 * The request must follow; it takes the body in every case. */
__attribute__((warn_unused_result)) bool
mount_client(struct mount_client *client, const struct mount_settings *settings, bool http1);

/* The request was made: its stream. NULL when it was refused: no event follows. */
void mount_client_sent(struct mount_client *client, struct stream *stream);

#endif
