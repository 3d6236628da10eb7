/*
 * spec/diff_frames.h - the frames of the differential test: random, and mostly valid in the
 * connection's state. Each function sends one message or frame to both engines, or nothing if there
 * is no stream for it, and describes it.
 */
#ifndef WEIR_TESTS_DIFF_FRAMES_H
#define WEIR_TESTS_DIFF_FRAMES_H

#include "tests/spec/diff_source.h"

/* Whether a stream is open on which the peer's message is incomplete. */
bool diff_frames_any_open(const struct diff_source *source);

/* A live stream, even if the peer's message is complete. Rarely, any identifier. */
uint32_t diff_frames_live_id(struct diff_source *source);

/* A request to servers; to clients the header section of a response. */
void diff_frames_message(struct diff_source *source);

void diff_frames_trailers(struct diff_source *source);

/* PING, PRIORITY, RST_STREAM, WINDOW_UPDATE, SETTINGS, an unknown type, or DATA. */
void diff_frames_control(struct diff_source *source);

/* PUSH_PROMISE, to clients. */
void diff_frames_promise(struct diff_source *source);

/* Something invalid. */
void diff_frames_nonsense(struct diff_source *source);

#endif
