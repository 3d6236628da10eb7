/*
 * h2/block.h - received header blocks: HEADERS or PUSH_PROMISE, then CONTINUATION.
 */
#ifndef WEIR_H2_BLOCK_H
#define WEIR_H2_BLOCK_H

#include "engine/h2/frame.h"
#include "engine/http/stream.h"

struct h2;
struct http_upgrade;

/* HEADERS or PUSH_PROMISE. `fate` is what the frame and the state of its stream have earned:
 * H2_ACCEPT, or why the block is decoded and then dropped. The result is about the frame's stream.
 */
__attribute__((warn_unused_result)) struct h2_verdict
h2_block_begin(struct h2 *h2, const struct h2_frame *frame, struct h2_verdict fate);

/* Server role, between blocks: HEADERS that opens a stream, with all of its block, padding and priority
 * aside. Its identifier is the peer's and higher than all before. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_block_request(struct h2 *h2, const struct h2_frame_header *frame, struct span block);

/* CONTINUATION of the open block. */
__attribute__((warn_unused_result)) struct h2_verdict
h2_block_continue(struct h2 *h2, const struct h2_frame *frame);

/* Client role, between frames: HEADERS on a stream that is not 0, with its whole payload `block`. True if the
 * frame is handled: it is a response that has come before in the same bytes (h2/response_memo.h), and its handler
 * needs no fields. Else nothing has happened, and the frame goes the general way. */
__attribute__((warn_unused_result)) bool
h2_block_whole(struct h2 *h2, const struct h2_frame_header *frame, struct span block);

/* The request of a connection that was HTTP/1.1 becomes stream 1, half-closed (h2/upgrade.h). */
void h2_block_upgraded(struct h2 *h2, const struct http_upgrade *upgrade);

/* Frees the open block, if there is one. */
void h2_block_drop(struct h2 *h2);

#endif
