"""test_offline.py - `ward verify --offline` in a network of its own, where everything that leaves is
counted: it sends nothing, the kernel kills whatever of it would, and it says how old the collateral
is, also when that has run out. Needs nobody else's data."""

import datetime
import json
import os
import signal
import subprocess
import tempfile
import unittest

from ward import BUILD, OWN, ward

QUOTE, FILES, ROOT = OWN / "quote/tdx-v4.quote.bin", OWN / "collateral", OWN / "sgx_root.pem"
AT, LONG_AFTER = "2026-01-01T01:00:00Z", "2026-08-01T00:00:00Z"
WORDS = ("verify", QUOTE, "--collateral", FILES, "--root", ROOT)
CALLS_OUT = BUILD / "tests/cmd/calls_out.so"
# A network whose one interface, the loopback, is the way to everywhere, and counts.
NETWORK = """mount -t sysfs sysfs /sys && ip link set lo up && ip route add default dev lo || exit 90
counted() { cat /sys/class/net/lo/statistics/tx_packets; }
before=$(counted)
"$@" >"$OUTPUT"; code=$?
[ "$before" = "$(counted)" ] && echo silent || echo sent
exit $code"""


def watched(*words, preload=()):
    """(exit code, output, whether a packet left) of a `ward` in that network."""
    apart = [] if os.geteuid() == 0 else ["--map-root-user"]
    program = ["env", *(f"LD_PRELOAD={path}" for path in preload), str(BUILD / "ward")]
    with tempfile.NamedTemporaryFile() as output:
        done = subprocess.run(
            ["unshare", *apart, "--net", "--mount", "sh", "-c", NETWORK, "sh", *program,
             *map(str, words)], capture_output=True, text=True, timeout=60, check=False,
            env=dict(os.environ, OUTPUT=output.name))
        if done.stdout not in ("silent\n", "sent\n"):
            raise AssertionError(done)
        return done.returncode, output.read().decode(), done.stdout == "sent\n"


class Offline(unittest.TestCase):
    def test_no_packet_leaves(self):  # proves: EC-37
        code, output, sent = watched(*WORDS, "--at", AT, "--offline", "--json")
        self.assertEqual((code, json.loads(output)["reason"], sent), (0, "OK", False))
        # The same watcher sees what leaves without it.
        code, output, sent = watched(*WORDS, "--at", AT, "--json", preload=(CALLS_OUT,))
        self.assertEqual((code, json.loads(output)["reason"], sent), (0, "OK", True))

    def test_the_kernel_kills_what_would_send(self):  # proves: EC-37
        code, output, sent = watched(*WORDS, "--at", AT, "--offline", "--json",
                                     preload=(CALLS_OUT,))
        self.assertEqual((code, sent), (128 + signal.SIGSYS, False))
        self.assertEqual(json.loads(output)["reason"], "OK")

    def test_a_peer_cannot_be_asked(self):
        done = ward("verify", "--offline", "--tls", "127.0.0.1:1")
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"--offline", done.stderr)

    def test_it_says_how_old_the_collateral_is(self):  # proves: EC-37
        # The oldest is the list of the root CA.
        issued = datetime.datetime(2025, 12, 2, tzinfo=datetime.UTC)
        for at, text in (("2025-12-22T00:30:00Z", b"20 days"), (AT, b"30 days")):
            age = datetime.datetime.fromisoformat(at) - issued
            done = ward(*WORDS, "--at", at, "--offline", "--json")
            self.assertEqual(json.loads(done.stdout)["collateral"],
                             {"issued": "2025-12-02T00:00:00Z", "age_seconds": age.total_seconds()})
            done = ward(*WORDS, "--at", at, "--offline")
            self.assertIn(b"issued    2025-12-02T00:00:00Z", done.stdout)
            self.assertIn(b"age       " + text, done.stdout)

    def test_expired_collateral_is_a_code_of_its_own_and_has_its_age(self):  # proves: EC-37
        done = ward(*WORDS, "--at", LONG_AFTER, "--offline", "--json")
        got = json.loads(done.stdout)
        failed = {check["reason"] for check in got["checks"] if check["result"] == "fail"}
        self.assertEqual(done.returncode, 1)
        self.assertIn(got["reason"], failed)
        self.assertLessEqual({"CRL_EXPIRED", "TCB_INFO_EXPIRED"}, failed)
        self.assertEqual(got["reason"], "CRL_EXPIRED")  # not that it is missing
        self.assertEqual(got["collateral"]["age_seconds"], 242 * 86400)
        self.assertIn(b"242 days", ward(*WORDS, "--at", LONG_AFTER, "--offline").stdout)
        # None at all is another one, and has none.
        done = ward("verify", QUOTE, "--root", ROOT, "--at", AT, "--offline", "--json")
        got = json.loads(done.stdout)
        self.assertEqual((got["reason"], got["collateral"]), ("COLLATERAL_MISSING", None))


if __name__ == "__main__":
    import tap

    tap.main()
