/*
 * load/options_tls.c - TLS: names, certificates, and what is offered.
 */
#include <string.h>

#include "tools/load/options_rows.h"

/* "1.2" or "1.3". */
static bool read_minor(const struct options *parser, const char *text, unsigned *minor) {
  bool known = strcmp(text, "1.2") == 0 || strcmp(text, "1.3") == 0;
  if (!known) return options_wrong(parser, "expected 1.2 or 1.3");
  *minor = (unsigned)(text[2] - '0');
  return true;
}

static bool set_min(struct options *parser, struct load_options *options, char *text) {
  return read_minor(parser, text, &options->tls_minor_min);
}

static bool set_max(struct options *parser, struct load_options *options, char *text) {
  return read_minor(parser, text, &options->tls_minor_max);
}

static const struct load_option rows[] = {
    {"sni", 0, "NAME", LOAD_TEXT(sni), "ask for this name, and verify it, not the URL's host"},
    {"insecure", 'k', NULL, LOAD_FLAG(insecure), "do not verify certificates"},
    {"cacert", 0, "FILE", LOAD_FILE(ca_path),
     "trust these authorities, PEM, instead of the system's"},
    {"cert", 0, "FILE", LOAD_FILE(cert_path), "show this client certificate, PEM"},
    {"key", 0, "FILE", LOAD_FILE(key_path), "its private key, unless that is in the same file"},
    {"ciphers", 0, "LIST", LOAD_TEXT(ciphers), "offer only these; see --help=tls"},
    {"groups", 0, "LIST", LOAD_TEXT(groups), "of the key exchange: X25519:P-256:P-384 (default)"},
    {"tls-min", 0, "VERSION", LOAD_TAKE(set_min), "1.2 (default) or 1.3"},
    {"tls-max", 0, "VERSION", LOAD_TAKE(set_max), "1.2 or 1.3 (default)"},
    {"tls-resume", 0, NULL, LOAD_FLAG(tls_resume),
     "resume sessions, with the last ticket of each thread"},
    {"key-log", 0, "FILE", LOAD_FILE(key_log), "append the secrets to FILE, for Wireshark"},
};

static bool check(struct load_options *options, const struct failure *failure) {
  if (options->key_path && !options->cert_path)
    return failure_set(failure, "--key needs --cert: the certificate that it belongs to");
  if (options->insecure && options->ca_path)
    return failure_set(failure, "-k and --cacert exclude each other: -k trusts everybody");
  if (options->tls_minor_max && options->tls_minor_min > options->tls_minor_max)
    return failure_set(failure, "--tls-min is above --tls-max: no version is left");
  return true;
}

static const char more[] =
    "--ciphers takes names of suites, with colons between. Those of TLS 1.3 begin with TLS_,\n"
    "others are OpenSSL's for TLS 1.2. If all are of one version, only that one is offered:\n"
    "  --ciphers TLS_AES_256_GCM_SHA384\n"
    "  --ciphers ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256\n"
    "\n"
    "Each connection makes a full handshake, as a new client's would, unless --tls-resume is\n"
    "given. Connections that start before the first ticket has come make one, too. The report\n"
    "says how many resumed, and which version, cipher, group and protocol the server chose.\n"
    "\n"
    "--connect-to keeps the URL's name for the certificate; --sni changes that name alone.\n";

const struct load_option_family load_options_tls = {
    .topic = "tls", .title = "TLS", LOAD_OPTIONS(rows), .check = check, .more = more};
