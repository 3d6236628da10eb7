/*
 * http/request_copy.h - a request that outlives the section in which it came.
 *
 * Memory: the caller's, one piece for the fields and their strings.
 */
#ifndef WEIR_REQUEST_COPY_H
#define WEIR_REQUEST_COPY_H

#include "engine/http/stream.h"

/* How much room a copy of the request's fields takes. */
size_t request_copy_bytes(const struct request *request);

/* Copies the fields to `room`, which is aligned for struct header and as large as request_copy_bytes() says, and makes
 * `list` of them. The request, whose spans are those of its fields, then refers to the copy. Names that have a token
 * are static, and stay where they are; the request is for no tunnel. */
void request_copy(struct request *request, struct headers *list, void *room);

#endif
