/*
 * ws/play.h - one end of a WebSocket on a fake stream, a peer that is written as text, and a log that reads
 * like a conversation.
 *
 * The peer's frames, separated by spaces:
 *
 *     T:Hello   text     B:  binary     C:  continuation     P:  ping     O:  pong     X:1000bye  close
 *     t: b: c:           the same without FIN
 *     zT: yT: wT: zyt:   with RSV1, RSV2, RSV3, several
 *     3: .. 7: D: .. H:  reserved opcodes 3 .. 7, 11 .. 15
 *     ~81              these octets, as they are
 *
 * A payload is text without spaces ("_" stands for one), "=48656c" octets, or "*300" that many letters; a
 * close frame's begins with the code in decimal, or is empty, or octets. Frames are masked when the end is
 * a server's.
 *
 * The log has the same words: "T:Hello" for messages that are handed over ("T+" for fragments, the last one
 * "T."), "O:x" for pongs that are told, and with ">" in front frames that are sent. "END" says that our
 * direction has ended, "closed 1000 bye" what closed() was told, "room" is writable(), "timer" timer().
 *
 * Owner: the test, from play_begin() to play_end().
 */
#ifndef WEIR_TESTS_WS_PLAY_H
#define WEIR_TESTS_WS_PLAY_H

#include "engine/ws/client.h"
#include "engine/ws/ws.h"
#include "tests/support/counted.h"
#include "tests/support/fake.h"

enum {
  PLAY_LOG_BYTES = 8192,
  PLAY_BYTES_MAX = 1 << 20, /* of the peer's frames */
};

struct play {
  struct counted_memory memory;
  struct ws_settings settings; /* the test may change them before play_begin() */
  struct ws_counters counters;
  struct fake_stream fake;
  struct ws *ws; /* NULL after closed() */
  bool client, echo;
  bool body_ended;
  size_t pulled; /* octets of fake.bytes that were put into the log as frames */
  void (*on_message)(struct play *play); /* may be NULL */
  char log[PLAY_LOG_BYTES];
  size_t log_len;
};

/* Settings with all defaults. */
void play_settings(struct play *play);

/* Opens an end: a server's over HTTP/2, or a client's. With settings.deflate the peer offers and accepts
 * permessage-deflate; `terms` are its parameters ("" for none). */
void play_begin(struct play *play, bool client, const char *terms);

/* Encodes the peer's frames; returns their number of octets. */
size_t play_frames(const struct play *play, const char *frames, uint8_t *out);

/* The peer sends octets. They are copied to where they end at a page that may not be read. */
void play_bytes(struct play *play, struct span bytes);

/* The peer sends frames. */
void play_peer(struct play *play, const char *frames);

/* The peer ends its direction. */
void play_eof(struct play *play);

/* The transport takes all that is there, in pieces of at most `max` octets. */
void play_pull(struct play *play, size_t max);

/* Time passes, and the stream's timer comes due if it is. */
void play_wait(struct play *play, uint64_t ns);

/* What was logged since the last call. */
const char *play_log(struct play *play);

/* The stream ends, if it has not; all memory must have come back. */
void play_end(struct play *play);

#endif
