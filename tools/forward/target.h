/*
 * forward/target.h - what the command line names: where to forward to, and the ports.
 */
#ifndef WEIR_FORWARD_TARGET_H
#define WEIR_FORWARD_TARGET_H

#include "tools/client/url.h"
#include "tools/common/failure.h"
#include "tools/forward/limits.h"

enum target_kind { TARGET_POD, TARGET_SERVICE, TARGET_URL };

struct target {
  enum target_kind kind;
  char name[OBJECT_NAME_BYTES]; /* of the pod or the service; of a URL: what messages call it */
  struct url url;               /* TARGET_URL: its target is the path to ask for the tunnel */
};

/* Parses "POD", "pod/POD", "svc/NAME" (and the other spellings of these kinds), or a URL. What is behind a URL's
 * host is [NAMESPACE/]POD, or the whole path, which has a part "portforward" then. */
__attribute__((warn_unused_result)) bool target_parse(struct target *target, const char *text,
                                                      const char *namespace,
                                                      const struct failure *failure);

/* Whether it can be the name of a pod or of another object (RFC 1123). What a server says has to pass this before
 * it goes into a path or a message. */
__attribute__((warn_unused_result)) bool target_is_object_name(const char *name);

struct target_port {
  uint16_t local;                    /* 0: any that is free */
  uint16_t remote;                   /* 0: `remote_name` */
  char remote_name[PORT_NAME_BYTES]; /* of a port of the pod or the service */
};

/* Parses "REMOTE", "LOCAL:REMOTE" or ":REMOTE". A name has to follow a colon. */
__attribute__((warn_unused_result)) bool
target_port_parse(struct target_port *port, const char *text, const struct failure *failure);

#endif
