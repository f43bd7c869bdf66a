"""seeds.py - what each fuzz target begins with: files of the project's own vectors and of
the vectors folder, chosen by kind, and fuzz/corpus/NAME with every input that ever broke
it and, for forms that only Ward writes, a few to begin with. Seeds are written to a scratch
folder and never committed."""

import base64
import hashlib
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
SEED_MAX = 1 << 20
PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.S)

QUOTES = ("*.quote.bin", "quote.dat", "*.quote")
NITRO = ("*.cose.bin", "*.nitro", "*.cose")
LISTS = ("*crl*.der", "*Crl.der")


def whole(data):
    yield data


def as_hex(data):
    yield data[:4096].hex().encode()


def as_base64(data):
    yield base64.b64encode(data[:4096])


def pem_chains(data):
    """The PEM text inside a quote, or the file itself."""
    found = list(PEM.finditer(data))
    if found:
        yield data[found[0].start():found[-1].end() + 1]


def certificates(data):
    """The DER certificates in PEM text, wherever it lies."""
    for found in PEM.finditer(data):
        yield base64.b64decode(b"".join(found.group(1).split()))


def judged(data):
    """Evidence as fuzz_verify takes it: 4 stands for bytes as they are."""
    yield b"\4" + data


def patched(data):
    """A patch or two to each kind of good evidence, from the first bytes of any evidence."""
    for kind in range(3):
        yield bytes([kind])
        yield bytes([kind]) + data[:3]
        yield bytes([kind]) + data[100:130]


def of_a_module(data):
    """A document as the Nitro Secure Module answers it."""
    yield (b"\0\xa1\x6bAttestation\xa1\x68document\x59" + len(data).to_bytes(2, "big") + data
           if 255 < len(data) < 65536 else b"\0" + data)


def of_an_agent(data):
    """A quote as dstack's agent answers it, and a house."""
    yield b'\1{"quote":"%s","event_log":"[]"}' % data.hex().encode()
    yield b'\3{"evidence":"%s","event_log":""}' % base64.b64encode(data)


# Target: (file patterns, what to make of such a file). A new target needs a row here
# when files of its kind exist.
KINDS = {
    "quote": ((QUOTES, whole),),
    "nitro": ((NITRO, whole),),
    "verify": ((QUOTES, judged), (NITRO, judged), (NITRO, patched)),
    "cose": ((NITRO, whole),),
    "cbor": ((NITRO, whole), (("*.cbor",), whole)),
    "pem": ((("*.pem", *QUOTES), pem_chains),),
    "cert": ((("*.pem", *QUOTES), certificates),),
    "pck": ((("*.pem", *QUOTES), certificates),),
    "der": ((("*.pem", "*.quote.bin"), certificates), (LISTS, whole)),
    "crl": ((LISTS, whole),),
    "tcb_info": ((("*tcbinfo*.json", "tcbInfo.json", "*tcb_info*"), whole),),
    "qe_identity": ((("*qeidentity*.json", "qeIdentity.json", "*qe_identity*"), whole),),
    "json": ((("*.json",), whole),),
    "ccel": ((("*.ccel.bin", "*.ccel"), whole),),
    "dstack": ((("*.dstack-eventlog.json",), whole),),
    "toml": ((("*.toml",), whole),),
    "policy": ((("*.toml",), whole),),
    "spec": ((("*.toml",), whole),),
    "config": ((("*.toml",), whole),),
    "hex": ((QUOTES, as_hex),),
    "base64_hex": ((QUOTES, as_hex), (QUOTES, as_base64), (NITRO, as_base64)),
    "base64": ((QUOTES, as_base64), (NITRO, as_base64)),
    "source": ((QUOTES, of_an_agent), (NITRO, of_a_module)),
}
# Names that mean the same kind.
ALIASES = {"x509": "cert", "certificate": "cert", "pck_extension": "pck", "tcbinfo": "tcb_info",
           "qeidentity": "qe_identity", "eventlog": "ccel", "dstack_log": "dstack",
           "ccel_log": "ccel", "nitro_doc": "nitro"}
ALWAYS = (b"", b"\0", b"0", b"\xff" * 64, b"2026-01-01T00:00:00Z")



def hello(extensions, most=1 << 14):
    """A ClientHello in records of at most so many bytes."""
    body = (b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + len(extensions).to_bytes(2, "big")
            + extensions)
    message = b"\1" + len(body).to_bytes(3, "big") + body
    parts = [message[at:at + most] for at in range(0, len(message), most)]
    return b"".join(b"\x16\3\1" + len(part).to_bytes(2, "big") + part for part in parts)


NAME_OF_A = b"\0\0\0\x0e\0\x0c\0\0\x09a.example"
V4_UDP = bytes.fromhex("4500001f000740004011" "70af" "c6120000" "01020304" "138801bc000b0000") + b"hi!"
V6_SYN = bytes.fromhex("6001234500140640" "fd000018" + 12 * "00" + "20010db8" + 11 * "00" + "05"
                       "9c4000500000000100000000" "5002fa0000000000")
SPEC = b"image = 'sha256:" + b"00" * 32 + b"'\ncommand = ['a']\n"

# Seeds of formats of which there are no files.
TEXTS = {
    # Scripts of channel_fuzz.h: to the open channel and through it, and a way off at each step.
    "channel_initiator": (
        b"\1\3\0\3\0\1\4\x20\1\6\x10\7\1", b"\2\x42\0\1", b"\2\x48\0\1", b"\1\3\1", b"\1\3\0\3\1",
        b"\1\3\0\3\0\2\x0d\0\1", b"\1\3\0\3\0\1\4\x20\2\5\0\1", b"\1\3\0\3\0\1\5\x10\x0e\6\1\4\1\1\1",
        b"\0\6\4\2\3ABC", b"\5\x1e\0", b"\1\3\0\3\0\0\x15\5\2" + bytes(19)),
    "channel_responder": (
        b"\1\3\0\1\3\0\4\x20\1\6\x10\7\1", b"\2\x42\0\1", b"\2\x45\0\1", b"\1\3\1", b"\1\3\0\2\x10\0\1",
        b"\1\3\0\1\3\1", b"\1\3\0\1\3\0\4\x20\2\5\0\1", b"\1\3\0\1\3\0\5\x10\x0e\6\1\4\1\1\1",
        b"\1\3\0\0\6\4\2\3ABC", b"\5\x1e\0", b"\0\x47\1\2" + bytes(31) + b"\2" + bytes(31) + b"\x09\1\1\3\4fuzz"),
    # Scripts of sdk_fuzz.h: through the handshake, records both ways, again, and changed.
    "sdk_client": (
        b"\1\3\0\4\x20\1\1\6\x10\4\1\2\x30\0\1", b"\1\3\1", b"\2\x42\0\1", b"\7\x42\0", b"\5\x1e\0",
        b"\0\x1d" + b'{"type":"attestation_reject"}', b"\1\3\0\0\2{}\4\5\1"),
    "sdk_server": (
        b"\1\3\0\3\0\1\4\x20\1\1\6\x10\4\1\2\x30\0\1", b"\1\3\1", b"\2\x42\0\1", b"\7\x42\0", b"\5\x1e\0",
        b"\1\3\0\3\0\0\x19" + b'{"type":"attestation_ok"}', b"\1\3\0\3\0\1\0\2{}\4\5\1\1"),
    "sdk_talk": (
        b'{"type":"job_execute","job_id":"a","job_name":"evaluate_agent","payload":{}}\n'
        b'{"type":"orm_result","query_id":"ward-1","result":{}}\n{"type":"job_result","job_id":"j","result":1}',
        b'{"type":"db_version_request","message_id":7}\n{"type":"orm_query","payload":{"query_id":"q"}}\n'
        b'{"type":"error","message_id":"ward-1","error":"x"}\n{"type":"orm_permissions","payload":{"permissions":{}}}',
        b'{"enc":"chacha20poly1305","nonce":"AAECAwQFBgcICQoL","ciphertext":"qeW4cvhQnHgFA4Dz82kaHDDLsj3S"}',
        b'{"ephemeral_public_key":"iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=","sdk_x25519_pub":'
        b'"D6poTtKIZ7l/Smot7l34zpdOdrcBjj8iocTPJnhXDyA=","attestation":{"attestation_type":"Tdx","nonce":"'
        + b"05" * 32 + b'","quote":"cXVvdGU=","event_log":"[]"}}',
        b'{"timestamp": 1, "status": "ok", "metrics": {}}',
        b'{"timestamp": 1, "level": "INFO", "message": "a\\u00e9", "component": null}',
        b'{"score": 0.5, "metrics": {"a": 1.5e3}, "job_type": "e", "logs": ["one"], "error": null}'),
    # A miner's request, or a challenge's answer.
    "forward": (
        b"\0POST /api/challenges/sums/public/submit?a=1 HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a.b.c\r\n"
        b"X-Verified-Miner-Hotkey: k\r\nx_miner_uid: 1\r\nUser-Agent: m\r\nAccept: a\r\nAccept: b\r\n"
        b"Content-Type: t\r\nContent-Length: 2\r\n\r\n{}",
        b"\0GET /api/challenges/s-1/public/%73ubmit HTTP/1.1\r\nHost: a\r\nAuthorization: bEARER x\r\n"
        b"Accept-Language: \xc3\xa4\r\n\r\n",
        b"\1HTTP/1.1 200 OK\r\nContent-Type: a\r\nETag: \"\xc3\xa4\"\r\nSet-Cookie: c\r\nRetry-After: 1\r\n"
        b"Content-Length: 2\r\n\r\n{}",
        b"\1HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\nCache-Control: x\r\n\r\n0\r\n\r\n"),
    # Questions: plain, with EDNS, of a name that is itself, two at once, an answer.
    "dns": (
        b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1",
        b"\x12\x34\1\0\0\1\0\0\0\0\0\1\1a\7eXample\0\0\x1c\0\1\0\0\x29\4\xd0\0\0\0\0\0\0",
        b"\x12\x34\1\0\0\1\0\0\0\0\0\0\1a\xc0\x0c\0\1\0\1",
        b"\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1\1b\0\0\1\0\1",
        b"\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1a\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\1\0\4abcd"),
    # Packets: a datagram, the beginning of a connection, and the two ways to say that nobody has a port.
    "ip_packet": (
        V4_UDP, V6_SYN, b"E\0\0\x3b\0\0\0\0\x40\1\0\0\1\2\3\4\xc6\x12\0\0\3\3" + bytes(6) + V4_UDP,
        b"\x60\0\0\0\0\x44\x3a\x40" + bytes(32) + b"\1\4" + bytes(6) + V6_SYN),
    # Hellos: with a name, in two records, with a hidden name, with none.
    "client_hello": (
        hello(NAME_OF_A), hello(NAME_OF_A, 20), hello(NAME_OF_A + b"\xfe\x0d\0\1\0"), hello(b""),
        hello(b"\x0a\x0a\0\0" + NAME_OF_A + b"\0\x15\1\0" + bytes(256), 64)),
    # Headers of edges: of a client, of none, with what may follow, one that is cut.
    "proxy_header": tuple(bytes.fromhex("0d0a0d0a000d0a515549540a") + bytes.fromhex(rest) for rest in (
        "2111000c" "cb007107c0000201303901bb", "20000000", "21210024" + "20" * 36, "2111",
        "21110013" "cb007107c0000201303901bb" "0300043028c19a",
        "21110012" "cb007107c0000201303901bb" "040003000000")),
    "reach": (
        SPEC + b"[resources.network_whitelist]\nhosts = ['a.example', '5.5.5.5']\nports = [443, '53/udp']\n"
        b"[sandbox_config.network_policy]\nallowed_hosts = ['*.w.example', '10.0.0.1', '::1', '2a00::1']\n---\n"
        b"a.example\nA.eXample\nx.w.example\ny.x.w.example\nw.example\n5.5.5.5\n10.0.0.1\n::1\n198.18.0.1\n"
        b"fd00:18::2\n64:ff9b::7f00:1\nlocalhost\n\x1b[31m\n2a00::1\n127.0.0.1\n",
        SPEC + b"---\nlocalhost\n127.0.0.1\n"),
    "frame": (
        b"\0\1\0\0\x09\0\0\0\1\0\0\0\0\0\0\0\1\0\1\2\0\0\0ab"
        b"\1\1\0\0\0\0\0\0\1\0\0\0\0\0\0\0",
        b"\0\2\0\0\x0b\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0abc\0\0\0\0",
        b"\0\3\0\0\xf0\xff\2\0\3\0\0\0\0\0\0\0", b"\0\4\1\0" + bytes(12)),
    "h2": (
        b"\x3f\0\0\x2d\x01\x05\0\0\0\x01\0\x07:method\x03GET\0\x07:scheme\x05https\0\x05:path\x01/\0\x0a:authority\x01a",
        b"\x05\0\0\x0a\x01\x04\0\0\0\x01\x83\x87\x04\x02/a\x41\x01a\x40\0"
        b"\0\0\x03\0\x01\0\0\0\x01abc\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0",
        b"\x20\0\0\x08\x01\x05\0\0\0\x01\x82\x87\x84\x41\x01a\x5f\0\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08",
        b"\x10\0\0\x01\x01\x01\0\0\0\x01\x82\0\0\x06\x09\x04\0\0\0\x01\x87\x84\x41\x01a\x5f"
        b"\0\0\x04\x08\0\0\0\0\x01\0\0\x10\0"),
    "http1": (
        b"GET /a%20b?c=d HTTP/1.1\r\nHost: a:8443\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        b"OPTIONS * HTTP/1.1\r\nHost: [::1]\r\nX: y\r\n\r\n",
        b"POST http://a/b HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        b"Expect: 100-continue\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n"),
    "http1_client": (
        b"\0HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"\0HTTP/1.1 103 Early\r\na: b\r\n\r\nHTTP/1.0 404 No\r\n\r\nto the end",
        b"\0HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nt: u\r\n\r\n",
        b"\2HTTP/1.1 101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n\x81\0",
        b"\1HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
    "source": (
        b"\0\xa1\x65Error\x6fInvalidArgument", b"\x09{\"error\":\"no \\u00e9\"}", b"\x13{\"code\":\"TEE_RATE\"}",
        b"\2{\"quote\":\"0400\",\"event_log\":\"[{}]\"}", b"\x0a<html>"),
    "websocket": (
        b"\0\x81\x85\0\0\0\0hello", b"\1\x82\x03abc\x89\x01p\x88\x02\x03\xe8",
        b"\0\x01\x82\1\2\3\4ab\x89\x80\0\0\0\0\x80\x81\4\3\2\1c",
        b"\1\x01\x01\xc3\x80\x01\xa9\x8a\0", b"\1\x82\x7e\0\x7e" + bytes(126)),
    "protobuf": (
        b"\0\x0a\x03abc", b"\x03\x08\x07\x22\x01h\x2a\x02hi\x2a\x01j",
        b"\x02\x0a\x05\x08\x01\x5a\x01x\x12\x01c", b"\x81{\"limit\":7,\"from\":\"2026-01-01T00:00:00Z\"}",
        b"\x83{\"seq\":\"1\",\"hashes\":[\"AAAA\",\"\"],\"checkpoint\":\"\\u00e9\"}",
        b"\x85{\"finding\":\"FINDING_OK\",\"checks\":[{\"id\":\"a\"}]}"),
}


def seeds(target, vectors):
    """Yields the seeds of a target, each once. `vectors` is the folder of other people's
    data, or None."""
    seen = set()
    for data in candidates(target, vectors):
        digest = hashlib.sha256(data).digest()
        if digest not in seen and len(data) <= SEED_MAX:
            seen.add(digest)
            yield data


def candidates(target, vectors):
    yield from ALWAYS
    yield from TEXTS.get(target, ())
    for path in files_below(ROOT / "fuzz" / "corpus" / target, "*"):
        yield path.read_bytes()
    for patterns, convert in KINDS.get(ALIASES.get(target, target), ()):
        for folder in (ROOT / "vectors", ROOT / "docs", vectors):
            for pattern in patterns if folder else ():
                for path in files_below(folder, pattern):
                    if path.name != "index.json" and "wycheproof" not in path.parts:
                        yield from convert(path.read_bytes())


def files_below(folder, pattern):
    return sorted(path for path in folder.rglob(pattern) if path.is_file())
