/*
 * h2/recv_settings.h - the peer's SETTINGS frames.
 */
#ifndef WEIR_H2_RECV_SETTINGS_H
#define WEIR_H2_RECV_SETTINGS_H

#include "engine/h2/frame.h"

struct h2;

/* Applies the peer's SETTINGS and acknowledges them, or takes its acknowledgement of ours. */
void h2_recv_settings(struct h2 *h2, const struct h2_frame *frame);

/* Applies the settings of an upgrade: entries of H2_SETTING_BYTES. False when one is out of bounds. */
__attribute__((warn_unused_result)) bool h2_recv_settings_upgraded(struct h2 *h2,
                                                                   struct span entries);

#endif
