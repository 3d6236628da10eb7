/*
 * ws/test_limits.c - every bound of one end is reached; just below it, nothing happens.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ws/deflate.h"
#include "engine/ws/endpoint.h"
#include "engine/ws/frame.h"
#include "tests/engine/ws/play.h"
#include "tests/support/cmocka.h"

static struct play play;

static void begin_with(bool client) {
  play_begin(&play, client, "");
  (void)play_log(&play);
}

static void begin(bool client) {
  play_settings(&play);
  begin_with(client);
}

#define EXPECT(text) assert_string_equal(play_log(&play), text)

static void finish(void) {
  play_pull(&play, 4096);
  play_eof(&play);
  play_pull(&play, 4096);
  fake_closed(&play.fake, 0);
  play_end(&play);
}

/* WS_MESSAGE_BYTES_DEFAULT: a longer message is refused when its header comes, without any payload, and takes
 * no memory; in fragments when the one comes that makes it too long. */
static void message_bytes(void **state) {
  (void)state;
  static const struct {
    const char *frames, *log;
  } rows[] = {
      {"B:*1048576", "B:*1048576"},
      {"~82ff0000000000100001 ~37fa213d", ">X:1009message_is_too_long END"},
      {"~82ff7fffffffffffffff ~37fa213d", ">X:1009message_is_too_long END"},
      {"b:*1000 ~80ff00000000000ffc19 ~37fa213d", ">X:1009message_is_too_long END"},
      {"b:*1048576 C:", "B:*1048576"},
      {"b:*1048576 C:a", ">X:1009message_is_too_long END"},
  };
  assert_int_equal(WS_MESSAGE_BYTES_DEFAULT, 1048576);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    begin(false);
    if (strncmp(rows[i].frames, "b:*1048576", 10) == 0) {
      play_peer(&play, "b:*524288");
      play_peer(&play, "c:*524288");
      play_peer(&play, rows[i].frames + 11);
    } else if (*rows[i].frames == 'B') {
      static uint8_t bytes[PLAY_BYTES_MAX + 64];
      size_t len = play_frames(&play, rows[i].frames, bytes);
      play_bytes(&play, span_of(bytes, len / 2));
      play_bytes(&play, span_of(bytes + len / 2, len - len / 2));
    } else {
      play_peer(&play, rows[i].frames);
    }
    play_pull(&play, 4096);
    if (i == 4) /* two halves of the alphabet do not make one */
      assert_memory_equal(play.log, "B:?1048576", 10);
    else
      assert_string_equal(play.log, rows[i].log);
    assert_int_equal(play.counters.too_big, strchr(rows[i].log, '>') != NULL);
    if (i == 1 || i == 2) assert_true(play.memory.bytes_max < 2000);
    (void)play_log(&play);
    finish();
  }
}

/* A peer that announces a long message and sends little of it makes us hold little: WS_MESSAGE_BYTES_FIRST, and
 * then twice what came. */
static void memory_of_a_message(void **state) {
  (void)state;
  begin(false);
  size_t before = play.memory.bytes;
  play_peer(&play, "~02ff00000000000fffff ~37fa213d ~00");
  size_t around = sizeof(struct ws_piece) + WS_HEADER_BYTES_MAX;
  assert_int_equal(play.memory.bytes - before, around + WS_MESSAGE_BYTES_FIRST);
  uint8_t zeros[10 * WS_PIECE_BYTES] = {0};
  play_bytes(&play, span_of(zeros, sizeof zeros));
  assert_true(play.memory.bytes - before <= 2 * sizeof zeros);
  finish();
}

/* A message that was put together goes back from where it lies: memory for it is taken once. */
static void an_echo_without_a_copy(void **state) {
  (void)state;
  play_settings(&play);
  play.echo = true;
  play_begin(&play, false, "");
  (void)play_log(&play);
  size_t before = play.memory.bytes;
  play_peer(&play, "b:*5200 C:*5200");
  assert_true(play.memory.bytes - before < 2 * WS_MESSAGE_BYTES_FIRST + 100);
  play_peer(&play, "T:short b:*5200 P:x c: C:*5226");
  (void)play_log(&play);
  play_pull(&play, 4096);
  EXPECT(">O:x >B:*10400 >T:short >B:*10426");
  assert_int_equal(play.memory.bytes, before);
  finish();
}

/* Sends what it was shown a second time, for which there is no memory, and looks at it afterwards. */
static void send_again(struct play *player) {
  static uint8_t zeros[2 * WS_MESSAGE_BYTES_FIRST];
  player->memory.refuse_at = player->memory.calls + 1;
  assert_false(ws_send(player->ws, WS_BINARY, span_of(zeros, sizeof zeros)));
}

/* The event's bytes stay until its end, though the failed end has dropped what it had queued. */
static void an_echo_that_fails(void **state) {
  (void)state;
  play_settings(&play);
  play.echo = true;
  play.on_message = send_again;
  play_begin(&play, false, "");
  (void)play_log(&play);
  play_peer(&play, "b:*5200 C:*5200");
  play.memory.refuse_at = 0;
  play_pull(&play, 4096);
  EXPECT("B:*10400 >X:1011no_memory_to_send END");
  finish();
}

/* A short message, and one that comes in one piece of WS_PIECE_BYTES, take no memory. */
static void short_messages_take_no_memory(void **state) {
  (void)state;
  begin(false);
  uint64_t calls = play.memory.calls;
  play_peer(&play, "T:Hello");
  play_peer(&play, "B:*4096");
  assert_int_equal(play.memory.calls, calls);
  play_peer(&play, "B:*4097");
  assert_true(play.memory.calls > calls);
  finish();
}

/* That many zeros, compressed: a frame of a client, or of a server. */
static uint8_t *bomb_of(size_t zeros, bool client, size_t *len) {
  struct ws_deflate *deflate = ws_deflate_new(&play.memory.memory, 15);
  uint8_t *plain = calloc(1, zeros), *frame = malloc(ws_deflate_bound(deflate, zeros) + 14);
  size_t packed = ws_deflate_message(deflate, span_of(plain, zeros), frame + 14);
  struct ws_frame header = {
      .len = packed, .opcode = WS_OPCODE_BINARY, .fin = true, .rsv1 = true, .masked = client};
  size_t used = ws_frame_encode(frame, &header); /* its key is 0 */
  memmove(frame + used, frame + 14, packed);
  *len = used + packed;
  ws_deflate_free(deflate);
  free(plain);
  return frame;
}

/* A bomb is cut at the bound of messages; where there is none, at WS_INFLATED_BYTES_MAX. */
static void bombs(void **state) {
  (void)state;
  for (int row = 0; row < 4; row++) {
    bool unbounded = row / 2, more = row % 2;
    size_t len, max = unbounded ? WS_INFLATED_BYTES_MAX : WS_MESSAGE_BYTES_DEFAULT;
    play_settings(&play);
    play.settings.deflate = true;
    play.settings.fragments = unbounded;
    play.settings.message_bytes_max = unbounded ? SIZE_MAX : 0;
    uint8_t *frame = bomb_of(max + more, true, &len);
    play.memory.bytes_max = 0;
    begin_with(false);
    for (size_t at = 0; at < len; at += 1000) {
      play_bytes(&play, span_of(frame + at, len - at < 1000 ? len - at : 1000));
      (void)play_log(&play);
      play_wait(&play, WS_INFLATE_PAUSE_NS);
    }
    free(frame);
    assert_int_equal(play.counters.too_big, more);
    assert_int_equal(play.counters.messages_received, !more);
    assert_true(play.memory.bytes_max < 4 * (size_t)WS_MESSAGE_BYTES_DEFAULT);
    finish();
  }
}

/* Sends four bombs of half of WS_INFLATE_BURST_BYTES at once. */
static void send_four_bombs(bool client) {
  size_t len;
  uint8_t *frame = bomb_of(WS_INFLATE_BURST_BYTES / 2, client, &len);
  uint8_t *frames = malloc(4 * len);
  for (size_t i = 0; i < 4; i++)
    memcpy(frames + i * len, frame, len);
  play_bytes(&play, span_of(frames, 4 * len));
  (void)play_log(&play);
  free(frames);
  free(frame);
}

/* Beyond WS_INFLATE_BURST_BYTES a client's messages wait for WS_INFLATE_PAUSE_NS, and
 * WS_INFLATE_BYTES_PER_SECOND give them back. */
static void inflating_pauses(void **state) {
  (void)state;
  play_settings(&play);
  play.settings.deflate = true;
  begin_with(false);
  send_four_bombs(true); /* the third is more, which is noticed within it */
  assert_int_equal(play.counters.messages_received, 3);
  assert_int_equal(play.counters.paused, 1);
  play_peer(&play, "T:behind_them");
  play_wait(&play, WS_INFLATE_PAUSE_NS - 1);
  assert_int_equal(play.counters.messages_received, 3);
  play_wait(&play, 1);
  assert_int_equal(play.counters.messages_received, 5);
  play_wait(&play, SECOND_NS / (WS_INFLATE_BYTES_PER_SECOND / WS_INFLATE_BURST_BYTES));
  send_four_bombs(true);
  assert_int_equal(play.counters.messages_received, 8);
  assert_int_equal(play.counters.paused, 2);
  finish();
}

static void a_client_does_not_pause(void **state) {
  (void)state;
  play_settings(&play);
  play.settings.deflate = true;
  play_begin(&play, true, "server_no_context_takeover; client_no_context_takeover");
  (void)play_log(&play);
  send_four_bombs(false);
  assert_int_equal(play.counters.messages_received, 4);
  assert_int_equal(play.counters.paused, 0);
  finish();
}

/* Compressed blocks without content: twice the bound is read of them. */
static void empty_blocks(void **state) {
  (void)state;
  play_settings(&play);
  play.settings.deflate = true;
  play.settings.message_bytes_max = 1000;
  begin_with(false);
  play_peer(&play, "zb:=000000ffff");
  for (unsigned i = 1; i < 400; i++)
    play_peer(&play, "c:=000000ffff");
  assert_string_equal(play.log, "");
  play_peer(&play, "c:=000000ffff");
  play_pull(&play, 4096);
  EXPECT(">X:1009message_is_too_long END");
  finish();
}

/* Pings whose pongs wait: WS_PONGS_BYTES of them are answered, and of the others the latest. */
static void many_pongs(void **state) {
  (void)state;
  enum { PINGS = 100, KEPT = WS_PONGS_BYTES / 101 };
  begin(false);
  for (int i = 0; i < PINGS; i++)
    play_peer(&play, i == PINGS - 1 ? "P:last" : i < KEPT ? "P:*100" : "P:*101");
  play_pull(&play, 4096);
  assert_int_equal(KEPT, 10);
  EXPECT(">O:*100 >O:*100 >O:*100 >O:*100 >O:*100 >O:*100 >O:*100 >O:*100 >O:*100 >O:*100 >O:last");
  play_peer(&play, "P:a P:b"); /* what was kept is free again */
  play_pull(&play, 4096);
  EXPECT(">O:a >O:b");
  finish();
}

/* Without memory, the latest of those is answered. */
static void pongs_without_memory(void **state) {
  (void)state;
  begin(false);
  play.memory.refuse_at = play.memory.calls + 1;
  play_peer(&play, "P:a P:b");
  play_pull(&play, 4096);
  EXPECT(">O:b");
  finish();
}

/* WS_CONTROL_BURST at once, and WS_CONTROL_PER_SECOND more each second. */
static void floods_of_pings(void **state) {
  (void)state;
  begin(false);
  for (unsigned i = 0; i < WS_CONTROL_BURST; i++)
    play_peer(&play, i % 2 ? "P:x" : "O:x"), play_pull(&play, 9), (void)play_log(&play);
  play_wait(&play, SECOND_NS);
  for (unsigned i = 0; i < WS_CONTROL_PER_SECOND; i++)
    play_peer(&play, "P:x"), play_pull(&play, 9), (void)play_log(&play);
  assert_int_equal(play.counters.flooded, 0);
  play_peer(&play, "P:y");
  assert_int_equal(play.counters.flooded, 1);
  play_pull(&play, 4096);
  EXPECT(">X:1008too_many_control_frames END");
  finish();
}

/* WS_FRAGMENT_BURST small fragments at once, WS_FRAGMENT_PER_SECOND more each second; those of
 * WS_FRAGMENT_BYTES_SMALL and the last one of a message are free. */
static void floods_of_fragments(void **state) {
  (void)state;
  begin(false);
  play_peer(&play, "b:");
  for (unsigned i = 1; i < WS_FRAGMENT_BURST; i++)
    play_peer(&play, "c:a");
  play_wait(&play, SECOND_NS);
  for (unsigned i = 0; i < WS_FRAGMENT_PER_SECOND; i++)
    play_peer(&play, "c:a");
  char frame[16];
  snprintf(frame, sizeof frame, "c:*%u", WS_FRAGMENT_BYTES_SMALL);
  for (unsigned i = 0; i < 1000; i++)
    play_peer(&play, frame);
  play_peer(&play, "C:a B:a"); /* two messages, which pay for two more */
  play_peer(&play, "b:a c:a");
  assert_int_equal(play.counters.flooded, 0);
  play_peer(&play, "c:a");
  assert_int_equal(play.counters.flooded, 1);
  play_pull(&play, 4096);
  assert_non_null(strstr(play.log, ">X:1008too_many_small_fragments"));
  (void)play_log(&play);
  finish();
}

/* A message pays for a ping and for a fragment, so that these may go with each, at any rate. */
static void control_frames_with_each_message(void **state) {
  (void)state;
  begin(false);
  for (unsigned i = 0; i < 2 * (WS_CONTROL_BURST + WS_FRAGMENT_BURST); i++)
    play_peer(&play, "P:x b:a C:b"), play_pull(&play, 4096), (void)play_log(&play);
  assert_int_equal(play.counters.flooded, 0);
  finish();
}

/* Small messages share a piece of WS_QUEUE_BYTES_MIN; a larger one gets what it needs. */
static void pieces_of_the_queue(void **state) {
  (void)state;
  static uint8_t octets[WS_QUEUE_BYTES_MIN];
  begin(false);
  size_t count = play.memory.count;
  for (int i = 0; i < 10; i++)
    assert_true(ws_send(play.ws, WS_BINARY, span_of(octets, WS_QUEUE_BYTES_MIN / 10 - 20)));
  assert_int_equal(play.memory.count, count + 1);
  assert_true(ws_send(play.ws, WS_BINARY, span_of(octets, sizeof octets)));
  assert_int_equal(play.memory.count, count + 2);
  play_pull(&play, 4096);
  assert_int_equal(play.memory.count, count);
  (void)play_log(&play);
  finish();
}

/* Messages below WS_DEFLATE_BYTES_MIN are not compressed. */
static void short_messages_are_not_compressed(void **state) {
  (void)state;
  static uint8_t zeros[WS_DEFLATE_BYTES_MIN];
  play_settings(&play);
  play.settings.deflate = true;
  begin_with(false);
  for (size_t less = 0; less < 2; less++) {
    assert_true(ws_send(play.ws, WS_BINARY, span_of(zeros, sizeof zeros - less)));
    play_pull(&play, 4096);
    assert_int_equal(strncmp(play_log(&play), ">zB:", 4) == 0, less == 0);
  }
  finish();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(message_bytes),
      cmocka_unit_test(memory_of_a_message),
      cmocka_unit_test(an_echo_without_a_copy),
      cmocka_unit_test(an_echo_that_fails),
      cmocka_unit_test(short_messages_take_no_memory),
      cmocka_unit_test(bombs),
      cmocka_unit_test(inflating_pauses),
      cmocka_unit_test(a_client_does_not_pause),
      cmocka_unit_test(empty_blocks),
      cmocka_unit_test(many_pongs),
      cmocka_unit_test(pongs_without_memory),
      cmocka_unit_test(floods_of_pings),
      cmocka_unit_test(floods_of_fragments),
      cmocka_unit_test(control_frames_with_each_message),
      cmocka_unit_test(pieces_of_the_queue),
      cmocka_unit_test(short_messages_are_not_compressed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
