"""test_image.py - `ward image`: archives of others become images, and hostile ones become nothing:
no byte is written outside the folder, and nothing is left of what was refused."""

import json
import os
import pathlib
import random
import shutil
import signal
import stat
import subprocess
import tarfile
import tempfile
import unittest

import oci
import tap
from oci import Image, entry, folder, hard, link, tar
from commands import WARD, faults


class Images(unittest.TestCase):
    def setUp(self):
        self.above = pathlib.Path(tempfile.mkdtemp(prefix="ward-image-"))
        self.addCleanup(shutil.rmtree, self.above, ignore_errors=True)
        self.images = self.above / "images"
        self.file = self.above / "image.tar"
        # What a name that leads out would reach.
        self.outside = self.above / "outside"
        self.outside.write_text("untouched")

    def ward(self, *words, code=0, env=None, **more):
        done = subprocess.run([WARD, "image", *map(str, words), "--images", str(self.images)],
                              capture_output=True, text=True, check=False, timeout=60,
                              env=dict(os.environ, **(env or {})), **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def take(self, image, *words, manifest=None):
        """Imports it; the folder of its files."""
        name = image.pack(self.file, manifest)
        self.ward("import", self.file, name, *words)
        return self.images / name.replace(":", "-") / "rootfs"

    def refuse(self, reason, image=None, *words, name=None, manifest=None, said="", code=None):
        if image is not None:
            made = image.pack(self.file, manifest)
            name = made if name is None else name
        denied = reason in ("IMAGE_DIGEST", "IMAGE_PATH", "IMAGE_ENTRY")
        done = self.ward("import", self.file, name, *words,
                         code=(1 if denied else 2) if code is None else code)
        self.assertIn(f": {reason}", done.stderr)
        self.assertIn(said, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(os.listdir(self.images), [])
        self.assertEqual(self.outside.read_text(), "untouched")
        self.assertEqual(sorted(os.listdir(self.above)), ["image.tar", "images", "outside"])
        return done.stderr

    def test_a_whole_image(self):
        image = Image([folder("bin"), entry("bin/sh", b"#!", mode=0o755), folder("etc"),
                       entry("etc/passwd", b"root"), link("sh", "bin/sh"), hard("sh2", "bin/sh"),
                       entry("a/b/c", b"deep"), entry("suid", b"x", mode=0o4755)],
                      [entry("etc/passwd", b"nobody", uid=1000, gid=100)])
        image.config["config"].update(Entrypoint=["/bin/sh", "-c"], User="1000", WorkingDir="/a")
        root = self.take(image)
        self.assertEqual((root / "etc/passwd").read_text(), "nobody")
        self.assertEqual(os.readlink(root / "sh"), "bin/sh")
        self.assertEqual((root / "sh2").stat().st_ino, (root / "bin/sh").stat().st_ino)
        self.assertEqual((root / "a/b/c").read_text(), "deep")
        self.assertEqual(stat.S_IMODE((root / "suid").stat().st_mode), 0o755)
        self.assertEqual((root / "etc/passwd").stat().st_mtime, 1000)
        if os.geteuid() == 0:
            self.assertEqual((root / "etc/passwd").stat().st_uid, 1000)
        self.assertEqual(json.loads((root.parent / "config.json").read_text()), {
            "entrypoint": ["/bin/sh", "-c"], "command": ["/bin/sh"], "environment": ["PATH=/bin"],
            "user": "1000", "folder": "/a"})

    def test_it_is_listed_and_removed(self):
        self.ward("remove", "sha256:" + "0" * 64, code=6)  # no folder, so no image
        self.images.mkdir()
        self.assertEqual(self.ward("list").stdout, "")
        names = [Image([entry("a", text)]).pack(self.file) and self.kept(text)
                 for text in (b"1", b"2")]
        listed = json.loads(self.ward("list", "--json").stdout)
        self.assertEqual(faults("image.json#/$defs/list", listed), [])
        self.assertEqual([row["digest"] for row in listed["images"]], sorted(names))
        again = self.ward("import", self.file, names[1], "--json")
        said = json.loads(again.stdout)
        self.assertEqual(faults("image.json#/$defs/import", said), [])
        self.assertTrue(said["existed"])
        done = self.ward("remove", names[0], "--json")
        self.assertEqual(faults("image.json#/$defs/remove", json.loads(done.stdout)), [])
        self.ward("remove", names[0], code=6)
        self.assertEqual(self.ward("list").stdout.split()[0], names[1])
        self.assertEqual(len(os.listdir(self.images)), 1)

    def kept(self, text):
        name = Image([entry("a", text)]).pack(self.file)
        self.ward("import", self.file, name)
        return name

    def test_the_most_images(self):
        """The last one that there is room for is imported and listed, and no further one."""
        most = 4096
        self.images.mkdir(mode=0o700)
        for i in range(most - 1):
            (self.images / f"sha256-{i:064x}").mkdir()
        names = [Image([entry("a", text)]).pack(self.file) for text in (b"1", b"2")]
        self.ward("import", self.file, names[1])
        self.assertEqual(len(self.ward("list").stdout.splitlines()), most)
        self.assertIn("there already", self.ward("import", self.file, names[1]).stdout)
        Image([entry("a", b"1")]).pack(self.file)
        said = self.ward("import", self.file, names[0], code=2).stderr
        self.assertIn("there is room for 4096 images", said)
        self.assertEqual(len(os.listdir(self.images)), most)
        self.ward("remove", f"sha256:{0:064x}")
        self.ward("import", self.file, names[0])
        (self.images / f"sha256-{0:064x}").mkdir()  # by somebody's hand
        done = self.ward("list", code=2)
        self.assertEqual(done.stdout, "")
        self.assertIn("there is room for 4096 images", done.stderr)

    def test_the_forms_of_others(self):
        """Long names by pax and by GNU, plain layers, docker's media types, "./" before names."""
        long = "d/" * 30 + "n" * 200
        for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
            root = self.take(Image(tar([entry("./" + long, b"x")], form), packed=form != 1))
            self.assertEqual((root / long).read_text(), "x")
        image = Image()
        image.add(tar([entry("a", b"x")]), True, "application/vnd.docker.image.rootfs.diff.tar.gzip")
        manifest = image.manifest()
        manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
        self.assertTrue((self.take(image, manifest=manifest) / "a").is_file())
        root = self.take(Image())  # no layer at all
        self.assertEqual(os.listdir(root), [])

    def test_whiteouts(self):
        root = self.take(Image(
            [entry("gone", b"1"), entry("kept", b"1"), entry("dir/a", b"1"), entry("dir/sub/b", b"1"),
             entry("whole/a", b"1"), entry("back/a", b"old"), link("loop", "dir")],
            # The mark comes last, and takes only what lower layers have.
            [entry("dir/new", b"2"), entry("dir/.wh..wh..opq"), entry(".wh.gone"), entry(".wh.whole"),
             entry("back/a", b"new"), entry("back/.wh.a"), entry(".wh.never"), entry(".wh.loop")]))
        self.assertEqual(sorted(os.listdir(root)), ["back", "dir", "kept"])
        self.assertEqual(os.listdir(root / "dir"), ["new"])
        self.assertEqual((root / "back/a").read_text(), "new")

    def test_a_mark_of_what_is_not_there(self):
        """It takes nothing, and what is refused later is not laid to it."""
        image = Image([entry("a", b"x")], [entry("no/such/.wh.name")], [entry("b", b"x")])
        image.blobs.pop(image.layers[2]["digest"])
        said = self.refuse("IMAGE_MISSING", image, said=": no such blob\n")
        self.assertNotIn("(entry", said)

    def test_one_kind_in_the_place_of_another(self):
        root = self.take(Image(
            [entry("a/x", b"1"), entry("b", b"1"), link("c", "a"), entry("same", b"1")],
            [entry("a", b"file now"), folder("b"), entry("b/y", b"2"), folder("c"),
             entry("c/z", b"3"), entry("same", b"first"), entry("same", b"second")]))
        self.assertTrue((root / "a").is_file() and (root / "c").is_dir())
        self.assertFalse((root / "c").is_symlink())
        self.assertEqual((root / "same").read_text(), "second")

    def test_names_that_lead_out(self):  # proves: RL-45
        out = str(self.outside)
        for bad in (entry("../outside", b"x"), entry("a/../../outside", b"x"), entry(out, b"x"),
                    entry("/etc/x", b"x"), entry("a/..", b"x"), folder(".."), hard("h", "../outside"), hard("h", out), hard("h", "a/../../outside"),
                    entry("a/.wh...", b""), entry(".wh.", b""), entry(".wh..wh.x", b""),
                    entry(".wh.a/b", b""), entry("d/" * 65 + "x", b""), entry("n" * 256, b"")):
            with self.subTest(bad[0].name):
                self.refuse("IMAGE_PATH", Image([entry("good", b""), bad]))

    def test_links_that_lead_out(self):  # proves: RL-45
        """Links are kept as they are, and no name goes through one, nor through a file."""
        out = str(self.outside)
        root = self.take(Image([link("way", str(self.above)), link("up", "../../..")]))
        self.assertEqual(os.readlink(root / "way"), str(self.above))
        for bad in ([link("way", str(self.above)), entry("way/outside", b"x")],
                    [link("a", out), entry("a/x", b"x")],
                    [link("a", "b"), link("b", "a"), entry("a/x", b"x")],
                    [link("a", "/proc"), entry("a/self/environ", b"x")],
                    [folder("d"), link("a", "d"), entry("a/x", b"x")],
                    [folder("d"), entry("d/y", b"y"), link("a", "d"), hard("h", "a/y")],
                    [entry("a", b"x"), entry("a/b", b"x")], [hard("h", "nothing")]):
            with self.subTest(bad[-1][0].name):
                shutil.rmtree(self.images)
                self.refuse("IMAGE_PATH", Image(bad))
                # The link may be a lower layer's.
                self.refuse("IMAGE_PATH", Image(bad[:-1], bad[-1:]))
        root = self.take(Image([link("a", out), entry("a", b"mine")]))
        self.assertFalse((root / "a").is_symlink())
        self.assertEqual(self.outside.read_text(), "untouched")
        # A mark beneath a link takes nothing away.
        root = self.take(Image([folder("d"), entry("d/x", b"x"), link("a", "d")],
                               [entry("a/.wh.x"), entry("a/.wh..wh..opq")]))
        self.assertTrue((root / "d/x").is_file())
        root = self.take(Image([link("a", out), hard("b", "a")]))
        self.assertTrue((root / "b").is_symlink())
        self.assertEqual(self.outside.stat().st_nlink, 1)

    def test_kinds_that_no_image_needs(self):  # proves: RL-45
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            self.refuse("IMAGE_ENTRY", Image([entry("dev", kind=kind)]), said='(entry "dev")')
        self.refuse("IMAGE_ENTRY", Image([entry("a", uid=65536)]))
        self.refuse("IMAGE_ENTRY", Image([entry("a", gid=1 << 31)]))

    def test_bytes_that_are_others(self):  # proves: RL-45
        image = Image([entry("a", b"x" * 1000)])
        name = image.pack(self.file)
        whole = self.file.read_bytes()
        for digest, blob in image.blobs.items():  # layer, configuration, manifest
            at = whole.index(blob)
            self.file.write_bytes(whole[:at] + bytes([blob[0] ^ 1]) + whole[at + 1:])
            self.refuse("IMAGE_DIGEST", name=name)
        image = Image([entry("a", b"x")])
        image.config["rootfs"]["diff_ids"][0] = oci.digest(b"")
        self.refuse("IMAGE_DIGEST", image, said="not the one of the configuration")
        image = Image([entry("a", b"x")])
        image.layers[0]["size"] += 1
        self.refuse("IMAGE_DIGEST", image)
        image = Image([entry("a", b"x")])
        manifest = image.manifest()
        manifest["config"]["size"] += 1
        self.refuse("IMAGE_DIGEST", image, manifest=manifest)
        self.refuse("IMAGE_MISSING", Image([entry("a", b"x")]), name="sha256:" + "0" * 64)
        image = Image([entry("a", b"x")])
        image.blobs.pop(image.layers[0]["digest"])
        self.refuse("IMAGE_MISSING", image)

    def test_a_name_in_capitals(self):
        """One blob, one name: small digits."""
        name = Image([entry("a", b"x")]).pack(self.file)
        small = f"blobs/sha256/{name[7:]}"
        self.assertNotEqual(small, capital := f"blobs/sha256/{name[7:].upper()}")
        with tarfile.open(self.file) as packed:
            entries = [(info, packed.extractfile(info).read()) if info.isfile() else (info, b"")
                       for info in packed.getmembers()]
        for info, _ in entries:
            info.name = capital if info.name == small else info.name
        self.file.write_bytes(tar(entries))
        self.refuse("IMAGE_MISSING", name=name, said="no such blob")

    def test_documents_that_are_none(self):  # proves: RL-45
        good = Image([entry("a", b"x")])
        manifest = good.manifest()
        for change in ({"schemaVersion": 1}, {"mediaType": "application/vnd.oci.image.index.v1+json"},
                       {"layers": {}}, {"layers": None}, {"config": None}, {"config": {}},
                       {"layers": manifest["layers"] * 129}, {"manifests": []},
                       {"layers": [dict(manifest["layers"][0], urls=["https://a.example"])]},
                       {"layers": [dict(manifest["layers"][0], digest="sha512:" + "0" * 128)]},
                       {"layers": [dict(manifest["layers"][0], size=-1)]},
                       {"layers": manifest["layers"] * 2}):
            with self.subTest(str(change)[:60]):
                self.refuse("IMAGE_FORMAT", good, manifest=dict(manifest, **change))
        for change in ({"architecture": "pdp11"}, {"os": "windows"}, {"os": None}):
            image = Image([entry("a", b"x")])
            image.config.update(change)
            self.refuse("IMAGE_PLATFORM", image)
        for change in ({"rootfs": {}}, {"config": {"Cmd": "sh"}}, {"config": {"Env": [1]}},
                       {"config": {"User": 5}}, {"config": {"Cmd": ["a\0b"]}},
                       {"config": {"Cmd": ["a"] * 257}}):
            image = Image([entry("a", b"x")])
            image.config.update(change)
            self.refuse("IMAGE_FORMAT", image)
        for kind in ("application/vnd.oci.image.layer.v1.tar+zstd", "text/plain"):
            image = Image()
            image.add(tar([entry("a", b"x")]), True, kind)
            self.refuse("IMAGE_PACKING", image)
        image = Image()
        self.refuse("IMAGE_FORMAT", image, manifest=dict(image.manifest(), x="y" * (1 << 20)))

    def test_bombs(self):  # proves: RL-45
        zeros = bytes(100 << 20)  # a thousand to one
        self.refuse("IMAGE_TOO_LARGE", Image([entry("bomb", zeros)]), said="much more than it is")
        self.refuse("IMAGE_TOO_LARGE", Image([entry("a", b"x" * 4096)] * 3), "--max-size", "20K",
                    said="too many bytes")
        # Every file and folder counts 4 KiB, whether it has bytes or was never named.
        self.refuse("IMAGE_TOO_LARGE", Image([entry(f"a{i}") for i in range(100)]), "--max-size",
                    "200K", said="too many bytes")
        self.refuse("IMAGE_TOO_LARGE", Image([entry("d/" * 60 + "x")]), "--max-size", "200K",
                    said="too many bytes")
        # Zeros after the end take nobody's time.
        self.refuse("IMAGE_FORMAT", Image(tar([entry("a", b"x")]) + bytes(2 << 20)),
                    said="more than 1 MiB after the end")
        # A header may say what it likes: what it promises counts.
        info, _ = entry("a")
        info.size = 1 << 60
        layer = info.tobuf(tarfile.PAX_FORMAT) + bytes(1024)
        self.refuse("IMAGE_TOO_LARGE", Image(layer), said="too many bytes")
        root = self.take(Image([entry("a", b"x" * 4096)] * 2), "--max-size", "16K")
        self.assertEqual((root / "a").stat().st_size, 4096)

    def test_archives_with_holes(self):
        """A file may say that it is as large as a disk: what is a hole is not read."""
        name = Image([entry("a", b"x")]).pack(self.file)
        os.truncate(self.file, 1 << 42)
        self.refuse("IMAGE_FORMAT", name=name, said="more than 1 MiB after the end")
        huge = "sha256:" + "5" * 64
        image = Image()
        manifest = image.manifest()
        manifest["layers"] = [{"mediaType": oci.LAYER, "digest": huge, "size": 1 << 41}]
        image.config["rootfs"]["diff_ids"] = [huge]
        manifest["config"] = image.manifest()["config"]
        name = image.pack(self.file, manifest)
        info, _ = entry("blobs/sha256/" + "5" * 64)
        info.size = 1 << 41
        head = info.tobuf(tarfile.GNU_FORMAT)
        whole = self.file.read_bytes().rstrip(b"\0")
        whole += bytes(-len(whole) % 512) + head
        self.file.write_bytes(whole)
        self.refuse("IMAGE_FORMAT", name=name, said="cut short")
        os.truncate(self.file, len(whole) + (1 << 41) + 1024)
        self.refuse("IMAGE_TOO_LARGE", name=name, said="too many bytes")

    def test_archives_with_too_much_in_them(self):
        rows = (("blobs", 1024, 3, lambda n: entry(f"blobs/sha256/{n:064x}", b"")),
                ("entries", 16384, 7, lambda n: entry(f"{n}", b"")))
        for kind, most, own, make in rows:
            with self.subTest(kind):
                image = Image([entry("a", b"x")])  # what it has of its own is a part of them
                image.beside = [make(number) for number in range(most - own)]
                self.assertEqual(os.listdir(self.take(image)), ["a"])
                self.ward("remove", image.pack(self.file))
                image.beside.append(make(most))
                self.refuse("IMAGE_TOO_LARGE", image, said=f"more than {most} {kind}")

    def test_archives_that_are_none(self):
        name = Image([entry("a", b"x" * 2000)]).pack(self.file)
        whole = self.file.read_bytes()
        end = len(whole.rstrip(b"\0"))
        for length in (0, 1, 511, 512, 4000, end - 600):
            self.file.write_bytes(whole[:length])
            self.refuse("IMAGE_FORMAT", name=name, said="")
        for junk in (b"\x1f\x8b" + bytes(600), b"PK\x03\x04" + bytes(600), os.urandom(2000)):
            self.file.write_bytes(junk)
            self.refuse("IMAGE_FORMAT", name=name)
        image = Image()
        image.add(b"no tar" * 200)
        self.refuse("IMAGE_FORMAT", image)
        image = Image()
        image.add(b"no gzip" * 200, False, oci.LAYER + "+gzip")
        self.refuse("IMAGE_FORMAT", image, said="no gzip, or damaged")
        image = Image()
        image.add(tar([entry("a", b"x")])[:700])
        self.refuse("IMAGE_FORMAT", image, said="cut short")

    def test_a_name_is_never_half_of_another(self):
        """What is wrong between two entries is laid to neither."""
        long = entry("n" * 200, b"x")[0].tobuf(tarfile.PAX_FORMAT)
        broken = tar([entry("good", b"x")])[:1024] + long[:1024] + b"no header".ljust(512)
        said = self.refuse("IMAGE_FORMAT", Image(broken), said=": no header of a tar archive\n")
        self.assertNotIn("(entry", said)

    def test_damage_anywhere(self):
        """A flipped bit is refused or changes nothing that is used, and never kills the reader."""
        name = Image([entry("a", b"x" * 300), link("b", "a")]).pack(self.file)
        whole = bytearray(self.file.read_bytes())
        dice = random.Random(7)
        for _ in range(30):
            bit = dice.randrange(len(whole) * 8)
            whole[bit // 8] ^= 1 << bit % 8
            self.file.write_bytes(whole)
            done = subprocess.run([WARD, "image", "import", self.file, name, "--images",
                                   self.images], capture_output=True, text=True, check=False)
            self.assertIn(done.returncode, (0, 1, 2))
            self.assertNotIn("IMAGE_CRASHED", done.stderr)
            if done.returncode == 0:
                root = self.images / name.replace(":", "-") / "rootfs"
                self.assertEqual(sorted(os.listdir(root)), ["a", "b"])
                self.assertEqual((root / "a").read_bytes(), b"x" * 300)
                self.assertEqual(os.readlink(root / "b"), "a")
                self.ward("remove", name)
            whole[bit // 8] ^= 1 << bit % 8

    def test_words_that_cannot_be_used(self):
        Image().pack(self.file)
        for digest in ("python:3.10-slim", "latest", "sha256:", "sha256:" + "A" * 64,
                       "sha256:" + "0" * 63, "0" * 64):
            done = self.ward("import", self.file, digest, code=2)
            self.assertIn("is no digest", done.stderr)
        done = self.ward("import", self.above / "none.tar", "sha256:" + "0" * 64, code=2)
        self.assertIn("No such file", done.stderr)
        done = self.ward("import", self.above, "sha256:" + "0" * 64, code=2)
        self.assertIn("must be a file", done.stderr)
        os.mkfifo(self.above / "pipe")
        self.ward("import", self.above / "pipe", "sha256:" + "0" * 64, code=2)
        self.ward("import", self.file, "sha256:" + "0" * 64, "--max-size", "4T", code=2)
        self.ward("list", code=2)

    def test_a_name_does_not_reach_the_terminal(self):
        image = Image([entry("\x1b[2Ja\nward: it is fine", kind=tarfile.CHRTYPE)])
        name = image.pack(self.file)
        said = self.ward("import", self.file, name, code=1).stderr
        self.assertNotIn("\x1b", said)
        self.assertNotIn("\nward: it is fine", said)

    def test_what_was_stopped_is_swept(self):
        """Killed in the middle: the next one finds room, and nothing half done."""
        image = Image([entry(f"f{i}", os.urandom(1000)) for i in range(3000)])
        name = image.pack(self.file)
        met = 0
        for seen in ("", "rootfs/f1", "rootfs/f500", "rootfs/f1500"):
            child = subprocess.Popen([WARD, "image", "import", self.file, name, "--images",
                                      self.images], stdout=subprocess.DEVNULL)
            while child.poll() is None and not (self.images / ".importing" / seen).exists():
                pass
            child.kill()
            child.wait()
            met += (self.images / ".importing" / seen).exists()
            listed = self.ward("list").stdout if self.images.is_dir() else ""
            if listed:
                root = self.images / name.replace(":", "-") / "rootfs"
                self.assertEqual(len(os.listdir(root)), 3000)
                self.ward("remove", name)
        self.assertGreater(met, 0, "no unpacking was stopped")
        # What a taken reader could leave: deeper than anybody goes down.
        (self.images / ".importing" / ("d/" * 300)).mkdir(parents=True)
        (self.images / ".leaving" / ("d/" * 100)).mkdir(parents=True)
        self.ward("import", self.file, name)
        self.assertEqual(len(os.listdir(self.images)), 1)

    def test_a_reader_that_ends_early(self):
        """Killed, it is told apart from one that said no, and nothing of its work is left."""
        name = Image([entry(f"f{i}", os.urandom(1000)) for i in range(20000)]).pack(self.file)
        child = subprocess.Popen([WARD, "image", "import", self.file, name, "--images",
                                  self.images], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 text=True)
        while child.poll() is None and not (self.images / ".importing/rootfs/f0").exists():
            pass
        task = pathlib.Path(f"/proc/{child.pid}/task/{child.pid}/children")
        reader = int(task.read_text())
        os.kill(reader, signal.SIGKILL)
        said = child.communicate(timeout=60)
        self.assertEqual((child.returncode, said[0]), (2, ""))
        self.assertIn(": IMAGE_CRASHED\n", said[1])
        self.assertEqual(os.listdir(self.images), [])

    def test_two_at_once(self):
        """Each waits for the other: both images are there, whole."""
        files = [entry(f"f{i}", os.urandom(1000)) for i in range(500)]
        names = []
        for text in (b"1", b"2"):
            names.append(Image(files + [entry("a", text)]).pack(self.file))
            self.file.rename(self.above / f"{text.decode()}.tar")
        both = [subprocess.Popen([WARD, "image", "import", self.above / f"{1 + i % 2}.tar",
                                  names[i % 2], "--images", self.images],
                                 stdout=subprocess.PIPE, text=True) for i in range(4)]
        said = [child.communicate(timeout=60)[0] for child in both]
        self.assertEqual([child.returncode for child in both], [0] * 4)
        self.assertEqual(sum("there already" in text for text in said), 2)
        self.assertEqual(sorted(os.listdir(self.images)), sorted(n.replace(":", "-") for n in names))
        for name in names:
            self.assertEqual(len(os.listdir(self.images / name.replace(":", "-") / "rootfs")), 501)

    def test_a_folder_that_others_can_change(self):
        """Nothing is unpacked where somebody else could lay a link in the way."""
        name = Image([entry("a", b"x")]).pack(self.file)
        self.images.mkdir()
        for mode in (0o770, 0o707, 0o720, 0o1777):
            self.images.chmod(mode)
            for words in (["import", self.file, name], ["remove", name], ["list"]):
                said = self.ward(*words, code=2).stderr
                self.assertIn("others may write to it", said)
            self.assertEqual(os.listdir(self.images), [])
        self.images.chmod(0o755)
        if os.geteuid() == 0:
            os.chown(self.images, 65534, 65534)
            self.assertIn("another user's", self.ward("import", self.file, name, code=2).stderr)
            os.chown(self.images, 0, 0)
        # A link of the name of what is made there is neither followed nor removed.
        (self.images / ".importing").symlink_to(self.above)
        self.ward("import", self.file, name, code=2)
        self.assertEqual(sorted(os.listdir(self.above)), ["image.tar", "images", "outside"])
        (self.images / ".importing").unlink()
        self.ward("import", self.file, name)

    def test_what_was_inherited(self):
        """Neither an ignored SIGCHLD nor the umask nor a closed stdin changes what is imported."""
        name = Image([entry("a", b"x")]).pack(self.file)
        trap = 'trap "" CHLD; umask 077; "$@" <&-'
        done = subprocess.run(["sh", "-c", trap, "sh", WARD, "image", "import", self.file, name,
                               "--images", self.images], capture_output=True, text=True,
                              check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        root = self.images / name.replace(":", "-") / "rootfs"
        self.assertEqual(stat.S_IMODE(root.stat().st_mode), 0o755)
        self.assertEqual(stat.S_IMODE((root / "a").stat().st_mode), 0o644)

    @unittest.skipIf(os.geteuid() != 0, "gives a right of root up")
    def test_where_nothing_can_be_confined(self):
        """What this machine does not allow is not laid to the archive."""
        name = Image([entry("a", b"x")]).pack(self.file)
        done = subprocess.run(["setpriv", "--bounding-set", "-sys_chroot", WARD, "image", "import",
                               self.file, name, "--images", self.images], capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn(": IMAGE_UNCONFINED: Operation not permitted", done.stderr)
        self.assertEqual(os.listdir(self.images), [])

    @unittest.skipIf(os.geteuid() != 0, "becomes somebody else")
    def test_without_root(self):
        """Files are the user's own, and can be removed; the reader is confined all the same."""
        self.above.chmod(0o777)
        name = Image([folder("shut", mode=0o000), entry("shut/a", b"1", mode=0o000),
                      entry("b", b"2", uid=7, gid=7)]).pack(self.file)
        shell = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", WARD, "image"]
        for words in (["import", self.file, name], ["remove", name]):
            done = subprocess.run([*shell, *words, "--images", self.images], capture_output=True,
                                  text=True, check=False, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            if words[0] == "import":
                root = self.images / name.replace(":", "-") / "rootfs"
                self.assertEqual((root / "b").stat().st_uid, 65534)
        self.assertEqual(os.listdir(self.images), [])
        name = Image([entry("../outside", b"x")]).pack(self.file)
        done = subprocess.run([*shell, "import", self.file, name, "--images", self.images],
                              capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(": IMAGE_PATH", done.stderr)
        self.assertEqual(os.listdir(self.images), [])
        self.assertEqual(self.outside.read_text(), "untouched")

    @unittest.skipIf(os.geteuid() != 0, "makes a namespace, which not everybody may")
    def test_the_root_of_few_users(self):
        """Whom a namespace has not, nothing can be given to: that is not laid to the image."""
        name = Image([entry("mine", b"1"), entry("b", b"2", uid=7, gid=7)]).pack(self.file)
        words = ["unshare", "--user", "--map-root-user", WARD, "image", "import", self.file]
        done = subprocess.run([*words, name, "--images", self.images], capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(": HOUSE_STATE_UNUSABLE: files cannot be given to the owners that the image "
                      'names (entry "b")\n', done.stderr)
        self.assertEqual(os.listdir(self.images), [])
        name = Image([entry("mine", b"1")]).pack(self.file)
        done = subprocess.run([*words, name, "--images", self.images], capture_output=True,
                              text=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    @unittest.skipIf(os.geteuid() != 0, "mounts a small disk")
    def test_no_room(self):
        """A disk that is full: said so, and nothing is left behind."""
        name = Image([entry("a", os.urandom(1 << 20))]).pack(self.file)
        self.images.mkdir()
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs -o size=300k,mode=700 none "$1" || exit 99; '
             'shift; "$@"; code=$?; ls -A "$7"; exit $code', "sh", self.images, WARD, "image",
             "import", self.file, name, "--images", self.images],
            capture_output=True, text=True, check=False, timeout=60)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("HOUSE_STATE_UNUSABLE: No space left on device", done.stderr)


if __name__ == "__main__":
    tap.main()
