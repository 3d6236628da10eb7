/*
 * helpers/delay_link.c - a long, slow line between two network namespaces, for tests on kernels without
 * netem.
 *
 *     delay_link SPACE1 SPACE2 DELAY_MS KBIT QUEUE_BYTES
 *
 * Makes a tun device `line` in each of two named namespaces (ip netns) and carries packets between
 * them. Each direction is a queue of at most QUEUE_BYTES, followed by a link of KBIT kbit/s and a
 * delay of DELAY_MS milliseconds. Packets that find the queue full are lost, as on a real line. The
 * rate counts packets as tun devices see them: IP headers and everything above. Prints a line when
 * both devices exist. Ends on SIGTERM, or at the end of its standard input. Needs CAP_NET_ADMIN and
 * CAP_SYS_ADMIN.
 *
 * A process that imitates a line can itself be late, when others have the processor. It takes
 * precedence (SCHED_FIFO) where it may, and it keeps count: it answers each newline on its standard
 * input with a line of JSON about the time since the one before,
 *
 *     {"late_us_max": .., "late_us": .., "directions": [{"packets": .., "bytes": .., "lost": ..},
 * ..]}
 *
 * where `late_us` sums up how late it looked at its devices. The line may have stood still for that
 * time. The first direction is from SPACE1 to SPACE2.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
  PACKET_BYTES_MAX = 1600, /* tun devices start with an MTU of 1500 */
  /* Packets under way are bounded by one per this many bytes. Acknowledgements are smaller, but
   * there are fewer of them than packets of data. */
  PACKET_BYTES_FEW = 300,
  /* While packets are under way, the devices are checked this often, so that lateness shows. */
  LOOK_NS = 1000000,
  /* Up to this, a turn is not late: a timer's slack, and the packets of one turn. */
  LATE_NS = 1000000,
  PRIORITY = 50, /* of SCHED_FIFO; arbitrary */
};

struct packet {
  uint64_t arrives_ns;
  uint32_t len;
  uint8_t bytes[PACKET_BYTES_MAX];
};

struct direction {
  int from, to;
  struct packet *flight; /* ring */
  uint32_t first, count, size;
  uint64_t free_ns; /* when the link will have sent what it has now */
  uint64_t packets, bytes, lost;
};

struct line {
  uint64_t delay_ns, queue_ns; /* queue_ns: the time that it takes to send a full queue */
  double ns_per_byte;
  uint64_t late_ns, late_max_ns;
  struct direction directions[2];
};

static uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what) {
  fprintf(stderr, "delay_link: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* A tun device in the namespace; the descriptor works from any. */
static int open_tun(const char *space) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", space);
  int netns = open(path, O_RDONLY | O_CLOEXEC);
  if (netns < 0) fail(path);
  if (setns(netns, CLONE_NEWNET)) fail("setns");
  close(netns);
  int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) fail("/dev/net/tun");
  struct ifreq request = {.ifr_name = "line", .ifr_flags = IFF_TUN | IFF_NO_PI};
  if (ioctl(fd, TUNSETIFF, &request)) fail("TUNSETIFF");
  return fd;
}

/* Takes the packets that the kernel has to send. */
static void take(const struct line *line, struct direction *direction) {
  uint8_t lost[PACKET_BYTES_MAX];
  for (;;) {
    uint64_t now = now_ns();
    if (direction->free_ns < now) direction->free_ns = now;
    bool room = direction->count < direction->size && direction->free_ns - now <= line->queue_ns;
    struct packet *packet =
        &direction->flight[(direction->first + direction->count) % direction->size];
    ssize_t len = read(direction->from, room ? packet->bytes : lost, PACKET_BYTES_MAX);
    if (len <= 0) return;
    if (!room) {
      direction->lost++;
      continue;
    }
    direction->free_ns += (uint64_t)((double)len * line->ns_per_byte);
    packet->len = (uint32_t)len;
    packet->arrives_ns = direction->free_ns + line->delay_ns;
    direction->count++;
  }
}

static void deliver(struct direction *direction) {
  uint64_t now = now_ns();
  while (direction->count > 0) {
    const struct packet *packet = &direction->flight[direction->first];
    if (packet->arrives_ns > now) return;
    ssize_t written = write(direction->to, packet->bytes, packet->len);
    (void)written; /* lost if the device is down */
    direction->packets++;
    direction->bytes += packet->len;
    direction->first = (direction->first + 1) % direction->size;
    direction->count--;
  }
}

/* ---- the account ------------------------------------------------------------------------------
 */

/* While packets are under way, turns follow each other at most LOOK_NS apart. */
static void note_lateness(struct line *line, uint64_t last_turn_ns, uint64_t now) {
  uint64_t apart_ns = now - last_turn_ns;
  if (apart_ns <= LOOK_NS + LATE_NS) return;
  uint64_t late_ns = apart_ns - LOOK_NS;
  line->late_ns += late_ns;
  if (late_ns > line->late_max_ns) line->late_max_ns = late_ns;
}

static void report(struct line *line) {
  printf("{\"late_us_max\": %" PRIu64 ", \"late_us\": %" PRIu64 ", \"directions\": [",
         line->late_max_ns / 1000, line->late_ns / 1000);
  line->late_ns = line->late_max_ns = 0;
  for (int i = 0; i < 2; i++) {
    struct direction *direction = &line->directions[i];
    printf("%s{\"packets\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"lost\": %" PRIu64 "}",
           i ? ", " : "", direction->packets, direction->bytes, direction->lost);
    direction->packets = direction->bytes = direction->lost = 0;
  }
  puts("]}");
  fflush(stdout);
}

/* Takes precedence over all others, if permitted. The counters tell how well it worked. */
static void hurry(void) {
  struct sched_param param = {.sched_priority = PRIORITY};
  if (sched_setscheduler(0, SCHED_FIFO, &param))
    fprintf(stderr, "delay_link: no SCHED_FIFO: %s\n", strerror(errno));
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT))
    fprintf(stderr, "delay_link: memory is not locked: %s\n", strerror(errno));
}

/* ---- turns ------------------------------------------------------------------------------------
 */

/* When the line has something to do even if nothing arrives. UINT64_MAX: never. */
static uint64_t next_turn_ns(const struct line *line) {
  uint64_t next = UINT64_MAX, now = now_ns();
  for (int i = 0; i < 2; i++) {
    const struct direction *direction = &line->directions[i];
    if (direction->count == 0) continue;
    uint64_t arrives = direction->flight[direction->first].arrives_ns;
    if (arrives > now + LOOK_NS) arrives = now + LOOK_NS;
    if (arrives < next) next = arrives;
  }
  return next;
}

/* Waits until something arrives at either end, or until `next_ns`. */
static void wait_for_packets(struct pollfd polls[3], uint64_t next_ns) {
  uint64_t now = now_ns(), wait_ns = next_ns > now ? next_ns - now : 0;
  struct timespec wait = {.tv_nsec = (long)wait_ns};
  if (next_ns == UINT64_MAX) wait = (struct timespec){.tv_sec = 1};
  ppoll(polls, 3, &wait, NULL);
}

/* Returns false when the line is no longer needed. */
static bool obey(struct line *line) {
  char byte;
  if (read(STDIN_FILENO, &byte, 1) <= 0) return false;
  if (byte == '\n') report(line);
  return true;
}

static void run(struct line *line) {
  struct pollfd polls[3] = {{.fd = line->directions[0].from, .events = POLLIN},
                            {.fd = line->directions[1].from, .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
  for (uint64_t turn_ns = now_ns();;) {
    uint64_t next_ns = next_turn_ns(line), last_turn_ns = turn_ns;
    wait_for_packets(polls, next_ns);
    turn_ns = now_ns();
    if (next_ns != UINT64_MAX) note_lateness(line, last_turn_ns, turn_ns);
    for (int i = 0; i < 2; i++) {
      if (polls[i].revents & POLLIN) take(line, &line->directions[i]);
      deliver(&line->directions[i]);
    }
    if (polls[2].revents && !obey(line)) return;
  }
}

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: delay_link SPACE1 SPACE2 DELAY_MS KBIT QUEUE_BYTES\n");
    return 2;
  }
  struct line line = {.delay_ns = strtoul(argv[3], NULL, 10) * 1000000u,
                      .ns_per_byte = 8e6 / strtod(argv[4], NULL)};
  line.queue_ns = (uint64_t)(strtod(argv[5], NULL) * line.ns_per_byte);
  int one = open_tun(argv[1]), two = open_tun(argv[2]);
  double under_way = strtod(argv[5], NULL) + (double)line.delay_ns / line.ns_per_byte;
  uint32_t size = (uint32_t)(under_way / PACKET_BYTES_FEW) + 1;
  for (int i = 0; i < 2; i++) {
    line.directions[i] =
        (struct direction){.from = i ? two : one, .to = i ? one : two, .size = size};
    line.directions[i].flight = malloc(size * sizeof(struct packet));
    if (!line.directions[i].flight) fail("malloc");
  }
  hurry();
  puts("ready");
  fflush(stdout);
  run(&line);
  for (int i = 0; i < 2; i++)
    free(line.directions[i].flight);
  return 0;
}
