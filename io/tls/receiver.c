/*
 * tls/receiver.c - see tls/receiver.h.
 *
 *     input -> next record, whole -> opened -> application data: appended to the plaintext
 *                                           -> handshake: bytes of messages, one after the other
 *                                           -> alert
 */
#include "io/tls/receiver.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "io/tls/alerts.h"
#include "io/tls/credit.h"

/* Fixed by RFC 8446. A record's payload may be 239 bytes longer by section 5.2, for ciphers that expand more. Ours with
 * that many has too long a plaintext by section 5.4, which is the same alert. A ticket has all vectors of section 4.6.1
 * as long as they can be. */
enum {
  HEADER_BYTES = TLS_AEAD_HEADER_BYTES,
  PAYLOAD_BYTES_MAX = TLS_RECORD_BYTES + 1 + TLS_AEAD_TAG_BYTES,
  TICKET_BYTES_MAX = 4 + 4 + 1 + 255 + 2 + 65535 + 2 + 65534,
  MESSAGE_HEADER_BYTES = 4,
};

#ifdef WEIR_INVARIANTS
static void invariants(const struct tls_receiver *receiver) {
  assert(tls_aead_is_on(&receiver->keys));
  assert(!receiver->part || receiver->part_len >= HEADER_BYTES);
  assert(receiver->part || receiver->part_len <= HEADER_BYTES);
  assert(receiver->part_len < HEADER_BYTES + PAYLOAD_BYTES_MAX);
  assert(receiver->message_len < sizeof receiver->message);
  assert(receiver->skip_bytes == 0 || receiver->message_len == 0);
  assert(receiver->skip_bytes <= TICKET_BYTES_MAX);
}
#else
static void invariants(const struct tls_receiver *receiver) {
  (void)receiver;
}
#endif

bool tls_receiver_begin(struct tls_receiver *receiver, struct tls_aead_pool *pool,
                        enum tls_aead_cipher cipher, const struct tls_secret *secret,
                        uint64_t sequence, bool client) {
  *receiver = (struct tls_receiver){.pool = pool, .secret = *secret, .client = client, .error = ""};
  if (tls_secret_begin(secret, &receiver->keys, pool, cipher, sequence)) return true;
  tls_receiver_end(receiver);
  return false;
}

static void drop_part(struct tls_receiver *receiver) {
  free(receiver->part);
  receiver->part = NULL;
  receiver->part_len = 0;
}

void tls_receiver_end(struct tls_receiver *receiver) {
  drop_part(receiver);
  tls_aead_end(&receiver->keys);
  OPENSSL_cleanse(&receiver->secret, sizeof receiver->secret);
}

static enum tls_read fail(struct tls_receiver *receiver, enum tls_alert alert, const char *error) {
  receiver->alert = (uint8_t)alert;
  receiver->error = error;
  return TLS_READ_FAILED;
}

/* ---- records --------------------------------------------------------------------------------- */

static size_t record_bytes(const uint8_t header[HEADER_BYTES]) {
  return HEADER_BYTES + ((size_t)header[3] << 8 | header[4]);
}

/* The version is not looked at (RFC 8446 section 5.1); the tag covers it. TLS_READ_MORE: it is good. */
static enum tls_read check_header(struct tls_receiver *receiver,
                                  const uint8_t header[HEADER_BYTES]) {
  if (header[0] != TLS_CONTENT_APPLICATION)
    return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "a record that is not encrypted");
  if (record_bytes(header) > HEADER_BYTES + PAYLOAD_BYTES_MAX)
    return fail(receiver, TLS_ALERT_RECORD_OVERFLOW, "a record is too long");
  return TLS_READ_MORE;
}

/* Moves bytes from `in` to `out` until that has `total` of them. */
static void fill(struct span *in, uint8_t *out, uint16_t *len, size_t total) {
  size_t part = total - *len < in->len ? total - *len : in->len;
  if (part > 0) memcpy(out + *len, in->base, part);
  *len += (uint16_t)part;
  *in = span_of(in->base + part, in->len - part);
}

/* Continues to keep a record; `record` is it once it is whole. */
static enum tls_read keep(struct tls_receiver *receiver, struct span *in, struct span *record) {
  if (!receiver->part) {
    fill(in, receiver->header, &receiver->part_len, HEADER_BYTES);
    if (receiver->part_len < HEADER_BYTES) return TLS_READ_MORE;
    enum tls_read checked = check_header(receiver, receiver->header);
    if (checked != TLS_READ_MORE) return checked;
    receiver->part = malloc(record_bytes(receiver->header));
    if (!receiver->part) return fail(receiver, TLS_ALERT_INTERNAL_ERROR, "no memory");
    memcpy(receiver->part, receiver->header, HEADER_BYTES);
  }
  const size_t total = record_bytes(receiver->part);
  fill(in, receiver->part, &receiver->part_len, total);
  if (receiver->part_len == total) *record = span_of(receiver->part, total);
  return TLS_READ_MORE;
}

/* The next record, in the input or kept. `record` is empty when there is no whole one, and the input used up. */
static enum tls_read next_record(struct tls_receiver *receiver, struct span *in,
                                 struct span *record) {
  *record = span_of(NULL, 0);
  if (in->len == 0) return TLS_READ_MORE;
  if (receiver->part_len > 0 || in->len < HEADER_BYTES) return keep(receiver, in, record);
  enum tls_read checked = check_header(receiver, in->base);
  if (checked != TLS_READ_MORE) return checked;
  const size_t total = record_bytes(in->base);
  if (in->len < total) return keep(receiver, in, record);
  *record = span_of(in->base, total);
  *in = span_of(in->base + total, in->len - total);
  return TLS_READ_MORE;
}

/* ---- what is in them ------------------------------------------------------------------------- */

/* Section 6.2: the level says nothing; an alert that is not known is an error. */
static enum tls_read take_alert(struct tls_receiver *receiver, struct span content) {
  if (content.len == 0)
    return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "an empty alert"); /* section 5.4 */
  if (content.len != 2) return fail(receiver, TLS_ALERT_DECODE_ERROR, "an alert of another length");
  const uint8_t alert = content.base[1];
  if (alert == TLS_ALERT_CLOSE_NOTIFY) return TLS_READ_CLOSED;
  if (alert == TLS_ALERT_USER_CANCELED) return TLS_READ_MORE; /* close_notify follows it */
  const char *reason =
      ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_AD_REASON_OFFSET + alert));
  return fail(receiver, 0, reason ? reason : "an alert of the peer's that is not known");
}

/* Section 4.6.3. The message is whole; `rest` is what follows it in its record. */
static enum tls_read update_keys(struct tls_receiver *receiver, struct span rest) {
  const uint8_t requested = receiver->message[MESSAGE_HEADER_BYTES];
  receiver->message_len = 0;
  if (rest.len > 0) /* section 5.1: a change of keys is at a record's end */
    return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "KeyUpdate does not end its record");
  if (requested > 1) return fail(receiver, TLS_ALERT_ILLEGAL_PARAMETER, "a wrong KeyUpdate");
  if (!tls_secret_update(&receiver->secret, &receiver->keys, receiver->pool))
    return fail(receiver, TLS_ALERT_INTERNAL_ERROR, "no memory");
  if (requested) receiver->update_requested = true;
  return TLS_READ_MORE;
}

/* One more byte of a message's header, or of a KeyUpdate. `rest` follows it. */
static enum tls_read take_message_byte(struct tls_receiver *receiver, struct tls_credit *credit,
                                       uint8_t byte, struct span rest) {
  uint8_t *message = receiver->message;
  message[receiver->message_len++] = byte;
  const bool ticket = receiver->client && message[0] == TLS_NEW_SESSION_TICKET;
  if (!ticket && message[0] != TLS_KEY_UPDATE)
    return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "an unexpected handshake message");
  if (receiver->message_len > MESSAGE_HEADER_BYTES) return update_keys(receiver, rest);
  if (receiver->message_len < MESSAGE_HEADER_BYTES) return TLS_READ_MORE;
  tls_credit_charge(credit, TLS_HANDSHAKE_COST_BYTES);
  const uint32_t len = (uint32_t)message[1] << 16 | (uint32_t)message[2] << 8 | message[3];
  if (ticket ? len > TICKET_BYTES_MAX : len != 1)
    return fail(receiver, TLS_ALERT_DECODE_ERROR, "a handshake message of a wrong length");
  if (ticket) {
    receiver->skip_bytes = len;
    receiver->message_len = 0;
  }
  return TLS_READ_MORE;
}

static enum tls_read take_handshake(struct tls_receiver *receiver, struct tls_credit *credit,
                                    struct span content) {
  enum tls_read result = TLS_READ_MORE;
  if (content.len == 0) /* section 5.4 */
    return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "an empty handshake record");
  while (content.len > 0 && result == TLS_READ_MORE) {
    size_t skip = receiver->skip_bytes < content.len ? receiver->skip_bytes : content.len;
    receiver->skip_bytes -= (uint32_t)skip;
    content = span_of(content.base + skip, content.len - skip);
    if (content.len == 0) break;
    const uint8_t byte = content.base[0];
    content = span_of(content.base + 1, content.len - 1);
    result = take_message_byte(receiver, credit, byte, content);
  }
  return result;
}

/* Section 5.1: a handshake message in several records has no others between them. */
static bool is_inside_message(const struct tls_receiver *receiver) {
  return receiver->message_len > 0 || receiver->skip_bytes > 0;
}

/* Application data stays where it is: `*len` says so. */
static enum tls_read take_content(struct tls_receiver *receiver, struct tls_credit *credit,
                                  uint8_t type, struct span content, size_t *len) {
  if (type != TLS_CONTENT_HANDSHAKE && is_inside_message(receiver))
    return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "a record inside a handshake message");
  switch (type) {
  case TLS_CONTENT_APPLICATION:
    tls_credit_earn(credit, content.len);
    *len += content.len;
    return TLS_READ_MORE;
  case TLS_CONTENT_HANDSHAKE: return take_handshake(receiver, credit, content);
  case TLS_CONTENT_ALERT: return take_alert(receiver, content);
  default: return fail(receiver, TLS_ALERT_UNEXPECTED_MESSAGE, "a record of an unexpected type");
  }
}

/* ---- reading --------------------------------------------------------------------------------- */

static enum tls_read open_record(struct tls_receiver *receiver, struct tls_credit *credit,
                                 struct span record, uint8_t *out, size_t *len) {
  struct tls_aead_content content;
  tls_credit_charge(credit, TLS_RECORD_COST_BYTES);
  if (tls_credit_is_spent(credit)) return TLS_READ_ABUSED;
  if (!tls_aead_open(&receiver->keys, receiver->pool, record, out, &content)) {
    ERR_clear_error();
    return fail(receiver, TLS_ALERT_BAD_RECORD_MAC, "decryption failed or bad record mac");
  }
  return take_content(receiver, credit, content.type, span_of(out, content.len), len);
}

enum tls_read tls_receiver_read(struct tls_receiver *receiver, struct tls_credit *credit,
                                struct span *in, uint8_t *out, size_t size, size_t *len) {
  for (;;) {
    struct span record;
    invariants(receiver);
    if (size - *len < TLS_RECEIVER_ROOM_BYTES) return TLS_READ_FULL;
    enum tls_read result = next_record(receiver, in, &record);
    if (result != TLS_READ_MORE || record.len == 0) return result;
    result = open_record(receiver, credit, record, out + *len, len);
    if (record.base == receiver->part) drop_part(receiver);
    if (result != TLS_READ_MORE) return result;
    if (tls_credit_is_spent(credit)) return TLS_READ_ABUSED;
  }
}
