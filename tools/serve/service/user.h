/*
 * serve/service/user.h - gives up root's privileges for good, once what needs them is open.
 *
 * What is opened later is opened as that user: certificates and keys that are reloaded, logs that are
 * opened anew, the files that are served.
 */
#ifndef WEIR_TOOLS_SERVE_SERVICE_USER_H
#define WEIR_TOOLS_SERVE_SERVICE_USER_H

#include <stdbool.h>

#include "io/base/error.h"

/* Whether `text` is a user whom user_become() can become, NAME or NAME:GROUP. False with error->text. */
__attribute__((warn_unused_result)) bool user_try(const char *text, struct io_error *error);

/* Makes the file `path`, empty, for that user, if there is no such file and this is root. So a log can be opened anew
 * when root's privileges are gone. A file that cannot be made is left to whoever opens it. False with error->text when
 * there is no such user. */
__attribute__((warn_unused_result)) bool user_make_file(const char *text, const char *path,
                                                        struct io_error *error);

/* Nothing that this thread, and threads that it starts, run later gains privileges (no_new_privs). False with
 * error->text. */
__attribute__((warn_unused_result)) bool user_gain_nothing(struct io_error *error);

/* Becomes `text`, NAME or NAME:GROUP, each a name or a number, with that user's supplementary groups (none if
 * GROUP is given), in all threads. Does nothing in a process that is that user already. False with
 * error->text; the process must then end: it may have given up a part. */
__attribute__((warn_unused_result)) bool user_become(const char *text, struct io_error *error);

#endif
