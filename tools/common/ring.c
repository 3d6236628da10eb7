/*
 * common/ring.c - see common/ring.h.
 */
#include "tools/common/ring.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/common/output.h"

bool ring_option(const struct options *options, enum ring_choice *out) {
  return ring_choice_parse(options->value, out) ||
         options_wrong(options, "expected auto, io_uring or epoll");
}

const char *ring_text(const struct ring_chosen *chosen, char text[RING_TEXT_BYTES]) {
  const char *because = chosen->why.text[0] ? ", because " : "";
  snprintf(text, RING_TEXT_BYTES, "%s%s%s", ring_choice_name(chosen->engine), because,
           chosen->why.text);
  return text;
}

void ring_warn(const struct ring_chosen *chosen) {
  char text[RING_TEXT_BYTES];
  if (chosen->why.text[0]) output_say(STDERR_FILENO, "warning: on %s", ring_text(chosen, text));
}
