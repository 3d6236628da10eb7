/*
 * load/origin.h - a server of a run: scheme, host and port of URLs, and where to connect for them.
 *
 * URLs of several origins divide the connections between them: connection i of all is for origin
 * i mod count, and requests that origin's URLs in turn.
 *
 * Owner: the plan; read-only once the workers run.
 */
#ifndef WEIR_LOAD_ORIGIN_H
#define WEIR_LOAD_ORIGIN_H

#include "io/base/address.h"
#include "tools/client/connection.h"
#include "tools/load/options.h"

struct load_origin {
  struct url url;       /* of any of its resources */
  const char *tls_name; /* to ask for, and to verify */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  unsigned address_count;
  uint32_t *items; /* of the plan's list: its requests; NULL: all of them */
  size_t item_count;
};

struct load_origins {
  struct load_origin *at;
  unsigned count;
};

/* Adds item `item` of the plan's list, which is a request for `url`, to its origin. False with one
 * line in `failure` when memory was refused or there are more than LOAD_ORIGINS_MAX origins. */
__attribute__((warn_unused_result)) bool load_origins_add(struct load_origins *origins,
                                                          const struct url *url, uint32_t item,
                                                          const struct failure *failure);

/* Adds the only origin, to which all requests go. False as above. */
__attribute__((warn_unused_result)) bool load_origins_add_only(struct load_origins *origins,
                                                               const struct url *url,
                                                               const struct failure *failure);
void load_origins_free(struct load_origins *origins);

/* Resolves the host, or that of --connect-to. `url` must be set. Keeps the options. May block. False
 * with one line in `failure`. */
__attribute__((warn_unused_result)) bool load_origin_look_up(struct load_origin *origin,
                                                             const struct load_options *options,
                                                             const struct failure *failure);

/* Prepares TLS as the options say. The caller frees it. NULL with one line in `failure`. */
__attribute__((warn_unused_result)) struct tls_context *
load_origin_tls(const struct load_options *options, const struct failure *failure);

#endif
