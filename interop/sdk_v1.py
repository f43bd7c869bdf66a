"""sdk_v1.py - the public Challenge SDK, unmodified, against profile sdk-v1 of Ward, in both roles.

    interop/sdk_v1.py SDK_FOLDER [--build BUILD]

SDK_FOLDER is a copy of its repository. The packages that it imports are those of requirements.txt.
Quotes come from `ward sim agent`, so the SDK's real path runs, down to its dstack client; only the
root is another. Prints what was run, what it said and how it ended, as docs/interop.md has it;
exits with 0 when all was as expected, 1 when not."""

import argparse
import contextlib
import importlib.metadata
import json
import os
import pathlib
import platform
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
HERE = ROOT / "interop"
COMPOSE, OTHER = "c0" * 32, "c1" * 32
SHOWN = ("fastapi", "uvicorn", "websockets", "requests", "pynacl", "pycryptodome", "cryptography",
         "dstack-sdk", "httpx")


class Run:
    def __init__(self, sdk, build, packages):
        self.sdk, self.build, self.packages = sdk, build, packages
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-interop-"))
        # Its src/ holds a types.py that would hide Python's own: only the package is on the path.
        (self.folder / "path").mkdir()
        (self.folder / "path/platform_challenge_sdk").symlink_to(sdk / "src/platform_challenge_sdk")
        self.failed = 0

    def env(self, **more):
        keep = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**keep, "PYTHONPATH": f"{self.folder / 'path'}:{self.packages}",
                "PYTHONDONTWRITEBYTECODE": "1", "CHALLENGE_ID": "interop", **more}

    def say(self, title, said, code, wanted, shown=()):
        """One case; `wanted` are lines that must be there, the last one last."""
        lines = said.splitlines()
        good = code == 0 and all(line in lines for line in wanted) and lines[-1:] == wanted[-1:]
        self.failed += not good
        print(f"\n### {title}\n\n```text")
        for line in [*shown, *lines]:
            print(line if len(line) < 200 else line[:197] + "...")
        print(f"exit code {code}\n```\n\n{'As expected.' if good else 'NOT AS EXPECTED.'}")

    @contextlib.contextmanager
    def agent(self):
        """(folder, socket) of a simulated guest agent."""
        folder = self.folder / "simulated"
        process = subprocess.Popen([self.build / "ward", "sim", "agent", folder, "--json",
                                    "--compose-hash", COMPOSE], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        try:
            yield folder, json.loads(process.stdout.readline())["socket"]
        finally:
            process.terminate()
            process.communicate(timeout=20)

    @contextlib.contextmanager
    def challenge(self, **env):
        """The port of a challenge of the SDK's."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = subprocess.Popen([sys.executable, HERE / "challenge.py"], cwd=self.folder,
                                   env=self.env(SDK_HOST="127.0.0.1", SDK_PORT=str(port), **env),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            yield wait_for(port)
        finally:
            process.terminate()
            process.communicate(timeout=20)

    def validator(self, port, folder, compose, *jobs):
        """Ward's end as the validator: (what it says, exit code)."""
        with socket.create_connection(("127.0.0.1", port)) as ours:
            done = subprocess.run([self.build / "tests/channel/sdk_peer", "client", folder, compose,
                                   f"127.0.0.1:{port}", *jobs], stdin=ours.fileno(), timeout=60,
                                  stdout=subprocess.PIPE, text=True, check=False)
        return done.stdout, done.returncode

    def client(self, how, url, **env):
        done = subprocess.run([sys.executable, HERE / "client.py", how, url], cwd=self.folder,
                              env=self.env(**env), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60, check=False)
        last = done.stderr.strip().splitlines()[-1:] if done.returncode else []
        return done.stdout.splitlines() + last + [f"SDK: exit code {done.returncode}"]


def wait_for(port):
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return port
        time.sleep(0.1)
    raise SystemExit("the SDK's server does not listen")


def as_validator(run, folder, agent):
    real = {"DSTACK_SIMULATOR_ENDPOINT": agent}
    with run.challenge(**real) as port:
        said, code = run.validator(port, folder, COMPOSE, "evaluate_agent", '{"a":1}', "other", "{}")
        run.say("Ward is the validator; the SDK's quote comes from its dstack client", said, code, [
            "judged OK simulated", "open", 'answer 1000 OK {"db_version": 3}',
            'answer 1001 OK {"migrations": [], "db_version": 1}',
            'result 0 OK {"job": "job-0", "got": {"a": 1}}', 'result 1 SDK_PEER_ERROR "no agent"',
            'logs {"query": "Message error: not served by this validator"}', "ended closed OK"])
        said, code = run.validator(port, folder, OTHER)
        run.say("Another compose hash than the one that is expected", said, code, [
            "judged OK simulated", "ended CHANNEL_EVIDENCE_DENIED SDK_COMPOSE_HASH OK"])
    with run.challenge(SDK_DEV_MODE="true", **real) as port:
        said, code = run.validator(port, folder, COMPOSE)
        run.say("The SDK in its dev mode: a mock quote", said, code,
                ["ended SDK_DEV_PEER NONE OK"])
    with run.challenge(TEE_ENFORCED="false", ENVIRONMENT_MODE="prod") as port:
        said, code = run.validator(port, folder, COMPOSE)
        run.say("The SDK with mock quotes that calls itself production", said, code,
                ["ended SDK_DEV_PEER NONE OK"])
    with run.challenge(DSTACK_SIMULATOR_ENDPOINT="/nowhere") as port:
        said, code = run.validator(port, folder, COMPOSE)
        run.say("The SDK in production without a TEE: it closes without a word", said, code,
                ["ended closed OK"])


def as_http_validator(run, folder, agent):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        process = subprocess.Popen([run.build / "tests/channel/sdk_bootstrap_peer", folder],
                                   stdin=listening.fileno(), stdout=subprocess.PIPE, text=True)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        good = run.client("http", url, DSTACK_SIMULATOR_ENDPOINT=agent)
        null = run.client("http", url, DSTACK_SIMULATOR_ENDPOINT="/nowhere")
    process.terminate()
    said, _ = process.communicate(timeout=20)
    lines = said.splitlines()
    cut = lines.index("/attestation/challenge OK", 1)
    run.say("Ward is the validator over HTTP: the SDK bootstraps, signs and seals a heartbeat",
            "\n".join(lines[:cut]), 0 if "posted /results/heartbeat 200 True" in good else 1, [
                "/attestation/challenge OK", "judged OK simulated", "/attest OK",
                'body {"timestamp": 1, "status": "ok", "metrics": {}}',
                "/results/heartbeat OK"], good)
    run.say("The SDK's HTTP client without a TEE: a null quote", "\n".join(lines[cut:]),
            0 if null[-1] == "SDK: exit code 1" else 1,
            ["/attestation/challenge OK", "/attest CHANNEL_EVIDENCE_REQUIRED"], null)


def as_house(run):
    """A house of Ward's, over TLS; its log is what Ward's end says."""
    import sdk_house
    with tempfile.TemporaryDirectory(prefix="ward-interop-") as place:
        guest = sdk_house.Guest(pathlib.Path(place) / "guest", COMPOSE)
        try:
            with sdk_house.House(guest, place) as house:
                house.ready()
                before = [len(house.records(action)) for action in LOGGED]
                env = {"REQUESTS_CA_BUNDLE": str(house.state / "ca.pem")}
                url = f"https://localhost:{house.port}"
                good = run.client("house", url, DSTACK_SIMULATOR_ENDPOINT=guest.socket, **env)
                null = run.client("house", url, DSTACK_SIMULATOR_ENDPOINT="/nowhere", **env)
                said = [line_of(row["details"]) for action, count in zip(LOGGED, before)
                        for row in house.records(action)[count:]]
        finally:
            guest.close()
    posted = ["posted /results/heartbeat 200 True", "posted /results/logs 200 True",
              "posted /v1/session/end 200"]
    run.say("A house of Ward's is the validator: the SDK bootstraps over TLS, posts what it has, and "
            "ends its session", "\n".join(said), 0 if set(posted) <= set(good) else 1,
            ["sdk-v1 evidence unbound simulated", "log INFO hello agent",
             'result evaluate_agent 0.25 {"passed": 1} 2 lines', "ended by its peer"], good)
    run.say("The SDK's HTTP client without a TEE, and a house", "", 0 if null[-1] ==
            "SDK: exit code 1" and any("400" in line for line in null) else 1, [], null)


def as_caller(run):
    """A house of Ward's calls challenges of the SDK's; what `ward peer list` and its log say of them."""
    import sdk_house
    from house import until
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="ward-interop-"))
        guest = sdk_house.Guest(pathlib.Path(place) / "guest", COMPOSE)
        stack.callback(guest.close)
        real = {"DSTACK_SIMULATOR_ENDPOINT": guest.socket}
        config = ""
        for name, env, compose in (("genuine", real, COMPOSE), ("other-code", real, OTHER),
                                   ("development", {"SDK_DEV_MODE": "true", **real}, COMPOSE),
                                   ("no-tee", {"DSTACK_SIMULATOR_ENDPOINT": "/nowhere"}, COMPOSE)):
            port = stack.enter_context(run.challenge(**env))
            policy = pathlib.Path(place) / f"{name}.toml"
            policy.write_text(f"hardware = false\nroots = [{json.dumps(guest.root())}]\n"
                              f'[log]\ncompose_hash = "{compose}"\n')
            config += (f'[peers.{name}]\nurl = "ws://127.0.0.1:{port}/sdk/ws"\n'
                       f'profile = "sdk-v1"\npolicy = "{policy}"\n')
        house = stack.enter_context(sdk_house.House(guest, place, served=False, config=config))

        def rows():
            done = house.command("peer", "list", "--json", "--state", house.state)
            return {one["name"]: " ".join(one[key] for key in ("name", "profile", "reason", "detail")
                                          if one[key]) + " open" * (one["state"] == "open")
                    for one in json.loads(done.stdout)["peers"]}

        wanted = ["genuine sdk-v1 open",
                  "other-code sdk-v1 CHANNEL_EVIDENCE_DENIED POLICY_EVENT",
                  "development sdk-v1 SDK_DEV_PEER", "no-tee sdk-v1 CHANNEL_TRUNCATED"]
        with contextlib.suppress(TimeoutError):
            until(lambda: set(rows().values()) == set(wanted), 60, 0.5)
            until(lambda: house.records("channel.note"), 30, 0.5)
        said = list(rows().values()) + [row["details"]["text"]
                                        for row in house.records("channel.note")]
    run.say("A house of Ward's calls challenges of the SDK's at /sdk/ws", "\n".join(said), 0,
            [*wanted, 'logs {"query": "Message error: not served by this validator"}'])


LOGGED = ("session.grant", "result.logs", "result.submit", "session.end")


def line_of(details):
    if "message" in details:
        return " ".join(["log", *(details[name] for name in ("level", "message", "component"))])
    if "score" in details:
        said = [details[name] for name in ("job_type", "score", "metrics", "logs")]
        return " ".join(["result", *said, "lines"])
    if "basis" not in details:
        return details["reason"]
    return " ".join([details["profile"], details["basis"],
                     "unbound" if details["unbound"] else "bound",
                     "hardware" if details["hardware"] else "simulated"])


def as_challenge(run, folder):
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        client = subprocess.Popen([sys.executable, HERE / "client.py", "ws",
                                   f"ws://127.0.0.1:{port}/sdk/ws"], env=run.env(), cwd=run.folder,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        ours, _ = listening.accept()
    with ours:
        done = subprocess.run([run.build / "tests/channel/sdk_peer", "server", folder, COMPOSE],
                              stdin=ours.fileno(), stdout=subprocess.PIPE, text=True, timeout=60,
                              check=False)
    _, error = client.communicate(timeout=60)
    run.say("Ward is the challenge; the SDK's WebSocket client shows no quote", done.stdout,
            done.returncode, ["ended CHANNEL_EVIDENCE_REQUIRED NONE OK"],
            [error.strip().splitlines()[-1], f"SDK: exit code {client.returncode}"])


def versions(run):
    sys.path.insert(0, str(run.packages))
    commit = subprocess.run(["git", "-C", run.sdk, "rev-parse", "HEAD"], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True, check=False).stdout.strip()
    print(f"Challenge SDK {commit or '(no repository)'}, Python {platform.python_version()}, "
          + ", ".join(f"{name} {importlib.metadata.version(name)}" for name in SHOWN) + ".")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sdk", type=pathlib.Path)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    options = parser.parse_args()
    os.environ["WARD_BUILD"] = str(options.build.resolve())
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/proc")]
    import pypi
    packages = pypi.pinned("interop", HERE)
    if not packages.installed() and not packages.install():
        raise SystemExit("the packages of requirements.txt could not be installed")
    run = Run(options.sdk.resolve(), options.build.resolve(), packages.folder / "packages")
    versions(run)
    with run.agent() as (folder, agent):
        as_validator(run, folder, agent)
        as_http_validator(run, folder, agent)
        as_challenge(run, folder)
    as_house(run)
    as_caller(run)
    sys.exit(1 if run.failed else 0)


if __name__ == "__main__":
    main()
