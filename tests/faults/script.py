"""The script of a fault run: which request is of which kind and meets which fault, and what a whole
right answer to it is. Client and upstream both work it out from the request's number alone, so that
every contestant meets the same."""

import hashlib
import random

KINDS = ("chat", "chat", "chat", "stream", "stream", "upload")  # chosen evenly

# What the upstream does, each to an even share of the faulty requests, the first time it sees one:
# a proxy that sends a request once more where it may meets no second fault.
FAULTS = {
    "reset_before_head": "RST instead of an answer",
    "reset_in_body": "RST within the answer",
    "end_in_body": "the connection ends in order within the answer",
    "close_reused": "a kept connection ends as the request arrives on it",
    "close_idle": "the connection ends a moment after an answer, as others come",
    "stall_head": "no answer for ever",
    "stall_body": "half an answer, then nothing for ever",
    "drip": "the answer's last bytes come one a second",
    "early_413": "413 before the request's body is complete",
    "status_429": "429 with Retry-After",
    "status_500": "500",
    "garbage": "an answer that is no HTTP",
    "extra": "a second answer behind the first one, which nobody asked for",
}
DRIP_BYTES = 3
SILENCE_SECONDS = 2  # how long every contestant waits for the upstream
EVENTS = 20


def fault_of(number, share):
    chance = random.Random(number * 2 + 1)
    return chance.choice(list(FAULTS)) if chance.random() < share else ""


def kind_of(number, fault):
    # Only an upload has a body that is not there at once.
    return "upload" if fault == "early_413" else random.Random(number * 2).choice(KINDS)


def request_body(number, kind):
    size = 16_384 + number % 32_768 if kind == "upload" else 300 + number % 500
    unit = hashlib.sha256(b"request %d" % number).hexdigest().encode()
    return (unit * (size // len(unit) + 1))[:size]


def pieces(number, kind, body):
    """The right answer's body, as the upstream sends it piece by piece."""
    digest = hashlib.sha256(b"%d %s" % (number, hashlib.sha256(body).digest())).hexdigest()
    if kind == "stream":
        events = [f'data: {{"number": {number}, "event": {i}, "digest": "{digest}"}}\n\n'.encode()
                  for i in range(EVENTS)]
        return events + [b"data: [DONE]\n\n"]
    times = 4 if kind == "upload" else 10 + number % 30
    return [f'{{"number": {number}, "digest": "{digest * times}"}}'.encode()]


def refusal(number, status):
    """What the upstream says with a status of its own."""
    return b'{"error": {"message": "%d of request %d"}}' % (status, number)


STATUSES = {"early_413": 413, "status_429": 429, "status_500": 500}
