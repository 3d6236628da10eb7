/*
 * serve/rules/client_links.h - how many connections each client has open.
 *
 * A table belongs to one core and counts CLIENT_LINKS_MAX clients, in sets of CLIENT_LINKS_WAYS. A connection that finds
 * its set full is not counted, and not refused either: nobody can choose addresses that fill a victim's set, so this
 * happens by chance alone, in a crowd. Cores share nothing: a client may have as many connections on each.
 *
 * A refusal is told once, and not again until the client has been down to half of what it may have.
 */
#ifndef WEIR_TOOLS_SERVE_RULES_CLIENT_LINKS_H
#define WEIR_TOOLS_SERVE_RULES_CLIENT_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/memory.h"
#include "tools/serve/rules/client.h"

struct client_links {
  struct client_links_entry *entries; /* NULL: not open */
  const struct memory *memory;
  struct client_seed seed;
};

enum client_links_verdict {
  CLIENT_LINKS_COUNTED,
  CLIENT_LINKS_LOCAL,       /* it may come, */
  CLIENT_LINKS_UNCOUNTED,   /* and so may this one: its set is full */
  CLIENT_LINKS_REFUSED,     /* the client has `most` */
  CLIENT_LINKS_REFUSED_NOW, /* the same, to be told */
};

/* False when memory is refused, or randomness. Keeps `memory`. */
__attribute__((warn_unused_result)) bool client_links_open(struct client_links *links,
                                                           const struct memory *memory);

/* Does nothing with a table that is not open. */
void client_links_close(struct client_links *links);

/* The client opens one more connection; it may have `most`, 1 .. CLIENT_LINKS_EACH_MAX. `*note` is for
 * client_links_ended(), when it is counted. */
__attribute__((warn_unused_result)) enum client_links_verdict
client_links_begin(struct client_links *links, uint32_t most, const uint8_t address[16],
                   uint32_t *note);

/* A connection that was counted is over. */
void client_links_ended(struct client_links *links, uint32_t note);

#endif
