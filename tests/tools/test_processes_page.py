"""test_processes_page.py - tables that contradict one another are named, and a stale page is
found."""

import pathlib
import shutil
import unittest

import bad_tree
import processes
import tap

MAIN, PLAN = "src/proc/keeper/main.c", "src/proc/monitor/children.c"

# What is wrong, the file, the text that is replaced in it and by what, a piece of what is said.
BAD = (
    ("an edge of one end", MAIN, ".peers = IN(PEER_AUDIT) | ", ".peers = ",
     "audit: talks to keeper, which does not talk to it"),
    ("other peers than planned", MAIN, ".peers = IN(PEER_AUDIT) | ", ".peers = ",
     "keeper: talks to core, front, and is connected with audit, core, front"),
    ("a file that is not given", MAIN, ".files = IN(FILE_KEYRING)", ".files = IN(FILE_STATE)",
     "keeper: keeps state, which it is not given"),
    ("a file of two", PLAN, "IN(FILE_STATE)", "IN(FILE_STATE) | IN(FILE_KEYRING)",
     "keyring is handed to more than one process"),
    ("trust in a stranger", "src/proc/front/main.c", ".trusts = IN(PEER_CORE)",
     ".trusts = IN(PEER_AUDIT)", "front: trusts audit, which it does not know"),
    ("a door for a stranger", "src/proc/front/main.c", "{ MSG_REPLY, IN(PEER_CORE)",
     "{ MSG_REPLY, IN(PEER_AUDIT)", "front: MSG_REPLY is for audit, which cannot knock"),
    ("a door for nobody", "src/proc/front/main.c", "{ MSG_REPLY, IN(PEER_CORE)",
     "{ MSG_REPLY, 0", "front: MSG_REPLY is for nobody"),
    ("a door for no size", "src/proc/front/main.c", "~0u, 10, FRAME_BODY_MAX", "~0u, 10, 9",
     "front: MSG_REPLY is for no size"),
    ("another program", PLAN, '"ward-core"', '"ward-front"', "core: the monitor starts ward-front"),
    ("a process that is not started", PLAN, "{ PEER_CORE,", "{ PEER_MONITOR,",
     "core: the monitor does not start it"),
)


def new_tree():
    made = bad_tree.Tree({"docs/processes.md": ""})
    for name in ("src", "include"):
        shutil.copytree(bad_tree.ROOT / name, made.root / name)
    return made


class TestProcessesPage(unittest.TestCase):
    def test_tables_that_contradict_one_another(self):
        with new_tree() as made:
            for name, file, old, new, said in BAD:
                with self.subTest(name):
                    text = (bad_tree.ROOT / file).read_text()
                    self.assertEqual(text.count(old), 1)
                    made.put(file, text.replace(old, new))
                    code, output = made.run("processes.py", "--write")
                    self.assertEqual(code, 1)
                    self.assertIn(said, output)
                    made.put(file, text)

    def test_a_stale_page_is_found(self):
        with new_tree() as made:
            self.assertEqual(made.run("processes.py", "--check"),
                             (1, "processes: docs/processes.md: stale; run tools/processes.py --write\n"))
            self.assertEqual(made.run("processes.py", "--write"), (0, ""))
            self.assertEqual(made.run("processes.py", "--check"), (0, ""))
            path = made.root / MAIN
            path.write_text(path.read_text().replace(".fds = 64", ".fds = 65"))
            self.assertEqual(made.run("processes.py", "--check")[0], 1)

    def test_the_list_of_calls_is_read_in_groups(self):
        self.assertEqual(processes.calls_of("# One\n# two.\nread\nwrite\n\n# Three.\n\n# Four.\npoll\n"),
                         [("One two.", ["read", "write"]), ("Four.", ["poll"])])

    def test_every_process_of_the_tree_is_there(self):
        folders = {path.parent.name for path in pathlib.Path(bad_tree.ROOT).glob("src/proc/*/*.syscalls")}
        self.assertEqual({process.name for process in processes.processes(bad_tree.ROOT)}, folders)


tap.main()
