/*
 * tunnel/handler.h - answers the requests that kubectl makes: discovery, pods and services, and the upgrade to a
 * session, in both forms.
 */
#ifndef WEIR_TOOLS_TUNNEL_HANDLER_H
#define WEIR_TOOLS_TUNNEL_HANDLER_H

#include "tools/tunnel/worker.h"

/* Keeps `worker`, whose options and begun_ns must be set before the first request. */
struct handler tunnel_handler(struct tunnel_worker *worker);

#endif
