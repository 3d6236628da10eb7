/*
 * load/options_help.c - see load/options_help.h.
 */
#include "tools/load/options_help.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/load/options_families.h"

static const char before[] =
    "Usage: weir load [OPTIONS] URL...\n"
    "\n"
    "Makes requests and measures the answers. Each connection requests the URLs in turn; those\n"
    "of several servers divide the connections between them. https:// speaks what the server\n"
    "selects by ALPN: HTTP/2 or HTTP/1.1. http:// is HTTP/2 with prior knowledge; see --h1.\n"
    "\n";

static const char after[] =
    "Examples\n"
    "  weir load -n 100000 -c 100 -m 100 http://localhost:8080/plaintext\n"
    "      how many requests a second can the server answer?\n"
    "  weir load -D 10 -c 50 -r 2000 -k https://localhost:8443/\n"
    "      what is its latency at 2000 requests a second?\n"
    "  weir load -D 30 --warm-up-time 5 -c 10 -m 10 -d upload.bin http://localhost:8080/echo\n"
    "      uploads for 30 s, after 5 s that do not count\n"
    "  weir load -n 2 -m 2 --cap '*.jpg=4k,rest' http://HOST/a.jpg http://HOST/b.js\n"
    "      4 KB of the image, the script, then the rest of the image\n"
    "\n"
    "Ctrl-C ends a run early and prints what was measured so far. SIGHUP prints that and\n"
    "goes on.\n"
    "Exit status: 0 success; 1 no request succeeded, or no connection could be made;\n"
    "2 wrong command line; 3 a condition of --fail-if is true.\n";

struct page {
  size_t len;
  char text[LOAD_HELP_BYTES];
};

__attribute__((format(printf, 2, 3))) static int add(struct page *page, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int len = vsnprintf(page->text + page->len, sizeof page->text - page->len, format, arguments);
  va_end(arguments);
  assert(len >= 0 && (size_t)len < sizeof page->text - page->len);
  page->len += (size_t)len;
  return len;
}

/* The option on the left and its text on the right; below it, if the option is too long. */
static void add_option(struct page *page, const struct load_option *row) {
  enum { INDENT = 25 };
  bool may_have = row->value && row->value[0] == '[' && row->value[1] == '=';
  int len = row->letter ? add(page, "  -%c, ", row->letter) : add(page, "      ");
  len += add(page, "--%s%s%s", row->name, row->value && !may_have ? " " : "",
             row->value ? row->value : "");
  if (len + 1 > INDENT) len = 0 * add(page, "\n");
  for (const char *line = row->help; line; len = 0) {
    const char *end = strchr(line, '\n');
    add(page, "%*s%.*s\n", INDENT - len, "", (int)(end ? end - line : (long)strlen(line)), line);
    line = end ? end + 1 : NULL;
  }
}

static void add_family(struct page *page, const struct load_option_family *family) {
  if (!family->title) return;
  add(page, "%s\n", family->title);
  for (size_t i = 0; i < family->count; i++)
    if (family->options[i].help) add_option(page, &family->options[i]);
  add(page, "\n");
}

static void add_topics(struct page *page) {
  const char *between = "Topics for --help=TOPIC: ";
  for (const struct load_option_family *const *at = load_option_families; *at; at++) {
    if (!(*at)->more) continue;
    add(page, "%s%s", between, (*at)->topic);
    between = ", ";
  }
  add(page, "\n");
}

const char *load_options_help(const char *topic) {
  static struct page page;
  page.len = 0;
  if (!topic) add(&page, "%s", before);
  for (const struct load_option_family *const *at = load_option_families; *at; at++) {
    if (topic && strcmp(topic, (*at)->topic) != 0) continue;
    add_family(&page, *at);
    if (topic && (*at)->more) add(&page, "%s", (*at)->more);
  }
  if (topic) return page.len > 0 ? page.text : NULL;
  add(&page, "%s", after);
  add_topics(&page);
  return page.text;
}
