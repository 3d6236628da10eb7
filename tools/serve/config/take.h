/*
 * serve/config/take.h - how each key's text is read: the functions of the table in serve/config/table.c.
 *
 * Each takes one text into the part that is being made. False: a mistake was added (config_wrong()).
 */
#ifndef WEIR_TOOLS_SERVE_CONFIG_TAKE_H
#define WEIR_TOOLS_SERVE_CONFIG_TAKE_H

#include "tools/serve/config/making.h"

#define CONFIG_TAKES __attribute__((warn_unused_result)) bool

/* Takes a flag, a count or a text to its offset in the part's struct, and anything else by its function. */
void config_take(struct config_making *making, const char *text);

CONFIG_TAKES config_take_http(struct config_making *making, const char *text);
CONFIG_TAKES config_take_https(struct config_making *making, const char *text);
CONFIG_TAKES config_take_metrics(struct config_making *making, const char *text);
CONFIG_TAKES config_take_flow(struct config_making *making, const char *text);
CONFIG_TAKES config_take_head_start(struct config_making *making, const char *text);
CONFIG_TAKES config_take_weight(struct config_making *making, const char *text);
CONFIG_TAKES config_take_log_format(struct config_making *making, const char *text);
CONFIG_TAKES config_take_ring(struct config_making *making, const char *text);
CONFIG_TAKES config_take_name(struct config_making *making, const char *text);
CONFIG_TAKES config_take_path(struct config_making *making, const char *text);
CONFIG_TAKES config_take_redirect(struct config_making *making, const char *text);
CONFIG_TAKES config_take_answer(struct config_making *making, const char *text);
CONFIG_TAKES config_take_field_value(struct config_making *making, const char *text);
CONFIG_TAKES config_take_preload(struct config_making *making, const char *text);

#endif
