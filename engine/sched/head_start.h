/*
 * sched/head_start.h - which responses send their first bytes early, and how many.
 *
 * A browser lays a page out as soon as it knows how large its images are, and the first bytes of an
 * image say so. A rule gives the first bytes of matching responses an urgency of their own; after
 * them a response falls back to its place behind everything critical. Of a progressive JPEG, the
 * head start lasts until its first, coarse scan is complete: the site finds out where that ends
 * (http/first_scan.h), and any handler may say it of its response (stream_head_start()). The first
 * bytes of all images come before the first scan of any.
 *
 * Rules are read once at start, from the command line or a configuration, and all cores may share
 * them. A rule is written TYPE[@PATH]=BYTES[k][:URGENCY], or with `scan` for BYTES:
 *
 *     image*=scan
 *         HEAD_START_BYTES_DEFAULT of every image at urgency 2, or its first scan where that is
 *         known and longer. This is the default.
 *
 *     image/gif=16k
 *         16 KiB, whatever is known: for formats whose passes cannot be found cheaply, GIF and PNG.
 *
 *     image/jpeg@*hero*=32k:0
 *         32 KiB of some photographs, before all else.
 *
 *     image/jpeg@*hero*=scan:0
 *         The first scans of these.
 *
 * TYPE and PATH are patterns in which `*` stands for any bytes. Types match without regard to case
 * or parameters; paths match as the request has them, with the query. The first matching rule
 * counts. BYTES may be 0, to except something from a later rule.
 */
#ifndef WEIR_HEAD_START_H
#define WEIR_HEAD_START_H

#include "engine/base/machine.h"
#include "engine/sched/limits.h"

/* After the style sheets of Chromium (0) and of clients that say nothing (1), and before the images
 * themselves (3 or 5). Beside the critical resources of Firefox and the scripts of clients that say
 * nothing (2), which it delays by 6% at most (sched/urgency.h). */
#define HEAD_START_URGENCY_DEFAULT 2u

/* Keeps its patterns. */
struct head_start_rule {
  struct span type; /* lower case */
  struct span path; /* empty: any */
  uint32_t bytes;
  uint8_t urgency;
  bool scan; /* more than `bytes` where the response says how much is needed first */
};

struct head_start_rules {
  struct head_start_rule at[HEAD_START_RULES_MAX];
  uint32_t count;
};

/* One rule: images, `scan`. */
extern const struct head_start_rules head_start_rules_default;

/* Appends the rule written in `text`. False when the text is not of that form or there is no
 * room; the rules are unchanged. Keeps `text`, which must outlive them and have its type in lower
 * case. */
__attribute__((warn_unused_result)) bool head_start_add(struct head_start_rules *rules,
                                                        struct span text);

/* The rules whose path matches, as a bit set by index: known with the request. */
uint16_t head_start_of_path(const struct head_start_rules *rules, struct span path);

/* The rules whose type matches, known with the response. */
uint16_t head_start_types(const struct head_start_rules *rules, struct span content_type);

/* The first of those in both sets. NULL: no head start. */
static inline const struct head_start_rule *head_start_of_both(const struct head_start_rules *rules,
                                                               uint16_t of_path, uint16_t of_type) {
  uint16_t both = of_path & of_type;
  return both ? &rules->at[__builtin_ctz(both)] : NULL;
}

#endif
