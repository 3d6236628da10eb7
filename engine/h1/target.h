/*
 * h1/target.h - a request's target in its four forms, and the authority it is for.
 * Spec: RFC 9112 section 3.2, RFC 9110 section 7.2.
 */
#ifndef WEIR_H1_TARGET_H
#define WEIR_H1_TARGET_H

#include "engine/h1/head.h"

enum h1_form {
  H1_FORM_ORIGIN,    /* /path?query */
  H1_FORM_ABSOLUTE,  /* http://host/path?query */
  H1_FORM_AUTHORITY, /* host:port, of CONNECT */
  H1_FORM_ASTERISK,  /* *, of OPTIONS */
};

struct h1_target {
  enum h1_form form;
  struct span scheme; /* of the absolute form, else empty: that of the connection */
  /* Of the absolute or authority form, else of Host; empty: HTTP/1.0 without. */
  struct span authority;
  struct span path; /* with its query; "*" for the asterisk form; empty for the authority form */
};

/* Reads head->target. `host` is the value of Host; its base is NULL without one. 400: the target is not
 * of a form that its method allows; Host is missing in HTTP/1.1, is no authority, or differs from the
 * target's own (RFC 9112 section 3.2.2 would ignore it, but a proxy before us may have gone by it). Text
 * that is not in the target as such comes from the arena of `fields`; 431 when it is full. */
__attribute__((warn_unused_result)) struct h1_verdict h1_target_read(const struct h1_head *head,
                                                                     struct span host,
                                                                     struct headers *fields,
                                                                     struct h1_target *out);

/* The same for a Host that a call with it has accepted. */
__attribute__((warn_unused_result)) struct h1_verdict
h1_target_read_after(const struct h1_head *head, struct span host, struct headers *fields,
                     struct h1_target *out);

#endif
