/*
 * tunnel/options.h - the command line of `weir tunnel`.
 */
#ifndef WEIR_TOOLS_TUNNEL_OPTIONS_H
#define WEIR_TOOLS_TUNNEL_OPTIONS_H

#include "io/ring/choice.h"
#include "tools/common/options.h"
#include "tools/tunnel/access.h"
#include "tools/tunnel/faults.h"
#include "tools/tunnel/pods.h"

struct tunnel_options {
  struct address listeners[TUNNEL_LISTENERS_MAX];
  unsigned listener_count;
  struct tunnel_pods pods;
  bool tls;                      /* asked for, or needed by another option */
  const char *certificate, *key; /* both or neither */
  const char *client_ca;         /* or NULL */
  struct tunnel_access access;
  const char *kubeconfig_out; /* or NULL */
  struct tunnel_faults faults;
  bool write_errors; /* to error streams, for every client */
  unsigned keepalive_seconds;
  unsigned workers; /* 0: one per available core */
  enum ring_choice ring;
  bool verbose;
};

/* Reads argv[1 ..]; see common/options.h. Cuts the strings of --pod. */
__attribute__((warn_unused_result)) enum options_result
tunnel_options_parse(struct tunnel_options *options, int argc, char **argv,
                     const struct failure *failure);

/* What --help prints. */
const char *tunnel_options_help(void);

#endif
