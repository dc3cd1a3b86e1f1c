"""What server.py offers beyond single answers: tokens, pages that want them, and work that takes its time."""
import asyncio
import email
import json

tokens = {"given": 0, "good": 0, "asked": [], "waiting": 0}
jobs = {}
token_changed = asyncio.Condition()


def as_json(status, value, headers=()):
    body = json.dumps(value).encode()
    return status, [*headers, ("Content-Type", "application/json")], body


def seen_by(headers, name):
    return next((v for k, v in headers if k.lower() == name), None)


async def token(rest, headers, body):
    """/token/HOW: a number is the life of the token in seconds."""
    how, _, more = rest.partition("/")
    tokens["asked"].append({"authorization": seen_by(headers, "authorization"), "body": body.decode("latin-1"),
                            "type": seen_by(headers, "content-type")})
    if how == "refused":
        return as_json(401, {"error": "invalid_client", "error_description": "nobody knows you"})
    if how == "busy":
        return 503, [], b"busy"
    if how == "garbage":
        return 200, [], b"<html>this is no token</html>"
    if how == "mac":
        return as_json(200, {"access_token": "x", "token_type": "mac"})
    if how == "split":  # a token that would be two headers
        return as_json(200, {"access_token": "x\r\nX-Evil: 1", "token_type": "Bearer"})
    if how == "hang":
        return None
    if how == "gate":  # takes its time: requests gather outside meanwhile, and whoever comes later finds the token
        await asyncio.sleep(0.3)
    tokens["given"] += 1
    tokens["good"] = tokens["given"]
    answer = {"access_token": f"t{tokens['given']}", "token_type": "bearer"}
    if how.isdigit():
        answer["expires_in"] = int(how)
    return as_json(200, answer)


def secure(headers):
    """401 for all but the newest token that was not revoked."""
    given = seen_by(headers, "authorization")
    if given == f"Bearer t{tokens['good']}" and tokens["good"] > 0:
        return 200, [], f"welcome {given}".encode()
    return 401, [("WWW-Authenticate", "Bearer")], b"who are you?"


def begin(rest, port, method, body):
    """/work/KEY/STEPS/END[/OPTIONS]: 202, then STEPS answers that it goes on, then END."""
    key, steps, end, *options = rest.split("/")
    job = jobs.setdefault(key, {"sent": 0, "asked": 0, "headers": []})
    job.update(sent=job["sent"] + 1, left=int(steps), end=end, options=options, method=method, body=body.decode("latin-1"))
    headers = [] if "nowhere" in options else [("Location", f"/job/{key}")]
    if "elsewhere" in options:
        headers = [("Location", f"http://good.test:{port}/job/{key}")]
    if "bad" in options:
        headers = [("Location", "http://169.254.169.254/job")]
    if "now" in options:
        return as_json(200, {"state": "at once"})
    return 202, headers, b"accepted"


def ask(key, headers):
    job = jobs.get(key)
    if job is None:
        return 404, [], b"no such job"
    if "secure" in job["options"] and seen_by(headers, "authorization") != f"Bearer t{tokens['good']}":
        return 401, [], b"who are you?"
    tokens["good"] = -1 if "secure" in job["options"] else tokens["good"]  # good for one question
    job["asked"] += 1
    job["headers"] = [[k, v] for k, v in headers]
    stated = "state" in job["options"]
    if "flaky" in job["options"] and job["asked"] % 2 == 1:
        return 503, [], b"not now"
    if "dead" in job["options"]:
        return 503, [], b"not now"
    if job["left"] > 0:
        job["left"] -= 1
        later = [("Retry-After", "1")] if "later" in job["options"] else []
        return as_json(200 if stated else 202, {"job": {"state": "Running"}}, later)
    if "silent" in job["options"]:
        return as_json(200, {"something": "else"})
    if job["end"] == "redirect":
        return 303, [("Location", "/status/200")], b""
    if job["end"] == "gone":
        return 410, [], b"gone"
    return as_json(200, {"job": {"state": job["end"]}, "result": 42})


def parts(headers, body):
    """The fields of a multipart form, as a line for each."""
    message = email.message_from_bytes(b"Content-Type: " + seen_by(headers, "content-type").encode() + b"\r\n\r\n" + body)
    lines = []
    for part in message.get_payload():
        name, file = part.get_param("name", header="content-disposition"), part.get_filename()
        size = len(part.get_payload(decode=True))
        lines.append(f"{name}: {size} bytes" + (f", {file}, {part.get_content_type()}" if file else ""))
    return "\n".join(lines) + "\n"


def recipe(name, rest, path, headers, body):
    """What the recipes of the page ask for; None if it is none of them."""
    if name == "customers":
        return 200, [], f"you asked for {path}\n".encode()
    if name == "reports":
        return 201, [], parts(headers, body).encode()
    if name == "orders":
        status, more, _ = secure(headers)
        return status, more, f"order {rest}, for a client with a good token\n".encode() if status == 200 else b"who are you?\n"
    if name == "health":
        return 200, [], b'{"status": "starting"}\n'
    if name == "locked":
        jobs.setdefault("locked", {"asked": 0})["asked"] += 1
        return (423, [], b"locked\n") if jobs["locked"]["asked"] % 2 == 1 else (200, [], b"works now\n")
    if name == "exports":
        jobs["export"] = {"left": 2}
        return 202, [("Location", "/exported")], b""
    if name == "exported":
        jobs["export"]["left"] -= 1
        state = "running" if jobs["export"]["left"] > 0 else "succeeded"
        return 200, [], (json.dumps({"state": state, "rows": 3}) + "\n").encode()
    return None


async def respond(name, rest, path, method, headers, body, port):
    """(status, headers, body); None to hang; False if the name is not one of these."""
    if name == "token":
        return await token(rest, headers, body)
    if name == "tokens":
        return as_json(200, tokens)
    if name == "revoke":
        tokens["good"] = -1
        return 200, [], b"revoked"
    if name == "secure":
        return secure(headers)
    if name == "work":
        return begin(rest, port, method, body)
    if name == "job":
        return ask(rest, headers)
    if name == "jobs":
        return as_json(200, jobs.get(rest, {}))
    return recipe(name, rest, path, headers, body) or False
