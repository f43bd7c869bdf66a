"""installed.py - installs into a folder below the build and uses the result as a stranger
would: each header on its own, the examples through pkg-config against the installed
library, shared and static. Also that the library shows ward_ names only, and that nothing
of the test authority is in it. Touches nothing outside the build folder."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys

import tree

SET_TIME = 1767225600  # when the project's own vectors are to be judged
STRICT = ("-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Werror")


class Stage:
    def __init__(self, root, build):
        self.root, self.build = root, build
        self.folder = build / "stage"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.call("meson", "install", "-C", build, "--no-rebuild", "--quiet",
                  env={"DESTDIR": str(self.folder)})
        self.package = self.only("*.pc")
        self.shared, self.static = self.only("libward.so"), self.only("libward.a")

    def only(self, pattern):
        found = list(self.folder.rglob(pattern))
        if len(found) != 1:
            sys.exit(f"installed: {len(found)} files {pattern} where one is wanted")
        return found[0]

    def call(self, *words, env=None):
        done = subprocess.run([str(word) for word in words], env=os.environ | (env or {}),
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"installed: {' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
        return done.stdout

    def flags(self, *words):
        return self.call("pkg-config", *words, self.package.stem, env={
            "PKG_CONFIG_PATH": str(self.package.parent),
            "PKG_CONFIG_SYSROOT_DIR": str(self.folder)}).split()

    def headers(self):
        """Every installed header is enough by itself."""
        for header in sorted(self.folder.rglob("include/ward/*.h")):
            self.call("gcc", *STRICT, "-fsyntax-only", *self.flags("--cflags"), "-include",
                      header, "-x", "c", "/dev/null")
            yield header.name

    def symbols(self):
        """What is wrong with the names that the libraries define."""
        for line in self.call("nm", "-D", "--defined-only", self.shared).splitlines():
            name = line.split()[-1].partition("@")[0]
            if not name.startswith("ward_"):
                yield f"libward.so shows {name}"
        shown = set()
        for line in self.call("nm", "--defined-only", self.static).splitlines():
            kind, name = ("", "", *line.split())[-2:]
            if name.startswith("sim_"):
                yield f"libward.a holds {name} of the test authority"
            if kind.isupper():
                shown.add(name)
        for name in sorted(shown):
            if not name.startswith("ward_"):
                yield f"libward.a shows {name}"
        exported = {line.split()[-1].partition("@")[0] for line in self.call(
            "nm", "-D", "--defined-only", self.shared).splitlines()}
        for name in sorted(shown ^ exported):
            yield f"{name} is shown by one of libward.so and libward.a only"

    def stranger(self):
        """A program whose own functions are called like the rooms' links with libward.a."""
        source = self.build / "stranger.c"
        source.write_text("#include <ward/verify.h>\n"
                          "int arena_alloc(void); int json_parse_into(void); int sink_put(void);\n"
                          "int arena_alloc(void) { return 1; }\n"
                          "int json_parse_into(void) { return 2; }\n"
                          "int sink_put(void) { return 3; }\n"
                          "int main(void)\n{\n"
                          "    struct ward_policy *policy = 0;\n"
                          "    struct ward_error error = { 0 };\n"
                          "    int sum = arena_alloc() + json_parse_into() + sink_put();\n"
                          "    if (ward_policy_new(&policy, &error) != WARD_DONE)\n"
                          "        return 1;\n"
                          "    ward_policy_free(&policy);\n"
                          "    return sum == 6 ? 0 : 1;\n}\n")
        program = self.build / "stranger"
        self.call("gcc", *STRICT, *self.flags("--cflags"), source, "-o", program, self.static,
                  *(word for word in self.flags("--libs", "--static") if word != "-lward"))
        done = subprocess.run([program], check=False)
        if done.returncode:
            yield "a program with functions called like the rooms' goes wrong with libward.a"

    def example(self, source):
        """Builds an example both ways and runs it without arguments: it says how it is
        used and exits with 2."""
        for how in ("shared", "static"):
            program = self.build / f"example-{source.stem}-{how}"
            libraries = self.flags("--libs") if how == "shared" else [
                self.static, *(word for word in self.flags("--libs", "--static")
                               if word != "-lward")]
            self.call("gcc", *STRICT, *self.flags("--cflags"), source, "-o", program, *libraries)
            env = os.environ | {"LD_LIBRARY_PATH": str(self.shared.parent)}
            done = subprocess.run([program], env=env, capture_output=True, check=False)
            if done.returncode != 2:
                yield f"{source.name} ({how}) without arguments: exit {done.returncode}, not 2"

    def served(self, challenge, policy, folder, env):
        """What a validator and a challenge make of one another: the first's outcome and words, and
        the second's."""
        files = [policy, folder / "root.pem", *sorted((folder / "collateral").iterdir())]
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"ws://127.0.0.1:{listener.getsockname()[1]}/v1/channel"
            validator = subprocess.Popen(
                [self.build / "example-validator-shared", address, *files], env=env, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            with listener.accept()[0] as connection:
                taken = subprocess.run([challenge, *files], stdin=connection, env=env, text=True,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       timeout=60, check=False)
            said = validator.communicate(timeout=60)[0]
        return validator.returncode, said, taken.stdout

    def conversation(self):
        """A validator's job is done by a challenge: each shows evidence of a stand-in for its TEE,
        and asks for the other's; a policy that wants hardware has none of it."""
        folder = self.build / "simulated"
        shutil.rmtree(folder, ignore_errors=True)
        agent = subprocess.Popen([self.build / "ward", "sim", "agent", folder, "--json"],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        with agent:
            env = os.environ | {"LD_LIBRARY_PATH": str(self.shared.parent),
                                "DSTACK_SIMULATOR_ENDPOINT":
                                    json.loads(agent.stdout.readline())["socket"]}
            policy = folder / "policy.toml"
            for text, wanted in (("hardware = false\n", (0, '"job_id":"j1"', "q1: error")),
                                 (f"tdx.mrtd = [\"{'00' * 48}\"]\n", (1, "CHANNEL_", "CHANNEL_"))):
                policy.write_text(text)
                for how in ("shared", "static"):
                    found = self.served(self.build / f"example-challenge-{how}", policy, folder, env)
                    if found[0] != wanted[0] or any(word not in said for word, said in
                                                    zip(wanted[1:], found[1:])):
                        yield f"validator and challenge ({how}): {found}, not {wanted}"
            agent.terminate()

    def client(self, root):
        """A stranger's program of many threads over the project's own vectors: alone under
        valgrind, and with ThreadSanitizer; good evidence is allowed, bad is not."""
        vectors, source = root / "vectors", root / "tests" / "outside" / "client.c"
        files = sorted((vectors / "collateral").iterdir())
        valgrind = ("valgrind", "-q", "--error-exitcode=99", "--leak-check=full")
        for how, flags, runner in (("valgrind", ("-g",), valgrind),
                                   ("TSan", ("-g", "-fsanitize=thread"), ())):
            program = self.build / f"client-{how}"
            self.call("gcc", *STRICT, *flags, *self.flags("--cflags"), source, "-o", program,
                      *self.flags("--libs"), "-D_POSIX_C_SOURCE=200809L", "-pthread")
            for quote, wanted in (("tdx-v5-1.5", 0), ("tdx-v4-bad-signature", 1)):
                words = [*runner, program, vectors / "quote" / f"{quote}.quote.bin",
                         SET_TIME, vectors / "sgx_root.pem", *files]
                done = subprocess.run(
                    [str(word) for word in words], capture_output=True, text=True, check=False,
                    env=os.environ | {"LD_LIBRARY_PATH": str(self.shared.parent)})
                if done.returncode != wanted or done.stderr:
                    yield f"client of {quote} under {how}: exit {done.returncode}, not {wanted}"
                    yield from done.stderr.splitlines()[:20]


def main():
    parser = tree.parser(__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    options = parser.parse_args()
    stage = Stage(options.root.resolve(), options.build.resolve())
    headers = list(stage.headers())
    examples = sorted((options.root / "examples").glob("*.c"))
    faults = list(stage.symbols()) + list(stage.stranger())
    for source in examples:
        faults += stage.example(source)
    faults += stage.conversation()
    faults += stage.client(options.root.resolve())
    if not headers or not examples:
        faults.append("no header or no example")
    print("\n".join(faults) or f"installed: {len(headers)} headers, {len(examples)} examples")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
