"""oci.py - makes OCI archives as others make them, and as nobody should."""

import gzip
import hashlib
import io
import json
import tarfile

ARCHITECTURE = "amd64"
LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def entry(name, data=None, kind=tarfile.REGTYPE, mode=0o644, link="", uid=0, gid=0, mtime=1000):
    """(header, bytes) of one entry of a layer."""
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.linkname = kind, mode, link
    info.uid, info.gid, info.mtime = uid, gid, mtime
    info.size = len(data or b"")
    return info, data or b""


def folder(name, mode=0o755, **more):
    return entry(name, kind=tarfile.DIRTYPE, mode=mode, **more)


def link(name, target):
    return entry(name, kind=tarfile.SYMTYPE, link=target)


def hard(name, target):
    return entry(name, kind=tarfile.LNKTYPE, link=target)


def tar(entries, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as made:
        for info, data in entries:
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Image:
    """An image under way: every part may be changed before it is packed."""

    def __init__(self, *layers, packed=True):
        self.blobs = {}
        self.beside = []  # entries of the archive that no image needs
        self.layers = []
        self.config = {"architecture": ARCHITECTURE, "os": "linux",
                       "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"]},
                       "rootfs": {"type": "layers", "diff_ids": []}}
        for layer in layers:
            self.add(layer if isinstance(layer, bytes) else tar(layer), packed)

    def add(self, plain, packed=True, kind=None):
        data = gzip.compress(plain, mtime=0) if packed else plain
        self.config["rootfs"]["diff_ids"].append(digest(plain))
        self.layers.append({"mediaType": kind or LAYER + ("+gzip" if packed else ""),
                            "digest": self.blob(data), "size": len(data)})

    def blob(self, data):
        self.blobs[digest(data)] = data
        return digest(data)

    def manifest(self):
        config = json.dumps(self.config).encode()
        return {"schemaVersion": 2, "mediaType": MANIFEST,
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
                           "digest": self.blob(config), "size": len(config)},
                "layers": self.layers}

    def pack(self, path, manifest=None):
        """Writes the archive; the digest of its manifest."""
        data = json.dumps(self.manifest() if manifest is None else manifest).encode()
        name = self.blob(data)
        index = {"schemaVersion": 2, "manifests": [
            {"mediaType": MANIFEST, "digest": name, "size": len(data)}]}
        entries = [entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
                   entry("index.json", json.dumps(index).encode()), folder("blobs"),
                   folder("blobs/sha256")]
        entries += [entry("blobs/sha256/" + name[7:], blob) for name, blob in self.blobs.items()]
        path.write_bytes(tar(entries + self.beside))
        return name
