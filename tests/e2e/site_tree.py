"""A directory to serve, with everything that a server should serve and everything that it should not."""
import gzip
import os
import random
import shutil
import socket
import subprocess

SECRET = b"only readable from outside of the directory"


def random_bytes(count, seed=1):
    return random.Random(seed).randbytes(count)


class Site:
    """`files`: the bytes that must be served, by path. `forbidden`: what must not be served."""

    def __init__(self, parent):
        self.parent = str(parent)
        self.root = os.path.join(self.parent, "root")
        self.files = {}
        os.mkdir(self.root)
        with open(os.path.join(self.parent, "secret.txt"), "wb") as secret:
            secret.write(SECRET)
        os.mkdir(os.path.join(self.parent, "root-sibling"))
        shutil.copy(os.path.join(self.parent, "secret.txt"),
                    os.path.join(self.parent, "root-sibling", "secret.txt"))
        self.plain_files()
        self.precompressed_files()
        self.traps()

    def path(self, name):
        return os.path.join(self.root, name.lstrip("/"))

    def add(self, name, content):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "wb") as file:
            file.write(content)
        self.files[name] = content

    def plain_files(self):
        self.add("/index.html", b"<!doctype html><title>index</title><p>the index\n")
        self.add("/bytes128.bin", random_bytes(128))
        self.add("/empty.txt", b"")
        self.add("/one.txt", b"1")
        self.add("/medium.bin", random_bytes(300_000, 2))
        self.add("/large.bin", random_bytes(24 << 20, 3))
        self.add("/directory/index.html", b"<!doctype html><title>below</title>\n")
        self.add("/directory/page.html", b"<p>page\n")
        self.add("/with space.txt", b"space\n")
        self.add("/\u00fcml\u00e4ut.txt", b"utf-8\n")
        self.add("/100%.txt", b"percent\n")
        self.add("/no-index/file.txt", b"file\n")
        for name in ("style.css", "code.js", "picture.svg", "picture.png", "data.json",
                     "module.wasm", "unknown.xyzzy", "noextension"):
            self.add("/types/" + name, name.encode())

    def precompressed_files(self):
        text = b"function f() { return 'the same words again and again'; }\n" * 200
        self.add("/app.js", text)
        self.gzip = gzip.compress(text)
        with open(self.path("app.js.gz"), "wb") as file:
            file.write(self.gzip)
        self.brotli = subprocess.run(["brotli", "-c"], input=text, capture_output=True,
                                     check=True, timeout=30).stdout
        with open(self.path("app.js.br"), "wb") as file:
            file.write(self.brotli)

    def traps(self):
        self.forbidden = []

        def trap(name):
            self.forbidden.append("/" + name)
            return self.path(name)

        os.symlink("../secret.txt", trap("link-out.txt"))
        os.symlink(os.path.join(self.parent, "secret.txt"), trap("link-absolute.txt"))
        os.symlink("..", self.path("link-up"))
        self.forbidden.append("/link-up/secret.txt")
        os.symlink("/etc", self.path("link-etc"))
        self.forbidden.append("/link-etc/passwd")
        os.symlink("link-loop", trap("link-loop"))
        with open(trap(".hidden"), "wb") as file:
            file.write(SECRET)
        os.mkdir(self.path(".git"))
        with open(trap(".git/config"), "wb") as file:
            file.write(SECRET)
        os.mkfifo(trap("fifo"))
        with socket.socket(socket.AF_UNIX) as unix:
            here = os.getcwd()
            os.chdir(self.root)  # a socket's path is short
            unix.bind("socket")
            os.chdir(here)
        self.forbidden.append("/socket")
        if os.getuid() == 0:
            try:
                os.mknod(trap("device"), 0o20666, os.makedev(1, 5))  # /dev/zero: endless
            except PermissionError:
                self.forbidden.remove("/device")
        else:
            with open(trap("unreadable.txt"), "wb") as file:
                file.write(SECRET)
            os.chmod(self.path("unreadable.txt"), 0)


# Every way to write "..", "/" and NUL that has fooled servers.
TRAVERSALS = [
    "/../secret.txt", "/..", "/../", "/%2e%2e/secret.txt", "/%2E%2E/secret.txt", "/.%2e/secret.txt",
    "/%2e./secret.txt", "/..%2fsecret.txt", "/..%2Fsecret.txt", "/%2e%2e%2fsecret.txt",
    "/directory/../../secret.txt", "/directory/%2e%2e/%2e%2e/secret.txt",
    "/directory//../../secret.txt", "/no-such/../../secret.txt", "/%252e%252e/secret.txt",
    "/..%252fsecret.txt", "/..%5csecret.txt", "/..\\secret.txt", "/directory\\..\\..\\secret.txt",
    "//etc/passwd", "/%2fetc/passwd", "/%2fetc%2fpasswd", "///etc/passwd", "/./../secret.txt",
    "/././../secret.txt", "/.../secret.txt", "/..;/secret.txt", "/..%00/secret.txt",
    "/%c0%ae%c0%ae/secret.txt", "/%c0%ae%c0%ae%c0%afsecret.txt", "/%e0%80%ae%e0%80%ae/secret.txt",
    "/%u002e%u002e/secret.txt", "/\u2025/secret.txt", "/..%c0%afsecret.txt",
    "/../root-sibling/secret.txt", "/%2e%2e/root-sibling/secret.txt", "/secret.txt",
    "/directory/..%2f..%2fsecret.txt", "/one.txt/../../secret.txt",
    "/one.txt/..%2f..%2fsecret.txt", "/~root", "/file:///etc/passwd", "/proc/self/environ",
]
BROKEN_PATHS = ["/one.txt%00", "/one.txt%00.html", "/%00", "/%", "/%2", "/%zz", "/one.txt%",
                "/%ff%fe", "/" + "a" * 5000, "/" + "a/" * 2500, "/" + "%2e%2e/" * 500]
