/*
 * tunnel/kubeconfig_out.h - writes the kubeconfig with which kubectl finds this server.
 */
#ifndef WEIR_TOOLS_TUNNEL_KUBECONFIG_OUT_H
#define WEIR_TOOLS_TUNNEL_KUBECONFIG_OUT_H

#include "io/tls/certificate.h"
#include "tools/common/failure.h"

struct kubeconfig_facts {
  const char *server;                    /* "https://127.0.0.1:8001" */
  const struct certificate *certificate; /* to be trusted; NULL: clear text */
  const char *token;                     /* or NULL */
};

/* The text, for the caller to free; NULL when memory was refused. */
char *kubeconfig_text(const struct kubeconfig_facts *facts);

/* Writes it to a file that only its owner may read, in place of one that is there. */
__attribute__((warn_unused_result)) bool kubeconfig_write(const char *path,
                                                          const struct kubeconfig_facts *facts,
                                                          const struct failure *failure);

#endif
