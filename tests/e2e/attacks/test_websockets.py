"""Attacks through WebSockets: floods of frames, messages without an end, bombs. They run into the bounds of
engine/ws/limits.h, over HTTP/2, where a connection carries many WebSockets, and over HTTP/1.1, where it is one."""
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
# Over HTTP/1.1 a WebSocket that ends at once costs a connection and a handshake, for some 200 bytes.
CONNECTION_RATIO_MAX = 12


# The carrier's name in titles, and in front of the attack's name. HTTP/2's is left out.
CARRIERS = {"HTTP/2": ("", ""), "HTTP/1.1": (" over HTTP/1.1", "h1-")}


@pytest.fixture(params=CARRIERS)
def carrier(request):
    return request.param


def over(carrier, title, attack):
    """Title and attack for this carrier."""
    after, before = CARRIERS[carrier]
    return title.replace("WebSocket", "WebSocket" + after, 1), [before + attack[0], *attack[1:]]


@pytest.mark.parametrize("title,attack,reason,answer", FLOODS, ids=[f[0] for f in FLOODS])
def test_flood(scene, carrier, title, attack, reason, answer):
    """Each WebSocket ends with its code. Over HTTP/2 the connection, which others share, lives on."""
    bombs = attack[0] == "ws-bombs"
    title, attack = over(carrier, title, attack)
    alone = scene.run(*attack, "--count", 2000, "--seconds", 3)
    assert alone["ended" if carrier == "HTTP/2" else "closed"] > 0 and alone["reason"] == reason, alone
    assert alone["goaway"] == {}, alone
    scene.besiege((title, "", answer), *attack, "--count", 200, connection_bytes=CONNECTION_BYTES,
                  cpu_ratio_max=BOMB_RATIO_MAX if bombs else 4)


@pytest.mark.parametrize("size", [0, 100])
def test_messages(scene, carrier, size):
    """A flood of valid messages, all echoed, costs no more than requests."""
    title, attack = over(carrier, f"WebSocket: messages of {size} bytes, echoed", ["ws-messages", "--variant", size])
    siege = scene.besiege((title, "", "echo"), *attack, connection_bytes=CONNECTION_BYTES, either_way=True)
    assert siege.came_back["goaway"] == {} and siege.came_back["data_bytes"] > 0, siege.came_back


def test_messages_whose_echo_is_not_read(scene, carrier):
    """While output is waiting to be sent, the server stops reading."""
    title, attack = over(carrier, "WebSocket: messages, echo not read", ["ws-messages", "--variant", 100])
    siege = scene.siege(*attack, "--unread", again=False, seconds=2)
    scene.bounded(siege)
    scene.note((title, "", "flow control" if carrier == "HTTP/2" else "not read"), siege)


@pytest.mark.parametrize("variant", [0, 1])
def test_promises(scene, carrier, variant):
    """Frames that announce a long message but send none of it. The length alone takes no memory."""
    title, attack = over(carrier, f"WebSocket: {('2^62 bytes', '1 MiB')[variant]} announced, none sent",
                         ["ws-promises", "--variant", variant])
    siege = scene.besiege((title, "", ("1009", "cut when silent")[variant]), *attack, "--count", 100,
                          cpu_ratio_max=4 if carrier == "HTTP/2" else CONNECTION_RATIO_MAX)
    assert siege.came_back["goaway"] == {}, siege.came_back


def test_the_ledgers_balance(scene):
    scene.reconcile()
    assert scene.server.alive()
