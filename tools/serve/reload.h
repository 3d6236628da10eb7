/*
 * serve/reload.h - puts another configuration in force while the workers run.
 *
 *     main thread                                             each worker, between two turns
 *     reads and checks the file
 *     reads certificates, opens the listeners that are new
 *     serve_worker_prepare()            -------------->       opens directories
 *     all of them are ready: what follows cannot be refused
 *     serve_worker_swap()               -------------->       new streams, new sockets, sockets that end
 *
 * If anything is refused, nothing has changed. Listeners whose address stays keep their sockets, with the
 * connections in their queues. Streams go on by the configuration by which they began, and connections live on.
 * Settings of the engine and of the logs, and TLS's key log and ticket keys, stay as they were (serve/config/stays.h); the
 * operator is told which of them changed.
 */
#ifndef WEIR_TOOLS_SERVE_RELOAD_H
#define WEIR_TOOLS_SERVE_RELOAD_H

#include "tools/serve/server.h"

/* The main thread, which started the group; no worker drains. Says what is wrong, or what has changed; without a file,
 * that there is none. */
void serve_reload(struct server *server, struct worker_group *group);

#endif
