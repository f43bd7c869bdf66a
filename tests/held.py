"""held.py - a file system whose answers wait: a folder with one file, served over /dev/fuse by a thread of
the test, where whoever reads the file is held in the kernel until the test lets go, deaf to every signal."""

import contextlib
import ctypes
import os
import stat
import struct
import threading

LOOKUP, FORGET, GETATTR, STATFS, INTERRUPT = 1, 2, 3, 17, 36
OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR = 14, 15, 18, 25, 26, 27, 28, 29
BATCH_FORGET = 42
ENOENT, ENOSYS, EIO = 2, 38, 5
ROOT, FILE, NAME = 1, 2, "held"
SIZE = 4096
# What a kernel needs to show it with other owners (Linux 6.12): FUSE_INIT_EXT, FUSE_ALLOW_IDMAP.
EXTENDED, SHIFTED = 1 << 30, 1 << 8
MNT_DETACH = 2


class Held:
    def __init__(self, folder):
        self.folder, self.libc = str(folder), ctypes.CDLL(None, use_errno=True)
        self.asked = threading.Event()   # somebody reads
        self.let_go = threading.Event()  # and is answered
        self.device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self.device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions"
        if self.libc.mount(b"held", self.folder.encode(), b"fuse", 0, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), "mount of fuse")
        self.holding = []
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        """Whoever is held goes on with what he read. The descriptor is closed when no thread has it any
        more: the next one may get its number."""
        self.let_go.set()
        for thread in self.holding:
            thread.join()
        self.libc.umount2(self.folder.encode(), MNT_DETACH)
        self.thread.join(60)  # it ends when nobody has anything open there
        os.close(self.device)

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                message = os.read(self.device, 1 << 20)
                _, opcode, unique, node = struct.unpack("<IIQQ", message[:24])
                if opcode == READ:
                    self.holding.append(threading.Thread(target=self.hold, args=(unique,), daemon=True))
                    self.holding[-1].start()
                elif opcode not in (FORGET, BATCH_FORGET, INTERRUPT):
                    self.reply(unique, *self.answer(opcode, node, message[40:]))

    def hold(self, unique):
        self.asked.set()
        self.let_go.wait()
        self.reply(unique, 0, b"x" * SIZE)

    def reply(self, unique, error, body=b""):
        with contextlib.suppress(OSError):
            os.write(self.device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def answer(self, opcode, node, body):
        if opcode == INIT:
            major, minor, ahead = struct.unpack("<III", body[:12])
            return 0, struct.pack("<IIIIHHIIHHII", major, min(minor, 41), ahead, EXTENDED, 8, 8, SIZE, 1, 1, 0,
                                  SHIFTED, 0).ljust(64, b"\0")
        if opcode == LOOKUP:
            if body.rstrip(b"\0").decode() != NAME:
                return ENOENT, b""
            return 0, struct.pack("<QQQQII", FILE, 0, 1, 1, 0, 0) + self.attributes(FILE)
        if opcode == GETATTR:
            return 0, struct.pack("<QII", 1, 0, 0) + self.attributes(node)
        if opcode in (OPEN, OPENDIR):
            return 0, struct.pack("<QII", 0, 0, 0)
        if opcode == READDIR:
            offset = struct.unpack("<QQ", body[:16])[1]
            name = NAME.encode()
            return 0, b"" if offset else struct.pack("<QQII", FILE, 1, len(name), 8) + name.ljust(8, b"\0")
        if opcode == STATFS:
            return 0, struct.pack("<QQQQQIIII", 1, 1, 1, 2, 1, SIZE, 255, SIZE, 0).ljust(80, b"\0")
        return (0, b"") if opcode in (RELEASE, RELEASEDIR, FLUSH) else (ENOSYS, b"")

    def attributes(self, node):
        mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o644
        return struct.pack("<QQQQQQIIIIIIIIII", node, 0 if node == ROOT else SIZE, 1, 0, 0, 0, 0, 0, 0, mode,
                           2 if node == ROOT else 1, 0, 0, 0, SIZE, 0)
