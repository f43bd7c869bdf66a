"""bad_tree.py - a throw-away source tree that a test of a tool fills with mistakes."""

import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]
sys.dont_write_bytecode = True


class Tree:
    """with Tree({"src/base/x.c": "text"}) as tree: tree.run("layers.py")"""

    def __init__(self, files):
        self.folder = tempfile.TemporaryDirectory(prefix="ward-tree-")
        self.root = pathlib.Path(self.folder.name)
        for name, text in files.items():
            self.put(name, text)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, tool, *words):
        """(exit code, all it said) of a tool of the project, run over this tree."""
        done = subprocess.run([sys.executable, ROOT / "tools" / tool, "--root", self.root, *words],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.folder.cleanup()
