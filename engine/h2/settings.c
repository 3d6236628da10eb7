/*
 * h2/settings.c - a row for each setting: where it is kept, and which values it may have.
 */
#include "engine/h2/settings.h"

#include "engine/base/window.h"
#include "engine/base/wire.h"

#include <string.h>

struct row {
  size_t offset; /* in struct h2_settings */
  uint32_t min, max;
  enum h2_error error; /* of a value out of bounds */
  uint8_t final;       /* once 1, the value cannot go back to 0 (RFC 8441 section 3) */
  uint8_t client_max;  /* 1: a server may only say 0 (RFC 9113 section 6.5.2) */
};

#define AT(field) offsetof(struct h2_settings, field)

/* Indexed by identifier; a row with max 0 is unknown. */
static const struct row rows[] = {
    [H2_HEADER_TABLE_SIZE] = {AT(header_table_size), 0, UINT32_MAX, H2_NO_ERROR, 0, 0},
    [H2_ENABLE_PUSH] = {AT(enable_push), 0, 1, H2_PROTOCOL_ERROR, 0, 1},
    [H2_MAX_CONCURRENT_STREAMS] = {AT(max_concurrent_streams), 0, UINT32_MAX, H2_NO_ERROR, 0, 0},
    [H2_INITIAL_WINDOW_SIZE] = {AT(initial_window_size), 0, WINDOW_MAX, H2_FLOW_CONTROL_ERROR, 0,
                                0},
    [H2_MAX_FRAME_SIZE] = {AT(max_frame_size), H2_FRAME_BYTES_MIN, H2_FRAME_BYTES_MAX,
                           H2_PROTOCOL_ERROR, 0, 0},
    [H2_MAX_HEADER_LIST_SIZE] = {AT(max_header_list_size), 0, UINT32_MAX, H2_NO_ERROR, 0, 0},
    [H2_ENABLE_CONNECT_PROTOCOL] = {AT(enable_connect_protocol), 0, 1, H2_PROTOCOL_ERROR, 1, 0},
    [H2_NO_RFC7540_PRIORITIES] = {AT(no_rfc7540_priorities), 0, 1, H2_PROTOCOL_ERROR, 0, 0},
};

#define ROWS (sizeof rows / sizeof *rows)

static const uint32_t *value_of(const struct h2_settings *settings, const struct row *row) {
  return (const uint32_t *)(const void *)((const char *)settings + row->offset);
}

uint16_t h2_setting_id(const uint8_t *entry) {
  return wire_get16(entry);
}
uint32_t h2_setting_value(const uint8_t *entry) {
  return wire_get32(entry + 2);
}

struct h2_verdict h2_settings_apply(struct h2_settings *settings, const uint8_t *entry,
                                    enum h2_role receiver) {
  uint16_t id = h2_setting_id(entry);
  uint32_t value = h2_setting_value(entry);
  if (id >= ROWS || rows[id].max == 0) return H2_OK;
  const struct row *row = &rows[id];
  if (value < row->min || value > row->max)
    return h2_connection_error(row->error, "setting is out of bounds");
  if (row->client_max && receiver == H2_CLIENT && value != 0)
    return h2_connection_error(row->error, "server enables push");
  uint32_t *slot = (uint32_t *)(void *)((char *)settings + row->offset);
  if (row->final && *slot == 1 && value == 0)
    return h2_connection_error(row->error, "setting is taken back");
  *slot = value;
  return H2_OK;
}

uint8_t *h2_settings_encode(uint8_t *out, const struct h2_settings *ours) {
  static const struct h2_settings initial = H2_SETTINGS_INITIAL;
  uint8_t *payload = out + H2_FRAME_HEADER_BYTES;
  uint8_t *end = payload;
  for (size_t id = 0; id < ROWS; id++) {
    if (rows[id].max == 0 || *value_of(ours, &rows[id]) == *value_of(&initial, &rows[id])) continue;
    end = wire_put16(end, (uint16_t)id);
    end = wire_put32(end, *value_of(ours, &rows[id]));
  }
  h2_frame_header_encode(
      out, (struct h2_frame_header){.length = (uint32_t)(end - payload), .type = H2_SETTINGS});
  return end;
}
