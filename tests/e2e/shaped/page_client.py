#!/usr/bin/python3
"""Loads a list of resources over one HTTP/2 connection, with the priority signals of a browser, and reports when
each arrived. The client is independent, based on python3-h2, so that weir does not measure itself.

    page_client.py --url https://10.77.0.1:443 --profile chromium|firefox|none --plan plan.json

The plan is [{"path": "/a.jpg", "kind": "image", "at": 0.0}, ...]. The kind is document, style, script, font or
image; `at` is in seconds after the connection is ready. Prints JSON with, for each resource, the seconds of request,
first byte, known dimensions (images) and last byte, and its size in bytes.
"""
import argparse
import json
import select
import socket
import ssl
import sys
import time
import urllib.parse

import h2.config
import h2.connection
import h2.events
import h2.settings

# Chromium's priority of each kind, from 0 (highest) to 4 (idle). HEADERS has it as one of five weights in an
# exclusive chain, the priority field as the urgency. The default of 3 is not written.
CHROMIUM = {"document": 0, "style": 0, "font": 1, "script": 1, "image": 3}
CHROMIUM_WEIGHTS = [256, 220, 183, 147, 110]
CHROMIUM_INCREMENTAL = {"document", "image"}
FIREFOX = {"document": "u=0, i", "style": "u=2", "script": "u=2", "font": "u=3", "image": "u=5, i"}
STREAM_WINDOW_BYTES, CONNECTION_WINDOW_BYTES = 6 << 20, 15 << 20  # Chromium's


def chromium_field(kind):
    parts = [f"u={CHROMIUM[kind]}"] if CHROMIUM[kind] != 3 else []
    return ", ".join(parts + (["i"] if kind in CHROMIUM_INCREMENTAL else []))


class Signals:
    """The signals of a profile for each request: fields, and arguments of send_headers()."""

    def __init__(self, profile):
        self.profile = profile
        self.chain = []  # (priority, stream) of open streams, most urgent first

    def of(self, kind, stream):
        if self.profile == "firefox":
            return [("priority", FIREFOX[kind])], {}
        if self.profile != "chromium":
            return [], {}
        priority = CHROMIUM[kind]
        before = [s for p, s in self.chain if p <= priority]
        self.chain.insert(len(before), (priority, stream))
        field = chromium_field(kind)
        return [("priority", field)] if field else [], {
            "priority_weight": CHROMIUM_WEIGHTS[priority], "priority_exclusive": True,
            "priority_depends_on": before[-1] if before else 0}

    def ended(self, stream):
        self.chain = [(p, s) for p, s in self.chain if s != stream]


def dimensions_known(body):
    """Whether the frame header of this JPEG, or the IHDR of this PNG, has arrived completely."""
    if body.startswith(b"\x89PNG"):
        return len(body) >= 24
    at = 2
    while at + 9 <= len(body) and body[at] == 0xFF:
        if 0xC0 <= body[at + 1] <= 0xC2:
            return True
        at += 2 + int.from_bytes(body[at + 2:at + 4], "big")
    return False


class Load:
    def __init__(self, url, profile, plan):
        self.url = urllib.parse.urlsplit(url)
        self.plan = [dict(entry) for entry in sorted(plan, key=lambda entry: entry["at"])]
        self.signals = Signals(profile)
        self.by_stream = {}
        self.frames = []
        self.socket = self.connect()
        config = h2.config.H2Configuration(client_side=True, header_encoding="utf-8")
        self.h2 = h2.connection.H2Connection(config)
        self.h2.local_settings = h2.settings.Settings(client=True, initial_values={
            h2.settings.SettingCodes.ENABLE_PUSH: 0,
            h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW_BYTES})
        self.h2.initiate_connection()
        self.h2.increment_flow_control_window(CONNECTION_WINDOW_BYTES - 65535)
        self.flush()
        self.ready = False
        while not self.ready:  # the server's SETTINGS: every server starts with a warm connection
            self.receive(5)
        self.began = time.monotonic()

    def connect(self):
        plain = socket.create_connection((self.url.hostname, self.url.port), 10)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.url.scheme == "http":
            return plain
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        return context.wrap_socket(plain, server_hostname="localhost")

    def now(self):
        return time.monotonic() - self.began

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def request(self, entry):
        stream = self.h2.get_next_available_stream_id()
        fields, priority = self.signals.of(entry["kind"], stream)
        self.h2.send_headers(stream, [
            (":method", "GET"), (":scheme", self.url.scheme), (":authority", self.url.netloc),
            (":path", entry["path"]), *fields], end_stream=True, **priority)
        entry.update(stream=stream, requested=self.now(), first=None, dimensions=None, last=None,
                     bytes=0, body=bytearray())
        self.by_stream[stream] = entry

    def receive(self, seconds):
        pending = self.socket.pending() if hasattr(self.socket, "pending") else 0
        if not pending and not select.select([self.socket], [], [], seconds)[0]:
            return
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed the connection")
        for event in self.h2.receive_data(data):
            self.event(event)
        self.flush()

    def event(self, event):
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.ready = True
        elif isinstance(event, h2.events.ResponseReceived):
            status = dict(event.headers)[":status"]
            if status != "200":
                raise ConnectionError(f"status {status}")
        elif isinstance(event, h2.events.DataReceived):
            self.data(self.by_stream[event.stream_id], event)
        elif isinstance(event, h2.events.StreamEnded):
            self.by_stream[event.stream_id]["last"] = self.now()
            self.signals.ended(event.stream_id)
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise ConnectionError(str(event))

    def data(self, entry, event):
        now = self.now()
        self.frames.append([round(now, 6), event.stream_id, len(event.data)])
        entry["bytes"] += len(event.data)
        entry["first"] = entry["first"] or now
        if entry["kind"] == "image" and entry["dimensions"] is None:
            entry["body"] += event.data
            if dimensions_known(entry["body"]):
                entry["dimensions"] = now
        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)

    def run(self, seconds):
        waiting = list(self.plan)
        while waiting or any(entry["last"] is None for entry in self.plan):
            while waiting and waiting[0]["at"] <= self.now():
                self.request(waiting.pop(0))
            self.flush()
            self.receive(max(0, waiting[0]["at"] - self.now()) if waiting else 1)
            if self.now() > seconds:
                raise TimeoutError("the page did not load in time")
        for entry in self.plan:
            del entry["body"]
        return {"resources": self.plan, "frames": self.frames}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--profile", choices=["chromium", "firefox", "none"], default="none")
    parser.add_argument("--plan", required=True)
    parser.add_argument("--seconds", type=float, default=40)
    options = parser.parse_args()
    with open(options.plan) as plan:
        plan = json.load(plan)
    json.dump(Load(options.url, options.profile, plan).run(options.seconds), sys.stdout)


if __name__ == "__main__":
    main()
