/*
 * serve/user.h - gives up root's privileges for good, once what needs them is open.
 *
 * What is opened later is opened as that user: certificates and keys that are reloaded, logs that are
 * opened anew, the files that are served.
 */
#ifndef WEIR_TOOLS_SERVE_USER_H
#define WEIR_TOOLS_SERVE_USER_H

#include <stdbool.h>

#include "io/base/error.h"

/* Becomes `text`, NAME or NAME:GROUP, each a name or a number, with that user's supplementary groups (none if
 * GROUP is given); nothing that is run later gains privileges (no_new_privs). Before threads start. A process
 * that is that user already only loses the way to gain them. False with error->text; the process must then
 * end: it may have given up a part. */
__attribute__((warn_unused_result)) bool user_become(const char *text, struct io_error *error);

#endif
