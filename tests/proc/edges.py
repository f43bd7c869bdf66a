"""edges.py - other people's proxies in front of a house, each as its operator would set it up: they
reach the house over TLS with its CA pinned, and hold their connections to it for whoever comes.

    with edges.Edge("nghttpx", "h2", house) as edge:    edge.connect(), edge.handed_on()
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import front_house

WHERE = os.environ["PATH"] + ":/usr/sbin"  # of Debian's packages, for others than root too
ALPN = {"h1": "http/1.1", "h2": "h2"}
HAPROXY = """\
global
    log stdout format raw local0
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend edge
    bind 127.0.0.1:{port}
    log global
    log-format "%s %ST %{{+Q}}r"
    default_backend house
backend house
    http-reuse always
    server house 127.0.0.1:{house} ssl verify required ca-file {trust} sni str(localhost) \
verifyhost localhost alpn {alpn}
"""


def nghttpx(folder, port, alpn, house, trust):
    """The words to start it, and the start of a line of the log when it is forwarded."""
    (folder / "conf").write_text("")
    return ["nghttpx", f"--conf={folder}/conf", "--single-process", "--workers=1", "--no-ocsp",
            f"--frontend=127.0.0.1,{port};no-tls", f"--cacert={trust}",
            f"--backend=127.0.0.1,{house};;tls;proto={alpn};sni=localhost",
            "--backend-connections-per-host=1", f"--accesslog-file={folder}/log",
            "--accesslog-format=$backend_host $status $request",
            f"--errorlog-file={folder}/errors"], "127.0.0.1 "


def haproxy(folder, port, alpn, house, trust):
    (folder / "conf").write_text(HAPROXY.format(port=port, alpn=alpn, house=house, trust=trust))
    return ["haproxy", "-db", "-f", folder / "conf"], "house "


THROUGH = """\
global
    log stdout format raw local0
    stats socket {folder}/stats level admin
defaults
    mode tcp
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend edge
    bind 127.0.0.1:{port}
    default_backend house
backend house
    source 127.0.0.2
    server house 127.0.0.1:{house} send-proxy-v2 check check-send-proxy inter 200
"""


def through(folder, port, alpn, house, trust):
    """HAProxy that passes TLS through, and says who it comes from."""
    del alpn, trust
    (folder / "conf").write_text(THROUGH.format(folder=folder, port=port, house=house))
    return ["haproxy", "-db", "-f", folder / "conf"], "house "


KINDS = {"nghttpx": nghttpx, "haproxy": haproxy, "through": through}


class Edge:
    """In front of `house`, to which it speaks "h1" or "h2"; `trust` is the CA it knows."""

    def __init__(self, kind, protocol, house, trust=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="ward-edge-"))
        self.port, self.process = front_house.free_port(), None
        trust = trust or house.state / "ca.pem"
        self.words, self.mark = KINDS[kind](self.folder, self.port, ALPN[protocol], house.port,
                                            trust)

    def __enter__(self):
        try:
            # Both ends live in this with.  pylint: disable=consider-using-with
            with open(self.folder / "log", "ab") as log, open(self.folder / "said", "ab") as said:
                self.process = subprocess.Popen(self.words, stdout=log, stderr=said,
                                                stdin=subprocess.DEVNULL, cwd=self.folder,
                                                env={**os.environ, "PATH": WHERE})
            until = time.monotonic() + 20
            while True:
                with contextlib.suppress(ConnectionRefusedError), self.connect():
                    return self
                if self.process.poll() is not None or time.monotonic() > until:
                    raise AssertionError((self.folder / "said").read_text())
                time.sleep(0.02)
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, timeout=10):
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def handed_on(self):
        """(status, request) of those that it handed on, as far as they are over."""
        lines = (self.folder / "log").read_text(errors="replace").split("\n")[:-1]
        words = [line.removeprefix(self.mark).split(" ", 1) for line in lines
                 if line.startswith(self.mark)]
        return [(int(status), request) for status, request in words]
