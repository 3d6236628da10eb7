/*
 * serve/demo/page.h - the page of the built-in site. It loads no other resources.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_PAGE_H
#define WEIR_TOOLS_SERVE_DEMO_PAGE_H

#include "engine/base/machine.h"

/* Returns static text. */
struct span demo_page(void);

#endif
