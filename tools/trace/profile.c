/*
 * trace/profile.c - the tables. trace/profile.h names their sources.
 */
#include "tools/trace/profile.h"

#include <string.h>

#include "engine/base/limits.h"

static const struct trace_profile profiles[] = {
    {
        .name = "chromium",
        .stream_window_bytes = 6 * MIB,
        .connection_window_bytes = 15 * MIB,
        .concurrent_streams = UINT32_MAX,
        .header_list_bytes = 256 * 1024,
        .chain = true,
        .pseudo = "masp",
        .signals =
            {
                [TRACE_DOCUMENT] = {"u=0, i", 256},
                [TRACE_STYLE] = {"u=0", 256},
                [TRACE_SCRIPT] = {"u=1", 220},
                [TRACE_FONT] = {"u=0", 256},
                [TRACE_IMAGE] = {"i", 147},
                [TRACE_FETCH] = {"u=1, i", 220},
                [TRACE_OTHER] = {"u=4, i", 110},
            },
    },
    {
        .name = "firefox",
        .stream_window_bytes = 128 * 1024,
        .connection_window_bytes = 12 * MIB,
        .concurrent_streams = UINT32_MAX,
        .header_list_bytes = 64 * 1024,
        .widen = true,
        .pseudo = "mpas",
        .signals =
            {
                [TRACE_DOCUMENT] = {"u=0, i", 42},
                [TRACE_STYLE] = {"u=2", 42},
                [TRACE_SCRIPT] = {"u=2", 42},
                [TRACE_FONT] = {"u=2", 42},
                [TRACE_IMAGE] = {"u=4, i", 42},
                [TRACE_FETCH] = {"u=4", 42},
                [TRACE_OTHER] = {"u=4", 42},
            },
    },
    {
        .name = "safari",
        .stream_window_bytes = 2 * MIB,
        .connection_window_bytes = 10485760,
        .concurrent_streams = 100,
        .header_list_bytes = 64 * 1024,
        .no_rfc7540_priorities = true,
        .pseudo = "msap",
        .signals =
            {
                [TRACE_DOCUMENT] = {"u=0, i", 256},
                [TRACE_STYLE] = {"u=1", 256},
                [TRACE_SCRIPT] = {"u=1", 256},
                [TRACE_FONT] = {"u=1", 256},
                [TRACE_IMAGE] = {"u=5, i", 256},
                [TRACE_FETCH] = {"u=3, i", 256},
                [TRACE_OTHER] = {"u=5, i", 256},
            },
    },
    {
        .name = "none",
        .stream_window_bytes = 6 * MIB,
        .connection_window_bytes = 15 * MIB,
        .concurrent_streams = UINT32_MAX,
        .header_list_bytes = 64 * 1024,
        .mute = true,
        .pseudo = "mspa",
    },
};

const struct trace_profile *trace_profile_find(const char *name) {
  for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
    if (strcmp(profiles[i].name, name) == 0) return &profiles[i];
  return NULL;
}

const char *trace_profile_accept(enum trace_kind kind) {
  switch (kind) {
  case TRACE_DOCUMENT: return "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
  case TRACE_STYLE: return "text/css,*/*;q=0.1";
  case TRACE_IMAGE: return "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5";
  default: return "*/*";
  }
}
