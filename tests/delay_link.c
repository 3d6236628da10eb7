/*
 * delay_link.c - a long, slow line between two network namespaces, for tests on kernels without
 * netem.
 *
 *     delay_link SPACE1 SPACE2 DELAY_MS KBIT QUEUE_BYTES
 *
 * Makes a tun device `line` in each of two named namespaces (ip netns) and carries packets between
 * them. Each direction is a queue of at most QUEUE_BYTES, a link of KBIT kbit/s behind it, and a
 * flight of DELAY_MS milliseconds; what finds the queue full is lost, as on a real line. Prints a
 * line when both devices are there; ends with SIGTERM, or when its standard input is at its end.
 * Needs CAP_NET_ADMIN and CAP_SYS_ADMIN.
 */
#include <errno.h>
#include <fcntl.h>
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
#include <time.h>
#include <unistd.h>

enum {
  PACKET_BYTES_MAX = 1600, /* tun devices begin with an MTU of 1500 */
  /* Packets of one direction under way: a power of two; 1 Gbit/s over 300 ms are 25,000. */
  FLIGHT_PACKETS = 65536,
};

struct packet {
  uint64_t arrives_ns;
  uint32_t len;
  uint8_t bytes[PACKET_BYTES_MAX];
};

struct direction {
  int from, to;
  struct packet *flight; /* ring */
  uint32_t first, count;
  uint64_t free_ns; /* when the link has sent what it has now */
};

struct line {
  uint64_t delay_ns, queue_ns; /* queue_ns: how long a full queue takes to be sent */
  double ns_per_byte;
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

/* Takes what the kernel has to send. */
static void take(const struct line *line, struct direction *direction) {
  uint8_t lost[PACKET_BYTES_MAX];
  for (;;) {
    uint64_t now = now_ns();
    if (direction->free_ns < now) direction->free_ns = now;
    bool room = direction->count < FLIGHT_PACKETS && direction->free_ns - now <= line->queue_ns;
    struct packet *packet =
        &direction->flight[(direction->first + direction->count) % FLIGHT_PACKETS];
    ssize_t len = read(direction->from, room ? packet->bytes : lost, PACKET_BYTES_MAX);
    if (len <= 0) return;
    if (!room) continue;
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
    (void)written; /* a device that is down loses it */
    direction->first = (direction->first + 1) % FLIGHT_PACKETS;
    direction->count--;
  }
}

/* Until something arrives at either end. */
static void wait_for_packets(struct line *line, struct pollfd polls[3]) {
  uint64_t next = UINT64_MAX, now = now_ns();
  for (int i = 0; i < 2; i++) {
    const struct direction *direction = &line->directions[i];
    if (direction->count == 0) continue;
    uint64_t arrives = direction->flight[direction->first].arrives_ns;
    if (arrives < next) next = arrives;
  }
  struct timespec wait = {.tv_sec = 1};
  if (next != UINT64_MAX) {
    uint64_t ns = next > now ? next - now : 0;
    wait = (struct timespec){.tv_sec = (time_t)(ns / 1000000000u),
                             .tv_nsec = (long)(ns % 1000000000u)};
  }
  ppoll(polls, 3, &wait, NULL);
}

static void run(struct line *line) {
  struct pollfd polls[3] = {{.fd = line->directions[0].from, .events = POLLIN},
                            {.fd = line->directions[1].from, .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
  char byte;
  for (;;) {
    wait_for_packets(line, polls);
    for (int i = 0; i < 2; i++) {
      if (polls[i].revents & POLLIN) take(line, &line->directions[i]);
      deliver(&line->directions[i]);
    }
    if (polls[2].revents && read(STDIN_FILENO, &byte, 1) <= 0) return;
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
  for (int i = 0; i < 2; i++) {
    line.directions[i] = (struct direction){.from = i ? two : one, .to = i ? one : two};
    line.directions[i].flight = malloc(FLIGHT_PACKETS * sizeof(struct packet));
    if (!line.directions[i].flight) fail("malloc");
  }
  puts("ready");
  fflush(stdout);
  run(&line);
  for (int i = 0; i < 2; i++)
    free(line.directions[i].flight);
  return 0;
}
