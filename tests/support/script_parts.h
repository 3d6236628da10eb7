/*
 * support/script_parts.h - part of tests/support/script.h: the state of a script.
 */
#ifndef WEIR_TESTS_SCRIPT_PARTS_H
#define WEIR_TESTS_SCRIPT_PARTS_H

#include "engine/engine.h"
#include "engine/h2/h2.h"
#include "tests/support/counted.h"

enum { SCRIPT_APPS = 64, SCRIPT_INSERTED = 64, SCRIPT_FIELDS = 128, SCRIPT_LOG_BYTES = 32768 };

struct script;

/* One stream as the application sees it, and the body that it sends. */
struct script_app {
  struct script *script;
  uint32_t id;
  struct stream *stream; /* NULL: closed */
  size_t pending;        /* bytes to send */
  bool end;              /* then end */
};

/* A field that the peer inserted into its dynamic table. */
struct script_inserted {
  char name[32], value[64];
};

struct script {
  /* Kept across connections. */
  struct counted_memory memory; /* of the engine */
  struct engine engine;
  struct handler handler;

  enum h2_role role; /* of the machine under test */
  struct counted_memory own_memory;
  struct machine machine;
  uint64_t now_ns;
  size_t piece_bytes; /* of a recv, at the beginning and the end of a frame; 0: a whole frame */
  void (*sink)(struct script *script, struct span bytes); /* gets them instead of the machine */
  bool mute;                                              /* the peer reads nothing */
  bool patient; /* what the machine does not want yet waits, and time passes; else it is lost */

  struct script_app apps[SCRIPT_APPS];
  unsigned app_count;
  size_t log_len;
  size_t data_at, data_from, data_bytes; /* the last entry, if it is about data */
  uint64_t data_id;
  const char *data_what;
  char sync_values[512]; /* from the last request or response that had x-sync fields */

  /* Sent by the machine. */
  uint8_t *received; /* not yet a whole frame */
  size_t received_len, received_size;
  struct hpack_decoder decoder;
  struct headers fields;
  uint8_t *block; /* of HEADERS and CONTINUATION frames, while incomplete */
  size_t block_len;
  uint32_t block_id;
  uint8_t block_flags;
  bool settings_seen, goaway;
  uint32_t frame_bytes_max;    /* which we announced */
  int64_t table_bytes_pending; /* likewise, not yet acknowledged; -1: nothing */
  uint32_t settings_acks;
  int64_t connection_credit; /* the DATA that we may still send, as we were told */
  int64_t rst_code;          /* of the last RST_STREAM; -1: none */
  uint32_t rst_id;

  /* The entries that the peer inserted into its dynamic table, in order. */
  struct script_inserted inserted[SCRIPT_INSERTED];
  unsigned inserted_count;
  uint32_t id_max; /* highest identifier that it opened */

  /* Last, so that they need not be cleared. */
  char log[SCRIPT_LOG_BYTES];
  struct header field_room[SCRIPT_FIELDS];
  uint8_t arena[1 << 17];
};

#endif
