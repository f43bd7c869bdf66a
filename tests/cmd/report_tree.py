"""report_tree.py - Linux's report interface as a file system of our own (FUSE, spoken by hand): what
`mkdir` makes has the attributes of an entry, and each behaves as the kernel's documentation says, or
as a test wants it to.

    own_mounts.enter()                 in __main__
    with ReportTree(folder) as tree:   tree.provider = b"sev_guest\\n"; ...
"""

import ctypes
import errno
import os
import stat
import struct
import threading
import time

INIT, LOOKUP, FORGET, GETATTR, MKDIR, RMDIR, OPEN, READ, WRITE, RELEASE, FLUSH, OPENDIR, READDIR, \
    RELEASEDIR, INTERRUPT, BATCH_FORGET = 26, 1, 2, 3, 9, 11, 14, 15, 16, 18, 25, 27, 28, 29, 36, 42
ROOT, DIRECT_IO, PAGE = 1, 1, 4096
ATTRIBUTES = {b"generation": 0o444, b"inblob": 0o200, b"outblob": 0o444, b"provider": 0o444}
LIBC = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(LIBC, name)(*args) != 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")


class Entry:
    def __init__(self, name):
        self.name, self.generation, self.written, self.asked = name, 0, b"", b""


class ReportTree:
    """`make(report_data)` gives the report; the other members are what goes wrong."""

    def __init__(self, folder, make):
        self.folder, self.make = folder, make
        self.provider, self.generation_text = b"tdx_guest\n", None
        self.fails = {}        # {name of an attribute, or "mkdir": [errno of the first time, ...]}
        self.writes_between = []  # how often somebody else writes, at the first time, the next, ...
        self.delay = 0
        self.asked = []        # report data, in their order
        self.made = 0          # entries, ever
        self.nodes = {ROOT: None}
        self.next_node = 2

    def __enter__(self):
        self.fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0"
        try:
            call("mount", b"ward-test", os.fsencode(self.folder), b"fuse", 0, options.encode())
        except OSError:
            os.close(self.fd)
            raise
        self.server = threading.Thread(target=self.serve, daemon=True)
        self.server.start()
        return self

    def __exit__(self, *_):
        """Ends the server before its descriptor: another tree's may get the same number, and this
        server would then take a request that is not its own."""
        call("umount2", os.fsencode(self.folder), 2)
        self.server.join(60)
        if self.server.is_alive():
            raise TimeoutError(f"{self.folder}: somebody still holds the tree that was unmounted")
        os.close(self.fd)

    def entries(self):
        return [node for node in self.nodes.values() if isinstance(node, Entry)]

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, 1 << 18)
            except OSError:
                return  # it was unmounted
            if not request:
                return
            _, opcode, unique, node = struct.unpack_from("<IIQQ", request)
            try:
                body, error = self.answer(opcode, node, request[40:]), 0
            except OSError as failure:
                body, error = b"", failure.errno
            if body is not None:
                try:
                    os.write(self.fd, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)
                except OSError:
                    pass  # who asked is gone

    def answer(self, opcode, node, body):
        """The body of the reply; None: there is none."""
        if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
            return None
        if opcode == INIT:
            return struct.pack("<IIIIHHIIHHI7I", 7, 31, 0, 0, 12, 9, PAGE * 32, 1, 0, 0, 0, *[0] * 7)
        if opcode == LOOKUP:
            return self.entry_out(self.find(node, body[:-1]))
        if opcode == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if opcode == MKDIR:
            return self.mkdir(body[8:-1])
        if opcode == RMDIR:
            del self.nodes[self.find(node, body[:-1])]
            return b""
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, DIRECT_IO, 0)
        if opcode == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.read(node)[offset:offset + size]
        if opcode == WRITE:
            return self.write(node, body)
        if opcode == FLUSH:
            return self.close(node)
        if opcode == READDIR:
            return self.listing(*struct.unpack_from("<QQI", body)[1:])
        if opcode in (RELEASE, RELEASEDIR):
            return b""
        raise OSError(errno.ENOSYS, "")

    def find(self, node, name):
        above = self.nodes.get(node)
        for number, known in self.nodes.items():
            if known is not None and known != above and (
                    (node == ROOT and isinstance(known, Entry) and known.name == name) or
                    (above is not None and known == (above, name))):
                return number
        if isinstance(above, Entry) and name in ATTRIBUTES:
            return self.number((above, name))
        raise OSError(errno.ENOENT, "")

    def number(self, what):
        self.nodes[self.next_node] = what
        self.next_node += 1
        return self.next_node - 1

    def entry_out(self, node):
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + self.attributes(node)

    def attributes(self, node):
        what = self.nodes[node]
        mode = stat.S_IFREG | ATTRIBUTES[what[1]] if isinstance(what, tuple) else stat.S_IFDIR | 0o755
        return struct.pack("<6Q10I", node, PAGE, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, PAGE, 0)

    def listing(self, offset, size):
        """Of the root; in pieces of what the kernel has room for."""
        out, names = b"", [entry.name for entry in self.entries()]
        for number, name in enumerate(names[offset:], offset + 1):
            one = struct.pack("<QQII", number, number, len(name), stat.S_IFDIR >> 12) + name
            one += bytes(-len(one) % 8)
            if len(out) + len(one) > size:
                break
            out += one
        return out

    def fail(self, name):
        errors = self.fails.get(name)
        if errors and (error := errors.pop(0)):
            raise OSError(error, "")

    def mkdir(self, name):
        self.fail("mkdir")
        self.made += 1
        return self.entry_out(self.number(Entry(name)))

    def read(self, node):
        entry, name = self.nodes[node]
        self.fail(name.decode())
        if name == b"generation":
            return self.generation_text or b"%d\n" % entry.generation
        if name == b"provider":
            return self.provider
        return self.report(entry)

    def report(self, entry):
        """Made once for what was written; read in pieces."""
        if getattr(entry, "of", None) != entry.generation:
            time.sleep(self.delay)
            entry.generation += self.writes_between.pop(0) if self.writes_between else 0
            entry.report, entry.of = self.make(entry.asked), entry.generation
        return entry.report

    def write(self, node, body):
        entry, name = self.nodes[node]
        self.fail(name.decode())
        size = struct.unpack_from("<QQI", body)[2]
        entry.written += body[40:40 + size]
        return struct.pack("<II", size, 0)

    def close(self, node):
        """The kernel takes a blob when it is closed."""
        what = self.nodes[node]
        if isinstance(what, tuple) and what[1] == b"inblob" and what[0].written:
            what[0].asked, what[0].written = what[0].written, b""
            what[0].generation += 1
            self.asked.append(what[0].asked)
        return b""
