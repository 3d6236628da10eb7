/*
 * tunnel/access.c - see tunnel/access.h.
 */
#include "tools/tunnel/access.h"

#include <openssl/crypto.h>
#include <string.h>

#include "engine/http/field_list.h"

/* Takes the same time for every token of the same length. */
static bool is_token(struct span given, const char *token) {
  return given.len == strlen(token) && CRYPTO_memcmp(given.base, token, given.len) == 0;
}

/* The token of "Bearer TOKEN"; empty: there is none. */
static struct span bearer(const struct headers *fields) {
  static const char scheme[] = "bearer ";
  const struct header *field = headers_find(fields, TOKEN_AUTHORIZATION);
  size_t len = sizeof scheme - 1;
  if (!field || field->value.len < len ||
      !span_is_ignoring_case(span_of(field->value.base, len), scheme))
    return span_of(NULL, 0);
  return field_trim(span_skip(field->value, len));
}

enum tunnel_admission access_check(const struct tunnel_access *access,
                                   const struct machine_peer *peer, const struct headers *fields,
                                   uint64_t age_ns) {
  if (access->token_count == 0 && !access->certificates) return ADMITTED;
  if (access->certificates && peer->verified) return ADMITTED;
  struct span token = bearer(fields);
  if (token.len == 0) return NO_TOKEN;
  bool known = false;
  for (unsigned i = 0; i < access->token_count; i++)
    known |= is_token(token, access->tokens[i]);
  if (!known) return TOKEN_WRONG;
  bool expired = access->token_seconds && age_ns >= access->token_seconds * SECOND_NS;
  return expired ? TOKEN_EXPIRED : ADMITTED;
}

const char *access_message(enum tunnel_admission admission) {
  switch (admission) {
  case NO_TOKEN: return "Unauthorized: neither a bearer token nor a client certificate was given";
  case TOKEN_EXPIRED: return "Unauthorized: the token has expired";
  default: return "Unauthorized: the token is not known here";
  }
}
