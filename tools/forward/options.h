/*
 * forward/options.h - the command line of `weir forward`.
 */
#ifndef WEIR_FORWARD_OPTIONS_H
#define WEIR_FORWARD_OPTIONS_H

#include "io/base/address.h"
#include "io/ring/choice.h"
#include "tools/common/options.h"
#include "tools/forward/target.h"

struct forward_options {
  const char *kubeconfig, *context, *namespace; /* NULL: not given */
  const char *token, *token_file;               /* instead of the kubeconfig's */
  const char *cacert, *cert, *key;
  bool insecure;
  enum ring_choice ring;
  bool verbose;
  bool reconnect;                                  /* --no-reconnect: false */
  bool websocket;                                  /* --no-websocket: false */
  uint64_t keepalive_ns;                           /* 0: never */
  struct address addresses[FORWARD_ADDRESSES_MAX]; /* where to listen; the port is 0 */
  unsigned address_count;
  bool default_addresses; /* both of localhost, of which one may be missing */
  struct target target;
  struct target_port ports[FORWARD_PORTS_MAX];
  unsigned port_count;
};

__attribute__((warn_unused_result)) enum options_result
forward_options_parse(struct forward_options *options, int argc, char **argv,
                      const struct failure *failure);

const char *forward_options_help(void);

#endif
