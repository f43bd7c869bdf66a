"""The store on a PostgreSQL server that goes away in the middle: one server for all tests."""

import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import postgres
import store
import tap

SERVER = None


def setUpModule():
    global SERVER
    if not postgres.missing():
        SERVER = postgres.Server()
        SERVER.__enter__()


def tearDownModule():
    if SERVER is not None:
        SERVER.__exit__()


class Cutter(threading.Thread):
    """Stands between the driver and the server, and ends every n-th connection at its COMMIT:
    before the server hears it, or after, before the client hears of it."""

    def __init__(self, every, heard):
        super().__init__(daemon=True)
        self.every, self.heard = every, heard
        self.folder = tempfile.mkdtemp(prefix="ward-cut-")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self.listener.listen()
        self.commits = self.cuts = 0
        self.spec = f"postgres:host={self.folder} user=ward dbname=postgres"
        self.start()

    def run(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{SERVER.folder}/.s.PGSQL.5432")
            threading.Thread(target=self.answers, args=(server, client), daemon=True).start()
            threading.Thread(target=self.requests, args=(client, server), daemon=True).start()

    def answers(self, server, client):
        try:
            while data := server.recv(65536):
                if getattr(self, "deaf", None) is server:
                    continue
                client.sendall(data)
        except OSError:
            pass
        client.close()

    def requests(self, client, server):
        try:
            while data := client.recv(65536):
                if b"COMMIT\0" in data:
                    self.commits += 1
                    if self.commits % self.every == 0:
                        self.cut(client, server, data)
                        return
                server.sendall(data)
        except OSError:
            pass
        server.close()

    def cut(self, client, server, data):
        self.cuts += 1
        self.deaf = server
        if self.heard:
            server.sendall(data)
            time.sleep(0.02)
        client.shutdown(socket.SHUT_RDWR)
        server.shutdown(socket.SHUT_RDWR)

    def stop(self):
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Mute(threading.Thread):
    """Lets anybody in, and then says nothing more, or the same thing for ever."""

    def __init__(self, more=b""):
        super().__init__(daemon=True)
        self.more, self.heard = more, b""
        self.folder = tempfile.mkdtemp(prefix="ward-mute-")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self.listener.listen()
        self.spec = f"postgres:host={self.folder} user=ward dbname=postgres"
        self.start()

    def run(self):
        with self.listener.accept()[0] as client:
            client.recv(65536)
            client.sendall(b"R\0\0\0\x08\0\0\0\0" + b"Z\0\0\0\x05I")  # AuthOk, ReadyForQuery
            self.heard = client.recv(65536)
            client.sendall(self.more)
            while client.recv(65536):
                pass

    def stop(self):
        self.listener.close()
        self.join()
        shutil.rmtree(self.folder)


class Silent(unittest.TestCase):
    def test_after_it_let_us_in(self):
        """It is not waited for without an end, whatever it does in place of an answer."""
        for more in (b"", b"G\0\0\0\x07\0\0\0", b"H\0\0\0\x07\0\0\0"):  # copy in, copy out
            with self.subTest(more):
                server = Mute(more)
                self.assertEqual(store.says(server.spec, "found"), "STORE_UNREACHABLE")
                server.stop()
                self.assertTrue(server.heard.startswith(b"Q"))


@unittest.skipIf(postgres.missing(), postgres.missing())
class Postgres(unittest.TestCase):

    def setUp(self):
        SERVER.ask("SET client_min_messages = error; DROP SCHEMA IF EXISTS ward CASCADE")
        self.spec = f"postgres:{SERVER.conninfo}"
        self.assertEqual(store.says(self.spec, "migrate"), "OK")
        self.assertEqual(store.says(self.spec, "found"), "OK")

    def all_once(self, lines, count):
        """A piece that had been done twice would have met itself: STORE_USED."""
        self.assertEqual([line[2] for line in lines if line[0] == "work"], ["OK"] * count)
        self.assertEqual(store.pieces(self.spec, count + 1), set(range(count)))

    def test_answers_of_commit_are_lost(self):
        for heard in (True, False):
            with self.subTest(heard=heard):
                self.setUp()
                count = 400 if store.FULL else 40
                cutter = Cutter(3, heard)
                self.addCleanup(cutter.stop)
                _, lines = store.run(cutter.spec, "insist", 0, count)
                self.all_once(lines, count)
                self.assertGreater(cutter.cuts, count // 4)

    def test_backends_are_killed(self):
        """Each connection's own process, at random moments."""
        count = 4000 if store.FULL else 300
        generator = random.Random(store.SEED)
        print(f"# seed {store.SEED}")
        with subprocess.Popen([store.DRIVER, self.spec, "insist", "0", str(count)],
                              stdout=subprocess.PIPE, text=True) as driver:
            killed = 0
            while driver.poll() is None and killed < count:
                time.sleep(generator.uniform(0.005, 0.05))
                killed += len(SERVER.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                                         " WHERE application_name = 'ward'"))
            lines = [line.split() for line in driver.stdout]
        self.assertGreater(killed, 0)  # how many depends on the machine
        self.all_once(lines, count)

    def test_server_crashes(self):
        """Killed with all it had in memory and started again, in the middle of work."""
        count = 600
        with subprocess.Popen([store.DRIVER, self.spec, "insist", "0", str(count)],
                              stdout=subprocess.PIPE, text=True) as driver:
            for _ in range(8 if store.FULL else 2):
                time.sleep(0.1)
                self.crash()
            lines = [line.split() for line in driver.stdout]
        self.all_once(lines, count)

    def crash(self):
        """kill -9 of the server and, as they notice, of its children."""
        children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(SERVER.process.pid)],
                                  check=False, capture_output=True, text=True).stdout.split()
        SERVER.stop(signal.SIGKILL)
        for child in children:
            try:
                os.kill(int(child), signal.SIGKILL)
            except ProcessLookupError:
                pass
        pathlib.Path(SERVER.data, "postmaster.pid").unlink(missing_ok=True)
        for _ in range(200):
            alive = [child for child in children if pathlib.Path("/proc", child).exists()]
            if not alive:
                break
            time.sleep(0.02)
        SERVER.start()

    def test_server_is_down(self):
        SERVER.stop()
        try:
            self.assertEqual(store.says(self.spec, "work", 0, 1), "STORE_UNREACHABLE")
        finally:
            SERVER.start()
        self.assertEqual(store.says(self.spec, "work", 0, 1), "OK")

    def test_server_that_forgets_is_refused(self):
        for setting in ("fsync", "full_page_writes"):
            SERVER.ask(f"ALTER SYSTEM SET {setting} = off")
            SERVER.ask("SELECT pg_reload_conf()")
            time.sleep(0.2)
            try:
                self.assertEqual(store.says(self.spec, "state"), "STORE_NOT_DURABLE", setting)
                self.assertEqual(store.says(self.spec, "migrate"), "STORE_NOT_DURABLE", setting)
            finally:
                SERVER.ask(f"ALTER SYSTEM RESET {setting}")
                SERVER.ask("SELECT pg_reload_conf()")
                time.sleep(0.2)
        self.assertEqual(store.says(self.spec, "work", 0, 1), "OK")

    def test_a_lock_is_not_waited_for_for_ever(self):
        held = subprocess.Popen([postgres.programs() / "psql", "-Xq", "-h", SERVER.folder, "-U",
                                 "ward", "-d", "postgres", "-c",
                                 "BEGIN; UPDATE ward.meta SET created = created; SELECT pg_sleep(4)"],
                                stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            began = time.monotonic()
            self.assertEqual(store.run(self.spec, "state")[0], 0)
            self.assertLess(time.monotonic() - began, 3, "a reader waited for a writer")
            self.assertEqual(store.says(self.spec, "work", 0, 1), "OK")
            self.assertGreater(time.monotonic() - began, 2, "a writer did not wait its turn")
        finally:
            held.wait()

    @store.needs_strace
    def test_server_migration_is_old_or_new(self):  # proves: RL-56
        """The migrator killed at each call by which it speaks to the server."""
        drop = "SET client_min_messages = error; DROP SCHEMA ward CASCADE"
        SERVER.ask(drop)
        counts = store.count_calls(self.spec, "migrate")
        points = [(call, n) for call in ("sendto", "recvfrom") for n in range(1, counts[call] + 1)]
        if not store.FULL:
            points = random.Random(store.SEED).sample(points, 14)
        seen = set()
        for call, number in points:
            SERVER.ask("SET client_min_messages = error; DROP SCHEMA IF EXISTS ward CASCADE")
            store.run(self.spec, "migrate", before=(
                "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                f"inject={call}:signal=KILL:when={number}"))
            code, lines = store.run(self.spec, "plan")
            self.assertEqual((code, lines[0][2]), (0, "OK"), f"{call} {number}")
            seen.add(lines[0][1])
            self.assertEqual(store.says(self.spec, "migrate"), "OK", f"{call} {number}")
            self.assertEqual(store.says(self.spec, "found"), "OK", f"{call} {number}")
            self.assertEqual(store.says(self.spec, "work", 0, 1), "OK", f"{call} {number}")
        self.assertGreater(len(seen), 2)

    def test_backups_go_both_ways(self):
        """SQLite to PostgreSQL and back: one state hash, one stream of bytes."""
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(store.acked(store.run(self.spec, "work", 0, 120)[1])), 120)
            first, second = f"{folder}/first", f"{folder}/second"
            lite = f"sqlite:{folder}/ward.db"
            self.assertEqual(store.says(self.spec, "backup", first), "OK")
            self.assertEqual(store.says(lite, "check", first), "OK")
            self.assertEqual(store.says(lite, "migrate"), "OK")
            self.assertEqual(store.says(lite, "restore", first), "OK")
            self.assertEqual(store.says(lite, "restore", first), "RESTORE_NOT_EMPTY")
            self.assertEqual(store.says(self.spec, "restore", first), "RESTORE_NOT_EMPTY")
            ours = store.run(self.spec, "state")[1][0][0]
            self.assertRegex(ours, "^[0-9a-f]{64}$")
            self.assertEqual(store.run(lite, "state")[1][0][0], ours)
            self.assertEqual(store.says(lite, "backup", second), "OK")
            SERVER.ask("SET client_min_messages = error; DROP SCHEMA ward CASCADE")
            self.assertEqual(store.says(self.spec, "migrate"), "OK")
            self.assertEqual(store.says(self.spec, "restore", second), "OK")
            self.assertEqual(store.run(self.spec, "state")[1][0][0], ours)
            self.assertEqual(store.pieces(self.spec, 121), set(range(120)))
            rows = pathlib.Path(first).read_bytes().split(b"\n")[1:-2]
            self.assertEqual(rows, pathlib.Path(second).read_bytes().split(b"\n")[1:-2])
            self.assertEqual(len(rows), 120 * store.PARTS)

    def test_a_restore_whose_commit_is_not_answered(self):
        """Done and not heard of, or not done: said rightly, and right when it is asked again."""
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(store.acked(store.run(self.spec, "work", 0, 40)[1])), 40)
            saved = f"{folder}/saved"
            self.assertEqual(store.says(self.spec, "backup", saved), "OK")
            ours = store.run(self.spec, "state")[1][0][0]
            for heard, said in ((True, "OK"), (False, "STORE_UNREACHABLE")):
                with self.subTest(heard=heard):
                    SERVER.ask("SET client_min_messages = error; DROP SCHEMA ward CASCADE")
                    cutter = Cutter(1, heard)
                    self.addCleanup(cutter.stop)
                    self.assertEqual(store.says(cutter.spec, "refill", saved), said)
                    self.assertEqual(cutter.cuts, 1)
                    there = SERVER.ask("SELECT count(*) FROM pg_namespace WHERE nspname = 'ward'")
                    self.assertEqual(there, ["1" if heard else "0"])
                    self.assertEqual(store.says(self.spec, "refill", saved), "OK")
                    self.assertEqual(store.run(self.spec, "state")[1][0][0], ours)
                    self.assertEqual(store.pieces(self.spec, 41), set(range(40)))


if __name__ == "__main__":
    tap.main()
