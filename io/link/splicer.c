/*
 * link/splicer.c - see link/splicer.h.
 */
#include "io/link/splicer.h"
#include "io/link/limits.h"
#include "io/ring/limits.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

_Static_assert(SPLICER_SHORT_BYTES *IO_SEND_SPANS <= PAGES_BYTES, "one send's short spans fit");

/* Of spans[0 .. count - 1], those that go by reference: `bytes` in all, of which `copied` are copied first. */
struct load {
  size_t count, bytes, copied;
};

static struct load choose(const struct pages *pages, const struct span *spans, size_t count) {
  struct load load = {0}, best = {0};
  for (; load.count < count; load.count++) {
    const struct span *span = &spans[load.count];
    bool by_reference = pages_hold(pages, span->base);
    if (!by_reference && span->len > SPLICER_SHORT_BYTES) break;
    load.bytes += span->len;
    if (!by_reference) load.copied += span->len;
  }
  return load.bytes - load.copied >= SPLICER_LEAST_BYTES ? load : best;
}

static bool would_kill(int signal) {
  struct sigaction action;
  return sigaction(signal, NULL, &action) || action.sa_handler == SIG_DFL;
}

/* In Linux 6.5, splice(2) waited for room in a socket that is O_NONBLOCK. */
static bool would_wait(void) {
  struct utsname system;
  return uname(&system) || strncmp(system.release, "6.5.", 4) == 0;
}

bool splicer_may(void) {
  return !would_kill(SIGPIPE) && !would_wait();
}

static void end_pipe(struct splicer *splicer) {
  if (!splicer->open) return;
  close(splicer->in);
  close(splicer->out);
  splicer->open = false;
  splicer->loaded_bytes = 0;
}

/* A pipe that is too small would make a send of each few frames. Without a descriptor, the next send asks again. */
static bool begin_pipe(struct splicer *splicer) {
  int ends[2];
  if (splicer->refused || splicer->open) return !splicer->refused;
  if (!splicer_may() || pipe2(ends, O_CLOEXEC | O_NONBLOCK)) return false;
  *splicer = (struct splicer){.open = true,
                              .out = ends[0],
                              .in = ends[1],
                              .shorts = splicer->shorts,
                              .shorts_used = splicer->shorts_used};
  splicer->refused = fcntl(splicer->in, F_SETPIPE_SZ, SPLICER_PIPE_BYTES) < 0;
  if (splicer->refused) end_pipe(splicer);
  return splicer->open;
}

/* Room for short spans that was not written since the piece was renewed. */
static bool make_room(struct splicer *splicer, struct pages *pages, size_t bytes) {
  if (splicer->shorts && splicer->shorts_used + bytes <= PAGES_BYTES) return true;
  if (!splicer->shorts) splicer->shorts = pages_take(pages);
  if (!splicer->shorts || !pages_renew(pages, splicer->shorts)) return false;
  splicer->shorts_used = 0;
  return true;
}

static const uint8_t *copy_short(struct splicer *splicer, const struct span *span) {
  uint8_t *copy = splicer->shorts + splicer->shorts_used;
  memcpy(copy, span->base, span->len);
  splicer->shorts_used += span->len;
  return copy;
}

size_t splicer_load(struct splicer *splicer, struct pages *pages, const struct span *spans,
                    size_t count) {
  struct iovec parts[IO_SEND_SPANS];
  struct load load = choose(pages, spans, count);
  assert(splicer->loaded_bytes == 0);
  if (load.count == 0 || !begin_pipe(splicer) || !make_room(splicer, pages, load.copied)) return 0;
  for (size_t i = 0; i < load.count; i++) {
    bool by_reference = pages_hold(pages, spans[i].base);
    const uint8_t *base = by_reference ? spans[i].base : copy_short(splicer, &spans[i]);
    pages_refer(pages, base);
    parts[i] = (struct iovec){.iov_base = (void *)(uintptr_t)base, .iov_len = spans[i].len};
  }
  ssize_t loaded = vmsplice(splicer->in, parts, load.count, SPLICE_F_NONBLOCK);
  if (loaded < 0) splicer->refused = errno == ENOSYS || errno == EPERM;
  splicer->loaded_bytes = loaded > 0 ? (size_t)loaded : 0;
  return splicer->loaded_bytes;
}

/* splice(2) waits for room unless the socket itself is O_NONBLOCK. That is undone, because io_uring then would not
 * wait for anything. */
static ssize_t splice_now(struct splicer *splicer, int fd) {
  int on = 1, off = 0;
  if (ioctl(fd, FIONBIO, &on)) return -errno;
  ssize_t sent = splice(splicer->out, NULL, fd, NULL, splicer->loaded_bytes, SPLICE_F_NONBLOCK);
  if (sent < 0) sent = -errno;
  ioctl(fd, FIONBIO, &off);
  return sent;
}

ssize_t splicer_send(struct splicer *splicer, int fd) {
  ssize_t sent = splice_now(splicer, fd);
  splicer->refused = sent == -ENOSYS || sent == -EPERM || sent == -EINVAL;
  if (sent != (ssize_t)splicer->loaded_bytes) end_pipe(splicer);
  splicer->loaded_bytes = 0;
  return splicer->refused ? -EAGAIN : sent;
}

void splicer_close(struct splicer *splicer, struct pages *pages) {
  end_pipe(splicer);
  pages_give(pages, splicer->shorts);
  *splicer = (struct splicer){.open = false};
}
