"""canary.py - finds a secret in what was written or shown, in any of the forms that a program gives
to bytes without meaning to: as they are, in hex, and in base64 at each of its three places; whole, or
16 bytes of it in a row."""

import base64
import contextlib

STEP = 8


def forms(secret):
    raw = secret if isinstance(secret, bytes) else secret.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + raw)
        inner = coded[-(-4 * shift // 3) + (shift > 0):len(coded) - 4]
        yield inner
        yield inner.translate(bytes.maketrans(b"+/", b"-_"))


def holds(text, secret):
    return [form for form in dict.fromkeys(forms(secret)) if form in text]


def parts_of(secret):
    """{form: its part}: parts of a secret one of which is in any 16 bytes of it, in every form."""
    raw = secret if isinstance(secret, bytes) else secret.encode()
    parts = [raw[at:at + STEP] for at in range(0, len(raw) - STEP + 1, STEP)]
    return {form: part for part in parts for form in forms(part)}


def memory_of(pid, most=1 << 28):
    """Every byte that process can be made to show, but of mappings that are larger, and of the
    kernel's."""
    whole = bytearray()
    with open(f"/proc/{pid}/mem", "rb", 0) as memory, open(f"/proc/{pid}/maps", encoding="ascii") as maps:
        for row in maps:
            start, end = (int(word, 16) for word in row.split()[0].split("-"))
            if "[v" in row or end - start > most:
                continue
            with contextlib.suppress(OSError, OverflowError):  # a guard page
                memory.seek(start)
                whole += memory.read(end - start)
    return bytes(whole)
