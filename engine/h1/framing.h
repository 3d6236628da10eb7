/*
 * h1/framing.h - what the fields of a head say about the message's length and its connection.
 * Spec: RFC 9112 sections 6, 7.4 and 9; RFC 9110 sections 7.2, 7.8 and 10.1.1; RFC 7540 section 3.2.
 *
 * Stricter than the RFC where it allows a choice, since each choice is one that some other parser made
 * differently: Transfer-Encoding beside Content-Length, either of them twice, and any coding other than
 * exactly "chunked" are refused.
 */
#ifndef WEIR_H1_FRAMING_H
#define WEIR_H1_FRAMING_H

#include "engine/h1/head.h"
#include "engine/http/priority_field.h"

enum h1_body {
  H1_BODY_NONE,
  H1_BODY_LENGTH,  /* content_length bytes, at least one */
  H1_BODY_CHUNKED, /* see h1/chunked.h */
  H1_BODY_CLOSE,   /* all until the connection ends; responses only */
  H1_BODY_TUNNEL,  /* no message: the answer to CONNECT, or what follows 101; responses only */
};

struct h1_framing {
  enum h1_body body;
  int64_t content_length; /* as given; -1: not. A response to HEAD has one without a body. */
  bool keep;              /* the connection persists after this message and the answer to it */
  bool expect_continue;   /* the client waits for 100 before it sends its body */
  bool te_trailers;       /* the client takes trailers */
  bool prioritized;       /* the client gave a priority (RFC 9218): */
  struct priority_field priority;
  uint32_t cookies; /* fields of that name: headers_join_cookies() makes one of them */
  struct span host; /* the value of Host; base is NULL without one */
  /* The value of Upgrade, a list of protocols; empty when none may be taken: HTTP/1.0, no
   * `connection: upgrade`, more than one such field, or a body. */
  struct span upgrade;
  /* The value of HTTP2-Settings; base is NULL unless there is one, and Connection names it. */
  struct span http2_settings;
};

/* Whether the method defines content, so that a request tells its length even if there is none (RFC 9110 section
 * 8.6). */
bool h1_framing_has_content(struct span method);

/* Reads a request's fields, from `first` on. Refuses with 400; 411 for content without a length; or 417 for an
 * expectation other than 100-continue. */
__attribute__((warn_unused_result)) struct h1_verdict
h1_framing_request(const struct h1_head *head, const struct headers *fields, uint32_t first,
                   struct h1_framing *out);

/* What a response's length depends on besides itself. */
struct h1_asked {
  bool head;    /* HEAD */
  bool connect; /* CONNECT */
};

/* Reads a response's fields, from `first` on. `keep` speaks of the response alone. Refuses with 502. */
__attribute__((warn_unused_result)) struct h1_verdict
h1_framing_response(const struct h1_head *head, const struct headers *fields, uint32_t first,
                    struct h1_asked asked, struct h1_framing *out);

/* Refuses a trailer section with fields that frame or route a message, or are about the connection
 * (RFC 9110 section 6.5.1). */
__attribute__((warn_unused_result)) struct h1_verdict
h1_framing_trailers(const struct headers *fields);

/* Whether the list of protocols `upgrade` names `protocol` (any case). */
bool h1_framing_upgrade_has(struct span upgrade, const char *protocol);

/* Removes from `fields`, from `first` on, what is about the connection alone (RFC 9110 section 7.6.1) and
 * Host, whose place :authority takes: what handlers see is then what they would see over HTTP/2. A field
 * that Connection names is removed if this engine does not know it as one of the message. `te` stays, as
 * "trailers", if it says so. To be called when the framing has been read. */
void h1_framing_strip(struct headers *fields, uint32_t first);

#endif
