"""An ACME server (RFC 8555) for one client: it visits http-01 challenges on a port of this machine, and signs.

Signatures of requests are not verified, and one order is under way at a time.
"""
import base64
import hashlib
import http.server
import json
import os
import threading

from harness import tool


def from_base64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def thumbprint(key):
    """RFC 7638, of an RSA key."""
    text = json.dumps({"e": key["e"], "kty": key["kty"], "n": key["n"]}, sort_keys=True, separators=(",", ":"))
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


class Acme:
    """`port` is where the names of certificates are served in clear text. The authority's own is in authority.pem."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port
        self.key, self.name, self.status, self.token, self.issued, self.answers = None, None, None, None, 0, []
        tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
             "/CN=authority.test", "-days", "30", "-keyout", folder / "authority.key", "-out", folder / "authority.pem")
        acme = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self.answer(200)

            do_GET = do_HEAD

            def do_POST(self):
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                protected = json.loads(from_base64(request["protected"]))
                payload = json.loads(from_base64(request["payload"]) or "null")
                acme.key = protected.get("jwk", acme.key)
                self.answer(*acme.answer(self.path, payload))

            def answer(self, status, body=None, location=None):
                if self.path == "/directory":
                    body = {name: acme.url(f"/{name}") for name in ("newNonce", "newAccount", "newOrder", "revokeCert")}
                text = (body if isinstance(body, str) else json.dumps(body)).encode() if body else b""
                self.send_response(status)
                self.send_header("replay-nonce", base64.urlsafe_b64encode(os.urandom(12)).decode())
                self.send_header("content-length", str(len(text)))
                self.send_header("content-type", "application/json")
                if self.path == "/challenge":
                    self.send_header("link", f'<{acme.url("/authorization")}>;rel="up"')
                if location:
                    self.send_header("location", acme.url(location))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def url(self, path):
        return f"http://127.0.0.1:{self.server.server_port}{path}"

    def order(self):
        made = {"status": self.status, "identifiers": [{"type": "dns", "value": self.name}],
                "authorizations": [self.url("/authorization")], "finalize": self.url("/finalize")}
        return made | ({"certificate": self.url("/certificate")} if self.status == "valid" else {})

    def authorization(self):
        status = "pending" if self.status == "pending" else "valid"
        challenge = {"type": "http-01", "url": self.url("/challenge"), "token": self.token, "status": status}
        return {"status": status, "identifier": {"type": "dns", "value": self.name}, "challenges": [challenge]}

    def answer(self, path, payload):
        """(status, body, location)."""
        if path == "/newAccount":
            return 201, {"status": "valid"}, "/account"
        if path == "/newOrder":
            self.name, self.status = payload["identifiers"][0]["value"], "pending"
            self.token = base64.urlsafe_b64encode(os.urandom(24)).decode()
            return 201, self.order(), "/order"
        if path == "/authorization":
            return 200, self.authorization(), None
        if path == "/challenge":
            self.visit()
            return 200, self.authorization()["challenges"][0], None
        if path == "/order":
            return 200, self.order(), "/order"
        if path == "/finalize":
            self.sign(from_base64(payload["csr"]))
            return 200, self.order(), "/order"
        if path == "/certificate":
            return 200, (self.folder / "issued.pem").read_text() + (self.folder / "authority.pem").read_text(), None
        return 404, {"type": "urn:ietf:params:acme:error:malformed", "detail": path}, None

    def visit(self):
        """As an authority does, over HTTP/1.1; whoever answers with the proof has the name."""
        url = f"http://{self.name}/.well-known/acme-challenge/{self.token}"
        got = tool("curl", "-s", "--http1.1", "--connect-to", f"::127.0.0.1:{self.port}", url).decode()
        self.answers.append(got)
        if got == f"{self.token}.{thumbprint(self.key)}":
            self.status = "ready"

    def sign(self, request):
        (self.folder / "request.der").write_bytes(request)
        (self.folder / "names").write_text(f"subjectAltName=DNS:{self.name}")
        self.issued += 1
        tool("openssl", "x509", "-req", "-inform", "DER", "-in", self.folder / "request.der", "-days", "90", "-CA",
             self.folder / "authority.pem", "-CAkey", self.folder / "authority.key", "-set_serial", self.issued, "-extfile",
             self.folder / "names", "-out", self.folder / "issued.pem")
        self.status = "valid"
