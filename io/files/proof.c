/*
 * files/proof.c - a time stamp, a watch for writes and two samples; see files/proof.h.
 */
#include "io/files/proof.h"

#include <string.h>
#include <sys/stat.h>

static void take_sample(struct file_sample *sample, const uint8_t *bytes, size_t len,
                        uint64_t offset) {
  sample->len = (uint8_t)len;
  sample->offset = offset;
  memcpy(sample->bytes, bytes, len);
}

static bool sample_holds(const struct file_sample *sample, int fd) {
  uint8_t bytes[FILES_PROOF_BYTES];
  if (sample->len == 0) return true;
  ssize_t got = disk_read(fd, bytes, sample->len, sample->offset, true);
  return got == sample->len && memcmp(bytes, sample->bytes, sample->len) == 0;
}

void proof_begin(struct file_proof *proof, const struct file_identity *identity, int fd) {
  uint8_t bytes[FILES_PROOF_BYTES];
  *proof = (struct file_proof){
      .size_bytes = identity->size_bytes, .ctime_ns = INT64_MIN, .watch = proof->watch};
  if (disk_is_settled(identity)) proof->ctime_ns = identity->ctime_ns;
  ssize_t got = disk_read(fd, bytes, sizeof bytes, 0, false);
  if (got > 0) take_sample(&proof->first, bytes, (size_t)got, 0);
}

static bool is_unchanged(struct file_proof *proof, int fd) {
  struct stat status;
  if (fstat(fd, &status)) return false;
  struct file_identity identity = disk_identity(&status);
  if (identity.size_bytes < proof->size_bytes) return false;
  if (identity.ctime_ns == proof->ctime_ns) return true;
  if (identity.size_bytes == proof->size_bytes && writes_seen(&proof->watch)) return false;
  if (!sample_holds(&proof->first, fd) || !sample_holds(&proof->last, fd)) return false;
  if (disk_is_settled(&identity)) proof->ctime_ns = identity.ctime_ns;
  return true;
}

bool proof_holds(struct file_proof *proof, int fd) {
  if (!proof->failed && !is_unchanged(proof, fd)) proof->failed = true;
  return !proof->failed;
}

bool proof_vouches(const struct file_proof *proof, int fd) {
  struct stat status;
  if (proof->failed || proof->ctime_ns == INT64_MIN || fstat(fd, &status)) return false;
  struct file_identity identity = disk_identity(&status);
  return identity.size_bytes >= proof->size_bytes && identity.ctime_ns == proof->ctime_ns;
}

void proof_keep(struct file_proof *proof, const uint8_t *bytes, size_t len, uint64_t offset) {
  size_t part = len < FILES_PROOF_BYTES ? len : FILES_PROOF_BYTES;
  if (offset == 0 && part > proof->first.len) take_sample(&proof->first, bytes, part, 0);
  take_sample(&proof->last, bytes + len - part, part, offset + len - part);
}

bool proof_has_sample(const struct file_proof *proof) {
  return proof->first.len > 0 || proof->last.len > 0;
}
