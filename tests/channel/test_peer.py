"""test_peer.py - the second implementation against the first: the known answers of
vectors/channel/, and live handshakes in both roles over pipes."""

import json
import os
import pathlib
import struct
import subprocess
import unittest

import leaks
import peer
import tap

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ["WARD_BUILD"]) / "tests" / "channel" / "channel_peer"
VECTORS = ROOT / "vectors" / "channel" / "v2.json"
TDX, SGX = 1, 2


def quote(report_data):
    """What the verifier of the other side calls good."""
    return TDX, b"approved" + report_data, b"a log"


def judge(report_data, kind, evidence, _log):
    return (kind, evidence) == (TDX, b"approved" + report_data)


class Talk:
    """Ward's end as a process, and this end as an object."""

    def __init__(self, role, flags="gw", ciphers_there="12", **mine):
        self.initiator = role == "initiator"
        self.process = subprocess.Popen(
            [PROGRAM, role, ciphers_there, flags, "55" * 32, "66" * 32],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        mine = {"quote": quote, "judge": judge} | mine
        self.channel = peer.Channel(b"\x77" * 32, b"\x18" * 32, **mine)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()
        self.process.wait(10)

    def put(self, message):
        self.process.stdin.write(struct.pack("<I", len(message)) + message)
        self.process.stdin.flush()

    def get(self):
        head = self.process.stdout.read(4)
        return self.process.stdout.read(struct.unpack("<I", head)[0]) if head else b""

    def shake(self):
        if self.initiator:
            self.put(self.channel.accept(self.get()))
            self.put(self.channel.open(self.get()))
        else:
            self.put(self.channel.hello())
            self.put(self.channel.finish(self.get()))
            self.channel.done(self.get())
        return self

    def echo(self, text):
        self.put(self.channel.send(text))
        return self.channel.take(self.get())

    def ended(self):
        """The last words of Ward's end."""
        self.process.stdin.close()
        words = self.process.stderr.read()
        leaks.hear(words)
        self.process.wait(10)
        return words.decode().split()


class Primitives(unittest.TestCase):
    """The second implementation is one of the RFCs, not of Ward."""

    def test_rfc_7748_and_8439(self):
        self.assertEqual(peer.x25519(
            bytes.fromhex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            bytes.fromhex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")).hex(),
            "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
        plain = (b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for "
                 b"the future, sunscreen would be it.")
        sealed = peer.seal(bytes(range(0x80, 0xa0)), bytes.fromhex("070000004041424344454647"),
                           plain, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"))
        self.assertEqual(sealed[:16].hex(), "d31a8d34648e60db7b86afbc53ef7ec2")
        self.assertEqual(sealed[-16:].hex(), "1ae10b594f09e26a7e902ecbd0600691")
        self.assertEqual(peer.hchacha20(bytes(range(32)), bytes.fromhex(
            "000000090000004a0000000031415927")).hex(),
            "82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc")


class Vectors(unittest.TestCase):

    def test_the_program_makes_the_file(self):
        made = subprocess.run([PROGRAM, "vectors"], stdout=subprocess.PIPE, check=True).stdout
        self.assertEqual(made.decode(), VECTORS.read_text(encoding="utf-8"))

    def test_every_byte_is_derived_again(self):
        for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]:
            with self.subTest(cipher=case["cipher"], evidence=case["evidence"]):
                self.replay(case)

    def replay(self, case):
        known = {name: bytes.fromhex(value) for name, value in case.items()
                 if isinstance(value, str) and name != "purpose"}
        shows = {"quote": quote, "judge": judge} if case["evidence"] else {}
        one = peer.Channel(known["nonce_i"], known["secret_i"], (1, 2), b"test", **shows)
        two = peer.Channel(known["nonce_r"], known["secret_r"], (case["cipher"],), b"test", **shows)
        self.assertEqual(one.hello(), known["hello"])
        self.assertEqual(two.accept(known["hello"]), known["accept"])
        self.assertEqual(one.finish(known["accept"]), known["finish"])
        self.assertEqual(two.open(known["finish"]), known["done"])
        one.done(known["done"])
        self.assertEqual(one.report_data, [known["report_data_i"], known["report_data_r"]])
        self.assertEqual(one.transcript, known["transcript_2"])
        self.assertEqual((one.out.secret, one.inward.secret),
                         (known["traffic_i"], known["traffic_r"]))
        for record in case["records"]:
            sender, taker = (one, two) if record["from"] == "i" else (two, one)
            made = {"data": lambda: sender.send(record["text"].encode()), "rekey": sender.rekey,
                    "close": sender.close}[record["type"]]()
            self.assertEqual(made.hex(), record["message"])
            self.assertEqual(taker.take(made)[1], record["text"].encode())


class Live(unittest.TestCase):

    def test_both_roles_both_ciphers(self):
        for role in ("initiator", "responder"):
            for cipher in (1, 2):
                for flags in ("gw", "g", "w", "-"):
                    mine = {"quote": quote if "w" in flags else None,
                            "judge": judge if "g" in flags else None, "ciphers": (cipher,)}
                    with self.subTest(role=role, cipher=cipher, flags=flags), \
                            Talk(role, flags=flags, **mine) as talk:
                        talk.shake()
                        self.assertEqual(talk.channel.cipher, cipher)
                        for text in (b"", b"hello", bytes(range(256)) * 5):
                            self.assertEqual(talk.echo(text), (peer.DATA, text))
                        talk.put(talk.channel.close())
                        self.assertEqual(talk.ended()[0], "closed")

    def test_the_largest_record_both_ways(self):
        for cipher in (1, 2):
            with Talk("responder", ciphers=(cipher,)) as talk:
                talk.shake()
                self.assertEqual(talk.echo(b"big"), (peer.DATA, bytes(1 << 16)))
                self.assertEqual(talk.echo(bytes(range(256)) * 256)[1], bytes(range(256)) * 256)

    def test_renewed_keys(self):
        for role in ("initiator", "responder"):
            with self.subTest(role=role), Talk(role) as talk:
                talk.shake()
                for epoch in range(1, 4):
                    talk.put(talk.channel.send(b"tick"))
                    talk.put(talk.channel.send(b"after"))
                    self.assertEqual(talk.channel.take(talk.get()), (peer.REKEY, b""))
                    self.assertEqual(talk.channel.take(talk.get()), (peer.DATA, b"after"))
                    self.assertEqual(talk.channel.inward.epoch, epoch)
                    talk.put(talk.channel.rekey())
                    self.assertEqual(talk.echo(b"mine too"), (peer.DATA, b"mine too"))

    def test_it_closes(self):
        with Talk("responder") as talk:
            talk.shake()
            self.assertEqual(talk.echo(b"close"), (peer.CLOSE, b""))
            talk.put(talk.channel.close())
            self.assertEqual(talk.ended()[:2], ["closed", "NONE"])

    def test_a_cut_is_told_apart(self):
        with Talk("responder") as talk:
            self.assertEqual(talk.shake().ended()[:2], ["ended", "CHANNEL_TRUNCATED"])

    def test_evidence_of_another_session(self):
        def stale(_report_data):
            return quote(b"\x01" * 64)
        for role in ("initiator", "responder"):
            with self.subTest(role=role), Talk(role, quote=stale) as talk:
                with self.assertRaisesRegex(peer.PeerRefused, "^POLICY_REPORT_DATA$"):
                    talk.shake()
                self.assertEqual(talk.ended(), ["ended", "CHANNEL_EVIDENCE_DENIED",
                                                "POLICY_REPORT_DATA"])

    def test_this_end_refuses(self):
        for role in ("initiator", "responder"):
            with self.subTest(role=role), Talk(role, judge=lambda *_: False) as talk:
                with self.assertRaisesRegex(peer.Refused, "^CHANNEL_EVIDENCE_DENIED$"):
                    talk.shake()
                talk.put(talk.channel.refusal("CHANNEL_EVIDENCE_DENIED"))
                self.assertEqual(talk.ended(), ["ended", "CHANNEL_REFUSED_BY_PEER",
                                                "CHANNEL_EVIDENCE_DENIED"])

    def test_records_that_are_not_the_next(self):
        changes = {"CHANNEL_REPLAY": lambda two: two[:1] * 2, "CHANNEL_GAP": lambda two: two[1:],
                   "CHANNEL_TAMPERED": lambda two: [two[0][:-1] + bytes([two[0][-1] ^ 1])]}
        for reason, change in changes.items():
            with self.subTest(reason=reason), Talk("responder") as talk:
                talk.shake()
                for message in change([talk.channel.send(b"a"), talk.channel.send(b"b")]):
                    talk.put(message)
                answers = [talk.get()]
                if reason == "CHANNEL_REPLAY":
                    self.assertEqual(talk.channel.take(answers[0]), (peer.DATA, b"a"))
                    answers.append(talk.get())
                with self.assertRaisesRegex(peer.PeerRefused, f"^{reason}$"):
                    talk.channel.take(answers[-1])
                self.assertEqual(talk.ended()[1], reason)

    def test_a_bad_key(self):
        with Talk("responder") as talk:
            hello = talk.channel.hello()
            talk.put(hello[:34] + bytes(32) + hello[66:])
            with self.assertRaisesRegex(peer.PeerRefused, "^CHANNEL_KEY$"):
                talk.channel.finish(talk.get())

    def test_no_cipher_of_both(self):
        with Talk("responder", ciphers_there="1", ciphers=(2,)) as talk:
            with self.assertRaisesRegex(peer.PeerRefused, "^CHANNEL_AEAD$"):
                talk.shake()
            self.assertEqual(talk.ended()[1], "CHANNEL_AEAD")

    def test_evidence_that_it_has_not(self):
        with Talk("responder", flags="w", quote=quote, judge=judge) as talk:
            with self.assertRaisesRegex(peer.PeerRefused, "^CHANNEL_EVIDENCE_UNAVAILABLE$"):
                talk.shake()
            self.assertEqual(talk.ended()[1], "CHANNEL_EVIDENCE_UNAVAILABLE")

    def test_a_key_that_is_not_renewed(self):
        """Ours, for three hours of its clock."""
        with Talk("responder") as talk:
            talk.shake()
            for _ in range(3):
                talk.put(talk.channel.send(b"tick"))
            talk.put(talk.channel.send(b"after"))
            with self.assertRaisesRegex(peer.PeerRefused, "^CHANNEL_REKEY_OVERDUE$"):
                talk.channel.take(talk.get())
            self.assertEqual(talk.ended()[1], "CHANNEL_REKEY_OVERDUE")

    def test_another_purpose(self):
        with Talk("responder", purpose=b"other") as talk:
            with self.assertRaisesRegex(peer.PeerRefused, "^CHANNEL_PURPOSE$"):
                talk.shake()


if __name__ == "__main__":
    tap.main()
