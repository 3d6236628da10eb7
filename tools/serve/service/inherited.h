/*
 * serve/service/inherited.h - listening sockets that were open when the program started: those of systemd's .socket
 * unit, or of the server that this one replaces.
 *
 * Spec: sd_listen_fds(3): LISTEN_FDS descriptors from 3 on, for the process LISTEN_PID, with the names
 * LISTEN_FDNAMES. A socket belongs to the listener whose address it has. If no listener has it, its name
 * (FileDescriptorName= in the unit) says what to speak there: "http" is clear text, "https" TLS.
 */
#ifndef WEIR_TOOLS_SERVE_SERVICE_INHERITED_H
#define WEIR_TOOLS_SERVE_SERVICE_INHERITED_H

#include <stdbool.h>

#include "io/base/address.h"
#include "io/base/error.h"
#include "tools/serve/limits.h"

/* The name of a socket that the replaced server had opened itself. Only a listener that has its address
 * may want it. */
#define INHERITED_OWN_NAME "weir"

struct inherited_socket {
  int fd; /* -1: taken */
  struct address address;
  char name[SERVE_SOCKET_NAME_BYTES];
};

struct inherited {
  struct inherited_socket *sockets;
  unsigned count;
};

/* Reads the environment, and removes what it has read. All descriptors are closed on exec from now on.
 * False with error->text when one of them is no listening TCP socket; the process should end. */
__attribute__((warn_unused_result)) bool inherited_read(struct inherited *inherited,
                                                        struct io_error *error);

/* Moves every socket that listens on `address` to `fds`, which are the caller's then. Returns how many: 0 if
 * there is none. Then `name` stays; else it is set to the first one's. */
unsigned inherited_take(struct inherited *inherited, const struct address *address,
                        int fds[IO_WORKERS_MAX], char name[SERVE_SOCKET_NAME_BYTES]);

/* Whether the server that this one replaces had opened the socket itself. */
bool inherited_is_own(const struct inherited_socket *socket);

/* Whether there is one that is not. */
bool inherited_has_foreign(const struct inherited *inherited);

bool inherited_is_at(const struct inherited_socket *socket, const struct address *address);

/* Whether its name says what to speak on it, and what. False with error->text. */
__attribute__((warn_unused_result)) bool inherited_protocol(const struct inherited_socket *socket,
                                                            bool *secure, struct io_error *error);

/* Closes the sockets that nobody took. */
void inherited_free(struct inherited *inherited);

#endif
