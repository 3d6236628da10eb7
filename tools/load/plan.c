/*
 * load/plan.c - see load/plan.h.
 */
#include "tools/load/plan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "io/base/clock.h"
#include "io/tls/context.h"
#include "tools/load/stages.h"

static uint64_t ns_of(double seconds) {
  return (uint64_t)llround(seconds * 1e9);
}

static bool open_files(struct load_plan *plan, const struct failure *failure) {
  const struct load_options *options = plan->options;
  struct span data;
  if (options->data_path &&
      !load_bodies_open(&plan->bodies, span_text(options->data_path), &data, failure))
    return false;
  if (!options->csv_path) return true;
  plan->rules.csv = &plan->csv;
  return load_csv_open(&plan->csv, options->csv_path, options->csv_once, failure);
}

bool load_plan_init(struct load_plan *plan, const struct load_options *options,
                    const struct failure *failure) {
  *plan = (struct load_plan){.options = options,
                             .timeout_ns = ns_of(options->timeout_seconds),
                             .duration_ns = ns_of(options->duration_seconds),
                             .warm_up_ns = ns_of(options->warm_up_seconds)};
  if (options->rate > 0) load_stages_shape(options, &plan->shape);
  plan->rules = (struct load_rules){.options = options, .bodies = &plan->bodies};
  plan->by_connection = !options->input_path;
  plan->one_pass =
      options->replay || (options->input_path && !options->requests && !plan->duration_ns);
  if (getrandom(&plan->seed, sizeof plan->seed, 0) < 0) plan->seed = clock_now_ns();
  return open_files(plan, failure);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* Room for a URL with a scheme of ours. */
struct url_text {
  char text[URL_ORIGIN_BYTES + URL_BYTES_MAX];
};

/* ws: and wss: are http: and https: that ask for a WebSocket (RFC 6455 section 3). */
static const char *http_of(const char *url, struct url_text *room) {
  size_t len = strncasecmp(url, "ws:", 3) == 0 ? 2 : strncasecmp(url, "wss:", 4) == 0 ? 3 : 0;
  if (len == 0 || strlen(url) + 3 > sizeof room->text) return url;
  snprintf(room->text, sizeof room->text, "%s%s", len == 2 ? "http" : "https", url + len);
  return room->text;
}

static bool add_url(struct load_plan *plan, const char *url, const struct failure *failure) {
  struct load_draft draft;
  struct url_text room;
  const char *http = http_of(url, &room);
  if (http != url && !plan->options->ws) return failure_set(failure, "%s: needs --ws", url);
  load_draft_clear(&draft);
  draft.url = span_text(http);
  draft.absolute = true;
  return load_form_make(&plan->rules, &draft, &plan->list.forms, failure) == LOAD_FORM_MADE;
}

/* The URL of the command line is where all requests of a file go to. */
static bool set_base(struct load_plan *plan, const char *text, const struct failure *failure) {
  plan->rules.has_base = plan->rules.base_wins = true;
  if (url_parse(&plan->rules.base, text)) return true;
  return failure_set(failure, "%s: expected http://HOST/PATH or https://HOST/PATH",
                     failure_shown(text));
}

static bool find_server(void *ctx, const struct url *url, uint32_t *out,
                        const struct failure *failure) {
  struct load_plan *plan = ctx;
  return load_origins_find(&plan->origins, url, out, failure);
}

static bool have_connections(const struct load_plan *plan, const struct failure *failure) {
  const unsigned wanted = plan->options->connections, least = plan->origins.count;
  if (least <= 1 || wanted >= least) return true;
  return failure_set(failure, "-c %u: fewer connections than servers (%u); try -c %u", wanted,
                     least, least);
}

static bool finish_list(struct load_plan *plan, const struct failure *failure) {
  return load_list_finish(&plan->list, &plan->rules, plan->options->replay, failure) &&
         load_origins_divide(&plan->origins, &plan->list, failure) &&
         have_connections(plan, failure);
}

bool load_plan_targets(struct load_plan *plan, const struct failure *failure) {
  const struct load_options *options = plan->options;
  plan->rules.find_server = find_server;
  plan->rules.ctx = plan;
  if (options->input_path)
    return options->url_count == 0 || set_base(plan, options->urls[0], failure);
  for (size_t i = 0; i < options->url_count; i++)
    if (!add_url(plan, options->urls[i], failure)) return false;
  return finish_list(plan, failure);
}

/* A recording's times begin at the first request. */
static bool find_times(struct load_plan *plan, const struct failure *failure) {
  const struct load_list *list = &plan->list;
  if (!plan->options->replay) return true;
  plan->replay_begin_ns = plan->reader ? load_reader_first(plan->reader)->time_ns
                                       : load_list_form(list, list->order[0])->time_ns;
  if (plan->replay_begin_ns > 0) return true;
  return failure_set(failure, "%s: no times to replay: the first request has no time_ns",
                     plan->options->input_path);
}

static bool is_for_one_server(const struct load_plan *plan, const struct failure *failure) {
  const char *path = plan->options->input_path;
  if (plan->origins.count < 2) return true;
  if (plan->options->replay)
    return failure_set(failure, "--replay: %s has several servers; name one by a URL", path);
  return !plan->reader ||
         failure_set(failure, "%s: it has several servers, and is too large to be kept", path);
}

/* The thread that reads a stream must not add servers. */
bool load_plan_read(struct load_plan *plan, const struct failure *failure) {
  const struct load_options *options = plan->options;
  if (!options->input_path) return true;
  if (!load_reader_open(&plan->reader, &plan->rules, &plan->list, !plan->one_pass, failure))
    return false;
  if (plan->reader) plan->rules.find_server = NULL;
  if (!is_for_one_server(plan, failure)) return false;
  if (!plan->reader && !finish_list(plan, failure)) return false;
  if (!find_times(plan, failure)) return false;
  return !plan->reader || load_reader_start(plan->reader, options->threads, failure);
}

/* ---- the server ------------------------------------------------------------------------------ */

bool load_plan_look_up(struct load_plan *plan, const struct failure *failure) {
  struct load_origins *origins = &plan->origins;
  bool secure = false;
  uint32_t only;
  if (origins->count == 0 && !load_origins_find(origins, &plan->rules.base, &only, failure))
    return false;
  for (unsigned i = 0; i < origins->count; i++) {
    if (!load_origin_look_up(&origins->at[i], plan->options, failure)) return false;
    secure = secure || origins->at[i].url.secure;
  }
  if (secure) plan->tls = load_origin_tls(plan->options, failure);
  return plan->tls || !secure;
}

/* ---- connections ----------------------------------------------------------------------------- */

unsigned load_plan_connections(const struct load_plan *plan, unsigned worker, unsigned *first) {
  const unsigned all = plan->options->connections, threads = plan->options->threads;
  const unsigned each = all / threads, more = all % threads;
  *first = each * worker + (worker < more ? worker : more);
  return each + (worker < more);
}

void load_plan_free(struct load_plan *plan) {
  load_reader_close(plan->reader);
  load_list_free(&plan->list);
  load_origins_free(&plan->origins);
  load_csv_close(&plan->csv);
  load_bodies_free(&plan->bodies);
  load_buffer_free(&plan->rules.text);
  tls_context_free(plan->tls);
}
