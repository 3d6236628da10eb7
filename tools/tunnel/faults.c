/*
 * tunnel/faults.c - see tunnel/faults.h.
 */
#include "tools/tunnel/faults.h"

#include <stdint.h>
#include <string.h>

#include "tools/common/option_values.h"

static const struct {
  const char *name;
  enum tunnel_fault kind;
} kinds[] = {{"reset", FAULT_RESET}, {"drop", FAULT_DROP},   {"delay", FAULT_DELAY},
             {"error", FAULT_ERROR}, {"stall", FAULT_STALL}, {"vanish", FAULT_VANISH}};

const char *faults_add(struct tunnel_faults *faults, const char *text) {
  const char *colon = strchr(text, ':');
  size_t len = colon ? (size_t)(colon - text) : strlen(text);
  uint64_t every = 1;
  if (colon && !option_number(colon + 1, 1, 1000000000, &every))
    return "expected a number from 1 to 1000000000 after the colon";
  if (faults->count == TUNNEL_FAULTS_MAX) return "too many faults";
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strlen(kinds[i].name) != len || memcmp(text, kinds[i].name, len) != 0) continue;
    faults->rules[faults->count++] = (struct tunnel_fault_rule){kinds[i].kind, (unsigned)every};
    return NULL;
  }
  return "expected reset, drop, delay, error, stall or vanish, perhaps with :EVERY";
}

unsigned faults_next(struct tunnel_faults *faults) {
  unsigned due = 0;
  if (faults->count == 0) return 0;
  unsigned number = __atomic_add_fetch(&faults->connections, 1, __ATOMIC_RELAXED);
  for (unsigned i = 0; i < faults->count; i++)
    if (number % faults->rules[i].every == 0) due |= faults->rules[i].kind;
  return due;
}
