/*
 * serve/site.h - one worker's site: engine/site/site.h on top of io/files/files.h.
 */
#ifndef WEIR_TOOLS_SERVE_SITE_H
#define WEIR_TOOLS_SERVE_SITE_H

#include "engine/site/site.h"
#include "io/base/error.h"
#include "io/files/counters.h"

struct jobs_desk;
struct loop;
struct recode_counters;

struct serve_site_settings {
  const char *directory;
  struct span prefix; /* see struct site_settings */
  struct loop *loop;  /* reads what is not in the page cache */
  const struct memory *memory;
  const struct site_hints *hints;
  const struct site_rules *rules; /* NULL: site_rules_default */
  const char *cache_control;      /* or NULL */
  const int64_t *wall_seconds;
  uint32_t exchanges_max;
  size_t cache_bytes_max;          /* see struct files_settings, */
  uint32_t reads_max;              /* and here */
  uint32_t workers;                /* that open files */
  struct files_counters *counters; /* kept; NULL: its own */
  struct jobs_desk *desk;          /* kept: for work on other threads */
  struct recode_counters *recoded; /* kept */
  bool compress;                   /* files, on the fly */
  bool push;
  bool explain; /* 403s on standard output, see serve/rules/refusals.h */
};

struct serve_site;

/* NULL with error->text when the directory cannot be opened or memory is refused. Sets `*note` to
 * NULL or to a line to print at startup. Borrows everything in the settings until
 * serve_site_destroy(). */
__attribute__((warn_unused_result)) struct serve_site *
serve_site_create(const struct serve_site_settings *settings, const char **note,
                  struct io_error *error);

/* Whether nothing is under way: once no stream is left, whether it may be destroyed. */
bool serve_site_is_idle(const struct serve_site *serve_site);

/* All streams must be closed, and all reads complete. NULL is allowed. */
void serve_site_destroy(struct serve_site *serve_site);

/* Gives memory back that a rush of readers took, and ends what waited too long; about once a
 * second. */
void serve_site_trim(struct serve_site *serve_site, uint64_t now_ns);

const struct handler *serve_site_handler(struct serve_site *serve_site);

/* What its files have counted; good until serve_site_destroy(). */
const struct files_counters *serve_site_counters(const struct serve_site *serve_site);

struct files_gauges serve_site_gauges(const struct serve_site *serve_site);

#endif
