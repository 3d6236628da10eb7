/*
 * trace/profile.h - the windows and priorities that browsers send, by kind of resource.
 *
 * Chromium's row is what version 156 sends; a test compares them if Chromium is installed. The
 * others are Firefox 145 and Safari 26, from public records of their requests.
 *
 *   chromium  SETTINGS: no push, INITIAL_WINDOW_SIZE 6 MiB, MAX_HEADER_LIST_SIZE 256 KiB; the
 *             connection's window is raised to 15 MiB. HEADERS carry an exclusive dependency on the
 *             newest open request that is at least as urgent, and one of the weights 256, 220, 183,
 *             147, 110: one chain, most urgent first. No PRIORITY frames. Beside it a `priority`
 *             field (since version 124): u=0 .. 4, left out where it is the default 3, and `i` for
 *             whatever can be used in part, which is all but style, script and font. The first
 *             five images of a page, and what layout finds in view, have u=2, i and 183 instead; a
 *             manifest says so by "priority" and "weight".
 *   firefox   INITIAL_WINDOW_SIZE 128 KiB, and each request raises its own stream's window to that
 *             of the connection, 12 MiB. HEADERS carry a flat weight of 42 on stream 0: the tree of
 *             idle grouping streams (3, 5, 7, 9, 11, 13) that older versions sent is gone, and with
 *             it all PRIORITY frames. `priority`: u=0, i for the page, u=2 for what blocks
 *             rendering (leaders), u=4 and beyond for the rest (followers).
 *   safari    SETTINGS: no push, MAX_CONCURRENT_STREAMS 100, INITIAL_WINDOW_SIZE 2 MiB,
 *             SETTINGS_NO_RFC7540_PRIORITIES; the connection's window is raised to 10,485,760.
 *             HEADERS carry weight 256 on stream 0, which the setting makes meaningless.
 *             `priority`: u=0, i for the page, u=1 for what blocks rendering, u=3, i for fetches,
 *             u=5, i for images.
 *   none      Chromium's windows, and not a word about priorities, not even the manifest's: an API
 *             client.
 *
 * Two deliberate differences: HEADER_TABLE_SIZE stays 4096 (all but Safari announce 65,536), and
 * MAX_HEADER_LIST_SIZE is always announced. Neither affects the order of responses.
 */
#ifndef WEIR_TRACE_PROFILE_H
#define WEIR_TRACE_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/trace/kind.h"

struct trace_signal {
  const char *priority; /* the field's value; NULL: the field is not sent */
  uint16_t weight;      /* in HEADERS, 1 .. 256; 0: no priority in HEADERS */
};

struct trace_profile {
  const char *name;
  uint32_t stream_window_bytes, connection_window_bytes;
  uint32_t concurrent_streams; /* UINT32_MAX: not announced */
  uint32_t header_list_bytes;
  bool no_rfc7540_priorities;
  bool chain;         /* exclusive dependencies, most urgent first */
  bool mute;          /* no priorities at all */
  bool widen;         /* each stream's window is raised to the connection's */
  const char *pseudo; /* order of pseudo-header fields: Method, Authority, Scheme, Path */
  struct trace_signal signals[TRACE_KINDS];
};

/* Returns NULL for unknown names. */
const struct trace_profile *trace_profile_find(const char *name);

/* The value of `accept` that browsers send for a kind. */
const char *trace_profile_accept(enum trace_kind kind);

#endif
