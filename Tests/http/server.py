"""A server that misbehaves on demand. Prints its port; ends when its standard input closes."""
import asyncio
import email.utils
import gzip
import json
import sys
import time
import urllib.parse
import zlib

import services

seen = {"connections": 0, "open_hangs": 0, "closed_hangs": 0, "inside": 0, "most_inside": 0}
hang_changed = asyncio.Condition()


def head(status, headers=(), reason="X"):
    lines = [f"HTTP/1.1 {status} {reason}"] + [f"{k}: {v}" for k, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(status, body=b"", headers=()):
    return head(status, [*headers, ("Content-Length", len(body))]) + body


async def respond(method, path, headers, body, writer, port):
    name, _, rest = path.partition("?")[0][1:].partition("/")
    service = await services.respond(name, rest, path, method, headers, body, port)
    if service is None:
        name = "hang"
    elif service:
        status, more, text = service
        return whole(status, text, more)
    if name == "json":
        return whole(200, urllib.parse.unquote(rest).encode(), [("Content-Type", "application/json"), ("X-Kind", "a b")])
    if name == "length":
        return whole(200, str(len(body)).encode())
    if name == "slow":
        await asyncio.sleep(0.5)
        return whole(200, b"at last")
    if name == "broken":  # a long answer that breaks off, and the whole of it when it is asked for again
        job = services.jobs.setdefault("broken", {"asked": 0})
        job["asked"] += 1
        if job["asked"] == 1:
            return head(200, [("Content-Length", 3000000), ("Connection", "close")]) + b"x" * 2000000
        return whole(200, b"y" * 3000000)
    if name == "limited":  # how many were here at once at most
        seen["inside"] += 1
        seen["most_inside"] = max(seen["most_inside"], seen["inside"])
        await asyncio.sleep(0.02)
        seen["inside"] -= 1
        return whole(200, str(seen["most_inside"]).encode())
    if name == "status":
        return whole(int(rest), b"body of " + rest.encode() + b' "q" \x01\xff')
    if name == "after":
        return whole(503, b"wait", [("Retry-After", rest)])
    if name == "afterdate":
        return whole(429, b"", [("Retry-After", email.utils.formatdate(time.time() + int(rest), usegmt=True))])
    if name == "echo":
        pairs = [[k, v] for k, v in headers]
        text = json.dumps({"method": method, "path": path, "headers": pairs, "body": body.decode("latin-1")})
        return whole(200, text.encode(), [("Content-Type", "application/json"), ("X-Twice", "a"), ("X-Twice", "b"),
                                          ("Set-Cookie", "session=hidden")])
    if name == "gzip":
        return whole(200, gzip.compress(b"hello gzip " * 100), [("Content-Encoding", "gzip")])
    if name == "deflate":
        return whole(200, zlib.compress(b"hello deflate " * 100), [("Content-Encoding", "deflate")])
    if name == "zstd":
        return whole(200, b"\x28\xb5\x2f\xfd", [("Content-Encoding", "zstd")])
    if name == "badgzip":
        return whole(200, b"this is not gzip at all", [("Content-Encoding", "gzip")])
    if name == "bomb":
        return whole(200, gzip.compress(b"\0" * (64 << 20)), [("Content-Encoding", "gzip")])
    if name == "smallbomb":
        return whole(200, gzip.compress(b"\0" * (800 << 10)), [("Content-Encoding", "gzip")])
    if name == "big":
        return whole(200, bytes(i % 251 for i in range(251)) * (int(rest) // 251 + 1))
    if name == "chunked":
        writer.write(head(200, [("Transfer-Encoding", "chunked")]))
        for piece in (b"one", b"two", b"three"):
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
        return b"0\r\n\r\n"
    if name == "hang" or name == "slowbody":
        async with hang_changed:
            seen["open_hangs"] += 1
            hang_changed.notify_all()
        if name == "slowbody":
            writer.write(head(200, [("Content-Length", 100)]) + b"part")
            await writer.drain()
        return None
    if name == "hangs":  # answers when so many hang; then when so many of them were closed
        which, count = rest.split("/")
        async with hang_changed:
            await hang_changed.wait_for(lambda: seen[which] >= int(count))
        return whole(200, json.dumps(seen).encode())
    if name == "reset":
        writer.transport.abort()
        return b""
    if name == "partial":
        return head(200, [("Content-Length", 100), ("Connection", "close")]) + b"only this"
    if name == "garbage":
        return b"SSH-2.0-OpenSSH_9.2\r\n\r\n"
    if name == "headers":
        return whole(200, b"", [(f"X-H{i}", "v" * 500) for i in range(int(rest))])
    if name == "interim":
        return head(103, [("Link", "</a>")]) + whole(200, b"final")
    if name == "to":  # /to/STATUS/URL
        status, _, url = rest.partition("/")
        url = urllib.parse.unquote(url)
        return whole(int(status), b"moved", [("Location", url.replace("PORT", str(port)))])
    if name == "chain":
        n = int(rest)
        return whole(200, b"end of chain") if n == 0 else whole(302, b"x" * 500, [("Location", f"/chain/{n - 1}")])
    if name == "loop":
        return whole(302, b"", [("Location", "/loop")])
    if name == "nolocation":
        return whole(302, b"")
    if name == "seen":
        return whole(200, json.dumps(seen).encode())
    return whole(404, b"no such route")


async def serve(reader, writer):
    port = writer.get_extra_info("sockname")[1]
    seen["connections"] += 1
    try:
        while first := await reader.read(1):
            if first == b"\x16":  # a TLS handshake; it may hold no line end to wait for
                writer.write(b"this is not TLS\r\n")
                break
            line = first + await reader.readline()
            method, path, _ = line.decode("latin-1").split(" ", 2)
            headers = []
            while (line := await reader.readline()) not in (b"\r\n", b""):
                k, _, v = line.decode("latin-1").rstrip("\r\n").partition(":")
                headers.append((k, v.strip()))
            length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
            body = await reader.readexactly(length) if length else b""
            answer = await respond(method, path, headers, body, writer, port)
            if answer is None:
                await reader.read(1)
                async with hang_changed:
                    seen["closed_hangs"] += 1
                    hang_changed.notify_all()
                break
            if method == "HEAD":
                answer = answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" in answer[:500]:
                break
    except (ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


async def listen(addresses):
    """One port on all of them, chosen by the kernel for the first."""
    while True:
        servers = [await asyncio.start_server(serve, addresses[0], 0, backlog=2048, limit=1 << 20)]
        port = servers[0].sockets[0].getsockname()[1]
        try:
            for address in addresses[1:]:
                servers.append(await asyncio.start_server(serve, address, port, backlog=2048, limit=1 << 20))
            return port
        except OSError:  # somebody has it there
            for server in servers:
                server.close()


async def main():
    count = 5 if "--all" in sys.argv else 1  # several origins
    print(await listen([f"127.0.0.{n + 1}" for n in range(count)]), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
