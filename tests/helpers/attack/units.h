/*
 * attack/units.h - units that several attacks send.
 */
#ifndef WEIR_TESTS_ATTACK_UNITS_H
#define WEIR_TESTS_ATTACK_UNITS_H

#include "tests/helpers/attack/peer.h"

enum { SETTING_TABLE = 1, SETTING_WINDOW = 4 };

#define SLOW_PATH "/delay/60000"
#define WIDE      0x7fffffffu

/* SETTINGS with shut windows, or with the widest possible windows. */
void units_begin_closed(struct peer *peer);
void units_begin_wide(struct peer *peer);

/* Sends a request that stays open, the first time. */
void units_hold_open(struct peer *peer, bool post, const char *path);

/* Returns true once per that many milliseconds. */
bool units_wait_for(struct peer *peer, uint64_t milliseconds);

/* Steps: see attack.h. units_idle() sends nothing. */
bool units_ping(struct peer *peer);
bool units_settings(struct peer *peer);
bool units_priority(struct peer *peer);
bool units_idle(struct peer *peer);

#endif
