/*
 * trace/options.h - the command line of `weir trace`.
 */
#ifndef WEIR_TRACE_OPTIONS_H
#define WEIR_TRACE_OPTIONS_H

#include <stddef.h>

#include "io/ring/choice.h"
#include "tools/common/options.h"
#include "tools/trace/limits.h"
#include "tools/trace/profile.h"

struct trace_options {
  char **urls;
  size_t url_count;
  const char *manifest;  /* --manifest, or NULL */
  const char *compare;   /* --compare, or NULL */
  const char *picture;   /* --output, or NULL */
  const char *json;      /* --json, or NULL */
  enum ring_choice ring; /* --ring */
  const char *ca_path;   /* --cacert, or NULL */
  const char *key_log;   /* --key-log, or NULL */
  const char *title;     /* --title, or NULL */
  const char *labels[2]; /* --label: headings instead of the base URLs */
  unsigned label_count;
  const struct trace_profile *profile;
  const char *fields[TRACE_FIELDS_MAX]; /* --header, "name: value" */
  unsigned field_count;
  uint64_t rate_limit;              /* bytes per second; 0: none */
  uint32_t stream_window_bytes;     /* 0: the profile's */
  uint32_t connection_window_bytes; /* 0: the profile's */
  double timeout_seconds;
  bool http1;    /* HTTP/1.1 over up to six connections; with `compare`, to that server alone */
  bool frames;   /* print the frame log */
  bool insecure; /* certificates are not verified */
};

/* Reads argv[1 ..]; see common/options.h. */
__attribute__((warn_unused_result)) enum options_result
trace_options_parse(struct trace_options *options, int argc, char **argv,
                    const struct failure *failure);

/* What --help prints. */
const char *trace_options_help(void);

#endif
