/*
 * tls/refused.h - why OpenSSL has refused something.
 */
#ifndef WEIR_TLS_REFUSED_H
#define WEIR_TLS_REFUSED_H

struct io_error;

/* Writes "what: OpenSSL's reason", and forgets that reason. False, so that a failure is `return tls_refused(...)`. */
_Bool tls_refused(struct io_error *error, const char *what);

#endif
