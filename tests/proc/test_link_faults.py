"""test_link_faults.py - what becomes of peers in channels when the policy is another one, and when a
process of the house falls, stands still or cannot write."""

import contextlib
import os
import signal
import time

import house as houses
import linked
import signer
import tap
from linked import Peer, refusal
from test_link import Link


class House(Link):
    def fell(self, name):
        """Kills a process and waits for the next one."""
        pid = houses.until(lambda: self.house.processes().get(name), 20)
        os.kill(pid, signal.SIGKILL)
        houses.until(lambda: self.house.processes().get(name, pid) != pid, 20)

    def grants(self):
        status, said = self.house.ask("/v1/audit/records?limit=1000&action=session.grant")
        self.assertEqual(status, 200, said)
        return len(said["records"])

    @contextlib.contextmanager
    def judged_again(self, count):
        """What is done here has so many peers that are in judged again."""
        def judged():
            return self.house.metrics()["ward_channels_judged_again_total"]
        before = judged()
        yield
        houses.until(lambda: judged() >= before + count, 20)

    def until_open(self):
        """A new peer is in: within the time that a house has to recover."""
        def once():
            with contextlib.suppress(AssertionError, OSError, linked.Closed, linked.peer.Refused,
                                     linked.peer.PeerRefused, IndexError, ValueError):
                with Peer(self.house) as end:
                    return end.ask(type="ping") == {"type": "pong"}
            return False
        houses.until(once, 15, 0.1)


class TestFaults(House):
    def test_who_is_in_stays_when_verify_or_tee_falls(self):
        with Peer(self.house) as end:
            for name in ("verify", "tee", "fetch"):
                self.fell(name)
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
                self.until_open()
            self.fell("verify")
            # Its successor has not heard of the policy's verdict: who is in is judged all the same.
            with self.judged_again(1):
                self.house.policy(self.house.own() + "# again\n")
            self.assertEqual(end.ask(type="ping"), {"type": "pong"})

    def test_a_handshake_waits_for_its_judge(self):
        """Verify stands still while evidence waits for it, and falls: the next one judges it."""
        verify = self.house.processes()["verify"]
        with Peer(self.house, until="finish") as end:
            os.kill(verify, signal.SIGSTOP)
            end.say(end.held)
            time.sleep(0.3)
            os.kill(verify, signal.SIGKILL)
            end.channel.done(end.receive())
            self.assertEqual(end.ask(type="ping"), {"type": "pong"})

    def test_what_cannot_be_logged_is_not_open(self):
        audit = self.house.processes()["audit"]
        with Peer(self.house) as inside, Peer(self.house, until="finish") as end:
            os.kill(audit, signal.SIGSTOP)
            try:
                begun = time.monotonic()
                end.say(end.held)
                self.assertEqual(refusal(end), "AUDIT_CANNOT_LOG")
                self.assertLess(time.monotonic() - begun, 3)
                said = inside.ask(type="session", public_key=signer.Signer().key())
                self.assertEqual(said["code"], "AUDIT_CANNOT_LOG", said)
            finally:
                os.kill(audit, signal.SIGCONT)
        self.until_open()

    def test_a_front_or_core_that_falls_takes_its_channels_with_it(self):
        before = len(self.house.records("end"))
        with Peer(self.house) as one, Peer(self.house) as other:
            self.fell("front")
            for end in (one, other):  # no CLOSE, no Close: cut
                with self.assertRaises(linked.Closed) as closed:
                    end.channel.take(end.receive())
                self.assertIn(str(closed.exception), ("", "reset"))
        self.until_open()
        ended = self.ends(2, before)
        self.assertEqual(ended[0], "HOUSE_UNAVAILABLE")
        self.assertEqual(self.house.records("end")[before]["channels"], 2)
        with Peer(self.house) as end:
            self.fell("core")
            self.assertEqual(refusal(end), "HOUSE_UNAVAILABLE")
        self.until_open()

    def test_a_core_that_stands_still_holds_nobody_for_ever(self):
        core, before = self.house.processes()["core"], self.grants()
        with Peer(self.house) as end:
            os.kill(core, signal.SIGSTOP)
            try:
                said = end.ask(type="session", public_key=signer.Signer().key())
                self.assertEqual(said["code"], "HOUSE_DEADLINE", said)
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
                # The answer that is still to come is for that key, and not for another one.
                said = end.ask(type="session", public_key=signer.Signer().key())
                self.assertEqual(said["code"], "HOUSE_UNAVAILABLE", said)
            finally:
                os.kill(core, signal.SIGCONT)
        # A session whose token came too late to be heard ends with its channel.
        def is_over():
            status, said = self.house.ask("/v1/sessions")
            self.assertEqual(status, 200, said)
            return said.get("sessions", []) == []
        houses.until(lambda: self.grants() == before + 1, 10)
        houses.until(is_over, 10)

    def test_a_house_that_stops_says_so(self):
        with linked.House() as house:
            house.up()
            house.policy(house.own())
            with Peer(house) as end, Peer(house, until="finish") as half:
                begun = time.monotonic()
                house.down()
                self.assertLess(time.monotonic() - begun, 8)
                self.assertEqual(end.channel.take(end.receive()), (linked.peer.CLOSE, b""))
                self.assertEqual(refusal(half), "HOUSE_UNAVAILABLE")


class TestPolicy(House):
    def test_who_is_in_is_judged_again(self):
        house = self.house
        good = house.own()
        with Peer(house) as one, Peer(house) as other:
            before = len(house.records("end"))
            house.policy("this is no policy\n", "ATTEST_POLICY_INVALID")
            self.assertEqual(one.ask(type="ping"), {"type": "pong"})
            with Peer(house) as more:  # what was in force still is
                self.assertEqual(more.ask(type="ping"), {"type": "pong"})
            with self.judged_again(2):
                house.policy(good + "# the same in other words\n")
            for end in (one, other):
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})
            self.assertEqual(self.ends(1, before), ["CHANNEL_TRUNCATED"])
            with self.judged_again(2):
                house.policy(good + "\n[tdx]\nmrtd = [\"" + "00" * 48 + "\"]\n")
            self.assertEqual({refusal(one), refusal(other)}, {"POLICY_MEASUREMENT"})
            self.assertEqual(self.ends(3, before)[1:], ["POLICY_MEASUREMENT"] * 2)
            with Peer(house, until="finish") as end:
                end.say(end.held)
                self.assertEqual(refusal(end), "POLICY_MEASUREMENT")
            house.policy(good)
            with Peer(house) as end:
                self.assertEqual(end.ask(type="ping"), {"type": "pong"})

    def test_a_reload_that_is_refused_leaves_the_policy(self):
        """Also to the next core, which has never seen the one that is in force."""
        house = self.house
        before = len(house.records("policy"))
        part = house.policy_file.with_suffix(".part")
        part.write_text("#" * ((16 << 10) + 1))
        part.rename(house.policy_file)
        os.kill(house.monitor(), signal.SIGHUP)
        report = house.state / "run/reload"
        houses.until(lambda: report.exists() and "refused" in report.read_text(), 10)
        self.until_open()
        self.fell("core")
        self.until_open()
        house.policy(house.own("# another\n"))
        # What was too long, what the next core began with, and the one that came then.
        self.assertEqual([row["reason"] for row in house.records("policy")[before:]],
                         ["ATTEST_POLICY_INVALID", "OK", "OK"])

    def test_without_a_policy_nobody_is_let_in(self):
        with houses.House() as house:
            house.up()
            with linked.Socket(Plain(house)) as end:
                self.assertEqual((end.status, end.problem), (403, "LINK_NO_POLICY"))


class Plain:
    """The sockets of a house that knows nothing of channels."""

    def __init__(self, house):
        self.state, self.port = house.state, house.port

    socket = linked.House.socket


if __name__ == "__main__":
    tap.main()
