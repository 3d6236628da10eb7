/*
 * forward/kubeconfig.c - see forward/kubeconfig.h.
 *
 * Each document gets the member "" with the path of its file, so that an entry can say where it is from.
 */
#include "tools/forward/kubeconfig.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "tools/forward/limits.h"
#include "tools/forward/yaml.h"

/* ---- bytes ----------------------------------------------------------------------------------- */

char *kubeconfig_file(const char *path, size_t *len, const struct failure *failure) {
  FILE *file = fopen(path, "re");
  char *text = file ? malloc(KUBECONFIG_BYTES_MAX + 1) : NULL;
  size_t count = text ? fread(text, 1, KUBECONFIG_BYTES_MAX + 1, file) : 0;
  int error = !file || !text || ferror(file) ? errno : 0;
  if (!error && count > KUBECONFIG_BYTES_MAX) error = EFBIG;
  if (file) fclose(file);
  char *fitting = error ? NULL : realloc(text, count + 1);
  if (!error && !fitting) error = ENOMEM;
  if (error) {
    free(text);
    failure_set(failure, "cannot read %s: %s", path, strerror(error));
    return NULL;
  }
  fitting[count] = 0;
  *len = count;
  return fitting;
}

/* What base64 stands for, and a NUL, for free(). NULL if it is none, or memory was refused. EVP_DecodeBlock() takes no
 * line breaks, and counts the bytes that padding stands for. */
static char *decode_base64(const char *text) {
  size_t len = strlen(text), count = 0;
  char *clean = malloc(len + 1);
  uint8_t *bytes = malloc(len + 1);
  int decoded = -1;
  if (clean && bytes) {
    for (size_t i = 0; i < len; i++)
      if (!strchr(" \t\r\n", text[i])) clean[count++] = text[i];
    clean[count] = 0;
    decoded = EVP_DecodeBlock(bytes, (const uint8_t *)clean, (int)count);
    for (size_t i = count; decoded > 0 && i > 0 && i > count - 2 && clean[i - 1] == '='; i--)
      decoded--;
  }
  free(clean);
  if (decoded > 0 && !memchr(bytes, 0, (size_t)decoded)) {
    bytes[decoded] = 0;
    return (char *)bytes;
  }
  free(bytes);
  return NULL;
}

char *kubeconfig_path(const char *file, const char *path) {
  const char *slash = strrchr(file, '/');
  char *joined = NULL;
  if (path[0] == '/' || !slash) return strdup(path);
  if (asprintf(&joined, "%.*s/%s", (int)(slash - file), file, path) < 0) return NULL;
  return joined;
}

/* ---- documents ------------------------------------------------------------------------------- */

static bool add_document(json_t *documents, const char *path, const struct failure *failure) {
  size_t len;
  char *text = kubeconfig_file(path, &len, failure);
  if (!text) return false;
  json_t *document = yaml_read(path, span_of(text, len), failure);
  free(text);
  if (!document) return false;
  if (json_is_null(document)) document = json_object(); /* an empty file */
  if (!json_is_object(document)) {
    json_decref(document);
    return failure_set(failure, "%s: not a kubeconfig", path);
  }
  json_object_set_new(document, "", json_string(path));
  return json_array_append_new(documents, document) == 0 ||
         failure_set(failure, "%s: out of memory", path);
}

static bool add_listed(json_t *documents, const char *list, const struct failure *failure) {
  unsigned count = 0;
  for (const char *at = list; *at; at += strspn(at, ":")) {
    char path[4096];
    size_t len = strcspn(at, ":");
    if (len >= sizeof path || count++ == KUBECONFIG_FILES_MAX)
      return failure_set(failure, "KUBECONFIG: too long");
    snprintf(path, sizeof path, "%.*s", (int)len, at);
    at += len;
    FILE *file = len ? fopen(path, "re") : NULL;
    bool missing = !file && errno == ENOENT;
    if (file) fclose(file);
    if (len && !missing && !add_document(documents, path, failure)) return false;
  }
  return json_array_size(documents) > 0 ||
         failure_set(failure, "KUBECONFIG: none of these files exists: %s", list);
}

static bool read_documents(json_t *documents, const char *path, const struct failure *failure) {
  const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
  char own[4096];
  if (path) return add_document(documents, path, failure);
  if (list && *list) return add_listed(documents, list, failure);
  if (!home || !*home)
    return failure_set(failure,
                       "no kubeconfig: neither --kubeconfig nor KUBECONFIG nor HOME is set");
  snprintf(own, sizeof own, "%s/.kube/config", home);
  return add_document(documents, own, failure);
}

/* ---- entries --------------------------------------------------------------------------------- */

struct entry {
  const json_t *values;
  const char *source; /* the file */
  const char *list, *name;
};

static const char *source_of(const json_t *document) {
  return json_string_value(json_object_get(document, ""));
}

__attribute__((format(printf, 3, 4))) static bool
fail(const struct failure *failure, const struct entry *entry, const char *format, ...) {
  char where[600];
  va_list arguments;
  snprintf(where, sizeof where, "%s: %s \"%s\"", entry->source, entry->list, entry->name);
  va_start(arguments, format);
  failure_set_in(failure, where, format, arguments);
  va_end(arguments);
  return false;
}

/* Finds the entry in the list of that name ("clusters", whose entries have it as their member "cluster"). */
static bool find(const struct kubeconfig *config, const char *list, const char *member,
                 const char *name, struct entry *out) {
  size_t i, k;
  const json_t *document, *item;
  json_array_foreach (config->documents, i, document) {
    json_array_foreach (json_object_get(document, list), k, item) {
      const char *its = json_string_value(json_object_get(item, "name"));
      if (!its || strcmp(its, name) != 0) continue;
      *out = (struct entry){json_object_get(item, member), source_of(document), member, its};
      return true;
    }
  }
  return false;
}

/* Reads a member that is a string or absent. An empty string counts as absent. */
static bool text_of(const struct entry *entry, const char *name, const char **out,
                    const struct failure *failure) {
  const json_t *value = json_object_get(entry->values, name);
  *out = NULL;
  if (!value || json_is_null(value)) return true;
  const char *text = json_string_value(value);
  if (!text) return fail(failure, entry, "%s must be a string", name);
  if (*text) *out = text;
  return true;
}

/* PEM that is either in the member `name`-data, as base64, or in the file that `name` has. */
static bool pem_of(const struct entry *entry, const char *name, char **out,
                   const struct failure *failure) {
  const char *data, *file;
  char data_name[64];
  size_t len;
  snprintf(data_name, sizeof data_name, "%s-data", name);
  if (!text_of(entry, data_name, &data, failure) || !text_of(entry, name, &file, failure))
    return false;
  if (data) {
    *out = decode_base64(data);
    return *out || fail(failure, entry, "%s is not base64", data_name);
  }
  if (!file) return true;
  char reason[600];
  const struct failure why = {reason, sizeof reason};
  char *path = kubeconfig_path(entry->source, file);
  *out = path ? kubeconfig_file(path, &len, &why) : NULL;
  if (!path) failure_set(&why, "out of memory");
  free(path);
  return *out || fail(failure, entry, "%s: %s", name, reason);
}

static bool read_cluster(struct kubeconfig *config, const struct entry *entry,
                         const struct failure *failure) {
  const json_t *insecure = json_object_get(entry->values, "insecure-skip-tls-verify");
  const char *proxy;
  config->cluster = entry->values;
  config->insecure = json_is_true(insecure);
  if (!text_of(entry, "server", &config->server, failure) ||
      !text_of(entry, "proxy-url", &proxy, failure) ||
      !text_of(entry, "tls-server-name", &config->tls_server_name, failure) ||
      !pem_of(entry, "certificate-authority", &config->authorities, failure))
    return false;
  if (!config->server) return fail(failure, entry, "no server");
  if (proxy) return fail(failure, entry, "proxy-url is not supported");
  if (config->insecure && config->authorities)
    return fail(failure, entry,
                "certificate-authority and insecure-skip-tls-verify exclude each other");
  return true;
}

static bool read_token_file(struct kubeconfig *config, const struct entry *entry,
                            const struct failure *failure) {
  const char *file;
  if (!text_of(entry, "tokenFile", &file, failure)) return false;
  if (!file) return true;
  config->token_file = kubeconfig_path(entry->source, file);
  return config->token_file || fail(failure, entry, "out of memory");
}

/* Unsupported members that change how the client identifies itself. Ignoring them would only fail later. */
static bool check_user(const struct entry *entry, const struct failure *failure) {
  static const char *const unknown[] = {"auth-provider", "as", "as-uid", "as-groups",
                                        "as-user-extra", NULL};
  for (unsigned i = 0; unknown[i]; i++)
    if (json_object_get(entry->values, unknown[i]))
      return fail(failure, entry, "%s is not supported", unknown[i]);
  return true;
}

static bool read_user(struct kubeconfig *config, const struct entry *entry,
                      const struct failure *failure) {
  config->exec = json_object_get(entry->values, "exec");
  config->exec_source = entry->source;
  if (config->exec && !json_is_object(config->exec)) config->exec = NULL;
  if (!check_user(entry, failure) ||
      !pem_of(entry, "client-certificate", &config->certificate, failure) ||
      !pem_of(entry, "client-key", &config->key, failure) ||
      !text_of(entry, "token", &config->token, failure) ||
      !read_token_file(config, entry, failure) ||
      !text_of(entry, "username", &config->username, failure) ||
      !text_of(entry, "password", &config->password, failure))
    return false;
  if (!config->certificate == !config->key) return true;
  return fail(failure, entry, "client-certificate and client-key need each other");
}

/* ---- the context ----------------------------------------------------------------------------- */

/* The files, for messages that are about all of them. */
static const char *source_of_all(const struct kubeconfig *config) {
  if (json_array_size(config->documents) > 1) return "KUBECONFIG";
  return source_of(json_array_get(config->documents, 0));
}

static void list_contexts(const struct kubeconfig *config, char *text, size_t size) {
  size_t i, k, len = 0;
  const json_t *document, *item;
  text[0] = 0;
  json_array_foreach (config->documents, i, document) {
    json_array_foreach (json_object_get(document, "contexts"), k, item) {
      const char *name = json_string_value(json_object_get(item, "name"));
      if (name && len < size)
        len += (size_t)snprintf(text + len, size - len, "%s%s", len ? ", " : "", name);
    }
  }
  if (len == 0) snprintf(text, size, "none");
}

static bool choose_context(struct kubeconfig *config, const char *asked,
                           const struct failure *failure) {
  char names[300];
  size_t i;
  const json_t *document;
  config->context = asked;
  json_array_foreach (config->documents, i, document) {
    const char *current = json_string_value(json_object_get(document, "current-context"));
    if (!config->context && current && *current) config->context = current;
  }
  if (config->context) return true;
  list_contexts(config, names, sizeof names);
  return failure_set(failure,
                     "%s: no current-context is set; choose one with --context (there are: %s)",
                     source_of_all(config), names);
}

static bool read_context(struct kubeconfig *config, const struct failure *failure) {
  struct entry context, cluster, user;
  const char *cluster_name, *user_name;
  if (!find(config, "contexts", "context", config->context, &context))
    return failure_set(failure, "%s: no context \"%s\"", source_of_all(config), config->context);
  if (!text_of(&context, "cluster", &cluster_name, failure) ||
      !text_of(&context, "user", &user_name, failure) ||
      !text_of(&context, "namespace", &config->namespace, failure))
    return false;
  if (!cluster_name) return fail(failure, &context, "no cluster");
  if (!find(config, "clusters", "cluster", cluster_name, &cluster))
    return fail(failure, &context, "there is no cluster \"%s\"", cluster_name);
  if (!read_cluster(config, &cluster, failure)) return false;
  if (!user_name) return true;
  if (!find(config, "users", "user", user_name, &user))
    return fail(failure, &context, "there is no user \"%s\"", user_name);
  return read_user(config, &user, failure);
}

bool kubeconfig_read(struct kubeconfig *config, const char *path, const char *context,
                     const struct failure *failure) {
  *config = (struct kubeconfig){.documents = json_array()};
  bool good = config->documents || failure_set(failure, "out of memory");
  good = good && read_documents(config->documents, path, failure) &&
         choose_context(config, context, failure) && read_context(config, failure);
  if (!good) kubeconfig_free(config);
  return good;
}

void kubeconfig_free(struct kubeconfig *config) {
  free(config->authorities);
  free(config->certificate);
  if (config->key) OPENSSL_cleanse(config->key, strlen(config->key));
  free(config->key);
  free(config->token_file);
  json_decref(config->documents);
  *config = (struct kubeconfig){0};
}
