"""test_proto.py - protoc, a compiler that is not ours, takes the generated .proto and makes of it the
very descriptor that reflection serves."""

import os
import pathlib
import subprocess
import tempfile
import unittest

DUMP = pathlib.Path(os.environ["WARD_BUILD"]) / "tests" / "http" / "dump"


def dump(kind):
    return subprocess.run([DUMP, kind], check=True, stdout=subprocess.PIPE).stdout


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            return value, at


class Proto(unittest.TestCase):
    def test_protoc_makes_the_same_descriptor(self):
        with tempfile.TemporaryDirectory() as folder:
            name = dump("file").decode()
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(dump("proto"))
            out = pathlib.Path(folder) / "set"
            subprocess.run(["protoc", f"--proto_path={folder}", f"--descriptor_set_out={out}", name],
                           check=True)
            data = out.read_bytes()
        self.assertEqual(data[0], 0x0A)  # FileDescriptorSet.file, the only one
        size, at = varint(data, 1)
        self.assertEqual(len(data), at + size)
        self.assertEqual(data[at:], dump("descriptor"))


if __name__ == "__main__":
    import tap

    tap.main()
