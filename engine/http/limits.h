/*
 * http/limits.h - the bounds of requests and responses, whichever protocol carries them: unit, value and reason. The
 * rules are those of base/limits.h.
 */
#ifndef WEIR_HTTP_LIMITS_H
#define WEIR_HTTP_LIMITS_H

#include "engine/base/limits.h"

/* ---- targets and fields ---------------------------------------------------------------------- */

/* Bytes of a request target, path and query; RFC 9110 section 4.1 recommends at least 8000, and nginx takes 8 KiB. A
 * longer one gets 414. */
#define HTTP_TARGET_BYTES_MAX (8u * KIB)

/* Bytes of a list that are looked at, all fields of its name together, where nothing else bounds them:
 * Accept-Encoding, If-Match, If-None-Match, Expect. With HPACK a request of 30 bytes can repeat a field of
 * 4 KiB a dozen times, and an element costs more than its bytes. Browsers send 30 bytes, and one entity tag.
 * Elements beyond it do not count. */
#define FIELD_LIST_BYTES_MAX 1024u

/* Bytes of a priority field's value. A longer value is ignored as a whole, so that a flood of 16 KiB PRIORITY_UPDATE
 * frames costs little. Browsers send less than 10 bytes; extensions have room. */
#define PRIORITY_FIELD_BYTES_MAX 256u

/* Rules about the fields of responses that one route may have; arbitrary. And fields of a response that passes them:
 * more than any handler of this engine gives, and fewer than SPDY's clients refuse. Arrays of as many are on the
 * stack. */
#define FIELD_RULES_MAX        64u
#define FIELD_RULES_FIELDS_MAX 100u

/* ---- what a peer may make us hold ------------------------------------------------------------ */

/* Bytes for joined cookies, and for other copies beside the decoded fields: cookies that fill a
 * header list of the default size can be joined. */
#define COOKIE_ROOM_BYTES PEER_HEADER_LIST_BYTES_DEFAULT

/* Bytes that are kept at first for a tunnel that is asked for and not made yet; they double up to the
 * stream's window. A client that does not wait sends its first message, a few hundred bytes. */
#define KEPT_BYTES_FIRST 512u

/* Origins, on one connection at once, for whose requests we push: clients coalesce a few subdomains
 * on one connection. Requests of other origins get no pushes, and promises on them are refused. */
#define ORIGINS_MAX 8u

/* Bytes of the scheme and authority of such an origin: a DNS name has at most 253, "https" and a
 * port take 11; the rest is for other names. */
#define ORIGIN_BYTES_MAX 320u

/* ---- head starts ----------------------------------------------------------------------------- */

/* Bytes that a response itself may say are needed first (stream_head_start()), and into which an image's first scan
 * is looked for. A first scan takes less than a tenth of a file as a rule; this is more than that of a photograph of
 * 1 MB. No user has needed a larger value. */
#define HEAD_START_SCAN_BYTES_MAX (128u * KIB)

/* ---- time ------------------------------------------------------------------------------------ */

/* From the end of a mounted machine (http/mount.h) until its peer has ended the tunnel too, in a round trip if
 * it is alive. Then the stream is reset. As WS_CLOSE_NS. */
#define MOUNT_CLOSE_NS (5 * SECOND_NS)

#endif
