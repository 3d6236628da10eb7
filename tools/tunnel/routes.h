/*
 * tunnel/routes.h - what a request's path asks of the API.
 */
#ifndef WEIR_TOOLS_TUNNEL_ROUTES_H
#define WEIR_TOOLS_TUNNEL_ROUTES_H

#include "engine/base/text.h"
#include "tools/tunnel/limits.h"

enum tunnel_route_kind {
  ROUTE_NONE,
  ROUTE_HEALTH,  /* /healthz, /livez, /readyz */
  ROUTE_VERSION, /* /version */
  ROUTE_CORE,    /* /api */
  ROUTE_GROUPS,  /* /apis */
  ROUTE_V1,      /* /api/v1 */
  ROUTE_NAMESPACES,
  ROUTE_NAMESPACE,
  ROUTE_PODS, /* of one namespace or, when that is empty, of all */
  ROUTE_POD,
  ROUTE_FORWARD, /* /api/v1/namespaces/NAMESPACE/pods/NAME/portforward */
  ROUTE_SERVICES,
  ROUTE_SERVICE,
};

/* Spans point into the path. */
struct tunnel_route {
  enum tunnel_route_kind kind;
  struct span namespace, name;
  struct span query; /* behind '?' */
};

struct tunnel_route route_read(struct span path);

/* Whether the query's labelSelector chooses what has the label TUNNEL_LABEL with the value `name`: all do without one,
 * and none do when it asks for anything else than such a label. */
__attribute__((warn_unused_result)) bool route_selects(struct span query, const char *name);

/* The only label that pods have; its value is their name. */
#define TUNNEL_LABEL "app.kubernetes.io/name"

#endif
