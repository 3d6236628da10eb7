/*
 * h2/block.h - header blocks that come in, over HEADERS or PUSH_PROMISE and CONTINUATION.
 */
#ifndef WEIR_H2_BLOCK_H
#define WEIR_H2_BLOCK_H

#include "engine/h2/frame.h"

struct h2;

/* HEADERS or PUSH_PROMISE. `fate` is what the frame and the stream's state already said:
 * H2_ACCEPT, or why the block is decoded and then dropped. The verdict is about the stream of the
 * frame. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_block_begin(struct h2 *h2, const struct h2_frame *frame, struct h2_verdict fate);

/* CONTINUATION, of the block that is open. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_block_continue(struct h2 *h2, const struct h2_frame *frame);

/* Frees what has come of a block. */
void h2_block_drop(struct h2 *h2);

#endif
