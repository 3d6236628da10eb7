"""certbot's webroot flow: the first certificate, and a renewal that weir notices by itself."""
import os
import re
import shutil
import signal

import pytest

import harness
from acme_peer import Acme
from harness import tool, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("certbot"), reason="certbot is not installed")

CLEAR = """
http: 127.0.0.1:{http}
workers: 1
routes:
  - {{path: /, answer: site}}
  - {{path: /.well-known/acme-challenge/, directory: {webroot}/.well-known/acme-challenge, https-only: false}}
"""
SECURE = CLEAR + """
https: 127.0.0.1:{https}
https-only: true
certificates: [{{cert: {live}/fullchain.pem, key: {live}/privkey.pem}}]
"""


@pytest.fixture
def acme(tmp_path):
    made = Acme(tmp_path, harness.free_port())
    yield made
    made.close()


def certbot(acme, tmp_path, *arguments):
    folders = [word for name in ("config", "work", "logs") for word in (f"--{name}-dir", tmp_path / "certbot" / name)]
    tool("certbot", *arguments, "--non-interactive", *folders, "--server", acme.url("/directory"), seconds=60)


def serial(port, authority):
    """Of the certificate that is shown, if the authority vouches for it."""
    text = tool("curl", "-sv", "--cacert", authority, "--connect-to", f"::127.0.0.1:{port}", "https://a.test/", "-w",
                "%{certs}")
    assert text.startswith(b"site")
    return int(re.search(rb"Serial Number:([0-9a-f]+)", text)[1], 16)


def test_webroot(start, acme, tmp_path):
    webroot, config, https = tmp_path / "webroot", tmp_path / "weir.yaml", harness.free_port()
    (webroot / ".well-known/acme-challenge").mkdir(parents=True)
    names = {"http": acme.port, "https": https, "webroot": webroot, "live": tmp_path / "certbot/config/live/a.test"}
    config.write_text(CLEAR.format(**names))
    server = start("--config", config, http=False, https=False, workers=None)
    assert wait_until(lambda: harness.listening(acme.port)), server.log()
    certbot(acme, tmp_path, "certonly", "--webroot", "-w", webroot, "-d", "a.test", "--agree-tos",
            "--register-unsafely-without-email")
    assert acme.issued == 1 and len(acme.answers) == 1

    config.write_text(SECURE.format(**names))
    os.kill(server.pid, signal.SIGHUP)
    assert wait_until(lambda: harness.listening(https)), server.log()
    assert serial(https, tmp_path / "authority.pem") == 1

    certbot(acme, tmp_path, "renew", "--force-renewal", "--no-random-sleep-on-renew")
    assert acme.issued == 2
    assert wait_until(lambda: serial(https, tmp_path / "authority.pem") == 2), server.log()
