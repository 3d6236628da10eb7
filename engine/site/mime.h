/*
 * site/mime.h - the media type that a file's name suggests.
 * Spec: RFC 9110 section 8.3; the IANA registry of media types; RFC 9239 (JavaScript is text).
 */
#ifndef WEIR_MIME_H
#define WEIR_MIME_H

#include "engine/base/machine.h"

/* The longest type. Derived from the table of mime.c, where the compiler refuses a longer one. */
enum { MIME_TYPE_BYTES_MAX = 73 };

/* The value of Content-Type for a path, by what follows the last dot of its last segment, letters
 * compared without case; or by all of that segment, for a few names without a dot. Text has
 * charset=utf-8. application/octet-stream when nothing is known. Static text. */
struct span mime_type(struct span path);

/* The part of the path that tells its type: what follows the last dot of its last segment, unless that dot begins
 * it; else empty. */
struct span mime_extension(struct span path);

/* Whether mime_type() knows more of the path than that it is bytes. */
__attribute__((warn_unused_result)) bool mime_is_known(struct span path);

/* Whether content of that type, which may have parameters, becomes much smaller when it is compressed: text,
 * what is written like text, and WebAssembly. */
bool mime_is_compressible(struct span type);

/* Whether a file of that name is gzip inside, though its type is of what is in it: .svgz. */
bool mime_is_gzipped(struct span path);

#endif
