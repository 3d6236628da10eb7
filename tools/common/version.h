/*
 * common/version.h - the version of weir: of the headers that a program was compiled with. What it runs
 * with is weir_version()'s.
 */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#define WEIR_VERSION       "0.1.0"
#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0

/* To compare versions by: 100 a minor version, 10,000 a major one. */
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
