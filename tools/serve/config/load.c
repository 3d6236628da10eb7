/*
 * serve/config/load.c - see serve/config/load.h.
 */
#include "tools/serve/config/load.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tools/serve/config/document.h"
#include "tools/serve/config/find.h"
#include "tools/serve/config/hints.h"
#include "tools/serve/rules/rules.h"

bool config_load_wrong(const struct config_part *part, const char *key, const char *text,
                       struct mistakes *mistakes) {
  const struct config_key *found = config_key_find(key);
  const struct config_part *from = part;
  bool given = config_document_next(found, &from, NULL) != NULL;
  struct place place = given ? config_document_own(from, found)->place : part->place;
  return mistakes_add(mistakes, place, "%s%s: %s", place.line ? "" : "--",
                      place.line ? key : config_key_option(found), text);
}

/* One that is shared is checked where it stands. */
static bool check_directory(const struct serve_route *route, struct mistakes *mistakes) {
  const struct config_texts *texts = config_document_own(route->part, config_key_find("directory"));
  if (!texts->given) return true;
  int fd = open(route->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  bool good = fd >= 0 && faccessat(fd, ".", X_OK, AT_EACCESS) == 0;
  if (!good)
    (void)mistakes_add(mistakes, texts->place, "cannot serve directory %s: %s", route->directory,
                       strerror(errno));
  if (fd >= 0) close(fd);
  return good;
}

static bool load_hints(struct serve_route *route, struct mistakes *mistakes) {
  char error[MISTAKE_BYTES];
  const struct failure failure = {error, sizeof error};
  const char *refused;
  if (!route->push_manifest && route->preload_count == 0) return true;
  route->hints = serve_hints_create(route->site_path, route->push_manifest, route->preloads,
                                    route->preload_count, &refused, &failure);
  return route->hints || config_load_wrong(route->part, refused, error, mistakes);
}

static bool load_rest(struct serve_config *config, const struct serve_route *rest,
                      struct mistakes *mistakes) {
  return !rest->rules || serve_rules_load(rest->rules, &config->document.arena, mistakes);
}

bool config_load(struct serve_config *config, struct mistakes *mistakes) {
  bool good = load_rest(config, &config->rest, mistakes);
  for (unsigned i = 0; i < config->host_count; i++) {
    good &= load_rest(config, &config->hosts[i].rest, mistakes);
    for (unsigned k = 0; k < config->hosts[i].route_count; k++) {
      struct serve_route *route = &config->hosts[i].routes[k];
      good &= serve_rules_load(route->rules, &config->document.arena, mistakes);
      if (route->action != SERVE_DIRECTORY) continue;
      good &= check_directory(route, mistakes);
      good &= load_hints(route, mistakes);
    }
  }
  return good;
}
