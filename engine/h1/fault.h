/*
 * h1/fault.h - what a peer's errors and nuisances cost it, and what the engine itself answers.
 *
 * HTTP/1.1 can end an exchange early only with its connection. A request that cannot be answered as its
 * handler wants gets a short answer of the engine, if none has begun; else its answer is cut.
 */
#ifndef WEIR_H1_FAULT_H
#define WEIR_H1_FAULT_H

#include "engine/h1/connection.h"

/* Answers `status` with one line of text, and ends the connection behind it. `reason` is a static text
 * or NULL. The handler does not hear of the stream any more. */
void h1_fault_answer(struct h1_stream *stream, unsigned status, const char *reason);

/* Notes, before a head is refused, whether it is of HEAD, whose answers have no content: it may be
 * incomplete, and begins with these bytes. */
void h1_fault_note(struct h1 *h1, struct span begin);

/* The same for a head that did not become a request; counts it. Nothing more is read. A client's
 * connection ends instead, and its owner gets the reason. */
void h1_fault_head(struct h1 *h1, unsigned status, const char *reason);

/* Ends a stream early. `status` is what the client gets if no answer has begun. */
void h1_fault_abort(struct h1_stream *stream, unsigned status, uint32_t code);

/* A chunk of that many bytes has begun. False: it was one small chunk too many, and the stream
 * has ended. */
__attribute__((warn_unused_result)) bool h1_fault_charge_chunk(struct h1_stream *stream,
                                                               uint64_t bytes);

#endif
