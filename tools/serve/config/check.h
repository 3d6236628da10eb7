/*
 * serve/config/check.h - what one key alone does not show: keys that need or exclude each other, names and
 * paths given twice. For serve/config/make.c; mistakes are added.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_CHECK_H
#define WEIR_TOOLS_SERVE_CONFIG_CHECK_H

#include "tools/serve/config/making.h"

/* Whether the part itself says what to do with a request. */
bool config_check_has_action(const struct config_part *part);

/* The directory of its host, or of the top, when the part is a route with rules alone; else NULL. The host may have it
 * itself, or in a route for "/". Lives as long as the document. */
const char *config_check_shared_directory(const struct config_part *part);

void config_check_certificate(struct config_making *making, const struct config_part *part);

/* Finds the route's action among its keys. */
void config_check_route(struct config_making *making, const struct config_part *part);

/* The host's routes are made and sorted. */
void config_check_paths(struct config_making *making, const struct config_part *part);

/* The host's names are taken. */
void config_check_host(struct config_making *making, const struct config_part *part);

/* All names are taken and sorted. */
void config_check_names(struct config_making *making);

/* The rest is made. */
void config_check_all(struct config_making *making, const struct config_part *global);

#endif
