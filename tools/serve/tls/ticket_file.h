/*
 * serve/tls/ticket_file.h - a file of session-ticket keys, which may be shared by many machines, in nginx's form: 80 bytes
 * for each key, of which the first encrypts. It is read again when it changes; one that is wrong leaves the
 * old keys in force.
 */
#ifndef WEIR_TOOLS_SERVE_TLS_TICKET_FILE_H
#define WEIR_TOOLS_SERVE_TLS_TICKET_FILE_H

#include "io/base/error.h"
#include "tools/serve/tls/watch.h"

struct tls_context;

struct ticket_file {
  char *path; /* NULL: there is none */
  struct file_stamp stamp;
  struct io_error refused; /* what was last said of new keys that are not used */
};

/* Copies the path. False with one line in `error` when memory was refused, or the file cannot be read or is
 * wrong. Call ticket_file_close() in either case. */
__attribute__((warn_unused_result)) bool ticket_file_open(struct ticket_file *file,
                                                          const char *path,
                                                          struct tls_context *context,
                                                          struct io_error *error);

/* Whether the file could be opened. False with one line in `error`. */
__attribute__((warn_unused_result)) bool ticket_file_try(const char *path, struct io_error *error);

void ticket_file_close(struct ticket_file *file);

/* Reads the file if it has changed, and says what came of it. */
void ticket_file_look(struct ticket_file *file, struct tls_context *context);

#endif
