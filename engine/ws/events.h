/*
 * ws/events.h - what a WebSocket's owner sets and hears: settings, events, close codes, counters. The calls
 * are in ws/ws.h, which says how they belong together.
 */
#ifndef WEIR_WS_EVENTS_H
#define WEIR_WS_EVENTS_H

#include "engine/base/memory.h"
#include "engine/http/stream.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ws;

enum ws_kind { WS_TEXT = 1, WS_BINARY = 2 };

/* Close codes (RFC 6455 section 7.4.1 and the registry of section 11.7). Those marked *never sent* are only
 * told to closed(). A program's own are 3000 .. 4999. */
enum ws_code {
  WS_NORMAL = 1000,
  WS_GOING_AWAY = 1001,
  WS_PROTOCOL_ERROR = 1002,
  WS_UNSUPPORTED_DATA = 1003,
  WS_NO_CODE = 1005,  /* never sent: the peer's close frame had no code */
  WS_ABNORMAL = 1006, /* never sent: no close frame came */
  WS_INVALID_DATA = 1007,
  WS_POLICY_VIOLATION = 1008,
  WS_TOO_BIG = 1009,
  WS_MISSING_EXTENSION = 1010, /* a client's */
  WS_INTERNAL_ERROR = 1011,
  WS_SERVICE_RESTART = 1012,
  WS_TRY_AGAIN_LATER = 1013,
  WS_BAD_GATEWAY = 1014,
  WS_TLS_FAILED = 1015, /* never sent */
};

/* Every member may be NULL. Spans are borrowed by the event. */
struct ws_events {
  /* Client: the server has accepted; messages may be sent now. */
  void (*open)(struct ws *ws);
  /* Client: the server has answered with something else than a WebSocket. closed() follows. */
  void (*refused)(struct ws *ws, unsigned status, const struct headers *fields);
  /* A message, whole: `end` is true. With settings.fragments, its bytes as they come, `end` with the last
   * ones (perhaps none). Text is valid UTF-8, which a fragment may cut within a character. */
  void (*message)(struct ws *ws, enum ws_kind kind, struct span bytes, bool end);
  /* With settings.fragments: how many of a message's next bytes may be vaulted (base/machine.h). */
  size_t (*takes_vaulted)(const struct ws *ws);
  /* The peer's answer to a ping, or a pong of its own accord. */
  void (*pong)(struct ws *ws, struct span payload);
  /* ws_send() takes messages again. */
  void (*writable)(struct ws *ws);
  /* ws_timer() has come due. */
  void (*timer)(struct ws *ws, uint64_t now_ns);
  /* The connection is to end, and the end should close soon; not before open(). NULL: it closes with WS_GOING_AWAY. */
  void (*drain)(struct ws *ws);
  /* The end of everything. `code` and `reason` are those of the peer's close frame; or what we closed with
   * because the peer broke a rule; or WS_ABNORMAL when the stream ended without a close frame. */
  void (*closed)(struct ws *ws, unsigned code, struct span reason);
};

/* What the ends of one thread did, and what hostile peers ran into: the bounds of ws/limits.h. The thread
 * of the streams writes them; others read with counter_get(). */
struct ws_counters {
  uint64_t opened, closed;
  uint64_t messages_received, messages_sent;
  uint64_t broken;  /* closed with 1002 or 1007: the peer broke a rule */
  uint64_t too_big; /* with 1009: WS_MESSAGE_BYTES_DEFAULT, WS_INFLATED_BYTES_MAX */
  uint64_t flooded; /* with 1008: WS_CONTROL_BURST, WS_FRAGMENT_BURST */
  uint64_t paused;  /* times that messages had to wait: WS_INFLATE_BURST_BYTES */
  uint64_t silent;  /* reset: no sign of life for WS_PING_NS_DEFAULT after a ping, or WS_CLOSE_NS */
};

/* Kept, with all it names, until closed(). One may serve any number of ends. 0 stands for the default. */
struct ws_settings {
  const struct memory *memory;
  const struct ws_events *events;
  struct ws_counters *counters; /* NULL: not counted */

  /* Subprotocols that are spoken, the favourite first; NULL-terminated. NULL: none. */
  const char *const *protocols;

  /* Bytes of the longest message that is received: 1 MiB. SIZE_MAX: any, to be used with `fragments`. */
  size_t message_bytes_max;
  bool fragments; /* see events.message() */

  /* Bytes that wait to be sent before ws_send() takes no more: 64 KiB. */
  size_t send_bytes_max;
  bool duplex; /* the peer's messages are handed over even so */
  /* Payload of a frame that is sent: 64 KiB. A longer message goes in several. */
  size_t frame_bytes_max;

  /* After so long without a byte of the peer it is pinged, and after as long again given up: 30 s.
   * UINT64_MAX: never. */
  uint64_t ping_ns;

  /* permessage-deflate, if the peer wants it too. With takeover, messages that resemble earlier ones are
   * compressed better, for 32 to 75 KiB an end as long as it lives; without, memory is held while a message
   * is under way. Window: 9 .. 15 bits; 12. */
  bool deflate, deflate_takeover;
  uint8_t deflate_window_bits;

  /* Client: 32 unpredictable bits (RFC 6455 section 10.3). */
  uint32_t (*random)(void *ctx);
  void *random_ctx;
};

#ifdef __cplusplus
}
#endif

#endif
