/*
 * ring/watch.h - what a poller knows of each descriptor that it watches, found by the descriptor's number.
 *
 * A number is used again after its descriptor was closed. An event carries the watch's generation, too, so
 * that one of the closed descriptor is noticed.
 */
#ifndef WEIR_IO_RING_WATCH_H
#define WEIR_IO_RING_WATCH_H

#include "io/ring/item.h"

struct watch {
  int fd;
  uint32_t generation;
  bool attached;
  bool shared;       /* with EPOLLEXCLUSIVE: the socket has other descriptors */
  bool non_blocking; /* O_NONBLOCK was set */
  bool tells_room;   /* EPOLLOUT is among its events */
  /* There may be input: an event said so, and nothing has found the end of it since. */
  bool readable;
  bool hung_up; /* the peer's FIN or an error has come: after the last byte there is that */
  struct item in, out;
};

struct watches {
  struct watch **chunks;
  unsigned count; /* of chunks; those not needed yet are NULL */
};

/* The watch of a descriptor, made if need be. NULL without memory. */
__attribute__((warn_unused_result)) struct watch *watches_at(struct watches *watches, int fd);

/* The watch of a descriptor, attached or not; NULL if there never was one. */
struct watch *watches_find(const struct watches *watches, int fd);

/* The attached watch of an event; NULL if its descriptor was closed. */
struct watch *watches_of_data(const struct watches *watches, uint64_t data);

/* What events of this watch carry. Never UINT64_MAX. */
uint64_t watch_data(const struct watch *watch);

/* The descriptor is about to be closed. */
void watch_end(struct watch *watch);

void watches_free(struct watches *watches);

#endif
