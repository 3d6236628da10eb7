/*
 * serve/config/take_rules.h - how the texts of a route's rules are read: functions for serve/config/table.c, as those of
 * serve/config/take.h.
 *
 * A rule about a field that stands in a wider part does not count where a nearer one sets or removes the same name.
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_TAKE_RULES_H
#define WEIR_TOOLS_SERVE_CONFIG_TAKE_RULES_H

#include "tools/serve/config/making.h"

#define RULES_TAKES __attribute__((warn_unused_result)) bool

RULES_TAKES take_rules_header_set(struct config_making *making, const char *text);
RULES_TAKES take_rules_header_add(struct config_making *making, const char *text);
RULES_TAKES take_rules_header_remove(struct config_making *making, const char *text);
RULES_TAKES take_rules_cache(struct config_making *making, const char *text);
RULES_TAKES take_rules_type(struct config_making *making, const char *text);
RULES_TAKES take_rules_charset(struct config_making *making, const char *text);
RULES_TAKES take_rules_index(struct config_making *making, const char *text);
RULES_TAKES take_rules_fallback(struct config_making *making, const char *text);
RULES_TAKES take_rules_error_page(struct config_making *making, const char *text);
RULES_TAKES take_rules_access(struct config_making *making, const char *text);
RULES_TAKES take_rules_request_rate(struct config_making *making, const char *text);
RULES_TAKES take_rules_connection_rate(struct config_making *making, const char *text);
RULES_TAKES take_rules_connections_per_client(struct config_making *making, const char *text);

/* Gives making->route its rules, before its texts are taken; and completes them afterwards. `part`: the route's.
 * False when memory was refused, with a mistake. */
RULES_TAKES take_rules_begin(struct config_making *making);
void take_rules_end(struct config_making *making, const struct config_part *part);

#endif
