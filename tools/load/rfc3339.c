/*
 * load/rfc3339.c - see load/rfc3339.h.
 */
#include "tools/load/rfc3339.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

static const int64_t second_ns = 1000000000;

const char *load_rfc3339_fraction(const char *text, int64_t *ns) {
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

bool load_rfc3339_parse(const char *text, int64_t *ns) {
  int parts[6];
  int64_t fraction_ns, east;
  const char *end = read_form(text, "4-2-2T2:2:2", parts);
  if (!end || !(end = load_rfc3339_fraction(end, &fraction_ns)) || !read_zone(end, &east))
    return false;
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
      found.tm_sec != given.tm_sec)
    return false;
  const int64_t day = 86400, most = INT64_MAX / second_ns - day;
  if (seconds < -most || seconds > most) return false;
  *ns = (seconds - east) * second_ns + fraction_ns;
  return true;
}
