#!/usr/bin/env python3
"""A partner in Python, standard library alone: holds two seats, confirms them, and follows what happens.

    examples/partner.py http://127.0.0.1:8000 node-meetup-2025
"""

import json
import sys
import time
import urllib.error
import urllib.request
import uuid

SERVER = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
EVENT = f"{SERVER}/v1/events/{sys.argv[2] if len(sys.argv) > 2 else 'node-meetup-2025'}"
TRIES = 5


def ask(method, path, body=None):
    """Asks until there is an answer. A key makes that safe: what is asked twice is done once."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
    data = None if body is None else json.dumps(body).encode()
    for attempt in range(TRIES):
        request = urllib.request.Request(EVENT + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            if refused.code != 503:
                # A problem (RFC 9457): `code` is for programs, `detail` for people.
                problem = json.load(refused)
                raise SystemExit(f"{problem['code']}: {problem['detail']}") from refused
        except urllib.error.URLError:
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
                        since = value
                    elif word == "data":
                        yield json.loads(value)
        except urllib.error.HTTPError as refused:
            raise SystemExit(f"the feed is refused: {refused}") from refused
        except OSError:
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
