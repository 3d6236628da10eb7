/*
 * support/line.h - a server engine and a client engine that uploads to it, at the ends of a line with
 * a delay, a rate and a sender's TCP, in simulated time. For the tests of engine/h2/flow.h.
 *
 * Life: line_open() or line_open_cold(); then uploads, and line_run() lets time pass; line_close().
 * Owner: the test. What the handlers and the client do is decided by the flags of struct line, which
 * the test may set at any time.
 */
#ifndef WEIR_TESTS_LINE_H
#define WEIR_TESTS_LINE_H

#include "engine/h2/flow.h"
#include "tests/support/loopback.h"

/* A long path: 100 Mbit/s, and 200 ms there and back. It holds 2.5 MB. */
enum { LINE_LONG_RATE = 12500000, LINE_LONG_MS = 200 };

enum { LINE_UPDATES_MAX = 4096, LINE_UPLOADS_MAX = 1100 };

struct line;
struct line_piece;

/* What is under way in one direction, in pieces in order of arrival. */
struct line_queue {
  struct line_piece *first, *last;
  size_t bytes;
};

/* A sender that starts slowly and loses nothing: its window grows by what is acknowledged, so it
 * doubles each round trip. What the client's engine has sent waits in a socket buffer, PING replies
 * behind DATA. */
struct line_tcp {
  size_t window_bytes; /* 0: no TCP; the line takes what it can from the engine */
  size_t in_flight;
  size_t socket_bytes; /* size of the buffer */
  struct line_queue socket, acks;
};

/* A WINDOW_UPDATE that the server sent. */
struct line_update {
  uint32_t stream_id, increment;
};

struct line_upload {
  struct line *line;
  struct stream *client, *server;
  uint64_t left, arrived, unused; /* to send; received; received and not consumed */
  unsigned closed;                /* times that the client was told */
  uint32_t error_code;            /* that it was closed with */
};

struct line {
  struct loopback loop;
  struct handler handler; /* takes uploads */
  struct line_queue up, down;
  struct line_piece *spare; /* to be used again */
  struct line_tcp tcp;      /* of the client's end */
  uint64_t delay_ns;        /* one way */
  uint64_t bytes_per_step;  /* each direction, of a step of a millisecond; 0: no limit */
  bool stopped;             /* handlers use nothing */
  bool paused;              /* the client sends nothing */
  bool silent;              /* handlers do not answer */
  bool closing;             /* what is unfinished may end with an error */
  enum stream_flow flow;    /* that handlers ask for */
  struct line_upload uploads[LINE_UPLOADS_MAX];
  uint32_t opened, answered; /* uploads begun; uploads that a handler has heard of */
  uint64_t arrived;          /* bytes, of all uploads */
  struct line_update updates[LINE_UPDATES_MAX];
  uint32_t update_count;
  uint8_t header[H2_FRAME_HEADER_BYTES + 4]; /* of the server's frame in hand */
  uint32_t header_have, skip;
};

/* The default configuration, with this policy. */
struct engine_config line_config(enum stream_flow flow);

/* A line whose ends have exchanged and acknowledged their SETTINGS. */
struct line *line_open(const struct engine_config *config, uint64_t delay_ns,
                       uint64_t bytes_per_second);

/* Likewise, but nothing has been sent. `handler` answers on the server; NULL: one that takes uploads
 * and answers 204. */
struct line *line_open_cold(const struct handler *handler, const struct engine_config *config,
                            uint64_t delay_ns, uint64_t bytes_per_second);

/* Closes both ends and frees everything; asserts that no memory is left. */
void line_close(struct line *line);

/* Lets so many milliseconds pass. */
void line_run(struct line *line, unsigned ms);

/* Begins to upload `bytes` bytes. The upload belongs to the line. Fails the test if the client engine
 * refuses, or if the upload ends with an error while `closing` is not set. */
struct line_upload *line_upload(struct line *line, uint64_t bytes);

/* Likewise, on another connection of the client engine, which the test moves bytes for. */
struct line_upload *line_upload_on(struct line *line, struct machine *client, uint64_t bytes);

const struct h2 *line_server(const struct line *line);

#endif
