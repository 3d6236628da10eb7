/*
 * serve/demo_page.h - the page of the built-in site. It needs nothing but itself.
 */
#ifndef WEIR_TOOLS_SERVE_DEMO_PAGE_H
#define WEIR_TOOLS_SERVE_DEMO_PAGE_H

#include "engine/base/machine.h"

/* Static text. */
struct span demo_page(void);

#endif
