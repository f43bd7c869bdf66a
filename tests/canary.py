"""canary.py - finds a secret in what was written or shown, in any of the forms that a program gives
to bytes without meaning to: as they are, in hex, and in base64 at each of its three places."""

import base64


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
