/*
 * trace/kind.h - kinds of resources.
 */
#ifndef WEIR_TRACE_KIND_H
#define WEIR_TRACE_KIND_H

#include <stddef.h>

/* What a resource is used for. Decides its colour, and its priority in a browser's profile. */
enum trace_kind {
  TRACE_DOCUMENT,
  TRACE_STYLE,
  TRACE_SCRIPT,
  TRACE_FONT,
  TRACE_IMAGE,
  TRACE_FETCH,
  TRACE_OTHER,
  TRACE_KINDS
};

const char *trace_kind_name(enum trace_kind kind);

/* Returns TRACE_KINDS for unknown names. */
enum trace_kind trace_kind_parse(const char *name);

/* The kind that a content-type, or a path's extension, implies; else TRACE_OTHER. */
enum trace_kind trace_kind_of_type(const char *type, size_t len);
enum trace_kind trace_kind_of_path(const char *path);

#endif
