/*
 * load/options_connect.c - where to connect, and how.
 */
#include "tools/load/options_rows.h"

static const struct load_option rows[] = {
    {"connect-to", 0, "HOST[:PORT]", LOAD_TEXT(connect_to),
     "connect there instead of to the URL's host"},
    {"insecure", 'k', NULL, LOAD_FLAG(insecure), "do not verify certificates"},
    {"cacert", 0, "FILE", LOAD_TEXT(ca_path),
     "trust these authorities, PEM, instead of the system's"},
};

const struct load_option_family load_options_connect = {
    .topic = "connections", .title = "Connections", LOAD_OPTIONS(rows)};
