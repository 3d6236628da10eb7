/*
 * forward/kubeconfig.h - reads kubeconfigs: which server to use, and with which credentials.
 *
 * Files: the one that is named; else those of $KUBECONFIG, separated by colons; else ~/.kube/config. Of
 * several, the first that sets a value or names an entry wins, and files that do not exist are left out.
 * Paths in a file are relative to its directory.
 */
#ifndef WEIR_FORWARD_KUBECONFIG_H
#define WEIR_FORWARD_KUBECONFIG_H

#include <jansson.h>

#include "tools/common/failure.h"

struct kubeconfig {
  const char *context;
  const char *server;          /* a URL */
  const char *tls_server_name; /* the name to verify instead of the URL's host, or NULL */
  const char *namespace;       /* of the context, or NULL */
  bool insecure;               /* the server's certificate is not verified */
  char *authorities;           /* PEM, or NULL: the system's */
  char *certificate, *key;     /* the client's, PEM; both or none */
  const char *token;           /* NULL: none */
  char *token_file;            /* read again for each connection; wins over `token`. NULL: none */
  const char *username, *password; /* NULL: none */
  const json_t *exec;              /* the plugin that gives credentials, or NULL */
  const char *exec_source;         /* the file that names it */
  const json_t *cluster;           /* the whole entry, for plugins */

  /* Private: what the pointers above point into. */
  json_t *documents;
};

/* Reads what `context` selects; NULL: current-context. `path` is --kubeconfig, or NULL. False with one line in
 * `failure`, which names the file; nothing is held then. */
__attribute__((warn_unused_result)) bool kubeconfig_read(struct kubeconfig *config,
                                                         const char *path, const char *context,
                                                         const struct failure *failure);

/* A zeroed one is allowed. */
void kubeconfig_free(struct kubeconfig *config);

/* The bytes of a file and a NUL, for free(). At most KUBECONFIG_BYTES_MAX. NULL with "cannot read PATH:
 * reason". */
__attribute__((warn_unused_result)) char *kubeconfig_file(const char *path, size_t *len,
                                                          const struct failure *failure);

/* `path` as seen from the directory of `file`, for free(). NULL when memory was refused. */
__attribute__((warn_unused_result)) char *kubeconfig_path(const char *file, const char *path);

#endif
