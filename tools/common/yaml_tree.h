/*
 * common/yaml_tree.h - reads one YAML document into a tree whose nodes know where they stand.
 * Spec: YAML 1.1. JSON is YAML, too.
 *
 * Not supported, and mistakes: anchors and aliases (so that no file grows when it is read), tags but YAML's
 * own such as !!str, keys that are no scalars, a key that is given twice, several documents, values nested
 * deeper than asked for. Reading goes on behind a mistake, unless the text is no YAML there.
 */
#ifndef WEIR_TOOLS_YAML_TREE_H
#define WEIR_TOOLS_YAML_TREE_H

#include "tools/common/arena.h"
#include "tools/common/mistakes.h"

enum yaml_tree_kind { YAML_TREE_SCALAR, YAML_TREE_SEQUENCE, YAML_TREE_MAPPING };

struct yaml_tree {
  enum yaml_tree_kind kind;
  bool plain;                     /* a scalar without quotes */
  struct place place;             /* of its first character */
  struct span text;               /* of a scalar; a NUL is behind it, and may be within */
  struct yaml_tree *first, *last; /* of a sequence or a mapping; NULL: it is empty */
  struct yaml_tree *next;         /* in the same one */
  const struct yaml_tree *key;    /* of a value in a mapping: a scalar */
};

/* An empty document is an empty plain scalar. The tree lives in the arena. NULL when the text ends
 * early: it is no YAML, nested too deeply, or memory was refused; there is a mistake then. There may be
 * mistakes in any case. */
__attribute__((warn_unused_result)) struct yaml_tree *yaml_tree_read(struct span text,
                                                                     unsigned depth_max,
                                                                     struct arena *arena,
                                                                     struct mistakes *mistakes);

/* Whether a plain scalar means nothing: null, ~ or no text at all. */
bool yaml_tree_is_null(const struct yaml_tree *node);

#endif
