/*
 * ws/message.h - puts the payload of data frames together to messages: inflates, validates text, and hands
 * over (RFC 6455 sections 5.6 and 8.1; RFC 7692 section 7.2.2).
 *
 * Faults end the connection: 1007 for text that is not UTF-8 and for data that does not inflate, 1009 for
 * what is longer than settings.message_bytes_max. Text is refused at the first wrong octet.
 */
#ifndef WEIR_WS_MESSAGE_H
#define WEIR_WS_MESSAGE_H

#include "engine/ws/endpoint.h"

/* A message begins; no other is under way. */
void ws_message_begin(struct ws *ws, enum ws_kind kind, bool compressed);

/* Where the next `len` bytes of a message that is being put together belong; what is unmasked there is not copied
 * once more. `last`: as ws_message_add() will get it, or false where these bytes need memory even if they are a whole
 * message. NULL: it is not put together, is too long, or memory was refused, and the end has failed. */
uint8_t *ws_message_room(struct ws *ws, size_t len, bool last);

/* Its next bytes, unmasked; `last`: none follow. The message may be handed over within this call, after
 * which nothing is certain of the end's state. */
void ws_message_add(struct ws *ws, struct span bytes, bool last);

/* The message under way is dropped, with its memory. */
void ws_message_drop(struct ws *ws);

#endif
