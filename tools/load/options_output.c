/*
 * load/options_output.c - what to show.
 */
#include "tools/load/options_rows.h"

static bool set_json(struct options *parser, struct load_options *options, char *value) {
  (void)parser;
  options->json = value ? value : "-";
  return true;
}

static const struct load_option rows[] = {
    {"json", 0, "[=FILE]", LOAD_TAKE(set_json),
     "print the report as one JSON object, or write that to FILE\n"
     "and print the report as text"},
    {"hdr", 0, "FILE", LOAD_TEXT(hdr),
     "write the latencies as a HdrHistogram log, which the usual\n"
     "plotters read"},
    {"quiet", 'q', NULL, LOAD_FLAG(quiet), "show no progress"},
    {"help", 'h', "[=TOPIC]", LOAD_TEXT(topic), "print this help, or more about TOPIC"},
    {"version", 'V', NULL, {0}, "print the version"},
};

const struct load_option_family load_options_output = {
    .topic = "output", .title = "What to show", LOAD_OPTIONS(rows)};
