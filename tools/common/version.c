/*
 * common/version.c - see lib/version.h.
 */
#include "tools/common/version.h"

const char *weir_version(void) {
  return WEIR_VERSION;
}
