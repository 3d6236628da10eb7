/*
 * trace/manifest.c - see trace/manifest.h. References to other resources are resolved after all are
 * read, so the order in the file does not matter.
 */
#include "tools/trace/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "tools/trace/limits.h"

struct reader {
  struct trace_manifest *manifest;
  json_t *resources;
  const char *source;
  const struct failure *failure;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct reader *reader,
                                                       const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failure_set_in(reader->failure, reader->source, format, arguments);
  va_end(arguments);
  return false;
}

void trace_manifest_free(struct trace_manifest *manifest) {
  for (size_t i = 0; i < manifest->count; i++) {
    free(manifest->at[i].id);
    free(manifest->at[i].reference);
    free(manifest->at[i].priority);
  }
  free(manifest->at);
  *manifest = (struct trace_manifest){0};
}

/* ---- members of one resource ----------------------------------------------------------------- */

/* Reads a text member. False when it has another type. NULL in `out` when it is missing. */
static bool text_member(const struct reader *reader, const json_t *object, const char *name,
                        const char **out) {
  const json_t *value = json_object_get(object, name);
  *out = json_string_value(value);
  if (!value || *out) return true;
  return fail(reader, "\"%s\" must be a string", name);
}

static bool number_member(const struct reader *reader, const json_t *object, const char *name,
                          double low, double high, double *out) {
  const json_t *value = json_object_get(object, name);
  if (!value) return true;
  if (json_is_number(value)) *out = json_number_value(value);
  if (json_is_number(value) && *out >= low && *out <= high) return true;
  return fail(reader, "\"%s\" must be a number from %.0f to %.0f", name, low, high);
}

/* Whether HTTP allows this field value, and it fits where it is shown. */
static bool is_priority(const char *text) {
  for (const char *at = text; *at; at++)
    if (*at < ' ' || *at >= 0x7f) return false;
  size_t len = strlen(text);
  return len < 32 && (len == 0 || (text[0] != ' ' && text[len - 1] != ' '));
}

static bool read_kind(const struct reader *reader, const json_t *object,
                      struct trace_resource *resource) {
  const char *name;
  if (!text_member(reader, object, "kind", &name)) return false;
  resource->kind = name ? trace_kind_parse(name) : trace_kind_of_path(resource->reference);
  resource->kind_given = name || resource->kind != TRACE_OTHER;
  if (resource->kind == TRACE_KINDS)
    return fail(reader,
                "%s is not a known kind: document, style, script, font, image, fetch, other", name);
  const json_t *critical = json_object_get(object, "critical");
  if (critical && !json_is_boolean(critical))
    return fail(reader, "\"critical\" must be true or false");
  resource->critical = critical ? json_is_true(critical) : resource->kind <= TRACE_FONT;
  return true;
}

static bool read_event(const struct reader *reader, const json_t *object,
                       struct trace_resource *resource) {
  static const char *const names[] = {[TRACE_ON_HEADERS] = "headers",
                                      [TRACE_ON_BYTE] = "first-byte",
                                      [TRACE_ON_DIMENSIONS] = "dimensions",
                                      [TRACE_ON_COMPLETE] = "complete"};
  const char *name;
  if (!text_member(reader, object, "event", &name)) return false;
  resource->event = TRACE_ON_COMPLETE;
  if (!name) return true;
  for (int event = 0; event <= TRACE_ON_COMPLETE; event++) {
    resource->event = (enum trace_event)event;
    if (strcmp(names[event], name) == 0) return true;
  }
  return fail(reader, "%s is not a known event: headers, first-byte, dimensions, complete", name);
}

static bool read_signals(const struct reader *reader, const json_t *object,
                         struct trace_resource *resource) {
  const char *priority;
  double weight = 0, cap = -1;
  if (!text_member(reader, object, "priority", &priority)) return false;
  if (!number_member(reader, object, "weight", 1, 256, &weight)) return false;
  if (!number_member(reader, object, "cap", 0, 2147483647, &cap)) return false;
  if (priority && !is_priority(priority))
    return fail(reader, "\"%s\" is not a value for the priority field", priority);
  resource->weight = (unsigned)weight;
  resource->cap_bytes = cap >= 0 ? (uint64_t)cap : UINT64_MAX;
  if (!priority) return true;
  resource->priority = strdup(priority);
  return resource->priority || fail(reader, "out of memory");
}

static bool read_times(const struct reader *reader, const json_t *object,
                       struct trace_resource *resource) {
  double delay = 0;
  if (!number_member(reader, object, "start", 0, 3600e3, &resource->start_ms)) return false;
  if (!number_member(reader, object, "delay", 0, 3600e3, &delay)) return false;
  bool waits = json_object_get(object, "after");
  if (waits && json_object_get(object, "start"))
    return fail(reader, "%s has both \"start\" and \"after\"", resource->reference);
  if (!waits && (json_object_get(object, "event") || json_object_get(object, "delay")))
    return fail(reader, "%s has \"event\" or \"delay\" without \"after\"", resource->reference);
  if (waits) resource->start_ms = delay;
  return read_event(reader, object, resource);
}

static bool check_names(const struct reader *reader, json_t *object) {
  static const char *const names[] = {"url",   "id",       "kind",     "start",  "after", "event",
                                      "delay", "critical", "priority", "weight", "cap",   "uncap"};
  const char *name;
  json_t *value;
  json_object_foreach (object, name, value) {
    bool known = false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
      known = known || strcmp(names[i], name) == 0;
    if (!known) return fail(reader, "\"%s\" is not a member of a resource", name);
  }
  return true;
}

static bool read_resource(const struct reader *reader, json_t *object,
                          struct trace_resource *resource) {
  const char *url, *id;
  *resource = (struct trace_resource){.after = -1, .uncap = -1, .cap_bytes = UINT64_MAX};
  if (!json_is_object(object)) return fail(reader, "a resource must be an object");
  if (!check_names(reader, object)) return false;
  if (!text_member(reader, object, "url", &url)) return false;
  if (!text_member(reader, object, "id", &id)) return false;
  if (!url || !*url) return fail(reader, "a resource has no \"url\"");
  resource->reference = strdup(url);
  resource->id = id ? strdup(id) : NULL;
  if (!resource->reference || (id && !resource->id)) return fail(reader, "out of memory");
  struct url base, parsed;
  bool good =
      url_parse(&base, "http://localhost/") && url_resolve(&parsed, &base, resource->reference);
  if (!good) return fail(reader, "%s is not an http or https URL", url);
  return read_kind(reader, object, resource) && read_times(reader, object, resource) &&
         read_signals(reader, object, resource);
}

/* ---- names of one another -------------------------------------------------------------------- */

static int find(const struct trace_manifest *manifest, const char *name) {
  for (size_t i = 0; i < manifest->count; i++)
    if (manifest->at[i].id && strcmp(manifest->at[i].id, name) == 0) return (int)i;
  for (size_t i = 0; i < manifest->count; i++)
    if (strcmp(manifest->at[i].reference, name) == 0) return (int)i;
  return -1;
}

static bool link_up(const struct reader *reader, const json_t *object, const char *member,
                    int *index) {
  const char *name;
  if (!text_member(reader, object, member, &name)) return false;
  if (!name) return true;
  *index = find(reader->manifest, name);
  return *index >= 0 || fail(reader, "\"%s\": there is no resource %s", member, name);
}

/* Without cycles, every chain of `after` has at most as many steps as there are resources. */
static bool check_circles(const struct reader *reader) {
  const struct trace_manifest *manifest = reader->manifest;
  for (size_t i = 0; i < manifest->count; i++) {
    size_t steps = 0;
    for (int at = manifest->at[i].after; at >= 0; at = manifest->at[at].after)
      if (++steps > manifest->count)
        return fail(reader, "%s waits for itself through \"after\"", manifest->at[i].reference);
  }
  return true;
}

static bool read_all(struct reader *reader) {
  struct trace_manifest *manifest = reader->manifest;
  size_t count = json_array_size(reader->resources);
  if (!json_is_array(reader->resources)) return fail(reader, "expected a list of resources");
  if (count == 0) return fail(reader, "no resources");
  if (count > TRACE_RESOURCES_MAX)
    return fail(reader, "more than %d resources", TRACE_RESOURCES_MAX);
  manifest->at = calloc(count, sizeof *manifest->at);
  if (!manifest->at) return fail(reader, "out of memory");
  for (size_t i = 0; i < count; i++) {
    manifest->count = i + 1; /* so that a refused resource is freed with the others */
    if (!read_resource(reader, json_array_get(reader->resources, i), &manifest->at[i]))
      return false;
  }
  for (size_t i = 0; i < count; i++) {
    const json_t *object = json_array_get(reader->resources, i);
    if (!link_up(reader, object, "after", &manifest->at[i].after)) return false;
    if (!link_up(reader, object, "uncap", &manifest->at[i].uncap)) return false;
  }
  return check_circles(reader);
}

static bool read_json(struct reader *reader, json_t *root, const json_error_t *why) {
  if (!root) return fail(reader, "line %d: %s", why->line, why->text);
  reader->resources = json_is_array(root) ? root : json_object_get(root, "resources");
  bool good = read_all(reader);
  json_decref(root);
  if (!good) trace_manifest_free(reader->manifest);
  return good;
}

bool trace_manifest_parse(struct trace_manifest *manifest, const char *json,
                          const struct failure *failure) {
  struct reader reader = {.manifest = manifest, .source = "manifest", .failure = failure};
  json_error_t why;
  *manifest = (struct trace_manifest){0};
  return read_json(&reader, json_loads(json, JSON_REJECT_DUPLICATES, &why), &why);
}

bool trace_manifest_read(struct trace_manifest *manifest, const char *file,
                         const struct failure *failure) {
  struct reader reader = {.manifest = manifest, .source = file, .failure = failure};
  json_error_t why;
  *manifest = (struct trace_manifest){0};
  FILE *stream = fopen(file, "re");
  if (!stream) return fail(&reader, "cannot read it: %s", strerror(errno));
  if (fseek(stream, 0, SEEK_END) == 0 && ftell(stream) > TRACE_MANIFEST_BYTES_MAX) {
    fclose(stream);
    return fail(&reader, "larger than %d bytes", TRACE_MANIFEST_BYTES_MAX);
  }
  rewind(stream);
  json_t *root = json_loadf(stream, JSON_REJECT_DUPLICATES, &why);
  fclose(stream);
  return read_json(&reader, root, &why);
}

bool trace_manifest_of_urls(struct trace_manifest *manifest, char *const *urls, size_t count,
                            const struct failure *failure) {
  const struct reader reader = {.source = "URLs", .failure = failure};
  *manifest = (struct trace_manifest){0};
  if (count > TRACE_RESOURCES_MAX) return fail(&reader, "more than %d URLs", TRACE_RESOURCES_MAX);
  manifest->at = calloc(count, sizeof *manifest->at);
  if (!manifest->at) return fail(&reader, "out of memory");
  for (size_t i = 0; i < count; i++) {
    struct url url;
    struct trace_resource *resource = &manifest->at[manifest->count];
    bool good = url_parse(&url, urls[i]);
    if (good) {
      *resource = (struct trace_resource){.after = -1, .uncap = -1, .cap_bytes = UINT64_MAX};
      resource->kind = trace_kind_of_path(url.target);
      resource->kind_given = resource->kind != TRACE_OTHER;
      resource->critical = resource->kind <= TRACE_FONT;
      resource->reference = strdup(urls[i]);
      if (resource->reference) manifest->count++;
    } else {
      failure_set(failure, "%s: expected http://HOST/PATH or https://HOST/PATH",
                  failure_shown(urls[i]));
    }
    if (good && resource->reference) continue;
    if (good) fail(&reader, "out of memory");
    trace_manifest_free(manifest);
    return false;
  }
  return true;
}
