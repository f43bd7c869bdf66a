"""test_run_learn.py - `ward run --learn`: what a run needed, as a specification. It allows nothing that
was not allowed; the job comes to the same end under it; and learned again it stays as it is."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import tomllib

import fence_world as world
import tap
import test_run_fence as fences
from commands import CLEAN, WARD
from machines import Machines, needs_machine
from sandboxes import RUNTIMES, Jobs, begun, needs_sandbox, with_both

FILES = "[sandbox_config.filesystem_policy]\n"


def policy(path):
    """A learned specification, read by another reader of TOML."""
    return tomllib.loads(path.read_text())


class Learning(Jobs):
    count = 0

    def learned_file(self):
        Learning.count += 1
        return self.here / f"learned-{Learning.count}.toml"

    def learn(self, *command, more="", options=(), **expected):
        """(the object of --json, what was said, the learned file)"""
        path = self.learned_file()
        result, said = self.job(*command, more=more, options=(*options, "--learn", path), **expected)
        return result, said, path

    def again(self, path, *options):
        """The job under the learned specification, which is learned from once more."""
        twice = self.learned_file()
        done = self.run_spec(path, "--json", "--runtime", self.runtime, "--learn", twice, *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr.decode(), twice

    def assert_stays(self, path, *options):
        """The learned specification is one; the job does the same under it; and nothing more is learned."""
        check = subprocess.run([WARD, "spec", "check", path], capture_output=True, text=True, check=False)
        self.assertEqual((check.returncode, check.stderr), (0, ""), check.stdout)
        result, said, twice = self.again(path, *options)
        first, second = policy(path), policy(twice)
        for key in ("vcpu", "memory", "disk"):
            self.assertLessEqual(amount(second["resources"][key]), amount(first["resources"][key]))
            del first["resources"][key], second["resources"][key]
        for key in first["limits"]:
            self.assertLessEqual(amount(second["limits"][key]), amount(first["limits"][key]), key)
        del first["limits"], second["limits"]
        self.assertEqual(first, second)
        return result, said


def amount(value):
    if isinstance(value, int):
        return value
    return int(value[:-1]) << {"K": 10, "M": 20, "G": 30}[value[-1]]


def own_lines(said):
    return [line for line in said.splitlines() if not line.startswith("ward: ")]


@needs_sandbox
class Learns(Learning):
    @with_both
    def test_a_job_that_needs_little(self):
        """Everything that it had no use of is gone, each with what was seen above it; and all that is no
        policy is as it was."""
        env = 'name = "little"\ntenant = "blue"\n[env]\nODD = "a\\"b\\\\\\u0007\\n#c"\n'
        result, said, path = self.learn("/bin/sh", "-c", "echo \"<$ODD>\"; nproc", more=env)
        self.assertEqual(result["learned"], {"file": str(path), "reason": "OK", "detail": ""})
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        spec, text = policy(path), path.read_text()
        self.assertEqual((spec["name"], spec["tenant"], spec["image"], spec["command"]),
                         ("little", "blue", self.digest, ["/bin/sh", "-c", "echo \"<$ODD>\"; nproc"]))
        self.assertEqual(spec["env"], {"ODD": "a\"b\\\a\n#c"})
        self.assertNotIn("isolation_level", spec["sandbox_config"])
        self.assertEqual(spec["sandbox_config"]["filesystem_policy"],
                         {"read_only": True, "allowed_paths": [], "denied_paths": ["/etc", "/usr/bin"],
                          "tmpfs_size": "1M"})
        network = spec["sandbox_config"]["network_policy"]
        self.assertEqual((network["allow_outbound"], network["allowed_hosts"], network["allowed_ports"]),
                         (False, [], []))
        self.assertEqual(spec["limits"], {
            "max_memory_bytes": "64M", "max_cpu_cores": 4, "max_gpu_memory_mb": 8192,
            "max_execution_seconds": 60, "max_output_bytes": "1M", "max_disk_bytes": "64M"})
        for key in ("max_memory_bytes", "max_execution_seconds", "max_output_bytes", "max_disk_bytes",
                    "read_only", "allowed_paths", "allowed_hosts", "allowed_ports", "allow_outbound"):
            self.assertRegex(text, rf"(?m)^# (Seen|It was).*\n(# .*\n)*{key} = ", key)
        self.assertIn(result["spec_sha256"], text)
        self.assertEqual(own_lines(self.assert_stays(path)[1]), own_lines(said))

    @with_both
    def test_what_was_written_stays(self):
        """The folder in memory that it wrote to or listed, the image's that it changed, the output."""
        script = ("echo x >/tmp/f; ls /seen; echo new >>/open/old; cat /open/old; "
                  "head -c 3000000 /dev/zero >/output/a; echo done")
        more = FILES + 'allowed_paths = ["/tmp", "/var/tmp", "/seen", "/open/d"]\n'
        result, said, path = self.learn("/bin/sh", "-c", script, more=more)
        spec = policy(path)
        files = spec["sandbox_config"]["filesystem_policy"]
        self.assertEqual((files["read_only"], files["allowed_paths"]), (False, ["/tmp", "/seen"]))
        self.assertIn('#   "/open"\n', path.read_text())
        self.assertEqual(spec["limits"]["max_output_bytes"], "5M")
        self.assertEqual(own_lines(said), own_lines(self.assert_stays(path)[1]))
        self.assertEqual(result["exit"], {"code": 0, "signal": 0})

    def test_memory_and_time_have_a_margin(self):
        script = "probe memory 96; sleep 3"
        _, _, path = self.learn("/bin/sh", "-c", script, more="[resources]\nmemory = '1G'\ndisk = '16M'\n"
                                "vcpu = 2\n[limits]\nmax_memory_bytes = '1G'\nmax_execution_seconds = 99\n")
        spec = policy(path)
        memory = amount(spec["limits"]["max_memory_bytes"])
        self.assertTrue(144 << 20 <= memory < 200 << 20, memory)
        self.assertEqual(amount(spec["resources"]["memory"]), memory)
        self.assertEqual((spec["limits"]["max_execution_seconds"], spec["resources"]["vcpu"]), (60, 1))
        self.assert_stays(path)

    def test_more_than_was_reserved_is_said_and_not_reserved(self):
        _, _, path = self.learn("/bin/sh", "-c", "probe memory 96")
        self.assertEqual(policy(path)["resources"]["memory"], "16M")
        self.assertRegex(path.read_text(), r"# It used more than is reserved; .*: memory = \"\d+M\"\n")

    def test_a_change_that_leaves_nothing_is_one(self):
        """A file that came and went, one that was taken away, and one of another name."""
        for script in ("echo >/open/x; rm /open/x", "rm /open/old", "mkdir /open/d; rmdir /open/d",
                       "cat /bin/busybox >/open/old"):
            with self.subTest(script=script):
                _, _, path = self.learn("/bin/sh", "-c", script)
                self.assertFalse(policy(path)["sandbox_config"]["filesystem_policy"]["read_only"])
                self.assertIn('#   "/open"\n', path.read_text())
                self.assert_stays(path)

    def test_what_is_in_it_is_within_what_was_given(self):
        """Of a specification that is narrow already nothing is widened."""
        more = ('[resources]\nmemory = "16M"\ndisk = "2M"\n[limits]\nmax_memory_bytes = "40M"\n'
                'max_execution_seconds = 20\nmax_output_bytes = 70000\nmax_disk_bytes = "3M"\n' + FILES +
                'read_only = true\nallowed_paths = []\ndenied_paths = []\n')
        _, _, path = self.learn("/bin/sh", "-c", "echo x >/output/x", more=more)
        spec = policy(path)
        self.assertEqual(spec["resources"], {"vcpu": 1, "memory": "16M", "disk": "2M", "gpu": 0,
                                             "network_whitelist": {"hosts": [], "ports": []}})
        self.assertEqual(spec["limits"], {
            "max_memory_bytes": "40M", "max_cpu_cores": 4, "max_gpu_memory_mb": 8192,
            "max_execution_seconds": 20, "max_output_bytes": 70000, "max_disk_bytes": "3M"})

    def test_the_sandbox_is_no_weaker_while_it_learns(self):
        """What is refused is refused, and told."""
        script = "cat /etc/shadow; echo x >/bin/x; probe calls; echo end"
        _, plain = self.job("/bin/sh", "-c", script)
        _, said, _ = self.learn("/bin/sh", "-c", script)
        self.assertEqual(sorted(own_lines(said)), sorted(own_lines(plain)))

    def test_arguments_of_the_command_line_are_not_learned(self):
        path = self.learned_file()
        done = self.run_spec(self.spec("/bin/echo", "one"), "--learn", path, arguments=("two",))
        self.assertEqual((done.returncode, done.stdout), (0, b"one two\n"))
        self.assertEqual(policy(path)["command"], ["/bin/echo", "one"])


@needs_sandbox
class Refuses(Learning):
    def refused(self, *options, code=2):
        done = self.run_spec(self.spec("/bin/echo", "ran"), *options)
        self.assertEqual(done.returncode, code)
        self.assertNotIn(b"ran\n", done.stdout)
        return done.stderr.decode()

    def test_what_is_there_is_not_written_over(self):
        there, way = self.here / "there.toml", self.here / "way"
        there.write_text("mine")
        way.symlink_to(self.here / "nowhere")
        for path in (there, way, self.here):
            self.assertIn("it is there already, and is not written over", self.refused("--learn", path))
        for path in (self.here / "no/such", f"{self.here}/x/", ""):
            self.assertIn("--learn", self.refused("--learn", path))
        self.assertEqual((there.read_text(), (self.here / "nowhere").exists()), ("mine", False))

    def test_not_for_a_vmm_nor_for_a_queue(self):
        path = self.learned_file()
        done = subprocess.run([WARD, "run", self.spec("/bin/true"), "--learn", path, "--vmm",
                               "http://127.0.0.1:9"], capture_output=True, text=True, env=CLEAN, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--learn is of no use with --vmm", done.stderr)
        self.assertIn("nothing is learned of jobs of a queue",
                      self.refused("--learn", path, "--tell-fd", "2"))
        done = subprocess.run([WARD, "job", "submit", self.spec("/bin/true"), "--learn", path],
                              capture_output=True, text=True, env=CLEAN, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--learn", done.stderr)
        self.assertFalse(path.exists())

    def test_of_a_job_that_failed_nothing_is_learned(self):
        """An exit code, a signal, a limit: what it needed nobody has seen."""
        for script, reason, more in (("exit 3", "OK", ""), ("exec probe fault", "OK", ""),
                                     ("sleep 60", "JOB_TIME", "[limits]\nmax_execution_seconds = 1"),
                                     ("ln -s / /output/x", "JOB_OUTPUT_KIND", "")):
            with self.subTest(script=script):
                result, said, path = self.learn("/bin/sh", "-c", script, more=more, code=1, reason=reason,
                                                options=("--output", self.learned_file()))
                self.assertEqual(result["learned"], {"file": str(path), "reason": "LEARN_NO_GOOD_END",
                                                     "detail": ""})
                self.assertIn("LEARN_NO_GOOD_END", said)
                self.assertFalse(path.exists())

    def test_one_that_did_not_run(self):
        result, _, path = self.learn("/bin/nothing", code=2, reason="JOB_START")
        self.assertEqual((result["learned"], path.exists()), (None, False))

    def test_ended_in_the_middle(self):
        """By whoever runs it, or by SIGKILL: nothing is there, nor beside it."""
        for number in (signal.SIGINT, signal.SIGKILL):
            path = self.learned_file()
            spec = self.spec("/bin/sh", "-c", "echo begun; sleep 100")
            run = begun(self.words(spec, "--learn", path), b"begun")
            run.send_signal(number)
            run.communicate(timeout=60)
            self.assertEqual(run.returncode, -9 if number == signal.SIGKILL else 1)
            self.assertEqual(list(self.here.glob("learned-*")), [])
        self.job("/bin/true")  # takes away what the one that was killed left

    def test_a_disk_that_is_full(self):
        """The job's own end is not lost, and half of a specification is not left."""
        small, out = self.here / "small", self.here / "out"
        small.mkdir()
        script = (f"mount -t tmpfs -o size=4k,nr_inodes=8 none {small} && head -c 4096 /dev/zero >{small}/x; "
                  f'"$@"; code=$?; ls {small}; exit $code')
        words = self.words(self.spec("/bin/sh", "-c", "echo x >/output/x; echo ran"), "--json",
                           "--output", out, "--learn", small / "learned.toml")
        done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh",
                               *words], capture_output=True, text=True, env=CLEAN, check=False,
                              stdin=subprocess.DEVNULL)
        object_end = done.stdout.index("\n")
        result = json.loads(done.stdout[:object_end])
        self.assertEqual(done.returncode, 70, done.stderr)
        self.assertEqual((result["reason"], result["learned"]["reason"]), ("OK", "LEARN_NOT_WRITTEN"))
        self.assertIn("No space left on device", result["learned"]["detail"])
        self.assertEqual(done.stdout[object_end:].split(), ["x"])
        self.assertEqual((out / "x").read_text(), "x\n")

    def test_a_name_that_somebody_takes_meanwhile(self):
        path = self.learned_file()
        spec = self.spec("/bin/sh", "-c", "echo begun; sleep 2")
        run = begun(self.words(spec, "--learn", path), b"begun")
        path.write_text("mine")
        _, said = run.communicate(timeout=60)
        self.assertEqual(run.returncode, 70)
        self.assertIn(b"LEARN_NOT_WRITTEN: File exists", said)
        self.assertEqual((path.read_text(), [p.name for p in self.here.glob("learned-*")]),
                         ("mine", [path.name]))


@needs_sandbox
class Hostile(Learning):
    def folders(self, script, more=""):
        _, _, path = self.learn("/bin/sh", "-c", script, more=more)
        self.assert_stays(path) if not more else None
        self.assertFalse(policy(path)["sandbox_config"]["filesystem_policy"]["read_only"])
        return re.findall(r"(?m)^#   (.*)$", path.read_text())

    def test_names_that_are_no_names(self):
        """Each is one line of a comment, whatever it has in it; what is no UTF-8 is only counted."""
        script = ("cd /open; for n in 'a\"b' \"$(printf 'c\\nread_only = true')\" \"$(printf '\\033[2J')\" "
                  "'d\\' '#e' \"$(printf 'f\\r')\"; do mkdir \"$n\"; echo >\"$n/x\"; done; "
                  "mkdir \"$(printf '\\377')\"; echo >\"$(printf '\\377')/x\"; "
                  "ln -s / \"$(printf 'up')\"; rm up")
        # A link in /open itself makes all of it one folder; so it is gone again.
        self.assertEqual(sorted(self.folders(script)), sorted([
            '"/open/a\\"b"', '"/open/c\\nread_only = true"', '"/open/\\u001B[2J"', '"/open/d\\\\"',
            '"/open/#e"', '"/open/f\\r"', "others that are not named here"]))

    def test_links_are_not_followed(self):
        """To folders of the host, to itself, to a device: each is one thing that was changed."""
        for script in ("ln -s /etc /open/l", "ln -s . /open/l", "mkdir /open/d; ln -s /proc/1/root /open/d/l",
                       "rm /open/old; ln -s /var/lib/ward-jobs /open/old", "mkfifo /open/p",
                       "mkdir /open/d; probe socket /open/d/s"):
            with self.subTest(script=script):
                self.assertEqual(self.folders(script), ['"/open/d"' if "/d" in script else '"/open"'])

    def test_a_folder_that_took_the_place_of_a_file(self):
        self.assertEqual(self.folders("rm /open/old; mkdir -p /open/old/a/b; echo >/open/old/a/b/c"),
                         ['"/open/old/a/b"'])

    def test_more_than_anybody_looks_at(self):
        """Files without end, folders without end, and folders inside one another: bounded each, and said
        to be so."""
        large = '[resources]\nmemory = "16M"\ndisk = "16M"\n[limits]\nmax_disk_bytes = "3G"\n'
        files = ("mkdir /open/d; cd /open/d; i=0; "
                 "while [ $i -lt 100000 ]; do touch $(seq $i $((i+1999))); i=$((i+2000)); done")
        self.assertEqual(self.folders(files, more=large), ['"/open/d"'])
        folders = ("mkdir /open/d; cd /open/d; i=0; "
                   "while [ $i -lt 66000 ]; do mkdir $(seq $i $((i+1999))); i=$((i+2000)); done")
        self.assertEqual(self.folders(folders, more=large), ['"/open/d"', "others that are not named here"])
        some = "cd /open; for i in $(seq 40); do mkdir d$i; echo >d$i/x; done"
        found = self.folders(some)
        self.assertEqual((len(found), found[-1]), (17, "others that are not named here"))
        deep = "cd /open; i=0; while [ $i -lt 300 ]; do mkdir d; cd d; i=$((i+1)); done; echo >x"
        self.assertEqual(self.folders(deep), ['"/open' + "/d" * 63 + '"'])

    def test_a_million_empty_links(self):
        """Their names are all that there is of them, and one is enough."""
        script = "cd /open; i=0; while [ $i -lt 3000 ]; do ln -s x l$i; i=$((i+1)); done"
        self.assertEqual(self.folders(script), ['"/open"'])


@needs_sandbox
class Network(Learning, fences.Fence):
    """In the world of fence_world.py; of the tests of what is reached none is run again."""

    def learned(self, *attempts, same=True, **more):
        code = "import sys, json, socket; sys.path.append('/job'); from fence_job import *\n" + "\n".join(
            f"print('=', json.dumps(said(lambda: {one})), flush=True)" for one in attempts)
        result, said, path = self.learn("/usr/local/bin/python", "-c", code, more=self.policy(**more))
        lines = [line for line in said.splitlines() if line.startswith("= ")]
        self.assertEqual(len(lines), len(attempts), said)
        _, said = self.assert_stays(path)
        if same:
            self.assertEqual([line for line in said.splitlines() if line.startswith("= ")], lines)
        spec = policy(path)
        return (spec["resources"].get("network_whitelist"), spec["sandbox_config"]["network_policy"],
                path.read_text(), lines)

    @with_both
    def test_what_was_met(self):
        """Of two lists each keeps what was met by it; what was refused is said, and not granted."""
        hosts = ["allowed.example", "other.example", "*.wild.example", world.PUBLIC, "six.example"]
        whitelist, network, text, lines = self.learned(
            "plain('allowed.example')", "tls('allowed.example')", "plain('a.wild.example')",
            "plain('forbidden.example')", "greeting('both.example')", hosts=hosts, ports=(443, 80, 22, 9000),
            more='allowed_hosts = ["both.example", "half.example", "localhost"]\nallowed_ports = [22, "22/udp"]')
        self.assertEqual(lines[0], '= "plain hello"')
        self.assertEqual(whitelist, {"hosts": ["allowed.example", "a.wild.example"], "ports": [443, 80]})
        self.assertEqual((network["allow_outbound"], network["allowed_hosts"], network["allowed_ports"]),
                         (True, ["both.example"], [22]))
        self.assertEqual(network["dns_servers"], [world.NAMES])
        self.assertIn("# Refused, and not granted here:\n#   forbidden.example is not in "
                      "sandbox_config.network_policy.allowed_hosts nor in resources.network_whitelist.hosts; "
                      'it would take sandbox_config.network_policy.allowed_hosts += ["forbidden.example"]\n',
                      text)

    def test_addresses_and_datagrams(self):
        whitelist, _, _, lines = self.learned(
            f"plain('{world.PUBLIC}')", f"datagram('{world.PUBLIC6}', 4433, family=socket.AF_INET6)", hosts=(
                world.PUBLIC, world.OTHER, world.PUBLIC6), ports=(80, 443, "4433/udp"))
        self.assertEqual(lines[0], '= "plain hello"')
        self.assertEqual(whitelist, {"hosts": [world.PUBLIC, world.PUBLIC6], "ports": [80, "4433/udp"]})

    def test_a_name_that_leads_to_a_listed_address(self):
        """It may lead there because the address is listed beside it: so both stay."""
        whitelist, _, _, lines = self.learned("plain('node.example', 9000)",
                                              hosts=("node.example", world.NODE, "other.example"),
                                              ports=(9000, 80))
        self.assertEqual(whitelist, {"hosts": ["node.example", world.NODE], "ports": [9000]})
        self.assertEqual(lines, ['= "node hello"'])

    def test_a_name_that_was_only_asked_for(self):
        whitelist, _, _, _ = self.learned("bool(socket.gethostbyname('other.example'))",
                                          hosts=("allowed.example", "other.example"), ports=(443, 80))
        self.assertEqual(whitelist, {"hosts": ["other.example"], "ports": [443]})
        whitelist, network, text, _ = self.learned("ask('localhost')", hosts=("allowed.example",), ports=(443,))
        self.assertEqual((whitelist, network["allow_outbound"]),
                         ({"hosts": ["allowed.example"], "ports": [443]}, True))
        self.assertIn("asked for localhost alone", text)

    def test_a_server_that_is_not_there(self):
        """That it was tried is what it needed: under the learned specification it fails as it did."""
        whitelist, _, _, lines = self.learned("plain('dead.example', 81)", hosts=("dead.example", "other.example"),
                                              ports=(81, 80))
        self.assertEqual(whitelist, {"hosts": ["dead.example"], "ports": [81]})
        self.assertIn(lines[0].strip('= "'), fences.CUT)

    def test_what_tls_refuses_is_no_use(self):
        """With nothing left that is allowed there is no fence, and what was in vain fails in another way."""
        whitelist, network, text, _ = self.learned(
            f"tls('{world.PUBLIC}', name='other.example')", same=False, hosts=(world.PUBLIC,), ports=(443,))
        self.assertEqual((whitelist, network["allow_outbound"]), ({"hosts": [], "ports": []}, False))
        self.assertIn("the TLS hello names other.example", text)

    def test_more_names_than_a_list_can_have(self):
        """A thousand under a wildcard: then the wildcard stays, and of other entries those that were met."""
        code = "len([socket.gethostbyname(f'n{i}.many.example') for i in range(1000)])"
        whitelist, _, _, _ = self.learned(code, hosts=("*.many.example", "*.wild.example", "other.example"),
                                          ports=(80, 443))
        self.assertEqual(whitelist, {"hosts": ["*.many.example"], "ports": [80]})

    def test_a_run_that_is_stopped_meanwhile(self):
        """It has more names to read than a pipe holds when the fence ends: what it read is not all, and so
        nothing is taken away."""
        code = ("import socket, time; print('up', flush=True); time.sleep(0.5)\n"
                "for i in range(1000): socket.gethostbyname(f'n{i}.many.example')")
        hosts, path = ["*.many.example", "other.example"], self.learned_file()
        spec = self.spec("/usr/local/bin/python", "-c", code, more=self.policy(hosts=hosts, ports=(80, 443)))
        process = begun(self.words(spec, "--json", "--runtime", self.runtime, "--learn", path), b"up\n")
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)
        process.send_signal(signal.SIGCONT)
        out, said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, said)
        self.assertEqual(json.loads(out)["learned"]["reason"], "OK")
        self.assertEqual(policy(path)["resources"]["network_whitelist"]["hosts"], hosts)
        self.assertIn("not known", path.read_text())


for inherited in [name for name in dir(fences.Fence) if name.startswith("test_")]:
    if inherited not in vars(Network):
        setattr(Network, inherited, None)


@needs_machine
class Machine(Learning, Machines):
    def test_a_job_in_a_machine(self):
        """Memory, time and output are known of it; what it does with its files nobody sees, so that
        stays; and it is a machine again."""
        out = self.here / "out"
        more = ('[limits]\nmax_memory_bytes = "1G"\n[resources]\nmemory = "64M"\ndisk = "64M"\n')
        _, _, path = self.learn("/bin/sh", "-c", "echo x >/output/x; echo ran", more=more,
                                options=("--output", out))
        spec = policy(path)
        self.assertEqual(spec["sandbox_config"]["isolation_level"], "vm")
        self.assertEqual(spec["sandbox_config"]["filesystem_policy"]["allowed_paths"], ["/tmp", "/var/tmp"])
        self.assertFalse(spec["sandbox_config"]["filesystem_policy"]["read_only"])
        self.assertEqual((spec["limits"]["max_output_bytes"], spec["resources"]["disk"],
                          spec["sandbox_config"]["network_policy"]["allow_outbound"]), ("1M", "64M", False))
        self.assertLess(amount(spec["limits"]["max_memory_bytes"]), 1 << 30)
        self.assertGreaterEqual(amount(spec["limits"]["max_memory_bytes"]), 256 << 20)
        _, said = self.assert_stays(path, "--output", self.here / "out2")
        self.assertIn("ran", said)


if __name__ == "__main__":
    tap.main()
