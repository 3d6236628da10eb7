/*
 * load/ws.h - --ws: the WebSocket of one connection, and the messages that the server sends back on it.
 * Spec: RFC 6455; RFC 8441 over HTTP/2.
 *
 *     none --ask--> asked --101, or 200--> open --close frame, or the end of its stream--> gone
 *
 * A message is counted as a request. It takes a slot when it is sent, and is done when the server's
 * next message has come: an echo keeps the order. A message that differs from what was sent fails.
 * So do those that wait when the WebSocket ends; they are not sent again.
 *
 * Each message begins with its number, so that no two of them are the same, unless they are shorter
 * than it.
 *
 * Owner: embedded in the connection. It resets the module before each attempt to connect.
 */
#ifndef WEIR_LOAD_WS_H
#define WEIR_LOAD_WS_H

#include "engine/ws/ws.h"
#include "tools/load/request.h"

struct load_ws;

/* How a WebSocket ended. */
struct load_ws_end {
  bool was_open;
  bool reset;         /* HTTP/2: the server reset its stream */
  unsigned code;      /* WS_ABNORMAL without a close frame */
  struct span reason; /* the server's; or what was wrong with its answer, or with what it sent */
};

/* Called from within the machine's calls. */
struct load_ws_events {
  /* The server has answered with something else than a WebSocket; ended() follows. */
  void (*refused)(struct load_ws *ws, unsigned status);
  /* It is gone, and its messages have failed. */
  void (*ended)(struct load_ws *ws, const struct load_ws_end *end);
};

enum load_ws_state { LOAD_WS_NONE, LOAD_WS_ASKED, LOAD_WS_OPEN, LOAD_WS_GONE };

/* What the WebSockets of one worker share. */
struct load_ws_kit {
  struct ws_settings settings;
  const char *protocols[2]; /* --subprotocol, NULL */
  struct load_books *books;
  uint8_t *message; /* books->plan->options->message_bytes_max bytes */
  uint64_t random;  /* state of the generator: sizes, keys, masks */
};

struct load_ws {
  struct load_ws_kit *kit;
  struct load_slots *slots;
  const struct load_ws_events *events;
  enum load_ws_state state;
  struct ws *ws; /* while it is asked for or open */
  struct stream *stream;
  bool timed_out;        /* a message has; that ends it */
  uint64_t number;       /* messages sent */
  struct list_node sent; /* requests by their `node`: messages that have not come back, in order */
};

/* Prepares the WebSockets of a worker. False when memory was refused. load_ws_kit_free() in either
 * case. */
__attribute__((warn_unused_result)) bool load_ws_kit_init(struct load_ws_kit *kit,
                                                          struct load_books *books);
void load_ws_kit_free(struct load_ws_kit *kit);

/* Keeps its arguments. */
void load_ws_init(struct load_ws *ws, struct load_ws_kit *kit, struct load_slots *slots,
                  const struct load_ws_events *events);

/* Forgets the last connection. */
void load_ws_reset(struct load_ws *ws);

/* Asks the server, which offers them, for a WebSocket; HTTP is ready. False when its limits do not allow that,
 * or memory was refused. */
__attribute__((warn_unused_result)) bool load_ws_ask(struct load_ws *ws);

/* Whether a message can be sent now. */
bool load_ws_has_room(const struct load_ws *ws);

/* Takes a free slot (asserted) for a message that was due at `due_ns`, and sends it. False when memory was
 * refused: it has failed. */
__attribute__((warn_unused_result)) bool load_ws_send(struct load_ws *ws, uint64_t due_ns);

/* Times a message out. What follows it could come back out of order, so the WebSocket ends. Not from within
 * a machine's call. */
void load_ws_expire(struct load_ws *ws, struct load_request *request);

#endif
