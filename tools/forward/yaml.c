/*
 * forward/yaml.c - see forward/yaml.h.
 */
#include "tools/forward/yaml.h"

#include "engine/base/text.h"
#include "tools/common/yaml_tree.h"
#include "tools/forward/limits.h"

static bool is_one_of(struct span text, const char *const *words) {
  while (*words && !span_is(text, *words))
    words++;
  return *words;
}

static json_t *scalar(const struct yaml_tree *node, struct mistakes *mistakes) {
  static const char *const yes[] = {"true", "True", "TRUE", NULL};
  static const char *const no[] = {"false", "False", "FALSE", NULL};
  if (yaml_tree_is_null(node)) return json_null();
  if (node->plain && is_one_of(node->text, yes)) return json_true();
  if (node->plain && is_one_of(node->text, no)) return json_false();
  json_t *value = json_stringn((const char *)node->text.base, node->text.len);
  if (!value) mistakes_add(mistakes, node->place, "text is not UTF-8");
  return value;
}

/* NULL with a mistake. */
static json_t *value_of(const struct yaml_tree *node, struct mistakes *mistakes) {
  if (node->kind == YAML_TREE_SCALAR) return scalar(node, mistakes);
  bool map = node->kind == YAML_TREE_MAPPING, good = true;
  json_t *out = map ? json_object() : json_array();
  for (const struct yaml_tree *at = node->first; good && at; at = at->next) {
    json_t *value = value_of(at, mistakes);
    good = value && (map ? json_object_set_new(out, (const char *)at->key->text.base, value)
                         : json_array_append_new(out, value)) == 0;
    if (value && !good) mistakes_add(mistakes, at->place, "a key is not UTF-8, or out of memory");
  }
  if (good && out) return out;
  json_decref(out);
  return NULL;
}

json_t *yaml_read(const char *name, struct span text, const struct failure *failure) {
  struct arena arena = {0};
  struct mistakes mistakes = {0};
  const struct yaml_tree *tree = yaml_tree_read(text, YAML_DEPTH_MAX, &arena, &mistakes);
  json_t *value = tree && mistakes.count == 0 ? value_of(tree, &mistakes) : NULL;
  arena_free(&arena);
  if (value) return value;
  const struct mistake *first = &mistakes.at[0];
  failure_set(failure, "%s:%u: %s", name, first->place.line,
              mistakes.count > 0 ? first->text : "out of memory");
  return NULL;
}
