/* bench.h - measures what the product does against the physical limit of the machine, in the
   same run.  A suite is one program, bench_SUITE.c: a table of cases and a call of bench_main.

   A case and its limit are run in turns, in slices of some milliseconds, so that whatever
   slows the machine for a while slows both; the limit is the median of its slices, the ratio
   that of neighbours, those in which another process took the core left out.  One thread is
   timed by its own CPU time on one pinned core; several threads by the wall, each on a core of
   its own, because waiting for one another is what is being looked for. */
#ifndef WARD_BENCH_BENCH_H
#define WARD_BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>

/* What can be run again and again.  begin makes the state of one thread from `arg`, NULL when
   it cannot; run does it once and says whether the answer was right (a wrong one stops the
   program: no figure for broken work); end gives the state back. */
struct bench_work {
    const char *name;
    void *(*begin)(const void *arg);
    bool (*run)(void *state);
    void (*end)(void *state);
};

struct bench {
    const char *name; /* a row of cases.tsv */
    struct bench_work work;
    const struct bench_work *limit;
    unsigned limit_runs; /* how many runs of the limit are in one run of the work; 0: one */
    unsigned threads;    /* 0 and 1: one */
    const void *arg;     /* given to both begins */
    /* What is no rate (bytes, say) measures itself, and then nothing above but the name is
       used.  False when its input is not there. */
    bool (*measure)(double *value, double *limit);
    unsigned amount; /* what is counted in one run of the work: messages, say; 0: one */
    bool helped;     /* both sides have a thread of their own that works for them: its CPU
                        time counts too */
};

enum { BENCH_THREADS_MAX = 8 };

/* bench_main measures the cases whose names are given, or all, and prints one line for each:
       NAME <tab> VALUE <tab> LIMIT
   in runs (or amounts) per second, the limit divided by limit_runs; or, without a figure, NAME
   <tab> "skip" or "disturbed" <tab> reason.  A line that starts with "# " is for whoever reads the
   figures. Options: --seconds N for each case (2), --core N (the last).  Returns the exit code. */
int bench_main(int argc, char **argv, const struct bench *cases, size_t count);

/* The limits that suites share: OpenSSL verifying one good signature with the key and the
   context ready, as `openssl speed ecdsap256 ecdsap384` does.  Their arg is not used. */
extern const struct bench_work limit_p256_verify;
extern const struct bench_work limit_p384_verify;

#endif
