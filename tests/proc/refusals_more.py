"""refusals_more.py - more of what refusals.py has: evidence, logs and collateral that are spoiled in
many places, clients of profile sdk-v1, challenges and miners, and certificates that are none."""

import base64
import json

import sdk_house
import test_attest
from house import until
from shown import Bad, Shown, clear
from signer import Signer
from test_tokens import GOOD

SPOTS = 32  # of each piece of evidence
SDK_POLICY = test_attest.policy_with_roots() + f'[log]\ncompose_hash = "{sdk_house.COMPOSE}"\n'


def b64(data):
    return base64.b64encode(data).decode()


def flipped(data, at, bits=0x55):
    return data[:at] + bytes([data[at] ^ bits]) + data[at + 1:]


def verify(one, request):
    one.post("/v1/attest/verify", json.dumps(request).encode())


def of_each_kind():
    """A good case of each kind of evidence, and one of each that has a log."""
    seen = set()
    for case in test_attest.CASES:
        kind = (case["type"], bool(case.get("event_log")))
        if kind not in seen:
            seen.add(kind)
            yield test_attest.request_of(case, test_attest.policy_with_roots())


def of_spoiled_evidence(one):
    for request in of_each_kind():
        whole = base64.b64decode(request["evidence"])
        for spot in range(SPOTS):
            verify(one, request | {"evidence": b64(flipped(whole, len(whole) * spot // SPOTS))})
        # Where a quote says what it is, and of what; and its certification data.
        for at, bits in ((0, 7), (2, 1), (4, 0xff), (48, 0xff), (50, 0xff), (436, 0xff), (632, 0xff)):
            if at < len(whole):
                verify(one, request | {"evidence": b64(flipped(whole, at, bits))})
        chain = whole.find(b"-----BEGIN")
        if chain > 0:
            for at, bits in ((chain - 6, 1), (chain - 6, 2), (chain, 1), (chain + 40, 1)):
                verify(one, request | {"evidence": b64(flipped(whole, at, bits))})
            cut = whole.find(b"-----BEGIN", chain + 1)
            verify(one, request | {"evidence": b64(whole[:chain] + whole[cut:])})
        if "event_log" not in request:
            continue
        log = base64.b64decode(request["event_log"])
        for spot in range(SPOTS):
            verify(one, request | {"event_log": b64(flipped(log, len(log) * spot // SPOTS, 1))})
        verify(one, request | {"event_log": b64(log + log)})
        if log[:1] == b"[":
            rows = json.loads(log)
            for more in ([rows[0]], [rows[-1]], [rows[-1] | {"digest": "00"}]):
                verify(one, request | {"event_log": b64(json.dumps(rows + more).encode())})


def of_spoiled_collateral(one):
    for request in of_each_kind():
        files = [base64.b64decode(text) for text in request["collateral"]]
        for place, whole in enumerate(files):
            def with_file(data, place=place, request=request):
                pieces = list(request["collateral"])
                pieces[place] = b64(data)
                verify(one, request | {"collateral": pieces})
            for spot in range(6):
                with_file(flipped(whole, len(whole) * spot // 6, 1))
            with_file(whole[:len(whole) // 2])
            for word, other in ((b'"version":3', b'"version":9'), (b'"id":"TDX"', b'"id":"SGX"'),
                                (b'"id":"TD_QE"', b'"id":"QE"'), (b'"fmspc":"', b'"fmspc":"F'),
                                (b'"pceId":"', b'"pceId":"F')):
                if word in whole:
                    with_file(whole.replace(word, other, 1))
            pieces = list(request["collateral"])
            del pieces[place]
            verify(one, request | {"collateral": pieces})


def of_clients(one):
    """Of profile sdk-v1, whose evidence is none, and who posts without having a session by it."""
    def post(path, body, fields=()):
        return one.post(path, json.dumps(body).encode(), ["Content-Type: application/json", *fields],
                        tls=True)

    client = sdk_house.Client.__new__(sdk_house.Client)
    client.signer, client.secret = Signer(), bytes(range(32))
    usual = {"attestation_type": "Tdx", "quote": "00" * 700, "event_log": "[]"}
    for change in ({}, {"event_log": '{"dev_mode":true}'}, {"quote": None}, {"nonce": "00" * 32},
                   {"attestation_type": "Sev"}):
        nonce = post("/attestation/challenge", "")[1].get("nonce") or one.post(
            "/attestation/challenge", b"", [], tls=True)[1]["nonce"]
        for point in (b64(client.point()), b64(bytes(32))):
            post("/attest", {"ephemeral_public_key": client.signer.key(), "sdk_x25519_pub": point,
                             "attestation": usual | {"nonce": nonce} | change})
    other = one.grant(Signer(), profile="sdk-v1", name="by-the-owner")
    body = json.dumps({"timestamp": 1, "status": "ok", "metrics": {}}).encode()
    for path in ("/results/heartbeat", "/results/logs", "/results/submit"):
        one.post(path, body, [], tls=True)
        one.post(path, body, other.lines("POST", path, body, 1), tls=True)
    one.post("/results/submit", b'{"job_type":"' + b"x" * 200 + b'"}',
             other.lines("POST", "/results/submit", b"", 1), tls=True)


def of_miners(one):
    """Challenges that nobody runs, asked with tokens and without."""
    path = "/api/challenges/sums/public/submit"
    for fields in ([], ["Authorization: Basic x"], ["Authorization: Bearer a.b.c"]):
        one.post(path, b"{}", fields, tls=True)
        one.post(path.replace("sums", "nobody"), b"{}", fields, tls=True)
    for subject in (GOOD["subject"], GOOD["subject"][:-1] + "z"):
        said = json.dumps(GOOD | {"subject": subject}).encode()
        token = one.post("/v1/token/issue", said)[1]["token"]
        for _ in range(2):
            one.post(path, b"{}", [f"Authorization: Bearer {token}"], tls=True)


def of_certificates(one):
    """A house that is to show a certificate which is none does not start, and says why."""
    with Shown() as other:
        for reason, how in Bad(other).rows().values():
            clear(other.chain)
            clear(other.key)
            other.put(*how) if isinstance(how, tuple) else how()
            done = other.run("up", "-c", other.file)
            one.heard(done.stdout + done.stderr)
            assert reason in done.stderr, done


def of_lists(one):
    """What a reload finds in a file that is none; and what it had stays."""
    one.miners_file.write_text("no hotkey\n")
    one.ward("reload")
    until(lambda: "MINERS_INVALID" in one.log(), 10)
    one.miners_file.write_text(GOOD["subject"] + "\n")
    one.ward("reload")


def of_spoiled(one):
    of_spoiled_evidence(one)
    of_spoiled_collateral(one)


def of_others(one):
    of_clients(one)
    of_miners(one)
    of_lists(one)
    of_certificates(one)


ALL = (of_spoiled, of_others)
