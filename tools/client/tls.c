/*
 * client/tls.c - see client/tls.h.
 */
#include "tools/client/tls.h"

#include "io/base/error.h"
#include "io/tls/context.h"

struct tls_context *client_tls_create(enum client_versions versions, bool insecure,
                                      const char *ca_path, const struct failure *failure) {
  static const char *const protocols[] = {"h2", "http/1.1"};
  const struct tls_settings settings = {
      .client = true,
      .protocols = protocols + (versions == CLIENT_HTTP1),
      .protocol_count = versions == CLIENT_HTTP2_OR_1 ? 2 : 1,
      .verify = !insecure,
      .ca_path = ca_path,
  };
  struct io_error why = {0};
  struct tls_context *context = tls_context_create(&settings, &why);
  if (!context) failure_set(failure, "%s", why.text);
  return context;
}
