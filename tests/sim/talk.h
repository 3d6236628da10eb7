/*
 * talk.h - a WebSocket between the two sides of a simulated connection: each sends as many messages as the
 * talk's number says, of sizes, kinds and bytes that follow from it, and checks the other's. The client closes
 * when all have come. Either closes with 1001 before that, when its connection drains.
 *
 * Ownership: a talk lives until its end says closed(). talk.c keeps a list for each side of a connection.
 */
#ifndef WEIR_SIM_TALK_H
#define WEIR_SIM_TALK_H

#include "engine/ws/ws.h"
#include "tests/sim/party.h"

/* Handler.protocols of a server. */
extern const char *const talk_protocols[];

/* Where the ends of all talks get their memory: to be set before the first. */
extern const struct memory *talk_memory;

/* Client: whether the server has said that it takes talks, and asks for one. False when the engine refuses
 * it now. */
bool talk_is_possible(const struct h2 *h2);
bool talk_request(struct party_side *side, struct h2 *h2, uint64_t number);

/* Server: answers a request whose protocol is set. */
void talk_serve(struct party_side *side, struct stream *stream, const struct request *request);

/* Does something unprompted: sends, pings, holds, releases, resets. */
void talk_act(struct talk *talk);

/* All talks of a side do everything that they can. */
void talk_act_all(struct party_side *side);

/* Whether one of the side's talks is on this stream. */
bool talk_has(const struct party_side *side, const struct stream *stream);

/* The talk at this index of the side's list (modulo the count), or NULL. */
struct talk *talk_at(struct party_side *side, uint32_t index);

#endif
