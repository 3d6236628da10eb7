/*
 * h2/queue.c - see h2/queue.h.
 */
#include "engine/h2/queue.h"

#include "engine/h2/connection.h"
#include "engine/h2/section.h"

/* ---- what no window holds back --------------------------------------------------------------- */

static void urgent_add(struct h2_stream *stream) {
  struct h2 *h2 = stream->h2;
  if (stream->in_urgent_queue) return;
  stream->in_urgent_queue = true;
  stream->urgent_next = NULL;
  if (h2->urgent_queue_tail)
    h2->urgent_queue_tail->urgent_next = stream;
  else
    h2->urgent_queue = stream;
  h2->urgent_queue_tail = stream;
}

void h2_queue_remove(struct h2 *h2, struct h2_stream *stream) {
  if (!stream->in_urgent_queue) return;
  struct h2_stream **at = &h2->urgent_queue, *before = NULL;
  while (*at != stream) {
    before = *at;
    at = &before->urgent_next;
  }
  *at = stream->urgent_next;
  if (h2->urgent_queue_tail == stream) h2->urgent_queue_tail = before;
  stream->in_urgent_queue = false;
}

void h2_queue_append(struct h2_stream *stream, struct h2_section *section) {
  if (stream->sections)
    stream->sections_tail->next = section;
  else
    stream->sections = section;
  stream->sections_tail = section;
  urgent_add(stream);
}

bool h2_queue_section(struct h2_stream *stream, const struct h2_section_plan *plan) {
  struct h2_section *section = h2_section_make(stream->h2, plan->fields, plan->count);
  if (!section) return false;
  section->type = (uint8_t)plan->type;
  section->promised_id = plan->promised_id;
  section->status = (uint16_t)plan->status;
  section->end_stream = plan->end_stream;
  if (plan->status < 200) section->add_date = section->add_server = false;
  h2_queue_append(stream, section);
  return true;
}

bool h2_queue_set(struct h2_stream *stream, unsigned status, struct header_set *set,
                  bool end_stream) {
  struct h2_section *section = &stream->lent_section;
  if (!h2_section_lend(stream->h2, set, section)) return false;
  section->type = H2_HEADERS;
  section->status = (uint16_t)status;
  section->end_stream = end_stream;
  if (status < 200) section->add_date = section->add_server = false;
  h2_queue_append(stream, section);
  return true;
}

bool h2_queue_trailers(struct h2_stream *stream, const struct header *fields, size_t count) {
  struct h2_section *section = h2_section_make(stream->h2, fields, count);
  if (!section) return false;
  section->type = H2_HEADERS;
  section->end_stream = true;
  section->add_date = section->add_server = false;
  stream->trailers = section;
  return true;
}

void h2_queue_probe(struct h2_stream *stream) {
  stream->probe_end = true;
  urgent_add(stream);
}

/* ---- DATA ------------------------------------------------------------------------------------ */

void h2_queue_take_part(struct h2_stream *stream) {
  if (stream->takes_part) return;
  stream->takes_part = true;
  sched_open(&stream->h2->sched, &stream->node, stream->id, SCHED_PRIORITY_DEFAULT);
}

void h2_queue_schedule(struct h2_stream *stream) {
  struct h2 *h2 = stream->h2;
  if (!stream->takes_part) return;
  bool pullable = stream->headers_sent && stream->body.ops && !stream->body_waiting &&
                  !stream->body_ended && h2_stream_may_send(stream);
  uint32_t room = stream->room_bytes;
  bool fits = window_available(&stream->window) > room &&
              (room == 0 || window_available(&h2->window) > room);
  if (pullable && fits)
    sched_ready(&h2->sched, &stream->node);
  else
    sched_idle(&h2->sched, &stream->node);
}
