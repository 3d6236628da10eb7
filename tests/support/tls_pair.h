/*
 * support/tls_pair.h - a TLS client machine and a TLS server machine, each around an end of
 * support/end.h, with a pipe between them in each direction.
 */
#ifndef WEIR_TESTS_TLS_PAIR_H
#define WEIR_TESTS_TLS_PAIR_H

#include "io/tls/certificate.h"
#include "io/tls/tls.h"
#include "tests/support/end.h"
#include "tests/support/pipe.h"

struct tls_side {
  struct tls_context *context;
  struct tls_factory factory;
  struct machine machine;
  struct machine_host host;
  struct end end;
};

struct tls_pair {
  struct tls_side client, server;
  struct pipe up, down; /* client to server, server to client */
  uint64_t now_ns;
};

/* The settings of both sides. Zero: no ALPN, any version, nothing to send, no verification. */
struct tls_choice {
  const char *client_protocols[4], *server_protocols[4];
  int version; /* 0: any */
  uint64_t up_bytes, down_bytes;
  bool verify, resume;
  bool client_openssl, server_openssl; /* records stay with OpenSSL, see tls_machine_ssl() */
  const char *suites_1_2, *suites_1_3, *groups; /* the client's */
  const char *key_log_path;                     /* of both sides */
  const char *server_suites_1_2, *server_suites_1_3, *server_groups;
  const char *ca_path, *ca_pem, *name;
  const char *server_ca_path; /* the server asks for a certificate of these; NULL: it does not */
  bool server_requires;       /* and refuses clients without one */
  const struct certificate *client_certificate;
  struct span (*answer_clear_text)(struct span in); /* the server's */
};

/* Both sides offer one protocol, "h2". */
extern const struct tls_choice tls_choice_plain;

/* The servers' certificate, for localhost. It can be written to a file, for a client that verifies. */
extern struct certificate tls_pair_certificate;

/* Makes that certificate. Call it first. */
void tls_pair_begin(void);
void tls_pair_end(void);

/* Makes both machines, at a time of one second. Nothing has moved yet. */
struct tls_pair *tls_pair_create(const struct tls_choice *choice);
void tls_pair_free(struct tls_pair *pair);

/* Closes the connection, and makes another one with the same factories. */
void tls_pair_reconnect(struct tls_pair *pair);

/* Moves bytes until none are left. With `seed`, they are cut at random into pieces of up to `cut`. */
void tls_pair_run(struct tls_pair *pair, uint64_t seed, size_t cut);

unsigned tls_side_wants(const struct tls_side *side);
void tls_side_close(struct tls_side *side);

#endif
