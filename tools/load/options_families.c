/*
 * load/options_families.c - see load/options_families.h.
 */
#include "tools/load/options_families.h"

const struct load_option_family *const load_option_families[] = {
    &load_options_shape,    &load_options_request,
    &load_options_protocol, &load_options_connect,
    &load_options_tls,      &load_options_flow,
    &load_options_output,   &load_options_h2load,
    &load_options_others,   NULL};
