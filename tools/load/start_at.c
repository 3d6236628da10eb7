/*
 * load/start_at.c - see load/start_at.h.
 */
#include "tools/load/start_at.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/common/option_values.h"

static const int64_t second_ns = 1000000000;

/* Reads ".5" at `text`, up to nine digits, as nanoseconds. Returns what follows; without a point,
 * `text`. NULL: no digits, or more. */
static const char *read_fraction(const char *text, int64_t *ns) {
  *ns = 0;
  if (*text != '.') return text;
  int64_t unit = second_ns;
  const char *at = text + 1;
  for (; isdigit((unsigned char)*at) && unit > 1; at++)
    *ns += (*at - '0') * (unit /= 10);
  return at == text + 1 || isdigit((unsigned char)*at) ? NULL : at;
}

/* Reads exactly `count` digits. NULL: there are none, or not so many. */
static const char *read_digits(const char *text, unsigned count, int *value) {
  *value = 0;
  for (unsigned i = 0; i < count; i++, text++) {
    if (!isdigit((unsigned char)*text)) return NULL;
    *value = *value * 10 + (*text - '0');
  }
  return text;
}

/* Reads numbers with a separator before each but the first, as `form` has them: "4-2-2T2:2:2". */
static const char *read_form(const char *text, const char *form, int *values) {
  for (; *form && text; form++) {
    if (isdigit((unsigned char)*form))
      text = read_digits(text, (unsigned)(*form - '0'), values++);
    else
      text = toupper((unsigned char)*text) == *form ? text + 1 : NULL;
  }
  return text;
}

/* Reads "Z" or "+01:00", as seconds east of Greenwich. */
static bool read_zone(const char *text, int64_t *east) {
  int parts[2] = {0};
  *east = 0;
  if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0) return true;
  if (*text != '+' && *text != '-') return false;
  const char *end = read_form(text + 1, "2:2", parts);
  if (!end || *end || parts[0] > 23 || parts[1] > 59) return false;
  *east = (parts[0] * 60 + parts[1]) * 60 * (*text == '-' ? -1 : 1);
  return true;
}

static bool read_date(const char *text, int64_t *start_ns) {
  int parts[6];
  int64_t fraction_ns, east;
  const char *end = read_form(text, "4-2-2T2:2:2", parts);
  if (!end || !(end = read_fraction(end, &fraction_ns)) || !read_zone(end, &east)) return false;
  struct tm given = {.tm_year = parts[0] - 1900,
                     .tm_mon = parts[1] - 1,
                     .tm_mday = parts[2],
                     .tm_hour = parts[3],
                     .tm_min = parts[4],
                     .tm_sec = parts[5]};
  struct tm found = given;
  int64_t seconds = timegm(&found);
  /* timegm() makes 1 March of 30 February. */
  if (found.tm_mon != given.tm_mon || found.tm_mday != given.tm_mday ||
      found.tm_hour != given.tm_hour || found.tm_min != given.tm_min ||
      found.tm_sec != given.tm_sec || seconds > INT64_MAX / second_ns - 86400)
    return false;
  *start_ns = (seconds - east) * second_ns + fraction_ns;
  return true;
}

static bool read_epoch(const char *text, int64_t *start_ns) {
  int64_t seconds = 0, fraction_ns;
  if (!isdigit((unsigned char)*text)) return false;
  for (; isdigit((unsigned char)*text); text++) {
    if (seconds > INT64_MAX / second_ns / 10 - 10) return false;
    seconds = seconds * 10 + (*text - '0');
  }
  text = read_fraction(text, &fraction_ns);
  if (!text || *text) return false;
  *start_ns = seconds * second_ns + fraction_ns;
  return true;
}

bool load_start_at_parse(const char *text, int64_t now_ns, int64_t *start_ns) {
  double seconds;
  if (*text != '+') return read_date(text, start_ns) || read_epoch(text, start_ns);
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
