/*
 * tls/group.h - the group of a key exchange: "x25519", "X25519MLKEM768".
 */
#ifndef WEIR_TLS_GROUP_H
#define WEIR_TLS_GROUP_H

struct ssl_st;

/* The name lives as long as the SSL_CTX; "" for none. */
const char *tls_group_of(struct ssl_st *ssl);

#endif
