/*
 * load/connection.c - see load/connection.h.
 */
#include "tools/load/connection.h"

#include "tools/load/limits.h"

/* ---- the next attempt, or none --------------------------------------------------------------- */

static bool has_work(const struct load_connection *connection) {
  const struct load_books *books = connection->books;
  if (!list_is_empty(&connection->slots.again)) return true;
  if (load_books_are_spent(books)) return false;
  if (load_source_state(&books->source, &connection->slots.turn) == LOAD_SOURCE_ENDED) return false;
  if (books->endless) return true;
  return books->open ? books->left > 0 : connection->share > 0;
}

void load_connection_settle(struct load_connection *connection) {
  if (connection->settled) return;
  connection->settled = true;
  load_books_settle(connection->books);
}

static void end_for_good(struct load_connection *connection) {
  if (connection->state == LOAD_ENDED) return;
  load_connection_set_state(connection, LOAD_ENDED);
  load_slots_lose(&connection->slots, connection->share);
  connection->share = 0;
  load_connection_settle(connection);
  load_books_check(connection->books);
}

static bool is_futile(const struct load_connection *connection) {
  if (connection->books->plan->duration_ns > 0) return connection->hopeless;
  return !connection->was_open || connection->futile >= LOAD_FUTILE_MAX;
}

/* Doubles with each attempt without a complete response, up to a second. */
static uint64_t pause_ns(unsigned futile) {
  uint64_t pause_ns = LOAD_PAUSE_NS;
  if (futile == 0) return 0;
  for (unsigned i = 1; i < futile && pause_ns < SECOND_NS; i++)
    pause_ns *= 2;
  return pause_ns < SECOND_NS ? pause_ns : SECOND_NS;
}

void load_connection_retry(struct load_connection *connection) {
  struct load_books *books = connection->books;
  if (books->over) return;
  connection->futile = connection->slots.progress ? 0 : connection->futile + 1;
  load_connection_settle(connection);
  if (is_futile(connection) || !has_work(connection)) {
    end_for_good(connection);
    return;
  }
  timer_arm(&books->io->loop.timers, &connection->timer,
            books->io->loop.now_ns + pause_ns(connection->futile));
}

void load_connection_give_up(struct load_connection *connection, const char *reason) {
  struct worker *io = connection->books->io;
  client_blame(&connection->client, "%s", reason);
  end_for_good(connection);
  timer_arm(&io->loop.timers, &connection->timer, io->loop.now_ns);
}

/* ---- work ------------------------------------------------------------------------------------ */

/* How many requests it may start now; one by one over a WebSocket. */
static uint32_t room_of(const struct load_connection *connection) {
  return load_connection_is_ws(connection) ? load_ws_has_room(&connection->ws)
                                           : client_http_room(&connection->slots.http);
}

/* --requests-per-connection. */
static bool is_used_up(const struct load_connection *connection) {
  return connection->asked >= connection->asked_max;
}

/* Closes the connection when all of its requests have ended. The timer drains it. */
static void retire(struct load_connection *connection) {
  struct worker *io = connection->books->io;
  const struct load_slots *slots = &connection->slots;
  if (!is_used_up(connection) || slots->in_use > 0 || connection->state != LOAD_OPEN) return;
  connection->retired = true;
  load_connection_set_state(connection, LOAD_CLOSING);
  timer_arm(&io->loop.timers, &connection->timer, io->loop.now_ns);
}

/* How many of its own requests it may start in a row. */
static uint32_t row_of(const struct load_connection *connection, uint32_t room) {
  const struct load_slots *slots = &connection->slots;
  uint64_t left = connection->asked_max - connection->asked, free = slots->count - slots->in_use;
  uint64_t row = load_books_row(connection->books, connection->share);
  if (load_connection_is_ws(connection)) return 0;
  if (row > left) row = left;
  if (row > free) row = free;
  return row < room ? (uint32_t)row : room;
}

/* Starts a request, or a row of them if there is `room`, or repeats a refused one. */
static bool start(struct load_connection *connection, uint32_t room) {
  struct load_slots *slots = &connection->slots;
  uint32_t row = row_of(connection, room);
  uint64_t due_ns;
  bool allowed;
  if (!list_is_empty(&slots->again)) {
    allowed = load_request_again(slots);
  } else if (row > 0) {
    allowed = load_request_start_row(slots, &connection->share, &connection->asked, row);
  } else {
    if (!slots->free || is_used_up(connection)) return false;
    if (!load_books_take(connection->books, &slots->turn, &connection->share, &due_ns))
      return false;
    slots->starved = false;
    connection->asked++;
    allowed = load_connection_is_ws(connection) ? load_ws_send(&connection->ws, due_ns)
                                                : load_request_start(slots, due_ns);
  }
  if (!allowed)
    load_connection_give_up(connection, "the server's limits do not allow this request");
  return allowed;
}

/* Whether a request could be under way that is not. */
static bool has_request(const struct load_slots *slots) {
  return slots->free || !list_is_empty(&slots->again);
}

/* Once a second, is_stuck() looks for servers that leave no room for long. */
void load_connection_fill(struct load_connection *connection) {
  struct load_slots *slots = &connection->slots;
  slots->look = false;
  slots->starved = slots->starved && slots->in_use == 0;
  while (has_request(slots) && connection->state == LOAD_OPEN && !connection->books->over) {
    uint32_t room = room_of(connection);
    if (room == 0) {
      load_slots_starve(slots);
      break;
    }
    if (!start(connection, room)) break;
  }
  retire(connection);
}

bool load_connection_start_one(struct load_connection *connection) {
  if (connection->state != LOAD_OPEN || !connection->slots.free) return false;
  return room_of(connection) > 0 && start(connection, 1);
}

/* ---- once a second --------------------------------------------------------------------------- */

/* The server has allowed no streams for the length of a timeout. */
static bool is_stuck(const struct load_connection *connection) {
  const struct load_slots *slots = &connection->slots;
  const struct load_books *books = connection->books;
  return slots->starved && client_http_streams(&slots->http) == 0 && has_work(connection) &&
         books->now_ns - slots->starved_ns >= books->plan->timeout_ns;
}

/* Only in runs with -n: others end by themselves. */
static bool is_silent(const struct load_connection *connection) {
  const struct load_books *books = connection->books;
  if (books->endless || books->open || connection->share == 0) return false;
  return books->now_ns - connection->heard_ns >= LOAD_SILENT_TIMEOUTS * books->plan->timeout_ns;
}

void load_connection_look(struct load_connection *connection) {
  if (connection->state != LOAD_OPEN) return;
  if (is_stuck(connection))
    load_connection_give_up(connection, "the server allows no streams");
  else if (is_silent(connection))
    load_connection_give_up(connection, "the server was silent for too long");
}

/* ---- timeouts -------------------------------------------------------------------------------- */

void load_connection_expire(struct load_request *request) {
  struct load_connection *connection = LIST_OWNER(request->slots, struct load_connection, slots);
  if (load_connection_is_ws(connection))
    load_ws_expire(&connection->ws, request);
  else
    load_request_expire(request);
  load_connection_fill(connection);
}
