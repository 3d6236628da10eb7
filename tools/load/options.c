/*
 * load/options.c - see load/options.h.
 */
#include "tools/load/options.h"

#include <string.h>

#include "engine/base/limits.h"

const char *load_options_pseudo(const char *text, enum header_token *token) {
  static const enum header_token tokens[] = {TOKEN_METHOD, TOKEN_AUTHORITY};
  for (unsigned i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
    struct span name = header_token_name(tokens[i]);
    if (strncmp(text, (const char *)name.base, name.len) != 0 || text[name.len] != ':') continue;
    if (token) *token = tokens[i];
    text += name.len + 1;
    return text + strspn(text, " \t");
  }
  return NULL;
}

/* ---- windows --------------------------------------------------------------------------------- */

static uint32_t bytes_of(unsigned bits) {
  return (UINT32_C(1) << bits) - 1;
}

uint32_t load_options_stream_window(const struct load_options *options) {
  if (options->caps.count > 0) return (uint32_t)load_caps_window(&options->caps);
  if (options->stream_window_bits) return bytes_of(options->stream_window_bits);
  return options->flow == FLOW_AUTO ? PEER_STREAM_WINDOW_BYTES_DEFAULT : bytes_of(LOAD_WINDOW_BITS);
}

uint32_t load_options_connection_window(const struct load_options *options) {
  if (options->connection_window_bits) return bytes_of(options->connection_window_bits);
  return options->flow == FLOW_AUTO ? PEER_STREAM_WINDOW_BYTES_DEFAULT : bytes_of(LOAD_WINDOW_BITS);
}
