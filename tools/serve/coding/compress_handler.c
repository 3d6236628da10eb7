/*
 * serve/coding/compress_handler.c - see serve/coding/compress_handler.h.
 */
#include "tools/serve/coding/compress_handler.h"

static void on_request(void *ctx, struct stream *stream, const struct request *request,
                       uint64_t now_ns) {
  const struct compress_handler *compress = ctx;
  compress_begin(compress->compressor, stream, request->fields);
  stream->filter = &compress_filter;
  compress->inner->request(compress->inner->ctx, stream, request, now_ns);
}

static void on_mistake(void *ctx, struct stream *stream, const char *what) {
  const struct compress_handler *compress = ctx;
  if (compress->inner->mistake) compress->inner->mistake(compress->inner->ctx, stream, what);
}

static void on_ended(void *ctx, struct stream *stream, const struct stream_facts *facts) {
  const struct compress_handler *compress = ctx;
  if (compress->inner->ended) compress->inner->ended(compress->inner->ctx, stream, facts);
}

const struct handler *compress_handler_init(struct compress_handler *compress,
                                            struct compressor *compressor,
                                            const struct handler *inner) {
  *compress = (struct compress_handler){.handler = {.ctx = compress,
                                                    .request = on_request,
                                                    .mistake = on_mistake,
                                                    .protocols = inner->protocols,
                                                    .ended = on_ended},
                                        .inner = inner,
                                        .compressor = compressor};
  return &compress->handler;
}
