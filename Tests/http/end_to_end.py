"""The plugin in a real host: end_to_end.py BINARIES PLUGIN DIRECTORY PLAIN_PORT TLS_PORT MTLS_PORT PORT VENV [--update]

DIRECTORY is that of nginx.sh. The last line is "N passed, M failed"."""
import os
import socket
import sys

import httpbin_table
import recipes
import what_happens
from host import Checks, Host

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))

SIDECAR = """
secrets: [token, client, client-key]
executors:
  - type: TYPE
    uses: http
    config:
      maxArtefactBytes: 8388608
      tls: {{caFile: {directory}/ca.pem}}
      uploads: {{directory: {directory}/uploads}}
      hosts:
        - origin: http://127.0.0.2:{port}
          oauth2: {{tokenUrl: "http://127.0.0.1:{port}/token/refused", clientId: me, clientSecret: "secret://client"}}
        - origin: http://127.0.0.3:{port}
          oauth2: {{tokenUrl: "http://127.0.0.1:{closed}/", clientId: me, clientSecret: "secret://client"}}
        - origin: http://127.0.0.4:{port}
          oauth2: {{tokenUrl: "http://127.0.0.1:{port}/token/3600", clientId: me, clientSecret: "secret://client"}}
        - origin: https://127.0.0.1:{mtls}
          clientCertificate: {{certificate: {directory}/client.pem, key: "secret://client-key"}}
"""


def needs(directory, endpoints):
    listed = ", ".join(f'"{endpoint}"' for endpoint in endpoints)
    return f"needs:\n  net: [{listed}]\n  read: [{directory}/ca.pem, {directory}/client.pem, {directory}/uploads]\n"


def main():
    binaries, plugin, directory, _, tls, mtls, port, venv = sys.argv[1:9]
    update = "--update" in sys.argv
    checks = Checks()
    os.makedirs(f"{directory}/uploads", mode=0o755, exist_ok=True)
    with open(f"{directory}/uploads/hello.txt", "w") as file:
        file.write("hello from a file")
    closed_socket = socket.socket()
    closed_socket.bind(("127.0.0.1", 0))  # bound, but nobody listens
    closed = closed_socket.getsockname()[1]
    doomed = what_happens.Server(HERE)
    httpbin, httpbin_port = httpbin_table.start(venv)
    host = None
    try:
        endpoints = [f"127.0.0.1:{p}" for p in (port, tls, mtls, closed, httpbin_port, doomed.port)]
        endpoints += [f"127.0.0.{n}:{port}" for n in (2, 3, 4)]
        host = Host(binaries, plugin, f"{directory}/host", SIDECAR.format(directory=directory, port=port, closed=closed, mtls=mtls),
                    needs(directory, endpoints),
                    {"token": "s3cret-value\n", "client": "the-client's\n", "client-key": open(f"{directory}/client.key").read()})
        what_happens.run(host, checks, ROOT, HERE, int(port), int(tls), int(mtls), closed, doomed)
        httpbin_table.run(host, httpbin_port, HERE, checks, update)
        recipes.run(binaries, plugin, directory, checks, ROOT, int(port))
    finally:
        if host:
            host.stop()
        httpbin.terminate()
        httpbin.wait()
        if doomed.process.poll() is None:
            doomed.kill()
    print(f"{checks.passed} passed, {checks.failed} failed")
    return checks.failed != 0


sys.exit(main())
