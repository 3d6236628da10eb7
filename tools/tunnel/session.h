/*
 * tunnel/session.h - the SPDY session of one client of one pod, within an upgraded connection or a WebSocket.
 */
#ifndef WEIR_TOOLS_TUNNEL_SESSION_H
#define WEIR_TOOLS_TUNNEL_SESSION_H

#include "tools/tunnel/pods.h"
#include "tools/tunnel/worker.h"

/* What a session is made of. In use while a mount accepts the client, as the `ctx` of the factory. */
struct session_wish {
  struct tunnel_worker *worker;
  const struct tunnel_pod *pod;
  bool tells; /* see pair.h */
};

/* Makes the machine of one session. */
struct machine_factory session_factory(struct session_wish *wish);

#endif
