"""test_api_reference.py - a document of the API that is not what the table says is found."""

import pathlib
import sys
import tempfile
import unittest

import tap

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import api_reference  # noqa: E402  (the path is set just above)


class Stale(unittest.TestCase):
    def test_documents_are_compared_whole(self):
        for there, wanted, good in (("a\n", "a\n", True), ("a\n", "b\n", False),
                                    ("a", "a\n", False), ("a\nb\n", "a\n", False),
                                    ("", "a\n", False), (None, "a\n", False)):
            with self.subTest((there, wanted)), tempfile.TemporaryDirectory() as folder:
                root = pathlib.Path(folder)
                if there is not None:
                    (root / "x.md").write_text(there)
                faults = list(api_reference.stale(root, [("x.md", wanted)]))
                self.assertEqual(faults == [], good)

    def test_each_kind_has_a_document(self):
        for name in api_reference.DOCUMENTS.values():
            self.assertTrue((ROOT / name).is_file(), name)


if __name__ == "__main__":
    tap.main()
