/*
 * load/start_at.c - see load/start_at.h.
 */
#include "tools/load/start_at.h"

#include <ctype.h>
#include <errno.h>
#include <time.h>

#include "tools/common/option_values.h"
#include "tools/load/rfc3339.h"

static const int64_t second_ns = 1000000000;

static bool read_epoch(const char *text, int64_t *start_ns) {
  int64_t seconds = 0, fraction_ns;
  if (!isdigit((unsigned char)*text)) return false;
  for (; isdigit((unsigned char)*text); text++) {
    if (seconds > INT64_MAX / second_ns / 10 - 10) return false;
    seconds = seconds * 10 + (*text - '0');
  }
  text = load_rfc3339_fraction(text, &fraction_ns);
  if (!text || *text) return false;
  *start_ns = seconds * second_ns + fraction_ns;
  return true;
}

bool load_start_at_parse(const char *text, int64_t now_ns, int64_t *start_ns) {
  double seconds;
  if (*text != '+') return load_rfc3339_parse(text, start_ns) || read_epoch(text, start_ns);
  if (!option_seconds(text + 1, &seconds)) return false;
  *start_ns = now_ns + (int64_t)(seconds * 1e9);
  return true;
}

int64_t load_start_at_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return now.tv_sec * second_ns + now.tv_nsec;
}

void load_start_at_wait(int64_t start_ns) {
  const struct timespec start = {.tv_sec = start_ns / second_ns, .tv_nsec = start_ns % second_ns};
  while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &start, NULL) == EINTR)
    continue;
}
