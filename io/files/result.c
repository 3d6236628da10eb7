/*
 * files/result.c - the table of errno values.
 */
#include "io/files/result.h"

#include <errno.h>
#include <stddef.h>

enum files_result files_result_of(int error) {
  static const struct {
    int error;
    enum files_result result;
  } rows[] = {
      {ENOENT, FILES_MISSING},   {ENOTDIR, FILES_MISSING},  {ENAMETOOLONG, FILES_MISSING},
      {EINVAL, FILES_MISSING},   {EACCES, FILES_FORBIDDEN}, {EPERM, FILES_FORBIDDEN},
      {EXDEV, FILES_FORBIDDEN},  {ELOOP, FILES_FORBIDDEN},  {ENXIO, FILES_FORBIDDEN},
      {ENODEV, FILES_FORBIDDEN}, {EMFILE, FILES_BUSY},      {ENFILE, FILES_BUSY},
      {ENOMEM, FILES_BUSY},      {EAGAIN, FILES_BUSY},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].error == error) return rows[i].result;
  return FILES_FAILED;
}
