/*
 * serve/metrics/counters.c - the table of all counters, and the line that prints them; see serve/metrics/counters.h.
 */
#include "tools/serve/metrics/counters.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/common/output.h"

#define ROW(member, name, metric, labels, help)                                                    \
  { name, metric, labels, help, offsetof(struct serve_counts, member) }
#define NAMED(member, name, metric, help) ROW(member, name, metric, NULL, help)
#define HTTP(name, help)                  NAMED(engine.http.name, #name, "weir_http_" #name, help)
#define H1(name, help)                    NAMED(engine.h1.name, "h1_" #name, "weir_h1_" #name, help)
#define H2(name, help)                    NAMED(engine.h2.name, #name, "weir_h2_" #name, help)
#define SPDY(name, help)                  NAMED(engine.spdy.name, "spdy_" #name, "weir_spdy_" #name, help)
#define WS(name, help)                    NAMED(engine.ws.name, "ws_" #name, "weir_ws_" #name, help)
#define IO(name, help)                    NAMED(loop.name, #name, "weir_io_" #name, help)
#define TLS(name, help)                   NAMED(tls.name, "tls_" #name, "weir_tls_" #name, help)
#define TLS_VERSION(name, labels)                                                                  \
  ROW(tls.name, "tls_" #name, "weir_tls_version_handshakes", labels,                               \
      "Handshakes completed, by version.")
#define TLS_GROUP(name, label)                                                                     \
  ROW(tls.group_##name, "tls_group_" #name, "weir_tls_group_handshakes", "group=\"" label "\"",    \
      "Handshakes completed, by the group of the key exchange.")
#define FILES(name, help)    NAMED(files.name, "files_" #name, "weir_files_" #name, help)
#define RECODE(name, help)   NAMED(recode.name, "recode_" #name, "weir_recode_" #name, help)
#define COMPRESS(name, help) NAMED(compress.name, "compress_" #name, "weir_compress_" #name, help)
#define RATE(name, help)     NAMED(rate.name, "rate_" #name, "weir_rate_" #name, help)

const struct serve_counter serve_counters[] = {
    HTTP(connections_opened, "Connections whose protocol became known."),
    HTTP(connections_closed, "Of weir_http_connections_opened: ended."),
    HTTP(connections_busied, "Times that a connection got a stream and had none before."),
    HTTP(connections_quieted, "Times that the last stream of a connection ended."),
    HTTP(streams_opened, "Streams, HTTP/1 exchanges included."),
    HTTP(streams_closed, "Of weir_http_streams_opened: ended."),
    HTTP(requests, "Requests handed to a handler."),
    HTTP(responses, "Final responses that were begun."),
    NAMED(engine.http.body_bytes_received, "body_bytes_received", "weir_http_body_received_bytes",
          "Bytes of request bodies, without framing."),
    NAMED(engine.http.body_bytes_sent, "body_bytes_sent", "weir_http_body_sent_bytes",
          "Bytes of response bodies, without framing."),
    HTTP(too_large, "Requests refused with 431."),
    HTTP(idled, "Connections closed because they were idle."),
    HTTP(refused, "Connections or streams refused for lack of resources."),
    H1(ahead, "Requests that arrived before the one ahead was answered."),
    H1(tunnels, "Tunnels made by Upgrade."),
    H1(upgrades, "Connections that went on in HTTP/2 or SPDY."),
    H1(refused_heads, "Requests that the engine answered with 4xx or 5xx."),
    H1(refused_syntax, "Of weir_h1_refused_heads: with 400, 411 or 417."),
    H1(refused_size, "Of weir_h1_refused_heads: with 414, 431 or 501."),
    H1(refused_version, "Of weir_h1_refused_heads: with 505."),
    H1(charged_chunks, "Chunks with little in them."),
    H1(calmed_chunks, "Connections ended for too many chunks with little in them."),
    H1(timeouts, "Connections or requests ended by a deadline."),
    H1(timeouts_heads, "Of weir_h1_timeouts: while a request's head was arriving."),
    H1(timeouts_output, "Of weir_h1_timeouts: because the client did not read."),
    H1(timeouts_bodies, "Of weir_h1_timeouts: because a request's body stopped or was too slow."),
    H1(hushed, "Connections ended because a request went on after its answer."),
    H2(pushes, "Promised streams."),
    H2(resets_received, "RST_STREAM frames received."),
    H2(resets_sent, "RST_STREAM frames sent."),
    H2(goaways_received, "GOAWAY frames received."),
    H2(goaways_sent, "GOAWAY frames sent."),
    H2(charged_resets, "Streams that ended because of the peer."),
    H2(charged_pings, "PING frames charged to a budget."),
    H2(charged_settings, "SETTINGS frames charged to a budget."),
    H2(glitches, "Useless frames."),
    H2(glitches_data, "Of weir_h2_glitches: empty DATA."),
    H2(glitches_updates, "Of weir_h2_glitches: small WINDOW_UPDATEs."),
    H2(glitches_priorities, "Of weir_h2_glitches: needless priority signals."),
    H2(glitches_unknown, "Of weir_h2_glitches: of unknown types."),
    H2(glitches_refused, "Of weir_h2_glitches: for streams that were refused."),
    H2(glitches_late, "Of weir_h2_glitches: for streams that had ended."),
    H2(glitches_goaways, "Of weir_h2_glitches: GOAWAY after GOAWAY."),
    H2(slowed, "Times that a connection began to use up a budget."),
    H2(pauses, "Pauses in reading from slowed connections."),
    H2(calmed, "Connections ended with ENHANCE_YOUR_CALM."),
    H2(calmed_resets, "Of weir_h2_calmed: for resets."),
    H2(calmed_glitches, "Of weir_h2_calmed: for useless frames."),
    H2(calmed_pings, "Of weir_h2_calmed: for PING."),
    H2(calmed_settings, "Of weir_h2_calmed: for SETTINGS."),
    H2(calmed_headers, "Of weir_h2_calmed: for header blocks."),
    H2(failed, "Connections ended by other errors of the peer."),
    H2(failed_compression, "Of weir_h2_failed: by invalid HPACK."),
    H2(timeouts, "Connections or streams ended by a deadline."),
    H2(timeouts_preface, "Of weir_h2_timeouts: without a preface."),
    H2(timeouts_settings, "Of weir_h2_timeouts: without SETTINGS being acknowledged."),
    H2(timeouts_frames, "Of weir_h2_timeouts: in the middle of a header block."),
    H2(timeouts_replies, "Of weir_h2_timeouts: because control frames were not read."),
    H2(timeouts_output, "Of weir_h2_timeouts: because the client did not read."),
    H2(timeouts_bodies, "Of weir_h2_timeouts: because a request's body stopped or was too slow."),
    H2(hushed, "Requests cut short after they had been answered."),
    SPDY(sessions, "Sessions made."),
    SPDY(tunnels, "Streams that became tunnels."),
    SPDY(pushes, "Pushed streams."),
    SPDY(resets_received, "RST_STREAM frames received."),
    SPDY(resets_sent, "RST_STREAM frames sent."),
    SPDY(goaways_received, "GOAWAY frames received."),
    SPDY(goaways_sent, "GOAWAY frames sent."),
    SPDY(windowless, "Peers without flow-control windows."),
    SPDY(dropped_bytes, "DATA for streams that had ended."),
    SPDY(held, "Times that reading stopped because too much was queued."),
    SPDY(charged_resets, "Streams that ended because of the peer."),
    SPDY(charged_pings, "PING frames charged to a budget."),
    SPDY(charged_settings, "SETTINGS frames charged to a budget."),
    SPDY(glitches, "Useless frames."),
    SPDY(glitches_data, "Of weir_spdy_glitches: empty DATA."),
    SPDY(glitches_updates, "Of weir_spdy_glitches: small WINDOW_UPDATEs."),
    SPDY(glitches_unknown, "Of weir_spdy_glitches: of unknown types."),
    SPDY(glitches_refused, "Of weir_spdy_glitches: for streams that were refused."),
    SPDY(glitches_late, "Of weir_spdy_glitches: for streams that had ended."),
    SPDY(glitches_goaways, "Of weir_spdy_glitches: GOAWAY after GOAWAY."),
    SPDY(slowed, "Times that a session began to use up a budget."),
    SPDY(pauses, "Pauses in reading from slowed sessions."),
    SPDY(calmed, "Sessions ended for using up a budget."),
    SPDY(calmed_resets, "Of weir_spdy_calmed: for resets."),
    SPDY(calmed_glitches, "Of weir_spdy_calmed: for useless frames."),
    SPDY(calmed_pings, "Of weir_spdy_calmed: for PING."),
    SPDY(calmed_settings, "Of weir_spdy_calmed: for SETTINGS."),
    SPDY(calmed_headers, "Of weir_spdy_calmed: for header blocks."),
    SPDY(failed, "Sessions ended by other errors of the peer."),
    SPDY(failed_compression, "Of weir_spdy_failed: by corrupt zlib data."),
    SPDY(timeouts, "Sessions or streams ended by a deadline."),
    SPDY(timeouts_frames, "Of weir_spdy_timeouts: in the middle of a frame."),
    SPDY(timeouts_replies, "Of weir_spdy_timeouts: because control frames were not read."),
    SPDY(timeouts_output, "Of weir_spdy_timeouts: because the client did not read."),
    SPDY(timeouts_bodies,
         "Of weir_spdy_timeouts: because a request's body stopped or was too slow."),
    SPDY(lost, "Sessions whose peer did not answer PING."),
    SPDY(hushed, "Requests cut short after they had been answered."),
    WS(opened, "WebSockets opened."),
    WS(closed, "WebSockets closed."),
    WS(messages_received, "Messages received."),
    WS(messages_sent, "Messages sent."),
    WS(broken, "WebSockets closed with 1002 or 1007: the peer broke a rule."),
    WS(too_big, "WebSockets closed with 1009: a message was too long."),
    WS(flooded, "WebSockets closed with 1008: too many control frames or fragments."),
    WS(paused, "Times that a WebSocket's messages waited: too much was inflated."),
    WS(silent, "WebSockets reset because the peer gave no sign of life."),
    IO(turns, "Turns of the workers' loops."),
    IO(turns_watched, "Turns whose CPU time was measured: each one after a slow one."),
    IO(turns_long, "Of weir_io_turns_watched: turns that took long."),
    IO(links_accepted, "Transport connections accepted."),
    IO(links_dialed, "Transport connections made."),
    IO(links_closed, "Transport connections closed."),
    IO(links_refused, "Transport connections refused for lack of resources."),
    IO(links_cut, "Of weir_io_links_closed: cut by an error, a stall or an order."),
    IO(links_stalled, "Of weir_io_links_cut: sending made no progress."),
    IO(links_shed, "Connections ended while idle, to make room for others."),
    IO(links_held, "Times that a connection had had its part and waited for its next turn."),
    IO(accept_errors, "Errors of accepting, which then paused."),
    IO(recv_bytes, "Bytes received from sockets."),
    IO(recv_calls, "Receives that brought bytes."),
    IO(send_bytes, "Bytes sent to sockets."),
    IO(send_calls, "Sends."),
    IO(send_short, "Sends of which the socket took only a part at first."),
    IO(recv_starved, "Receives that found no buffer."),
    IO(recv_paused, "Times that a connection did not want input."),
    IO(late_completions, "Completions for what had ended."),
    IO(cq_overflows, "Overflows of a completion queue."),
    TLS(handshakes, "Handshakes completed."),
    TLS(resumed, "Of weir_tls_handshakes: resumed with a ticket."),
    TLS_VERSION(version_1_2, "version=\"TLSv1.2\""),
    TLS_VERSION(version_1_3, "version=\"TLSv1.3\""),
    TLS_GROUP(x25519, "x25519"),
    TLS_GROUP(secp256r1, "secp256r1"),
    TLS_GROUP(secp384r1, "secp384r1"),
    TLS_GROUP(x25519mlkem768, "X25519MLKEM768"),
    TLS_GROUP(other, "other"),
    TLS(failed, "Handshakes that failed: alert, timeout, or no TLS at all."),
    TLS(truncated, "Connections that ended without close_notify."),
    TLS(abused, "Connections cut off for floods of tiny records or KeyUpdates."),
    NAMED(tls.bytes_decrypted, "tls_bytes_decrypted", "weir_tls_decrypted_bytes",
          "Plaintext received."),
    NAMED(tls.bytes_encrypted, "tls_bytes_encrypted", "weir_tls_encrypted_bytes",
          "Plaintext sent."),
    FILES(hits, "Lookups that the cache answered."),
    FILES(misses, "Lookups that went to the disk."),
    FILES(revalidations, "Cached files that were checked against the disk again."),
    FILES(evictions, "Cached files that made room for others."),
    FILES(reads_direct, "Reads from the page cache."),
    FILES(reads_waited, "Reads that waited for the disk."),
    FILES(no_descriptor, "Files that could not be opened for lack of descriptors."),
    RECODE(encoded, "Files compressed on the fly."),
    RECODE(decoded, "Compressed files decoded for clients that do not take them."),
    RECODE(useless, "Files that compressing would not have made smaller."),
    RECODE(failed, "Files that could not be compressed or decoded."),
    RECODE(busy, "Files that were sent as they are, because too many waited."),
    NAMED(recode.bytes_in, "recode_bytes_in", "weir_recode_in_bytes",
          "Bytes of files that were compressed on the fly."),
    NAMED(recode.bytes_out, "recode_bytes_out", "weir_recode_out_bytes", "Bytes that they became."),
    COMPRESS(begun, "Responses compressed as they are sent."),
    COMPRESS(failed, "Of weir_compress_begun: ended because they could not be compressed."),
    COMPRESS(busy, "Responses that were sent as they are, because too many were under way."),
    NAMED(compress.bytes_in, "compress_bytes_in", "weir_compress_in_bytes",
          "Bytes of responses that were compressed as they were sent."),
    NAMED(compress.bytes_out, "compress_bytes_out", "weir_compress_out_bytes",
          "Bytes that they became."),
    RATE(refused, "Requests and connections refused because their client made too many."),
    RATE(bursts, "Bursts of these: what a client sent until it was slow enough again."),
    RATE(evicted, "Clients' accounts that made room for others while they still counted."),
    RATE(uncounted, "Connections of clients that too many others left no room to count."),
    NAMED(access_log.lines, "access_log_lines", "weir_access_log_lines",
          "Lines for the access log."),
    NAMED(access_log.dropped, "access_log_dropped", "weir_access_log_dropped",
          "Lines that the access log lost."),
    NAMED(record.lines, "recorded_lines", "weir_recorded_lines", "Requests for the recording."),
    NAMED(record.dropped, "recorded_dropped", "weir_recorded_dropped",
          "Requests that the recording lost."),
    NAMED(lines_dropped, "lines_dropped", "weir_messages_dropped",
          "Lines for a terminal or pipe that was full."),
};

enum { ROWS = sizeof serve_counters / sizeof serve_counters[0] };
_Static_assert(ROWS == sizeof(struct serve_counts) / sizeof(uint64_t), "all are named");
const unsigned serve_counters_count = ROWS;

uint64_t serve_counter_get(const struct serve_counter *counter, const struct serve_counts *counts) {
  return *(const uint64_t *)((const char *)counts + counter->offset);
}

void serve_counts_add(void *sum, const void *counters, size_t bytes) {
  uint64_t *to = sum;
  const uint64_t *from = counters;
  for (size_t i = 0; i < bytes / sizeof *to; i++)
    to[i] += counter_get(&from[i]);
}

void serve_counters_say(int to, const struct serve_counts *counts) {
  char *text = NULL;
  size_t len = 0;
  FILE *line = open_memstream(&text, &len);
  if (!line) return;
  for (unsigned i = 0; i < ROWS; i++)
    fprintf(line, "%s\"%s\": %llu", i ? ", " : "", serve_counters[i].name,
            (unsigned long long)serve_counter_get(&serve_counters[i], counts));
  if (fclose(line) == 0) output_say(to, "{%s}", text);
  free(text);
}
