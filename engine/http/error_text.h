/*
 * http/error_text.h - what a response says that has nothing to say but that something is wrong. All handlers and protocols
 * take it from here, so that a client reads the same whatever it speaks and whoever noticed.
 */
#ifndef WEIR_ERROR_TEXT_H
#define WEIR_ERROR_TEXT_H

#include "engine/base/machine.h"

/* Of ERROR_TEXT_TYPE: the status with its reason phrase, and a sentence, each with a line's end. Holds no byte of the
 * request, so that nothing an attacker wrote is reflected. It lives for ever. Empty for a status that has none. */
struct span error_text(unsigned status);

#define ERROR_TEXT_TYPE "text/plain; charset=utf-8"

#endif
