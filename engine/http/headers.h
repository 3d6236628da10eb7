/*
 * http/headers.h - a list of header fields in the order they were received (RFC 9110 section 5),
 * and the names this engine knows by number.
 *
 * Ownership: the caller of headers_init() lends the list and its arena; nothing here allocates.
 * Spans of a field point into the arena, into static tables, or into bytes that the caller lent for
 * as long as the list is in use.
 * Bound: headers_add() refuses what would exceed `max` fields or `list_bytes_max`; the list is then
 * `overflowed` and stays so until headers_clear(), while a decoder goes on in order to keep its
 * state.
 */
#ifndef WEIR_HEADERS_H
#define WEIR_HEADERS_H

#include "engine/base/text.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Known field names. Tokens 1 .. 52 are the distinct names of the HPACK static table in its order;
 * those after are names that message rules or handlers look for. 0: any other name. */
enum header_token {
  TOKEN_UNKNOWN = 0,
  TOKEN_AUTHORITY,
  TOKEN_METHOD,
  TOKEN_PATH,
  TOKEN_SCHEME,
  TOKEN_STATUS,
  TOKEN_ACCEPT_CHARSET,
  TOKEN_ACCEPT_ENCODING,
  TOKEN_ACCEPT_LANGUAGE,
  TOKEN_ACCEPT_RANGES,
  TOKEN_ACCEPT,
  TOKEN_ACCESS_CONTROL_ALLOW_ORIGIN,
  TOKEN_AGE,
  TOKEN_ALLOW,
  TOKEN_AUTHORIZATION,
  TOKEN_CACHE_CONTROL,
  TOKEN_CONTENT_DISPOSITION,
  TOKEN_CONTENT_ENCODING,
  TOKEN_CONTENT_LANGUAGE,
  TOKEN_CONTENT_LENGTH,
  TOKEN_CONTENT_LOCATION,
  TOKEN_CONTENT_RANGE,
  TOKEN_CONTENT_TYPE,
  TOKEN_COOKIE,
  TOKEN_DATE,
  TOKEN_ETAG,
  TOKEN_EXPECT,
  TOKEN_EXPIRES,
  TOKEN_FROM,
  TOKEN_HOST,
  TOKEN_IF_MATCH,
  TOKEN_IF_MODIFIED_SINCE,
  TOKEN_IF_NONE_MATCH,
  TOKEN_IF_RANGE,
  TOKEN_IF_UNMODIFIED_SINCE,
  TOKEN_LAST_MODIFIED,
  TOKEN_LINK,
  TOKEN_LOCATION,
  TOKEN_MAX_FORWARDS,
  TOKEN_PROXY_AUTHENTICATE,
  TOKEN_PROXY_AUTHORIZATION,
  TOKEN_RANGE,
  TOKEN_REFERER,
  TOKEN_REFRESH,
  TOKEN_RETRY_AFTER,
  TOKEN_SERVER,
  TOKEN_SET_COOKIE,
  TOKEN_STRICT_TRANSPORT_SECURITY,
  TOKEN_TRANSFER_ENCODING,
  TOKEN_USER_AGENT,
  TOKEN_VARY,
  TOKEN_VIA,
  TOKEN_WWW_AUTHENTICATE,
  /* not in the static table */
  TOKEN_PROTOCOL, /* :protocol, RFC 8441 */
  TOKEN_CONNECTION,
  TOKEN_KEEP_ALIVE,
  TOKEN_PROXY_CONNECTION,
  TOKEN_TE,
  TOKEN_TRAILER,
  TOKEN_UPGRADE,
  TOKEN_PRIORITY, /* RFC 9218 */
  TOKEN_HTTP2_SETTINGS,
  TOKEN_SEC_WEBSOCKET_KEY,
  TOKEN_SEC_WEBSOCKET_ACCEPT,
  TOKEN_SEC_WEBSOCKET_VERSION,
  TOKEN_SEC_WEBSOCKET_PROTOCOL,
  TOKEN_SEC_WEBSOCKET_EXTENSIONS,
  TOKEN_ORIGIN,
  TOKEN_COUNT
};

/* The decoder sets the BAD flags, and judges each field alone; the protocol decides what becomes of
 * a message with such a field (RFC 9113 section 8.1.1: malformed). */
enum {
  HEADER_NEVER_INDEX = 1, /* no compressor may put it into a table (RFC 7541 section 6.2.3) */
  HEADER_NAME_BAD = 2,    /* empty, or holds an upper-case letter, an inner colon, or anything else
                             that is not of a token (RFC 9113 section 8.2.1) */
  HEADER_VALUE_BAD = 4,   /* holds NUL, CR or LF, or SP or HTAB at an end (same section) */
  HEADER_PSEUDO_BAD = 8,  /* of a request's pseudo-header field: not what section 8.3.1 calls for */
  HEADER_VARIES = 16,     /* of a set: its value is another one each time the set is sent */
  HEADER_BAD = HEADER_NAME_BAD | HEADER_VALUE_BAD | HEADER_PSEUDO_BAD,
};

struct header {
  struct span name; /* lower case */
  struct span value;
  uint16_t token; /* enum header_token of `name` */
  uint8_t flags;  /* HEADER_* */
  uint32_t memo;  /* opaque: what the protocol noted about a field that is sent again and again; 0:
                     nothing. Code that changes the value sets it to 0. */
};

/* Opaque: what each protocol noted about a set when it first sent it; all zero: nothing. */
struct header_memo {
  uint64_t h2[2], h1[2];
};

/* Fields that are sent again and again as they are: those of a file, say. The maker of a set fills
 * in `at` and `count` and zeroes the rest; once sent, the fields must not change any more, except name and
 * value of those flagged HEADER_VARIES. A set belongs to one engine, whose protocols write its number and the
 * memos of the set and of its fields. */
struct header_set {
  struct header *at;
  uint32_t count;
  uint64_t number; /* the engine's, given when it is first sent as text; 0: none yet */
  struct header_memo memo;
};

/* What a field costs a list besides its strings (RFC 9113 section 6.5.2). */
enum { HEADER_OVERHEAD_BYTES = 32 }; /* fixed by that section */

struct headers {
  struct header *at;
  uint32_t count, max;
  size_t list_bytes;     /* sum of name + value + 32 over all fields seen, kept or not (RFC 9113
                            section 6.5.2); saturates */
  size_t list_bytes_max; /* SETTINGS_MAX_HEADER_LIST_SIZE */
  uint8_t *arena;        /* strings that had to be copied */
  size_t arena_used, arena_max;
  uint64_t tokens; /* header_bit() of all fields; 0: they were not noted */
  bool overflowed;
};

/* Keeps `fields` (max of them) and `arena` until the list is no longer used. */
void headers_init(struct headers *headers, struct header *fields, uint32_t max, uint8_t *arena,
                  size_t arena_bytes, size_t list_bytes_max);

void headers_clear(struct headers *headers);

/* Counts a field in list_bytes. True when there is room to keep it; otherwise the list is
 * overflowed. */
__attribute__((warn_unused_result)) static inline bool
headers_account(struct headers *headers, size_t name_len, size_t value_len) {
  const size_t bytes = name_len + value_len + HEADER_OVERHEAD_BYTES;
  const size_t sum = headers->list_bytes + bytes;
  headers->list_bytes = sum < bytes ? SIZE_MAX : sum;
  if (headers->list_bytes > headers->list_bytes_max || headers->count >= headers->max)
    headers->overflowed = true;
  return !headers->overflowed;
}

/* Appends a field whose spans outlive the list's use. On overflow the field is counted in
 * list_bytes, not kept. */
void headers_add(struct headers *headers, struct header field);

/* `bytes` bytes of arena, or NULL (and overflowed) when it is full. */
__attribute__((warn_unused_result)) uint8_t *headers_room(struct headers *headers, size_t bytes);

/* The bit of a token in a set of them. Tokens from 64 on share theirs with unknown names and pseudo-header
 * fields: where the bit is not set there is none of both. */
static inline uint64_t header_bit(unsigned token) {
  return 1ull << token % 64;
}

/* header_bit() of all fields: as they were noted, or by a walk over the list. */
uint64_t headers_tokens(const struct headers *headers);

/* The first field with this token, or NULL. */
const struct header *headers_find(const struct headers *headers, enum header_token token);

/* The same by name, in lower case: for names without a token. */
const struct header *headers_find_name(const struct headers *headers, const char *name);

/* Joins all cookie fields into one, at the place of the first (RFC 9113 section 8.2.3). False, and
 * overflowed, when the arena has no room. */
__attribute__((warn_unused_result)) bool headers_join_cookies(struct headers *headers);

/* The token of a lower-case name. */
enum header_token header_token_of(struct span name);

/* The flag that the bytes of a name, or of a value, get: HEADER_NAME_BAD or 0, HEADER_VALUE_BAD or
 * 0. */
uint8_t header_name_flags(struct span name);
uint8_t header_value_flags(struct span value);

static inline bool header_is_blank(uint8_t octet) {
  return octet == ' ' || octet == '\t';
}

/* The flag of a value that holds neither NUL, CR nor LF. */
static inline uint8_t header_value_end_flags(struct span value) {
  if (value.len == 0) return 0;
  const bool bad = header_is_blank(value.base[0]) || header_is_blank(value.base[value.len - 1]);
  return bad ? HEADER_VALUE_BAD : 0;
}

/* The last of the tokens that header_pseudo_flags() judges. */
enum { TOKEN_PSEUDO_LAST = TOKEN_SCHEME };

/* The flag that the value of a pseudo-header field gets: HEADER_PSEUDO_BAD or 0. The methods that some
 * values belong to are the message's concern: "*" passes as a path, and a host without a port as an
 * authority. 0 for all other fields. */
uint8_t header_pseudo_flags(unsigned token, struct span value);

/* The names of the tokens, by number; that of TOKEN_UNKNOWN is empty. */
extern const struct span header_token_names[TOKEN_COUNT];

/* Whether a field with this name is about the connection (RFC 9113 section 8.2.2). te is not among them, since
 * one value of it may cross. */
static inline bool header_token_is_of_connection(unsigned token) {
  return token == TOKEN_CONNECTION || token == TOKEN_KEEP_ALIVE || token == TOKEN_UPGRADE ||
         token == TOKEN_PROXY_CONNECTION || token == TOKEN_TRANSFER_ENCODING;
}

/* The name of a token (not TOKEN_UNKNOWN); empty for a number that is none. */
static inline struct span header_token_name(enum header_token token) {
  return header_token_names[token < TOKEN_COUNT ? token : TOKEN_UNKNOWN];
}

/* The token of a field that was made by hand, perhaps without one, or with a number that is none: then its
 * name decides. */
static inline enum header_token header_token_by_name(const struct header *field) {
  bool given = field->token != TOKEN_UNKNOWN && field->token < TOKEN_COUNT;
  return given ? (enum header_token)field->token : header_token_of(field->name);
}

/* A field of a known name. Keeps `value`. */
static inline struct header header_of(enum header_token token, struct span value) {
  struct header field = {header_token_name(token), value, (uint16_t)token, 0, 0};
  return field;
}

#ifdef __cplusplus
}
#endif

#endif
