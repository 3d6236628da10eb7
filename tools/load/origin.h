/*
 * load/origin.h - a server of a run: scheme, host and port of URLs, and where to connect for them.
 *
 * URLs of several origins divide the connections between them: connection i of all is for origin
 * i mod count, and makes that origin's requests.
 *
 * Owner: the plan; read-only once the workers run.
 */
#ifndef WEIR_LOAD_ORIGIN_H
#define WEIR_LOAD_ORIGIN_H

#include "io/base/address.h"
#include "tools/client/connection.h"
#include "tools/load/list.h"
#include "tools/load/options.h"

struct load_origin {
  struct url url;       /* of any of its resources */
  uint32_t number;      /* in load_origins */
  const char *tls_name; /* to ask for, and to verify */
  struct address addresses[CLIENT_ADDRESSES_MAX];
  unsigned address_count;
  /* Of the plan's list: its requests in their order, each as often as its weight says. NULL: all of them. */
  uint32_t *items;
  size_t item_count;
};

struct load_origins {
  struct load_origin *at;
  unsigned count;
};

/* The number of the origin of `url`; adds it if it is new. False with one line in `failure` when memory was
 * refused or there are more than LOAD_ORIGINS_MAX origins. */
__attribute__((warn_unused_result)) bool load_origins_find(struct load_origins *origins,
                                                           const struct url *url, uint32_t *out,
                                                           const struct failure *failure);

/* Divides the requests of a list, which is finished and not empty, between several origins by their
 * form.server. False with one line in `failure` when memory was refused. */
__attribute__((warn_unused_result)) bool load_origins_divide(struct load_origins *origins,
                                                             const struct load_list *list,
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
