/*
 * load/books.c - see load/books.h.
 */
#include "tools/load/books.h"

#include <assert.h>

#include "io/base/clock.h"

void load_books_read_clock(struct load_books *books) {
  books->now_ns = clock_now_ns();
}

void load_books_init(struct load_books *books, const struct load_plan *plan, struct worker *io,
                     struct load_start *start, unsigned connections,
                     const struct load_books_timers *timers) {
  *books = (struct load_books){
      .plan = plan, .io = io, .start = start, .connections = connections, .alive = connections};
  books->open = load_options_are_open(plan->options);
  books->capped = plan->options->caps.count > 0;
  load_source_init(&books->source, plan, io->index);
  load_dialer_init(&books->dialer, io, plan->options->connect_rate, io->index,
                   plan->options->threads, clock_now_ns());
  books->endless = plan->options->requests == 0;
  list_init(&books->timeline);
  timer_init(&books->timeout_timer, timers->timeout);
  timer_init(&books->phase_timer, timers->phase);
  timer_init(&books->input_timer, timers->input);
}

static void arm_phase(struct load_books *books, uint64_t at_ns) {
  timer_arm(&books->io->loop.timers, &books->phase_timer, at_ns);
}

static void arm_phase_soon(struct load_books *books) {
  arm_phase(books, books->io->loop.now_ns);
}

/* ---- invariants ------------------------------------------------------------------------------ */

#ifdef WEIR_INVARIANTS
static void invariants(const struct load_books *books) {
  const struct load_requests *counts = &books->stats.requests;
  assert(counts->done == counts->succeeded + counts->failed);
  assert(counts->errored <= counts->failed);
  assert(counts->timeouts <= counts->errored);
  assert(counts->done <= counts->started);
  assert(books->over || !books->measuring || counts->started - counts->done == books->in_flight);
  assert(books->alive <= books->connections);
  assert(books->settled <= books->connections);
  assert(!books->endless || books->left == 0);
  assert(!books->leaving || books->over);
  assert(list_is_empty(&books->timeline) == (books->in_flight == 0));
}

/* The checks that walk the timeline: once, at the end. */
static void invariants_of_timeline(const struct load_books *books) {
  uint64_t entries = 0, due_ns = 0;
  for (const struct list_node *at = books->timeline.next; at != &books->timeline; at = at->next) {
    const struct load_entry *entry = LIST_OWNER(at, struct load_entry, node);
    assert(entry->due_ns >= due_ns);
    due_ns = entry->due_ns;
    entries++;
  }
  assert(entries == books->in_flight);
}
#else
static void invariants(const struct load_books *books) {
  (void)books;
}
static void invariants_of_timeline(const struct load_books *books) {
  (void)books;
}
#endif

/* ---- phases ---------------------------------------------------------------------------------- */

void load_books_settle(struct load_books *books) {
  books->settled++;
  /* With --connect-rate, connections come while requests are made. */
  unsigned needed = books->plan->options->connect_rate > 0 ? 1 : books->connections;
  if (books->settled != needed) return;
  load_start_arrive(books->start, books->now_ns);
  if (books->open && !books->over) arm_phase_soon(books);
}

/* Fails `count` of the requests that are left. They have no latency, since they never began. Returns how many count as
 * failed. */
static uint64_t strand(struct load_books *books, uint64_t count) {
  struct load_requests *counts = &books->stats.requests;
  if (!books->endless) books->left -= count;
  if (count == 0 || books->over) return 0;
  counts->started += count;
  counts->done += count;
  counts->failed += count;
  counts->errored += count;
  load_requests_error(counts, LOAD_STRANDED, 0, count);
  return count;
}

uint64_t load_books_lose(struct load_books *books, const struct load_turn *turn, uint64_t share) {
  uint64_t unmade = load_source_leave(&books->source, turn);
  books->alive--;
  if (books->endless) return strand(books, unmade);
  uint64_t stranded = strand(books, books->open ? 0 : share);
  if (books->alive == 0) strand(books, books->left);
  return stranded;
}

void load_books_measure(struct load_books *books) {
  uint64_t begin_ns = books->begin_ns + books->plan->warm_up_ns;
  if (books->measuring) return;
  books->measuring = true;
  books->stats.begin_ns = begin_ns;
  books->cpu_begin_ns = clock_thread_cpu_ns();
  load_requests_forget(&books->stats.requests);
  load_self_begin(&books->self);
  if (books->input_since_ns) books->input_since_ns = begin_ns;
  books->stats.requests.carried = books->in_flight;
  books->stats.requests.started += books->in_flight;
  if (books->plan->duration_ns) arm_phase(books, begin_ns + books->plan->duration_ns);
}

void load_books_begin(struct load_books *books, uint64_t begin_ns) {
  books->begin_ns = begin_ns;
  if (books->plan->warm_up_ns == 0)
    load_books_measure(books);
  else
    arm_phase(books, begin_ns + books->plan->warm_up_ns);
}

void load_books_look_at_phase(struct load_books *books) {
  if (books->scheduled && books->now_ns >= books->begin_ns + books->plan->warm_up_ns)
    load_books_measure(books);
}

/* May be called from within a machine's call, where the machine must not be drained. The timer does
 * that. */
void load_books_check(struct load_books *books) {
  invariants(books);
  if (books->over || books->in_flight > 0) return;
  if (!load_books_are_spent(books) && books->alive > 0) return;
  load_books_close(books);
  arm_phase_soon(books);
}

/* ---- the end --------------------------------------------------------------------------------- */

static struct load_entry *first(const struct load_books *books) {
  if (list_is_empty(&books->timeline)) return NULL;
  return LIST_OWNER(books->timeline.next, struct load_entry, node);
}

/* Notes the ages of all unfinished requests. The run's sum decides which of them count as latencies;
 * see load_requests_wait(). */
static void note_unfinished(struct load_books *books) {
  struct load_requests *counts = &books->stats.requests;
  for (const struct list_node *at = books->timeline.next; at != &books->timeline; at = at->next) {
    const struct load_entry *entry = LIST_OWNER(at, struct load_entry, node);
    load_histogram_add(&counts->unfinished, books->now_ns - entry->due_ns);
  }
  struct load_due due = books->due;
  for (uint64_t i = 0; i < counts->unsent; i++, load_due_next(&due))
    load_histogram_add(&counts->unfinished, books->now_ns - load_due_ns(&due));
}

uint64_t load_books_backlog(const struct load_books *books, uint64_t now_ns) {
  if (!books->scheduled || load_books_are_spent(books)) return 0;
  /* Those that were seen to be due need not be counted again. */
  const struct load_due *from = books->crowded ? &books->ahead : &books->due;
  uint64_t backlog = from->number - books->due.number + load_due_backlog(from, now_ns);
  return !books->endless && backlog > books->left ? books->left : backlog;
}

void load_books_close(struct load_books *books) {
  struct load_requests *counts = &books->stats.requests;
  if (books->over) return;
  invariants_of_timeline(books);
  books->over = true;
  if (!books->measuring) books->stats.begin_ns = books->now_ns;
  books->stats.end_ns = books->now_ns;
  if (books->stats.end_ns < books->stats.begin_ns) books->stats.end_ns = books->stats.begin_ns;
  if (!books->measuring) return;
  load_books_note_input(books, false);
  books->stats.cpu_ns = clock_thread_cpu_ns() - books->cpu_begin_ns;
  load_self_end(&books->self);
  if (first(books)) counts->oldest_ns = books->now_ns - first(books)->due_ns;
  counts->unsent = load_books_backlog(books, books->now_ns);
  note_unfinished(books);
}

/* ---- what is due ----------------------------------------------------------------------------- */

bool load_books_schedule(struct load_books *books) {
  uint64_t begin_ns = load_start_begin_ns(books->start);
  if (begin_ns == 0) {
    arm_phase(books, books->io->loop.now_ns + MILLISECOND_NS);
    return false;
  }
  books->scheduled = true;
  load_due_begin(&books->due, books->plan, &books->source, begin_ns);
  load_books_begin(books, begin_ns);
  return true;
}

bool load_books_are_spent(const struct load_books *books) {
  if (!books->endless && books->left == 0) return true;
  return load_source_state(&books->source, NULL) == LOAD_SOURCE_ENDED;
}

bool load_books_is_due(const struct load_books *books) {
  return books->scheduled && !load_books_are_spent(books) &&
         load_due_ns(&books->due) <= books->now_ns;
}

/* A replayed request that had not been read before it was due was waited for from then on. The worker had no
 * reason to look for what is due before it was read. */
void load_books_note_input(struct load_books *books, bool waits) {
  uint64_t from_ns = books->input_since_ns;
  if (waits && from_ns == 0) books->input_since_ns = books->now_ns;
  if (waits || from_ns == 0) return;
  if (books->plan->options->replay && load_due_ns(&books->due) > from_ns)
    from_ns = load_due_ns(&books->due);
  if (books->measuring && books->now_ns > from_ns) books->self.input_ns += books->now_ns - from_ns;
  books->wake_ns = books->now_ns;
  books->input_since_ns = 0;
}

/* Whether the source has a request now. Otherwise tries again soon. */
static bool has_input(struct load_books *books, const struct load_turn *turn) {
  if (books->source.endless) return true;
  enum load_source_state state = load_source_state(&books->source, turn);
  load_books_note_input(books, state == LOAD_SOURCE_WAITS);
  if (state == LOAD_SOURCE_WAITS && !timer_is_armed(&books->input_timer))
    timer_arm(&books->io->loop.timers, &books->input_timer,
              books->io->loop.now_ns + LOAD_INPUT_BUSY_NS);
  if (state == LOAD_SOURCE_ENDED) load_books_check(books); /* it may have had none at all */
  return state == LOAD_SOURCE_READY;
}

static void notice(struct load_books *books, const struct load_due *due) {
  if (books->measuring)
    load_self_notice(&books->self, load_due_ns(due), books->wake_ns, books->now_ns);
}

void load_books_crowd(struct load_books *books) {
  if (!books->crowded) books->ahead = books->due;
  books->crowded = true;
  for (; load_due_ns(&books->ahead) <= books->now_ns; load_due_next(&books->ahead)) {
    notice(books, &books->ahead);
    books->self.crowded += books->measuring;
  }
}

/* The next request is sent, or has expired. */
static void pass(struct load_books *books) {
  bool unseen = !books->crowded || books->due.number == books->ahead.number;
  if (unseen) notice(books, &books->due);
  if (unseen) books->crowded = false;
  load_due_next(&books->due);
}

void load_books_beat(struct load_books *books, uint64_t due_ns) {
  if (books->measuring) load_self_notice(&books->self, due_ns, 0, books->now_ns);
}

bool load_books_take(struct load_books *books, const struct load_turn *turn, uint64_t *share,
                     uint64_t *due_ns) {
  if (!books->endless && books->left == 0) return false;
  if (!has_input(books, turn)) return false;
  if (books->open) {
    *due_ns = load_due_ns(&books->due);
    if (!books->scheduled || *due_ns > books->now_ns) return false;
    pass(books);
  } else {
    if (!books->endless && *share == 0) return false;
    *share -= !books->endless;
    *due_ns = books->now_ns;
  }
  books->left -= !books->endless;
  return true;
}

uint64_t load_books_row(const struct load_books *books, uint64_t share) {
  if (books->open || !books->source.endless) return 0;
  if (books->endless) return UINT64_MAX;
  return books->left < share ? books->left : share;
}

/* A recording's request that was not made is left out; a rate's is another one's turn. */
static void skip(struct load_books *books) {
  struct load_turn turn = {0};
  if (books->plan->options->replay)
    load_source_release(&books->source, load_source_next(&books->source, &turn));
}

void load_books_expire_unsent(struct load_books *books) {
  struct load_requests *counts = &books->stats.requests;
  while (load_books_is_due(books)) {
    uint64_t age_ns = books->now_ns - load_due_ns(&books->due);
    if (age_ns < books->plan->timeout_ns) return;
    pass(books);
    skip(books);
    books->left -= !books->endless;
    if (!books->measuring) continue;
    counts->started++;
    counts->done++;
    counts->failed++;
    counts->errored++;
    counts->timeouts++;
    load_requests_error(counts, LOAD_TIMEOUT, 0, 1);
    load_histogram_add(&counts->failed_latency, age_ns);
  }
}

/* ---- under way ------------------------------------------------------------------------------- */

/* Requests start in the order in which they are due, so the first to start is the first to time
 * out. */
void load_books_enter(struct load_books *books, struct load_entry *entry, uint64_t due_ns) {
  entry->due_ns = due_ns;
  if (books->measuring) books->stats.requests.started += 1;
  books->in_flight++;
  list_append(&books->timeline, &entry->node);
  if (!timer_is_armed(&books->timeout_timer)) load_books_watch(books, 0);
}

void load_books_leave(struct load_books *books, struct load_entry *entry) {
  list_remove(&entry->node);
  books->in_flight--;
}

struct load_entry *load_books_timed_out(struct load_books *books) {
  struct load_entry *entry = first(books);
  bool late = entry && entry->due_ns + books->plan->timeout_ns <= books->now_ns;
  return late ? entry : NULL;
}

void load_books_watch(struct load_books *books, uint64_t not_before_ns) {
  const struct load_entry *entry = first(books);
  if (!entry || books->over) return;
  uint64_t at_ns = entry->due_ns + books->plan->timeout_ns;
  if (at_ns < not_before_ns) at_ns = not_before_ns;
  timer_arm(&books->io->loop.timers, &books->timeout_timer, at_ns);
}
