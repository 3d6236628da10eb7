"""What the tests of port-forwarding share: the programs that take part, each on a port of its own."""
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import harness

PEER = os.path.join(harness.ROOT, "tests/e2e/forward_ends.py")
KUBELET = os.path.join(harness.ROOT, "build/peers/kubelet")
TOKEN = "correct-horse"
LONG = bool(os.environ.get("WEIR_LONG"))


def missing_kubectl():
    """Why tests with kubectl are impossible, or None."""
    return None if shutil.which("kubectl") else "there is no kubectl"


@functools.lru_cache(maxsize=None)
def kubectl_version():
    """(1, 32), say."""
    told = subprocess.run(["kubectl", "version", "--client", "-o", "json"], capture_output=True, text=True, check=True)
    version = json.loads(told.stdout)["clientVersion"]
    return int(version["major"]), int(version["minor"].rstrip("+"))


def missing_kubelet():
    """Why tests with the server in Go are impossible, or None. Builds it."""
    if not shutil.which("go"):
        return "Go is not installed"
    built = subprocess.run(["make", "-s", "build/peers/kubelet"], cwd=harness.ROOT, capture_output=True, text=True,
                           check=False)
    if "cannot find package" in built.stderr:
        return "golang-github-docker-spdystream-dev is not installed"
    assert built.returncode == 0, built.stderr
    return None


class Process:
    """A program whose output goes to a file. `ready`: what it prints once it can be used. `space`: the network
    namespace it runs in (netlab.Namespace)."""

    def __init__(self, folder, name, command, ready, env=None, space=None):
        self.log_path = os.path.join(str(folder), f"{name}-{time.monotonic_ns()}.log")
        if space:
            command = space.command(command)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, **(env or {})})
        self.command = command
        if not harness.wait_until(lambda: self.process.poll() is not None or ready in self.log()) or \
                self.process.poll() is not None:
            self.kill()
            raise AssertionError(f"did not start: {command}\n{self.log()}")

    def log(self):
        with open(self.log_path, errors="replace", encoding="utf-8") as log:
            return log.read()

    def cpu_seconds(self):
        """User and system time so far, of all threads, in nanoseconds' precision: the process's clock, as
        clock_getcpuclockid(3) names it."""
        return time.clock_gettime(~self.process.pid << 3 | 2)

    def alive(self):
        return self.process.poll() is None

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def check(self):
        """Stops one of ours, which must exit with status 0 and without a sanitizer's report."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(harness.PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"does not stop:\n{self.log()}") from None
        assert status == 0, self.log()
        for words in harness.SANITIZER_WORDS:
            assert words not in self.log(), self.log()


# ---- programs --------------------------------------------------------------------------------------


def target(folder, port, address="127.0.0.1", space=None):
    """The HTTP server that ports are forwarded to."""
    return Process(folder, "target", [sys.executable, PEER, "serve", address, port], "ready", space=space)


def certificate(folder):
    """The paths of a certificate for 127.0.0.1 and of its key."""
    cert, key = os.path.join(str(folder), "cert.pem"), os.path.join(str(folder), "key.pem")
    harness.tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
                 "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,IP:10.77.0.1", "-keyout", key,
                 "-out", cert)
    return cert, key


def kubeconfig(folder, server, cert=None, token=None):
    """A kubeconfig with one context. YAML contains JSON."""
    cluster = {"server": server, **({"certificate-authority": cert} if cert else {})}
    config = {"apiVersion": "v1", "kind": "Config", "current-context": "c",
              "clusters": [{"name": "c", "cluster": cluster}],
              "users": [{"name": "u", "user": {"token": token} if token else {}}],
              "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "default"}}]}
    path = os.path.join(str(folder), f"kubeconfig-{time.monotonic_ns()}")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return path


def kubelet(folder, port, address="127.0.0.1", tls=None, token=None, space=None):
    """The server in Go. `tls`: certificate and key."""
    command = [KUBELET, "-listen", f"{address}:{port}"]
    command += ["-cert", tls[0], "-key", tls[1]] if tls else []
    command += ["-token", token] if token else []
    return Process(folder, "kubelet", command, "listening on", space=space)


def tunnel(folder, port, pod, *more, address="127.0.0.1", space=None):
    """`weir tunnel` with one pod, named "pod", whose ports are those of the host `pod`."""
    command = [harness.binary(), "tunnel", "--listen", f"{address}:{port}", "--pod", f"pod={pod}", *more]
    return Process(folder, "tunnel", command, "listening", space=space)


def kubectl(folder, config, local, remote, websocket, space=None):
    """`kubectl port-forward` of either form."""
    command = ["kubectl", "--kubeconfig", config, "port-forward", "pod/pod", f"{local}:{remote}"]
    env = {"HOME": str(folder), "KUBECTL_PORT_FORWARD_WEBSOCKETS": "true" if websocket else "false"}
    return Process(folder, "kubectl", command, f"Forwarding from 127.0.0.1:{local}", env, space)


def forward(folder, config, local, remote, *more, space=None):
    """`weir forward`."""
    command = [harness.binary(), "forward", "--kubeconfig", config, *more, "pod", f"{local}:{remote}"]
    return Process(folder, "forward", command, f"127.0.0.1:{local}", space=space)
