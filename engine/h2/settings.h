/*
 * h2/settings.h - the values that each side announces, and their bounds.
 * Spec: RFC 9113 section 6.5, RFC 8441 section 3, RFC 9218 section 2.1.
 * Ownership: plain values, embedded in the connection once for each direction.
 */
#ifndef WEIR_H2_SETTINGS_H
#define WEIR_H2_SETTINGS_H

#include "engine/h2/frame.h"

enum h2_setting {
  H2_HEADER_TABLE_SIZE = 0x1,
  H2_ENABLE_PUSH = 0x2,
  H2_MAX_CONCURRENT_STREAMS = 0x3,
  H2_INITIAL_WINDOW_SIZE = 0x4,
  H2_MAX_FRAME_SIZE = 0x5,
  H2_MAX_HEADER_LIST_SIZE = 0x6,
  H2_ENABLE_CONNECT_PROTOCOL = 0x8, /* RFC 8441 */
  H2_NO_RFC7540_PRIORITIES = 0x9,   /* RFC 9218 */
};

#define H2_SETTINGS_KNOWN 8u

struct h2_settings {
  uint32_t header_table_size;      /* bytes */
  uint32_t enable_push;            /* 0 or 1 */
  uint32_t max_concurrent_streams; /* UINT32_MAX: no limit */
  uint32_t initial_window_size;    /* bytes, 0 .. 2^31-1 */
  uint32_t max_frame_size;         /* bytes, 2^14 .. 2^24-1 */
  uint32_t max_header_list_size;   /* bytes, UINT32_MAX: no limit */
  uint32_t enable_connect_protocol;
  uint32_t no_rfc7540_priorities;
};

/* Every window, before SETTINGS change it. Fixed by section 6.9.2. */
#define H2_INITIAL_WINDOW_BYTES 65535u

/* The values before any SETTINGS frame (section 6.5.2). */
#define H2_SETTINGS_INITIAL                                                                        \
  ((struct h2_settings){.header_table_size = 4096,                                                 \
                        .enable_push = 1,                                                          \
                        .max_concurrent_streams = UINT32_MAX,                                      \
                        .initial_window_size = H2_INITIAL_WINDOW_BYTES,                            \
                        .max_frame_size = H2_FRAME_BYTES_MIN,                                      \
                        .max_header_list_size = UINT32_MAX})

/* Applies a 6-byte entry that `receiver` has received; ignores unknown identifiers. Errors are of
 * the connection, with the code of section 6.5.2; `settings` is then unchanged. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_settings_apply(struct h2_settings *settings, const uint8_t *entry, enum h2_role receiver);

/* Writes a SETTINGS frame with all values of `ours` that are not the initial ones: at most
 * H2_FRAME_HEADER_BYTES + H2_SETTINGS_KNOWN * H2_SETTING_BYTES bytes. Returns the end. */
uint8_t *h2_settings_encode(uint8_t *out, const struct h2_settings *ours);

/* The identifier and the value of an entry. */
uint16_t h2_setting_id(const uint8_t *entry);
uint32_t h2_setting_value(const uint8_t *entry);

#endif
