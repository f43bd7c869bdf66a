"""listener.py - a server that meets each connection in a thread of its own."""

import contextlib
import pathlib
import socket
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "cmd"))
import tls_ca  # noqa: E402


class Listener:
    """What it does with a connection is `met`, under TLS where there is a certificate; `came` is
    how many there were, and `stop` is set when it ends."""

    def __init__(self, certificate=None, address="127.0.0.1", port=0, versions=None):
        self.certificate, self.versions = certificate, versions
        self.end = socket.create_server((address, port), backlog=256)
        self.port = self.end.getsockname()[1]
        self.came, self.stop = 0, threading.Event()

    def start(self):
        threading.Thread(target=self.serve, daemon=True).start()

    def close(self):
        self.stop.set()
        with contextlib.suppress(OSError):  # closed before
            self.end.shutdown(socket.SHUT_RDWR)  # whoever waits in accept would keep it open
        self.end.close()

    def serve(self):
        while True:
            try:
                one, _ = self.end.accept()
            except OSError:
                return
            self.came += 1
            threading.Thread(target=self.meet, args=(one,), daemon=True).start()

    def meet(self, one):
        try:
            if self.certificate:
                one = tls_ca.wrap(one, self.certificate, self.versions)
                one.do_handshake()
            self.met(one)
        except OSError:
            pass
        finally:
            one.close()
