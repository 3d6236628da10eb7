/*
 * spec/diff_allowed.h - rows of tests/spec/test_diff_nghttp2.c: where weir and libnghttp2 1.52 differ, and why weir
 * is right, or at least not wrong. Sections are of RFC 9113.
 */

/* ---- one ends the stream, the other the connection ------------------------------------------- */

{"*", "R [0-9]* 5\n", "G 5\n",
 "6.1, 5.1: what follows END_STREAM is a stream error STREAM_CLOSED, not one of the connection", 0},
    {"*DATA*", "R [0-9]* 1\n", "G 1\n", "8.1.1: DATA before HEADERS is malformed, a stream error",
     0},
    {"*DATA*", "R [0-9]* 1\n", "", "8.1.1: DATA before HEADERS is malformed, empty or not", 0},
    {"*badly padded, DATA*", "R [0-9]* 5\nG 1\n", "G 5\n",
     "6.1: the first error is of the stream, the second of the connection", 0},

    {"WINDOW_UPDATE of 0*", "R [0-9]* 1\n", "G 1\n",
     "6.9: an increment of 0 is an error of the stream", 0},
    {"WINDOW_UPDATE of 0*", "G 1\n", "",
     "6.9, 5.4.1: also of one that is closed, and then of the connection", 0},
    {"*badly padded, DATA*", "G 1\n", "G 5\n", "6.1: padding is looked at first", 0},
    {"bad block*", "G 9\n", "G 5\n",
     "4.3: every block is decoded, whatever its stream; that it cannot be is the worse error", 0},

    {"bad block*", "G 5\n", "G 9\n",
     "5.1: HEADERS on a closed stream is an error before it decodes", 0},

    /* ---- what follows a reset --------------------------------------------------------------- */

    {"*", "", "G 5\n", "5.1: what follows our RST_STREAM is ignored", 0},
    {"*", "G 5\n", "", "5.1: what follows both END_STREAMs is STREAM_CLOSED", 0},
    {"*badly padded, DATA*", "G 1\n", "", "6.1: bad padding is an error even in DATA to be ignored",
     0},

    /* ---- messages --------------------------------------------------------------------------- */

    {"*DATA*", "R [0-9]* 1\n", "D *\nR [0-9]* 1\n",
     "8.1.1: DATA beyond content-length is not delivered first", 0},
    {"*without :authority*", "H *", "R [0-9]* 1\n", "8.3.1: a request may come without authority",
     0},

    {"content-length *HEADERS*", "H [0-9]* :status=[12]0[034]|*", "R [0-9]* 1\n",
     "8.1.1: responses that never have content may give its length", 0},
    {"content-length 0*HEADERS*", "H [0-9]* :status=204|*", "H [0-9]* :status=204|*",
     "8.1.1: content-length of 204 is handed on, nghttp2 drops 0", 0},

    /* ---- frames ----------------------------------------------------------------------------- */

    {"empty padded HEADERS*", "G 6\n", "G 1\n", "4.2: too short for Pad Length is FRAME_SIZE_ERROR",
     0},

    /* ---- push ------------------------------------------------------------------------------- */

    {"*of another origin, *PUSH_PROMISE*", "R [0-9]* 1\n", "P *",
     "8.4: a promise of another origin is refused, not left to the application", 0},
    {"*PUSH_PROMISE*", "R [0-9]* 1\n", "P *",
     "8.4: a promise that is not safe or has a body is refused, not left to the application", 0},
    {"*PUSH_PROMISE*", "R [0-9]* 7\n", "R [0-9]* 8\n",
     "6.6, 8.4: a promise on a stream that we reset is refused, whichever code says so", 0},
    {"*PUSH_PROMISE*", "G 1\n", "R [0-9]* 8\n",
     "6.6: a promise on a closed stream is a connection error", 0},
