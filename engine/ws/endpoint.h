/*
 * ws/endpoint.h - the state of one end, which the modules of ws/ share.
 *
 *     CONNECTING --open()--> OPEN --ws_close()--> CLOSING --peer's close frame--> DONE
 *                             '---peer's close frame, a fault, the stream's end--->'
 *
 * Floors, lowest first: queue and source (what is sent), closing (how it ends), message (what is received, as
 * messages), recv (as frames), tunnel (the stream's events and body), ws and client (the owner's calls).
 */
#ifndef WEIR_WS_ENDPOINT_H
#define WEIR_WS_ENDPOINT_H

#include "engine/base/budget.h"
#include "engine/ws/deflate.h"
#include "engine/ws/events.h"
#include "engine/ws/extension.h"
#include "engine/ws/frame.h"
#include "engine/ws/handshake.h"
#include "engine/ws/limits.h"
#include "engine/ws/utf8.h"

enum ws_state {
  WS_CONNECTING, /* client: the server has not answered */
  WS_OPEN,
  WS_CLOSING, /* our close frame waits or is sent; the peer's has not come */
  WS_DONE,    /* nothing is read any more */
};

/* What waits to be sent, of whole frames: bytes[used .. len). A message has a piece of its own or shares one with
 * others; it is never in two. A message that is received has one, too: from WS_HEADER_BYTES_MAX on, so that it can be
 * sent back as it lies there. */
struct ws_piece {
  struct ws_piece *next;
  size_t room, len, used;
  bool shown;   /* an event that is under way borrows its bytes */
  bool dropped; /* and nothing else needs it any more */
  uint8_t bytes[];
};

/* A control frame's payload. */
struct ws_control {
  bool due;
  uint8_t len;
  uint8_t payload[WS_CONTROL_BYTES_MAX];
};

struct ws_source;

struct ws_out {
  struct ws_piece *first, *last;
  size_t bytes;        /* in all pieces */
  uint64_t frame_left; /* bytes of the data frame under way; control frames go between two frames */
  uint8_t control[WS_HEADER_BYTES_MAX + WS_CONTROL_BYTES_MAX]; /* the control frame under way */
  uint8_t control_len, control_at;
  struct ws_control pong, ping, close; /* not begun; the latest of each */
  struct ws_piece *pongs;     /* that go before `pong`: payloads, each behind its length; or NULL */
  bool close_sent;            /* all of it has been pulled */
  bool in_parts;              /* within a message of ws_send_part() */
  bool full;                  /* too much waits; not any more at half of that */
  struct ws_deflate *deflate; /* NULL until it is needed */
};

struct ws_in {
  uint8_t header[WS_HEADER_BYTES_MAX]; /* a header of which header_len bytes have come */
  uint8_t header_len;
  bool in_payload; /* of `frame`, of which `offset` bytes have come */
  struct ws_frame frame;
  uint64_t offset;
  uint8_t control[WS_CONTROL_BYTES_MAX]; /* payload of a control frame; the peer's close stays */

  bool in_message, compressed;
  uint8_t kind; /* enum ws_kind */
  struct ws_utf8 utf8;
  uint64_t raw, total;    /* bytes of the message, as they came and as they are */
  struct ws_piece *piece; /* of a message that is handed over whole, and its payload so far: */
  size_t len;
  struct ws_inflate *inflate; /* NULL until it is needed */
};

/* Bytes that came while no message may be handed over: bytes[at .. len). */
struct ws_kept {
  uint8_t *bytes;
  size_t at, len, room;
};

struct ws {
  const struct ws_settings *settings; /* not to be used after closed() */
  const struct memory *memory;
  void *user;
  struct stream *stream; /* NULL before and after */
  const char *protocol;
  uint8_t key[WS_KEY_TEXT_BYTES]; /* client, over HTTP/1.1 */
  enum ws_state state;
  bool client, http1;
  bool silent;      /* no events: it was never made, or has been told its end */
  bool body_open;   /* our body's close() has not been called */
  bool held;        /* by ws_hold() */
  bool heard;       /* bytes came since the last look */
  bool pinged;      /* and then there was none, so that a ping was sent */
  bool peer_closed; /* its close frame has come */
  bool peer_ended;  /* its direction of the stream has ended */
  bool drained;     /* the connection is to end */
  bool end_due;     /* it has, behind bytes that are kept */
  bool reading;     /* within ws_recv() */
  bool abandoned;   /* our direction ends without a close frame */
  bool refused;     /* by the peer's fault: nothing it sends is awaited */
  unsigned entries; /* calls of ours under way, within which it is not freed */

  uint16_t code; /* of closed() */
  struct span reason;

  struct ws_deflate_terms terms;
  struct ws_in in;
  struct ws_kept kept;
  struct ws_out out;
  const struct ws_source *source; /* NULL: none; see ws/source.h */
  struct budget controls, fragments, inflating;
  uint64_t ping_ns, close_ns, timer_ns; /* deadlines */
  size_t close_bytes;                   /* that waited when close_ns was set */
  uint64_t pause_ns;                    /* until then the peer's messages wait: `inflating` */
};

/* Whether messages of the peer have to wait. */
static inline bool ws_is_blocked(const struct ws *ws) {
  return ws->held || ws->pause_ns != MACHINE_NO_DEADLINE || (ws->out.full && !ws->settings->duplex);
}

/* Where the payload of a message that is received lies. */
static inline uint8_t *ws_piece_payload(struct ws_piece *piece) {
  return piece->bytes + WS_HEADER_BYTES_MAX;
}

static inline void ws_count(const struct ws *ws, size_t offset) {
  if (!ws->settings->counters) return;
  counter_add((uint64_t *)((uint8_t *)ws->settings->counters + offset), 1);
}

#define WS_COUNT(ws, name) ws_count(ws, offsetof(struct ws_counters, name))

/* Of the message under way. */
static inline uint64_t ws_message_bytes_max(const struct ws *ws) {
  size_t max = ws->settings->message_bytes_max;
  if (max == 0) max = WS_MESSAGE_BYTES_DEFAULT;
  return ws->in.compressed && max > WS_INFLATED_BYTES_MAX ? WS_INFLATED_BYTES_MAX : max;
}

#endif
