/*
 * files/proof.h - whether an open file is still the version that it was when it was found.
 *
 * A write sets a file's ctime, and so do touch, chmod, rename and unlink. While the ctime is the same, and so old
 * that no write can still be under way with it (FILES_SETTLE_NS), so are the bytes. Else a file with fewer bytes was
 * rewritten, and so was one with as many bytes to which a write was seen (base/writes.h). Else, and where no writes
 * are seen, two samples of 64 bytes decide: its beginning, and the last bytes that were read. If both are what they
 * were, the file counts as touched or appended to. So a rewrite that leaves both as they were is not noticed where it
 * also makes the file longer, or where the kernel reports no writes. Through a mapping, a program can write without a
 * new ctime: the kernel sets it at the first write to a page, and not again until the page has gone to the disk.
 *
 * Owner: embedded in its file; all readers share it.
 */
#ifndef WEIR_FILES_PROOF_H
#define WEIR_FILES_PROOF_H

#include "io/base/writes.h"
#include "io/files/disk.h"
#include "io/files/limits.h"

struct file_sample {
  uint64_t offset;
  uint8_t len; /* 0: nothing */
  uint8_t bytes[FILES_PROOF_BYTES];
};

struct file_proof {
  uint64_t size_bytes; /* when the file was found */
  int64_t ctime_ns; /* with which the samples were the file's; INT64_MIN: none that is old enough */
  struct write_watch watch;       /* its owner's, from when it was found */
  struct file_sample first, last; /* without a wait for the disk, the first may be missing */
  bool failed;                    /* shrunk or rewritten; it stays so */
};

/* A file was found. Reads its beginning, if that is in the page cache. */
void proof_begin(struct file_proof *proof, const struct file_identity *identity, int fd);

/* Whether `fd` reads that version. Asked after each read, and before proof_keep(). */
__attribute__((warn_unused_result)) bool proof_holds(struct file_proof *proof, int fd);

/* Whether `fd` reads that version, and its time stamps alone say so: bytes that are read now, or were read
 * while this ctime was the file's, are the file's bytes until the answer changes. Costs one fstat. */
__attribute__((warn_unused_result)) bool proof_vouches(const struct file_proof *proof, int fd);

/* `len` bytes, at least one, were read at `offset`. */
void proof_keep(struct file_proof *proof, const uint8_t *bytes, size_t len, uint64_t offset);

/* Whether there is a sample. */
__attribute__((warn_unused_result)) bool proof_has_sample(const struct file_proof *proof);

#endif
