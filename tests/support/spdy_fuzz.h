/*
 * support/spdy_fuzz.h - what the fuzz targets of SPDY sessions share: frames from an input, and checks of what is sent.
 *
 * The input is a row of: an octet, its low three bits a frame type; an octet of the stream's identifier (its low five bits),
 * an octet of flags, an octet of a number. A header block is text behind an octet that says how many eight bytes it
 * has, and is compressed here, so that mutations reach what is behind zlib. With the high bit of the first octet, as
 * many bytes as the second says go as they are.
 */
#ifndef WEIR_TESTS_SPDY_FUZZ_H
#define WEIR_TESTS_SPDY_FUZZ_H

#include "tests/support/fuzz.h"

/* Both directions anew; to be called before fuzz_open(), with run->on_sent set to spdy_fuzz_sent. */
void spdy_fuzz_begin(void);
void spdy_fuzz_end(void);

/* Sends the frames of an input. `server`: identifiers are those of a client. */
void spdy_fuzz_feed(struct fuzz_run *run, const uint8_t *bytes, size_t len);

/* Checks all that is sent: whole frames, whose blocks can be read; nothing on a stream after its FLAG_FIN but
 * RST_STREAM and WINDOW_UPDATE; nothing after a GOAWAY with an error. */
void spdy_fuzz_sent(struct fuzz_run *run, struct span bytes);

#endif
