/*
 * serve/rules/rate.c - see serve/rules/rate.h.
 */
#include "tools/serve/rules/rate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/limits.h"
#include "engine/base/machine.h"
#include "tools/common/option_values.h"

/* One cache line holds a set. */
struct rate_account {
  uint64_t client; /* a hash of it and of the limit's number; 0: free */
  uint64_t paid;   /* until when, in ns; the lowest bit: its burst was told */
};

_Static_assert(sizeof(struct rate_account) * RATE_WAYS == 64, "a set is a cache line");
_Static_assert((RATE_ACCOUNTS_MAX & (RATE_ACCOUNTS_MAX - 1)) == 0, "a mask picks the set");

/* ---- limits ---------------------------------------------------------------------------------- */

const char *rate_limit_parse(struct rate_limit *limit, const char *text) {
  static const char key[] = "burst=";
  static const char expected[] = "expected a rate such as 100/s, 30/m or 100/s,burst=500";
  char rate[RATE_TEXT_BYTES];
  double per_second;
  const char *comma = strchr(text, ',');
  size_t len = comma ? (size_t)(comma - text) : strlen(text);
  if (len >= sizeof rate) return expected;
  memcpy(rate, text, len);
  rate[len] = 0;
  if (!option_rate(rate, &per_second)) return expected;
  if (per_second < RATE_PER_SECOND_MIN || per_second > RATE_PER_SECOND_MAX)
    return "expected a rate from 1 in an hour to 1000000 in a second";
  uint64_t burst = per_second < 1 ? 1 : (uint64_t)ceil(per_second);
  if (comma && (strncmp(comma + 1, key, sizeof key - 1) != 0 ||
                !option_number(comma + sizeof key, 1, RATE_BURST_MAX, &burst)))
    return expected;
  limit->interval_ns = (uint64_t)((double)SECOND_NS / per_second);
  limit->burst = burst;
  limit->text = text;
  return NULL;
}

/* ---- accounts -------------------------------------------------------------------------------- */

bool rate_table_open(struct rate_table *table, const struct memory *memory) {
  *table = (struct rate_table){.memory = memory};
  if (!client_seed_make(&table->seed)) return false;
  table->accounts = memory_alloc(memory, RATE_ACCOUNTS_MAX * sizeof *table->accounts);
  if (table->accounts) memset(table->accounts, 0, RATE_ACCOUNTS_MAX * sizeof *table->accounts);
  return table->accounts;
}

void rate_table_close(struct rate_table *table) {
  if (table->accounts)
    memory_free(table->memory, table->accounts, RATE_ACCOUNTS_MAX * sizeof *table->accounts);
  table->accounts = NULL;
}

/* The client's account, perhaps a new one. */
static struct rate_account *find(struct rate_table *table, uint64_t client, uint64_t now_ns) {
  size_t sets = RATE_ACCOUNTS_MAX / RATE_WAYS;
  struct rate_account *set = &table->accounts[(client >> 1) % sets * RATE_WAYS], *least = set;
  for (size_t i = 0; i < RATE_WAYS; i++) {
    if (set[i].client == client) return &set[i];
    if (set[i].paid < least->paid) least = &set[i];
  }
  if (least->paid > now_ns) counter_add(&table->counters.evicted, 1);
  *least = (struct rate_account){.client = client};
  return least;
}

struct rate_verdict rate_take(struct rate_table *table, const struct rate_limit *limit,
                              const uint8_t address[16], uint64_t now_ns) {
  struct rate_verdict verdict = {.allowed = true};
  if (limit->interval_ns == 0 || client_is_local(address)) return verdict;
  uint64_t client = client_hash(&table->seed, limit->number, address) | 1;
  struct rate_account *account = find(table, client, now_ns);
  uint64_t paid = account->paid & ~UINT64_C(1), told = account->paid & 1;
  uint64_t ahead = limit->interval_ns * (limit->burst - 1);
  if (paid <= now_ns) {
    paid = now_ns & ~UINT64_C(1);
    told = 0;
  }
  if (paid > now_ns + ahead) {
    verdict =
        (struct rate_verdict){.allowed = false, .first = !told, .wait_ns = paid - now_ns - ahead};
    counter_add(&table->counters.refused, 1);
    counter_add(&table->counters.bursts, !told);
    account->paid = paid | 1;
    return verdict;
  }
  account->paid = ((paid + limit->interval_ns) & ~UINT64_C(1)) | told;
  return verdict;
}
