/*
 * serve/tls/certificates.h - the server's certificates: files that are read again when they change.
 *
 * Each pair of a chain and a key stands by itself: a new one that cannot be read, or whose parts do not
 * belong together, leaves the old one in force, and one line on standard error says so. Without
 * files there is one certificate, made in memory.
 *
 * Owner: the main thread opens and closes it. Others may look and print meanwhile.
 */
#ifndef WEIR_TOOLS_SERVE_TLS_CERTIFICATES_H
#define WEIR_TOOLS_SERVE_TLS_CERTIFICATES_H

#include <stdbool.h>
#include <stdint.h>

#include "io/tls/certificate.h"

struct io_error;
struct tls_context;

struct serve_certificate;
struct certificates;

/* Reads all files, and copies their names. With count 0, makes a certificate that signs itself. NULL with
 * one line in `error` that names the file. */
__attribute__((warn_unused_result)) struct certificates *
certificates_open(const struct serve_certificate *files, unsigned count, struct io_error *error);

/* NULL is allowed. */
void certificates_close(struct certificates *certificates);

/* The first, for tls_context_create(). */
const struct certificate *certificates_first(const struct certificates *certificates);

/* Gives all of them to the context, now and whenever they change. False with one line in `error`. */
__attribute__((warn_unused_result)) bool certificates_use(struct certificates *certificates,
                                                          struct tls_context *context,
                                                          struct io_error *error);

/* The names of all files, which live as long as the certificates. Writes them to `paths` unless it is NULL; returns
 * how many there are. */
size_t certificates_paths(const struct certificates *certificates, const char **paths);

/* Prints warnings alone, as of one that has expired, on standard output. */
void certificates_warn(struct certificates *certificates);

/* Prints one line for each on standard output, and warnings. */
void certificates_print(struct certificates *certificates);

/* Reads what has changed, and warns once of each certificate that has expired by `wall_seconds`, since 1970. */
void certificates_look(struct certificates *certificates, int64_t wall_seconds);

#endif
