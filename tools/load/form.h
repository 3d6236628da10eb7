/*
 * load/form.h - a request whose variables are still blanks, and the request that it becomes when
 * they are filled in.
 *
 *     draft --load_form_make()--> form --load_form_fill()--> target
 *
 * A form is one block of bytes without pointers to itself, so that it can be copied: into a list
 * that is kept, or into a batch for another thread. Its length is a multiple of 8.
 */
#ifndef WEIR_LOAD_FORM_H
#define WEIR_LOAD_FORM_H

#include "tools/client/url.h"
#include "tools/load/bodies.h"
#include "tools/load/buffer.h"
#include "tools/load/draft.h"
#include "tools/load/options.h"
#include "tools/load/target.h"
#include "tools/load/variables.h"

/* What every request is made from besides its draft. */
struct load_rules {
  const struct load_options *options;
  const struct load_csv *csv; /* or NULL */
  struct url base;            /* the server; relative URLs start from it */
  bool has_base;
  bool base_wins; /* absolute URLs go to the base's server, too */
  /* Otherwise: the number of a URL's server. False with one line in `failure`. NULL: all URLs are the base's
   * server's. */
  bool (*find_server)(void *ctx, const struct url *url, uint32_t *out,
                      const struct failure *failure);
  void *ctx;
  struct load_bodies *bodies;
  struct load_buffer text; /* of the form that is being made */
};

/* A text: `piece_count` pieces in turn. */
struct load_form_field {
  uint16_t token;
  uint32_t name_len; /* 0: the token's name */
  uint32_t piece_count;
};

/* Literal bytes, then a variable. */
struct load_piece {
  size_t len;
  struct load_variable variable;
};

struct load_form {
  size_t bytes; /* with all that follows it */
  size_t text_bytes;
  uint32_t field_count, piece_count, body_piece_count;
  uint32_t weight;
  uint32_t server;       /* its number; see load_rules */
  uint32_t length_field; /* the index of content-length, if it has a body */
  bool varies, path_varies, has_body;
  uint64_t time_ns;
  struct span body;           /* mapped, or a base of NULL and zeros; without body_piece_count */
  const struct load_cap *cap; /* unless path_varies */
  /* Followed by load_piece[piece_count], load_form_field[field_count], and text. */
};

enum load_form_result {
  LOAD_FORM_MADE,
  LOAD_FORM_LEFT_OUT, /* a foreign draft's, and not this server's */
  LOAD_FORM_WRONG     /* one line in `failure` */
};

/* Checks the draft and appends its form to `out`. If there is no base, the draft's URL becomes
 * it. */
__attribute__((warn_unused_result)) enum load_form_result
load_form_make(struct load_rules *rules, const struct load_draft *draft, struct load_buffer *out,
               const struct failure *failure);

/* A request and the memory for it. */
struct load_instance {
  struct load_target target;   /* first */
  struct load_instance *next;  /* unused ones */
  struct load_instance *older; /* all of a source */
  size_t size;                 /* of `at` */
  uint8_t *at;
};

/* For a form that varies and is kept: its fields, of which those without variables are complete, and
 * refer to the form. The others have no name. The caller frees them. NULL when memory was refused. */
__attribute__((warn_unused_result)) struct header *load_form_fix(const struct load_form *form);

/* Fills in the blanks. `fixed` is what load_form_fix() gave, or NULL. `values` may be NULL if the form does
 * not vary. False when memory was refused. The target refers to `rules` and to the instance, and to
 * the form only with `fixed`. */
__attribute__((warn_unused_result)) bool load_form_fill(const struct load_form *form,
                                                        const struct header *fixed,
                                                        const struct load_rules *rules,
                                                        struct load_values *values,
                                                        struct load_instance *instance);

#endif
