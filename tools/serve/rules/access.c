/*
 * serve/rules/access.c - see serve/rules/access.h.
 */
#include "tools/serve/rules/access.h"

#include <string.h>

/* Takes a word and the spaces behind it off the text. */
static bool take_word(const char **text, const char *word) {
  size_t len = strlen(word);
  if (strncmp(*text, word, len) != 0 || (*text)[len] != ' ') return false;
  *text += len + strspn(*text + len, " ");
  return true;
}

const char *access_add(struct access_rules *rules, const char *text) {
  static const char expected[] = "expected allow or deny and a network such as 10.0.0.0/8, or all";
  struct access_rule rule = {0};
  if (rules->count == SERVE_ACCESS_RULES_MAX) return "too many rules";
  rule.allow = take_word(&text, "allow");
  if (!rule.allow && !take_word(&text, "deny")) return expected;
  rule.all = strcmp(text, "all") == 0;
  const char *wrong = rule.all ? NULL : network_parse(text, strlen(text), &rule.network);
  if (wrong) return wrong[0] ? wrong : expected;
  rules->at[rules->count++] = rule;
  rules->allows |= rule.allow;
  return NULL;
}

bool access_allows(const struct access_rules *rules, const uint8_t address[16]) {
  static const uint8_t none[16];
  bool known = memcmp(address, none, sizeof none) != 0;
  for (unsigned i = 0; i < rules->count; i++) {
    const struct access_rule *rule = &rules->at[i];
    if (rule->all || (known && network_holds(&rule->network, address))) return rule->allow;
  }
  return !known || !rules->allows;
}
