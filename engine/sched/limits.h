/*
 * sched/limits.h - the bounds of the scheduler: unit, value and reason. The rules are those of base/limits.h.
 */
#ifndef WEIR_SCHED_LIMITS_H
#define WEIR_SCHED_LIMITS_H

#include "engine/base/limits.h"

/* ---- turns ----------------------------------------------------------------------------------- */

/* Bytes that a stream sends before another has its turn: one DATA frame of the default size when streams compete,
 * and sixteen of them in one send when one is alone. */
#define SCHED_QUANTUM_BYTES       16384
#define SCHED_QUANTUM_ALONE_BYTES 262144

/* ---- one connection -------------------------------------------------------------------------- */

/* Nodes of the dependency tree that stand for streams that are not open: idle ones that clients use for grouping
 * (Firefox made six), and closed ones whose dependants keep their place. RFC 7540 section 5.3.4 wants state for
 * about as many as may be open. */
#define SCHED_PLACEHOLDERS_MAX 128u

/* Streams of one connection that have dependants, the root included. It bounds the depth of the tree, and so the
 * cost of a decision (CVE-2019-9513); a dependant too many becomes a sibling. Old Chromium made chains as long as it
 * had streams open, about 100. */
#define SCHED_SHARES_MAX 128u

/* PRIORITY_UPDATE frames that are remembered for streams that are not yet open: as many as may open by default. */
#define SCHED_UPDATES_MAX 128u

/* PRIORITY and PRIORITY_UPDATE frames that a connection may spend at once, and that each new stream adds. Browsers
 * send a handful a stream. Others are ignored at no cost. */
#define SCHED_CHURN_BURST      1000u
#define SCHED_CHURN_PER_STREAM 16u

/* Making room in a full tree: dependants up to which a closed node may be dropped, since all of them have to move;
 * and how many of the oldest closed nodes are looked at for one. */
#define SCHED_DROP_DEPENDANTS_MAX 64u
#define SCHED_DROP_LOOKS_MAX      16u

/* Hash buckets for a connection's placeholders: at most eight in each, on average. A power of two. Untested: it only
 * decides how long a search takes. */
#define SCHED_BUCKET_COUNT 16u

/* ---- all connections of a worker ------------------------------------------------------------- */

/* Nodes with dependants, placeholders, and connections with remembered updates. About 1, 10 and 8 MB when attackers
 * fill them. Beyond it a stream has no place in a tree, and shares as if nothing had been said about it. */
#define SCHED_SHARES_PER_WORKER_MAX       16384u
#define SCHED_PLACEHOLDERS_PER_WORKER_MAX 65536u
#define SCHED_UPDATES_PER_WORKER_MAX      8192u

/* Objects by which these pools grow: as many as one busy connection needs. Untested: they only decide how often
 * memory is taken. */
#define SCHED_SHARES_PER_CHUNK       8u
#define SCHED_PLACEHOLDERS_PER_CHUNK 32u
#define SCHED_UPDATES_PER_CHUNK      4u

/* ---- head starts ----------------------------------------------------------------------------- */

/* Bytes at the beginning of an image that are favoured when no rule says otherwise: enough for the dimensions of a
 * photograph with its metadata. And the most that a rule may say. */
#define HEAD_START_BYTES_DEFAULT 4096u
#define HEAD_START_BYTES_MAX     (16u * MIB)

/* Rules of one server. Arbitrary; each response is compared with all of them. */
#define HEAD_START_RULES_MAX 16u

#endif
