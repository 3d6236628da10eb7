/*
 * tls/read.h - why reading records stopped.
 */
#ifndef WEIR_TLS_READ_H
#define WEIR_TLS_READ_H

enum tls_read {
  TLS_READ_MORE,    /* the input is used up */
  TLS_READ_FULL,    /* there may be no room for the next record's plaintext */
  TLS_READ_BLOCKED, /* OpenSSL must write before it can go on reading */
  TLS_READ_CLOSED,  /* close_notify has come: what follows does not count */
  TLS_READ_ABUSED,  /* a flood, or renegotiation */
  TLS_READ_FAILED,  /* the connection must end */
};

#endif
