/*
 * load/command.h - the command line of a run as text, for reports. Secrets are left out: a report may
 * be shown to others.
 */
#ifndef WEIR_LOAD_COMMAND_H
#define WEIR_LOAD_COMMAND_H

/* "weir load -n 100 'http://localhost/?a=b'", quoted for a shell. argv[0] is "load". The caller frees
 * it. NULL when memory was refused. */
__attribute__((warn_unused_result)) char *load_command_text(int argc, char *const *argv);

/* How many leading bytes of `field`, "name: value", may be shown: all of it, or the name and the colon
 * of Authorization, Proxy-Authorization, Cookie and X-Api-Key. */
__attribute__((warn_unused_result)) unsigned load_command_field_bytes(const char *field);

#endif
