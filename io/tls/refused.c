/*
 * tls/refused.c - see tls/refused.h.
 */
#include "io/tls/refused.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>

#include "io/base/error.h"

/* When a file cannot be read, OpenSSL's first complaint says why, and the latest only "system lib". */
_Bool tls_refused(struct io_error *error, const char *what) {
  unsigned long first = ERR_peek_error();
  const char *reason = ERR_SYSTEM_ERROR(first) ? strerror(ERR_GET_REASON(first))
                                               : ERR_reason_error_string(ERR_peek_last_error());
  io_error_set(error, 0, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
  ERR_clear_error();
  return false;
}
