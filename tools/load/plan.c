/*
 * load/plan.c - see load/plan.h.
 */
#include "tools/load/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/hpack/encode.h"
#include "io/tls/context.h"
#include "tools/client/lookup.h"
#include "tools/client/tls.h"

/* ---- --data ---------------------------------------------------------------------------------- */

static bool map_data(struct load_plan *plan, const struct failure *failure) {
  const char *path = plan->options->data_path;
  struct stat facts;
  if (!path) return true;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  bool good = fd >= 0 && fstat(fd, &facts) == 0;
  if (good && !S_ISREG(facts.st_mode)) {
    close(fd);
    return failure_set(failure, "cannot send %s: not a regular file", path);
  }
  if (good) {
    plan->data_bytes = (size_t)facts.st_size;
    plan->data = plan->data_bytes
                     ? mmap(NULL, plan->data_bytes, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0)
                     : (uint8_t *)""; /* an empty body is still a body */
    good = plan->data != MAP_FAILED;
  }
  int why = errno;
  if (fd >= 0) close(fd);
  if (!good) {
    plan->data = NULL;
    plan->data_bytes = 0;
    return failure_set(failure, "cannot read %s: %s", path, strerror(why));
  }
  snprintf(plan->data_length, sizeof plan->data_length, "%zu", plan->data_bytes);
  return true;
}

static uint64_t ns_of(double seconds) {
  return (uint64_t)llround(seconds * 1e9);
}

bool load_plan_init(struct load_plan *plan, const struct load_options *options,
                    const struct failure *failure) {
  *plan = (struct load_plan){.options = options,
                             .timeout_ns = ns_of(options->timeout_seconds),
                             .duration_ns = ns_of(options->duration_seconds),
                             .warm_up_ns = ns_of(options->warm_up_seconds)};
  plan->targets = calloc(options->url_count, sizeof *plan->targets);
  plan->made = calloc(options->url_count, sizeof *plan->made);
  if (!plan->targets || !plan->made) return failure_set(failure, "out of memory");
  return map_data(plan, failure);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* The fields of a request while they are being made. The defaults come first. */
struct list {
  struct header *at;
  size_t count, defaults;
  uint32_t replaced; /* a bit for each default that a --header has replaced */
};

static void add(struct list *list, enum header_token token, const char *value) {
  list->at[list->count++] = header_of(token, span_text(value));
}

/* The first --header of a default's name replaces it; a pseudo-header field always does. */
static void add_given(struct list *list, struct header field) {
  size_t at = 0;
  bool pseudo = field.name.base[0] == ':';
  while (at < list->defaults &&
         (!span_equal(list->at[at].name, field.name) || (!pseudo && (list->replaced >> at & 1))))
    at++;
  if (at == list->defaults)
    at = list->count++;
  else
    list->replaced |= UINT32_C(1) << at;
  list->at[at] = field;
}

/* Converts a --header. `host` is :authority. False when the name is too long. */
static bool read_field(const char *text, char name[OPTION_FIELD_NAME_BYTES], struct header *out) {
  enum header_token token;
  const char *value = load_options_pseudo(text, &token);
  if (value)
    *out = header_of(token, span_text(value));
  else if (!option_field_read(text, name, out))
    return false;
  if (out->token == TOKEN_HOST) *out = header_of(TOKEN_AUTHORITY, out->value);
  return true;
}

static void add_defaults(const struct load_plan *plan, const struct load_made *made,
                         struct list *list) {
  add(list, TOKEN_METHOD, plan->data ? "POST" : "GET");
  add(list, TOKEN_SCHEME, made->url.secure ? "https" : "http");
  add(list, TOKEN_AUTHORITY, made->url.authority);
  add(list, TOKEN_PATH, made->url.target);
  add(list, TOKEN_USER_AGENT, "weir-load");
  if (plan->data) add(list, TOKEN_CONTENT_LENGTH, plan->data_length);
  list->defaults = list->count;
}

/* Pseudo-header fields come first. */
static bool make_fields(const struct load_plan *plan, struct load_made *made,
                        struct load_target *target) {
  const struct load_options *options = plan->options;
  struct list list = {.at = made->fields};
  add_defaults(plan, made, &list);
  for (unsigned i = 0; i < options->field_count; i++) {
    struct header field;
    if (!read_field(options->fields[i], made->names[i], &field)) return false;
    add_given(&list, field);
  }
  for (size_t i = 0; i < list.count; i++)
    hpack_encode_note(&list.at[i]);
  target->fields = list.at;
  target->field_count = list.count;
  return true;
}

static bool make_target(struct load_plan *plan, unsigned index, const struct failure *failure) {
  const struct load_options *options = plan->options;
  struct load_target *target = &plan->targets[index];
  struct load_made *made = &plan->made[index];
  const char *text = options->urls[index];
  if (!url_parse(&made->url, text))
    return failure_set(failure, "%s: expected http://HOST/PATH or https://HOST/PATH", text);
  if (!url_same_origin(&made->url, &plan->made[0].url))
    return failure_set(failure, "%s and %s: all URLs need the same scheme, host and port",
                       options->urls[0], text);
  *target = (struct load_target){.body = span_of(plan->data, plan->data_bytes),
                                 .has_body = plan->data,
                                 .prepared = true,
                                 .index = index,
                                 .cap = load_caps_find(&options->caps, made->url.target)};
  if (!make_fields(plan, made, target)) return failure_set(failure, "--header: a name is too long");
  return true;
}

bool load_plan_targets(struct load_plan *plan, const struct failure *failure) {
  const unsigned count = (unsigned)plan->options->url_count;
  for (unsigned i = 0; i < count; i++)
    if (!make_target(plan, i, failure)) return false;
  plan->target_count = count;
  plan->base = plan->made[0].url;
  return true;
}

/* ---- the server ------------------------------------------------------------------------------ */

/* Whether an authority has a port. url_parse() has accepted it. */
static bool names_port(const char *authority) {
  const char *colon = strrchr(authority, ':');
  return colon && colon[1] && !strchr(colon, ']');
}

/* --connect-to: HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT, as in a URL. */
static bool redirect(const struct load_plan *plan, struct url *there,
                     const struct failure *failure) {
  const char *other = plan->options->connect_to;
  char text[300];
  uint16_t port = there->port;
  if (!other) return true;
  int len = snprintf(text, sizeof text, "%s://%s", there->secure ? "https" : "http", other);
  if (len >= (int)sizeof text || strpbrk(other, "/?#") || !url_parse(there, text))
    return failure_set(failure, "--connect-to %s: expected HOST or HOST:PORT", other);
  if (!names_port(other)) there->port = port;
  return true;
}

bool load_plan_look_up(struct load_plan *plan, const struct failure *failure) {
  const struct load_options *options = plan->options;
  struct url there = plan->base;
  if (!redirect(plan, &there, failure)) return false;
  plan->address_count =
      lookup_host(there.host, there.port, plan->addresses, CLIENT_ADDRESSES_MAX, failure);
  if (plan->address_count == 0) return false;
  if (!there.secure) return true;
  plan->tls = client_tls_create(CLIENT_HTTP2, options->insecure, options->ca_path, failure);
  return plan->tls;
}

void load_plan_free(struct load_plan *plan) {
  free(plan->targets);
  free(plan->made);
  tls_context_free(plan->tls);
  if (plan->data_bytes) munmap(plan->data, plan->data_bytes);
}
