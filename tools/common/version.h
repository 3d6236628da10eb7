/*
 * common/version.h - the version of weir. The macros describe the headers at compile time,
 * weir_version() the library at run time.
 */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#define WEIR_VERSION       "0.1.0"
#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0

/* For comparisons: 10,000 per major version, 100 per minor version. */
#define WEIR_VERSION_NUMBER                                                                        \
  (WEIR_VERSION_MAJOR * 10000 + WEIR_VERSION_MINOR * 100 + WEIR_VERSION_PATCH)

#ifdef __cplusplus
extern "C" {
#endif

/* WEIR_VERSION of the library itself. Static. */
const char *weir_version(void);

#ifdef __cplusplus
}
#endif

#endif
