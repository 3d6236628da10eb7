/*
 * serve/listen.h - listening sockets: those that were inherited, and those that are opened.
 */
#ifndef WEIR_TOOLS_SERVE_LISTEN_H
#define WEIR_TOOLS_SERVE_LISTEN_H

#include "tools/serve/server.h"

/* Adds a listener to the configuration for each inherited socket that has none. The default ones are for a
 * server that inherited nothing. Returns EXIT_DONE, or EXIT_FAILED after it has said what is wrong. */
__attribute__((warn_unused_result)) int serve_listen_inherited(struct server *server);

/* Opens all listeners of the configuration. Returns as above. */
__attribute__((warn_unused_result)) int serve_listen_all(struct server *server);

/* Says which listeners could not be opened, and opens none. Returns as above; EXIT_DONE when all that is wrong is
 * that addresses are in use. */
__attribute__((warn_unused_result)) int serve_listen_try(const struct server *server);

/* Adopts the inherited sockets of an address, or opens some: for `workers` workers. Keeps copies for the program
 * that replaces this one. False with error->text. */
__attribute__((warn_unused_result)) bool serve_listen(struct server *server,
                                                      struct listener *listener,
                                                      const struct address *address,
                                                      unsigned workers, struct io_error *error);

#endif
