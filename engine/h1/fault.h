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

/* Opens the stream for the answer to a head that does not become a request, and counts it; nothing more is
 * read. NULL: there is no memory, and the connection has ended. */
__attribute__((warn_unused_result)) struct h1_stream *h1_fault_open(struct h1 *h1, unsigned status);

/* Client: the server broke the protocol. The connection ends, and its owner gets the reason. */
void h1_fault_server(struct h1 *h1, const char *reason);

/* Ends a stream early. `status` is what the client gets if no answer has begun. */
void h1_fault_abort(struct h1_stream *stream, unsigned status, uint32_t code);

/* A chunk of that many bytes has begun. False, for a server: it was one small chunk too many, and the stream
 * has ended. */
__attribute__((warn_unused_result)) bool h1_fault_charge_chunk(struct h1_stream *stream,
                                                               uint64_t bytes);

#endif
