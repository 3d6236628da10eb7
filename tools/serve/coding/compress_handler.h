/*
 * serve/coding/compress_handler.h - a handler around another: what that answers is compressed as it is sent
 * (serve/coding/compress.h).
 */
#ifndef WEIR_TOOLS_SERVE_CODING_COMPRESS_HANDLER_H
#define WEIR_TOOLS_SERVE_CODING_COMPRESS_HANDLER_H

#include "engine/http/handler.h"
#include "tools/serve/coding/compress.h"

struct compress_handler {
  struct handler handler;
  const struct handler *inner;
  struct compressor *compressor;
};

/* Keeps both. Returns the handler for the engine, which lives as long as `compress`. */
const struct handler *compress_handler_init(struct compress_handler *compress,
                                            struct compressor *compressor,
                                            const struct handler *inner);

#endif
