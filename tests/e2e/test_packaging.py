"""What is installed beside the program: units, manual pages, completions, the example configuration, and what
Kubernetes and containers get."""
import json
import os
import re
import shutil
import subprocess

import pytest

import harness
from harness import tool

yaml = pytest.importorskip("yaml", reason="python3-yaml is not installed")
DEPLOY = os.path.join(harness.ROOT, "tools/deploy")
GENERATE = os.path.join(harness.ROOT, "tools/generate")
COMMANDS = ("serve", "load", "report", "trace", "forward", "tunnel")


def needs(program):
    return pytest.mark.skipif(not shutil.which(program), reason=f"{program} is not installed")


def deploy(*path):
    with open(os.path.join(DEPLOY, *path), encoding="utf-8") as file:
        return file.read()


# ---- systemd -------------------------------------------------------------------------------------


@pytest.fixture
def units(tmp_path):
    """The units, with the program that is there."""
    for name in ("weir.service", "weir.socket"):
        (tmp_path / name).write_text(deploy(name).replace("/usr/bin/weir", harness.binary()))
    return [tmp_path / "weir.service", tmp_path / "weir.socket"]


@needs("systemd-analyze")
def test_units_are_correct(units):
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True,
                          timeout=harness.PATIENCE_SECONDS, check=False)
    # It also complains of other units of this machine.
    complaints = [line for line in done.stderr.splitlines() if "weir" in line]
    assert not complaints, complaints


@needs("systemd-analyze")
def test_units_are_hardened(units):
    """Exposure from 0 to 100: what is left is that it may use the network."""
    tool("systemd-analyze", "security", "--offline=true", "--threshold=20", units[0])


def test_the_unit_lets_weir_follow_links():
    """systemd implements this by refusing openat2(), whatever the filter says; then no link is followed."""
    assert not re.search(r"^RestrictSUIDSGID=(yes|true|1)", deploy("weir.service"), re.M)


def test_a_reload_checks_first():
    """`systemctl reload` fails when the file has mistakes; only then the process is told."""
    check, signal = re.findall(r"^ExecReload=(.*)", deploy("weir.service"), re.M)
    (start,) = re.findall(r"^ExecStart=(.*)", deploy("weir.service"), re.M)
    assert (check, signal) == (f"{start} --check", "/bin/kill -HUP $MAINPID")


@needs("logrotate")
def test_logs_are_rotated(start, tmp_path):
    """By the configuration that is shipped, with another directory and user: the server goes on with a new file."""
    logs = tmp_path / "logs"
    logs.mkdir()
    text = re.sub(r"^ +su .*\n", "", deploy("weir.logrotate").replace("/var/log/weir", str(logs)), flags=re.M)
    (tmp_path / "rotate").write_text(text)
    (tmp_path / "rotate").chmod(0o644)
    server = start("--access-log", logs / "access.log", workers=1)
    log = logs / "access.log"
    for name in ("one", "two", "three"):
        server.get(f"/plaintext?{name}")
        assert harness.wait_until(lambda: log.exists() and name in log.read_text())
        if name == "three":
            break
        tool("logrotate", "--force", "--state", tmp_path / "state", tmp_path / "rotate")
    assert sorted(each.name for each in logs.iterdir()) == ["access.log", "access.log.1", "access.log.2.gz"]
    assert "two" in (logs / "access.log.1").read_text()


def test_the_filter_allows_io_uring():
    """By name, after all lines that take calls away."""
    rules = re.findall(r"^SystemCallFilter=(.*)", deploy("weir.service"), re.M)
    refused = max(i for i, rule in enumerate(rules) if rule.startswith("~"))
    allowed = " ".join(rules[refused + 1:]).split()
    assert {"io_uring_setup", "io_uring_enter", "io_uring_register", "sched_setaffinity"} <= set(allowed)


def calls_of(name):
    """The system calls of a group such as @system-service, those of groups in it included."""
    if not name.startswith("@"):
        return {name}
    listed = tool("systemd-analyze", "syscall-filter", name).decode().splitlines()[1:]
    return set().union(*(calls_of(line.strip()) for line in listed if line.strip() and "#" not in line))


def allowed_calls():
    """What the lines of the unit allow, as systemd.exec(5) says: in their order, and @default always."""
    allowed = calls_of("@default")
    for rule in re.findall(r"^SystemCallFilter=(.*)", deploy("weir.service"), re.M):
        calls = set().union(*map(calls_of, rule.lstrip("~").split()))
        allowed = allowed - calls if rule.startswith("~") else allowed | calls
    return allowed | calls_of("@default")


HEADER = f"/usr/include/{os.uname().machine}-linux-gnu/asm/unistd_64.h"


@needs("systemd-analyze")
@pytest.mark.skipif(not os.path.exists(HEADER), reason="there is no list of system calls here")
@pytest.mark.parametrize("ring", [pytest.param("io_uring", marks=harness.needs_io_uring), "epoll"])
def test_weir_needs_no_other_system_calls(start, tmp_path, ring):
    """Under the filter of the unit, with EPERM for all else."""
    with open(HEADER, encoding="ascii") as header:
        numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", header.read()))
    install = harness.allow_only(sorted(int(numbers[call]) for call in allowed_calls() if call in numbers))
    (tmp_path / "index.html").write_text("here")
    # LeakSanitizer would trace its own process.
    server = start("--verbose", tmp_path, workers=2, preexec=install,
                   env={"WEIR_RING": ring, "ASAN_OPTIONS": "detect_leaks=0"})
    for secure in (False, True):
        assert server.get("/", secure).body == b"here"
    assert harness.wait_until(lambda: "listening on" in server.log())
    assert "not permitted" not in server.log(), server.log()


# ---- from the program's help ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def share(tmp_path_factory):
    made = tmp_path_factory.mktemp("share")
    tool(os.path.join(GENERATE, "share"), harness.binary(), made)
    return made


def options_of(command):
    return set(re.findall(r"^ {2,6}(?:-\w, )?(--[a-z0-9.-]+)", harness.run(command, "--help")[1], re.M))


@pytest.mark.parametrize("command", COMMANDS)
def test_manual_page(share, command):
    page = share / "man/man1" / f"weir-{command}.1"
    terms = re.findall(r"^\.B (.*)", page.read_text().replace("\\-", "-"), re.M)
    assert options_of(command) <= set(re.findall(r"--[a-z0-9.-]+", " ".join(terms)))
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO"):
        assert page.read_text().count(f"\n.SH {heading}\n") == 1, heading
    assert not [term for term in terms if re.match(r"-.* [A-Z:]+ [a-z]{3}", term)], "a term holds its explanation"
    if shutil.which("man"):
        done = subprocess.run(["man", "--warnings", "-l", page], capture_output=True, check=False,
                              timeout=harness.PATIENCE_SECONDS, env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"\\&" not in done.stdout, "an escape is shown"


def complete(share, directory, *words):
    """What bash offers for the last of the words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _weir; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    completions = share / "bash-completion/completions/weir"
    return tool("bash", "--norc", "-c", script, "bash", completions, "weir", *words, cwd=directory).decode().split()


def test_bash_knows_the_function(share):
    out = tool("bash", "--norc", "-c", 'source "$0"; complete -p weir', share / "bash-completion/completions/weir")
    assert out == b"complete -F _weir weir\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_completes_every_option(share, tmp_path, command):
    assert options_of(command) <= set(complete(share, tmp_path, command, "-"))


def test_bash_completes(share, tmp_path):
    (tmp_path / "page.html").touch()
    (tmp_path / "pages").mkdir()
    rows = [
        (["s"], ["serve"]),
        (["help", "tr"], ["trace"]),
        (["serve", "--http"], ["--http", "--https", "--https-only"]),
        (["serve", "--flow", ""], ["auto", "consume", "threshold", "echo"]),
        (["serve", "--flow", "=", "c"], ["consume"]),  # bash divides --flow=c so
        (["serve", "--flow", "="], ["auto", "consume", "threshold", "echo"]),
        (["serve", "--log-format", ""], ["combined", "json"]),
        (["serve", "--cert", "pa"], ["page.html", "pages"]),
        (["serve", "--directory", "pa"], ["pages"]),
        (["serve", "--workers", ""], []),
        (["serve", "pa"], ["page.html", "pages"]),
        (["tunnel", "--fault", "v"], ["vanish"]),
        (["load", "--arr"], ["--arrivals"]),
        (["nothing", "-"], []),
    ]
    for words, expected in rows:
        assert sorted(complete(share, tmp_path, *words)) == sorted(expected), words


@needs("zsh")
def test_zsh_reads_the_function(share):
    tool("zsh", "-n", share / "zsh/site-functions/_weir")


# ---- configurations ------------------------------------------------------------------------------


def start_with(start, tmp_path, text, *, secure=True):
    """A server with that configuration, on other ports."""
    ports = {f'"{port}"': f'"127.0.0.1:{harness.free_port()}"' for port in (":80", ":443", ":8080", ":8443", ":9100")}
    for port, instead in ports.items():
        text = text.replace(port, instead)
    (tmp_path / "weir.yaml").write_text(text)
    (tmp_path / "index.html").write_text("here")
    server = start("--config", tmp_path / "weir.yaml", http=False, https=False, workers=None)
    assert harness.wait_until(lambda: "listening on" in server.log())
    for scheme in ("http", "https"):
        url = re.search(rf"listening on ({scheme}://\S+)", server.log())[1]
        assert tool("curl", "-sSk", url + "/") == b"here"
    return server


TABLE = os.path.join(harness.ROOT, "tools/serve/config/table.c")


def settings():
    """(key, option) of each."""
    with open(TABLE, encoding="utf-8") as source:
        rows = re.findall(r'\{\.name = "([a-z0-9-]+)",\n(?: +\.option = "([a-z0-9-]+)",)?', source.read())
    assert len(rows) > 30
    return [(key, option or key) for key, option in rows]


def test_every_setting_is_described():
    """In the help, from which weir-serve(1) is made, and in weir(1); and these tell of no other options."""
    with open(os.path.join(harness.ROOT, "tools/weir.1"), encoding="utf-8") as file:
        page = file.read().replace("\\-", "-")
    part = re.search(r"^\.SH OPTIONS OF WEIR SERVE\n(.*?)^\.SH ", page, re.M | re.S)[1]
    own = {"help", "version", "config", "check", "print-config"}  # of the command line alone
    options = {option for _, option in settings()}
    terms = " ".join(re.findall(r"^\.B.*", part, re.M))
    for words in (options_of("serve"), re.findall(r"--[a-z0-9-]+", terms)):
        listed = {re.sub("^--(no-)?", "", word) for word in words}
        assert options <= listed, options - listed
        assert listed <= options | own, listed - options - own


def test_example_configuration(start, tmp_path):
    """It has every setting, and serves as it is."""
    text = tool("awk", "-f", os.path.join(GENERATE, "example.awk"), TABLE).decode()
    for name, _ in settings():
        assert len(re.findall(rf"^#(?:  - |    )?{name}: \S", text, re.M)) == 1, name
    start_with(start, tmp_path, text.replace("/var/www/html", str(tmp_path)))
    whole = yaml.safe_load(re.sub(r"^#(?=\S|  )", "", text, flags=re.M))
    assert [list(part) for part in whole["hosts"]] == [["name"]]
    (route,) = whole["routes"]
    assert {"path", "directory", "access"} <= set(route) and "head-start" in whole


def resources():
    return {made["kind"]: made for name in ("deployment", "servicemonitor", "ticket-keys")
            for made in yaml.safe_load_all(deploy("kubernetes", f"{name}.yaml"))}


def test_kubernetes(start, tmp_path):
    """Names and numbers fit each other, and weir takes the configuration."""
    made = resources()
    pod = made["Deployment"]["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    assert made["Service"]["spec"]["selector"] == made["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert made["ServiceMonitor"]["spec"]["selector"]["matchLabels"] == made["Service"]["metadata"]["labels"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert {port["targetPort"] for port in made["Service"]["spec"]["ports"]} == set(ports)
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
    volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
    assert volumes["ticket-keys"]["secret"]["secretName"] == made["Secret"]["metadata"]["name"]
    text = made["ConfigMap"]["data"]["weir.yaml"]
    settings = yaml.safe_load(text)
    assert {f":{port}" for port in ports.values()} == {settings[key] for key in ("http", "https", "metrics")}
    grace = pod["spec"]["terminationGracePeriodSeconds"]
    assert grace > settings["drain-seconds"] + container["lifecycle"]["preStop"]["sleep"]["seconds"]
    tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
         "-keyout", tmp_path / "tls.key", "-out", tmp_path / "tls.crt")
    (tmp_path / "keys").write_bytes(os.urandom(160))
    for path in ("/etc/weir/tls", "/etc/weir/ticket-keys", "/srv"):
        text = text.replace(path, str(tmp_path))
    server = start_with(start, tmp_path, text)
    assert '"path":"/"' in server.log() or '"path": "/"' in server.log(), server.log()


@needs("kubectl")
def test_kubectl_reads_them():
    out = tool("kubectl", "kustomize", os.path.join(DEPLOY, "kubernetes")).decode()
    # Not the Secret: each apply would put the example in place of the keys.
    assert {made["kind"] for made in yaml.safe_load_all(out)} == set(resources()) - {"Secret"}


def test_what_a_container_runs(start, tmp_path):
    text = deploy("Containerfile")
    command = json.loads(re.search(r"^CMD (.*)", text, re.M)[1])
    health = json.loads(re.search(r"^ +CMD (.*)", text, re.M)[1])
    assert re.search(r"^USER \d+:\d+$", text.split("FROM ")[-1], re.M)
    assert command[0] == "serve" and command[-1] == "/srv"
    (tmp_path / "index.html").write_text("here")
    exposed = re.search(r"^EXPOSE (.*)", text, re.M)[1].split()
    assert {word[1:] for word in command if word.startswith(":")} <= set(exposed)
    arguments = [f"127.0.0.1:{harness.free_port()}" if word.startswith(":") else word for word in command[1:-1]]
    server = start(*arguments, tmp_path, http=False, https=False, workers=None)
    assert harness.wait_until(lambda: "listening on" in server.log())
    assert tool("curl", "-sS", f"http://{arguments[1]}/") == b"here"
    metrics = arguments[command.index("--metrics")]
    assert health[0] == "/usr/bin/weir" and health[-1] == f"http://127.0.0.1{command[command.index('--metrics') + 1]}/healthz"
    for path, expected in (("/healthz", 0), ("/nothing", 1)):
        assert harness.run(*health[1:-1], f"http://{metrics}{path}")[0] == expected
