/*
 * load/text_parts.h - the parts of the text report (load/show.h) that have files of their own.
 */
#ifndef WEIR_LOAD_TEXT_PARTS_H
#define WEIR_LOAD_TEXT_PARTS_H

#include "tools/load/show.h"

/* Percentiles of all times that were measured. */
void load_text_times(const struct load_report *report, FILE *to);

/* A row for each --stage. */
void load_text_stages(const struct load_report *report, FILE *to);

#endif
