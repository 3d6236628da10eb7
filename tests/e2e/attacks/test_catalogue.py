"""The known attacks on HTTP/2, HTTP/1.1, SPDY and WebSocket endpoints, with the tests of each. This file itself checks only
that these tests exist, and that `make attack-table` runs those with rows for the table.

`floods` is tests/e2e/attacks/test_floods.py::test_flood, with the name of its row.
"""
import os
import re

import pytest

import harness
import table

CATALOGUE = """
frames, and control of frames
  PING (CVE-2019-9512)
      floods "PING"
      tests/engine/h2/test_clocks.c test_deadlines
  SETTINGS (CVE-2019-9515)
      floods "SETTINGS"
  SETTINGS of many entries (CVE-2020-11080)
      floods "SETTINGS of 2730 entries"
      tests/engine/h2/test_budget.c test_one_frame
  INITIAL_WINDOW_SIZE up and down
      floods "INITIAL_WINDOW_SIZE up and down"
      floods "the same, 32 times per frame"
      tests/engine/h2/test_budget.c test_windows_of_one_frame
  HEADER_TABLE_SIZE games
      floods "HEADER_TABLE_SIZE up and down"
      test_edges.py test_tables_of_any_size
      test_hpack_peer.py test_table_size_changes_from_peer
  MAX_FRAME_SIZE out of range (CVE-2026-33814)
      test_edges.py test_connection_error
      tests/engine/h2/test_settings.c
  MAX_HEADER_LIST_SIZE games (CVE-2026-50560)
      test_edges.py test_header_list_sizes
  SETTINGS never acknowledged (CVE-2025-53506)
      test_edges.py test_limit_without_ack
      test_slow.py test_slow_client
  unexpected acknowledgements
      test_edges.py test_connection_error
      tests/spec/test_connection.c test_acknowledgements
  requests that earn RST_STREAM (CVE-2019-9514)
      floods "invalid requests, for RST_STREAM"
  rapid reset (CVE-2023-44487)
      floods "rapid reset"
      floods "rapid reset, 100 at a time"
      floods "rapid reset, in the middle of responses"
      test_floods.py test_rapid_reset_variants
      tests/engine/h2/test_budget.c test_reset_at_each_byte
      test_subtle.py test_files
  made-you-reset (CVE-2025-8671)
      floods "made-you-reset: WINDOW_UPDATE of 0"
      floods "made-you-reset: invalid trailers"
      tests/engine/h2/test_budget.c test_made_resets
      tests/engine/h2/test_budget.c test_reset_at_each_byte
  every second request reset
      test_subtle.py test_within_the_limits
      tests/engine/h2/test_budget.c test_paid_resets
  more streams than allowed
      floods "more streams than allowed"
  valid requests, as fast as they go
      test_floods.py test_valid_requests
      test_shares.py test_a_download_keeps_its_share
  empty DATA (CVE-2019-9518)
      floods "empty DATA"
      floods "DATA of nothing but padding"
      test_edges.py test_one_empty_data_frame
  DATA by the byte (CVE-2020-12603)
      test_floods.py test_small_data
      test_shares.py test_cost_grows_linearly
  CONTINUATION (CVE-2024-27316, CVE-2026-33871)
      floods "CONTINUATION, empty"
      floods "CONTINUATION of 1 byte"
      floods "CONTINUATION of 16 KiB"
      test_edges.py test_cut_off_in_a_header_block
  PRIORITY (CVE-2019-9513)
      floods "PRIORITY, a deep chain of idle streams"
      test_subtle.py test_within_the_limits
      tests/engine/sched/test_sched.c
  PRIORITY_UPDATE
      floods "PRIORITY_UPDATE for idle streams"
      floods "PRIORITY_UPDATE of 16 KiB"
      tests/spec/test_limits.c test_priorities
  WINDOW_UPDATE
      floods "WINDOW_UPDATE by the byte"
      test_edges.py test_window_update_details
  unknown frames (CVE-2026-27141)
      floods "unknown frame types"
      test_edges.py test_unknown_frames
  GOAWAY (CVE-2023-35945)
      test_floods.py test_goaway_flood
      test_edges.py test_goaway_is_noted
  ALTSVC and ORIGIN (CVE-2018-1000168)
      floods "ALTSVC and ORIGIN"
  PUSH_PROMISE
      test_edges.py test_connection_error
      tests/spec/test_messages.c test_pushed
  pages that push
      test_subtle.py test_pushes
      tests/engine/h2/test_budget.c test_pushes
  padding
      test_edges.py test_padding_is_given_back
      tests/engine/h2/test_budget.c test_padded_data
  input after the end (CVE-2026-27135)
      test_floods.py test_noise_after_an_error
      tests/fuzz/h2_server.c
  frames that are announced and never come
      test_slow.py test_slow_client
      test_edges.py test_connection_error
  last identifiers
      test_edges.py test_identifiers_at_their_end
      tests/spec/test_connection.c test_last_identifier
  something other than a preface
      test_edges.py test_not_http
      test_edges.py test_preface_in_pieces
      test_crowds.py test_slow_crowd
  a mixture, below all budgets
      test_subtle.py test_within_the_limits

memory and time
  responses taken byte by byte (CVE-2019-9511)
      test_subtle.py test_responses_taken_byte_by_byte
      tests/engine/h2/test_limits_rate.c test_small_windows
      test_subtle.py test_within_the_limits
  a client that does not read (CVE-2019-9517)
      test_slow.py test_slow_client
      test_stalled.py test_clients_that_never_read
  windows that stay shut (CVE-2023-43622)
      test_slow.py test_slow_client
      test_slow.py test_an_honest_slow_reader
  slow headers (CVE-2007-6750)
      test_slow.py test_slow_client
      test_crowds.py test_slow_crowd
  slow bodies
      test_slow.py test_slow_body
      tests/engine/h2/test_clocks.c test_deadlines
  slow starts
      test_slow.py test_slow_beginnings
      test_crowds.py test_slow_crowd
      test_crowds.py test_hoarded_handshakes
  hoarded connections (CVE-2020-8663)
      test_slow.py test_hoarded_connections
      test_crowds.py test_hoarded_descriptors
  downloads that do not move
      test_subtle.py test_held_files
      tests/engine/site/test_reading.c a_buffer_is_not_held_for_ever
  idle clients that look alive
      test_slow.py test_idle_clients
  half-closed or lost connections
      test_edges.py test_half_close
      test_edges.py test_half_close_with_shut_windows
      test_edges.py test_cut_off_while_writing
  one upload that stalls others
      test_edges.py test_one_upload_does_not_starve_another

HPACK
  fields without a name (CVE-2019-9516)
      floods "HPACK: fields without a name"
  bombs (CVE-2016-6581, CVE-2026-49975)
      floods "HPACK: 16,000 references to an empty field"
      floods "HPACK: 16,000 cookie crumbs"
      floods "HPACK: 16,000 times 4 KB"
      tests/engine/h2/test_budget.c test_fields
  large requests by reference, within limits
      test_subtle.py test_within_the_limits
      test_subtle.py test_files
  integers (CVE-2023-33953)
      test_edges.py test_connection_error
      tests/engine/hpack/test_hpack.c
  Huffman codes (CVE-2022-41723)
      test_edges.py test_connection_error
      tests/engine/hpack/test_huffman.c
      test_floods.py test_header_table_churn
  the table's memory (CVE-2020-11100)
      tests/engine/hpack/test_table.c
      tests/fuzz/hpack_decode.c
  tables out of step (CVE-2023-32731)
      test_edges.py test_tables_stay_in_step
      test_edges.py test_tables_after_refusal
      test_edges.py test_tables_after_431
  size updates
      test_edges.py test_connection_error
      tests/spec/test_connection.c test_small_table
  costs that grow with the square (CVE-2019-15226)
      test_shares.py test_cost_grows_linearly
  secrets in tables
      test_hpack_peer.py test_secrets_are_never_indexed

messages and files
  octets in names and values
      tests/engine/h2/test_message.c test_octets
  pseudo-fields, targets, authorities
      tests/engine/h2/test_message.c test_request
      tests/engine/h2/test_message.c test_host
  wrong content-length
      tests/spec/test_messages.c test_requests
      floods "made-you-reset: less than content-length"
  connection fields, trailers, cookies
      tests/engine/h2/test_message.c test_other_sections
      tests/engine/h2/test_message.c test_cookies
  CONNECT, Expect, informational responses
      tests/spec/test_messages.c test_requests
      tests/engine/h2/test_message.c test_expectations
      tests/spec/test_messages.c test_responses
  ranges (CVE-2011-3192)
      test_subtle.py test_ranges
      tests/engine/site/test_range.c
      test_files.py test_ranges
  paths that lead out of the directory
      test_files.py test_nothing_from_outside
      test_files.py test_traps
      tests/engine/site/test_path.c
  missing files
      test_subtle.py test_files
  dates
      tests/engine/http/test_date.c

HTTP/1.1
  request smuggling: lengths and codings (CVE-2026-2835, CVE-2023-40225)
      tests/engine/h1/test_bad_input.c test_parsers
      tests/engine/h1/test_bad_input.c test_connection
      tests/engine/h1/test_diff_http_parser.c test_messages
  request smuggling: chunks (CVE-2025-55315, CVE-2025-43859)
      tests/engine/h1/test_bad_input.c test_connection
      tests/fuzz/h1_chunked.c
  request smuggling: upgrades (CVE-2026-58055)
      tests/engine/h1/test_framing.c test_upgrades
  two hosts, targets that differ from Host
      tests/engine/h1/test_bad_input.c test_connection
  https on a connection that is not secure
      test_http1.py test_refused
  lines and heads without an end (CVE-2018-12121)
      test_h1_attacks.py test_flood
      tests/engine/h1/test_limits.c test_endless_lines
      tests/engine/h1/test_limits.c test_head_bytes
  heads by the byte
      test_h1_attacks.py test_slow_client
      tests/engine/h1/test_limits.c test_looked
      tests/engine/h1/test_clocks.c test_deadlines
  many fields, many options of Connection
      tests/engine/h1/test_limits.c test_count
      tests/engine/h1/test_framing.c test_options
  chunks of one byte
      test_h1_attacks.py test_flood
      tests/engine/h1/test_bounds.c test_small_chunks
  chunk extensions (CVE-2023-39326)
      test_h1_attacks.py test_flood
      tests/engine/h1/test_limits.c test_chunk_extensions
  pipelined requests
      test_h1_attacks.py test_pipelined_requests
      test_h1_attacks.py test_unread_answers
      tests/engine/h1/test_bounds.c test_ahead
  uploads that go on after their answer
      test_h1_attacks.py test_flood
      tests/engine/h1/test_bounds.c test_linger
  line breaks in a response's fields
      tests/engine/h1/test_bounds.c test_splitting
  any bytes
      tests/fuzz/h1_head.c
      tests/fuzz/h1_server.c

WebSockets
  pings and pongs
      test_websockets.py test_flood
      tests/engine/ws/test_limits.c floods_of_pings
  small and empty fragments, messages without end
      test_websockets.py test_flood
      tests/engine/ws/test_limits.c floods_of_fragments
      tests/engine/ws/test_limits.c message_bytes
  lengths that are announced
      test_websockets.py test_promises
      tests/engine/ws/test_limits.c memory_of_a_message
      tests/engine/ws/test_frame.c rows_of_every_length
  floods of messages, echoes that are not read
      test_websockets.py test_messages
      test_websockets.py test_messages_whose_echo_is_not_read
      test_websocket.py test_a_peer_that_does_not_read
      tests/engine/ws/test_ws.c back_pressure
  compression bombs
      test_websockets.py test_flood
      tests/engine/ws/test_limits.c bombs
      tests/engine/ws/test_limits.c empty_blocks
  frames without mask, reserved bits and opcodes
      tests/engine/ws/test_suite.c frames
      test_websocket.py test_faults_get_their_code
  text that is not UTF-8
      tests/engine/ws/test_suite.c utf8
  close codes
      tests/engine/ws/test_suite.c closes
  peers that fall silent, or do not close
      tests/engine/ws/test_ws.c silence
      tests/engine/ws/test_ws.c no_answer_to_close
  handshakes, frames before the answer
      tests/engine/ws/test_handshake.c requests_mean_what_they_say
      test_websocket.py test_refused_handshakes
      test_websocket.py test_frames_before_the_answer_are_kept
  any bytes
      tests/fuzz/ws.c

TLS and sockets
  renegotiation (CVE-2011-1473)
      test_tls_attacks.py test_renegotiation_is_refused
      tests/io/tls/test_clients.c test_renegotiation
  truncation
      tests/io/tls/test_ends.c test_truncation
  KeyUpdate, tiny records
      test_tls_attacks.py test_key_updates
      test_tls_attacks.py test_tiny_records
      tests/io/tls/test_receiver.c test_credit
  records that are too long, empty, not encrypted, with a wrong tag
      tests/io/tls/test_receiver.c test_rows
      tests/io/tls/test_records.c test_alerts
      tests/fuzz/tls_records.c
  handshake messages in pieces, or with others
      tests/io/tls/test_receiver.c test_rows
  other protocols, old versions, weak suites
      test_tls_attacks.py test_no_common_protocol
      test_tls_attacks.py test_old_versions
      tests/io/tls/test_clients.c test_weak_clients
  early data
      test_tls_attacks.py test_no_early_data
  sessions
      test_tls_attacks.py test_sessions_are_not_kept
      tests/io/tls/test_tickets.c test_ticket_keys_rotate
  handshakes
      test_tls_attacks.py test_handshake_flood
      test_crowds.py test_hoarded_handshakes
      test_tls_attacks.py test_cut_at_each_stage
  output that is not read
      tests/io/tls/test_tls.c test_unread_output_is_bounded
      tests/io/tls/test_tls.c test_crowded_slabs

the event loop
  buffers run out
      tests/io/link/test_link.c test_starved_ring
      tests/io/ring/test_bufring.c
  late completions, reused slots
      tests/io/worker/test_worker.c test_late_completions
      tests/io/link/test_links.c test_reused_slot
  long turns
      tests/io/worker/test_worker.c test_long_turns_are_counted
      scene.py over
  no progress
      tests/engine/h2/test_clocks.c test_no_busy_deadline
      tests/io/worker/test_worker.c test_idle_workers_sleep
  descriptors run out
      tests/io/link/test_accept.c test_no_descriptor_left
      test_crowds.py test_hoarded_descriptors
  short and refused system calls
      tests/io/link/test_faults.c test_unkind_kernel
      tests/io/worker/test_torture.c
      tests/io/link/test_faults.c test_cut_at_every_byte

the access log
  texts that would forge or break lines, or control a terminal
      tests/tools/serve/log/test_line.c test_texts
      tests/tools/serve/log/test_line.c test_every_byte
      test_access_log.py test_json_and_hostile_texts
  texts of any length
      tests/tools/serve/log/test_line.c test_bounds
  more lines than a disk or a reader takes
      test_access_log.py test_full_disk
      test_access_log.py test_standard_output

SPDY
  PING, SETTINGS, unknown types, WINDOW_UPDATE by the byte, DATA for nothing, rapid reset
      test_spdy_attacks.py test_flood
      tests/engine/spdy/test_budget.c test_floods
      tests/engine/spdy/test_budget.c test_rapid_resets
  SETTINGS of any number of entries (CVE-2026-35469)
      test_spdy_attacks.py test_error
      tests/engine/spdy/test_frame.c
  zlib bombs, corrupt zlib, blocks of 16 MiB, identifiers that go backwards
      test_spdy_attacks.py test_error
      tests/engine/spdy/test_block.c
      tests/engine/spdy/test_states.c
  readers that never grant credit, or do not read
      test_spdy_attacks.py test_windows_that_stay_shut
      tests/engine/spdy/test_budget.c test_queue
      tests/engine/spdy/test_budget.c test_clocks
  peers that send more than their windows
      tests/engine/spdy/test_windows.c test_held
      tests/engine/spdy/test_windows.c test_receiving
  more streams than allowed
      test_spdy_attacks.py test_more_streams_than_allowed
  any bytes at all
      tests/fuzz/spdy_server.c
      tests/fuzz/spdy_client.c

answers that take their time
  readers that stop
      test_live.py test_reader_that_stops
      tests/tools/serve/demo/test_live.c test_slow_reader

clients as victims
  settings and windows of a hostile server
      tests/spec/test_messages.c test_client_connection
      tests/spec/test_states_client.c
  GOAWAY, pushes, informational responses
      tests/engine/h2/test_clocks.c test_ends
      tests/spec/test_messages.c test_responses
      tests/fuzz/h2_client.c
  header lists
      tests/spec/test_limits.c test_header_lists
"""


def text_of(name):
    """Names of Python files are relative to this folder or its parent, others to the root."""
    python = os.path.join(os.path.dirname(__file__), name), os.path.join(harness.ROOT, "tests/e2e", name)
    found = [path for path in (*python, os.path.join(harness.ROOT, name)) if os.path.exists(path)]
    assert len(found) == 1, (name, found)
    with open(found[0]) as source:
        return source.read()


def references():
    for line in CATALOGUE.splitlines():
        if line.startswith(6 * " "):
            yield line.strip()


@pytest.mark.parametrize("reference", sorted(set(references())))
def test_it_is_tested(reference):
    if reference.startswith("floods "):
        assert "(" + reference.split(" ", 1)[1] in text_of("test_floods.py")
        return
    name, *test = reference.split(" ")
    text = text_of(name)
    if test:
        assert re.search(rf"(def|static void) {test[0]}\(", text), reference


def test_the_table_has_every_row():
    here = os.path.dirname(__file__)
    tests = [name for name in os.listdir(here) if name.startswith("test_") and name.endswith(".py")]
    assert sorted(table.FILES) == sorted(name for name in tests if re.search(r"\w\.(besiege|note)\(", text_of(name)))
