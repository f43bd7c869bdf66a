"""show_job.py - the main job of a house, for ./demo: a specification is measured and submitted, its job
runs under limits with one host that is allowed and one that is not, and the result is judged by somebody
who trusts the house's root and nothing else of it. Then a job proves to the house over an attested
channel what its sandbox began with, and one that began with something else is refused. Runs in a network
of its own, as root.

    unshare --net python3 show_job.py FOLDER [--vm]"""

import http.server
import json
import pathlib
import shlex
import shutil
import subprocess
import sys
import threading
import time

from oci import Image, entry, folder
from ward import BUILD
import workloads

WARD = BUILD.resolve() / "ward"
ALLOWED, OTHER, PORT, HOUSE = "192.0.2.7", "192.0.2.8", 8080, "192.0.2.9"
SCRIPT = (f'busybox wget -q -O /output/answer http://{ALLOWED}:{PORT}/ && busybox cat /output/answer; '
          f'busybox timeout 5 busybox wget -q -O /dev/null http://{OTHER}:{PORT}/ || echo "the other host: refused"; '
          'busybox mount -t proc proc /output; echo "said with: $1"')


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"an answer of the allowed host\n")

    def log_message(self, *_):
        pass


class Show:
    def __init__(self, here, vm):
        self.here, self.vm, self.state = here, vm, here / "house"

    def say(self, text):
        print(f"\n== {text}", flush=True)

    def ward(self, *words, code=0, state=True, quiet=False, into=None):
        words = [*map(str, words)]
        if state:
            at = words.index("--") if "--" in words else len(words)
            words[at:at] = ["--state", str(self.state)]
        if not quiet:
            shown = shlex.join(words).replace(str(self.here) + "/", "")
            print(f"$ ward {shown}" + (f" > {into.name}" if into else ""), flush=True)
        done = subprocess.run([WARD, *words], cwd=self.here, text=True, check=False, timeout=180,
                              stdout=subprocess.PIPE if quiet or into else None,
                              stdin=subprocess.DEVNULL)
        if done.returncode != code:
            sys.exit(f"demo: ward {words[0]} {words[1]} ended with {done.returncode}, not {code}")
        if into:
            into.write_text(done.stdout)
        return done.stdout

    def network(self):
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{ALLOWED}/32", "dev", "lo"],
                      ["addr", "add", f"{OTHER}/32", "dev", "lo"],
                      ["addr", "add", f"{HOUSE}/32", "dev", "lo"]):
            subprocess.run(["ip", *words], check=True)
        for address in (ALLOWED, OTHER):
            server = http.server.ThreadingHTTPServer((address, PORT), Server)
            threading.Thread(target=server.serve_forever, daemon=True).start()

    def image(self):
        image = Image([folder("bin"), entry("bin/busybox", pathlib.Path("/bin/busybox").read_bytes(),
                                            mode=0o755)])
        digest = image.pack(self.here / "image.tar")
        self.ward("image", "import", "image.tar", digest, state=False)
        if self.vm:
            self.ward("image", "build", BUILD.resolve() / "guest-kernel/kernel", BUILD.resolve() / "guest-kernel/modules",
                      state=False)
        return digest

    def spec(self, digest):
        text = (f'image = "{digest}"\ncommand = ["/bin/busybox", "sh", "-c", {json.dumps(SCRIPT)}, "x"]\n'
                '[resources]\nvcpu = 1\nmemory = "32M"\ndisk = "16M"\n'
                f'[resources.network_whitelist]\nhosts = ["{ALLOWED}"]\nports = [{PORT}]\n'
                '[limits]\nmax_execution_seconds = 60\n')
        if self.vm:
            text += 'max_memory_bytes = "512M"\n[sandbox_config]\nisolation_level = "vm"\n'
        (self.here / "spec.toml").write_text(text)
        print(text, end="", flush=True)

    def run(self):
        self.network()
        (self.here / "channel.toml").write_text("hardware = true\n")
        self.ward("up", "--listen", f"{HOUSE}:8443", "--set", f"channel.policy={self.here}/channel.toml")
        self.say("An image by its digest, and what a job of it may use and reach")
        self.spec(self.image())
        self.say("What the sandbox of this job will begin with, worked out before anything runs")
        self.ward("measure", "spec.toml", "--", "these words", state=False, into=self.here / "sandbox.toml")
        print((self.here / "sandbox.toml").read_text(), end="", flush=True)
        self.say("The job: one host answers, the other is refused, and so is what no job may do")
        job = self.ward("job", "submit", "spec.toml", "--json", "--", "these words", quiet=True)
        job = json.loads(job)["job_id"]
        print("$ ward job submit spec.toml -- 'these words'\n" + job, flush=True)
        self.ward("job", "logs", job, "--follow")
        self.say("How it ended, what it used, and what was refused to it, with the change that would allow it")
        self.ward("job", "why", job)
        self.ward("job", "get", job, "got")
        self.say("Its result, judged by who trusts the root of the house: signature, evidence of the house\n"
                 "   and of the sandbox, specification and files")
        tee = self.state / "tee"
        trusted = ["--root", tee / "root.pem", "--collateral", tee / "collateral"]
        whole = ["--spec", "spec.toml", "--output", "got/output"]
        self.ward("result", "verify", "got/result.jws", *trusted, *whole, "--sandbox-policy",
                  "sandbox.toml", state=False)
        self.say("The same result, for somebody who had approved other words")
        self.ward("measure", "spec.toml", "--", "other words", state=False, into=self.here / "other.toml")
        self.ward("result", "verify", "got/result.jws", *trusted, "--sandbox-policy", "other.toml",
                  "--json", code=1, state=False, quiet=True)
        print("$ ward result verify got/result.jws --sandbox-policy other.toml ...\nnot good: RESULT_SANDBOX",
              flush=True)
        self.ward("measure", "diff", "got/result.jws", "spec.toml", "--", "other words", code=1, state=False)
        self.attested()
        self.say("And what the security log says of it")
        for action in ("job.", "result.", "channel."):
            self.ward("audit", "query", "--action", action, "--limit", "4")

    def workload(self):
        """Its specification, and the folder with what it knows of the house."""
        digest = Image(list(workloads.layer(workloads.compiled(self.here)))).pack(self.here / "workload.tar")
        self.ward("image", "import", "workload.tar", digest, state=False)
        given = self.here / "given"
        shutil.copytree(self.state / "tee/collateral", given / "collateral")
        shutil.copy(self.state / "tee/root.pem", given)
        shutil.copy(self.state / "ca.pem", given)
        (given / "policy.toml").write_text(workloads.policy_of_house())
        text = (f'image = "{digest}"\ncommand = ["/bin/workload", "wss://{HOUSE}:8443/v1/channel", "/job"]\n'
                f'[resources]\nmemory = "64M"\ndisk = "16M"\n'
                f'[resources.network_whitelist]\nhosts = ["{HOUSE}"]\nports = [8443]\n'
                + ('[limits]\nmax_memory_bytes = "512M"\n' if self.vm else "")
                + '[sandbox_config]\nguest_agent = true\n'
                + ('isolation_level = "vm"\n' if self.vm else ""))
        (self.here / "workload.toml").write_text(text)
        print(text, end="", flush=True)

    def reload(self):
        """A policy is in force when that is in the log."""
        log = self.state / "ward.log"
        before, until = log.read_text().count("channel.policy: in force"), time.monotonic() + 30
        self.ward("reload")
        while log.read_text().count("channel.policy: in force") == before:
            if time.monotonic() > until:
                sys.exit("demo: the policy of channels did not come into force")
            time.sleep(0.05)

    def run_workload(self, name):
        job = json.loads(self.ward("job", "submit", name, "--job", "given", "--json", quiet=True))["job_id"]
        print(f"$ ward job submit {name} --job given\n{job}", flush=True)
        self.ward("job", "logs", job, "--follow")

    def attested(self):
        self.say("A job that proves what it is while it runs (examples/workload.c): it has evidence of its sandbox\n"
                 "   from its guest agent, and opens a channel to the house with it")
        self.workload()
        self.say("The house is to let in this sandbox, by what it began with, and nobody else")
        self.ward("measure", "workload.toml", "--job-folder", "--root", self.state / "tee/root.pem", state=False,
                  into=self.here / "channel.toml")
        self.reload()
        self.run_workload("workload.toml")
        self.say("The same program with another specification: refused, and it gets nothing")
        (self.here / "other.toml").write_text((self.here / "workload.toml").read_text() + "resource_monitoring = false\n")
        self.run_workload("other.toml")


def main():
    show = Show(pathlib.Path(sys.argv[1]), "--vm" in sys.argv[2:])
    try:
        show.run()
    finally:
        show.ward("down", "--purge", "--yes")


if __name__ == "__main__":
    main()
