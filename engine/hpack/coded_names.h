/*
 * hpack/coded_names.h - known field names by their Huffman-coded form (RFC 7541 section 5.2). A string has
 * only one, so that a name can be told without decoding it, and one that is not found here is not known.
 */
#ifndef WEIR_HPACK_CODED_NAMES_H
#define WEIR_HPACK_CODED_NAMES_H

#include "engine/http/headers.h"

/* The token of the name that decodes from `coded`. */
enum header_token coded_names_token_of(struct span coded);

#endif
