/*
 * tls/connection.c - see tls/connection.h.
 */
#include "io/tls/connection.h"

#include <assert.h>

#include "io/tls/alerts.h"
#include "io/tls/limits.h"

void tls_take_over(struct tls *tls) {
  struct tls_factory *factory = tls->factory;
  if (factory->openssl_only) return;
  tls->records = tls_records_take_over(tls->openssl, &factory->aeads, &tls->output,
                                       tls_context_is_client(factory->context));
  if (!tls->records) return;
  tls_openssl_free(tls->openssl);
  tls->openssl = NULL;
}

void tls_close_inner(struct tls *tls) {
  if (!tls->inner.ops) return;
  tls->inner.ops->close(tls->inner.self);
  tls->inner.ops = NULL;
}

static void enter_closing(struct tls *tls, uint64_t now_ns) {
  assert(tls->state != TLS_CLOSING);
  if (tls->state != TLS_OPEN) counter_add(&tls->factory->counters.failed, 1);
  if (*tls->error) tls->factory->error = tls->error;
  tls_close_inner(tls);
  tls_kept_drop(&tls->kept);
  tls_queue_leave(&tls->factory->queue, &tls->place);
  tls->state = TLS_CLOSING;
  tls->deadline_ns = now_ns + TLS_CLOSE_NS;
}

void tls_end_direction(struct tls *tls) {
  if (tls->ended) return;
  if (tls->records)
    tls_sender_alert(&tls->records->sender, TLS_ALERT_CLOSE_NOTIFY);
  else
    tls_openssl_close(tls->openssl);
  tls->ended = true;
}

void tls_finish(struct tls *tls, uint64_t now_ns) {
  tls_end_direction(tls);
  enter_closing(tls, now_ns);
}

void tls_fail(struct tls *tls, const char *error, uint64_t now_ns) {
  tls->error = error;
  enter_closing(tls, now_ns);
}

void tls_fail_openssl(struct tls *tls, uint64_t now_ns) {
  tls_fail(tls, tls_openssl_error(tls->openssl), now_ns);
}

uint64_t tls_limit_ns(const struct tls *tls) {
  const bool later =
      tls->state < TLS_OPEN && (tls->place.begun_ns != 0 || tls->deadline_ns > tls->latest_ns);
  return later ? tls->latest_ns : tls->deadline_ns;
}
