/*
 * base/list.h - doubly linked lists through nodes that are embedded in their owners.
 *
 * A list is a node of its own, linked in a circle with its members. A node that is on no list has
 * NULL links. Every operation takes a fixed number of steps.
 */
#ifndef WEIR_IO_LIST_H
#define WEIR_IO_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list_node {
  struct list_node *next;
  struct list_node *previous;
};

/* The struct of `type` in which `node` is the member `member`. */
#define LIST_OWNER(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void list_init(struct list_node *list) {
  list->next = list->previous = list;
}

static inline bool list_is_empty(const struct list_node *list) {
  return list->next == list;
}

static inline bool list_is_linked(const struct list_node *node) {
  return node->next;
}

static inline void list_append(struct list_node *list, struct list_node *node) {
  node->next = list;
  node->previous = list->previous;
  list->previous->next = node;
  list->previous = node;
}

static inline void list_prepend(struct list_node *list, struct list_node *node) {
  list_append(list->next, node);
}

/* A node that is on no list stays as it is. */
static inline void list_remove(struct list_node *node) {
  if (!node->next) return;
  node->previous->next = node->next;
  node->next->previous = node->previous;
  node->next = node->previous = NULL;
}

/* The first node, taken off; NULL when the list is empty. */
static inline struct list_node *list_take_first(struct list_node *list) {
  if (list_is_empty(list)) return NULL;
  struct list_node *first = list->next;
  list_remove(first);
  return first;
}

/* Moves all of `from` to the end of `to`. */
static inline void list_splice(struct list_node *to, struct list_node *from) {
  if (list_is_empty(from)) return;
  from->next->previous = to->previous;
  to->previous->next = from->next;
  from->previous->next = to;
  to->previous = from->previous;
  list_init(from);
}

#endif
