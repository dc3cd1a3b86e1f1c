"""The executor and the trigger in the real host, against the broker, seen by a client that knows nothing of either.

Usage: end_to_end.py ROOT BIN PLUGIN AMQP_PORT TLS_PORT CERTIFICATES FOLDER"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pika

from page import fence

root, binaries, plugin, amqp_port, tls_port, certificates, folder = sys.argv[1:]
passed = failed = 0


def check(good, *what):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print("FAILED:", *what, flush=True)


def connect():
    return pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", int(amqp_port)))


class Room:
    """A state directory with the plugin at a level of isolation."""

    def __init__(self, name, sidecar):
        self.directory = f"{folder}/{name}"
        os.makedirs(f"{self.directory}/secrets", 0o700)
        os.makedirs(f"{self.directory}/state/plugins", 0o755)
        os.chmod(f"{self.directory}/state", 0o700)
        with open(os.open(f"{self.directory}/secrets/rabbit-password", os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write("s3cret-value")
        self.environment = {
            "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": self.directory, "SPINDLE_STATE": f"{self.directory}/state",
            "SPINDLE_SOCKET": f"{self.directory}/socket", "SPINDLE_SECRETS_DIRECTORY": f"{self.directory}/secrets", "LANG": "C.UTF-8",
        }
        added = self.spindle("plugins", "add", plugin, "--as", "rabbitmq")
        check(added.returncode == 0, "plugins add", added.stderr)
        self.sidecar(sidecar)
        self.server = None

    def sidecar(self, text):
        path = f"{self.directory}/state/plugins/rabbitmq.yaml"
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(f"{path}.new", 0o644)
        os.rename(f"{path}.new", path)

    def spindle(self, *arguments):
        return subprocess.run(["spindle", *arguments], env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=120, check=False)

    def shell(self, text):
        return subprocess.run(["bash", "-c", text], env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=120, check=False)

    def serve(self):
        log = open(f"{self.directory}/serve.log", "a", encoding="utf-8")
        self.server = subprocess.Popen(["spindle", "serve"], env=self.environment, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                       stderr=log)

    def stop(self, number=signal.SIGTERM):
        if self.server is not None:
            self.server.send_signal(number)
            self.server.wait(120)
            self.server = None


def failure(run, code, part):
    check(run.returncode == 1 and code in run.stderr and part in run.stderr, code, part, run.returncode, run.stdout, run.stderr)


class Responder(threading.Thread):
    """Answers what comes to the queue `prices`; with a body of `silence` it does not."""

    def run(self):
        connection = connect()
        channel = connection.channel()
        channel.queue_declare("prices")

        def answer(channel, _, properties, body):
            if body == b"stop":
                channel.stop_consuming()
            elif body != b"silence":
                channel.basic_publish("", properties.reply_to, b'{"price": 3}', pika.BasicProperties(
                    correlation_id=properties.correlation_id, content_type="application/json", headers={"took": 3}))

        channel.basic_consume("prices", answer, auto_ack=True)
        channel.start_consuming()
        connection.close()


def messages(channel, queue):
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return
        yield properties, body


def executor(level, channel):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0)
    other = listener.getsockname()[1]
    grants = f"needs:\n  net: ['127.0.0.1:{amqp_port}', '127.0.0.1:{tls_port}']\n  read: ['{certificates}']\n" if level == "sandbox" else ""
    user = "user: spindle, password: 'secret://rabbit-password'"
    room = Room(f"executor-{level}", f"""isolation: {level}
secrets: [rabbit-password]
{grants}config:
  connections:
    main: {{host: 127.0.0.1, port: {amqp_port}, allowDeclare: true}}
    secure: {{host: 127.0.0.1, port: {tls_port}, {user}, tls: {{caFile: {certificates}/ca.pem, serverName: localhost}}}}
    misnamed: {{host: 127.0.0.1, port: {tls_port}, tls: {{caFile: {certificates}/ca.pem}}}}
    other: {{host: 127.0.0.1, port: {other}, connectTimeoutMs: 1000}}
    wrong: {{host: 127.0.0.1, port: {amqp_port}, user: nobody, password: 'secret://rabbit-password'}}
""")
    listed = room.spindle("plugins", "list")
    check(re.search(rf"rabbitmq +1\.0\.0 +serving +directory +{level}", listed.stdout), listed.stdout, listed.stderr)

    run = room.spindle("run", "rabbitmq:main//plain-py", "-p", "DeclareQueue=plain-py", "--payload", "héllo", "--content-type", "text/plain",
                       "-p", "Header_shop=north", "--json")
    check(run.returncode == 0, run.stdout, run.stderr)
    properties, body = next(messages(channel, "plain-py"), (None, b""))
    check(body == "héllo".encode() and properties.content_type == "text/plain" and properties.delivery_mode == 2, body, properties)
    check(properties.headers["shop"] == "north" and len(properties.headers["x-spindle-attempt"]) == 36, properties.headers)
    check(properties.message_id in run.stdout, "the message id is not the execution's", properties.message_id, run.stdout)

    run = room.spindle("run", "rabbitmq:secure/allowed/", "-p", "Body={}")
    check(run.returncode == 0, "TLS, user and password", run.stdout, run.stderr)
    failure(room.spindle("run", "rabbitmq:secure/amq.fanout/", "--retries", "0"), "rabbitmq.refused", "refused for user 'spindle'")
    failure(room.spindle("run", "rabbitmq:misnamed//plain-py", "--retries", "0"), "rabbitmq.tls.certificate", "IP address mismatch")
    failure(room.spindle("run", "rabbitmq:wrong//plain-py", "--retries", "0"), "rabbitmq.login", 'refused the login of user "nobody"')
    run = room.spindle("run", "rabbitmq:main//prices", "-p", "Mode=rpc", "-p", "Body=silence", "--timeout", "1s", "--retries", "0")
    check("no reply came in time" in run.stderr and "rabbitmq.timeout" in run.stderr, run.returncode, run.stderr)
    # Another one listens there. At sandbox it was not granted: nobody even knocks.
    failure(room.spindle("run", "rabbitmq:other//plain-py", "--retries", "0"), "rabbitmq.connect", f"127.0.0.1:{other}")
    try:
        listener.accept()
        check(level == "worker", "the sandbox let a connection out")
    except BlockingIOError:
        check(level == "sandbox", "nobody came")
    recipes(room, channel)


def recipes(room, channel):
    """What the page shows, as it is written there."""
    shown = room.shell(fence(root, "example", "messages")).stdout
    wanted = fence(root, "output", "messages")
    blank = lambda text: re.sub(r"execution [0-9a-f]{8}", "execution ID", text)
    check(blank(shown) == blank(wanted), "recipe messages:", shown)
    check([body for _, body in messages(channel, "orders")] == [b'{"id": 7}'], "orders")
    check([(body, properties.headers["shop"]) for properties, body in messages(channel, "audit")] == [(b'{"id": 7}', "north")], "audit")
    for name in ["orders", "audit", "plain-py"]:
        channel.queue_delete(name)
    channel.exchange_delete("events")


def wait_for(what, good, room):
    """Polls until it is so; says what the host said if it never is."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        if good():
            return
        time.sleep(0.05)
    with open(f"{room.directory}/serve.log", encoding="utf-8") as log:
        check(False, what, log.read()[-3000:])


def trigger(level, channel, total):
    for name in ["in", "out", "dead"]:
        channel.queue_delete(name)
    channel.queue_declare("in", durable=True, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    channel.queue_declare("out", durable=True)
    channel.queue_declare("dead", durable=True)
    grants = f"needs:\n  net: ['127.0.0.1:{amqp_port}']\n" if level == "sandbox" else ""
    room = Room(f"trigger-{level}", f"""isolation: {level}
submits: [rabbitmq]
{grants}config:
  connections:
    main: {{host: 127.0.0.1, port: {amqp_port}}}
triggers:
  - name: front
    uses: rabbitmq
    config:
      connection: {{host: 127.0.0.1, port: {amqp_port}}}
      queue: in
      prefetch: 40
      type: rabbitmq
      targetHeader: to
      target: "rabbitmq:main//out"
      targets: ["rabbitmq:main//out"]
""")
    count = lambda queue: channel.queue_declare(queue, passive=True).method.message_count
    send = lambda key, body, **headers: channel.basic_publish("", "in", body, pika.BasicProperties(
        message_id=key, delivery_mode=2, content_type="text/plain", headers=headers))
    room.serve()
    try:
        for number in range(total // 2):
            send(f"m-{number}", f"body {number}")
        wait_for("some of it", lambda: count("out") >= total // 10, room)
        if level == "worker":
            room.stop(signal.SIGKILL)  # what is not acknowledged goes back to the queue
        for number in range(total // 2, total):
            send(f"m-{number}", f"body {number}")
        if level == "worker":
            room.serve()
        wait_for("all of it", lambda: count("out") >= total and count("in") == 0, room)
        send("m-0", "another body for the same id")
        send("m-x", "to where it may not go", to="rabbitmq:main//dead")
        wait_for("dead letters", lambda: count("dead") == 2, room)
        # The same again: the job is known, nothing new is made.
        send("m-1", "body 1")
        wait_for("the last one is taken", lambda: count("in") == 0, room)
        shown = json.loads(room.spindle("executions", "list", "--limit", "1000", "--json").stdout)
        entries = shown["executions"]
        check(len(entries) == total, "executions", len(entries))
        wait_for("all have succeeded", lambda: all(entry["state"] == "succeeded" for entry in json.loads(
            room.spindle("executions", "list", "--limit", "1000", "--json").stdout)["executions"]), room)
        bodies = [body.decode() for _, body in messages(channel, "out")]
        check(set(bodies) == {f"body {number}" for number in range(total)}, "lost", len(set(bodies)))
        inspected = json.loads(room.spindle("plugins", "inspect", "rabbitmq", "--json").stdout)
        report = json.dumps(inspected)
        check('"state": "running"' in report and '"refused": 1' in report and "idempotency key was used" in report, report)
        if level == "sandbox":
            durable(room, channel)
    finally:
        room.stop()


def durable(room, channel):
    channel.queue_declare("orders", durable=True)
    shown = room.shell(fence(root, "example", "durable")).stdout
    check(re.fullmatch(r"[0-9a-f-]{36}\n", shown), shown)
    wait_for("recipe durable", lambda: channel.queue_declare("orders", passive=True).method.message_count == 1, room)
    channel.queue_delete("orders")


def main():
    connection = connect()
    channel = connection.channel()
    channel.exchange_declare("allowed", "fanout", durable=True)
    channel.queue_declare("allowed-py", durable=True)
    channel.queue_bind("allowed-py", "allowed")
    responder = Responder()
    channel.queue_declare("prices")
    responder.start()
    for level in ["worker", "sandbox"]:
        executor(level, channel)
    channel.basic_publish("", "prices", b"stop")
    responder.join()
    check(len(list(messages(channel, "allowed-py"))) == 2, "allowed")
    for level, total in [("worker", 600), ("sandbox", 50)]:
        trigger(level, channel, total)
    connection.close()
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


main()
