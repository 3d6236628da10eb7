/*
 * http/syntax.h - the grammar of what requests consist of: tokens, schemes, paths and authorities.
 * Spec: RFC 9110 sections 4 and 5.6.2, RFC 3986 section 3.
 */
#ifndef WEIR_SYNTAX_H
#define WEIR_SYNTAX_H

#include "engine/base/text.h"

/* A token: a method, a field name. */
bool syntax_is_token(struct span text);

/* A protocol to upgrade to: a token, perhaps with a version behind '/' (RFC 9110 section 7.8). */
bool syntax_is_protocol(struct span text);

bool syntax_is_scheme(struct span text);

/* A path with its query: '/', then visible ASCII characters (RFC 3986 section 3.3; others are percent-encoded). '#' is
 * none of them: a fragment is never sent (RFC 9110 section 7.1). */
bool syntax_is_path(struct span text);

/* host[:port], without userinfo. `port_needed`: as for CONNECT. */
bool syntax_is_authority(struct span text, bool port_needed);

/* The authority without an empty port, or one that the scheme implies (RFC 9110 section 4.2.3). */
struct span syntax_normal_authority(struct span authority, struct span scheme);

/* Whether two authorities name the same host and port in a URI of `scheme`. */
bool syntax_same_authority(struct span a, struct span b, struct span scheme);

#endif
