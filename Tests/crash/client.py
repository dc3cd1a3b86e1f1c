"""HTTP over the host's Unix socket."""
import http.client
import json
import socket


class Client(http.client.HTTPConnection):
    """One connection. Every call raises OSError or HTTPException if the host goes away."""

    # Far above what any machine needs for an answer: a host that hangs ends the test instead of stopping it.
    TIMEOUT = 300

    def __init__(self, path):
        super().__init__("localhost")
        self.path = path
        self.connect()

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.TIMEOUT)
        try:
            self.sock.connect(self.path)
        except OSError:
            self.sock.close()
            raise

    def call(self, method, path, body=None, headers=()):
        """Returns the status and the body."""
        self.request(method, path, body, {"Content-Type": "application/json", **dict(headers)})
        response = self.getresponse()
        return response.status, response.read()

    def get(self, path):
        """What a GET gives, read as JSON."""
        status, body = self.call("GET", path)
        if status != 200:
            raise AssertionError(f"GET {path} gave {status}: {body.decode(errors='replace')}")
        return json.loads(body)
