"""A small HTTP server for the quickstart: prints its port; /hello works, /flaky fails once, everything else is missing."""
import http.server
import sys

flaky_calls = 0


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global flaky_calls
        status, body = 404, b"there is no such page\n"
        if self.path == "/hello":
            status, body = 200, b"hello over HTTP\n"
        elif self.path == "/flaky":
            flaky_calls += 1
            status, body = (503, b"busy\n") if flaky_calls == 1 else (200, b"works now\n")
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port)
sys.stdout.flush()
server.serve_forever()
