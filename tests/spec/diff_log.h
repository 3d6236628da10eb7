/*
 * spec/diff_log.h - an engine's reaction to its input, in the same words for weir and for
 * libnghttp2:
 *
 *     H 1 :method=GET|:path=/|          a header section handed to the application
 *     T 1 x-sum=1|   D 1 5 3735928559   trailers; bytes of data and a hash of them
 *     E 1                               the end of the peer's message
 *     P 1 2 :method=GET|...             a promise
 *     R 1 8   G 1   ping 0102...        what it sent: RST_STREAM, GOAWAY, an acknowledged PING
 *     closed: ...                       it takes no more, and sent no GOAWAY
 */
#ifndef WEIR_TESTS_DIFF_LOG_H
#define WEIR_TESTS_DIFF_LOG_H

#include "engine/h2/frame.h"

/* Identifiers of a connection are below DIFF_IDS. */
enum { DIFF_IDS = 64, DIFF_LOG_BYTES = 1 << 16 };

struct diff_log {
  char text[DIFF_LOG_BYTES];
  size_t len;
  /* DATA of the current frame: an engine may deliver it in pieces. */
  uint32_t data_id, data_hash;
  size_t data_bytes;
  bool data_end;
  /* Sent bytes that are not yet a whole frame. */
  uint8_t sent[1 << 16];
  size_t sent_len;
  bool magic_seen;
  bool goaway;                                        /* one with an error has been sent */
  bool ended;                                         /* it takes no more, and sent no GOAWAY */
  int64_t connection_credit, stream_credit[DIFF_IDS]; /* for DATA to the engine */
};

/* An empty log of an engine in that role. */
void diff_log_init(struct diff_log *log, enum h2_role role);

/* Appends text. Fails the test when the log is full. */
__attribute__((format(printf, 2, 3))) void diff_log_print(struct diff_log *log, const char *format,
                                                          ...);

/* Adds bytes of DATA that the application got. */
void diff_log_data(struct diff_log *log, uint32_t id, const uint8_t *bytes, size_t len);

/* Logs the DATA of the frame, which is complete. */
void diff_log_flush(struct diff_log *log);

/* Adds bytes that the engine sent, however cut. */
void diff_log_sent(struct diff_log *log, const uint8_t *bytes, size_t len);

#endif
