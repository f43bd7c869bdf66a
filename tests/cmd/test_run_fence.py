"""test_run_fence.py - what a job reaches through its fence, and what it does not. The world is made
here (fence_world.py): nothing leaves the machine."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import fence_world as world
import tap
from commands import CLEAN, WARD
from oci import Image
from python_image import layer
from sandboxes import Jobs, begun, needs_sandbox, with_both

HERE = pathlib.Path(__file__).parent
LIST, POLICY = "[resources.network_whitelist]\n", "[sandbox_config.network_policy]\n"
CUT = ("ECONNRESET", "SSLEOFError", "EPIPE", "ENOTCONN")  # by what it was doing when it was cut


@needs_sandbox
class Fence(Jobs):
    @classmethod
    def setUpClass(cls):
        cls.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-fence-"))
        cls.addClassCleanup(shutil.rmtree, cls.above, ignore_errors=True)
        cls.images = cls.above / "images"
        cls.digest = Image(list(layer("_ssl", "_hashlib"))).pack(cls.above / "image.tar")
        subprocess.run([WARD, "image", "import", cls.above / "image.tar", cls.digest, "--images",
                        cls.images], check=True, capture_output=True)
        cls.world = world.World(cls.above)
        cls.addClassCleanup(cls.world.end)
        code = cls.above / "code"
        code.mkdir()
        shutil.copy(HERE / "fence_job.py", code)
        shutil.copy(cls.above / "ca.pem", code)

    prefix = ()

    def words(self, spec, *options):
        return self.world.node.words(*self.prefix, *super().words(spec, "--job", self.above / "code", *options))

    def policy(self, hosts, ports, servers=(world.NAMES,), more=""):
        return (f"{LIST}hosts = {json.dumps(list(hosts))}\nports = {json.dumps(list(ports))}\n"
                f"{POLICY}dns_servers = {json.dumps(list(servers))}\n{more}")

    def inside(self, code, hosts=("allowed.example",), ports=(443, 80), code_is=0, reason="OK", **more):
        """(what the job printed, as JSON a line; the object of --json; what was said)"""
        text = "import sys, json, socket; sys.path.append('/job'); from fence_job import *\n" + code
        result, said = self.job("/usr/local/bin/python", "-c", text, code=code_is, reason=reason,
                                more=self.policy(hosts, ports, **more))
        lines = [json.loads(line[2:]) for line in said.splitlines() if line.startswith("= ")]
        return lines, result, said

    def tries(self, *attempts, **more):
        """Each is an expression of fence_job.py; all in one job."""
        code = "\n".join(f"print('=', json.dumps(said(lambda: {one})), flush=True)" for one in attempts)
        lines, result, said = self.inside(code, **more)
        self.assertEqual(len(lines), len(attempts), said)
        return lines, {(row["rule"], row["words"].split()[0].rstrip(":")): row for row in result["refusals"]}

    @with_both
    def test_what_is_allowed(self):
        """TLS and plain, by name: both through the fence, and the certificate is that of the world."""
        lines, refused = self.tries("tls('allowed.example')", "plain('allowed.example')",
                                    "tls('ALLOWED.example')", "socket.gethostbyname('allowed.example')",
                                    "ask('localhost')")
        self.assertEqual(lines, ["tls TLSv1.3 hello", "plain hello", "tls TLSv1.3 hello", "198.18.0.1",
                                 [0, ["127.0.0.1"]]])
        self.assertEqual(refused, {})

    @with_both
    def test_what_is_not_listed(self):  # proves: PC-42
        """A name, a port, an address: none is there, and the job is told by which rule, also where
        no socket of the fence but the kernel or nobody at all would have answered."""
        lines, refused = self.tries(
            "plain('forbidden.example')", "ask('forbidden.example')", "ask('sub.allowed.example')",
            "plain('allowed.example', 8443)", f"plain('{world.PUBLIC}')", "plain('198.18.9.9')",
            f"plain('{world.NODE}')", "plain('169.254.169.254')", f"plain('{world.PUBLIC6}')",
            hosts=("allowed.example", "other.example"), ports=(443, 80))
        self.assertEqual(lines, ["gaierror -3", [5, []], [5, []], "ECONNREFUSED",
                                 "EHOSTUNREACH", "ECONNRESET", *2 * ["EHOSTUNREACH"], "EACCES"])
        self.assertEqual(set(refused), {("name", "forbidden.example"), ("name", "sub.allowed.example"),
                                        ("port", "allowed.example"), *(
            ("address", address) for address in (
                world.PUBLIC, "198.18.9.9", world.NODE, "169.254.169.254", world.PUBLIC6))})
        self.assertEqual(refused["port", "allowed.example"]["change"],
                         'resources.network_whitelist.ports += [8443]')
        row = refused["name", "forbidden.example"]
        self.assertGreaterEqual(row["count"], 2)
        self.assertEqual(row["change"], 'sandbox_config.network_policy.allowed_hosts += ["forbidden.example"]')
        self.assertEqual(self.world.world.seen("asked").count("forbidden"), 0)

    def test_a_redirect_to_another_host(self):  # proves: PC-42
        lines, refused = self.tries(
            "str(__import__('urllib.request').request.urlopen('http://allowed.example:8000/', timeout=20))",
            ports=(8000, 80))
        self.assertNotIn("200", lines[0])
        self.assertEqual(set(refused), {("name", "forbidden.example")})
        self.assertEqual(refused["name", "forbidden.example"]["count"] > 0, True)

    def test_each_list_has_its_own_ports(self):
        """What one list allows on 80 and another on 22 is not allowed on the other's."""
        lines, refused = self.tries(
            "plain('allowed.example')", "greeting('allowed.example')", "greeting('other.example')",
            "plain('other.example')", hosts=("allowed.example",), ports=(80,),
            more='allowed_hosts = ["other.example"]\nallowed_ports = [22]')
        self.assertEqual(lines[0], "plain hello")
        self.assertIn(lines[1], CUT)
        self.assertEqual(lines[2], "SSH-2.0-world\r\nmore")
        self.assertIn(lines[3], CUT)
        self.assertEqual(set(refused), {("port", "allowed.example"), ("port", "other.example")})
        self.assertEqual(refused["port", "other.example"]["change"],
                         "sandbox_config.network_policy.allowed_ports += [80]")

    @with_both
    def test_tls_says_for_whom(self):
        """On 443, and on any port where TLS begins: another name, none, a hidden one, or no TLS."""
        (self.above / "code" / "ech").write_bytes(hello_with(0xfe0d))
        lines, refused = self.tries(
            "tls('allowed.example', name='other.example')", "tls('allowed.example', name='')",
            "raw('allowed.example', 443, open('/job/ech', 'rb').read())",
            "raw('allowed.example', 443, b'GET / HTTP/1.1\\r\\n\\r\\n')",
            "raw('allowed.example', 443, b'\\x16\\x03\\x01\\x00\\x04\\x02aaa')",
            "tls('allowed.example', 8443, name='other.example')", "tls('allowed.example', 8443)",
            "raw('allowed.example', 80, open('/job/ech', 'rb').read())",
            hosts=("allowed.example", "other.example"), ports=(443, 8443, 80))
        for number in (0, 1, 2, 3, 4, 5, 7):
            self.assertIn(lines[number], CUT, number)
        self.assertEqual(lines[6], "tls TLSv1.3 hello")
        self.assertEqual({rule for rule, _ in refused},
                         {"other-sni", "no-sni", "ech", "no-tls", "malformed-tls"})
        self.assertIn("other.example", refused["other-sni", "allowed.example"]["words"])

    def test_a_server_that_asks_for_another_hello(self):
        """That one is in the clear, too, and servers choose by it: it is judged as the first was."""
        (self.above / "code" / "ech").write_bytes(hello_with(0xfe0d))
        change = r"b'\x14\x03\x03\x00\x01\x01'"
        port = world.AGAIN
        lines, refused = self.tries(
            f"tls('allowed.example', {port})",
            f"again('allowed.example', {port}, hello('other.example'))",
            f"again('allowed.example', {port}, {change} + hello('other.example'))",
            f"again('allowed.example', {port}, hello(''))",
            f"again('allowed.example', {port}, open('/job/ech', 'rb').read())",
            f"again('allowed.example', {port}, {change} + {change} + hello('allowed.example'))",
            f"again('allowed.example', {port}, b'', hello('allowed.example') + hello('other.example'))",
            f"again('allowed.example', {port}, b'\\x17\\x03\\x03\\x00\\x01x' + hello('other.example'))",
            hosts=("allowed.example", "other.example"), ports=(port,))
        self.assertEqual(lines[0], "tls TLSv1.3 hello")
        for number, line in enumerate(lines[1:], 1):
            self.assertIn(line, CUT, number)
        self.assertEqual({rule: row["count"] for (rule, _), row in refused.items()},
                         {"other-sni": 3, "no-sni": 1, "ech": 1, "malformed-tls": 2})

    def test_an_answer_that_does_not_fit(self):
        """The name server is asked again over TCP."""
        lines, refused = self.tries(f"plain('{world.LONG}')", hosts=(world.LONG,))
        self.assertEqual((lines, refused), (["plain hello"], {}))
        self.assertIn("long", self.world.world.seen("asked-long")[0])

    def test_the_node_on_a_port_that_another_list_has(self):
        lines, refused = self.tries(
            "raw('node.example', 22, b'')", hosts=(world.NODE,), ports=(8080,),
            more='allowed_hosts = ["node.example"]\nallowed_ports = [22]')
        self.assertIn(lines[0], CUT)
        self.assertEqual(set(refused), {("inside", "node.example")})
        self.assertEqual(self.world.node.seen("met"), [])

    @with_both
    def test_names_that_lead_inside(self):  # proves: PC-42
        """Whatever a name server says: no address of the node, of its networks, or of nobody."""
        names = ("loop", "meta", "private", "loop6", "mapped", "node", "synthetic", "zero", "gateway")
        lines, refused = self.tries(*(f"plain('{name}.example')" for name in names),
                                    *(f"tls('{name}.example')" for name in names[:3]),
                                    "plain('half.example')",
                                    hosts=[f"{name}.example" for name in (*names, "half")])
        for line in lines[:-1]:
            self.assertIn(line, CUT)
        self.assertEqual(lines[-1], "plain hello")  # by its other address
        self.assertEqual({name for rule, name in refused if rule == "inside"},
                         {f"{name}.example" for name in names})
        self.assertEqual(self.world.node.seen("met"), [])

    def test_a_name_that_leads_elsewhere_later(self):
        lines, refused = self.tries("plain('rebind.example')", "plain('rebind.example')",
                                    hosts=("rebind.example",))
        self.assertEqual(lines[0], "plain hello")
        self.assertIn(lines[1], CUT)
        self.assertEqual(set(refused), {("inside", "rebind.example")})
        self.assertEqual(self.world.node.seen("met"), [])

    @with_both
    def test_listed_addresses(self):
        """They are met at themselves, also those of a private network; others beside them are not."""
        lines, refused = self.tries(
            f"plain('{world.PUBLIC}')", f"plain('{world.PUBLIC6}')", f"plain('{world.OTHER}')",
            f"tls('{world.PUBLIC}', name='')", f"tls('{world.PUBLIC}', name='allowed.example')",
            "plain('10.9.9.9')", "plain('private.example')", "plain('10.9.9.8')",
            hosts=(world.PUBLIC, world.PUBLIC6, "10.9.9.9", "private.example"))
        self.assertEqual(lines[:2], ["plain hello", "plain hello"])
        self.assertEqual(lines[2], "EHOSTUNREACH")
        self.assertEqual(lines[3], "tls TLSv1.3 hello")
        self.assertEqual(lines[5:], ["node hello", "node hello", "EHOSTUNREACH"])
        self.assertEqual(set(refused), {("other-sni", world.PUBLIC), ("address", world.OTHER),
                                        ("address", "10.9.9.8")})
        self.world.node.events.clear()

    def test_ipv6_and_several_addresses(self):
        lines, refused = self.tries(
            "plain('six.example')", "tls('six.example')", "plain('both.example')",
            "ask('six.example', 28)", "ask('six.example', 28, '::1')", "plain('fd00:18::1')",
            "plain('fd00:18::77')", hosts=("six.example", "both.example"))
        self.assertEqual(lines[:3], ["plain hello", "tls TLSv1.3 hello", "plain hello"])
        self.assertEqual(lines[3:6], [[0, ["fd00:18::1"]], [0, ["fd00:18::1"]], "plain hello"])
        self.assertEqual(set(refused), {("address", "fd00:18::77")})

    @with_both
    def test_datagrams(self):  # proves: PC-42
        """Only where "N/udp" is listed: the same port of TCP does not open it."""
        lines, refused = self.tries(
            "datagram('allowed.example')", "datagram('fd00:18::1', family=socket.AF_INET6)",
            "datagram('allowed.example', told=b'x' * 1400)[:5]",
            "datagram('other.example', 443)", "datagram('private.example')", "datagram('198.18.9.9')",
            f"datagram('{world.PUBLIC}')", "plain('allowed.example', 4433)",
            hosts=("allowed.example", "other.example", "private.example"), ports=(443, "4433/udp"))
        self.assertEqual(lines, ["udp hello", "udp hello", "udp x", "ECONNREFUSED", "TimeoutError",
                                 "TimeoutError", "EHOSTUNREACH", "ECONNREFUSED"])
        self.assertEqual(set(refused), {
            ("inside", "private.example"), ("address", "198.18.9.9"), ("address", world.PUBLIC),
            ("port", "other.example"), ("port", "allowed.example")})

    def test_what_is_no_refusal(self):
        """Answers that nobody waits for any more, connections that the job cuts, and its own servers
        are not told as something that it was refused."""
        lines, refused = self.tries(
            "hasty('allowed.example', 4433)", "cut('allowed.example', 80)", "own_server('198.18.7.7')",
            "own_server('fd00:18::77')", "own_server('127.0.0.1')", "ask('localhost')",
            "__import__('time').sleep(1)", ports=(80, "4433/udp"))
        self.assertEqual(lines, [None, None, "own", "own", "own", [0, ["127.0.0.1"]], None])
        self.assertEqual(refused, {})

    def test_more_senders_than_are_kept(self):
        """Of 65 the first is forgotten and begins anew; a datagram that is too long is lost."""
        lines, _, _ = self.inside(
            "links = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(65)]\n"
            "def turn(link, told=b'x'):\n"
            "    link.settimeout(2)\n    link.send(told)\n    return len(link.recv(65536))\n"
            "for link in links: link.connect(('allowed.example', 4433)); turn(link)\n"
            "print('=', json.dumps([turn(links[0]), turn(links[64])]))\n"
            "print('=', json.dumps([said(lambda: turn(links[64], b'x' * size)) for size in (4092, 4096, 4097)]))",
            ports=("4433/udp",))
        # what is told comes back with four bytes more
        self.assertEqual(lines, [[5, 5], [4096, "TimeoutError", "TimeoutError"]])
        self.assertEqual([int(event.split()[1]) for event in self.world.world.seen("datagram")][-2:], [4092, 4096])

    def test_wildcards(self):
        lines, refused = self.tries(
            "plain('a.wild.example')", "tls('b.wild.example')", "ask('wild.example')",
            "ask('x.a.wild.example')", "ask('A.Wild.Example')", hosts=("*.wild.example",))
        self.assertEqual(lines, ["plain hello", "tls TLSv1.3 hello", [5, []], [5, []], [0, ["198.18.0.1"]]])
        self.assertEqual(set(refused), {("name", "wild.example"), ("name", "x.a.wild.example")})

    @with_both
    def test_questions(self):
        """Other types are empty, other classes and forms are faults, and nothing of them goes out."""
        self.world.world.events.clear()
        long = ".".join(["a" * 63] * 4)
        lines, refused = self.tries(
            "ask('allowed.example', 16)", "ask('allowed.example', 255)", "ask('allowed.example', 28)",
            f"ask('{'a' * 63}.example')", f"said(lambda: ask('{long}'))",
            "ask_stream('allowed.example', 'forbidden.example', 'allowed.example')",
            "ask_stream('allowed.example', server='::1')",
            "raw('127.0.0.1', 53, b'\\xff\\xff' + b'x' * 2000)")
        self.assertEqual(lines[:4], [[0, []], [0, []], [0, ["fd00:18::1"]], [5, []]])
        self.assertNotEqual(lines[4][1:], [["198.18.0.1"]])
        self.assertEqual(lines[5], [[0, ["198.18.0.1"]], [5, []], [0, ["198.18.0.1"]]])
        self.assertEqual(lines[6], [[0, ["198.18.0.1"]]])
        self.assertIn(lines[7], CUT)
        self.assertEqual(self.world.world.seen("asked"), [])

    def test_questions_without_end(self):
        """A flood is bounded, and so is what is said of it; the fence serves on."""
        lines, result, said = self.inside(
            "link = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "link.connect(('127.0.0.1', 53))\nlink.settimeout(0.5)\n"
            "for number in range(12000):\n    link.send(question(f'exfiltrated-{number}.example'))\n"
            "got = 0\ntry:\n    while link.recv(512): got += 1\nexcept OSError: pass\n"
            "import time; time.sleep(1.2)\n"
            "print('=', json.dumps([got, ask('allowed.example')]))")
        self.assertLessEqual(lines[0][0], 6000)
        self.assertEqual(lines[0][1], [0, ["198.18.0.1"]])
        self.assertEqual(len(result["refusals"]), 16)
        self.assertGreater(result["refused_more"], 64)
        self.assertLess(said.count("refused:"), 20)

    def test_a_name_server_that_is_listed(self):
        """Its port is that of the fence's own one too, at other addresses."""
        lines, refused = self.tries(
            f"ask('allowed.example', server='{world.NAMES}')", "ask('localhost')", "ask_stream('localhost')",
            "ask('other.example', server='198.18.0.1')", hosts=(world.NAMES,), ports=("53/udp", 53))
        self.assertEqual(lines, [[0, [world.PUBLIC]], [0, ["127.0.0.1"]], [[0, ["127.0.0.1"]]], "TimeoutError"])
        self.assertEqual(set(refused), {("address", "198.18.0.1")})

    def test_a_reader_that_is_stuck(self):
        """Nobody reads what is refused: the fence serves on, and the job ends in its time."""
        spec = self.spec("/usr/local/bin/python", "-c", "import sys; sys.path.append('/job')\n"
                         "from fence_job import *\nfor turn in range(2000):\n"
                         "    said(lambda: ask('x' * 60 + f'{turn}.' + 'y' * 60 + '.example'))\n"
                         "    if turn % 400 == 0: __import__('time').sleep(1)\n"
                         "open('/output/told', 'w').write(plain('allowed.example'))",
                         more=self.policy(["allowed.example"], [80]))
        process = subprocess.Popen(self.words(spec, "--output", self.here / "out"), stderr=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL, env=CLEAN)
        time.sleep(8)
        process.communicate(timeout=60)
        self.assertEqual((self.here / "out" / "told").read_text(), "plain hello")

    def test_a_reader_that_is_stuck_hears_no_refusal(self):
        """Its pipe is full: the wish to end the job is heard all the same."""
        spec = self.spec("/usr/local/bin/python", "-c", "import sys, os; sys.path.append('/job')\n"
                         "from fence_job import *\nos.set_blocking(2, False)\nprint('up', flush=True)\n"
                         "import time\nfor turn in range(600):\n"
                         "    try: os.write(2, b'x' * 65536)\n    except OSError: pass\n"
                         "    ask(f'{turn}.example')\n    time.sleep(0.1)",
                         more=self.policy(["allowed.example"], [80]))
        process = begun(self.words(spec), b"up\n")
        time.sleep(3)
        process.terminate()
        end = time.monotonic() + 20
        while children(process.pid) and time.monotonic() < end:
            time.sleep(0.05)
        self.assertEqual(children(process.pid), [])
        process.communicate(timeout=30)
        self.assertEqual(process.returncode, 1)

    def test_half_closed_and_large(self):
        """All of it arrives, in both directions, whoever ends first."""
        lines, _ = self.tries("big('allowed.example', 64 << 20)",
                              "len(plain('allowed.example', told=b'y' * (8 << 20)))",
                              ports=(80, 9000))
        self.assertEqual(lines, [64 << 20, (8 << 20) + len("plain ")])

    def test_many_slow_and_idle(self):
        """More connections than are served at once: the others wait, and none is lost."""
        lines, _, _ = self.inside(
            "links = [socket.create_connection(('allowed.example', 22), 20) for _ in range(128)]\n"
            "for link in links: assert link.recv(64) == b'SSH-2.0-world\\r\\n'\n"
            "late = socket.create_connection(('allowed.example', 22), 20)\n"
            "late.settimeout(1)\nprint('=', json.dumps(said(lambda: late.recv(64).decode())))\n"
            "links[0].close()\nlate.settimeout(20)\n"
            "print('=', json.dumps(late.recv(64).decode()))", ports=(22,))
        self.assertEqual(lines, ["TimeoutError", "SSH-2.0-world\r\n"])

    def test_few_descriptors(self):
        """Fewer connections at once then, and none is lost; with too few there is no fence."""
        many = ("links = [socket.create_connection(('allowed.example', 22), 20) for _ in range(100)]\n"
                "got = []\nfor link in links: got.append(link.recv(64) == b'SSH-2.0-world\\r\\n'); link.close()\n"
                "print('=', json.dumps(got))")
        self.prefix = ("prlimit", "--nofile=256:256")
        self.assertEqual(self.inside(many, ports=(22,))[0], [100 * [True]])
        self.prefix = ("prlimit", "--nofile=96:96")
        _, result, _ = self.inside(many, ports=(22,), code_is=3, reason="JOB_NO_FENCE")
        self.assertIn("Too many open files", result["detail"])

    def test_silence_on_443_ends(self):
        lines, refused = self.tries("raw('allowed.example', 443, b'')",
                                    "raw('allowed.example', 443, b'\\x16\\x03\\x01')")
        for line in lines:
            self.assertIn(line, CUT)
        self.assertEqual({rule for rule, _ in refused}, {"no-tls", "malformed-tls"})

    def test_hosts_that_are_not_there(self):
        lines, refused = self.tries("plain('unknown.example')", "plain('other.example', 81)",
                                    hosts=("unknown.example", "other.example"), ports=(80, 81))
        for line in lines:
            self.assertIn(line, CUT)
        self.assertEqual(refused, {})

    def test_one_rule_hides_nothing_of_another(self):
        """Whatever a job fills the places of one rule with, what it tried of others is told."""
        lines, result, said = self.inside(
            "for turn in range(40): ask(f'x{turn}.example')\n"
            "for port in range(5000, 5040): said(lambda: plain('allowed.example', port))\n"
            "print('=', json.dumps(said(lambda: plain('169.254.169.254'))))")
        self.assertEqual(lines, ["EHOSTUNREACH"])
        rows = [row["rule"] for row in result["refusals"]]
        self.assertEqual((rows.count("name"), rows.count("port"), rows.count("address")), (16, 16, 1))
        self.assertEqual(result["refused_more"], 24 + 2 * 24)  # a port is tried at both its addresses
        self.assertIn("169.254.169.254 is not in", said)

    def test_what_answers(self):  # proves: RL-42
        """Every port of TCP, at the job's loopback, at a name's address, at the
        node's and others': what is listed answers, and the name server. Another job that listens at all
        its addresses is not met."""
        peer = begun(self.words(self.spec(
            "/usr/local/bin/python", "-c", "import socket, time\nwith socket.create_server(('', 7777)):\n"
            "    print('up', flush=True)\n    time.sleep(300)", more=self.policy(["allowed.example"], [443]))), b"up\n")
        self.addCleanup(peer.communicate, timeout=30)
        self.addCleanup(peer.terminate)
        lines, _, _ = self.inside(
            "print('=', json.dumps([*map(answering, ('127.0.0.1', '198.18.0.1', 'fd00:18::1')), "
            f"*map(answering_strangers, ('{world.NODE}', '{world.NODE6}', '{world.PUBLIC}', '169.254.169.254'))]))",
            ports=(443, 80), more="[limits]\nmax_execution_seconds = 300")
        self.assertEqual(lines[0], [[53, 80, 443], [80, 443], [80, 443], *4 * [[]]])

    def test_what_answers_datagrams(self):  # proves: RL-42
        """Every port of UDP, in the same way: nobody but who is listed."""
        lines, _, _ = self.inside(
            "print('=', json.dumps([answering_datagrams(address) for address in "
            f"('127.0.0.1', '198.18.0.1', 'fd00:18::1', '{world.NODE}', '{world.NODE6}', '169.254.169.254')]))",
            ports=("4433/udp",), more="[limits]\nmax_execution_seconds = 300")
        self.assertEqual(lines[0], [[53], [4433], [4433], *3 * [[]]])

    def test_sockets_of_other_kinds(self):  # proves: RL-42
        """Raw, of packets (neighbours are deceived by those), of netlink, of machines."""
        lines, _ = self.tries(*(f"socket.socket({kind}).close()" for kind in (
            "socket.AF_INET, socket.SOCK_RAW, 1", "socket.AF_INET6, socket.SOCK_RAW, 58",
            "socket.AF_INET, socket.SOCK_RAW, 255", "socket.AF_PACKET, socket.SOCK_RAW, 768",
            "socket.AF_PACKET, socket.SOCK_DGRAM, 0x0608", "socket.AF_NETLINK, socket.SOCK_RAW, 0",
            "socket.AF_VSOCK, socket.SOCK_STREAM", "socket.AF_VSOCK, socket.SOCK_DGRAM")))
        for line in lines:
            self.assertIn(line, ("EPERM", "EAFNOSUPPORT"))

    def test_names_of_the_node(self):  # proves: RL-42
        """The abstract names of sockets are a network's own."""
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("\0ward-test-of-the-fence")
            server.listen()
            lines, _ = self.tries("socket.socket(socket.AF_UNIX).connect('\\0ward-test-of-the-fence')")
        self.assertEqual(lines, ["ECONNREFUSED"])

    def test_an_address_of_somebody_else(self):  # proves: RL-42
        """A job can be its own addresses alone, and outside it comes from the node whichever."""
        self.world.world.events.clear()
        others = (world.NODE, world.OTHER, "169.254.169.254", "10.9.9.9")
        lines, _ = self.tries(
            *(f"from_address('{address}', ('allowed.example', 80))" for address in others),
            *(f"from_address('{address}', ('allowed.example', 4433), socket.SOCK_DGRAM)" for address in others),
            "from_address('198.18.0.0', ('allowed.example', 80))",
            "from_address('198.18.5.5', ('allowed.example', 80))",
            "from_address('198.18.5.5', ('allowed.example', 4433), socket.SOCK_DGRAM)", ports=(80, "4433/udp"))
        self.assertEqual(lines, [*8 * ["ENETUNREACH"], *2 * ["plain hello"], "udp hello"])
        self.assertEqual({event.split()[2] for event in self.world.world.seen("met")}, {world.NODE})

    def test_what_is_said_while_it_runs(self):
        """A refusal is said within two seconds, while the job goes on."""
        spec = self.spec("/usr/local/bin/python", "-c", "import sys; sys.path.append('/job')\n"
                         "from fence_job import *\nask('forbidden.example')\n"
                         "import time; time.sleep(30)", more=self.policy(["allowed.example"], [443]))
        process = subprocess.Popen(self.words(spec), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   stdin=subprocess.DEVNULL, env=CLEAN, text=True)
        self.assertIn("forbidden.example is not in", process.stderr.readline())
        self.assertIsNone(process.poll())
        process.terminate()
        process.communicate(timeout=30)

    def begin(self):
        """A job that waits: (its run, its fence)."""
        spec = self.spec("/usr/local/bin/python", "-c", "import time; print('up', flush=True); time.sleep(60)",
                         more=self.policy(["allowed.example"], [443]))
        process = begun(self.words(spec), b"up\n")
        beside = children(children(process.pid)[0])
        fence = [pid for pid in beside if user_of(pid) % 65536 == 65535]
        self.assertEqual(len(fence), 1, beside)
        return process, fence[0]

    def test_the_process_of_the_fence(self):
        """A user that nobody else is, no right, no path, no descriptor but its own, in the job's group."""
        self.prefix = ("env", "-u", "MALLOC_PERTURB_")  # which would touch what is never used
        process, fence = self.begin()
        try:
            status = pathlib.Path(f"/proc/{fence}/status").read_text()
            for line in (r"CapEff:\t0+", r"CapPrm:\t0+", r"CapBnd:\t0+", r"NoNewPrivs:\t1", r"Seccomp:\t2"):
                self.assertRegex(status, rf"(?m)^{line}$")
            self.assertGreaterEqual(user_of(fence), 0x70000000)
            groups = pathlib.Path(f"/proc/{fence}/cgroup").read_text()
            for kind in ("memory", "cpu", "cpuacct") if "memory" in groups else ("",):
                self.assertRegex(groups, rf"(?m)^\d+:[a-z,]*{kind}[a-z,]*:/ward-job-")
            kinds = {os.readlink(path).split(":")[0] for path in pathlib.Path(f"/proc/{fence}/fd").iterdir()}
            self.assertLessEqual(kinds, {"pipe", "socket", "anon_inode", "/dev/net/tun"})
            self.assertLess(int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)), 8192)
        finally:
            process.terminate()
            process.communicate(timeout=30)

    @with_both
    def test_a_fence_that_ends(self):
        """The job ends with it, and says why."""
        process, fence = self.begin()
        os.kill(fence, signal.SIGKILL)
        said = process.communicate(timeout=30)[1]
        self.assertEqual(process.returncode, 3, said)
        self.assertIn(b"JOB_NO_FENCE", said)

    def test_a_machine_without_the_device(self):
        """Nothing is run that might be refused something in silence."""
        self.prefix = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$0" "$@"')
        result, said = self.job("/usr/local/bin/python", code=3, reason="JOB_NO_FENCE",
                                more=self.policy(["allowed.example"], [443]))
        self.assertIn("/dev/net/tun", result["detail"])

    def test_a_run_that_is_killed(self):
        """The fence goes with it."""
        process, fence = self.begin()
        process.kill()
        process.communicate(timeout=30)
        end = time.monotonic() + 20
        while os.path.exists(f"/proc/{fence}") and time.monotonic() < end:
            time.sleep(0.05)
        self.assertFalse(os.path.exists(f"/proc/{fence}"))
        self.tries("plain('allowed.example')")  # and sweeps what the other left

    def test_whenever_it_is_killed(self):
        """While its network is furnished, while the fence is confined, while it serves."""
        spec = self.spec("/usr/local/bin/python", "-c", "import sys; sys.path.append('/job')\n"
                         "from fence_job import *\nwhile True: plain('allowed.example')",
                         more=self.policy(["allowed.example"], [80]))
        for moment in range(24):
            process = subprocess.Popen(self.words(spec), env=CLEAN, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(moment * 0.02)
            process.kill()
            process.wait()
        self.tries("plain('allowed.example')")

    def test_what_cannot_be_listed(self):
        """No fence leads to what is the sandbox itself, or nobody."""
        for address in ("127.0.0.2", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.18.0.5", "fd00:18::5"):
            result, _ = self.job("/usr/local/bin/python", code=2, reason="JOB_HOST",
                                 more=self.policy([address], [80]))
            self.assertIn(address, result["detail"])

    def test_no_fence_where_none_is_needed(self):
        lines, _, _ = self.inside("print('=', json.dumps(said(lambda: ask('allowed.example'))))",
                                  hosts=("localhost", "127.0.0.1"))
        self.assertEqual(lines, ["ECONNREFUSED"])
        lines, _, _ = self.inside("print('=', json.dumps(said(lambda: ask('allowed.example'))))",
                                  more="allow_outbound = false")
        self.assertEqual(lines, ["ECONNREFUSED"])


def children(pid):
    return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def user_of(pid):
    return int(re.search(r"(?m)^Uid:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1))


def hello_with(extension):
    """The hello of a real client for allowed.example, with one extension more, and empty."""
    into = ssl.MemoryBIO()
    link = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), into, server_hostname="allowed.example")
    try:
        link.do_handshake()
    except ssl.SSLWantReadError:
        pass
    hello = bytearray(into.read())
    at = 9 + 2 + 32  # the record, the message, the version and the random
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at:at + 2], "big")
    at += 1 + hello[at]
    hello += extension.to_bytes(2, "big") + b"\0\0"
    for place, width in ((3, 2), (6, 3), (at, 2)):
        whole = int.from_bytes(hello[place:place + width], "big") + 4
        hello[place:place + width] = whole.to_bytes(width, "big")
    return bytes(hello)


if __name__ == "__main__":
    tap.main()
