/*
 * spec/diff_frames.h - the frames of the differential test: random, and mostly what a peer may send in
 * the state that the connection is in. Each function sends one message or frame to both engines, or
 * nothing where it finds no stream for it, and describes it.
 */
#ifndef WEIR_TESTS_DIFF_FRAMES_H
#define WEIR_TESTS_DIFF_FRAMES_H

#include "tests/spec/diff_source.h"

/* Is a stream open on which the peer's message is not complete? */
bool diff_frames_any_open(const struct diff_source *source);

/* A stream that lives, even if the peer's message is complete; rarely any identifier. */
uint32_t diff_frames_live_id(struct diff_source *source);

/* A request to servers; to clients the header section of a response. */
void diff_frames_message(struct diff_source *source);

void diff_frames_trailers(struct diff_source *source);

/* PING, PRIORITY, RST_STREAM, WINDOW_UPDATE, SETTINGS, an unknown type, or DATA. */
void diff_frames_control(struct diff_source *source);

/* PUSH_PROMISE, to clients. */
void diff_frames_promise(struct diff_source *source);

/* Something that no peer may do. */
void diff_frames_nonsense(struct diff_source *source);

#endif
