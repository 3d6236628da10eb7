/*
 * hpack/encode.c - see hpack/encode.h.
 *
 * What is done with a field:
 *
 *   in the static or the dynamic table       its index
 *   credential, or flagged so                literal, never indexed: it must not be guessed by
 *                                            watching sizes (RFC 7541 section 7.1; CRIME)
 *   too large for the table                  literal
 *   flagged as one that varies               literal, once its name has an index
 *   of a kind that seldom repeats, or of     on probation: literal the first time, indexed when the
 *   a name whose value has changed           same field comes again soon
 *   any other                                literal, indexed
 *
 * Probation keeps fields that are sent once (a length, a path, an entity tag) from pushing out
 * those that are always sent, and still indexes them where a peer asks for the same things again
 * and again. `date` is on probation too. On a connection with at most one response a second it
 * never enters the table. On a busy one it costs one more literal of 23 bytes each second, and an
 * entry of 65 bytes; so about once a minute the fields that every response repeats are pushed out
 * and inserted again.
 *
 * Responses often repeat as a whole. A block of nothing but indices is kept under the key that the
 * caller gives, until anything is inserted or evicted; to send it again costs a copy of a few
 * bytes.
 *
 * Most fields that come again are the newest entry of their name, which is looked at first. The lookup
 * structure finds the newest entry of equal hash and from there older ones, each by its number. Nothing
 * is removed on eviction: a number that no live entry has, or one that is newer than the entry pointing
 * to it, ends the walk.
 */
#include "engine/hpack/encode.h"

#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/likely.h"

enum {
  /* Heads of hash chains: twice the entries a table can have. */
  BUCKETS = 2 * HPACK_TABLE_ENTRIES_MAX,
};

static_assert(HPACK_TABLE_ENTRIES_MAX <= UINT8_MAX + 1, "numbers are 8 bits");
static_assert((int)TOKEN_COUNT <= (int)BUCKETS, "so are tokens");
static_assert(HPACK_BLOCKS_KEPT_COUNT <= 8, "a bit each in kept_valid");

/* From hash to entry number, in two instances: by name and value, by name. */
struct chains {
  uint32_t hash[HPACK_TABLE_ENTRIES_MAX]; /* of the entry with this number */
  uint8_t older[HPACK_TABLE_ENTRIES_MAX]; /* the next older one of the same bucket */
  uint8_t newest[BUCKETS];
};

struct kept {
  struct hpack_block_key key;
  uint8_t len;
  uint8_t block[HPACK_BLOCK_KEPT_BYTES_MAX];
};

struct hpack_lookup {
  struct kept kept[HPACK_BLOCKS_KEPT_COUNT]; /* each at its place by key */
  uint8_t kept_valid;                        /* 1 << place of those that are still right */
  struct chains fields, names;
  uint32_t probation[HPACK_PROBATION_COUNT]; /* hashes of fields sent as literals lately */
};

enum policy { POLICY_INDEX, POLICY_PROBATION, POLICY_NEVER, POLICY_COOKIE };

static const uint8_t policy_of[TOKEN_COUNT] = {
    [TOKEN_AUTHORIZATION] = POLICY_NEVER,
    [TOKEN_PROXY_AUTHORIZATION] = POLICY_NEVER,
    [TOKEN_SET_COOKIE] = POLICY_NEVER,
    [TOKEN_COOKIE] = POLICY_COOKIE,
    [TOKEN_PATH] = POLICY_PROBATION,
    [TOKEN_AGE] = POLICY_PROBATION,
    [TOKEN_CONTENT_LENGTH] = POLICY_PROBATION,
    [TOKEN_CONTENT_LOCATION] = POLICY_PROBATION,
    [TOKEN_CONTENT_RANGE] = POLICY_PROBATION,
    [TOKEN_DATE] = POLICY_PROBATION,
    [TOKEN_ETAG] = POLICY_PROBATION,
    [TOKEN_EXPIRES] = POLICY_PROBATION,
    [TOKEN_IF_MATCH] = POLICY_PROBATION,
    [TOKEN_IF_MODIFIED_SINCE] = POLICY_PROBATION,
    [TOKEN_IF_NONE_MATCH] = POLICY_PROBATION,
    [TOKEN_IF_RANGE] = POLICY_PROBATION,
    [TOKEN_IF_UNMODIFIED_SINCE] = POLICY_PROBATION,
    [TOKEN_LAST_MODIFIED] = POLICY_PROBATION,
    [TOKEN_LINK] = POLICY_PROBATION,
    [TOKEN_LOCATION] = POLICY_PROBATION,
    [TOKEN_RANGE] = POLICY_PROBATION,
    [TOKEN_REFERER] = POLICY_PROBATION,
    [TOKEN_RETRY_AFTER] = POLICY_PROBATION,
    [TOKEN_SEC_WEBSOCKET_KEY] = POLICY_PROBATION,
    [TOKEN_SEC_WEBSOCKET_ACCEPT] = POLICY_PROBATION,
};

/* First octets of representations (sections 6.1 to 6.3), and how many bits of each begin an
 * integer. */
struct form {
  uint8_t octet, prefix_bits;
};

static const struct form form_indexed = {0x80, 7}, form_literal_indexed = {0x40, 6},
                         form_literal = {0x00, 4}, form_literal_never = {0x10, 4},
                         form_size_update = {0x20, 5}, form_string = {0x00, 7},
                         form_string_huffman = {0x80, 7};

/* ---- hashes --------------------------------------------------------------------------------- */

/* Odd, with bits all over: the fractional part of the square root of 2. */
static const uint64_t hash_factor_too = 0x6a09e667f3bcc909u;

/* As hash_of() of base/hash.h, but sixteen octets a step, and up to sixteen in the last two, which overlap those
 * before. Its quality only matters for speed: a chain is never longer than the table. */
static inline uint64_t hash_string(uint64_t hash, struct span string) {
  const uint8_t *at = string.base;
  const size_t len = string.len;
  hash = hash_mix(hash, len);
  if (len >= 8) {
    for (size_t i = 0; i + 16 < len; i += 16)
      hash = hash_mix(hash, hash_load(at + i, 8) + hash_load(at + i + 8, 8) * hash_factor_too);
    const size_t rest = len < 16 ? 0 : len - 16;
    return hash_mix(hash, hash_load(at + rest, 8) + hash_load(at + len - 8, 8) * hash_factor_too);
  }
  if (len >= 4) return hash_mix(hash, hash_load(at, 4) << 32 | hash_load(at + len - 4, 4));
  if (len > 0) return hash_mix(hash, (uint64_t)at[0] << 16 | at[len / 2] << 8 | at[len - 1]);
  return hash;
}

/* A token finds a bucket of its own. */
static inline uint64_t hash_name(const struct header *field) {
  return field->token == TOKEN_UNKNOWN ? hash_string(0, field->name) : field->token;
}

static inline uint32_t hash_field(const struct header *field) {
  return (uint32_t)hash_string(hash_name(field), field->value);
}

/* ---- the lookup structure ------------------------------------------------------------------- */

static inline uint32_t bucket_of(uint32_t hash) {
  return hash & (BUCKETS - 1);
}

typedef bool entry_equal(const struct hpack_table *table, const struct hpack_entry *entry,
                         const struct header *field);

static bool field_equal(const struct hpack_table *table, const struct hpack_entry *entry,
                        const struct header *field) {
  return hpack_table_value_equal(table, entry, field) &&
         hpack_table_name_equal(table, entry, field);
}

/* The HPACK index of the newest entry that equals `field`, or 0. */
static inline uint32_t find(const struct hpack_table *table, const struct chains *chains,
                            uint32_t hash, const struct header *field, entry_equal *equal) {
  uint32_t number = chains->newest[bucket_of(hash)];
  for (uint32_t newer = 0;;) {
    const uint32_t age = hpack_table_age(table, number);
#ifdef WEIR_CANARY_STALE_HPACK /* a bug on demand, which the simulation must find */
    if (age == table->count && chains->hash[number] == hash) return HPACK_STATIC_COUNT + 1 + age;
#endif
    if (age < newer || age >= table->count) return 0;
    if (chains->hash[number] == hash) {
      if (likely(equal(table, hpack_table_at(table, age), field)))
        return HPACK_STATIC_COUNT + 1 + age;
    } else if (bucket_of(chains->hash[number]) != bucket_of(hash)) {
      return 0;
    }
    newer = age + 1;
    number = chains->older[number];
  }
}

/* The HPACK index of the newest entry with the token of `field`, which has one, if that equals `field` and its value
 * lies in one piece; or 0. Most fields that come again have the value that they had last. */
static inline uint32_t find_last(const struct hpack_table *table, const struct chains *names,
                                 const struct header *field) {
  const uint32_t age = hpack_table_age(table, names->newest[field->token]);
  if (age >= table->count) return 0;
  const struct hpack_entry *entry = hpack_table_at(table, age);
  const size_t len = field->value.len;
  if (entry->token != field->token || entry->value_len != len) return 0;
  if (entry->offset + len > table->capacity) return 0;
  if (!text_same(table->strings + entry->offset, field->value.base, len)) return 0;
  return HPACK_STATIC_COUNT + 1 + age;
}

/* Links an entry that is newer than all that are linked, and has this hash. */
static void remember(const struct hpack_table *table, uint32_t age, struct chains *chains,
                     uint32_t hash) {
  const uint32_t number = hpack_table_number(table, age);
  chains->hash[number] = hash;
  chains->older[number] = chains->newest[bucket_of(hash)];
  chains->newest[bucket_of(hash)] = (uint8_t)number;
}

/* Whether the field with this hash was sent lately. Remembers that it is sent now. */
static bool probation_passed(struct hpack_lookup *lookup, uint32_t hash) {
  const uint32_t sets = HPACK_PROBATION_COUNT / HPACK_PROBATION_WAYS;
  uint32_t *seen = &lookup->probation[hash % sets * HPACK_PROBATION_WAYS];
  for (unsigned i = 0; i < HPACK_PROBATION_WAYS; i++)
    if (seen[i] == hash) return true;
  memmove(seen + 1, seen, (HPACK_PROBATION_WAYS - 1) * sizeof *seen);
  seen[0] = hash;
  return false;
}

/* ---- what goes on the wire ------------------------------------------------------------------ */

/* Section 5.1. */
static inline uint8_t *put_integer(uint8_t *out, struct form form, size_t value) {
  const size_t ones = (1u << form.prefix_bits) - 1;
  if (likely(value < ones)) {
    *out++ = form.octet | (uint8_t)value;
    return out;
  }
  *out++ = form.octet | (uint8_t)ones;
  for (value -= ones; value >= 0x80; value >>= 7)
    *out++ = 0x80 | (value & 0x7f);
  *out++ = (uint8_t)value;
  return out;
}

/* A string whose code is shorter; NULL when it is not. The code is written at once behind a length of
 * one octet, and its own length is computed first only where it may need more. */
static inline uint8_t *put_huffman(uint8_t *out, struct span string) {
  if (string.len == 0) return NULL;
  if (likely(string.len < 1u << form_string.prefix_bits)) {
    uint8_t *end = huffman_encode(string, out + 1, string.len - 1);
    if (end) put_integer(out, form_string_huffman, (size_t)(end - out - 1));
    return end;
  }
  const size_t len = huffman_encode_len(string);
  if (len >= string.len) return NULL;
  return huffman_encode(string, put_integer(out, form_string_huffman, len), len);
}

/* Huffman coding where it is shorter (section 5.2). */
static uint8_t *put_string(uint8_t *out, struct span string) {
  uint8_t *end = put_huffman(out, string);
  if (likely(end)) return end;
  out = put_integer(out, form_string, string.len);
  if (string.len > 0) memcpy(out, string.base, string.len);
  return out + string.len;
}

static uint8_t *put_literal(uint8_t *out, struct form form, uint32_t name_index,
                            const struct header *field) {
  out = put_integer(out, form, name_index);
  if (name_index == 0) out = put_string(out, field->name);
  return put_string(out, field->value);
}

/* ---- decisions ------------------------------------------------------------------------------ */

/* The static entry that equals `field`, or 0. */
static inline uint32_t find_static(const struct header *field) {
  const uint32_t first = hpack_static_first[field->token],
                 count = hpack_static_entries[field->token];
  const size_t len = field->value.len;
  for (uint32_t i = first; i < first + count; i++)
    if (hpack_static[i].value.len == len &&
        text_same(hpack_static[i].value.base, field->value.base, len))
      return i;
  return 0;
}

static bool is_secret(const struct header *field) {
  if (field->flags & HEADER_NEVER_INDEX) return true;
  const enum policy policy = policy_of[field->token];
  return policy == POLICY_NEVER ||
         (policy == POLICY_COOKIE && field->value.len < HPACK_COOKIE_BYTES_MIN);
}

/* An entry of more than three quarters of the table would leave room for little else. */
static bool is_too_large(const struct hpack_encoder *encoder, const struct header *field) {
  const size_t bytes_max = encoder->table.bytes_max / 4 * 3;
  return field->name.len > bytes_max || field->value.len > bytes_max ||
         field->name.len + field->value.len + HPACK_ENTRY_OVERHEAD > bytes_max;
}

/* Links all entries, the oldest first. */
static void remember_all(const struct hpack_encoder *encoder) {
  uint8_t strings[HPACK_TABLE_BYTES_MAX];
  const struct hpack_table *table = &encoder->table;
  for (uint32_t age = table->count; age-- > 0;) {
    const struct hpack_entry *entry = hpack_table_at(table, age);
    const size_t name_len = hpack_entry_stored_name_len(entry);
    hpack_table_copy(table, entry, strings);
    const struct header field = {.name = span_of(strings, name_len),
                                 .value = span_of(strings + name_len, entry->value_len),
                                 .token = entry->token};
    remember(table, age, &encoder->lookup->fields, hash_field(&field));
    remember(table, age, &encoder->lookup->names, (uint32_t)hash_name(&field));
  }
}

/* False when memory was refused: fields then stay literals. */
static bool have_lookup(struct hpack_encoder *encoder) {
  if (likely(encoder->lookup)) return true;
  encoder->lookup = memory_alloc(encoder->table.memory, sizeof(*encoder->lookup));
  if (!encoder->lookup) return false;
  memset(encoder->lookup, 0, sizeof(*encoder->lookup));
  if (encoder->table.count > 0) remember_all(encoder);
  return true;
}

static bool insert(struct hpack_encoder *encoder, const struct header *field, uint32_t hash,
                   uint32_t name_hash) {
  struct hpack_table *table = &encoder->table;
  encoder->lookup->kept_valid = 0;
  if (!hpack_table_insert(table, field)) return false;
  remember(table, 0, &encoder->lookup->fields, hash);
  remember(table, 0, &encoder->lookup->names, name_hash);
  return true;
}

static uint32_t find_name(const struct hpack_encoder *encoder, const struct header *field,
                          uint32_t name_hash) {
  if (hpack_static_first[field->token]) return hpack_static_first[field->token];
  if (!encoder->lookup) return 0;
  return find(&encoder->table, &encoder->lookup->names, name_hash, field, hpack_table_name_equal);
}

/* Whether a field that is in no table goes into ours. A name that the dynamic table holds
 * with another value has shown that its values change. */
static bool wants_index(struct hpack_encoder *encoder, const struct header *field, uint32_t hash,
                        uint32_t name_index) {
  if (is_too_large(encoder, field) || !have_lookup(encoder)) return false;
  const bool changes =
      policy_of[field->token] == POLICY_PROBATION || name_index > HPACK_STATIC_COUNT;
  return !changes || probation_passed(encoder->lookup, hash);
}

__attribute__((noinline)) static uint8_t *encode_secret(struct hpack_encoder *encoder,
                                                        const struct header *field, uint8_t *out) {
  const uint32_t name_index = find_name(encoder, field, (uint32_t)hash_name(field));
  encoder->indices_only = false;
  return put_literal(out, form_literal_never, name_index, field);
}

__attribute__((noinline)) static uint8_t *encode_literal(struct hpack_encoder *encoder,
                                                         const struct header *field, uint32_t hash,
                                                         uint8_t *out) {
  const uint32_t name_hash = (uint32_t)hash_name(field);
  encoder->indices_only = false;
  /* The index counts from before the insertion. */
  const uint32_t name_index = find_name(encoder, field, name_hash);
  const bool indexed =
      wants_index(encoder, field, hash, name_index) && insert(encoder, field, hash, name_hash);
  return put_literal(out, indexed ? form_literal_indexed : form_literal, name_index, field);
}

/* Its value is not looked for, because it does not come again. */
__attribute__((noinline)) static uint8_t *encode_varied(struct hpack_encoder *encoder,
                                                        const struct header *field, uint8_t *out) {
  const uint32_t name_index = find_name(encoder, field, (uint32_t)hash_name(field));
  if (name_index == 0) return encode_literal(encoder, field, hash_field(field), out);
  encoder->indices_only = false;
  return put_literal(out, form_literal, name_index, field);
}

/* What is in no static entry, and not the newest entry of its name. */
__attribute__((noinline)) static uint8_t *encode_by_hash(struct hpack_encoder *encoder,
                                                         const struct header *field, uint8_t *out) {
  const uint32_t hash = field->memo ? field->memo : hash_field(field);
  if (likely(encoder->lookup)) {
    const uint32_t index =
        find(&encoder->table, &encoder->lookup->fields, hash, field, field_equal);
    if (index) return put_integer(out, form_indexed, index);
  }
  return encode_literal(encoder, field, hash, out);
}

/* `field` has the token of its name, if there is one. */
__attribute__((always_inline)) static inline uint8_t *
encode_known(struct hpack_encoder *encoder, const struct header *field, uint8_t *out) {
  if (unlikely(is_secret(field))) return encode_secret(encoder, field, out);
  if (unlikely(field->flags & HEADER_VARIES)) return encode_varied(encoder, field, out);
  uint32_t index = find_static(field);
  if (!index && field->token != TOKEN_UNKNOWN && likely(encoder->lookup))
    index = find_last(&encoder->table, &encoder->lookup->names, field);
  if (likely(index)) return put_integer(out, form_indexed, index);
  return encode_by_hash(encoder, field, out);
}

/* The field with the token of its name, if there is one. */
static struct header known_of(const struct header *field) {
  struct header known = *field;
  if (known.token == TOKEN_UNKNOWN) known.token = (uint16_t)header_token_of(field->name);
  return known;
}

__attribute__((noinline)) static uint8_t *encode_unknown(struct hpack_encoder *encoder,
                                                         const struct header *field, uint8_t *out) {
  const struct header known = known_of(field);
  return encode_known(encoder, &known, out);
}

uint8_t *hpack_encode_field(struct hpack_encoder *encoder, const struct header *field,
                            uint8_t *out) {
  return unlikely(field->token == TOKEN_UNKNOWN) ? encode_unknown(encoder, field, out)
                                                 : encode_known(encoder, field, out);
}

void hpack_encode_note(struct header *field) {
  const struct header known = known_of(field);
  field->memo = hash_field(&known);
}

uint8_t *hpack_encode_begin(struct hpack_encoder *encoder, uint8_t *out) {
  encoder->indices_only = true;
  if (unlikely(!encoder->lookup) && encoder->table.count > 0)
    (void)have_lookup(encoder); /* after a rest */
  if (likely(encoder->limit_bytes_least == encoder->table.bytes_max &&
             encoder->limit_bytes == encoder->table.bytes_max))
    return out;
  if (encoder->limit_bytes_least < encoder->limit_bytes &&
      encoder->limit_bytes_least < encoder->table.bytes_max) {
    hpack_table_resize(&encoder->table, encoder->limit_bytes_least);
    out = put_integer(out, form_size_update, encoder->limit_bytes_least);
  }
  hpack_table_resize(&encoder->table, encoder->limit_bytes);
  encoder->limit_bytes_least = encoder->limit_bytes;
  return put_integer(out, form_size_update, encoder->limit_bytes);
}

/* ---- whole blocks --------------------------------------------------------------------------- */

static unsigned kept_place(struct hpack_block_key key) {
  return (unsigned)(hash_mix(0, key.list) % HPACK_BLOCKS_KEPT_COUNT);
}

void hpack_encode_keep(struct hpack_encoder *encoder, struct hpack_block_key key,
                       const uint8_t *begin, const uint8_t *end) {
  const size_t len = (size_t)(end - begin);
  if (!encoder->indices_only || !encoder->lookup || len > HPACK_BLOCK_KEPT_BYTES_MAX) return;
  const unsigned place = kept_place(key);
  struct kept *kept = &encoder->lookup->kept[place];
  kept->key = key;
  kept->len = (uint8_t)len;
  memcpy(kept->block, begin, len);
  encoder->lookup->kept_valid |= (uint8_t)(1u << place);
}

uint8_t *hpack_encode_again(const struct hpack_encoder *encoder, struct hpack_block_key key,
                            uint8_t *out) {
  if (!encoder->lookup) return NULL;
  const unsigned place = kept_place(key);
  const struct kept *kept = &encoder->lookup->kept[place];
  const bool valid = encoder->lookup->kept_valid >> place & 1;
  if (!valid || kept->key.list != key.list || kept->key.time != key.time) return NULL;
  memcpy(out, kept->block, sizeof kept->block); /* all of it: a constant length is copied faster */
  return out + kept->len;
}

size_t hpack_encode(struct hpack_encoder *encoder, const struct header *fields, size_t count,
                    uint8_t *out) {
  uint8_t *at = hpack_encode_begin(encoder, out);
  for (size_t i = 0; i < count; i++)
    at = hpack_encode_field(encoder, &fields[i], at);
  return (size_t)(at - out);
}

size_t hpack_encode_bound(const struct header *fields, size_t count) {
  size_t bound = HPACK_ENCODE_BLOCK_BYTES_MAX;
  for (size_t i = 0; i < count; i++)
    bound += hpack_encode_field_bound(&fields[i]);
  return bound;
}

void hpack_encoder_init(struct hpack_encoder *encoder, const struct memory *memory) {
  *encoder = (struct hpack_encoder){.limit_bytes = HPACK_TABLE_BYTES_MAX,
                                    .limit_bytes_least = HPACK_TABLE_BYTES_MAX};
  hpack_table_init(&encoder->table, memory, HPACK_TABLE_BYTES_MAX);
}

void hpack_encoder_rest(struct hpack_encoder *encoder) {
  memory_free(encoder->table.memory, encoder->lookup, sizeof(*encoder->lookup));
  encoder->lookup = NULL;
  hpack_table_trim(&encoder->table);
}

void hpack_encoder_destroy(struct hpack_encoder *encoder) {
  memory_free(encoder->table.memory, encoder->lookup, sizeof(*encoder->lookup));
  encoder->lookup = NULL;
  hpack_table_destroy(&encoder->table);
}

void hpack_encoder_set_limit(struct hpack_encoder *encoder, uint32_t peer_bytes) {
  const uint32_t bytes = peer_bytes < HPACK_TABLE_BYTES_MAX ? peer_bytes : HPACK_TABLE_BYTES_MAX;
  encoder->limit_bytes = bytes;
  if (bytes < encoder->limit_bytes_least) encoder->limit_bytes_least = bytes;
  if (encoder->lookup) encoder->lookup->kept_valid = 0; /* the next block begins with the change */
}
