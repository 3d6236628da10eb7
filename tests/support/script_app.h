/*
 * support/script_app.h - part of tests/support/script.h: the application on top of the machine under
 * test.
 */
#ifndef WEIR_TESTS_SCRIPT_APP_H
#define WEIR_TESTS_SCRIPT_APP_H

#include "tests/support/script_parts.h"

/* A handler's request(); `ctx` is the script. */
void script_app_request(void *ctx, struct stream *stream, const struct request *request,
                        uint64_t now_ns);

/* Runs a step of the application, such as "!respond 1 200". A step of an ended stream does
 * nothing. Fails the test if there is no such step. */
void script_app_step(struct script *script, const char *text);

/* The stream in the application, or NULL. */
struct script_app *script_app_of(struct script *script, uint64_t id);

#endif
