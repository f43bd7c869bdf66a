"""sim_agents.py - `ward sim agent` for tests: started and ended, and asked as the SDKs of dstack ask."""

import contextlib
import json
import pathlib
import subprocess
import tempfile

from unix_http import UnixConnection
from ward import BUILD

WARD = BUILD.resolve() / "ward"


class Caller(UnixConnection):
    """As httpx over a unix socket."""

    def call(self, method, asked=b"", verb="POST", **fields):
        """(status, object)"""
        body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        self.request(verb, method, body, {name.replace("_", "-"): value
                                          for name, value in fields.items()})
        answer = self.getresponse()
        assert answer.getheader("Content-Length"), answer.getheaders()
        return answer.status, json.loads(answer.read())


@contextlib.contextmanager
def agent(*more):
    """(socket, folder, process) of one that listens."""
    with tempfile.TemporaryDirectory(prefix="ward-agent-") as above:
        folder = pathlib.Path(above) / "simulated"
        process = subprocess.Popen([WARD, "sim", "agent", folder, "--json", *more],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            yield json.loads(process.stdout.readline())["socket"], folder, process
        finally:
            process.terminate()
            _, said = process.communicate(timeout=20)
            assert process.returncode == 0, said
