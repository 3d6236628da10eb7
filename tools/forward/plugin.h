/*
 * forward/plugin.h - runs a kubeconfig's exec plugin, which answers with credentials.
 * Spec: client.authentication.k8s.io/v1 and v1beta1, ExecCredential.
 *
 * The plugin inherits standard error, and standard input if it is a terminal (unless its interactiveMode is
 * Never), so that it can ask someone to log in. It blocks: not for a worker's thread.
 */
#ifndef WEIR_FORWARD_PLUGIN_H
#define WEIR_FORWARD_PLUGIN_H

#include <signal.h>
#include <stdint.h>

#include "tools/forward/kubeconfig.h"

struct plugin_credential {
  char *token;             /* or NULL */
  char *certificate, *key; /* the client's, PEM; both or none */
  int64_t expires;         /* seconds since 1970; 0: not said */
};

/* Runs config->exec, for at most `timeout_ns`, or until *stop is not 0 (looked at when a signal came). False with
 * one line in `failure`; nothing is held then. */
__attribute__((warn_unused_result)) bool
plugin_run(const struct kubeconfig *config, uint64_t timeout_ns, const volatile sig_atomic_t *stop,
           struct plugin_credential *out, const struct failure *failure);

/* A zeroed one is allowed. */
void plugin_credential_free(struct plugin_credential *credential);

#endif
