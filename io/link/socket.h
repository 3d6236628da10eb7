/*
 * link/socket.h - the TCP options of each link's socket, accepted or dialled.
 *
 * Small writes leave at once (TCP_NODELAY), and the kernel keeps little that is unsent (TCP_NOTSENT_LOWAT).
 *
 * On loopback no queue has to be kept short and nothing is lost, so congestion control can only cost. BBR, where it is
 * the system's default, paces each socket by a timer. So sockets of loopback addresses use Reno, which every Linux has
 * and every process may choose.
 */
#ifndef WEIR_IO_LINK_SOCKET_H
#define WEIR_IO_LINK_SOCKET_H

#include "io/base/address.h"

/* Sets them: before connect(2), or for all connections that a listening socket will accept. `address` is what the
 * socket connects to or is bound to; a UNIX socket has none of these options. False with errno. */
__attribute__((warn_unused_result)) bool socket_set_options(int fd, const struct address *address);

#endif
