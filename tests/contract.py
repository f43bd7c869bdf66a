"""contract.py - what the house promises of its REST API, docs/api/openapi.json, held against every
answer that a test gets: ask() is for clients of Python's own library, Watched for sockets that a
test writes to by hand, curl.py for curl.  Nobody else reads an answer; test_contract sees to that.
Reads the document as anybody would, with a validator that is not ours.

An answer to a path that is not in the document may only be a problem; so a route that is served
and not documented fails the first test that calls it."""

import functools
import json
import pathlib
import re
import sys

# Of Debian's python3-jsonschema; a python3 of somebody else does not look there by itself.
sys.path.append("/usr/lib/python3/dist-packages")

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent
SPEC = json.loads((ROOT / "docs/api/openapi.json").read_text())
# For those who watch over the house, on its own machine only: docs/metrics.md.
LOCAL = ("/healthz", "/readyz", "/metrics")
# Whose answers are a challenge's: docs/wire.md has what the house says in its place.
PUBLIC = "/api/challenges/"
# Of profile sdk-v1, which a house serves where it is set to: docs/wire.md has the members.
PROFILE = {"/attestation/challenge": {"nonce": str, "expires_at": int},
           "/attest": {"session_token": str, "attested": bool, "crypto": dict},
           "/results/heartbeat": {"accepted": bool},
           "/results/logs": {"stored": bool, "receipt": str, "digest": str},
           "/results/submit": {"stored": bool, "receipt": str, "digest": str}}
INSTANT = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3])(:[0-5]\d){2}"
                     r"(\.\d+)?(Z|[+-]\d{2}:\d{2})")

FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda text: not isinstance(text, str) or
                            INSTANT.fullmatch(text) is not None)
FORMATS.checks("uint64")(lambda text: not isinstance(text, str) or int(text) < 1 << 64)
FORMATS.checks("int64")(lambda text: not isinstance(text, str) or
                        -(1 << 63) <= int(text) < 1 << 63)


@functools.lru_cache(maxsize=None)
def validator(reference):
    schema = {"$ref": reference, "components": SPEC["components"]}
    return jsonschema.Draft202012Validator(schema, format_checker=FORMATS)


def operation(method, target):
    """The row of the document that a request is of, or None."""
    path = target.partition("?")[0]
    for template, methods in SPEC["paths"].items():
        parts = re.split(r"\{\w+\}", template)
        if re.fullmatch("[^/]+".join(map(re.escape, parts)), path):
            return methods.get(method.lower())
    return None


def response_of(method, target, status):
    """What the document says of such an answer; LookupError: nothing."""
    found = operation(method, target)
    if found is None and status < 400:
        raise LookupError(f"{method} {target} is served and not in the document")
    if found is None:  # what there is not is refused like all else
        return SPEC["components"]["responses"]["Problem"]
    said = found["responses"].get(str(status)) or found["responses"].get(f"{status // 100}XX")
    if said is None:
        raise LookupError(f"{method} {target} answers {status}, which is not in the document")
    if "$ref" in said:
        said = SPEC["components"]["responses"][said["$ref"].rpartition("/")[2]]
    return said


def check(method, target, status, media_type, body):
    """AssertionError when an answer is not what the document promises.  Of HEAD, and of what is
    not REST, nothing is promised."""
    path = target.partition("?")[0]
    if method == "HEAD" or path in LOCAL or (media_type or "").startswith("application/grpc"):
        return
    if path.startswith(PUBLIC) and media_type != "application/problem+json":
        return
    if path in PROFILE and (method, status, media_type) == ("POST", 200, "application/json"):
        said = {name: type(value) for name, value in json.loads(body).items()}
        if said != PROFILE[path]:
            raise AssertionError(f"{method} {target}: {said}")
        return
    try:
        content = response_of(method, target, status)["content"]
    except LookupError as missing:
        raise AssertionError(str(missing)) from None
    if media_type not in content:
        raise AssertionError(f"{method} {target}: {status} is {media_type}")
    try:
        validator(content[media_type]["schema"]["$ref"]).validate(json.loads(body))
    except (jsonschema.ValidationError, ValueError) as fault:
        raise AssertionError(f"{method} {target}: {str(fault)[:2000]}") from None


def answer(connection, method, target):
    """(status, fields, body) of what was asked over a connection of http.client."""
    said = connection.getresponse()
    body = said.read()
    check(method, target, said.status, said.getheader("content-type"), body)
    return said.status, said.headers, body


def ask(connection, method, target, body=None, fields=None):
    connection.request(method, target, body, dict(fields or {}))
    return answer(connection, method, target)


LINE = re.compile(rb"([A-Z]+) (\S+) HTTP/1\.[01]\r\n")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.I)
UNKNOWN = (None, None)


class Stream:
    """Both directions of a connection: each answer of HTTP/1 is held against the contract as soon as
    it is whole.  What a test sent that is no request may only be answered with a problem.  HTTP/2 is
    read by the client that speaks it."""

    def __init__(self):
        self.asked, self.out, self.back = [], b"", b""
        self.is_lost = False

    def sent(self, data):
        self.out += data
        while not self.is_lost and b"\r\n\r\n" in self.out:
            line, head = LINE.match(self.out), self.out.partition(b"\r\n\r\n")[0] + b"\r\n"
            if line is None:
                break
            self.asked.append((line[1].decode(), line[2].decode("latin-1")))
            lengths = LENGTH.findall(head)
            # Where a body's length is in doubt, so is where the next request begins.
            self.is_lost = len(lengths) > 1 or b"\ntransfer-encoding" in head.lower()
            self.out = self.out[len(head) + 2 + int((lengths or [b"0"])[0]):]

    def received(self, data):
        self.back += data
        while self.back.startswith(b"HTTP/1.") and b"\r\n\r\n" in self.back:
            top, _, rest = self.back.partition(b"\r\n\r\n")
            first, *lines = top.decode("latin-1").split("\r\n")
            status = int(first.split()[1])
            if status < 200:
                self.back = rest
                continue
            fields = {name.lower(): value.strip() for name, _, value in
                      (line.partition(":") for line in lines)}
            method, target = self.asked[0] if self.asked else UNKNOWN
            length = 0 if method == "HEAD" or status == 204 else int(fields["content-length"])
            if len(rest) < length:
                return
            self.back, self.asked = rest[length:], self.asked[1:]
            check(method or "?", target or "?", status, fields.get("content-type"), rest[:length])


class Watched:
    """A socket whose conversation is a Stream; all else is the socket's own."""

    def __init__(self, one):
        self.one, self.stream = one, Stream()

    def __getattr__(self, name):
        return getattr(self.one, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.one.close()

    def sendall(self, data):
        self.stream.sent(data)
        self.one.sendall(data)

    def recv(self, most):
        data = self.one.recv(most)
        self.stream.received(data)
        return data
