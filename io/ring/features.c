/*
 * ring/features.c - the table of names.
 */
#include "io/ring/features.h"

#include <string.h>

static const struct {
  unsigned feature;
  const char *name;
  const char *fallback;
} features_known[URING_FEATURE_COUNT] = {
    {URING_SINGLE_ISSUER, "single_issuer", "the ring takes a lock per submission"},
    {URING_DEFER_TASKRUN, "defer_taskrun", "completions run on every return from the kernel"},
    {URING_SUBMIT_ALL, "submit_all", "a failed request ends its batch of submissions early"},
    {URING_RING_FD, "ring_fd", "the ring's descriptor is looked up at every call"},
    {URING_EXT_ARG, "ext_arg", "every wait submits a timeout request"},
    {URING_MULTISHOT_ACCEPT, "multishot_accept", "one accept request per connection"},
    {URING_MULTISHOT_RECV, "multishot_recv", "one receive request per arrival"},
    {URING_BUFFER_RING, "buffer_ring", "sockets are polled and read with recv"},
    {URING_INLINE_SEND, "inline_send", "every send goes through the ring"},
    {URING_FULL_QUEUES, "full_queues", "queues are short (see ulimit -l), bursts take more turns"},
};

const char *uring_feature_name(unsigned feature) {
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++)
    if (features_known[i].feature == feature) return features_known[i].name;
  return "unknown";
}

const char *uring_feature_fallback(unsigned feature) {
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++)
    if (features_known[i].feature == feature) return features_known[i].fallback;
  return "";
}

/* The feature that the first `len` characters of `name` name; 0 for none. */
static unsigned feature_of_name(const char *name, size_t len) {
  for (unsigned i = 0; i < URING_FEATURE_COUNT; i++)
    if (strlen(features_known[i].name) == len && memcmp(features_known[i].name, name, len) == 0)
      return features_known[i].feature;
  return 0;
}

bool uring_parse_disabled(const char *text, unsigned *features, const char **bad) {
  *features = 0;
  while (text && *text) {
    size_t len = strcspn(text, ",");
    unsigned feature = feature_of_name(text, len);
    if (len && !feature) {
      *bad = text;
      return false;
    }
    *features |= feature;
    text += len + (text[len] == ',');
  }
  return true;
}
