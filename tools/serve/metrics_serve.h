/*
 * serve/metrics_serve.h - the metrics of a server: connects serve/metrics/metrics.h with struct server.
 *
 *     serve_open() -> serve_metrics_open()
 *     the workers have started -> serve_metrics_start()
 *     it drains -> metrics_set_ready(false)
 *     the workers have ended -> metrics_close(), before worker_group_join()
 */
#ifndef WEIR_TOOLS_SERVE_METRICS_SERVE_H
#define WEIR_TOOLS_SERVE_METRICS_SERVE_H

#include "tools/serve/server.h"

/* Listens where the options say, if they do. The exit status, after a line on standard error when it is
 * not EXIT_DONE. */
__attribute__((warn_unused_result)) int serve_metrics_open(struct server *server);

/* Starts to show what `group`, which must outlive the metrics, counts; nothing without an address. False
 * with error->text. */
__attribute__((warn_unused_result)) bool serve_metrics_start(struct server *server,
                                                             const struct worker_group *group,
                                                             struct io_error *error);

#endif
