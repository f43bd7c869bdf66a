"""vmm_server.py - a dstack VMM for tests: the methods of its RPC that Ward calls, written from their
description, with machines that only are told of. What it answers can be replaced, method by method."""

import hashlib
import http.server
import json
import ssl
import threading
import time
import uuid

# Every member of CreateVm, and what it must be.
CREATE = {"name": str, "image": str, "compose_file": str, "vcpu": int, "memory": int, "disk_size": int,
          "ports": list, "encrypted_env": str, "app_id": str, "user_config": str, "hugepages": bool,
          "pin_numa": bool, "stopped": bool, "gpus": dict, "kms_urls": list, "gateway_urls": list}


class Refused(Exception):
    """The VMM says no, with its words."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path, _, query = self.path.partition("?")
        method = path.removeprefix("/prpc/")
        asked = json.loads(body)
        with self.server.lock:
            self.server.calls.append((time.monotonic(), method, asked))
        if query != "json" or self.headers["Content-Type"] != "application/json":
            return self.answer(400, b'{"error":"no JSON was asked for"}')
        try:
            said = self.server.lies.get(method, getattr(self.server, method))(asked)
        except Refused as refused:
            return self.answer(400, json.dumps({"error": str(refused)}).encode())
        if isinstance(said, tuple):
            return self.answer(*said)
        return self.answer(200, json.dumps(said).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Vmm(http.server.ThreadingHTTPServer):
    """`boots` looks until a machine runs, `runs` more until it has ended by itself: None, never."""

    daemon_threads = True

    def __init__(self, boots=1, runs=None, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock, self.calls, self.machines, self.lies = threading.Lock(), [], {}, {}
        self.boots, self.runs, self.has = boots, runs, {
            "max_cvm_number": 10, "max_allocable_vcpu": 8, "max_allocable_memory_in_mb": 8192}
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server_port}"

    def handle_error(self, *_):
        """Whoever goes in the middle of an answer goes."""

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    def named(self, *methods):
        with self.lock:
            return [method for _, method, _ in self.calls if not methods or method in methods]

    def bodies(self, method):
        with self.lock:
            return [body for _, name, body in self.calls if name == method]

    def add(self, name, status="running", identity=None, app_id=""):
        identity = identity or str(uuid.uuid4())
        self.machines[identity] = {"name": name, "status": status, "looks": 0, "app_id": app_id}
        return identity

    def info(self, identity):
        machine = self.machines[identity]
        return {"id": identity, "name": machine["name"], "status": machine["status"], "uptime": "1s",
                "app_url": None, "app_id": machine["app_id"], "instance_id": None,
                "configuration": None, "exited_at": None, "boot_progress": machine.get("progress", ""),
                "boot_error": machine.get("error", ""), "shutdown_progress": "", "image_version": "0.5.3"}

    def machine(self, asked):
        assert set(asked) == {"id"}, asked
        if asked["id"] not in self.machines:
            raise Refused("vm not found")
        return self.machines[asked["id"]]

    def CreateVm(self, asked):
        kinds = {name: type(value) for name, value in asked.items()}
        if kinds != CREATE:
            raise Refused(f"not what a machine is made of: {kinds}")
        bytes.fromhex(asked["encrypted_env"])
        digest = hashlib.sha256(asked["compose_file"].encode()).hexdigest()
        if asked["app_id"] != digest[:40]:
            raise Refused("another app_id")
        return {"id": self.add(asked["name"], "stopped", app_id=digest[:40])}

    def GetInfo(self, asked):
        if asked["id"] not in self.machines:
            return {"found": False, "info": None}
        machine = self.machine(asked)
        machine["looks"] += 1
        if machine["status"] == "stopped" and not machine.get("ending"):
            machine["progress"] = "booting"
            if machine["looks"] > self.boots:
                machine.update(status="running", progress="done")
        elif machine["status"] == "running" and self.runs is not None and \
                machine["looks"] > self.boots + self.runs:
            machine["status"] = "exited"
        said = self.info(asked["id"])
        # A machine that is on its way is not one that has ended.
        if said["status"] == "stopped" and not machine.get("ending"):
            said["status"] = "starting"
        return {"found": True, "info": said}

    def Status(self, asked):
        assert asked == {"ids": [], "brief": True, "keyword": "", "page": 0, "page_size": 0}, asked
        vms = [self.info(identity) for identity in list(self.machines)]
        return {"vms": vms, "port_mapping_enabled": True, "total": len(vms)}

    def GetMeta(self, asked):
        assert asked == {}, asked
        return {"kms": None, "gateway": None, "resources": self.has, "networking": None}

    def StopVm(self, asked):
        self.machine(asked).update(status="stopped", ending=True)
        return {}

    def ShutdownVm(self, asked):
        self.machine(asked)
        return {}

    def RemoveVm(self, asked):
        if self.machine(asked)["status"] == "running":
            raise Refused("vm is running, stop it first")
        del self.machines[asked["id"]]
        return {}


class Health(http.server.ThreadingHTTPServer):
    """A job's port, with /sdk/health: ill so many times, and then well."""

    daemon_threads = True

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append((time.monotonic(), self.path))
            self.send_response(503 if len(self.server.asked) <= self.server.ill else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    def __init__(self, ill):
        super().__init__(("127.0.0.1", 0), self.Handler)
        self.ill, self.asked = ill, []

    __enter__, __exit__ = Vmm.__enter__, Vmm.__exit__
