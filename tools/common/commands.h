/*
 * common/commands.h - the subcommands. Each gets its own name as argv[0] and returns the exit
 * status.
 */
#ifndef WEIR_TOOLS_COMMANDS_H
#define WEIR_TOOLS_COMMANDS_H

enum {
  EXIT_DONE = 0,
  EXIT_FAILED = 1,    /* the work failed; one line on stderr says why */
  EXIT_USAGE = 2,     /* the command line was wrong */
  EXIT_THRESHOLD = 3, /* the work is done, and a threshold of the command line was crossed */
};

#include "tools/common/version.h"

int command_forward(int argc, char **argv);
int command_load(int argc, char **argv);
int command_report(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_tunnel(int argc, char **argv);

#endif
