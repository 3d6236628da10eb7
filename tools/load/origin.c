/*
 * load/origin.c - see load/origin.h.
 */
#include "tools/load/origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/client/lookup.h"

/* ---- all of them ----------------------------------------------------------------------------- */

static bool append(struct load_origins *origins, const struct url *url,
                   const struct failure *failure) {
  if (origins->count == LOAD_ORIGINS_MAX)
    return failure_set(failure, "%s: more than %d servers", url->authority, LOAD_ORIGINS_MAX);
  struct load_origin *at = realloc(origins->at, (origins->count + 1) * sizeof *at);
  if (!at) return failure_set(failure, "out of memory");
  origins->at = at;
  at[origins->count] = (struct load_origin){.url = *url, .number = origins->count};
  origins->count++;
  return true;
}

bool load_origins_find(struct load_origins *origins, const struct url *url, uint32_t *out,
                       const struct failure *failure) {
  for (*out = 0; *out < origins->count; ++*out)
    if (url_same_origin(&origins->at[*out].url, url)) return true;
  return append(origins, url, failure);
}

static struct load_origin *server_of(const struct load_origins *origins,
                                     const struct load_list *list, size_t place) {
  return &origins->at[load_list_form(list, list->order[place])->server];
}

bool load_origins_divide(struct load_origins *origins, const struct load_list *list,
                         const struct failure *failure) {
  if (origins->count < 2) return true;
  for (size_t i = 0; i < list->order_count; i++)
    server_of(origins, list, i)->item_count++;
  for (unsigned i = 0; i < origins->count; i++) {
    struct load_origin *origin = &origins->at[i];
    origin->items = calloc(origin->item_count, sizeof *origin->items);
    if (!origin->items) return failure_set(failure, "out of memory");
    origin->item_count = 0;
  }
  for (size_t i = 0; i < list->order_count; i++) {
    struct load_origin *origin = server_of(origins, list, i);
    origin->items[origin->item_count++] = list->order[i];
  }
  return true;
}

void load_origins_free(struct load_origins *origins) {
  for (unsigned i = 0; i < origins->count; i++)
    free(origins->at[i].items);
  free(origins->at);
  *origins = (struct load_origins){0};
}

/* ---- where to connect ------------------------------------------------------------------------ */

/* Whether an authority has a port. url_parse() has accepted it. */
static bool names_port(const char *authority) {
  const char *colon = strrchr(authority, ':');
  return colon && colon[1] && !strchr(colon, ']');
}

/* --connect-to: HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT, as in a URL. */
static bool redirect(const char *other, struct url *there, const struct failure *failure) {
  char text[300];
  uint16_t port = there->port;
  int len = snprintf(text, sizeof text, "%s://%s", there->secure ? "https" : "http", other);
  if (len >= (int)sizeof text || strpbrk(other, "/?#") || !url_parse(there, text))
    return failure_set(failure, "--connect-to %s: expected HOST, HOST:PORT or unix:PATH",
                       failure_shown(other));
  if (!names_port(other)) there->port = port;
  return true;
}

bool load_origin_look_up(struct load_origin *origin, const struct load_options *options,
                         const struct failure *failure) {
  const char *other = options->connect_to;
  struct url there = origin->url;
  origin->tls_name = options->sni ? options->sni : origin->url.host;
  if (other && strncmp(other, "unix:", 5) == 0) {
    origin->address_count = 1;
    return address_from_path(&origin->addresses[0], other + 5); /* it has been checked */
  }
  if (other && !redirect(other, &there, failure)) return false;
  origin->address_count =
      lookup_host(there.host, there.port, origin->addresses, CLIENT_ADDRESSES_MAX, failure);
  return origin->address_count > 0;
}

struct tls_context *load_origin_tls(const struct load_options *options,
                                    const struct failure *failure) {
  const struct client_tls_settings settings = {.versions = options->versions,
                                               .insecure = options->insecure,
                                               .resume = options->tls_resume,
                                               .ca_path = options->ca_path,
                                               .cert_path = options->cert_path,
                                               .key_path = options->key_path,
                                               .ciphers = options->ciphers,
                                               .groups = options->groups,
                                               .key_log = options->key_log,
                                               .minor_min = options->tls_minor_min,
                                               .minor_max = options->tls_minor_max};
  return client_tls_create(&settings, failure);
}
