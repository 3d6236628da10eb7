/*
 * h2/upgrade.h - a server's connection that began as HTTP/1.1 and goes on as HTTP/2.
 * Spec: RFC 7540 section 3.2, which RFC 9113 only deprecates.
 */
#ifndef WEIR_H2_UPGRADE_H
#define WEIR_H2_UPGRADE_H

#include "engine/h2/shared.h"

/* Makes the machine, and hands the request to the handler as stream 1. The value of HTTP2-Settings is the
 * client's first SETTINGS, which need no acknowledgement. The client's preface is still to come. Borrows
 * `asked`; keeps `shared` and `host`. False when the settings are not valid, or resources were refused: nothing has happened. */
__attribute__((warn_unused_result)) bool
h2_server_upgraded(struct h2_shared *shared, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, const struct http_upgrade *asked,
                   struct machine *out);

#endif
