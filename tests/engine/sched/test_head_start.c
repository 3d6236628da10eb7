/*
 * sched/test_head_start.c - how rules are written, and what they match.
 */
#include "tests/support/cmocka.h"

#include <stdio.h>
#include <string.h>

#include "engine/sched/head_start.h"

static struct span text_of(const char *text) {
  return span_of(text, strlen(text));
}

static void rules_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool ok;
    uint32_t bytes;
    unsigned urgency;
    const char *type, *path;
  } rows[] = {
      {"image/*=4k", true, 4096, HEAD_START_URGENCY_DEFAULT, "image/*", ""},
      {"image/*=4K", true, 4096, HEAD_START_URGENCY_DEFAULT, "image/*", ""},
      {"image/jpeg@/hero/*=32k:0", true, 32768, 0, "image/jpeg", "/hero/*"},
      {"*=0", true, 0, HEAD_START_URGENCY_DEFAULT, "*", ""},
      {"video/mp4=1000:7", true, 1000, 7, "video/mp4", ""},
      {"image/*@/a?b=c*=2k", true, 2048, HEAD_START_URGENCY_DEFAULT, "image/*", "/a?b=c*"},
      {"image/*=16384k", true, 16 * MIB, HEAD_START_URGENCY_DEFAULT, "image/*", ""},
      {"image/*=scan", true, 4096, HEAD_START_URGENCY_DEFAULT, "image/*", ""},
      {"image/jpeg@/scan=scan:0", true, 4096, 0, "image/jpeg", "/scan"},
      {"image/*=scank", false, 0, 0, "", ""},
      {"image/*=sca", false, 0, 0, "", ""},
      {"image/*=scan:", false, 0, 0, "", ""},
      {"image/*=4kscan", false, 0, 0, "", ""},
      {"scan", false, 0, 0, "", ""},
      {"image/*=16385k", false, 0, 0, "", ""},
      {"image/*=99999999999999999999", false, 0, 0, "", ""},
      {"image/*=4k:8", false, 0, 0, "", ""},
      {"image/*=4k:", false, 0, 0, "", ""},
      {"image/*=k", false, 0, 0, "", ""},
      {"image/*=", false, 0, 0, "", ""},
      {"image/*=-1", false, 0, 0, "", ""},
      {"image/*", false, 0, 0, "", ""},
      {"=4k", false, 0, 0, "", ""},
      {"@/x=4k", false, 0, 0, "", ""},
      {"image/*@=4k", false, 0, 0, "", ""},
      {"", false, 0, 0, "", ""},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    struct head_start_rules rules = {.count = 0};
    bool ok = head_start_add(&rules, text_of(rows[i].text));
    if (ok != rows[i].ok) fail_msg("`%s` was %s", rows[i].text, ok ? "accepted" : "refused");
    assert_int_equal(rules.count, ok);
    if (!ok) continue;
    assert_int_equal(rules.at[0].bytes, rows[i].bytes);
    assert_int_equal(rules.at[0].urgency, rows[i].urgency);
    assert_int_equal(rules.at[0].scan, strstr(rows[i].text, "=scan") != NULL);
    assert_int_equal(rules.at[0].type.len, strlen(rows[i].type));
    assert_int_equal(rules.at[0].path.len, strlen(rows[i].path));
  }
}

static void rules_are_bounded(void **state) {
  (void)state;
  struct head_start_rules rules = {.count = 0};
  for (uint32_t i = 0; i < HEAD_START_RULES_MAX; i++)
    assert_true(head_start_add(&rules, text_of("image/*=1k")));
  assert_false(head_start_add(&rules, text_of("image/*=1k")));
  assert_int_equal(head_start_of_path(&rules, text_of("/")), 0xffff);
  for (uint32_t extra = 0; extra < 2; extra++) {
    char text[32];
    snprintf(text, sizeof text, "image/*=%u", HEAD_START_BYTES_MAX + extra);
    rules.count = 0;
    assert_int_equal(head_start_add(&rules, text_of(text)), !extra);
  }
}

static const struct head_start_rule *rule_of(const struct head_start_rules *rules, uint16_t of_path,
                                             struct span type) {
  return head_start_of_both(rules, of_path, head_start_types(rules, type));
}

static void the_first_match_counts(void **state) {
  (void)state;
  struct head_start_rules rules = {.count = 0};
  assert_true(head_start_add(&rules, text_of("image/svg+xml=0")));
  assert_true(head_start_add(&rules, text_of("image/jpeg@/hero/*.jpg=32k:0")));
  assert_true(head_start_add(&rules, text_of("image/*=4k")));
  assert_true(head_start_add(&rules, text_of("*@*progressive*=8k")));
  static const struct {
    const char *path, *type;
    int rule; /* -1: none */
  } rows[] = {
      {"/a.svg", "image/svg+xml", 0},
      {"/hero/1.jpg", "image/jpeg", 1},
      {"/hero/1/2.jpg", "IMAGE/JPEG; q=1", 1},
      {"/hero/1.jpeg", "image/jpeg", 2},
      {"/hero/.jpg", "image/jpeg", 1},
      {"/Hero/1.jpg", "image/jpeg", 2},
      {"/a.png", "image/png", 2},
      {"/a.png", "image/", 2},
      {"/a.png", "image", -1},
      {"/a.css", "text/css", -1},
      {"/x/progressive/y", "text/css", 3},
      {"/x/progressivprogressive", "", 3},
      {"", "", -1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    uint16_t set = head_start_of_path(&rules, text_of(rows[i].path));
    const struct head_start_rule *rule = rule_of(&rules, set, text_of(rows[i].type));
    int index = rule ? (int)(rule - rules.at) : -1;
    if (index != rows[i].rule) fail_msg("%s, %s: rule %d", rows[i].path, rows[i].type, index);
  }
}

static void images_by_default(void **state) {
  (void)state;
  const struct head_start_rules *rules = &head_start_rules_default;
  uint16_t set = head_start_of_path(rules, text_of("/x"));
  const struct head_start_rule *rule = rule_of(rules, set, text_of("image/webp"));
  assert_non_null(rule);
  assert_int_equal(rule->bytes, HEAD_START_BYTES_DEFAULT);
  assert_true(rule->scan);
  assert_null(rule_of(rules, set, text_of("text/html")));
}

/* A star stands for any bytes, none of which the rest of the pattern has had. */
static void stars_match(void **state) {
  (void)state;
  static const struct {
    const char *pattern, *path;
    bool matches;
  } rows[] = {
      {"aab*bc", "aabc", false}, {"aab*bc", "aabbc", true}, {"aab*bc", "aabcbc", true},
      {"a*a", "a", false},       {"a*a", "aa", true},       {"*b*b", "bxb", true},
      {"*b*b", "b", false},      {"a**", "a", true},        {"a*b*c", "abcbc", true},
      {"a*b*c", "acb", false},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char rule[32];
    struct head_start_rules rules = {.count = 0};
    snprintf(rule, sizeof rule, "image/*@%s=1k", rows[i].pattern);
    assert_true(head_start_add(&rules, text_of(rule)));
    if (head_start_of_path(&rules, text_of(rows[i].path)) != rows[i].matches)
      fail_msg("%s, %s", rows[i].pattern, rows[i].path);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rules_are_read),    cmocka_unit_test(stars_match),
      cmocka_unit_test(rules_are_bounded), cmocka_unit_test(the_first_match_counts),
      cmocka_unit_test(images_by_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
