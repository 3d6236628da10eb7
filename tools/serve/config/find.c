/*
 * serve/config/find.c - see serve/config/find.h.
 */
#include "tools/serve/config/find.h"

#include <stdio.h>
#include <string.h>

#include "tools/common/nearest.h"
#include "tools/serve/limits.h"

const struct config_list config_lists[] = {
    {"certificates", CONFIG_CERTIFICATE, CONFIG_GLOBAL},
    {"hosts", CONFIG_HOST, CONFIG_GLOBAL},
    {"routes", CONFIG_ROUTE, CONFIG_GLOBAL | CONFIG_HOST},
};

const size_t config_list_count = sizeof config_lists / sizeof *config_lists;

/* ---- finding --------------------------------------------------------------------------------- */

const struct config_key *config_key_find(const char *name) {
  for (size_t i = 0; i < config_key_count; i++)
    if (strcmp(config_keys[i].name, name) == 0) return &config_keys[i];
  return NULL;
}

const struct config_list *config_list_find(const char *name) {
  for (size_t i = 0; i < config_list_count; i++)
    if (strcmp(config_lists[i].name, name) == 0) return &config_lists[i];
  return NULL;
}

/* ---- advice ---------------------------------------------------------------------------------- */

/* What people look for by the names of nginx, Caddy, h2o and HAProxy. */
static const struct {
  const char *names, *advice; /* names between blanks */
} others[] = {
    {" proxy proxy_pass reverse_proxy upstream backend ",
     "weir does not forward requests to other servers yet"},
    {" listen listeners bind ", "use http or https"},
    {" certificate ssl_certificate ssl_certificate_key tls ssl crt ",
     "use certificates, a list of cert and key"},
    {" root alias file_server file.dir dir ", "use directory"},
    {" server_name ", "use name, in hosts"},
    {" server servers sites ", "use hosts"},
    {" location handle locations paths ", "use path, in routes"},
    {" return rewrite redir ", "use redirect, or answer"},
    {" respond ", "use answer"},
    {" try_files ", "use fallback"},
    {" autoindex browse file.dirlisting ", "use listing"},
    {" gzip brotli zstd encode compression ", "use compress"},
    {" add_header add-header headers header ", "use header-set or header-add"},
    {" expires ", "use cache-control or cache-rule"},
    {" allow deny ", "use access"},
    {" limit_req limit_req_zone rate_limit ", "use request-rate"},
    {" limit_conn limit_conn_zone ", "use connections-per-client"},
    {" types mime default_type ", "use type"},
    {" worker_processes threads nbthread num-threads ", "use workers"},
    {" worker_connections maxconn max-connections ", "use connections"},
    {" keepalive_timeout timeout idle_timeout ", "use idle-seconds"},
    {" http2_max_concurrent_streams ", "use streams"},
    {" http2_push ", "use preload"},
    {" stub_status ", "use metrics"},
    {" server_tokens ", "use header-set with server"},
    {" ssl_ciphers ", "use ciphers"},
    {" ssl_ecdh_curve curves ", "use groups"},
    {" ssl_session_ticket_key ", "use ticket-keys"},
    {" ssl_client_certificate ssl_verify_client ", "use client-ca"},
    {" acme letsencrypt email ", "run certbot with --webroot, and use certificates"},
    {" auth_basic basic_auth basicauth ", "weir asks for no passwords; use access or client-ca"},
    {" real_ip_header set_real_ip_from ", "a client's address is that of its connection"},
    {" include import ", "all is in one file"},
    {" if map set geo ", "there are no conditions and no variables"},
    {" error_log ", "leave it out: messages go to standard output and standard error"},
    {" http2 ", "leave it out: HTTP/2 is always spoken"},
    {" ssl_protocols protocols ", "leave it out: TLS 1.2 and 1.3 are spoken"},
    {" ssl_session_cache ssl_session_timeout ssl_session_tickets ssl_dhparam ssl_stapling ",
     "leave it out: weir does without"},
    {" ssl_prefer_server_ciphers ", "leave it out: with ciphers, their order counts"},
    {" gzip_types gzip_min_length gzip_comp_level gzip_vary brotli_types brotli_comp_level ",
     "leave it out: text of 1 KiB and more is compressed"},
    {" gzip_static brotli_static ", "leave it out: FILE.br, FILE.zst and FILE.gz are sent"},
    {" sendfile tcp_nopush tcp_nodelay aio open_file_cache multi_accept events ",
     "leave it out: weir does its best by itself"},
    {" client_max_body_size ", "leave it out: files take no uploads"},
};

/* Where a key or a list may stand, in words. */
static const char *place_of(unsigned scopes) {
  if (scopes & CONFIG_GLOBAL) return "it belongs at the top";
  if (scopes & CONFIG_CERTIFICATE) return "it belongs into an entry of certificates";
  if (scopes & CONFIG_HOST) return "it belongs into an entry of hosts";
  return "it belongs into an entry of routes";
}

static unsigned scopes_of(const char *name) {
  const struct config_key *key = config_key_find(name);
  const struct config_list *list = config_list_find(name);
  return key ? key->scopes : list ? list->parents : 0;
}

/* Keys and lists of a scope; all when it is 0. Returns how many. */
static size_t names_of(unsigned scope, const char **out) {
  size_t count = 0;
  for (size_t i = 0; i < config_key_count; i++)
    if (!scope || config_keys[i].scopes & scope) out[count++] = config_keys[i].name;
  for (size_t i = 0; i < config_list_count; i++)
    if (!scope || config_lists[i].parents & scope) out[count++] = config_lists[i].name;
  return count;
}

/* `names` stand between blanks. */
static bool is_among(const char *names, const char *name) {
  size_t len = strlen(name);
  if (len == 0 || strchr(name, ' ')) return false;
  for (const char *at = names; (at = strstr(at, name)); at++)
    if (at[-1] == ' ' && at[len] == ' ') return true;
  return false;
}

void config_key_advice(const char *name, enum config_scope scope, char *out, size_t size) {
  const char *names[CONFIG_KEYS_MAX];
  unsigned scopes = scopes_of(name);
  out[0] = 0;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (is_among(others[i].names, name)) snprintf(out, size, "%s", others[i].advice);
  if (scopes) snprintf(out, size, "%s", place_of(scopes));
  if (out[0]) return;
  const char *near = nearest_word(name, names, names_of(scope, names));
  if (!near) near = nearest_word(name, names, names_of(0, names));
  if (!near) return;
  unsigned right = scopes_of(near);
  snprintf(out, size, "did you mean %s?%s%s", near, right & scope ? "" : " But ",
           right & scope ? "" : place_of(right));
}
