/*
 * site/site.h - answers GET and HEAD with immutable bytes found by path: static files over HTTP.
 * Spec: RFC 9110 sections 8.8 (validators), 12.5.3 (Accept-Encoding), 13 (conditional requests),
 * 14 (ranges), 15.4.2 (redirect of a directory); RFC 8297 and RFC 9113 section 8.4 for preloads.
 *
 * The site is a handler. Its files come from a site_source (site/source.h), which its host
 * provides. A request for a cached file costs one lookup and one stream_respond(). One site belongs
 * to one core; nothing here is shared. All its requests come from one engine: another engine's numbers of requests
 * (struct request) would be taken for that engine's.
 *
 * The modules, each of which calls only those below it:
 *
 *     site.c                         from a request to the entries to answer with
 *     again.c                        answers to requests that came before
 *     siblings.c                     compressed files beside a file
 *     answer.c                       from entries and conditions to status, fields and body
 *     listing.c                      the names of a directory
 *     facts.c multipart.c announce.c ready-made fields; several ranges; 103 and pushes
 *     reader.c                       a body read in pieces
 *     recode.c                       files in codings that they do not have on disk
 *     exchange.c                     one request on its way to its answer
 *     question.c                     what was asked, also while a lookup is pending
 *     types.c rules.c                what the operator says about answers
 *     conditional.c range.c path.c mime.c hints.c
 *     settings.h source.h            what the host provides
 */
#ifndef WEIR_SITE_H
#define WEIR_SITE_H

#include "engine/http/handler.h"
#include "engine/site/settings.h"

struct site;

/* NULL when memory was refused. Copies the settings. */
__attribute__((warn_unused_result)) struct site *site_create(const struct site_settings *settings);

/* Every stream that the site answered must be closed, and its bodies too (asserted). */
void site_destroy(struct site *site);

/* To be called about once a second: gives back memory that a crowd took (see pool_trim()), and ends
 * responses that waited too long for a read's turn. */
void site_trim(struct site *site);

/* The handler that serves the site; valid for as long as the site. */
const struct handler *site_handler(struct site *site);

#endif
