/*
 * serve/service/replacement.h - replaces the running program by the one that lies in its place now, without losing
 * a connection.
 *
 *     old: replacement_start()   forks and runs the new program with the same arguments, with copies of
 *                                all listening sockets (LISTEN_FDS, see serve/service/inherited.h)
 *     new:                       opens everything, starts its workers: both accept connections
 *     new: replacement_ready()   says so through a pipe
 *     old: replacement_read()    tells the service manager who is the main process now, closes its
 *                                sockets and drains
 *
 * The sockets are never closed, and so the connections in their queues are not lost. If the new program ends
 * or is not ready within SERVE_REPLACE_SECONDS, the old one goes on as if nothing had happened.
 *
 * Under a service manager the new process is a child of the manager, like this one. systemd does not wait for a main
 * process that is no child of its own: at the next stop it would be killed without time to drain.
 */
#ifndef WEIR_TOOLS_SERVE_SERVICE_REPLACEMENT_H
#define WEIR_TOOLS_SERVE_SERVICE_REPLACEMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "io/link/listener.h"
#include "tools/serve/limits.h"
#include "tools/serve/service/systemd.h"

struct replacement {
  char path[SERVE_PATH_BYTES]; /* of the program, as it was started; "": unknown */
  char **arguments;            /* as they were given */
  struct replacement_sockets {
    int fds[IO_WORKERS_MAX]; /* copies */
    unsigned count;
    char name[SERVE_SOCKET_NAME_BYTES];
  } * sockets[SERVE_SLOTS_MAX + 1]; /* and of the metrics */
  unsigned count;
  int ready_fd;   /* of this process, which replaces another one: to say that it is ready. Or -1 */
  pid_t process;  /* of the new program while it starts, or 0 */
  int pipe_fd;    /* from it, or -1 */
  int process_fd; /* a pidfd of it if it is no child of this process, else -1 */
  uint64_t deadline_ns;
};

enum replacement_result {
  REPLACEMENT_WAITS,
  REPLACEMENT_READY,
  REPLACEMENT_FAILED, /* error->text says why; it has ended, and another one may be started */
};

/* Keeps copies of `argv`, which are complete, and before anything changes them: argv[0] is the subcommand.
 * False with error->text when memory is refused. Call replacement_close() in either case. */
__attribute__((warn_unused_result)) bool replacement_open(struct replacement *replacement, int argc,
                                                          char *const *argv,
                                                          struct io_error *error);

/* Keeps copies of the listener's sockets, which no worker has taken yet. `name`: of the inherited ones, else
 * INHERITED_OWN_NAME. False with error->text. */
__attribute__((warn_unused_result)) bool replacement_keep(struct replacement *replacement,
                                                          const struct listener *listener,
                                                          const char *name, struct io_error *error);

/* Closes the copies of the sockets that listen there. */
void replacement_drop(struct replacement *replacement, const struct address *address);

/* Closes the copies, so that the port is closed when the workers have closed theirs. */
void replacement_forget(struct replacement *replacement);

/* This process serves now. */
void replacement_ready(struct replacement *replacement);

/* Runs the new program; none may be starting (asserted). False with error->text. */
__attribute__((warn_unused_result)) bool replacement_start(struct replacement *replacement,
                                                           const struct systemd *systemd,
                                                           uint64_t now_ns, struct io_error *error);

/* Looks how the new program is doing: when pipe_fd is readable, or at deadline_ns. */
__attribute__((warn_unused_result)) enum replacement_result
replacement_read(struct replacement *replacement, uint64_t now_ns, struct io_error *error);

/* Ends the new program if it is still starting. */
void replacement_abandon(struct replacement *replacement);

void replacement_close(struct replacement *replacement);

#endif
