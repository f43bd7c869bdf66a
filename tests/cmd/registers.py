"""registers.py - the registers of a TD worked out as docs/wire.md says, by nothing of Ward's."""

import hashlib


def sha256(data):
    return hashlib.sha256(data).digest()


def sha384(data):
    return hashlib.sha384(data).digest()


def extended(*digests):
    """A register after these, in their order."""
    register = bytes(48)
    for digest in digests:
        register = sha384(register + digest)
    return register


def spoken(name, payload):
    """The digest of a run-time event."""
    return sha384(b"\x01\x00\x00\x08:" + name.encode() + b":" + payload)


def arguments_hash(arguments):
    """Each with its length before it."""
    return sha256(b"".join(len(one.encode()).to_bytes(4, "little") + one.encode() for one in arguments))
