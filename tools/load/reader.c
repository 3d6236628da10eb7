/*
 * load/reader.c - see load/reader.h.
 */
#include "tools/load/reader.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct load_reader {
  struct load_input input;
  struct load_parser parser;
  struct load_rules *rules;
  struct load_draft draft;
  struct load_buffer form; /* the next one */
  bool again;              /* the file is read again at its end */
  uint64_t pass_count;     /* forms since the file's beginning */

  struct load_queue *queues;
  unsigned queue_count, turn;
  pthread_t thread;
  bool started;
  bool stopping; /* atomic */
  int stop_event;
  sem_t room; /* a worker has taken a batch, or reading is to stop */
  char mistake[512];
};

/* ---- one form -------------------------------------------------------------------------------- */

/* Appends the file's next form to `out`. */
static enum load_read read_form(struct load_reader *reader, struct load_buffer *out,
                                const struct failure *failure) {
  char text[400];
  const struct failure why = {.text = text, .size = sizeof text};
  for (;;) {
    enum load_read result = load_parser_next(&reader->parser, &reader->draft, failure);
    if (result != LOAD_READ_ONE) return result;
    switch (load_form_make(reader->rules, &reader->draft, out, &why)) {
    case LOAD_FORM_MADE: reader->pass_count++; return LOAD_READ_ONE;
    case LOAD_FORM_LEFT_OUT: continue;
    case LOAD_FORM_WRONG:
      return load_input_wrong(&reader->input, reader->parser.line, failure, "%s", text);
    }
  }
}

static bool begin(struct load_reader *reader, const struct failure *failure) {
  load_parser_free(&reader->parser);
  load_parser_init(&reader->parser, &reader->input);
  reader->pass_count = 0;
  return load_input_rewind(&reader->input, failure);
}

/* ---- dealing out ----------------------------------------------------------------------------- */

/* Publishes what has been added so far. */
static void publish_all(struct load_reader *reader) {
  for (unsigned i = 0; i < reader->queue_count; i++) {
    const struct load_buffer *batch = load_queue_open(&reader->queues[i]);
    if (batch && batch->len > 0) load_queue_publish(&reader->queues[i]);
  }
}

/* The next worker's batch that has room, or NULL. */
static struct load_queue *find_queue(struct load_reader *reader) {
  for (unsigned i = 0; i < reader->queue_count; i++) {
    struct load_queue *queue = &reader->queues[reader->turn++ % reader->queue_count];
    if (load_queue_open(queue)) return queue;
  }
  return NULL;
}

/* False: reading is to stop. */
static bool deal(struct load_reader *reader) {
  struct load_queue *queue;
  while (!(queue = find_queue(reader))) {
    if (__atomic_load_n(&reader->stopping, __ATOMIC_ACQUIRE)) return false;
    (void)sem_wait(&reader->room);
  }
  struct load_buffer *batch = load_queue_open(queue);
  if (!load_buffer_add(batch, reader->form.at, reader->form.len)) {
    snprintf(reader->mistake, sizeof reader->mistake, "out of memory");
    return false;
  }
  reader->form.len = 0;
  if (batch->len >= LOAD_BATCH_BYTES) load_queue_publish(queue);
  return true;
}

/* Whether reading on would wait: then what there is must not wait, too. */
static bool would_wait(const struct load_reader *reader) {
  const struct load_input *input = &reader->input;
  struct pollfd fd = {.fd = input->fd, .events = POLLIN};
  if (input->can_rewind || input->eof) return false;
  const uint8_t *rest = input->bytes.at + input->at;
  size_t len = input->bytes.len - input->at;
  if (len > 0 && memchr(rest, '\n', len)) return false;
  return poll(&fd, 1, 0) == 0;
}

/* Reads the next form. At the file's end, begins again or ends. */
static bool read_on(struct load_reader *reader) {
  const struct failure failure = {.text = reader->mistake, .size = sizeof reader->mistake};
  for (;;) {
    switch (read_form(reader, &reader->form, &failure)) {
    case LOAD_READ_ONE: return true;
    case LOAD_READ_WRONG: return false;
    case LOAD_READ_END: break;
    }
    if (!reader->again || reader->input.stopped || reader->pass_count == 0) return false;
    if (!begin(reader, &failure)) return false;
  }
}

static void *run(void *object) {
  struct load_reader *reader = object;
  while (!__atomic_load_n(&reader->stopping, __ATOMIC_ACQUIRE)) {
    if (reader->form.len > 0 && !deal(reader)) break;
    if (would_wait(reader)) publish_all(reader);
    if (!read_on(reader)) break;
  }
  publish_all(reader);
  for (unsigned i = 0; i < reader->queue_count; i++)
    load_queue_end(&reader->queues[i]);
  return NULL;
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* Reads the file into the list. If it is too large, the list is empty again. */
static enum load_read keep(struct load_reader *reader, struct load_list *list, bool *kept,
                           const struct failure *failure) {
  enum load_read result = LOAD_READ_ONE;
  while (result == LOAD_READ_ONE && list->forms.len <= LOAD_KEPT_BYTES_MAX)
    result = read_form(reader, &list->forms, failure);
  *kept = result == LOAD_READ_END;
  if (result != LOAD_READ_ONE) return result;
  load_buffer_free(&list->forms);
  return begin(reader, failure) ? read_form(reader, &reader->form, failure) : LOAD_READ_WRONG;
}

static bool read_first(struct load_reader *reader, struct load_list *list, bool *kept,
                       const struct failure *failure) {
  enum load_read result = LOAD_READ_WRONG;
  *kept = false;
  if (!load_input_open(&reader->input, reader->rules->options->input_path, failure)) return false;
  load_parser_init(&reader->parser, &reader->input);
  if (reader->input.can_rewind)
    result = keep(reader, list, kept, failure);
  else
    result = read_form(reader, &reader->form, failure);
  if (result == LOAD_READ_END && reader->pass_count == 0)
    return failure_set(failure, "%s: no requests%s", reader->input.name,
                       reader->draft.foreign ? " to that server" : "");
  return result != LOAD_READ_WRONG;
}

bool load_reader_open(struct load_reader **out, struct load_rules *rules, struct load_list *list,
                      bool again, const struct failure *failure) {
  struct load_reader *reader = *out = calloc(1, sizeof *reader);
  if (!reader) return failure_set(failure, "out of memory");
  reader->rules = rules;
  reader->input.fd = reader->stop_event = -1;
  sem_init(&reader->room, 0, 0);
  bool kept, good = read_first(reader, list, &kept, failure);
  reader->again = again && reader->input.can_rewind;
  if (good && !kept) return true;
  load_reader_close(reader);
  *out = NULL;
  return good;
}

const struct load_form *load_reader_first(const struct load_reader *reader) {
  return (const struct load_form *)reader->form.at;
}

bool load_reader_start(struct load_reader *reader, unsigned workers,
                       const struct failure *failure) {
  reader->queues = aligned_alloc(_Alignof(struct load_queue), workers * sizeof *reader->queues);
  reader->stop_event = reader->input.stop_fd = eventfd(0, EFD_CLOEXEC);
  if (!reader->queues || reader->stop_event < 0)
    return failure_set(failure, "cannot read %s: %s", reader->input.name, strerror(errno));
  memset(reader->queues, 0, workers * sizeof *reader->queues);
  reader->queue_count = workers;
  int why = pthread_create(&reader->thread, NULL, run, reader);
  if (why) return failure_set(failure, "cannot start a thread: %s", strerror(why));
  reader->started = true;
  return true;
}

/* ---- the end --------------------------------------------------------------------------------- */

void load_reader_stop(struct load_reader *reader) {
  const uint64_t one = 1;
  if (!reader->started) return;
  __atomic_store_n(&reader->stopping, true, __ATOMIC_RELEASE);
  (void)sem_post(&reader->room);
  if (write(reader->stop_event, &one, sizeof one) < 0) return; /* not possible: its count is 0 */
  pthread_join(reader->thread, NULL);
  reader->started = false;
}

void load_reader_close(struct load_reader *reader) {
  if (!reader) return;
  load_reader_stop(reader);
  for (unsigned i = 0; i < reader->queue_count; i++)
    for (unsigned k = 0; k < LOAD_BATCHES_MAX; k++)
      load_buffer_free(&reader->queues[i].batches[k]);
  free(reader->queues);
  load_buffer_free(&reader->form);
  load_parser_free(&reader->parser);
  load_input_close(&reader->input);
  if (reader->stop_event >= 0) close(reader->stop_event);
  sem_destroy(&reader->room);
  free(reader);
}

const char *load_reader_mistake(const struct load_reader *reader) {
  return reader->mistake[0] ? reader->mistake : NULL;
}

struct load_queue *load_reader_queue(struct load_reader *reader, unsigned worker) {
  return &reader->queues[worker];
}

void load_reader_wake(struct load_reader *reader) {
  (void)sem_post(&reader->room);
}
