"""A forwarded port whose network is lost in the middle of a download: between two network namespaces, the interface
goes down, or the client gets another address. Shared by the test and by bench/forward."""
import dataclasses
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import forwarding  # noqa: E402
import netlab  # noqa: E402

RATE_KBIT = 50000
DOWNLOAD_BYTES = 100_000_000  # sixteen seconds of that rate
SERVER_PORT, TARGET_PORT, LOCAL_PORT = 7443, 8080, 9090
NEW_ADDRESS = "10.77.0.77"
EVENTS = ("interface down", "address changed")


@dataclasses.dataclass
class Seen:
    """Seconds from the event until the download ended, and from there until a new request was answered, while the
    network was there again after a second. None: not while we waited."""

    noticed: float
    answered: float
    log: str


class Scene:
    """The target and the server end in one namespace, the client end in the other."""

    def __init__(self, lab, folder, client, server, keepalive):
        self.lab, self.folder = lab, folder
        self.device = lab.client.run(["ip", "-o", "link", "show", "type", "veth"]).decode().split(": ")[1].split("@")[0]
        self.target = forwarding.target(folder, TARGET_PORT, space=lab.server)
        if server == "kubelet":
            self.server = forwarding.kubelet(folder, SERVER_PORT, netlab.SERVER_ADDRESS, space=lab.server)
        else:
            self.server = forwarding.tunnel(folder, SERVER_PORT, "127.0.0.1", address=netlab.SERVER_ADDRESS,
                                            space=lab.server)
        config = forwarding.kubeconfig(folder, f"http://{netlab.SERVER_ADDRESS}:{SERVER_PORT}")
        if client == "kubectl":
            self.client = forwarding.kubectl(folder, config, LOCAL_PORT, TARGET_PORT, server == "tunnel",
                                             space=lab.client)
        else:
            self.client = forwarding.forward(folder, config, LOCAL_PORT, TARGET_PORT, "--keepalive", keepalive,
                                             space=lab.client)

    def get(self, count):
        return self.lab.client.popen([sys.executable, forwarding.PEER, "get", "127.0.0.1", LOCAL_PORT, f"/bytes/{count}"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def lose(self, event):
        if event == "interface down":
            self.lab.client.ip("link", "set", self.device, "down")
        else:
            self.lab.client.ip("addr", "add", f"{NEW_ADDRESS}/24", "dev", self.device)
            self.lab.client.ip("addr", "del", f"{netlab.CLIENT_ADDRESS}/24", "dev", self.device)
            # Without its first address, an interface loses the others of its network, too.
            self.lab.client.ip("addr", "replace", f"{NEW_ADDRESS}/24", "dev", self.device)

    def close(self):
        for process in (self.client, self.server, self.target):
            process.kill()


def seconds_until_end(process, seconds):
    """Until the process ends; None when it does not in time."""
    began = time.monotonic()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    return time.monotonic() - began


def seconds_until_answer(scene, seconds):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        process = scene.get(1000)
        if seconds_until_end(process, seconds) is None:
            process.kill()
            return None
        if process.returncode == 0:
            return time.monotonic() - began
        time.sleep(0.2)
    return None


def lose_network(folder, client, server, event, keepalive, patience):
    """What a user sees, who waits `patience` seconds for each."""
    with netlab.Lab(kbit=RATE_KBIT, limit=200000) as lab:
        scene = Scene(lab, folder, client, server, keepalive)
        try:
            assert seconds_until_end(scene.get(1000), 10) is not None
            download = scene.get(DOWNLOAD_BYTES)
            time.sleep(1.5)
            assert download.poll() is None, "the download has ended before the event"
            scene.lose(event)
            noticed = seconds_until_end(download, patience)
            if download.poll() is None:
                download.kill()
            assert download.wait() != 0
            if event == "interface down":
                waiting = scene.get(1000)  # a request that is made while there is no network
                time.sleep(1)
                lab.client.ip("link", "set", scene.device, "up")
                if seconds_until_end(waiting, patience) is None:
                    waiting.kill()
            answered = seconds_until_answer(scene, patience)
            return Seen(noticed, answered, scene.client.log())
        finally:
            scene.close()
