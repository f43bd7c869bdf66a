"""test_mutants.py - the simulator finds what it is there for: core, and the loop that it serves in,
with one mistake each, and for each the invariant that must notice.  A mistake whose place is no
longer in the source is a failure, too."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["WARD_BUILD"])
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = "tests/simulator/simulator"
SEEDS = 1000

# (file, what stands there once, what stands there instead, what must notice: one of these)
MUTANTS = {
    "a place is not given back": (
        "proc/core/requests.c", "    core->pending_count--;\n", "", "places are given back"),
    "a kept request is not given back": (
        "proc/core/requests.c", "    kept->used = false;\n    return RC_SUCCESS;\n",
        "    return RC_SUCCESS;\n", "places are given back"),
    "a verdict is not given back": (
        "proc/core/requests.c", "pending->verdict->used = false;", "(void)pending;",
        "places are given back"),
    "who waits for a dead process waits on": (
        "proc/core/requests.c", "else if (pending->peer == peer)\n", "else if (pending->peer > peer)\n",
        "places are given back"),
    "the next front is answered": (
        "proc/core/requests.c", "if (peer == PEER_FRONT)\n", "if (peer == PEER_MONITOR)\n",
        "nobody hears another's answer"),
    "an answer keeps its place": (
        "proc/core/requests.c",
        "    answer(core, pending->front_id, said->reason, said->detail, said->body);\n"
        "    core_settle(core, pending);\n",
        "    answer(core, pending->front_id, said->reason, said->detail, said->body);\n",
        "nobody hears another's answer"),
    "an answer is given twice": (
        "proc/core/requests.c",
        "    answer(core, request->id, reason, (struct span){ 0 },\n",
        "    if (request->method == METHOD_DOCTOR)\n"
        "        refuse(core, request->id, REASON_HOUSE_UNAVAILABLE);\n"
        "    answer(core, request->id, reason, (struct span){ 0 },\n",
        "one answer"),
    "an answer is forgotten": (
        "proc/core/requests.c",
        "    if (pending == NULL || !rc_ok(channel_put(NULL, channel, question))) {\n"
        "        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);\n",
        "    if (pending == NULL || !rc_ok(channel_put(NULL, channel, question))) {\n",
        "one answer"),
    "any process answers": (
        "proc/core/requests.c", "pending->id == id && id != 0 && pending->peer == peer &&",
        "pending->id == id && id != 0 &&",
        "the answer to what was asked|places are given back"),
    "it is not logged first": (
        "proc/core/requests.c", "} else if (core_must_log(request.method)) {\n",
        "} else if (request.method == METHOD_COUNT) {\n", "logged first"),
    "a record that is not durable counts": (
        "proc/core/requests.c", "    if (logged)\n        carry_out(core, &kept->request);\n    else\n",
        "    if (kept != NULL)\n        carry_out(core, &kept->request);\n    else\n",
        "logged first"),
    "a verdict does not wait for its record": (
        "proc/core/attest.c", "    if (log_first(core, pending, &said))\n        return RC_SUCCESS;\n",
        "    if (log_first(core, pending, &said)) {\n"
        "        core_verdict_logged(core, pending, true);\n        return RC_SUCCESS;\n    }\n",
        "logged first"),
    "evidence of another is handed out": (
        "proc/core/evidence.c", "    if (!core_evidence_bears(quote, place->report_data) ||", "    if (",
        "the answer to what was asked"),
    "evidence is not given back": (
        "proc/core/evidence.c",
        "&(struct answer){ .reason = reason });\n    core_settle(core, pending);\n",
        "&(struct answer){ .reason = reason });\n"
        "    pending->verdict = NULL;\n    core_settle(core, pending);\n",
        "places are given back"),
    "strangers are let in": (
        "proc/core/requests.c",
        "        request->caller != CALLER_MINER)\n        return REASON_HOUSE_OWNER_ONLY;\n",
        "        request->caller != CALLER_MINER)\n        return REASON_OK;\n",
        "strangers are refused|refusals are recorded or counted"),
    "whoever has no certificate is an operator": (
        "proc/core/requests.c",
        "        !is_operator(core, request))\n        return REASON_HOUSE_OWNER_ONLY;\n",
        "        !is_operator(core, request))\n        return REASON_OK;\n",
        "strangers are refused|refusals are recorded or counted"),
    "whoever signs nothing is a session": (
        "proc/core/requests.c", "        return REASON_SESSION_REQUIRED;\n",
        "        return REASON_OK;\n",
        "strangers are refused|refusals are recorded or counted"),
    "a nonce is not taken": (
        "proc/core/sessions.c", "        reason = take_nonce(core, request, &session);\n",
        "        reason = session.expires > 0 ? REASON_OK : take_nonce(core, request, &session);\n",
        "what is signed is done once"),
    "the high-water time stays where it was": (
        "store/nonce_window.c",
        "        TRY(trail, store_high_water_raise(trail, window->store, now, water));\n", "",
        "what is signed is done once"),
    "a start forgets the high-water time": (
        "store/nonce_window.c", ".floor = meta.high_water >= rules->since ? meta.high_water :",
        ".floor = meta.high_water < 0 ? meta.high_water :", "what is signed is done once"),
    "a session that is over lives on": (
        "proc/core/session_methods.c",
        "    rc ended = store_session_end(NULL, &core->store.store, sessions_now(core), "
        "session.token);\n", "    rc ended = RC_SUCCESS;\n", "a session that is over is over"),
    "a token is given out before its record is durable": (
        "proc/core/sessions.c", "        *place = grant;\n",
        "        done(core, whose, &(struct session_granted){ REASON_OK, SPAN(grant.token), "
        "&grant.session });\n", "logged first"),
    "a token loses a character": (
        "proc/core/session_methods.c", "            .token = granted->token,\n",
        "            .token = span_of(granted->token.at, granted->token.len - 1),\n",
        "a token is a token"),
    "a grant is not given back": (
        "proc/core/sessions.c", "    ct_wipe(place, sizeof *place);\n", "",
        "places are given back|one answer"),
    "time is given without end": (
        "proc/core/requests.c", "if (pending->until_ms <= now_ms) {",
        "if (pending->until_ms + 2000 <= now_ms) {", "in time"),
    "a record may take as long as an answer": (
        "proc/core/requests.c", ".until_ms = clock_monotonic_ms() + CORE_LOG_MS,",
        ".until_ms = clock_monotonic_ms() + 5 * CORE_LOG_MS,", "in time"),
    "a refusal is not counted": (
        "proc/core/records.c", "recorded ? 0 : *unrecorded + 1", "0",
        "refusals are recorded or counted"),
    "refusals are counted and not said": (
        "proc/core/records.c",
        '        audit_add_number(record, "unrecorded", (int64_t)*unrecorded);\n',
        "        (void)audit_add_number;\n", "refusals are recorded or counted"),
    "news that were not logged are told as such": (
        "proc/core/news.c", "    if (!logged) {\n", "    if (!logged && news->logged == 0) {\n",
        "the monitor's news are logged"),
    "news are asked for once": (
        "proc/core/news.c", "    news->id = 0;\n    if (!logged) {\n",
        "    if (!logged) {\n", "the monitor's news are logged"),
    "a mark runs ahead of the store": (
        "proc/core/mark.c", "core_log_mark(core, meta.generation, &id)",
        "core_log_mark(core, meta.generation + 1, &id)", "a mark is of what is kept"),
    "an older store is used": (
        "proc/core/mark.c", "    return store_judge(trail, &store->store, &evidence);\n",
        "    evidence.generation = 0;\n"
        "    return store_judge(trail, &store->store, &evidence);\n",
        "an older store is not used"),
    "a start moves the store on": (
        "proc/core/anchor.c", "    TRY(trail, store_touch(trail, &store->store));\n",
        "    TRY(trail, store_high_water_raise(trail, &store->store, now, 1));\n",
        "an older store is not used"),
    "the first mark is enough": (
        "proc/core/mark.c", "    *last = page.next_cursor.len == 0;\n", "    *last = true;\n",
        "an older store is not used|marks only grow"),
    "a store is used before it is judged": (
        "proc/core/anchor.c", "    if (store->judged)\n        ask(", "    if (store->known == 0)\n        ask(",
        "an older store is not used"),
    "any proof is good": (
        "proc/core/anchor.c",
        "        !rc_ok(merkle_check_consistency(old, new, &proof, NULL)))\n",
        "        proof.count > MERKLE_PROOF_MAX)\n", "the anchor follows one log"),
    "a full disk is the end of the store": (
        "proc/core/anchor.c", "    if (!again)\n        give_up(", "    if (again)\n        give_up(",
        "all is well again"),
    "a server that is back is not looked for": (
        "proc/core/anchor.c", "->class == RC_DENIED)\n        return INT64_MAX;",
        "->class != RC_OK)\n        return INT64_MAX;",
        "all is well again"),
    "the last timer wakes nobody": (
        "proc/serve.c",
        "        int timeout = timeout_ms(house);\n"
        "        TRY(trail, flush_all(trail, house)); /* what the timers said */\n"
        "        if (may_end(house)) /* after the timers: the last that is under way may end by "
        "one */\n"
        "            return RC_SUCCESS;\n",
        "        if (may_end(house))\n"
        "            return RC_SUCCESS;\n"
        "        int timeout = timeout_ms(house);\n"
        "        TRY(trail, flush_all(trail, house));\n",
        "all is well again"),
    "a bad message is a bug": (
        "proc/core/main.c", ".trusts = IN(PEER_AUDIT) |", ".trusts = IN(PEER_FRONT) | IN(PEER_AUDIT) |",
        "core ends only when it is told"),
    "the house does not wait for its last record": (
        "proc/core/main.c", "    return core->pending_count == 0 && sessions_are_quiet(core) && told;\n",
        "    return core->pending_count == 0 && core->stop_ms > 0;\n", "the end is logged"),
    "the house always waits": (
        "proc/core/main.c", "core->news.logged == core->news.last || now >= core->stop_ms;\n",
        "now >= core->stop_ms + 100;\n", "core stops"),
    "marks are any numbers": (
        "proc/core/mark.c", "core_log_mark(core, meta.generation, &id)",
        "core_log_mark(core, meta.generation % 4, &id)", "marks only grow"),
    "a role is left out": (
        "proc/core/keyring.c", "    sink_u8(&body, role);\n", "",
        "questions are questions"),
    "a record of four details has one too few": (
        "proc/audit_client.c", "    sink_u8(body, (uint8_t)record->count);\n",
        "    sink_u8(body, (uint8_t)(record->count + (record->count == 4)));\n",
        "records are records"),
    "one question is waited for": (
        "proc/core/requests.c",
        "    if (pending == NULL || !rc_ok(channel_put(NULL, channel, question))) {\n",
        "    struct frame said;\n"
        "    if (pending == NULL || !rc_ok(channel_ask(NULL, channel, question, 0, &said))) {\n",
        "core waits in one place"),
    "a closed channel keeps its words": (
        "ipc/channel.c", "    fd_close(&channel->fd);\n    forget(channel);\n",
        "    fd_close(&channel->fd);\n", "channels are sound"),
}


class Simulator:
    """The commands that made the program, and what makes it with another source."""

    def __init__(self, folder):
        self.folder = folder
        self.compiled = {}
        for entry in json.loads((BUILD / "compile_commands.json").read_text()):
            path = (BUILD / entry["file"]).resolve()
            self.compiled.setdefault(path, shlex.split(entry["command"]))
        said = subprocess.run(["ninja", "-C", str(BUILD), "-t", "commands", PROGRAM],
                              check=True, capture_output=True, text=True).stdout
        self.link = shlex.split(said.strip().splitlines()[-1])

    def make(self, file, text):
        """core/main.c is read by the simulator's own life.c; a copy that is found before it is
        read in its place."""
        copy = self.folder / "src" / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(text)
        program, made = self.folder / "simulator", self.folder / "mutant.o"
        included = file == "proc/core/main.c"
        path = SOURCE / ("tests/simulator/life.c" if included else f"src/{file}")
        words = [word for word in self.compiled[path] if word != "-Werror"]
        words[words.index("-c") + 1] = str(path if included else copy)
        words[words.index("-o") + 1] = str(made)
        for flag in ("-MD", "-MQ", "-MF"):
            at = words.index(flag)
            del words[at:at + (1 if flag == "-MD" else 2)]
        words[-2:-2] = ["-w", "-O0"]
        at = next(at for at, word in enumerate(words) if word.startswith("-I"))
        words.insert(at, f"-I{self.folder / 'src'}")
        subprocess.run(words, cwd=BUILD, check=True, capture_output=True)
        copy.unlink()
        link = list(self.link)
        link[link.index("-o") + 1] = str(program)
        # What is there already is not taken from an archive.
        link.insert(link.index("-o") + 2, str(made))
        subprocess.run(link, cwd=BUILD, check=True, capture_output=True)
        return program


class Mutants(unittest.TestCase):
    def test_each_mistake_is_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            simulator = Simulator(pathlib.Path(folder))
            for name, (file, old, new, invariant) in MUTANTS.items():
                with self.subTest(name):
                    text = (SOURCE / "src" / file).read_text()
                    self.assertEqual(text.count(old), 1, f"of what is to be changed in {file}")
                    program = simulator.make(file, text.replace(old, new))
                    done = subprocess.run([program, "--seeds", str(SEEDS)], capture_output=True,
                                          text=True, timeout=120, check=False)
                    self.assertEqual(done.returncode, 1, done.stdout)
                    print(f"# {name}: {done.stdout.strip()}")
                    self.assertRegex(done.stdout, f": ({invariant}): ")

    def test_no_invariant_is_without_a_mistake(self):
        named = set()
        for path in pathlib.Path(__file__).parent.glob("*.c"):
            named |= set(re.findall(r'world_wrong\(\w+, "([^"]+)"', path.read_text()))
        found = {one for row in MUTANTS.values() for one in row[3].split("|")}
        self.assertEqual(named - found, set())


if __name__ == "__main__":
    import tap
    tap.main()
