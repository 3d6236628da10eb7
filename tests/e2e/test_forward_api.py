"""`weir forward`: what it asks a cluster for, with which credentials, and what it says when that fails."""
import base64
import json
import re
import ssl

import pytest

import harness
from forward_peer import POD, ask, kubeconfig, pod_of, sent
from forward_peer import cluster, forward, kubelet, make_cluster, target  # fixtures


# ---- the API -------------------------------------------------------------------------------------


def test_kubeconfig(cluster, target, forward, tmp_path):
    """A pod is looked up, its named port too, and the paths have what the server's URL begins with."""
    prefix = "/k8s/clusters/c-1"
    config = kubeconfig(tmp_path / "config", cluster.url(prefix + "/"), namespace="shop")
    cluster.answers[prefix + "/api/v1/namespaces/shop/pods/web"] = 200, pod_of("web", ports=[("main", target.port)])
    cluster.prefix = prefix
    program = forward("--kubeconfig", config, "web", ":main")
    assert ask(program.port(target.port), "echo", b"hello") == b"hello"
    assert [path for _, path, _ in cluster.requests][0] == prefix + "/api/v1/namespaces/shop/pods/web"


def test_server_closes_between_answers(cluster, target, forward, tmp_path):
    cluster.close_each = True
    program = forward("--kubeconfig", kubeconfig(tmp_path / "config", cluster.url()), "pod/web", f":{target.port}")
    assert ask(program.port(target.port), "echo", b"hello") == b"hello"


def slices_of(*pods, port):
    return {"items": [{"ports": [{"name": "http", "port": port}], "endpoints": [
        {"targetRef": {"kind": "Pod", "name": name}, "conditions": {"ready": ready}} for name, ready in pods]}]}


def service_of(target_port):
    return {"metadata": {"name": "web"}, "spec": {"clusterIP": "10.0.0.1", "selector": {"app": "web"}, "ports": [
        {"name": "http", "port": 80, "targetPort": target_port}]}}


SERVICE = "/api/v1/namespaces/default/services/web"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3Dweb"
PODS = "/api/v1/namespaces/default/pods?labelSelector=app%3Dweb"


def tunnels_of(cluster):
    """The pods to which tunnels were asked for."""
    return [path.split("/")[-2] for method, path, _ in cluster.requests if path.endswith("/portforward")
            if method == "POST"]


def test_service(cluster, target, forward, tmp_path):
    """A ready pod behind it, chosen again when the session is made again."""
    cluster.answers[SERVICE] = 200, service_of("http")
    cluster.answers[SLICES] = 200, slices_of(("a", False), ("b", True), ("c", True), port=target.port)
    config = kubeconfig(tmp_path / "config", cluster.url())
    program = forward("--kubeconfig", config, "svc/web", ":80", ":http")
    local = program.port(target.port)
    assert ask(local, "echo", b"hello") == b"hello"
    assert tunnels_of(cluster) == ["b"]
    cluster.cut()
    program.line("connected again to c")
    assert ask(local, "echo", b"hello") == b"hello"
    cluster.answers[SLICES] = 200, slices_of(("d", True), port=target.port)
    cluster.cut()
    program.line("connected again to d")
    assert ask(local, "echo", b"hello") == b"hello"


def test_service_without_slices(cluster, target, forward, tmp_path):
    """Who may not read slices gets the pods that the selector matches."""
    cluster.answers[SERVICE] = 200, service_of("main")
    cluster.answers[SLICES] = 403, {"kind": "Status", "message": "forbidden"}
    cluster.answers[PODS] = 200, {"items": [pod_of("a", ready=False), pod_of("b", ports=[("main", target.port)])]}
    program = forward("--kubeconfig", kubeconfig(tmp_path / "config", cluster.url()), "svc/web", ":80")
    assert ask(program.port(target.port), "echo", b"hello") == b"hello"
    assert tunnels_of(cluster) == ["b"]


@pytest.mark.parametrize("answers, words, message", [
    ({POD: (404, {"kind": "Status", "message": 'pods "web" not found'})}, ["web", "80"],
     'pods "web" not found (status 404)'),
    ({POD: (403, {"kind": "Status", "message": "no\x1b[31m\nluck"})}, ["web", "80"], "no?[31m?luck (status 403)"),
    ({POD: (200, pod_of("web", phase="Pending"))}, ["web", "80"], "pod web is not running: it is Pending"),
    ({POD: (200, pod_of("web"))}, ["web", ":http"], "pod web has no port named http"),
    ({POD: (403, {"kind": "Status", "message": "pods is forbidden"})}, ["web", "80"],
     "pods is forbidden (status 403)"),
    ({SERVICE: (200, service_of(1))}, ["svc/web", "81"], "service web has no port 81 (there are: 80 http)"),
    ({SERVICE: (200, service_of(1)), SLICES: (200, {"items": []})}, ["svc/web", "80"],
     "no pod of service web is ready"),
    ({SERVICE: (200, {"spec": {"ports": [{"port": 80}]}, "metadata": {"name": "web"}})}, ["svc/web", "80"],
     "service web has no selector"),
    ({POD: (200, ["no", "pod"])}, ["web", "80"], "pod  is not running: it is unknown"),
])
def test_lookup_fails(cluster, tmp_path, answers, words, message):
    cluster.answers.update(answers)
    config = kubeconfig(tmp_path / "config", cluster.url())
    status, out, err = harness.run("forward", "--kubeconfig", config, words[0], f":{words[1].lstrip(':')}")
    assert (status, out, err) == (1, "", f"weir forward: {message}\n")


def test_large_answer(cluster, tmp_path):
    """API_BODY_BYTES_MAX"""
    most = harness.bound("API_BODY_BYTES_MAX")
    config = kubeconfig(tmp_path / "config", cluster.url())
    for over in (0, 1):
        pod = pod_of("web", phase="Pending")
        pod["padding"] = "x" * (most + over - len(json.dumps(pod)) - len(', "padding": ""'))
        cluster.answers[POD] = 200, pod
        status, out, err = harness.run("forward", "--kubeconfig", config, "web", ":80")
        assert (status, out) == (1, "")
        assert ("too large" if over else "not running") in err, err


UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n"


@pytest.mark.parametrize("refusal, message", [
    (b"HTTP/1.1 403 Forbidden\r\nX-Accepted-Stream-Protocol-Versions: v5.channel.k8s.io\r\nContent-Length: 0\r\n"
     b"Connection: close\r\n\r\n", "the server does not speak portforward.k8s.io, but v5.channel.k8s.io"),
    (b'HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n{"kind":"Status","message":"pods \\"web\\" not found"}',
     'the server refuses the tunnel: pods "web" not found (status 404); as a WebSocket: status 404'),
    (b"HTTP/1.1 500 No\r\nContent-Length: 7\r\nConnection: close\r\n\r\nno luck",
     "the server refuses the tunnel: no luck (status 500); as a WebSocket: status 500"),
    (UPGRADE + b"\r\n", 'the server speaks "" instead of portforward.k8s.io'),
    (UPGRADE + b"X-Stream-Protocol-Version: other\r\n\r\n", 'the server speaks "other" instead of portforward.k8s.io'),
    (b"not HTTP\r\n\r\n", "the server's response is not valid"),
    (b" ", "the server closed the connection"),
])
def test_tunnel_is_refused(cluster, refusal, message):
    cluster.refusal = refusal
    status, out, err = harness.run("forward", cluster.url("/web"), ":80")
    assert (status, out) == (1, "")
    assert err.startswith(f"weir forward: {message}"), err


@pytest.mark.parametrize("subprotocol", ["", "v5.channel.k8s.io"])
def test_wrong_subprotocol(cluster, target, forward, subprotocol):
    """A WebSocket that is accepted as something else is given up, and SPDY without one is asked for."""
    cluster.subprotocol = subprotocol
    program = forward(cluster.url("/web"), f":{target.port}")
    assert ask(program.port(target.port), "echo", b"hello") == b"hello"
    assert [method for method, _, _ in cluster.requests] == ["GET", "POST"]


@pytest.mark.parametrize("says, reason", [
    (b"\x81\x05hello", "1003: only binary messages are understood"),
    (b"\xf2\x00", "1002: "),
    (b"\x88\x0d\x03\xf3no\x1b[31mluck", "1011: no?[31mluck"),
])
def test_websocket_ends(cluster, forward, says, reason):
    """What is wrong with it is told, whether the server says so or we do."""
    cluster.subprotocol, cluster.says = "SPDY/3.1+portforward.k8s.io", says
    program = forward("--no-reconnect", cluster.url("/web"), ":80", expect=1)
    program.line("WebSocket ended with " + re.escape(reason))


def test_unreachable():
    port = harness.free_port()
    status, out, err = harness.run("forward", f"http://127.0.0.1:{port}/web", ":80")
    assert (status, out) == (1, "")
    assert err == f"weir forward: cannot connect to 127.0.0.1:{port}: Connection refused\n"


def test_bad_kubeconfig(tmp_path):
    path = tmp_path / "config"
    path.write_text("contexts: [{name: a}]\n")
    status, out, err = harness.run("forward", "--kubeconfig", path, "web", ":80")
    assert (status, out) == (1, "")
    assert err == (f"weir forward: {path}: no current-context is set; choose one with --context (there are: a)\n")


# ---- TLS and credentials -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """An authority, with a server's and a client's certificate."""
    work = tmp_path_factory.mktemp("certificates")

    def openssl(*arguments):
        harness.tool("openssl", *arguments, cwd=work)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")
    for name, extension in (("server", "subjectAltName=DNS:cluster.test"), ("client", "subjectAltName=DNS:joe")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (work / f"{name}.ext").write_text(extension)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")
    return work


def context_of(certificates, ask_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    if ask_client:
        context.load_verify_locations(certificates / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def base64_of(path):
    return base64.b64encode(path.read_bytes()).decode()


@pytest.mark.parametrize("how", ["data", "files", "options"])
def test_client_certificate(make_cluster, certificates, target, forward, tmp_path, how):
    """Authorities, a name to verify, and a client certificate: from texts, from files, from the command line."""
    cluster = make_cluster(context=context_of(certificates, ask_client=True))
    server, user, more = {"tls-server-name": "cluster.test"}, {}, []
    if how == "data":
        server["certificate-authority-data"] = base64_of(certificates / "ca.pem")
        user = {"client-certificate-data": base64_of(certificates / "client.pem"),
                "client-key-data": base64_of(certificates / "client.key")}
    elif how == "files":
        server["certificate-authority"] = str(certificates / "ca.pem")
        user = {"client-certificate": str(certificates / "client.pem"), "client-key": str(certificates / "client.key")}
    else:
        more = ["--cacert", certificates / "ca.pem", "--cert", certificates / "client.pem",
                "--key", certificates / "client.key"]
    config = kubeconfig(tmp_path / "config", cluster.url(), user, server)
    program = forward("--kubeconfig", config, *more, "web", f":{target.port}")
    assert ask(program.port(target.port), "send 1000000") == sent(1000000)


def test_untrusted_server(make_cluster, certificates, tmp_path):
    cluster = make_cluster(context=context_of(certificates))
    config = kubeconfig(tmp_path / "config", cluster.url())
    status, out, err = harness.run("forward", "--kubeconfig", config, "web", ":80")
    assert (status, out) == (1, "")
    assert err.startswith(f"weir forward: TLS with 127.0.0.1:{cluster.port} failed: "), err
    config = kubeconfig(tmp_path / "config", cluster.url(), {}, {"certificate-authority": str(certificates / "ca.pem")})
    status, out, err = harness.run("forward", "--kubeconfig", config, "web", ":80")
    assert status == 1 and "mismatch" in err, err


def test_insecure(make_cluster, certificates, target, forward, tmp_path):
    cluster = make_cluster(context=context_of(certificates))
    config = kubeconfig(tmp_path / "config", cluster.url(), {}, {"insecure-skip-tls-verify": True})
    program = forward("--kubeconfig", config, "web", f":{target.port}")
    assert ask(program.port(target.port), "echo", b"hello") == b"hello"
    program.stop()
    program = forward("-k", cluster.url("/web"), f":{target.port}")
    assert ask(program.port(target.port), "echo", b"hello") == b"hello"


@pytest.fixture
def secure(make_cluster, certificates):
    """A cluster that wants tokens."""
    one = make_cluster(context=context_of(certificates))
    one.tokens = ["token-1"]
    return one


INSECURE = {"insecure-skip-tls-verify": True}


def test_tokens(secure, target, forward, tmp_path):
    """From the kubeconfig, a file, the command line."""
    (tmp_path / "token").write_text("token-1\n")
    for user, more in (({"token": "token-1"}, []), ({"tokenFile": "token"}, []), ({"token": "x", "tokenFile": "token"}, []),
                       ({}, ["--token", "token-1"]), ({"token": "x"}, ["--token-file", tmp_path / "token"])):
        config = kubeconfig(tmp_path / "config", secure.url(), user, INSECURE)
        program = forward("--kubeconfig", config, *more, "web", f":{target.port}")
        assert ask(program.port(target.port), "echo", b"hello") == b"hello"
        program.stop()


def test_wrong_token(secure, tmp_path):
    config = kubeconfig(tmp_path / "config", secure.url(), {"token": "wrong"}, INSECURE)
    status, out, err = harness.run("forward", "--kubeconfig", config, "web", ":80")
    assert (status, out, err) == (1, "", "weir forward: Unauthorized (status 401)\n")
    status, out, err = harness.run("forward", "-k", "--token", "wrong", secure.url("/web"), ":80")
    assert (status, out) == (1, "")
    assert err == "weir forward: the server does not accept the credentials (status 401)\n"


def plugin(tmp_path, *tokens, expires="2099-01-01T00:00:00Z"):
    """A plugin that gives one token after the other, and then the last one again."""
    path = tmp_path / "plugin"
    path.write_text(f"""#!/bin/sh
calls=$(cat {tmp_path}/calls 2>/dev/null || echo 0)
echo $((calls + 1)) > {tmp_path}/calls
set -- {' '.join(tokens)}
[ $calls -lt $# ] || calls=$(($# - 1))
shift $calls
echo '{{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{{"token":"'"$1"'",'\
'"expirationTimestamp":"{expires}"}}}}'
""")
    path.chmod(0o755)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin",
                     "interactiveMode": "Never"}}


def calls_of(tmp_path):
    return int((tmp_path / "calls").read_text())


def test_expired_token(secure, target, forward, tmp_path):
    """A 401 asks the plugin again, at the start and when the session is made again. Else its answer is kept."""
    user = plugin(tmp_path, "token-0", "token-1", "token-2")
    config = kubeconfig(tmp_path / "config", secure.url(), user, INSECURE)
    program = forward("--kubeconfig", config, "web", f":{target.port}")
    local = program.port(target.port)
    assert ask(local, "echo", b"hello") == b"hello"
    assert calls_of(tmp_path) == 2
    secure.cut()
    program.line("connected again")
    assert calls_of(tmp_path) == 2
    secure.tokens = ["token-2"]
    secure.cut()
    program.line("connected again", count=2)
    assert ask(local, "echo", b"hello") == b"hello"
    assert calls_of(tmp_path) == 3


def test_expiry_is_known(secure, target, forward, tmp_path):
    """A token that says itself that it has expired is not tried again."""
    config = kubeconfig(tmp_path / "config", secure.url(), plugin(tmp_path, "token-1", expires="2020-01-01T00:00:00Z"),
                        INSECURE)
    program = forward("--kubeconfig", config, "web", f":{target.port}")
    program.port(target.port)
    assert calls_of(tmp_path) == 1
    secure.cut()
    program.line("connected again")
    assert calls_of(tmp_path) == 2


def test_plugin_fails(secure, tmp_path):
    config = kubeconfig(tmp_path / "config", secure.url(), {"exec": {"command": "false"}}, INSECURE)
    status, out, err = harness.run("forward", "--kubeconfig", config, "web", ":80")
    assert (status, out, err) == (1, "", "weir forward: false: failed with exit status 1\n")


def test_interrupted_plugin(secure, forward, tmp_path):
    """Ctrl-C also ends a plugin that hangs."""
    user = {"exec": {"command": "sh", "args": ["-c", f"touch {tmp_path}/runs; exec sleep 60"]}}
    program = forward("--kubeconfig", kubeconfig(tmp_path / "config", secure.url(), user, INSECURE), "web", ":80")
    assert harness.wait_until((tmp_path / "runs").exists)
    program.stop()
