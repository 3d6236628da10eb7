/*
 * site/siblings.h - compressed files beside a file ("a.css.br"): which are looked up, and which is sent.
 * Spec: RFC 9110 sections 12.5.3 (Accept-Encoding) and 12.5.5 (Vary).
 *
 * Siblings are looked up when the client takes their coding. Once in SITE_SIBLINGS_NS they are
 * looked up whatever it takes, because a response that could have been another needs a Vary field.
 * Where the file itself is missing, a sibling answers for it to a client that takes its coding.
 * That, too, could have been another response, unless the client takes all codings.
 *
 * Allocates nothing: what is found out is in the question, and in the facts of the file's entry.
 */
#ifndef WEIR_SITE_SIBLINGS_H
#define WEIR_SITE_SIBLINGS_H

#include "engine/site/exchange.h"

/* The file was found (exchange->file). Decides which siblings to look up: the one that is best for this client, or all
 * when nothing recent is known about them. */
void site_siblings_plan(const struct site_exchange *exchange, struct site_question *question);

/* The file is missing. Decides which siblings to look up: those that the client takes, or all if one of them can be
 * decoded. */
void site_siblings_plan_orphans(const struct site *site, struct site_question *question);

/* Makes the next of those the one that is looked up now; false when there is none. */
__attribute__((warn_unused_result)) bool site_siblings_next(struct site_question *question);

/* The path that is looked up now: the file's, or that with the suffix of a sibling. In question->room. */
struct span site_siblings_path(const struct site_question *question);

/* The sibling that was looked up was found. Takes the entry: it becomes exchange->sent if this client prefers it. */
void site_siblings_found(struct site_exchange *exchange, struct site_question *question,
                         struct site_entry *entry);

/* Those that were planned were looked up. If they were all there may be, the file's facts note which exist, until
 * SITE_SIBLINGS_NS have passed. */
void site_siblings_remember(struct site_exchange *exchange, const struct site_question *question);

#endif
