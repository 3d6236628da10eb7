/*
 * client/lookup.c - see client/lookup.h.
 */
#include "tools/client/lookup.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

unsigned lookup_host(const char *host, uint16_t port, struct address *addresses, unsigned max,
                     const struct failure *failure) {
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
  struct addrinfo *list = NULL;
  unsigned count = 0;
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  int code = getaddrinfo(host, service, &hints, &list);
  if (code != 0) {
    failure_set(failure, "cannot look up %s: %s", host,
                code == EAI_SYSTEM ? strerror(errno) : gai_strerror(code));
    return 0;
  }
  for (const struct addrinfo *at = list; at && count < max; at = at->ai_next) {
    struct address *address = &addresses[count];
    if (at->ai_addrlen > sizeof address->ipv6) continue;
    memcpy(&address->any, at->ai_addr, at->ai_addrlen);
    address->len = at->ai_addrlen;
    count++;
  }
  freeaddrinfo(list);
  if (count == 0) failure_set(failure, "cannot look up %s: no address", host);
  return count;
}
