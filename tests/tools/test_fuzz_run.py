"""test_fuzz_run.py - replay fails when a target fails on one seed, and names that seed;
changed targets come first; seeds come out of the files that hold them."""

import base64
import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import unittest
from unittest import mock

import bad_tree
import tap

sys.path.insert(0, str(bad_tree.ROOT / "fuzz"))
import changed  # noqa: E402
import seeds    # noqa: E402

loader = importlib.machinery.SourceFileLoader("fuzz_run", str(bad_tree.ROOT / "fuzz" / "run"))
run = importlib.util.module_from_spec(importlib.util.spec_from_loader("fuzz_run", loader))
loader.exec_module(run)

DER = b"\x30\x03\x02\x01\x07"
PEM = b"-----BEGIN CERTIFICATE-----\n" + base64.b64encode(DER) + b"\n-----END CERTIFICATE-----\n"


class FuzzRun(unittest.TestCase):
    def replay(self, script):
        """(exit code, output, kept crash files) of a target made of shell."""
        with bad_tree.Tree({"fuzz_sample": "#!/bin/sh\n" + script}) as tree:
            program = tree.root / "fuzz_sample"
            program.chmod(0o755)
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                code = run.replay(program)
            return code, out.getvalue(), list(tree.root.glob("fuzz_sample-*"))

    def test_a_good_target_passes(self):
        code, out, kept = self.replay("exit 0\n")
        self.assertEqual((code, kept), (0, []))
        self.assertIn("ok 1 - corpus", out)

    def test_one_bad_seed_fails_and_is_kept(self):
        code, out, kept = self.replay('for f; do [ "$(cat "$f")" != 0 ] || exit 3; done\n')
        self.assertEqual((code, len(kept)), (3, 1))
        self.assertIn("not ok 1 - corpus", out)
        self.assertIn(f"fuzz_sample {kept[0]}", out)

    def test_changed_targets_come_first_and_get_more(self):
        programs = [pathlib.Path(f"fuzz_{name}") for name in "abc"]
        behind = {"fuzz/fuzz_a.c": {"src/a.c"}, "fuzz/fuzz_b.c": {"src/b.c"}, "fuzz/fuzz_c.c": set()}
        with mock.patch.object(changed, "files", return_value={"src/b.c"}), \
                mock.patch.object(changed, "sources_of", side_effect=lambda _, name: behind[name]):
            shared = [(program.name, seconds) for program, seconds in run.share(programs, 120)]
        self.assertEqual(shared, [("fuzz_b", 60), ("fuzz_a", 30), ("fuzz_c", 30)])

    def test_sources_are_followed_through_headers(self):
        with bad_tree.Tree({"fuzz/fuzz_a.c": '#include "codec/a.h"\n', "src/codec/a.h": "",
                            "src/codec/a.c": '#include "base/b.h"\n', "src/base/b.h": "",
                            "src/base/other.h": ""}) as tree:
            self.assertEqual(changed.sources_of(tree.root, "fuzz/fuzz_a.c"), {
                "fuzz/fuzz_a.c", "src/codec/a.h", "src/codec/a.c", "src/base/b.h"})

    def test_certificates_come_out_of_pem_and_quotes(self):
        with bad_tree.Tree({}) as tree:
            (tree.root / "x.quote.bin").write_bytes(b"\x04\0quote" + PEM + PEM + b"\0")
            found = list(seeds.seeds("cert", tree.root))
            self.assertIn(DER, found)
            self.assertEqual(len(found), len(set(found)))
            self.assertIn(PEM + PEM, list(seeds.seeds("pem", tree.root)))


if __name__ == "__main__":
    tap.main()
