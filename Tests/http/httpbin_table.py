"""Asks httpbin for everything that applies, at both levels, and writes what came back as a table."""
import base64
import json
import os
import socket
import subprocess

from host import LEVELS

HERE = os.path.dirname(os.path.abspath(__file__))


def start(venv):
    """gunicorn on a socket that is open before it starts: (process, port)."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    process = subprocess.Popen([f"{venv}/bin/gunicorn", "--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread",
                                "--threads", "16", "--timeout", "0", "--log-level", "error", "--chdir", HERE, "httpbin_app:app"],
                               pass_fds=[listener.fileno()], stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    return process, listener.getsockname()[1]


def text(result, body):
    return body.decode()


def size(result, body):
    return f"{len(body)} bytes"


def kind(result, body):
    return f"{result['metadata'].get('header.content-type')}, {len(body)} bytes"


def fields(*names):
    def read(result, body):
        value = json.loads(body)
        shown = []
        for name in names:
            here = value
            for step in name.split("."):
                here = here.get(step) if isinstance(here, dict) else None
            shown.append(f"{name} = {json.dumps(here, ensure_ascii=False, sort_keys=True)}")
        return "; ".join(shown)
    return read


def lines(result, body):
    rows = [json.loads(line) for line in body.splitlines()]
    return f"{len(rows)} lines of JSON, ids {rows[0]['id']} to {rows[-1]['id']}"


def header(*names):
    return lambda result, body: "; ".join(f"{n}: {result['metadata'].get('header.' + n)}" for n in names)


def last(result, body):
    return f"{result['metadata']['redirects']} redirects, to {result['metadata']['url'].split('/', 3)[3]}"


def word(wanted):
    return lambda result, body: f"{len(body)} bytes, with “{wanted}”" if wanted in body.decode() else "without it"


def failure(result, body):
    return result["message"]


FOLLOW = {"FollowRedirects": "true"}
BASIC = "Basic " + base64.b64encode(b"ada:pass").decode()
# What is asked, with which parameters, and what of the answer is shown.
ROWS = [
    ("GET /get?a=1&b=%C3%A9", {}, fields("args", "headers.User-Agent")),
    ("GET /get?q={q}", {"Template": "target", "Template_q": "a&b=c"}, fields("args")),
    ("GET /headers", {"Header_X-One": "eins, zwei"}, fields("headers.X-One")),
    ("GET /ip", {}, fields("origin")),
    ("GET /user-agent", {"Header_User-Agent": "mine/2"}, fields("user-agent")),
    ("GET /uuid", {}, size),
    ("POST /post", {"Body": '{"a": [1, "é"]}'}, fields("json", "headers.Content-Type")),
    ("POST /post", {"Body": '{"a": "{x}"}', "Template": "body", "Template_x": '"quoted"'}, fields("json")),
    ("POST /post", {"Body": "plain é", "ContentType": "text/plain; charset=utf-8"}, fields("data")),
    ("POST /post", {"Form_a": "1 & 2", "Form_b": "é"}, fields("form", "headers.Content-Type")),
    ("POST /post", {"Form_a": "1", "File_f": "hello.txt", "FileType_f": "text/plain"}, fields("form", "files")),
    ("PUT /put", {"Body": "{}"}, fields("json")),
    ("PATCH /patch", {"Body": "{}"}, fields("json")),
    ("DELETE /delete", {}, fields("data")),
    ("DELETE /delete", {"Body": '{"b": 1}'}, fields("json")),
    ("HEAD /get", {}, size),
    ("GET /anything/a%2Fb/c?x=y", {}, fields("method", "url")),
    ("PUT /anything", {"Body": "{}"}, fields("method", "json")),
    *[(f"GET /status/{code}", {}, size) for code in (200, 201, 204, 226)],
    *[(f"GET /status/{code}", {}, failure)
      for code in (300, 301, 302, 303, 304, 305, 307, 400, 401, 402, 403, 404, 405, 406, 409, 410, 418, 422, 429, 500, 501, 502, 503, 504)],
    ("GET /status/404", {"ExpectedStatus": "2xx,404"}, size),
    ("GET /status/418", {"Assert_Status": "418"}, word("teapot")),
    ("GET /redirect/3", FOLLOW, last),
    ("GET /redirect/4", FOLLOW, failure),
    ("GET /relative-redirect/2", FOLLOW, last),
    ("GET /absolute-redirect/2", FOLLOW, last),
    ("GET /redirect-to?url=%2Fget%3Fa%3D1", FOLLOW, last),
    ("POST /redirect-to?url=%2Fanything&status_code=307", {**FOLLOW, "Body": '{"kept": 1}'}, fields("method", "json")),
    ("POST /redirect-to?url=%2Fanything&status_code=303", {**FOLLOW, "Body": '{"kept": 1}'}, fields("method", "json")),
    ("GET /redirect-to?url=http%3A%2F%2F169.254.169.254%2F", FOLLOW, failure),
    ("GET /redirect/1", {}, failure),
    ("GET /gzip", {}, fields("gzipped", "headers.Accept-Encoding")),
    ("GET /deflate", {}, fields("deflated")),
    ("GET /brotli", {}, fields("brotli")),
    ("GET /gzip", {"Header_Accept-Encoding": "gzip"}, lambda r, b: f"as sent: begins with {b[:2].hex()}"),
    ("GET /encoding/utf8", {}, word("∮ E⋅da = Q")),
    ("GET /stream/5", {}, lines),
    ("GET /stream-bytes/5000?chunk_size=100", {}, size),
    ("GET /bytes/1000", {}, size),
    ("GET /bytes/1000", {"MaxResponseBytes": "10"}, lambda r, b: f"{len(b)} bytes, truncated = {r['metadata']['truncated']}"),
    ("GET /bytes/100000", {"MaxResponseBytes": "10", "SaveBody": "artefact"}, lambda r, b: f"{len(b)} bytes, artefact of {r['artefact']}"),
    ("GET /range/100", {"Header_Range": "bytes=10-19"}, lambda r, b: f"{b.decode()}, {r['metadata'].get('header.content-range')}"),
    ("GET /range/100", {"Header_Range": "bytes=200-"}, failure),
    ("GET /drip?numbytes=5&duration=0&code=200", {}, text),
    ("GET /delay/1", {}, fields("args")),
    ("GET /delay/3", {"timeout": "500ms"}, lambda r, b: "cut off"),
    ("GET /base64/w6kgaXM=", {}, text),
    ("GET /cookies", {"Header_Cookie": "a=1; b=2"}, fields("cookies")),
    ("GET /cookies/set?a=1", FOLLOW, lambda r, b: f"{last(r, b)}; {fields('cookies')(r, b)}"),
    ("GET /cookies/set?a=1", {"ExpectedStatus": "302"}, lambda r, b: f"Set-Cookie in the record: {'header.set-cookie' in r['metadata']}"),
    ("GET /cookies/delete?a", {"ExpectedStatus": "302"}, header("location")),
    ("GET /basic-auth/ada/pass", {"Header_Authorization": BASIC}, fields("authenticated", "user")),
    ("GET /basic-auth/ada/pass", {}, failure),
    ("GET /basic-auth/ada/other", {"Header_Authorization": BASIC}, failure),
    ("GET /hidden-basic-auth/ada/pass", {"Header_Authorization": BASIC}, fields("authenticated")),
    ("GET /hidden-basic-auth/ada/pass", {}, failure),
    ("GET /bearer", {"Header_Authorization": "Bearer secret://token"}, fields("authenticated", "token")),
    ("GET /bearer", {}, failure),
    ("GET /cache", {"Header_If-None-Match": "x"}, failure),
    ("GET /cache/60", {}, header("cache-control")),
    ("GET /etag/one", {"Header_If-None-Match": "one", "ExpectedStatus": "304"}, header("etag")),
    ("GET /etag/one", {"Header_If-Match": "two"}, failure),
    ("GET /response-headers?X-One=a&X-One=b", {}, header("x-one")),
    ("GET /response-headers?X-One=a", {"Assert_Header_X-One": "b"}, failure),
    ("GET /json", {"Assert_Json": '{"/slideshow/author": "Yours Truly", "/slideshow/slides/0/type": "all"}'}, size),
    ("GET /json", {"Assert_Json": '{"/slideshow/author": "Me"}'}, failure),
    ("GET /xml", {}, kind),
    ("GET /html", {}, kind),
    ("GET /robots.txt", {}, kind),
    ("GET /deny", {}, kind),
    ("GET /forms/post", {}, kind),
    ("GET /links/3/1", {}, word("/links/3/2")),
    ("GET /image", {"Header_Accept": "image/webp"}, kind),
    ("GET /image", {"Header_Accept": "text/plain"}, failure),
    *[(f"GET /image/{name}", {}, kind) for name in ("png", "jpeg", "webp", "svg")],
    ("GET /digest-auth/auth/ada/pass", {}, failure),
]


def submission(level, port, row):
    asked, parameters, _ = row
    method, path = asked.split(" ", 1)
    policy = {"retry": {"maxRetries": 0}, "timeout": parameters.get("timeout", "60s")}
    parameters = {k: v for k, v in parameters.items() if k != "timeout"}
    return {"type": level, "target": f"http://127.0.0.1:{port}{path}", "parameters": {"Method": method, **parameters}, "policy": policy}


def cell(value):
    return value.replace("|", "\\|").replace("\n", " ").strip()


def line(row, result, body, port):
    asked, parameters, show = row
    with_what = "; ".join(f"{k}={v}" for k, v in parameters.items())
    outcome = "succeeded" if result["state"] == "succeeded" else f"failed, {result['code']}"
    # Which of the two speaks first is chance.
    outcome = outcome.replace("http.timeout", "spindle.timeout")
    came = show(result, body).replace(f"127.0.0.1:{port}", "HOST")
    return f"| `{asked}` | {cell(with_what)} | {result['metadata'].get('status', '')} | {outcome} | {cell(came)} |"


def run(host, port, here, checks, update):
    ids = {level: host.submit([submission(level, port, row) for row in ROWS]) for level in LEVELS}
    tables = {}
    for level in LEVELS:
        table = ["| asked | with | status | outcome | came back |", "|---|---|---|---|---|"]
        for row, name in zip(ROWS, ids[level]):
            result = host.result(name)
            body = host.output(name) if result["state"] == "succeeded" else b""
            if result["metadata"].get("artefact"):
                result["artefact"] = size(result, host.artefact(name))
            try:
                table.append(line(row, result, body, port))
            except (ValueError, KeyError, IndexError, TypeError) as error:
                table.append(f"| `{row[0]}` | | | {result['state']} {result['code']} | {error!r}: {body[:200]!r} |")
        tables[level] = table
    golden = f"{here}/httpbin.md"
    if update:
        with open(golden, "w") as file:
            file.write("# What httpbin was asked, and what came back\n\nhttpbin 0.10.2 behind gunicorn, through a host with `http` at `worker` and at "
                       "`sandbox`, which gave the same. `end_to_end.py`\nmakes this table anew each time and compares; "
                       "`Tests/http/run.sh --update` writes it.\n\n" + "\n".join(tables["worker"]) + "\n")
    expected = [row for row in open(golden).read().splitlines() if row.startswith("|")]
    for level in LEVELS:
        checks.check(len(tables[level]) == len(expected), f"httpbin: {len(tables[level])} rows, not {len(expected)}")
        for got, wanted in zip(tables[level], expected):
            checks.check(got == wanted, f"httpbin at {level}:\n  got      {got}\n  expected {wanted}")
    print(f"httpbin: {len(ROWS)} requests at each level")
