/*
 * h2/brief.c - see h2/brief.h.
 */
#include "engine/h2/brief.h"

#include "engine/h2/connection.h"
#include "engine/h2/priority.h"
#include "engine/h2/queue.h"
#include "engine/h2/section.h"

#include <assert.h>

/* Whether a stream at `place` goes after all that are in. */
static bool goes_last(const struct h2_briefs *briefs, const struct h2_stream *stream,
                      struct sched_place place) {
  if (!briefs->first) return true;
  if (place.urgency != briefs->place.urgency || place.shared != briefs->place.shared) return false;
  return place.shared || stream->id > briefs->last->id;
}

bool h2_brief_add(struct h2_stream *stream, struct header_set *set) {
  struct h2 *h2 = stream->h2;
  struct h2_briefs *briefs = &h2->briefs;
  const struct h2_set_note note = h2_section_note(h2, set);
  struct sched_place place;
  bool busy = !stream->end_received || stream->in_urgent_queue || stream->trailers;
  if (!note.is_brief || busy || !h2_priority_place(stream, &note, &place)) return false;
  if (!goes_last(briefs, stream, place)) return false;
  stream->brief = true;
  stream->brief_set = set;
  stream->urgent_next = NULL;
  *(briefs->first ? &briefs->last->urgent_next : &briefs->first) = stream;
  briefs->last = stream;
  briefs->place = place;
  return true;
}

void h2_brief_remove(struct h2 *h2, struct h2_stream *stream) {
  struct h2_briefs *briefs = &h2->briefs;
  if (!stream->brief) return;
  struct h2_stream **at = &briefs->first, *before = NULL;
  while (*at != stream) {
    before = *at;
    at = &before->urgent_next;
  }
  *at = stream->urgent_next;
  if (briefs->last == stream) briefs->last = before;
  stream->brief = false;
}

void h2_brief_goes_on(struct h2_stream *stream) {
  h2_queue_take_part(stream);
  h2_priority_response_set(stream, stream->brief_set);
}

void h2_brief_join(struct h2 *h2) {
  while (h2->briefs.first) {
    struct h2_stream *stream = h2->briefs.first;
    h2_brief_remove(h2, stream);
    h2_brief_goes_on(stream);
    bool queued = h2_queue_set(stream, stream->status, stream->brief_set, false);
    assert(queued); /* the fields are short */
    (void)queued;
  }
}
