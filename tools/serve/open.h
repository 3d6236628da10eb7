/*
 * serve/open.h - opens what all workers share, before they start: logs, certificate, listeners,
 * preloads; and decides how many workers there are.
 */
#ifndef WEIR_TOOLS_SERVE_OPEN_H
#define WEIR_TOOLS_SERVE_OPEN_H

#include "tools/serve/server.h"

/* Returns EXIT_DONE, or the exit status after it has said on standard error what is wrong. Call
 * serve_close() in either case. */
__attribute__((warn_unused_result)) int serve_open(struct server *server);

/* Looks at all that the configuration names: directories, manifests, certificates, and whether the addresses
 * could be listened on. Opens no port and no log. Returns and needs the same as serve_open(). */
__attribute__((warn_unused_result)) int serve_check(struct server *server);

/* No worker runs any more. */
void serve_close(struct server *server);

#endif
