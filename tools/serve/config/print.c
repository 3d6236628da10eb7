/*
 * serve/config/print.c - see serve/config/print.h.
 */
#include "tools/serve/config/print.h"

#include <ctype.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/ws/utf8.h"
#include "tools/serve/config/find.h"
#include "tools/serve/rules/rules.h"

struct printing {
  FILE *out;
  const struct failure *failure;
  const char *indent; /* of the next lines */
  const char *dash;   /* "- " in place of the last two spaces of the next line, or NULL */
  bool failed;
};

/* ---- texts ----------------------------------------------------------------------------------- */

/* Whether the text needs no quotes: it begins no other kind of value, and is not null. */
static bool is_plain(const char *text) {
  if (!isalnum((unsigned char)text[0]) && text[0] != '/') return false;
  if (strcasecmp(text, "null") == 0) return false;
  for (; *text; text++)
    if (!isalnum((unsigned char)*text) && !strchr("/_.-+=@", *text)) return false;
  return true;
}

static void print_quoted(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte == '"' || byte == '\\')
      fprintf(out, "\\%c", byte);
    else if (byte < ' ' || byte == 0x7f)
      fprintf(out, "\\x%02x", byte);
    else
      fputc(byte, out);
  }
  fputc('"', out);
}

static void print_text(struct printing *printing, const char *text) {
  struct ws_utf8 state = {0};
  if (!printing->failed && (!ws_utf8(&state, span_text(text)) || !ws_utf8_is_whole(&state))) {
    printing->failed = true;
    failure_set(printing->failure, "%s is not UTF-8, so it cannot stand in a file", text);
  }
  if (is_plain(text))
    fputs(text, printing->out);
  else
    print_quoted(printing->out, text);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The beginning of a line, up to the colon. */
static void print_name(struct printing *printing, const char *name) {
  int len = (int)strlen(printing->indent) - (printing->dash ? 2 : 0);
  fprintf(printing->out, "%.*s%s%s:", len, printing->indent, printing->dash ? printing->dash : "",
          name);
  printing->dash = NULL;
}

/* Parts that follow are entries of that list. */
static void print_list(struct printing *printing, const char *name) {
  print_name(printing, name);
  fputc('\n', printing->out);
}

static void print_key(struct printing *printing, const struct config_part *part,
                      const struct config_key *key) {
  const struct config_text *text = config_document_next(key, &part, NULL);
  bool none = !text && key->many && config_document_own(part, key)->given; /* [] */
  if (!text && !key->standard) return;
  print_name(printing, key->name);
  fputs(key->many ? " [" : " ", printing->out);
  if (!text && !none) print_text(printing, key->standard);
  for (bool first = true; text; text = config_document_next(key, &part, text), first = false) {
    if (!first) fputs(", ", printing->out);
    print_text(printing, text->text);
  }
  fputs(key->many ? "]\n" : "\n", printing->out);
}

static void print_keys(struct printing *printing, const struct config_part *part,
                       enum config_scope scope) {
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    if (!(key->scopes & CONFIG_ROUTE) && key->scopes & scope) print_key(printing, part, key);
  }
}

/* ---- parts ----------------------------------------------------------------------------------- */

/* Rules for fields, of which a route's own overrule its host's. Printed, all would be its own. */
static const struct {
  const char *key;
  enum field_rule_kind kind;
} field_keys[] = {
    {"header-set", FIELD_SET}, {"header-add", FIELD_ADD}, {"header-remove", FIELD_REMOVE}};

static void print_fields(struct printing *printing, const char *key, enum field_rule_kind kind,
                         const struct serve_rules *rules) {
  char text[2 * SERVE_FIELD_VALUE_BYTES_MAX + sizeof ": "];
  unsigned count = 0;
  for (uint32_t i = 0; i < rules->field_count; i++) {
    const struct header *field = &rules->fields[i].field;
    if (rules->fields[i].kind != kind) continue;
    if (count == 0) print_name(printing, key);
    fputs(count++ > 0 ? ", " : " [", printing->out);
    snprintf(text, sizeof text, "%.*s%s%.*s", (int)field->name.len, (const char *)field->name.base,
             kind == FIELD_REMOVE ? "" : ": ", (int)field->value.len,
             (const char *)field->value.base);
    print_text(printing, text);
  }
  if (count > 0) fputs("]\n", printing->out);
}

/* Its default depends on the action, so the table has none. */
static void print_status(struct printing *printing, const struct serve_route *route) {
  print_name(printing, "status");
  fprintf(printing->out, " %u\n", route->status);
}

/* Prints a key whose value is not from the file. Returns false for other keys. */
static bool print_rest_key(struct printing *printing, const struct serve_route *rest,
                           const struct config_key *key) {
  bool answer = strcmp(key->name, "answer") == 0;
  if (!answer && strcmp(key->name, "https-only") != 0) return false;
  print_name(printing, key->name);
  fputc(' ', printing->out);
  print_text(printing, answer ? rest->answer : "false");
  fputc('\n', printing->out);
  return true;
}

static void print_route_key(struct printing *printing, const struct serve_route *route,
                            const struct config_key *key) {
  if (route->rest && print_rest_key(printing, route, key)) return;
  if (strcmp(key->name, "status") == 0) {
    print_status(printing, route);
    return;
  }
  for (size_t i = 0; i < sizeof field_keys / sizeof *field_keys; i++)
    if (strcmp(field_keys[i].key, key->name) == 0) {
      print_fields(printing, key->name, field_keys[i].kind, route->rules);
      return;
    }
  print_key(printing, route->part, key);
}

static void print_route(struct printing *printing, const struct serve_route *route) {
  printing->dash = "- ";
  if (route->part->scope == CONFIG_ROUTE) {
    print_key(printing, route->part, config_key_find("path"));
  } else {
    print_name(printing, "path");
    fputs(" /\n", printing->out);
  }
  for (size_t i = 0; i < config_key_count; i++) {
    const struct config_key *key = &config_keys[i];
    bool applies = !key->actions || key->actions >> route->action & 1;
    bool path = key->scopes == CONFIG_ROUTE; /* comes first, wherever it stands in the table */
    if (key->scopes & CONFIG_ROUTE && applies && !path) print_route_key(printing, route, key);
  }
}

/* Whether rules apply where no route is. Without any, a file needs no route for that. */
static bool has_rest(const struct serve_route *rest) {
  return rest->rules && serve_rules_are_asked(rest->rules);
}

static void print_routes(struct printing *printing, const struct serve_host *host) {
  print_list(printing, "routes");
  printing->indent = "        ";
  for (unsigned i = 0; i < host->route_count; i++)
    print_route(printing, &host->routes[i]);
  if (has_rest(&host->rest)) print_route(printing, &host->rest);
}

static void print_host(struct printing *printing, const struct serve_host *host) {
  printing->indent = "    ";
  printing->dash = "- ";
  if (host->part->scope == CONFIG_HOST) {
    print_keys(printing, host->part, CONFIG_HOST);
  } else {
    print_name(printing, "name");
    fputs(" [default]\n", printing->out);
  }
  print_routes(printing, host);
}

static void print_certificates(struct printing *printing, const struct config_part *global) {
  printing->indent = "";
  bool any = false;
  for (const struct config_part *at = global->first; at; at = at->next) {
    if (at->scope != CONFIG_CERTIFICATE) continue;
    if (!any) print_list(printing, "certificates");
    any = true;
    printing->indent = "    ";
    printing->dash = "- ";
    print_keys(printing, at, CONFIG_CERTIFICATE);
  }
}

bool config_print(const struct serve_config *config, FILE *out, const struct failure *failure) {
  struct printing printing = {.out = out, .failure = failure, .indent = ""};
  const struct config_part *global = config->document.global;
  print_keys(&printing, global, CONFIG_GLOBAL);
  print_certificates(&printing, global);
  printing.indent = "";
  print_list(&printing, "hosts");
  for (unsigned i = 0; i < config->host_count; i++)
    print_host(&printing, &config->hosts[i]);
  const struct serve_host others = {.part = global, .rest = config->rest};
  if (has_rest(&others.rest)) print_host(&printing, &others);
  return !printing.failed;
}
