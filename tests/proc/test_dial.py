"""test_dial.py - ward-dial with core and front played here: it goes where ward.toml says and nowhere
else, whatever core asks and wherever names lead, and hands over a connected socket once."""

import contextlib
import os
import select
import signal
import socket
import struct
import time
import unittest

import fetcher
import tap
from fetcher import OUTWARD, Alone, Names
from lockbox import REASONS

CORE, FRONT = 4, 5
DIAL, CONNECTED, DIALED = 0xA00, 0xA01, 0xA02
PASS, PASSED, REFUSED = 0xA04, 0xA05, 0xA06
HOLE = "127.0.0.9"


class Dialer(Alone):
    def __init__(self, *urls, **more):
        super().__init__("dial", [CORE, FRONT],
                         peers=[{"name": f"p{n}", "url": url, **more} for n, url in enumerate(urls)])

    def ask(self, peer=0, ms=3000):
        self.ident += 1
        self.peers[CORE].send(DIAL, self.ident, struct.pack("<BI", peer, ms))
        return self.ident

    def hear(self, seconds=10):
        """(id, reason, detail) of the next answer; of what front got meanwhile see `handed`."""
        frame = self.peers[CORE].read(seconds)
        assert frame is not None and frame[0] == DIALED, (frame, self.said())
        reason, size = struct.unpack_from("<HI", frame[2])
        assert len(frame[2]) == 6 + size
        return frame[1], REASONS[reason], frame[2][6:].decode()

    def handed(self, seconds=0.3):
        """(id, peer, socket) that front was handed, or None."""
        frame = self.peers[FRONT].read(seconds)
        if frame is None:
            return None
        fds = self.peers[FRONT].fds
        assert frame[0] == CONNECTED and len(frame[2]) == 1 and len(fds) == 1, (frame, fds)
        return frame[1], frame[2][0], socket.socket(fileno=fds.pop())

    def dial(self, peer=0, ms=3000):
        ident = self.ask(peer, ms)
        got = self.hear(ms / 1000 + 3)
        assert got[0] == ident
        return got[1:]


def listener(address="127.0.0.1", port=0):
    return socket.create_server((address, port))


def port_of(one):
    return one.getsockname()[1]


@contextlib.contextmanager
def hole(port=0):
    """The port of one at HOLE who neither takes nor refuses: his queue is full."""
    with contextlib.ExitStack() as held:
        one = held.enter_context(socket.create_server((HOLE, port), backlog=0))
        for _ in range(4):
            filler = held.enter_context(socket.socket())
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                filler.connect(one.getsockname())
            time.sleep(0.02)
        yield port_of(one)


class TestDial(unittest.TestCase):
    def assert_handed(self, dial, server, peer=0):
        """A connection to that server was handed over, and is of more use to nobody else."""
        ident = dial.ident
        got = dial.handed(3)
        self.assertIsNotNone(got, dial.said())
        self.assertEqual(got[:2], (ident, peer))
        with got[2] as mine:
            theirs, _ = server.accept()
            with theirs:
                self.assertEqual(mine.getpeername(), theirs.getsockname())
                mine.sendall(b"hello")
                self.assertEqual(theirs.recv(9), b"hello")
                self.assertFalse(os.get_blocking(mine.fileno()))
                # Nobody kept a copy: the end comes when this one is closed.
                mine.close()
                self.assertTrue(select.select([theirs], [], [], 5)[0])
                self.assertEqual(theirs.recv(9), b"")
        self.assertIsNone(dial.handed())

    def test_an_address_that_is_written(self):
        with listener() as server, Dialer(f"ws://127.0.0.1:{port_of(server)}/x") as dial:
            self.assertEqual(dial.dial(), ("OK", ""))
            self.assert_handed(dial, server)
            self.assertEqual(dial.dial(), ("OK", ""))  # and again
            self.assert_handed(dial, server)
            self.assertEqual(dial.stop(), 0)

    def test_each_by_its_number(self):
        with listener() as one, listener(OUTWARD) as two, \
                Dialer(f"ws://localhost:{port_of(one)}", "ws://127.0.0.1:9",
                       f"wss://{OUTWARD}:{port_of(two)}") as dial:
            for peer, server in ((2, two), (0, one), (2, two)):
                self.assertEqual(dial.dial(peer), ("OK", ""))
                self.assert_handed(dial, server, peer)

    def test_several_at_once(self):
        """One that never answers keeps nobody else waiting, nor itself from being asked for again."""
        with listener() as server, hole() as port, \
                Dialer(f"wss://{HOLE}:{port}", f"ws://127.0.0.1:{port_of(server)}") as dial:
            slow = dial.ask(0, 1500)
            self.assertEqual(dial.dial(1), ("OK", ""))
            self.assert_handed(dial, server, 1)
            again = dial.ask(0, 1500)
            self.assertEqual(dial.hear()[:2], (again, "HOUSE_UNAVAILABLE"))
            self.assertEqual(dial.hear(5)[:2], (slow, "PEER_SLOW"))
            self.assertIsNone(dial.handed())
            begun = time.monotonic()
            self.assertEqual(dial.dial(0, 700)[0], "PEER_SLOW")
            self.assertTrue(0.6 < time.monotonic() - begun < 2.5)

    def test_nobody_there(self):
        with listener() as server:
            port = port_of(server)
        with Dialer(f"ws://127.0.0.1:{port}") as dial:
            self.assertEqual(dial.dial()[0], "PEER_UNREACHABLE")
            self.assertIsNone(dial.handed())

    def test_where_a_name_leads(self):
        # A name that changes its mind is looked at anew each time, and as a whole.
        table = {"peer.example": [OUTWARD]}
        bad = (["127.0.0.1"], [OUTWARD, "127.0.0.1"], ["169.254.169.254"], ["::1"], ["10.0.0.1"],
               ["::ffff:127.0.0.1"], ["0.0.0.0"], [OUTWARD, "fd00::1"])
        with Names(table) as names, listener("0.0.0.0") as server:
            with Dialer(f"wss://peer.example:{port_of(server)}/x") as dial:
                self.assertEqual(dial.dial(), ("OK", ""))
                self.assert_handed(dial, server)
                for addresses in bad:
                    table["peer.example"] = addresses
                    self.assertEqual(dial.dial(), ("PEER_INWARD", ""), addresses)
                    self.assertIsNone(dial.handed(0.05))
                table["peer.example"] = []
                self.assertEqual(dial.dial()[0], "PEER_NAME")
                names.long.add("peer.example")
                table["peer.example"] = ["127.0.0.1"]
                self.assertEqual(dial.dial(), ("PEER_INWARD", ""))
                self.assertGreater(names.streamed, 0)
                table["peer.example"] = [OUTWARD]
                self.assertEqual(dial.dial(), ("OK", ""))
                self.assert_handed(dial, server)
            self.assertEqual(set(names.asked), {"peer.example"})
            # Nobody connected meanwhile.
            server.settimeout(0.1)
            self.assertRaises(TimeoutError, server.accept)
            server.settimeout(None)
            with Dialer(f"wss://peer.example:{port_of(server)}/x", inward=True) as dial:
                table["peer.example"] = ["127.0.0.1"]
                self.assertEqual(dial.dial(), ("OK", ""))
                self.assert_handed(dial, server)
                table["peer.example"] = ["169.254.169.254"]
                self.assertEqual(dial.dial()[0], "PEER_INWARD")

    def test_plain_stays_inside(self):
        table = {"peer.example": [OUTWARD]}
        with Names(table), listener("0.0.0.0") as server, \
                Dialer(f"ws://peer.example:{port_of(server)}", inward=True) as dial:
            self.assertEqual(dial.dial()[0], "PEER_INWARD")
            table["peer.example"] = ["127.0.0.1", OUTWARD]
            self.assertEqual(dial.dial()[0], "PEER_INWARD")
            table["peer.example"] = ["127.0.0.1"]
            self.assertEqual(dial.dial(), ("OK", ""))
            self.assert_handed(dial, server)

    def test_a_name_that_is_late(self):
        """The attempt ends by its deadline; the look-up is used up, and the next one is a new one."""
        table = {"peer.example": None}
        with Names(table), listener(OUTWARD) as server, \
                Dialer(f"wss://peer.example:{port_of(server)}") as dial:
            self.assertEqual(dial.dial(0, 300), ("PEER_SLOW", "its name servers took too long"))
            table["peer.example"] = [OUTWARD]
            for _ in range(40):
                if dial.dial(0, 1000) == ("OK", ""):
                    break
            self.assert_handed(dial, server)

    def test_one_silent_address_among_others(self):
        with Names({"peer.example": [HOLE, OUTWARD]}), listener(OUTWARD) as server, \
                hole(port_of(server)) as port, \
                Dialer(f"wss://peer.example:{port}", inward=True) as dial:
            self.assertEqual(dial.dial(), ("OK", ""))
            self.assert_handed(dial, server)

    def test_front_that_is_gone_or_does_not_take(self):
        with listener() as server, Dialer(f"ws://127.0.0.1:{port_of(server)}") as dial:
            dial.peers[FRONT].end.close()
            time.sleep(0.1)
            self.assertEqual(dial.dial()[0], "HOUSE_UNAVAILABLE")
            dial.connect(FRONT)
            server.accept()[0].close()
            self.assertEqual(dial.dial(), ("OK", ""))
            self.assert_handed(dial, server)
            # One that reads nothing: what is too much is closed, and said not to be handed over.
            taken = 0
            while dial.dial()[0] == "OK":
                server.accept()[0].close()
                taken += 1
                self.assertLess(taken, 1000)
            self.assertGreater(taken, 0)
            handed = [dial.handed() for _ in range(taken)]
            self.assertTrue(all(handed) and dial.handed() is None)
            for one in handed:
                one[2].close()
            self.assertLess(len(os.listdir(f"/proc/{dial.process.pid}/fd")), 20)

    def test_core_that_is_another_one(self):
        """What the one before asked for is answered to nobody, and front gets nothing for it."""
        with listener() as server, hole() as port, \
                Dialer(f"wss://{HOLE}:{port}", f"ws://127.0.0.1:{port_of(server)}") as dial:
            dial.ask(0, 1000)
            dial.connect(CORE)
            self.assertEqual(dial.dial(1), ("OK", ""))
            self.assert_handed(dial, server, 1)
            self.assertIsNone(dial.peers[CORE].read(1.5))
            self.assertEqual(dial.dial(0, 300)[0], "PEER_SLOW")

    def test_requests_beside_the_channel(self):
        """Many at once to where the public routes are, each answered to front."""
        with listener() as server, listener(OUTWARD) as public, \
                Dialer(f"ws://127.0.0.1:{port_of(server)}",
                       public=f"https://{OUTWARD}:{port_of(public)}") as dial:
            for ident in range(100, 108):
                dial.peers[CORE].send(PASS, ident, struct.pack("<BI", 0, 3000))
            got = {}
            for _ in range(8):
                message, ident, body = dial.peers[FRONT].read(5)
                self.assertEqual((message, body), (PASSED, b"\0"))
                got[ident] = socket.socket(fileno=dial.peers[FRONT].fds.pop())
                public.accept()[0].close()
            self.assertEqual(set(got), set(range(100, 108)))
            for one in got.values():
                one.close()
            self.assertEqual(dial.dial(), ("OK", ""))
            self.assert_handed(dial, server)
            public.close()
            dial.peers[CORE].send(PASS, 7, struct.pack("<BI", 0, 3000))
            message, ident, body = dial.peers[FRONT].read(5)
            self.assertEqual((message, ident, REASONS[struct.unpack_from("<BH", body)[1]]),
                             (REFUSED, 7, "PEER_UNREACHABLE"))

    def test_a_request_outlives_core(self):
        with hole() as port, listener() as server, \
                Dialer(f"ws://127.0.0.1:{port_of(server)}", public=f"https://{HOLE}:{port}") as dial:
            dial.peers[CORE].send(PASS, 7, struct.pack("<BI", 0, 1500))
            self.assertEqual(dial.dial(), ("OK", ""))  # by when it has read the other one
            dial.handed()[2].close()
            dial.connect(CORE)
            message, ident, body = dial.peers[FRONT].read(5)
            self.assertEqual((message, ident, REASONS[struct.unpack_from("<BH", body)[1]]),
                             (REFUSED, 7, "PEER_SLOW"))

    def test_nothing_stays_open(self):
        """After each attempt it has the descriptors that it had before."""
        with listener() as server, Dialer(f"ws://127.0.0.1:{port_of(server)}") as dial:
            before = set(os.listdir(f"/proc/{dial.process.pid}/fd"))
            self.assertEqual(dial.dial(), ("OK", ""))
            self.assert_handed(dial, server)
            self.assertEqual(set(os.listdir(f"/proc/{dial.process.pid}/fd")), before)
            with contextlib.suppress(ProcessLookupError):
                os.kill(dial.process.pid, signal.SIGHUP)  # ignored: the monitor alone decides
            self.assertEqual(dial.stop(), 0)


if __name__ == "__main__":
    fetcher.move_apart()
    tap.main()
