/*
 * base/address.h - where to listen or to connect: "127.0.0.1:8080", "[::1]:8080", ":8080", "8080",
 * "localhost:8080". Of names only "localhost" is known here: a server that waits for DNS before it
 * listens would surprise its owner.
 *
 * A port alone is on 127.0.0.1. An empty host, and "*", is "[::]": every IPv4 and IPv6 address of the
 * machine.
 *
 * Clients also connect to UNIX sockets, by their path.
 */
#ifndef WEIR_IO_ADDRESS_H
#define WEIR_IO_ADDRESS_H

#include "io/base/limits.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct address {
  union {
    struct sockaddr any;
    struct sockaddr_in ipv4;
    struct sockaddr_in6 ipv6;
    struct sockaddr_un local;
  };
  socklen_t len;
  bool ipv6_only; /* "[::]" that leaves IPv4 to another socket on the same port */
};

/* Reads `text`. False when it is not one of the forms above; `address` is then unspecified. A port
 * of 0 is read as 0 (any free port). */
__attribute__((warn_unused_result)) bool address_parse(struct address *address, const char *text);

/* Makes an address of a host that is an IPv4 or IPv6 literal (brackets allowed) or "localhost". */
__attribute__((warn_unused_result)) bool address_from_host(struct address *address,
                                                           const char *host, uint16_t port);

/* Makes an address of a UNIX socket's path; "@name" is one without a file (an abstract one). False when
 * it is empty or longer than 107 bytes. */
__attribute__((warn_unused_result)) bool address_from_path(struct address *address,
                                                           const char *path);

/* Writes "127.0.0.1:8080", "[::1]:8080" or "unix:/path", which is cut if it is long; always terminated.
 * Returns `text`. */
const char *address_format(const struct address *address, char text[ADDRESS_TEXT_BYTES]);

/* Whether it is one of this machine's own, which no other machine reaches: 127.0.0.0/8, also mapped into IPv6, or
 * ::1. */
__attribute__((warn_unused_result)) bool address_is_loopback(const struct address *address);

/* Whether it is 0.0.0.0 or [::]. */
__attribute__((warn_unused_result)) bool address_is_any(const struct address *address);

/* Whether two sockets cannot listen at both: one port, and addresses that are equal or of which one contains the other.
 * [::] leaves IPv4 to 0.0.0.0. Neither is a UNIX socket's; a port of 0 is no port yet. */
__attribute__((warn_unused_result)) bool address_overlaps(const struct address *address,
                                                          const struct address *other);

uint16_t address_port(const struct address *address);
void address_set_port(struct address *address, uint16_t port);

/* The 16 bytes of struct machine_peer: IPv6, or IPv4 mapped into it; zeros for a UNIX socket. */
void address_to_peer(const struct address *address, uint8_t bytes[16], uint16_t *port);

#endif
