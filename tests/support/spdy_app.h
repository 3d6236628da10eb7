/*
 * support/spdy_app.h - part of spdy_script.h: its application.
 */
#ifndef WEIR_TESTS_SPDY_APP_H
#define WEIR_TESTS_SPDY_APP_H

#include "tests/support/spdy_script_parts.h"

/* Makes script->handler; and once there is a machine, listens to a client's. */
void spdy_app_init(struct spdy_script *script);
void spdy_app_listen(struct spdy_script *script);

/* A step that begins with !, without that. */
void spdy_app_step(struct spdy_script *script, const char *step);

#endif
