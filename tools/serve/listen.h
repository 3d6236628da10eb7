/*
 * serve/listen.h - listening sockets: those that were inherited, and those that are opened.
 */
#ifndef WEIR_TOOLS_SERVE_LISTEN_H
#define WEIR_TOOLS_SERVE_LISTEN_H

#include "tools/serve/server.h"

/* Adds a listener to the configuration for each inherited socket that has none. The default ones are for a
 * server that inherited nothing. Returns EXIT_DONE, or EXIT_FAILED after it has said what is wrong. */
__attribute__((warn_unused_result)) int serve_listen_inherited(const struct server *server,
                                                               struct serve_config *config);

/* Opens all listeners of the configuration. Returns as above. */
__attribute__((warn_unused_result)) int serve_listen_all(struct server *server);

/* Opens listener `index` of the configuration in a slot that is free; `before` is the slot of the listener before
 * it. False with error->text, and the slot stays free. */
__attribute__((warn_unused_result)) bool serve_listen_slot(struct server *server,
                                                           const struct serve_config *config,
                                                           unsigned index, unsigned slot,
                                                           unsigned before, struct io_error *error);

/* Where https-only redirects to: port 443 if weir listens there, else the first port with TLS; 0: there is none.
 * `slots`: what is wanted of each, perhaps by another configuration; `without`: those that do not count. */
uint16_t serve_listen_https_port(const struct server *server, const struct serve_listener *slots,
                                 const bool *without);

/* Says which listeners, of the metrics too, could not be opened, and opens none. Returns as above; EXIT_DONE when all
 * that is wrong is that addresses are in use, or not for this user. */
__attribute__((warn_unused_result)) int serve_listen_try(const struct server *server);

/* Adopts the inherited sockets of an address, or opens some: for `workers` workers. Keeps copies for the program
 * that replaces this one. False with error->text. */
__attribute__((warn_unused_result)) bool serve_listen(struct server *server,
                                                      struct listener *listener,
                                                      const struct address *address,
                                                      unsigned workers, struct io_error *error);

#endif
