/*
 * serve/log/text.h - a client's text as logs have it: it cannot end its string or its line, nor send
 * controls to a terminal.
 *
 * Both functions write at most LOG_TEXT_GROWTH bytes for each byte of the text, and return the end
 * of what they wrote.
 */
#ifndef WEIR_TOOLS_SERVE_LOG_TEXT_H
#define WEIR_TOOLS_SERVE_LOG_TEXT_H

#include "engine/base/text.h"
#include "tools/serve/limits.h"

/* `"`, `\` and every byte that is not printable ASCII become \xHH. */
char *log_text_combined(char *at, struct span text);

/* Without the quotes. Always valid: UTF-8 stays as it is, except for control characters; any other byte
 * becomes the character of its number, \u00HH. */
char *log_text_json(char *at, struct span text);

#endif
