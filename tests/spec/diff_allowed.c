/*
 * spec/diff_allowed.c - where weir and libnghttp2 1.52 differ. Sections are of RFC 9113.
 */
#include "tests/spec/diff_allowed.h"

#include <fnmatch.h>

const struct diff_allowed diff_allowed[] = {
    /* ---- one ends the stream, the other the connection ------------------------------------------- */

    {"*", "R [0-9]* 5\n", "G 5\n",
     "6.1, 5.1: frames after END_STREAM are a stream error STREAM_CLOSED, not one of the "
     "connection"},
    {"*DATA*", "R [0-9]* 1\n", "G 1\n", "8.1.1: DATA before HEADERS is malformed, a stream error"},
    {"*DATA*", "R [0-9]* 1\n", "", "8.1.1: DATA before HEADERS is malformed, empty or not"},
    {"*badly padded, DATA*", "R [0-9]* 5\nG 1\n", "G 5\n",
     "6.1: the first error is of the stream, the second of the connection"},

    {"WINDOW_UPDATE of 0*", "R [0-9]* 1\n", "G 1\n",
     "6.9: an increment of 0 is an error of the stream"},
    {"WINDOW_UPDATE of 0*", "G 1\n", "",
     "6.9, 5.4.1: also of one that is closed, and then of the connection"},
    {"*badly padded, DATA*", "G 1\n", "G 5\n", "6.1: padding is checked first"},
    {"bad block*", "G 9\n", "G 5\n",
     "4.3: every block is decoded, whatever its stream; failing that is the worse error"},

    {"bad block*", "G 5\n", "G 9\n",
     "5.1: HEADERS on a closed stream is an error before it decodes"},

    /* ---- after a reset --------------------------------------------------------------- */

    {"*", "", "G 5\n", "5.1: frames after our RST_STREAM are ignored"},
    {"*", "G 5\n", "", "5.1: frames after both END_STREAMs are STREAM_CLOSED"},
    {"*badly padded, DATA*", "G 1\n", "",
     "6.1: bad padding is an error even in DATA to be ignored"},

    /* ---- messages --------------------------------------------------------------------------- */

    {"*DATA*", "R [0-9]* 1\n", "D *\nR [0-9]* 1\n",
     "8.1.1: DATA beyond content-length is not delivered first"},
    {"*HEADERS ?", "", "R [0-9]* 1\n",
     "8.1.1: a malformed request that goes on is answered 400, and read to its end"},
    {"*HEADERS ??", "", "R [0-9]* 1\n",
     "8.1.1: a malformed request that goes on is answered 400, and read to its end"},
    {"*without :authority*", "", "R [0-9]* 1\n", "9110 7.2: a request without authority gets 400"},

    {"content-length *HEADERS*", "H [0-9]* :status=[12]0[034]|*", "R [0-9]* 1\n",
     "8.1.1: responses that never have content may give its length"},
    {"content-length 0*HEADERS*", "H [0-9]* :status=204|*", "H [0-9]* :status=204|*",
     "8.1.1: content-length of 204 is handed on, nghttp2 drops 0"},

    /* ---- frames ----------------------------------------------------------------------------- */

    {"empty padded HEADERS*", "G 6\n", "G 1\n",
     "4.2: too short for Pad Length is FRAME_SIZE_ERROR"},

    {"*", "*", "closed: Too many CONTINUATION*",
     "6.10: nghttp2 counts the received pieces of CONTINUATION frames, and allows eight"},

    /* ---- push ------------------------------------------------------------------------------- */

    {"*of another origin, *PUSH_PROMISE*", "R [0-9]* 1\n", "P *",
     "8.4: a promise of another origin is refused, not left to the application"},
    {"*PUSH_PROMISE*", "R [0-9]* 1\n", "P *",
     "8.4: a promise that is not safe or has a body is refused, not left to the application"},
    {"*PUSH_PROMISE*", "R [0-9]* 7\n", "R [0-9]* 8\n",
     "6.6, 8.4: a promise on a stream that we reset is refused, whichever code says so"},
    {"*PUSH_PROMISE*", "G 1\n", "R [0-9]* 8\n",
     "6.6: a promise on a closed stream is a connection error"},
};

const size_t diff_allowed_count = sizeof diff_allowed / sizeof *diff_allowed;

const struct diff_allowed *diff_allowed_find(const char *what, const char *weir,
                                             const char *other) {
  for (size_t i = 0; i < diff_allowed_count; i++) {
    const struct diff_allowed *row = &diff_allowed[i];
    if (fnmatch(row->what, what, 0) == 0 && fnmatch(row->weir, weir, 0) == 0 &&
        fnmatch(row->other, other, 0) == 0)
      return row;
  }
  return NULL;
}
