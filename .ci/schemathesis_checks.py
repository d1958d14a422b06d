"""What schemathesis is told besides the description of the API, and what is counted of a run.

schemathesis loads it as its hooks; run by itself, it sums up the tallies that were left in a folder.
"""

import collections
import json
import os
import pathlib
import re
import sys

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

# The event that stays on sale, so that there is always something to be had. It is the first one, of which
# the operations of TicketBossJS sell.
KEPT_EVENT = "node-meetup-2025"

# A wait for a version that does not come takes so long, and no longer.
WAIT_SECONDS = 1
WAIT_SECONDS_MAX = 60

# What a request can be refused for though its form is right, besides 404 and 409, which are what is so:
# rules about values that no schema of the request can know.
RULES = {
    "seats_per_request": "an event says how many seats one request may take",
    "not_a_part": "a part is less than the reservation has",
    "precondition_failed": "If-Match names another version than the event's",
    "idempotency_key_reused": "the key, or the id that is one, was drawn before, for something else",
}

# The same of `invalid_request`: rules about two fields, names out of a list that is not ours, and the time.
FIELD_RULES = [
    # A tag goes without its quotes now and then, and is taken for one that follows the pattern.
    (r"", r"If-Match must be \*, or tags in quotes.*"),
    (r"/offSaleAt", r"must be after onSaleAt"),
    (r"\?to", r"must not be less than `from`"),
    (r"/seatsPerRequestMin", r"must not be above seatsPerRequestMax"),
    (r"/timeZone", r"must be a time zone, as in Europe/Berlin"),
    (r"/startsAt", r"must be a time.*|is no time in that time zone|does not exist in .*"),
    (r"/(startsAt|onSaleAt|offSaleAt)", r"must be between .*"),
    (r"\?since", r"must not be above [0-9]+"),
]

# Operations that cannot be done by schemathesis: it does not speak WebSocket.
NOT_DONE = {"followEventBySocket"}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a failure is one. A refusal by one of the rules is none, nor is it one that a reservation
    stays to be looked at after it was given up, as long as it is told as such."""
    if not isinstance(failure, (RejectedPositiveData, UseAfterFree)):
        return True
    if response.status_code == 304:
        return False
    try:
        told = response.json()
    except ValueError:
        return True
    if isinstance(failure, UseAfterFree):
        if "items" not in told:
            return told.get("status") != "cancelled"
        # A part of a history need not have its end, and has nothing where it begins behind that.
        is_part = "next" in told or not told["items"]
        return not is_part and told["items"][-1]["type"] != "cancelled"
    if told.get("code") == "invalid_request":
        # A header is no place in the body, so what is wrong with it stands in the detail alone.
        faults = told.get("errors") or [{"detail": told["detail"]}]
        return not all(is_by_rule(fault) for fault in faults)
    return told.get("code") not in RULES


def is_by_rule(fault):
    told = (fault.get("pointer", ""), fault.get("detail", ""))
    return any(
        re.fullmatch(pointer, told[0]) and re.fullmatch(detail, told[1])
        for pointer, detail in FIELD_RULES
    )


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """OpenAPI 3.1 has no word for the items of a stream, and schemathesis takes the schema of a stream for
    that of an item. The description says in words that each `data` is a FeedFrame; so it is judged."""
    item = {
        "type": "object",
        "properties": {
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/FeedFrame"},
            }
        },
    }
    for _, _, operation in operations(raw_schema):
        content = operation["responses"].get("200", {}).get("content", {})
        if "text/event-stream" in content:
            content["text/event-stream"]["schema"] = item


@schemathesis.hook
def before_call(context, case, kwargs):
    """Keeps waits short, and the kept event on sale."""
    query = case.query or {}
    if "waitVersion" in query and is_wait(query.get("waitSeconds", WAIT_SECONDS)):
        query["waitSeconds"] = WAIT_SECONDS
    if operation_id(case) in ("updateEvent", "blockSeats"):
        if case.path_parameters.get("eventId") == KEPT_EVENT:
            case.path_parameters["eventId"] = f"not-{KEPT_EVENT}"


def is_wait(seconds):
    text = str(seconds)
    return text.isascii() and text.isdigit() and 1 <= int(text) <= WAIT_SECONDS_MAX


def operation_id(case):
    return case.operation.definition.raw["operationId"]


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


@schemathesis.check
class Tally:
    """Counts what was done, and which links were followed to something that was done."""

    def __init__(self):
        self.done = collections.Counter()
        self.followed = collections.defaultdict(collections.Counter)

    def after_response(self, ctx, response, case):
        is_done = 200 <= response.status_code < 400
        self.done[operation_id(case)] += is_done
        recorder = ctx.internals.recorder
        node = recorder.cases.get(case.id) if recorder else None
        if node and node.transition and node.is_transition_applied:
            self.followed[node.transition.id][response.status_code] += 1

    def after_run(self, ctx):
        path = os.environ.get("TICKETBOSS_SCHEMATHESIS_TALLY")
        if path:
            tally = {"done": self.done, "followed": self.followed}
            pathlib.Path(path).write_text(json.dumps(tally))


def links(document):
    """The links of a description, as schemathesis calls them, and the operation that each leads to."""
    paths = {told["operationId"]: f"{method} {path}" for method, path, told in operations(document)}
    for method, path, operation in operations(document):
        for status, response in operation["responses"].items():
            for name, link in response.get("links", {}).items():
                goal = link["operationId"]
                yield f"{method} {path} -> [{status}] {name} -> {paths[goal]}", goal


def sum_up(folder):
    """Says what all runs together have reached. One in which all was refused would find nothing wrong, so
    each operation must have been done, and over a link, where links lead to it."""
    document = json.loads((folder / "openapi.json").read_text())
    done, followed = collections.Counter(), collections.defaultdict(collections.Counter)
    for path in folder.glob("tally-*.json"):
        tally = json.loads(path.read_text())
        done.update(tally["done"])
        for link, statuses in tally["followed"].items():
            followed[link].update(statuses)
    described = {operation["operationId"] for _, _, operation in operations(document)}
    goals = dict(links(document))
    led = {link for link in goals if arrived(followed[link])}
    not_done = {name for name in described - NOT_DONE if not done[name]}
    not_reached = set(goals.values()) - {goals[link] for link in led}
    print(
        f"{len(described - NOT_DONE - not_done)} of {len(described)} operations done; "
        f"{len(led)} of {len(goals)} links led to something done, "
        f"{sum(map(arrived, followed.values()))} of {sum(map(sum_of, followed.values()))} times"
    )
    for name in sorted(not_done):
        print(f"never done: {name}")
    for name in sorted(not_reached):
        print(f"never done over a link: {name}")
    for link in sorted(set(goals) - led):
        print(f"led to nothing: {link}: {dict(followed[link])}")
    return not not_done and not not_reached


def arrived(statuses):
    return sum(count for status, count in statuses.items() if int(status) < 400)


def sum_of(statuses):
    return sum(statuses.values())


if __name__ == "__main__":
    sys.exit(0 if sum_up(pathlib.Path(sys.argv[1])) else 1)
