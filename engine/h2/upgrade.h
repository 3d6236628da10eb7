/*
 * h2/upgrade.h - a connection that began as HTTP/1.1 and goes on as HTTP/2, in either role.
 * Spec: RFC 7540 section 3.2, which RFC 9113 only deprecates.
 */
#ifndef WEIR_H2_UPGRADE_H
#define WEIR_H2_UPGRADE_H

#include "engine/h2/connection.h"

/* ---- server ---------------------------------------------------------------------------------- */

/* Makes the machine, and hands the request to the handler as stream 1. The value of HTTP2-Settings is the
 * client's first SETTINGS, which need no acknowledgement. The client's preface is still to come. Borrows
 * `asked`; keeps `shared` and `host`. False when the settings are not valid, or resources were refused:
 * nothing has happened. */
__attribute__((warn_unused_result)) bool
h2_server_upgraded(struct h2_shared *shared, const struct machine_peer *peer,
                   struct machine_host *host, uint64_t now_ns, const struct http_upgrade *asked,
                   struct machine *out);

/* ---- client ---------------------------------------------------------------------------------- */

/* The value of HTTP2-Settings: derived from H2_SETTINGS_KNOWN entries in base64. */
enum { H2_UPGRADE_SETTINGS_BYTES = H2_SETTINGS_KNOWN * H2_SETTING_BYTES * 4 / 3 };

/* Writes the value of HTTP2-Settings for the request that asks for the upgrade. Returns its length. */
size_t h2_upgrade_settings(const struct h2 *h2, uint8_t out[H2_UPGRADE_SETTINGS_BYTES]);

/* That request has no body and is stream 1; its response comes there. `head`: its method is HEAD. To be called
 * on a new connection of h2_client(), whose preface leaves after the 101. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct stream *
h2_upgrade_request(struct h2 *h2, bool head, const struct stream_events *events, void *user);

#endif
