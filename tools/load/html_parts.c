/*
 * load/html_parts.c - see load/html_parts.h. The Makefile names the files as prerequisites of this
 * object, because the compiler does not see that they are read.
 */
#include "tools/load/html_parts.h"

#define EMBED(name, path)                                                                          \
  __asm__(".pushsection .rodata\n"                                                                 \
          ".global " #name "\n"                                                                    \
          ".hidden " #name "\n"                                                                    \
          ".type " #name ", %object\n" #name ":\n"                                                 \
          ".incbin \"" path "\"\n"                                                                 \
          ".byte 0\n"                                                                              \
          ".size " #name ", . - " #name "\n"                                                       \
          ".popsection\n")

EMBED(load_html_template, "tools/report/page.html");
EMBED(load_html_style, "tools/report/page.css");
EMBED(load_html_script, "tools/report/page.js");
