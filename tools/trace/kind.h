/*
 * trace/kind.h - kinds of resources.
 */
#ifndef WEIR_TRACE_KIND_H
#define WEIR_TRACE_KIND_H

#include <stddef.h>

/* What a resource is for; decides its colour, and its priority by a browser's profile. */
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

/* TRACE_KINDS when there is no such kind. */
enum trace_kind trace_kind_parse(const char *name);

/* What a content-type, or an extension of a path, says; TRACE_OTHER when it says nothing. */
enum trace_kind trace_kind_of_type(const char *type, size_t len);
enum trace_kind trace_kind_of_path(const char *path);

#endif
