/*
 * load/options_connect.c - where to connect.
 */
#include <string.h>

#include "io/base/address.h"
#include "tools/load/options_rows.h"

static const struct load_option rows[] = {
    {"connect-to", 0, "HOST[:PORT]", LOAD_TEXT(connect_to),
     "connect there instead of to the URL's host, or to a UNIX\n"
     "socket: unix:/run/app.sock, unix:@abstract"},
};

static bool check(struct load_options *options, const struct failure *failure) {
  const char *to = options->connect_to;
  struct address address;
  if (!to || strncmp(to, "unix:", 5) != 0 || address_from_path(&address, to + 5)) return true;
  return failure_set(failure, "--connect-to %s: a socket's path has 1 to 107 bytes", to);
}

const struct load_option_family load_options_connect = {
    .topic = "connections", .title = "Connections", LOAD_OPTIONS(rows), .check = check};
