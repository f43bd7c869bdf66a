"""unix_http.py - HTTP over a unix socket: of a house's owner, of a guest agent."""

import http.client
import os
import pathlib
import socket


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=20):
        super().__init__("localhost", timeout=timeout)
        self.path = pathlib.Path(path)

    def connect(self):
        """Through the folder's descriptor: its path may be longer than a socket's name."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        folder = os.open(self.path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self.path.name}")
        except OSError:
            self.sock.close()
            raise
        finally:
            os.close(folder)
