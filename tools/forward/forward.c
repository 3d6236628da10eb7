/*
 * forward/forward.c - `weir forward`: parses the command line, and runs.
 */
#include "tools/common/commands.h"
#include "tools/forward/options.h"
#include "tools/forward/run.h"

int command_forward(int argc, char **argv) {
  static struct forward_options options; /* too large for the stack */
  char error[512];
  const struct failure failure = {.text = error, .size = sizeof error};
  enum options_result result = forward_options_parse(&options, argc, argv, &failure);
  if (result != OPTIONS_RUN)
    return options_answer(result, "weir forward", forward_options_help(), &failure);
  return forward_run(&options);
}
