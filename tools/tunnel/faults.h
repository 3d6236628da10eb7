/*
 * tunnel/faults.h - what --fault KIND[:EVERY] asks for: misbehaviour on every EVERY-th forwarded connection, counted
 * over all sessions.
 */
#ifndef WEIR_TOOLS_TUNNEL_FAULTS_H
#define WEIR_TOOLS_TUNNEL_FAULTS_H

#include <stdbool.h>

#include "tools/tunnel/limits.h"

/* A bit each. */
enum tunnel_fault {
  FAULT_RESET = 1,  /* the data stream is reset while bytes are under way */
  FAULT_DROP = 2,   /* the session ends with a GOAWAY, and all its connections */
  FAULT_DELAY = 4,  /* the data stream's SYN_REPLY comes late */
  FAULT_ERROR = 8,  /* bytes on the error stream, though nothing is wrong */
  FAULT_STALL = 16, /* nothing is read from the data stream, so that its window stays used up */
  FAULT_VANISH = 32 /* the socket is closed without a word */
};

struct tunnel_faults {
  struct tunnel_fault_rule {
    enum tunnel_fault kind;
    unsigned every;
  } rules[TUNNEL_FAULTS_MAX];
  unsigned count;
  unsigned connections; /* atomic: so far */
};

/* Adds KIND[:EVERY]. NULL, or what is wrong with it, a static text. */
const char *faults_add(struct tunnel_faults *faults, const char *text);

/* The faults of the next connection, a bit set. Any thread. */
unsigned faults_next(struct tunnel_faults *faults);

#endif
