/*
 * link/socket.c - see link/socket.h.
 */
#include "io/link/socket.h"
#include "io/link/limits.h"

#include <netinet/tcp.h>
#include <string.h>

bool socket_set_options(int fd, const struct address *address) {
  static const char unpaced[] = "reno";
  const int on = 1, lowat = IO_NOTSENT_LOWAT_BYTES;
  if (address->any.sa_family == AF_UNIX) return true;
  if (address_is_loopback(address)) /* the system's choice works, too */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, unpaced, strlen(unpaced));
  return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
         setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof lowat) == 0;
}
