/*
 * load/life.h - how a connection begins and ends: its machines, and what the client beneath tells of them.
 *
 * Moves a connection from state to state (load/connection.h), counts its bytes, and has it start requests whenever
 * something has changed.
 */
#ifndef WEIR_LOAD_LIFE_H
#define WEIR_LOAD_LIFE_H

#include "tools/load/connection.h"

/* Keeps its arguments. `share`: the requests that it may start, except in open loops. */
void load_life_init(struct load_connection *connection, struct load_books *books,
                    struct engine *engine, struct client_server *server, struct load_ws_kit *kit,
                    uint64_t share);

/* Its machines are closed. */
void load_life_free(struct load_connection *connection);

/* Dials, as soon as --connect-rate allows. */
void load_life_open(struct load_connection *connection);

/* The run is over: cancels dialling. */
void load_life_leave(struct load_connection *connection);

#endif
