#!/usr/bin/env python3
"""channel.py - the cases of suite channel that need a whole house: messages end to end against an
echo that has the same TLS and WebSockets and nothing else, and what a channel costs that says
nothing.

Called by bench/run; prints the lines that bench.h describes. A rate is that of the server's own CPU
time: the client, which is Python, changes nothing of it."""

import ctypes
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path += [str(HERE.parent / "tests"), str(HERE.parent / "tests/proc")]

import house as houses

MESSAGE, MESSAGES = 1024, 400  # one after the other, each answered
IDLE, IDLE_WARM, IDLE_BYTES = 100, 10, 32 << 10
FREE = [f"limit.{name}=1000000" for name in
        ("requests_per_second", "requests_burst", "connects_per_second", "connects_burst",
         "connections_per_address")] + ["limit.idle_seconds=3600"]


def peers(bench):
    """The clients of the tests, which want to know where the build is."""
    os.environ["WARD_BUILD"] = str(bench.build)
    # Both are called house; theirs stands under its name while they are read.
    mine = sys.modules.pop("house")
    sys.path.insert(0, str(HERE.parent / "tests/proc"))
    try:
        import linked
        import peer
    finally:
        sys.modules["house"] = mine
    sodium = ctypes.CDLL("libsodium.so.23")

    def seal(key, nonce, plain, extra):
        """Much faster than by hand, and the same."""
        out, size = ctypes.create_string_buffer(len(plain) + 16), ctypes.c_ulonglong()
        assert sodium.crypto_aead_chacha20poly1305_ietf_encrypt(
            out, ctypes.byref(size), plain, ctypes.c_ulonglong(len(plain)), extra,
            ctypes.c_ulonglong(len(extra)), None, nonce, key) == 0
        return out.raw
    return linked, peer, seal


def retried(linked, make):
    """Tee makes ten quotes a second, for the house and for its peers."""
    while True:
        try:
            return make()
        except linked.peer.PeerRefused:
            time.sleep(0.3)


class Room(houses.House):
    """A house of the bench that lets in who is vouched for by its own TEE."""

    def __init__(self, bench, linked):
        self.policy_file = bench.build / "channel-bench.toml"
        self.policy_file.write_text(linked.NOTHING)
        super().__init__(bench, f"channel.policy={self.policy_file}", *FREE)
        self.as_tests = linked.House.__new__(linked.House)
        self.as_tests.state, self.as_tests.port = self.state, self.port
        self.as_tests.policy_file = self.policy_file
        self.as_tests.policy(self.as_tests.own())


def messages(bench):
    """Messages a second of the server's time, ours and the echo's."""
    linked, peer, seal = peers(bench)
    subprocess.run(["ninja", "-C", bench.build, "--quiet", "bench/channel_echo"], check=True,
                   stdout=subprocess.DEVNULL)
    echo = subprocess.Popen([bench.build / "bench/channel_echo"], stdout=subprocess.PIPE, text=True)
    try:
        port = int(echo.stdout.readline())
        houses.pin([echo.pid], bench.core)
        with Room(bench, linked) as house:
            end = retried(linked, lambda: linked.Peer(house.as_tests))
            peer.seal = seal
            text = "x" * (MESSAGE - len(json.dumps({"type": "ping", "text": ""})))
            plain = json.dumps({"type": "ping", "text": text}).encode()
            other = object.__new__(linked.House)
            other.state, other.port = house.state, port
            context = houses.ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, houses.ssl.CERT_NONE
            plainly = linked.Socket(other, context=context)

            def turn(who, pid, make):
                frames = [who.frame(make()) for _ in range(MESSAGES)]
                before = houses.cpu_seconds([pid])
                for frame in frames:
                    who.end.sendall(frame)
                    who.receive()
                return (houses.cpu_seconds([pid]) - before) / MESSAGES

            class Turns:
                def __init__(self, *words):
                    self.words = words

                def once(self):
                    return turn(*self.words)
            value, limit = bench.in_turns(
                Turns(end, house.front(), lambda: end.channel.send(plain)),
                Turns(plainly, echo.pid, lambda: plain))
            house.check()
    finally:
        echo.kill()
        echo.wait()
    return 1 / value, 1 / limit


def idle(bench):
    """Bytes of ward-front for each open channel that says nothing, over an idle connection."""
    linked, _, _ = peers(bench)
    with Room(bench, linked) as house:
        make = lambda: retried(linked, lambda: linked.Peer(house.as_tests))
        held = [make() for _ in range(IDLE_WARM)]
        before = houses.rss_bytes(house.front())
        for _ in range(IDLE):
            held.append(house.as_tests.socket())
            held[-1].sendall(b"GET /v1/system/ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
            held[-1].recv(4096)
        plain = houses.rss_bytes(house.front())
        for _ in range(IDLE):
            held.append(make())
            held[-1].ask(type="ping")
        time.sleep(0.5)
        after = houses.rss_bytes(house.front())
        house.check()
    each = (after - plain - (plain - before)) / IDLE
    houses.remark(f"channel-idle: {(plain - before) / IDLE:.0f} bytes of an idle connection beside")
    return each, IDLE_BYTES


CASES = {"channel-end-to-end": messages, "channel-idle": idle}


if __name__ == "__main__":
    sys.exit(houses.main(CASES, "channel.py"))
