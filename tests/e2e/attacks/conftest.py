"""One server and its meters for each file of attacks."""
import importlib.util
import os
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import scene as scene_module  # noqa: E402

# The time limit per test, wherever pytest looks for it.
_spec = importlib.util.spec_from_file_location("e2e_conftest",
                                               os.path.join(os.path.dirname(HERE), "conftest.py"))
_parent = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_parent)
pytest_runtest_protocol = _parent.pytest_runtest_protocol
pytest_configure = _parent.pytest_configure
start = _parent.start


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The built-in site under attack. One worker, so that attackers and other clients share its core."""
    with scene_module.Scene(tmp_path_factory.mktemp("attacked")) as made:
        yield made
