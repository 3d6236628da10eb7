/*
 * h2/data.h - received DATA frames: who gets them, and whether the windows and content-length allow
 * them.
 * Spec: RFC 9113 sections 5.2, 6.1, 6.9 and 8.1.1.
 *
 * DATA passes through in spans, whatever part of a frame has arrived. It is charged to the windows
 * once, when its header has.
 */
#ifndef WEIR_H2_DATA_H
#define WEIR_H2_DATA_H

#include "engine/base/text.h"
#include "engine/h2/frame.h"

struct h2;

/* The frame header in the reader is that of a DATA frame that may come now. */
void h2_data_begin(struct h2 *h2);

/* The phases H2_READ_PADLEN and H2_READ_DATA: each takes bytes of `in` and returns how many. */
size_t h2_data_padlen(struct h2 *h2, struct span in);
size_t h2_data_take(struct h2 *h2, struct span in);

/* Client role, between frames: DATA on a stream that is not 0, with its whole payload `bytes`. True if the
 * frame is handled: it is valid, and has no padding. Else nothing has happened, and the frame goes the
 * general way, where errors are found. */
__attribute__((warn_unused_result)) bool
h2_data_whole(struct h2 *h2, const struct h2_frame_header *frame, struct span bytes);

#endif
