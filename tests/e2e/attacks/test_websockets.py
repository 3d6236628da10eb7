"""Attacks through WebSockets: floods of frames, messages without an end, bombs. They come over HTTP/2, each
WebSocket on a stream, and run into the bounds of engine/ws/limits.h. test_websocket.py does the same over HTTP/1.1,
with few bytes."""
import pytest

from harness import bound

MIB = 1 << 20
# title, arguments of the attacker, the reason in the close frame, the answer in the table
FLOODS = [
    ("WebSocket: pings", ["ws-pings"], "too many control frames", "1008"),
    ("WebSocket: a message in fragments of 1 byte", ["ws-fragments", "--variant", 1], "too many small fragments", "1008"),
    ("WebSocket: a message in empty fragments", ["ws-fragments"], "too many small fragments", "1008"),
    ("WebSocket: a message without end, in fragments of 100 bytes", ["ws-fragments", "--variant", 100],
     "message is too long", "1009"),
    ("WebSocket: permessage-deflate bombs", ["ws-bombs"], "message is too long", "1009"),
]
# Memory of one connection: a message of the largest size, one on its way back, and zlib's window.
CONNECTION_BYTES = 3 * bound("WS_MESSAGE_BYTES_DEFAULT") + 384 * 1024
# A bomb is inflated up to the bound of a message: each byte becomes 85, at the speed of memory.
BOMB_RATIO_MAX = 40


@pytest.mark.parametrize("title,attack,reason,answer", FLOODS, ids=[f[0] for f in FLOODS])
def test_flood(scene, title, attack, reason, answer):
    """Each WebSocket ends with its code. The connection, which others share, lives on."""
    alone = scene.run(*attack, "--count", 2000, "--seconds", 3)
    assert alone["ended"] > 0 and alone["reason"] == reason, alone
    assert alone["goaway"] == {}, alone
    scene.besiege((title, "", answer), *attack, "--count", 200, connection_bytes=CONNECTION_BYTES,
                  cpu_ratio_max=BOMB_RATIO_MAX if attack[0] == "ws-bombs" else 4)


@pytest.mark.parametrize("size", [0, 100])
def test_messages(scene, size):
    """A flood of valid messages, all echoed, costs no more than requests."""
    siege = scene.besiege((f"WebSocket: messages of {size} bytes, echoed", "", "echo"), "ws-messages", "--variant", size,
                          connection_bytes=CONNECTION_BYTES, either_way=True)
    assert siege.came_back["goaway"] == {} and siege.came_back["data_bytes"] > 0, siege.came_back


def test_messages_whose_echo_is_not_read(scene):
    """While output is waiting to be sent, the server stops reading."""
    siege = scene.siege("ws-messages", "--variant", 100, "--unread", again=False, seconds=2)
    scene.bounded(siege)
    scene.note(("WebSocket: messages, echo not read", "", "flow control"), siege)


@pytest.mark.parametrize("variant", [0, 1])
def test_promises(scene, variant):
    """Frames that announce a long message but send none of it. The length alone takes no memory."""
    siege = scene.besiege((f"WebSocket: {('2^62 bytes', '1 MiB')[variant]} announced, none sent", "",
                           ("1009", "cut when silent")[variant]), "ws-promises", "--variant", variant, "--count", 100)
    assert siege.came_back["goaway"] == {}, siege.came_back


def test_the_ledgers_balance(scene):
    scene.reconcile()
    assert scene.server.alive()
