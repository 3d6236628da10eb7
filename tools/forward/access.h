/*
 * forward/access.h - what one connection to the API server needs: addresses, TLS, credentials. It is made anew for
 * each, because kubeconfigs, token files and addresses change.
 *
 * It reads files, asks the resolver and runs plugins: not for a worker's thread.
 */
#ifndef WEIR_FORWARD_ACCESS_H
#define WEIR_FORWARD_ACCESS_H

#include "tools/forward/options.h"
#include "tools/forward/plugin.h"

struct tls_context;

struct access {
  struct url server; /* its target, without a slash at its end, comes before all paths */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  unsigned address_count;
  char host[256];          /* the name to verify */
  struct tls_context *tls; /* NULL: clear text */
  char *authorization;     /* the field's value, or NULL */
  char namespace[OBJECT_NAME_BYTES];
};

/* What outlives a single access. */
struct access_source {
  const struct forward_options *options;
  const volatile sig_atomic_t *stop; /* for plugins */
  struct plugin_credential credential;
  bool has_credential; /* of a plugin, which was not refused and has not expired */
};

/* `refused`: the server did not accept the last credentials (401), so a plugin is asked again. False with one line in
 * `failure`; nothing is held then. */
__attribute__((warn_unused_result)) bool access_make(struct access *access,
                                                     struct access_source *source, bool refused,
                                                     const struct failure *failure);

void access_free(struct access *access);

void access_source_free(struct access_source *source);

#endif
