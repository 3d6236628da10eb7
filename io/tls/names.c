/*
 * tls/names.c - see tls/names.h.
 */
#include "io/tls/names.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include <openssl/x509v3.h>

/* In lower case and without a final dot. */
static bool set_text(struct tls_name *name, const char *text, size_t len) {
  name->len = 0;
  if (len > 1 && text[len - 1] == '.') len--;
  if (len == 0 || len > TLS_NAME_BYTES_MAX || memchr(text, 0, len)) return false;
  for (size_t i = 0; i < len; i++)
    name->text[i] = (char)tolower((unsigned char)text[i]);
  name->text[len] = 0;
  name->len = (uint16_t)len;
  return true;
}

static bool set_address(struct tls_name *name, int family, const void *bytes) {
  if (!inet_ntop(family, bytes, name->text, sizeof name->text)) return false;
  name->len = (uint16_t)strlen(name->text);
  return true;
}

/* ---- of a certificate ------------------------------------------------------------------------ */

/* A name of a certificate, which may be a wildcard. */
static bool set_pattern(struct tls_name *name, const ASN1_STRING *string) {
  const char *text = (const char *)ASN1_STRING_get0_data(string);
  size_t len = (size_t)ASN1_STRING_length(string), skip = len > 2 && text[0] == '*';
  if (skip && text[1] != '.') return false;
  if (!skip && len > 0 && text[0] == '.') return false;
  return !memchr(text + skip, '*', len - skip) && set_text(name, text + skip, len - skip);
}

static bool set_general(struct tls_name *name, const GENERAL_NAME *general) {
  int type;
  const ASN1_STRING *value = GENERAL_NAME_get0_value(general, &type);
  if (type == GEN_DNS) return set_pattern(name, value);
  if (type != GEN_IPADD) return false;
  int len = ASN1_STRING_length(value);
  if (len != 4 && len != 16) return false;
  return set_address(name, len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value));
}

static bool set_common_name(struct tls_name *name, X509 *leaf) {
  X509_NAME *subject = X509_get_subject_name(leaf);
  int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return false;
  return set_pattern(name, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

bool tls_names_of(struct x509_st *leaf, bool (*take)(void *ctx, const struct tls_name *name),
                  void *ctx) {
  GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
  struct tls_name name;
  bool good = true, any = false;
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && good; i++) {
    const GENERAL_NAME *general = sk_GENERAL_NAME_value(names, i);
    any |= general->type == GEN_DNS || general->type == GEN_IPADD;
    if (set_general(&name, general)) good = take(ctx, &name);
  }
  GENERAL_NAMES_free(names);
  if (good && !any && set_common_name(&name, leaf)) good = take(ctx, &name);
  return good;
}

/* ---- of a host ------------------------------------------------------------------------------- */

/* An address has one form only: "::1" and "0:0:0:0:0:0:0:1" are the same. */
static void normalize_address(struct tls_name *name) {
  unsigned char bytes[16];
  if (strspn(name->text, "0123456789.") == name->len && inet_pton(AF_INET, name->text, bytes) == 1)
    (void)!set_address(name, AF_INET, bytes);
  else if (memchr(name->text, ':', name->len) && inet_pton(AF_INET6, name->text, bytes) == 1)
    (void)!set_address(name, AF_INET6, bytes);
}

bool tls_name_of_host(struct span host, struct tls_name *name) {
  const char *text = (const char *)host.base;
  size_t len = host.len;
  name->len = 0;
  if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
    text++;
    len -= 2;
  }
  if (len == 0 || *text == '.' || !set_text(name, text, len)) return false;
  normalize_address(name);
  return true;
}

struct span tls_name_parent(const struct tls_name *name) {
  const char *dot = memchr(name->text, '.', name->len);
  if (!dot || dot == name->text || strspn(name->text, "0123456789.") == name->len)
    return span_of(NULL, 0);
  return span_of(dot, (size_t)(name->text + name->len - dot));
}
