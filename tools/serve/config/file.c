/*
 * serve/config/file.c - see serve/config/file.h.
 */
#include "tools/serve/config/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/failure.h"
#include "tools/common/yaml_tree.h"
#include "tools/serve/config/find.h"
#include "tools/serve/config/make.h"

struct reader {
  struct config_document document;
  struct mistakes *mistakes;
};

static void read_part(struct reader *reader, struct config_part *part,
                      const struct yaml_tree *node);

static const char *text_of(const struct yaml_tree *node) {
  return (const char *)node->text.base;
}

/* ---- values ---------------------------------------------------------------------------------- */

static void give(struct reader *reader, struct config_part *part, const struct config_key *key,
                 const char *text, struct place place) {
  if (!config_document_give(&reader->document, part, key, text, place))
    mistakes_add(reader->mistakes, place, "out of memory");
}

/* Whether it is text that a key can have. */
static bool is_text(const struct reader *reader, const struct config_key *key,
                    const struct yaml_tree *node) {
  const char *name = key->name;
  if (node->kind != YAML_TREE_SCALAR)
    return mistakes_add(reader->mistakes, node->place, "%s: expected a text, not a %s", name,
                        node->kind == YAML_TREE_SEQUENCE ? "list" : "mapping");
  if (yaml_tree_is_null(node))
    return mistakes_add(reader->mistakes, node->place, "%s: a value is missing", name);
  if (strlen(text_of(node)) != node->text.len)
    return mistakes_add(reader->mistakes, node->place, "%s: a NUL character", name);
  return true;
}

/* "NAME: VALUE" of a mapping, as the one text that the command line has. */
static void give_pair(struct reader *reader, struct config_part *part, const struct config_key *key,
                      const struct yaml_tree *value) {
  if (!is_text(reader, key, value->key) || !is_text(reader, key, value)) return;
  char *text = NULL;
  if (asprintf(&text, "%s%s%s", text_of(value->key), key->separator, text_of(value)) < 0) {
    mistakes_add(reader->mistakes, value->place, "out of memory");
    return;
  }
  give(reader, part, key, text, value->place);
  free(text);
}

/* A mapping's value may be a list: then each of its texts is one with the same name. */
static void give_pairs(struct reader *reader, struct config_part *part,
                       const struct config_key *key, const struct yaml_tree *map) {
  for (const struct yaml_tree *value = map->first; value; value = value->next) {
    if (value->kind != YAML_TREE_SEQUENCE) {
      give_pair(reader, part, key, value);
      continue;
    }
    for (struct yaml_tree *item = value->first; item; item = item->next) {
      item->key = value->key;
      give_pair(reader, part, key, item);
    }
  }
}

static void give_list(struct reader *reader, struct config_part *part, const struct config_key *key,
                      const struct yaml_tree *list) {
  for (const struct yaml_tree *item = list->first; item; item = item->next) {
    if (item->kind == YAML_TREE_MAPPING && key->separator)
      give_pairs(reader, part, key, item);
    else if (is_text(reader, key, item))
      give(reader, part, key, text_of(item), item->place);
  }
}

static void read_value(struct reader *reader, struct config_part *part,
                       const struct config_key *key, const struct yaml_tree *node) {
  give(reader, part, key, NULL, node->key->place);
  if (node->kind == YAML_TREE_SEQUENCE && key->many)
    give_list(reader, part, key, node);
  else if (node->kind == YAML_TREE_MAPPING && key->separator)
    give_pairs(reader, part, key, node);
  else if (is_text(reader, key, node))
    give(reader, part, key, text_of(node), node->place);
}

/* ---- parts ----------------------------------------------------------------------------------- */

static void read_list(struct reader *reader, struct config_part *part,
                      const struct config_list *list, const struct yaml_tree *node) {
  if (node->kind != YAML_TREE_SEQUENCE) {
    mistakes_add(reader->mistakes, node->place, "%s: expected a list, each entry with a dash",
                 list->name);
    return;
  }
  for (const struct yaml_tree *item = node->first; item; item = item->next) {
    struct config_part *inner =
        config_document_add(&reader->document, part, list->scope, item->place);
    if (!inner) {
      mistakes_add(reader->mistakes, item->place, "more than %d hosts, routes and certificates",
                   CONFIG_PARTS_MAX);
      return;
    }
    read_part(reader, inner, item);
  }
}

static void read_unknown(struct reader *reader, struct config_part *part,
                         const struct yaml_tree *key) {
  char advice[MISTAKE_BYTES / 2];
  part->strange = true;
  config_key_advice(text_of(key), part->scope, advice, sizeof advice);
  mistakes_add(reader->mistakes, key->place, "%s: %s%s%s", failure_shown(text_of(key)),
               config_key_find(text_of(key)) || config_list_find(text_of(key)) ? "not here"
                                                                               : "no such key",
               advice[0] ? "; " : "", advice);
}

static void read_part(struct reader *reader, struct config_part *part,
                      const struct yaml_tree *node) {
  if (node->kind != YAML_TREE_MAPPING) {
    mistakes_add(reader->mistakes, node->place, "expected keys and values, such as %s",
                 part->parent ? "name: example.org" : "http: 8080");
    return;
  }
  for (const struct yaml_tree *value = node->first; value; value = value->next) {
    const struct config_key *key = config_key_find(text_of(value->key));
    const struct config_list *list = config_list_find(text_of(value->key));
    if (key && key->scopes & part->scope)
      read_value(reader, part, key, value);
    else if (list && list->parents & part->scope)
      read_list(reader, part, list, value);
    else
      read_unknown(reader, part, value->key);
  }
}

/* ---- the file -------------------------------------------------------------------------------- */

static void read_tree(struct reader *reader, const struct yaml_tree *tree) {
  if (yaml_tree_is_null(tree))
    mistakes_add(reader->mistakes, (struct place){0},
                 "no configuration in it; {} is one that serves the built-in site");
  else
    read_part(reader, reader->document.global, tree);
}

struct serve_config *config_file_parse(struct span text, struct mistakes *mistakes) {
  struct reader reader = {.mistakes = mistakes};
  struct arena arena = {0};
  struct serve_config *config = NULL;
  bool impossible;
  if (config_document_init(&reader.document)) {
    const struct yaml_tree *tree = yaml_tree_read(text, CONFIG_DEPTH_MAX, &arena, mistakes);
    if (tree) read_tree(&reader, tree);
    /* What is not YAML is not understood further. */
    if (tree) config = config_make(&reader.document, false, mistakes, &impossible);
  } else {
    mistakes_add(mistakes, (struct place){0}, "out of memory");
  }
  arena_free(&arena);
  config_document_free(&reader.document);
  mistakes_sort(mistakes);
  return config;
}

/* NULL with a mistake. */
static char *read_text(const char *path, size_t *len, struct mistakes *mistakes) {
  FILE *file = fopen(path, "re");
  char *text = file ? malloc(CONFIG_BYTES_MAX + 1) : NULL;
  *len = text ? fread(text, 1, CONFIG_BYTES_MAX + 1, file) : 0;
  int error = !file || !text || ferror(file) ? errno : 0;
  if (file) fclose(file);
  if (!error && *len <= CONFIG_BYTES_MAX) return text;
  free(text);
  if (error)
    mistakes_add(mistakes, (struct place){0}, "cannot read it: %s", strerror(error));
  else
    mistakes_add(mistakes, (struct place){0}, "more than %d bytes", CONFIG_BYTES_MAX);
  return NULL;
}

struct serve_config *config_file_read(const char *path, struct mistakes *mistakes) {
  size_t len;
  char *text = read_text(path, &len, mistakes);
  if (!text) return NULL;
  struct serve_config *config = config_file_parse(span_of(text, len), mistakes);
  free(text);
  return config;
}
