/*
 * link/splicer.h - sends by reference, without the copy into the socket that costs most of a large send.
 *
 *     spans -> vmsplice(2) -> pipe -> splice(2) -> socket
 *
 * The kernel refers to the pages of the spans until the peer has acknowledged them. So only bytes in the loop's
 * pages (base/pages.h) go this way, and the short spans between them, such as the headers of frames, which are
 * copied to pages of the pipe's own. The pages are anonymous memory, not those of a file: a write to a file does
 * not show in what is under way.
 *
 * One pipe serves all links of a worker, because it is empty again after each send: what a socket does not take
 * is thrown away with the pipe, and offered again as after any short send.
 *
 * Without what this needs, nothing is ever loaded, and the caller sends as usual: that is so if the system calls
 * or a pipe that is large enough are refused, and while SIGPIPE would end the process, because splice(2) has no
 * MSG_NOSIGNAL.
 *
 * Owner: a worker's links. All zero at first; opened with the first load.
 */
#ifndef WEIR_IO_LINK_SPLICER_H
#define WEIR_IO_LINK_SPLICER_H

#include "io/base/pages.h"

#include <sys/types.h>

struct splicer {
  bool open, refused;
  int in, out;
  size_t loaded_bytes;
  uint8_t *shorts; /* a piece of pages, or NULL */
  size_t shorts_used;
};

/* Whether splice(2) to a socket would neither wait nor end the process. */
bool splicer_may(void);

/* Puts the first spans in, as many as may go by reference; the bytes are lent until the pipe is sent or closed.
 * Returns the number of bytes. 0: send them as usual, because too few of them lie in `pages`. `count` is 1 ..
 * IO_SEND_SPANS. */
size_t splicer_load(struct splicer *splicer, struct pages *pages, const struct span *spans,
                    size_t count);

/* Sends what was just loaded, without waiting; returns the bytes that the socket took, or -errno. The pipe is
 * empty afterwards. */
ssize_t splicer_send(struct splicer *splicer, int fd);

/* Gives its pages back, too. */
void splicer_close(struct splicer *splicer, struct pages *pages);

#endif
