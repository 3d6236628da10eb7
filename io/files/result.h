/*
 * files/result.h - how a lookup or a read ends.
 */
#ifndef WEIR_FILES_RESULT_H
#define WEIR_FILES_RESULT_H

enum files_result {
  FILES_FOUND,
  FILES_PENDING,   /* done() will be called, never before the call that says so has returned */
  FILES_MISSING,   /* no such file */
  FILES_FORBIDDEN, /* unreadable, or outside the root, or neither file nor directory */
  FILES_BUSY,      /* no descriptor, buffer, entry or memory left at present */
  FILES_FAILED,    /* the file system failed, or the file is no longer what it was */
};

/* What an errno value of the file system means to the one that asked. */
__attribute__((warn_unused_result)) enum files_result files_result_of(int error);

#endif
