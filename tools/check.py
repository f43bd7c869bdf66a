"""check.py - everything that must hold before a change is taken, as one table of steps.
`./check` starts it once the packages are there. It writes only below build*/.

Each TAP test of a test program counts as one, each other step as one. The last line
is "N passed, N failed, N skipped"; the exit code is 1 when anything failed."""

import argparse
import os
import pathlib
import shutil
import sys
import time

import results
import steps
from steps import Count, Step, command, execute, excerpt, fail

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
ASAN = ROOT / "build-asan"
TSAN = ROOT / "build-tsan"
PYTHON = sys.executable
BUILD_ERRORS = r"error|FAILED|undefined reference|ERROR:"
WIDE = str((os.cpu_count() or 2) * 3 // 2)
SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1:"
                    "external_symbolizer_path=/usr/bin/addr2line",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
}


def build(folder, compiler, *options, targets=()):
    """Configures a build folder when its options changed, then compiles all of it or some
    targets."""

    def run(log):
        stamp = folder / "check-options"
        wanted = " ".join((compiler, *options))
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            if execute(log, ["meson", "setup", folder, *options], ROOT, {"CC": compiler}):
                return fail(*excerpt(log, BUILD_ERRORS))
            stamp.write_text(wanted)
        if execute(log, ["ninja", "-C", folder, *targets]):
            return fail(*excerpt(log, BUILD_ERRORS))
        return steps.PASS

    return run


def unit_tests(folder, *options, env=None, keep=None):
    """Runs meson's tests and counts them one by one. What each said is merged into
    `keep`, from which the conformance document is computed."""

    def run(log):
        for old in (folder / "meson-logs").glob("testlog*.json"):
            old.unlink()
        execute(log, ["meson", "test", "-C", folder, "--no-rebuild", *options], ROOT, env)
        found = results.of_meson(ROOT, folder)
        skips, count = results.Skips(ROOT), Count()
        for test, status in found.items():
            results.merge(keep, test, status)
            refusal = skips.refuse(test) if status == "skip" else None
            count.add(Count(status == "pass", status == "fail" or refusal is not None,
                            status == "skip" and refusal is None))
            if refusal:
                count.why.append(f"{test} {refusal}")
        if BUILD.is_dir():
            results.write(BUILD / "results.tsv", keep)
        count.why += failures(folder)
        return count if found else fail(*excerpt(log), "no test ran")

    return run


def failures(folder, most=24):
    """What the failed test programs said, shortened."""
    for run in results.runs(folder):
        if all(status != "fail" for _, status in results.of_run(run)):
            continue
        said = [text for text in (run.get("stdout") or "").splitlines()
                if text and not text.startswith(("ok ", "1..")) and "# SKIP" not in text]
        said += (run.get("stderr") or "").splitlines()
        yield f"{run['name']}: {run['result']}"
        yield from (f"  {text}" for text in said[:most])


def noted(name, run, keep):
    """A step whose outcome is a result like that of a test: it proves requirement lines."""

    def noting(log):
        count = run(log)
        results.merge(keep, f"tools/check.py:{name}", "fail" if count.failed else "pass")
        results.write(BUILD / "results.tsv", keep)
        return count

    return noting


def skip_list(log):
    faults = results.Skips(ROOT).faults
    return fail(*faults) if faults else steps.PASS


def tool(name, *words, interesting=None):
    return command(PYTHON, ROOT / "tools" / name, *words, cwd=ROOT, interesting=interesting)


GCC, CLANG = "build (gcc)", "build (clang, ASan, UBSan, fuzz targets)"
THREADS = "build (gcc, TSan)"
UNIT, ASAN_UNIT = "unit tests (gcc)", "unit tests (ASan, UBSan)"


def always(kept, env, how):
    """The steps of every run, --quick included. `how` is --check, or --write for what can
    be written anew."""
    return [
        Step(GCC, build(BUILD, "gcc", "-Dtests=enabled")),
        Step("layers", tool("layers.py")),
        Step("format", tool("format.py", how)),
        Step("secrets", tool("secret_scan.py")),
        Step("skip list", skip_list),
        Step("threat model", tool("threat_model.py", how)),
        Step(CLANG, build(ASAN, "clang-14", "-Db_sanitize=address,undefined", "-Dfuzz=true",
                          "-Dtests=enabled")),
        # Many of them wait for something most of the time, and what comes last waits for all.
        Step(UNIT, unit_tests(BUILD, "-t4", "--num-processes", WIDE, env=env, keep=kept), (GCC,)),
        Step("limits", tool("limits.py", how)),
        Step("reasons", tool("reasons.py", how)),
        Step("processes", tool("processes.py", how)),
        Step("man pages", tool("manpages.py", how, "--build", BUILD), (GCC,)),
        Step("API reference", tool("api_reference.py", how, "--build", BUILD), (GCC,)),
        Step("mistakes", tool("mistakes.py", "--build", BUILD), (GCC,)),
        Step(ASAN_UNIT, unit_tests(ASAN, "-t8", "--no-suite", "tools", env=SANITIZERS | env,
                                   keep=kept), (CLANG,)),
    ]


def thorough(seconds, mutants, kept):
    """What ./check does besides."""
    return [
        Step("clang-tidy", tool("tidy.py", "--build", ASAN, interesting=" error: "), (CLANG,)),
        Step("cppcheck", tool("cppcheck.py", "--build", BUILD), (GCC,)),
        Step(f"fuzzing ({seconds} s)", command(
            PYTHON, "fuzz/run", "--build", ASAN, "--seconds", seconds, cwd=ROOT, env=SANITIZERS,
            interesting="FAILED"), (CLANG,)),
        Step("mutants", noted("mutants", tool(  # proves: RL-2
            "mutate", *mutants, interesting=r"^[a-z]+: (src/|A[TNE]-)"), kept), (UNIT,)),
        Step(THREADS, build(TSAN, "gcc", "-Db_sanitize=thread", "-Dtests=enabled",
                            targets=["tests/lib_test_threads"]), (GCC,)),
        Step("threads (TSan)", unit_tests(TSAN, "lib/test_threads", keep=kept,
                                          env={"TSAN_OPTIONS": "halt_on_error=1"}), (THREADS,)),
        Step("installed library", tool("installed.py", "--build", BUILD), (GCC,)),
        Step("demo", command("./demo", "--non-interactive", cwd=ROOT), (UNIT, ASAN_UNIT)),
    ]


def table(options):
    """Every step, in the order in which it is started; what a step needs to have passed
    stands behind it."""
    kept = {}
    rows = always(kept, {"WARD_FULL": "1"} if options.full else {},
                  "--write" if options.write else "--check")
    if not options.quick:
        seconds = 1200 if options.full else 120
        rows += thorough(seconds if options.fuzz_seconds is None else options.fuzz_seconds,
                         ("--full",) if options.full else ("--sample", "25"), kept)
    if options.full:
        rows.append(Step("valgrind", unit_tests(
            BUILD, "-t20", "--suite", "unit", "--wrapper",
            "valgrind -q --error-exitcode=99 --leak-check=full", keep=kept), (UNIT,)))
        # It measures, so nothing runs beside it.
        rows.append(Step("flood", unit_tests(
            BUILD, "-t60", "proc/test_flood", env={"WARD_FLOOD": "50000"}, keep=kept),
            tuple(row.name for row in rows)))
    judged = (UNIT, ASAN_UNIT) if options.quick else (UNIT, ASAN_UNIT, "mutants")
    rows.append(Step("conformance", tool(
        "conformance.py", "--write" if options.write else "--check", "--check"), judged))
    return rows


def main():
    parser = argparse.ArgumentParser(prog="./check", description="Builds and tests everything.")
    parser.add_argument("--full", action="store_true", help="also the long runs (hours)")
    parser.add_argument("--quick", action="store_true",
                        help="builds, unit tests and cheap checks only")
    parser.add_argument("--write", action="store_true",
                        help="formats the code and writes the generated documents anew")
    parser.add_argument("--fuzz-seconds", type=int, metavar="N",
                        help="fuzzing time shared by the targets (120; with --full 1200)")
    options = parser.parse_args()
    begin = time.monotonic()
    total = steps.Schedule(table(options), BUILD.with_name("build-logs")).run()
    minutes, seconds = divmod(int(time.monotonic() - begin), 60)
    print(f"\n{minutes} min {seconds} s")
    print(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped", flush=True)
    sys.exit(1 if total.failed else 0)


if __name__ == "__main__":
    main()
