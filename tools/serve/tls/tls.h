/*
 * serve/tls/tls.h - the server's TLS: the context that its workers share, and the files that it is made of,
 * which are read again when they change.
 */
#ifndef WEIR_TOOLS_SERVE_TLS_TLS_H
#define WEIR_TOOLS_SERVE_TLS_TLS_H

#include "tools/serve/config/config.h"
#include "tools/serve/tls/ticket_file.h"

struct tls_context;
struct ssl_ctx_st;
struct certificates;
struct watch;

/* Begins as zeros, and stays where it is once it is open. */
struct serve_tls {
  struct tls_context *context; /* NULL: no secure listener */
  struct certificates *certificates;
  struct ticket_file tickets;
  const char **paths; /* what is watched */
  struct watch *watch;
  struct serve_config *first; /* that the context was made from; a reference */
  bool spdy;                  /* what the engines speak: from the start on */
  bool trial;                 /* it serves nobody, and writes nothing */
};

/* What another configuration puts in force. */
struct serve_tls_next {
  struct certificates *certificates; /* NULL: the same go on */
  struct ssl_ctx_st *policy;         /* NULL: no secure listener, or the context was made from it */
};

/* Whether OpenSSL knows these ciphers, these groups. False with one line in `error`. */
__attribute__((warn_unused_result)) bool serve_tls_try_ciphers(const char *list,
                                                               struct io_error *error);
__attribute__((warn_unused_result)) bool serve_tls_try_groups(const char *list,
                                                              struct io_error *error);

/* Reads the files that the configuration names; nothing where it has no secure listener. False with one line in
 * `error`. Call serve_tls_close() in either case. Takes a reference. */
__attribute__((warn_unused_result)) bool
serve_tls_open(struct serve_tls *tls, struct serve_config *config, struct io_error *error);

/* Starts to watch the files, on a thread that inherits the caller's signal mask. False with one line in
 * `error`. */
__attribute__((warn_unused_result)) bool serve_tls_start(struct serve_tls *tls,
                                                         struct io_error *error);

/* Reads the files that the next configuration names; opens `tls` when it is the first with a secure listener. False
 * with one line in `error`; nothing has changed, but an open `tls` that was not is to be closed. */
__attribute__((warn_unused_result)) bool serve_tls_prepare(struct serve_tls *tls,
                                                           struct serve_config *config,
                                                           struct serve_tls_next *next,
                                                           struct io_error *error);

/* It does not come in force. */
void serve_tls_forget(struct serve_tls_next *next);

/* Takes what is next, puts it in force for new connections, and watches its files. False with one line in `error` when
 * memory or a thread was refused: some may be in force, and files may not be watched. */
__attribute__((warn_unused_result)) bool
serve_tls_swap(struct serve_tls *tls, struct serve_tls_next *next, struct io_error *error);

/* Prints on standard output which certificates there are. */
void serve_tls_print(const struct serve_tls *tls);

/* Prints on standard output what is doubtful about them. */
void serve_tls_warn(const struct serve_tls *tls);

/* No worker has it any more, or yet, and no log has lines of its connections to write. */
void serve_tls_close(struct serve_tls *tls);

#endif
