/*
 * sched/class.h - how urgent a response is by its media type, when the client says nothing.
 *
 * The order is that of today's browsers: resources that a page cannot be shown without go first;
 * resources that can be shown in part share.
 */
#ifndef WEIR_SCHED_CLASS_H
#define WEIR_SCHED_CLASS_H

#include "engine/base/machine.h"

enum sched_class {
  SCHED_CLASS_OTHER,    /* unknown, API answers, downloads */
  SCHED_CLASS_DOCUMENT, /* HTML: everything else is found in it */
  SCHED_CLASS_STYLE,
  SCHED_CLASS_SCRIPT,
  SCHED_CLASS_FONT,
  SCHED_CLASS_IMAGE,
  SCHED_CLASS_MEDIA,  /* audio and video */
  SCHED_CLASS_TUNNEL, /* CONNECT and WebSocket: always shares (RFC 9218 section 11) */
  SCHED_CLASS_COUNT
};

struct sched_class_rule {
  uint8_t urgency;
  bool incremental;
  bool critical; /* a page cannot be shown without it */
};

extern const struct sched_class_rule sched_class_rules[SCHED_CLASS_COUNT];

/* The class of a `content-type` value; parameters and case do not matter. Borrows
 * `content_type`. */
enum sched_class sched_class_of(struct span content_type);

/* The media type in it, without parameters. */
struct span sched_class_essence(struct span content_type);

#endif
