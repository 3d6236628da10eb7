"""Fixtures, and a time limit per test, so that nothing hangs."""
import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402

TEST_SECONDS = 120


class TooSlow(BaseException):
    pass


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item):
    def expired(number, frame):
        raise TooSlow(f"the test took more than {seconds} s")

    marker = item.get_closest_marker("seconds")
    seconds = marker.args[0] if marker else TEST_SECONDS
    before = signal.signal(signal.SIGALRM, expired)
    signal.alarm(seconds)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): the test's own time limit")


@pytest.fixture
def start(tmp_path):
    """Starts servers, which are stopped and checked when the test ends."""
    servers = []

    def start_one(*arguments, **how):
        servers.append(harness.Server(tmp_path, *arguments, **how))
        return servers[-1]

    yield start_one
    for server in servers:
        with server:
            pass


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The built-in site: one server for all tests of a file."""
    with harness.Server(tmp_path_factory.mktemp("demo")) as server:
        yield server
