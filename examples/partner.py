#!/usr/bin/env python3
"""A partner in Python, standard library alone: holds two seats, confirms them, and follows what happens.

    examples/partner.py http://127.0.0.1:8000 node-meetup-2025
"""

import http.client
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

SERVER = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
EVENT = f"{SERVER}/v1/events/{sys.argv[2] if len(sys.argv) > 2 else 'node-meetup-2025'}"
TRIES = 5
# No answer, half of one, or not the server's: urllib wraps what goes wrong in sending, and nothing after it.
LOST = (OSError, http.client.HTTPException, ValueError)


def answer_to(request):
    """Status and body of what the server says, which may be a refusal."""
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read()


def ask(method, path, body=None):
    """Asks until there is an answer. A key makes that safe: what is asked twice is done once."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    data = None if body is None else json.dumps(body).encode()
    for attempt in range(TRIES):
        try:
            status, said = answer_to(urllib.request.Request(EVENT + path, data, headers, method=method))
            if status < 300:
                return json.loads(said)
            if status < 500:
                # A problem (RFC 9457): `code` is for programs, `detail` for people.
                problem = json.loads(said)
                raise SystemExit(f"{problem['code']}: {problem['detail']}")
        except LOST:
            pass
        time.sleep(2**attempt / 10)
    raise SystemExit("the server does not answer")


def follow(since):
    """The frames after a version, for ever: whoever loses the connection goes on where he was."""
    while True:
        request = urllib.request.Request(EVENT + "/feed", headers={"Last-Event-ID": str(since)})
        try:
            # A sign of life comes every 15 seconds; after a minute without one the connection is dead.
            with urllib.request.urlopen(request, timeout=60) as lines:
                for line in lines:
                    word, _, value = line.decode().rstrip("\n").partition(": ")
                    if word == "id":
                        version = value
                    elif word == "data":
                        frame = json.loads(value)
                        # Only now: the connection may end between a version and its frame, or within it.
                        since = version
                        yield frame
        except urllib.error.HTTPError as refusal:
            if refusal.code < 500:
                raise SystemExit(f"the feed is refused: {refusal}") from refusal
        except LOST:
            pass
        time.sleep(1)


def main():
    since = ask("GET", "")["version"]
    held = ask("POST", "/reservations", {"partnerId": "python-partner", "seats": 2, "hold": 60})
    print(f"holds 2 seats as {held['reservationId']} until {held['expiresAt']}")
    print(ask("POST", f"/reservations/{held['reservationId']}/confirm")["status"])
    for frame in follow(since):
        if frame.get("reservationId") == held["reservationId"]:
            print(f"version {frame['version']}: {frame['type']}")
            if frame["type"] == "confirmed":
                return


if __name__ == "__main__":
    main()
