/*
 * support/line.h - a server engine and a client engine that uploads to it, at the ends of a line
 * with a delay, a rate and a sender's TCP, in simulated time. For tests of engine/h2/flow.h.
 *
 * Life: line_open() or line_open_cold(), then uploads, and line_run() to let time pass, then
 * line_close(). Owner: the test. The flags of struct line decide what the handlers and the client
 * do. The test may set them at any time.
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

/* The bytes under way in one direction, as pieces in order of arrival. */
struct line_queue {
  struct line_piece *first, *last;
  size_t bytes;
};

/* A sender that starts slowly and loses nothing. Its window grows by the acknowledged bytes, so
 * it doubles each round trip. Everything that the client's engine sends waits in a socket
 * buffer, PING replies behind DATA. */
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
  uint64_t left, arrived, unused; /* to send; received; received but not consumed */
  unsigned closed;                /* times that the client was told */
  uint32_t error_code;            /* passed to closed() */
};

struct line {
  struct loopback loop;
  struct handler handler; /* takes uploads */
  struct line_queue up, down;
  struct line_piece *spare; /* to be reused */
  struct line_tcp tcp;      /* of the client's end */
  uint64_t delay_ns;        /* one way */
  uint64_t bytes_per_step;  /* of each direction, per step of a millisecond; 0: no limit */
  bool stopped;             /* handlers consume nothing */
  bool paused;              /* the client sends nothing */
  bool silent;              /* handlers do not answer */
  bool closing;             /* unfinished uploads may end with an error */
  enum stream_flow flow;    /* requested by handlers */
  struct line_upload uploads[LINE_UPLOADS_MAX];
  uint32_t opened, answered; /* uploads begun; uploads that reached a handler */
  uint64_t arrived;          /* bytes, of all uploads */
  struct line_update updates[LINE_UPDATES_MAX];
  uint32_t update_count;
  uint8_t header[H2_FRAME_HEADER_BYTES + 4]; /* of the server's current frame */
  uint32_t header_have, skip;
};

/* The default configuration, with this policy. */
struct engine_config line_config(enum stream_flow flow);

/* A line whose ends have exchanged and acknowledged their SETTINGS. */
struct line *line_open(const struct engine_config *config, uint64_t delay_ns,
                       uint64_t bytes_per_second);

/* Likewise, but nothing has been sent yet. `handler` answers on the server; NULL: one that takes
 * uploads and answers 204. */
struct line *line_open_cold(const struct handler *handler, const struct engine_config *config,
                            uint64_t delay_ns, uint64_t bytes_per_second);

/* Closes both ends and frees everything; asserts that no memory is left. */
void line_close(struct line *line);

/* Lets that many milliseconds pass. */
void line_run(struct line *line, unsigned ms);

/* Begins to upload `bytes` bytes. The line owns the upload. Fails the test if the client engine
 * refuses, or if the upload ends with an error while `closing` is not set. */
struct line_upload *line_upload(struct line *line, uint64_t bytes);

/* Likewise, on another connection of the client engine. The test moves its bytes. */
struct line_upload *line_upload_on(struct line *line, struct machine *client, uint64_t bytes);

const struct h2 *line_server(const struct line *line);

#endif
