/*
 * h1/status.h - reason phrases (RFC 9112 section 4) of the registered status codes.
 */
#ifndef WEIR_H1_STATUS_H
#define WEIR_H1_STATUS_H

#include "engine/base/text.h"

/* Empty for a code that has none. */
struct span h1_status_reason(unsigned status);

#endif
