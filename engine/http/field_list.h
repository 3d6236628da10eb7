/*
 * http/field_list.h - elements of a list-valued field (RFC 9110 section 5.6.1), empty ones skipped
 * as section 5.6.1.2 asks of recipients.
 */
#ifndef WEIR_FIELD_LIST_H
#define WEIR_FIELD_LIST_H

#include "engine/base/machine.h"

static inline bool field_is_space(uint8_t byte) {
  return byte == ' ' || byte == '\t';
}

/* The text without optional white space at its ends (section 5.6.3). */
static inline struct span field_trim(struct span text) {
  while (text.len > 0 && field_is_space(text.base[0])) {
    text.base++;
    text.len--;
  }
  while (text.len > 0 && field_is_space(text.base[text.len - 1]))
    text.len--;
  return text;
}

/* The index of the next `mark` outside double quotes, or text.len. Backslash is an ordinary
 * character here: entity tags know no escapes (section 8.8.3), and no other list read with this has
 * strings. */
static inline size_t field_find(struct span text, uint8_t mark) {
  bool quoted = false;
  for (size_t i = 0; i < text.len; i++) {
    if (text.base[i] == '"') quoted = !quoted;
    if (text.base[i] == mark && !quoted) return i;
  }
  return text.len;
}

/* Takes the part before the next `mark`, and the mark, off the front of *text; returns the part
 * trimmed. */
static inline struct span field_split(struct span *text, uint8_t mark) {
  size_t len = field_find(*text, mark);
  struct span part = field_trim((struct span){.base = text->base, .len = len});
  size_t used = len < text->len ? len + 1 : len;
  if (used > 0) *text = (struct span){.base = text->base + used, .len = text->len - used};
  return part;
}

/* The front of a list of whose field *left bytes are still looked at (FIELD_LIST_BYTES_MAX at first): whole
 * elements. Takes their bytes off *left. */
static inline struct span field_front(struct span list, size_t *left) {
  size_t len = list.len;
  if (len > *left) {
    len = *left;
    while (len > 0 && list.base[len] != ',')
      len--;
    *left = len;
  }
  *left -= len;
  return (struct span){.base = list.base, .len = len};
}

/* Takes the next element that is not empty off *list; false when there is none left. */
__attribute__((warn_unused_result)) static inline bool field_next(struct span *list,
                                                                  struct span *element) {
  while (list->len > 0) {
    *element = field_split(list, ',');
    if (element->len > 0) return true;
  }
  return false;
}

#endif
