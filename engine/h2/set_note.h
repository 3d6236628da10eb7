/*
 * h2/set_note.h - what HTTP/2 notes about a set of fields, so as not to work it out each time: the
 * content of header_set.memo.h2.
 */
#ifndef WEIR_H2_SET_NOTE_H
#define WEIR_H2_SET_NOTE_H

#include "engine/http/headers.h"

struct h2_set_note {
  uint64_t number;           /* no other set of the engine ever has it; 0: nothing has been noted */
  uint32_t bound_bytes;      /* the most that the fields take when encoded */
  uint16_t head_start_types; /* rules that match content-type: head_start_types() */
  uint8_t content_class;     /* enum sched_class of content-type */
  bool says_date : 1, says_server : 1, says_priority : 1; /* whether the set has these fields */
  /* Of a request: a response to it has no body; it opens a tunnel, by extended CONNECT. */
  bool asks_head : 1, asks_connect : 1, asks_protocol : 1;
  bool is_brief : 1; /* the fields and, by content-length, the content: see h2/brief.h */
  bool varies : 1; /* has fields flagged HEADER_VARIES, whose values `bound_bytes` does not count */
};

_Static_assert(sizeof(struct h2_set_note) == sizeof((struct header_memo){0}.h2),
               "it fills its part");

static inline struct h2_set_note h2_set_note_get(const struct header_set *set) {
  struct h2_set_note note;
  __builtin_memcpy(&note, set->memo.h2, sizeof note);
  return note;
}

static inline void h2_set_note_put(struct header_set *set, struct h2_set_note note) {
  __builtin_memcpy(set->memo.h2, &note, sizeof note);
}

#endif
