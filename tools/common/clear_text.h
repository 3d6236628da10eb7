/*
 * common/clear_text.h - what a server's TLS port answers to clear text.
 */
#ifndef WEIR_TOOLS_CLEAR_TEXT_H
#define WEIR_TOOLS_CLEAR_TEXT_H

#include "engine/base/machine.h"

/* For struct tls_settings. `in` is what came first, at least a byte. A request of HTTP/1.x gets a 400
 * that says to use https; the preface of HTTP/2, SETTINGS and a GOAWAY that says so; anything else
 * nothing, which means a TLS alert. Static bytes. */
struct span clear_text_answer(struct span in);

#endif
