/*
 * ws/queue.h - what an end sends: messages as frames, masked if it is a client's, and control frames between
 * them (RFC 6455 sections 5.4 and 5.5).
 *
 * Bound: settings.send_bytes_max and one message more. Memory is taken before anything of a message is
 * queued, so that one is never cut.
 */
#ifndef WEIR_WS_QUEUE_H
#define WEIR_WS_QUEUE_H

#include "engine/ws/endpoint.h"

/* The mask of one frame: a client's are unpredictable, a server's are not used. */
struct ws_key ws_new_key(const struct ws *ws);

/* A piece with that much room, empty and not in the queue; NULL when memory was refused. */
struct ws_piece *ws_queue_make_piece(struct ws *ws, size_t room);

/* Frees a piece that is not in the queue; one that is shown is freed by who shows it. */
void ws_queue_free_piece(struct ws *ws, struct ws_piece *piece);

/* Queues a message, in frames of at most settings.frame_bytes_max. Copies it, unless it is the message that was
 * received last, where it lies: then its piece is taken from in->piece. False when memory was refused: nothing is
 * queued then. */
__attribute__((warn_unused_result)) bool ws_queue_message(struct ws *ws, enum ws_kind kind,
                                                          struct span bytes);

/* Queues one frame, uncompressed. `opcode` is WS_OPCODE_CONTINUATION for every part but the first. */
__attribute__((warn_unused_result)) bool ws_queue_part(struct ws *ws, enum ws_opcode opcode,
                                                       struct span bytes, bool fin);

/* The control frame `slot` is to be sent, with this payload (at most 125 bytes). */
void ws_queue_control(struct ws_control *slot, struct span payload);

/* Answers a ping, after those before it as far as WS_PONGS_BYTES and memory allow; else in place of the one
 * before it. */
void ws_queue_pong(struct ws *ws, struct span payload);

/* Drops all messages, except for the rest of a frame that has begun. */
void ws_queue_cut(struct ws *ws);

/* Writes the next at most `max` bytes to `out`; returns their number. */
size_t ws_queue_read(struct ws *ws, uint8_t *out, size_t max);

/* Whether ws_queue_read() would give anything. */
bool ws_queue_has_bytes(const struct ws *ws);

void ws_queue_free(struct ws *ws);

#endif
