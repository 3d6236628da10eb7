"""`make install`: what it installs where, and whether programs in C and C++ can be built against it."""
import os
import re
import shutil
import subprocess

import pytest

import harness
from harness import tool
from ws_peer import CLOSE, TEXT, Http1, Http2

HEADERS = {"weir.h", "version.h", "machine.h", "memory.h", "text.h",
           "headers.h", "stream.h", "handler.h", "body.h", "first_scan.h", "events.h", "ws.h"}
EXAMPLES = os.path.join(harness.ROOT, "tools/lib/examples")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
COMPILERS = {".c": ["gcc", "-std=c11"], ".cc": ["g++", "-std=c++17"]}


def make(*arguments):
    env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    return tool("make", "-C", harness.ROOT, "--no-print-directory", *arguments, env=env, seconds=300).decode()


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    prefix = tmp_path_factory.mktemp("installed") / "usr"
    make("install", f"PREFIX={prefix}")
    return prefix


def config(prefix, *arguments):
    env = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    return tool("pkg-config", *arguments, "weir", env=env).decode().split()


def static_flags(prefix):
    """The flags of pkg-config --static, with the archive itself instead of -lweir."""
    flags = config(prefix, "--static", "--cflags", "--libs")
    return [str(prefix / "lib/libweir.a") if flag == "-lweir" else flag for flag in flags]


def build(source, program, flags):
    tool(*COMPILERS[os.path.splitext(source)[1]], *STRICT, source, "-o", program, *flags)


def start(prefix, *command):
    env = {**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")}
    return subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=env)


def end(process):
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 0, errors
    return output


def curl(port, path, *more):
    return tool("curl", "-sS", "--http2-prior-knowledge", f"http://127.0.0.1:{port}{path}", *more)


def serve(prefix, program):
    port = harness.free_port()
    process = start(prefix, program, f"127.0.0.1:{port}")
    assert harness.wait_until(lambda: harness.listening(port))
    return process, port


# ---- what is installed ---------------------------------------------------------------------------


def test_what_lies_where(prefix):
    assert tool(prefix / "bin/weir", "--version").startswith(b"weir ")
    assert (prefix / "share/man/man1/weir.1").read_text().startswith(".TH WEIR 1")
    assert set(os.listdir(prefix / "include/weir")) == HEADERS
    for name in ("man/man1/weir-serve.1", "man/man1/weir-load.1", "bash-completion/completions/weir",
                 "zsh/site-functions/_weir", "doc/weir/examples/weir.yaml"):
        assert (prefix / "share" / name).stat().st_size > 500, name
    assert f"ExecStart={prefix}/bin/weir serve" in (prefix / "lib/systemd/system/weir.service").read_text()
    assert (prefix / "lib/systemd/system/weir.socket").exists() and (prefix / "lib/sysusers.d/weir.conf").exists()


def test_uninstall_leaves_nothing(prefix, tmp_path):
    shutil.copytree(prefix, tmp_path / "usr", symlinks=True)
    make("uninstall", f"PREFIX={tmp_path}/usr")
    assert [path for path in (tmp_path / "usr").rglob("*") if not path.is_dir()] == []


@pytest.mark.skipif(not all(map(shutil.which, ("dpkg-deb", "dpkg-shlibdeps"))), reason="dpkg-dev is not installed")
def test_deb(prefix, tmp_path):
    package = make("deb").split()[-1]
    package = os.path.join(harness.ROOT, package)
    tool("dpkg-deb", "-x", package, tmp_path)
    assert tool(tmp_path / "usr/bin/weir", "--version") == tool(prefix / "bin/weir", "--version")
    assert tool("dpkg-deb", "-f", package, "Depends").count(b"lib") >= 5
    assert "ExecStart=/usr/bin/weir serve --config /etc/weir/weir.yaml" in (
        tmp_path / "lib/systemd/system/weir.service").read_text()
    assert (tmp_path / "etc/weir/weir.yaml").exists()
    if not shutil.which("lintian"):
        pytest.skip("the package is there; lintian is not installed to judge it")
    root = ["--allow-root"] if os.geteuid() == 0 else []
    tool("lintian", *root, "--fail-on", "error,warning", package, seconds=100)


def test_versions_agree(prefix):
    version = tool(prefix / "bin/weir", "--version").decode().split()[1]
    assert config(prefix, "--modversion") == [version]
    header = (prefix / "include/weir/version.h").read_text()
    numbers = [re.search(rf"WEIR_VERSION_{part}\s+(\d+)", header)[1] for part in ("MAJOR", "MINOR", "PATCH")]
    assert ".".join(numbers) == version
    assert os.path.realpath(prefix / "lib/libweir.so").endswith(f"libweir.so.{version}")
    dynamic = tool("readelf", "-d", prefix / "lib/libweir.so").decode()
    assert f"soname: [libweir.so.{numbers[0]}]" in dynamic
    assert "TEXTREL" not in dynamic


# ---- what is exported ----------------------------------------------------------------------------


def declared(prefix, tmp_path):
    """Functions and variables that the installed headers declare for others."""
    source = tmp_path / "all.c"
    source.write_text("".join(f"#include <weir/{header}>\n" for header in sorted(HEADERS)))
    tool("gcc", "-std=c11", f"-I{prefix}/include", "-fsyntax-only", "-aux-info", tmp_path / "aux", source)
    names = set()
    for line in (tmp_path / "aux").read_text().splitlines():
        if "/include/weir/" in line and " extern " in line:
            names.add(re.search(r"(\w+) \(", line.split("*/ ", 1)[1])[1])
    for header in HEADERS:
        names |= set(re.findall(r"^extern [\w ]+?(\w+)\[", (prefix / "include/weir" / header).read_text(), re.M))
    return names


def symbols(*command):
    return {line.split()[-1].split("@")[0] for line in tool("nm", *command).decode().splitlines()
            if len(line.split()) == 3}


def test_exactly_what_the_headers_declare(prefix, tmp_path):
    wanted = declared(prefix, tmp_path)
    assert len(wanted) > 30 and "weir_server_start" in wanted
    assert symbols("-g", "--defined-only", prefix / "lib/libweir.a") == wanted
    assert symbols("-D", "--defined-only", prefix / "lib/libweir.so") - {"WEIR_0"} == wanted
    assert ".gnu.lto" not in tool("readelf", "-SW", prefix / "lib/libweir.a").decode()


def test_names_of_the_program_s_own(prefix, tmp_path):
    """Functions that happen to share a name with one inside the library."""
    source = tmp_path / "clash.c"
    source.write_text('''#include <stdio.h>
#include <weir/weir.h>
int url_parse(const char *text); int process_memory(void); int timer_init(void); int idmap_find(void);
int url_parse(const char *text) { return puts(text); }
int process_memory(void) { return puts("mine"); }
int timer_init(void) { return puts("mine"); }
int idmap_find(void) { return puts("mine"); }
static void none(void *ctx, struct stream *stream, const struct request *request, uint64_t now_ns) {
  (void)ctx, (void)request, (void)now_ns;
  (void)stream_respond(stream, 204, NULL, 0, BODY_NONE);
}
int main(void) {
  char error[WEIR_ERROR_BYTES] = "", origin[64];
  const struct handler handler = {.request = none};
  struct weir_server_settings settings = {.http = "127.0.0.1:0", .handler = &handler, .workers = 1};
  struct weir_server *server = weir_server_start(&settings, error, sizeof error);
  if (!server) return 1;
  snprintf(origin, sizeof origin, "http://127.0.0.1:%u", weir_server_http_port(server));
  struct weir_client *client = weir_client_open(&(struct weir_client_settings){.origin = origin}, error, sizeof error);
  if (!client) return 1;
  weir_client_close(client);
  weir_server_stop(server, 1);
  return 0;
}
''')
    for how, flags in (("static", static_flags(prefix)), ("shared", config(prefix, "--cflags", "--libs"))):
        build(str(source), tmp_path / how, flags)
        assert end(start(prefix, tmp_path / how)) == b""


# ---- programs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", sorted(HEADERS))
def test_each_header_alone(prefix, tmp_path, header):
    for ending, compiler in COMPILERS.items():
        source = tmp_path / f"alone{ending}"
        source.write_text(f"#include <weir/{header}>\n#include <weir/{header}>\nint main(void) {{ return 0; }}\n")
        tool(*compiler, *STRICT, f"-I{prefix}/include", "-fsyntax-only", source)


def test_program_of_readme(prefix, tmp_path):
    """The example for embedders, on a free port."""
    with open(os.path.join(harness.ROOT, "README.md"), encoding="utf-8") as file:
        programs = re.findall(r"^```c\n(.*?)^```$", file.read(), re.M | re.S)
    assert len(programs) == 1
    assert programs[0].count(":8080") == 2
    source = tmp_path / "program.c"
    source.write_text(programs[0].replace(":8080", f":{harness.free_port()}"))
    tool("gcc", "-std=c17", "-Wall", "-Werror", source, "-o", tmp_path / "program",
         *config(prefix, "--cflags", "--libs"))
    assert end(start(prefix, tmp_path / "program")) == b"200 hello\n"


@pytest.mark.parametrize("how", ["static", "shared"])
@pytest.mark.parametrize("name", sorted(os.listdir(EXAMPLES)))
def test_example(prefix, tmp_path, name, how):
    flags = static_flags(prefix) if how == "static" else config(prefix, "--cflags", "--libs")
    program = tmp_path / "program"
    build(os.path.join(EXAMPLES, name), program, flags)
    EXAMPLE_TESTS[os.path.splitext(name)[0]](prefix, program)


def try_hello(prefix, program):
    process, port = serve(prefix, program)
    assert curl(port, "/") == b"hello\n"
    assert f":{port}/".encode() in end(process)


def try_handlers(prefix, program):
    process, port = serve(prefix, program)
    numbers = "".join(f"{n}\n" for n in range(1, 20001)).encode()
    assert curl(port, "/count/20000") == numbers
    assert curl(port, "/later") == b"later\n"
    assert curl(port, "/sum", "--data", "x" * 1000) == b"1000 bytes\n"
    assert curl(port, "/").startswith(b"There is")
    end(process)


def try_fetch(prefix, program):
    with harness.Server(program.parent, https=False) as server:
        assert end(start(prefix, program, f"http://127.0.0.1:{server.http_port}", "/plaintext")) == b"Hello, World!"


def try_chat(prefix, program):
    """Everyone hears what anyone says, and a client that leaves misses the rest."""
    process, port = serve(prefix, program)
    peers = [Http1(port, path="/chat", fields="Sec-WebSocket-Protocol: chat\r\n") for _ in range(3)]
    peers.append(Http2(harness.RawClient(port), path="/chat", fields=[("sec-websocket-protocol", "chat")]))
    for peer in peers:
        peer.send(TEXT, b"hello from %d" % peers.index(peer))
    for peer in peers:
        heard = sorted(peer.take() for _ in peers)
        assert heard == [(0x80 | TEXT, b"hello from %d" % n) for n in range(len(peers))]
    peers[0].send(CLOSE, b"\x03\xe8")
    assert peers[0].take_close() == 1000
    peers[1].send(TEXT, b"who is left?")
    assert [peer.take()[1] for peer in peers[1:]] == [b"who is left?"] * 3
    assert b"chat" in curl(port, "/")
    for peer in peers:
        peer.close()
    end(process)


EXAMPLE_TESTS = {"chat": try_chat, "hello": try_hello, "handlers": try_handlers, "fetch": try_fetch}


def test_cmake_finds_it(prefix, tmp_path):
    if subprocess.run(["which", "cmake"], capture_output=True).returncode != 0:
        pytest.skip("cmake is not installed")
    (tmp_path / "CMakeLists.txt").write_text(f'''cmake_minimum_required(VERSION 3.16)
project(hello C)
find_package(weir 0.1 REQUIRED)
add_executable(shared {EXAMPLES}/hello.c)
target_link_libraries(shared weir::weir)
add_executable(static {EXAMPLES}/hello.c)
target_link_libraries(static weir::weir-static)
''')
    tool("cmake", "-S", tmp_path, "-B", tmp_path / "out", f"-DCMAKE_PREFIX_PATH={prefix}")
    tool("cmake", "--build", tmp_path / "out")
    for name in ("shared", "static"):
        try_hello(prefix, tmp_path / "out" / name)
