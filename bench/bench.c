/* bench.c - see bench.h.  Knows nothing of what is measured, and judges no figure: that is
   bench/run. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { SLICES_MIN = 5, ROUND_SLICES_MAX = 1024, ROUNDS_MAX = 8, CLEAN_PART = 4 };
enum { SLICES_MAX = ROUND_SLICES_MAX * ROUNDS_MAX };

static const double slice_seconds = 0.004;

/* One thread's share of a case: the work and its limit, with a state for each. */
struct lane {
    const struct bench *bench;
    const struct bench_work *side[2]; /* work, limit */
    void *state[2];
    unsigned long runs[2]; /* in one slice */
    int core;
    pthread_barrier_t *start; /* NULL for a lane that is alone */
    double rates[2][SLICES_MAX];
    bool disturbed[2][SLICES_MAX]; /* another process was given the core meanwhile */
    size_t begun;                  /* slices of earlier rounds */
    size_t slices;
};

/* How often this thread lost its core without asking.  Waiting for a lock is not counted. */
static long preemptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static double clock_seconds(const struct lane *lane)
{
    struct timespec at;
    clockid_t alone = lane->bench->helped ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_THREAD_CPUTIME_ID;
    clock_gettime(lane->start == NULL ? alone : CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0)
        fprintf(stderr, "bench: cannot pin to core %d: %s\n", core, strerror(errno));
}

/* Runs one side so many times; seconds that it took. */
static double timed(struct lane *lane, unsigned side, unsigned long runs)
{
    double begin = clock_seconds(lane);
    for (unsigned long i = 0; i < runs; i++) {
        if (lane->side[side]->run(lane->state[side]))
            continue;
        fprintf(stderr, "bench: %s: %s gave a wrong answer\n", lane->bench->name,
                lane->side[side]->name);
        exit(1);
    }
    return clock_seconds(lane) - begin;
}

/* How many runs make a slice; also warms caches and branch predictors. */
static unsigned long calibrate(struct lane *lane, unsigned side)
{
    for (unsigned long runs = 1;; runs *= 2) {
        double took = timed(lane, side, runs);
        if (took >= slice_seconds / 4) {
            double fit = (double)runs * slice_seconds / took;
            return fit < 1 ? 1 : (unsigned long)fit;
        }
    }
}

static void measure(struct lane *lane)
{
    for (size_t i = lane->begun; i < lane->slices; i++) {
        for (unsigned turn = 0; turn < 2; turn++) {
            unsigned side = (turn + (unsigned)i) % 2; /* neither is always first */
            if (lane->start != NULL)
                pthread_barrier_wait(lane->start);
            long before = preemptions();
            double took = timed(lane, side, lane->runs[side]);
            lane->disturbed[side][i] = preemptions() != before;
            lane->rates[side][i] = (double)lane->runs[side] / took;
        }
    }
}

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    pin(lane->core);
    measure(lane);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What all lanes did together in a slice. */
static double sum_rates(const struct lane *lanes, size_t count, unsigned side, size_t slice)
{
    double sum = 0;
    for (size_t l = 0; l < count; l++)
        sum += lanes[l].rates[side][slice];
    return sum;
}

/* Nothing from outside disturbed the work or its limit. */
static bool is_clean(const struct lane *lanes, size_t count, size_t slice)
{
    for (size_t l = 0; l < count; l++)
        if (lanes[l].disturbed[0][slice] || lanes[l].disturbed[1][slice])
            return false;
    return true;
}

static size_t clean_slices(const struct lane *lanes, size_t count)
{
    size_t clean = 0;
    for (size_t i = 0; i < lanes[0].slices; i++)
        clean += is_clean(lanes, count, i) ? 1 : 0;
    return clean;
}

static double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* The limit's rate, and the share of it that the work reached in the slice beside: a core
   that is fast now and slow then takes nothing from a ratio of neighbours.  From the clean
   slices, or from all where there are too few of them. */
static void judge_slices(const struct lane *lanes, size_t count, double *limit, double *share)
{
    static double limits[SLICES_MAX];
    static double shares[SLICES_MAX];
    bool every = clean_slices(lanes, count) < SLICES_MIN;
    size_t kept = 0;
    for (size_t i = 0; i < lanes[0].slices; i++) {
        if (!every && !is_clean(lanes, count, i))
            continue;
        limits[kept] = sum_rates(lanes, count, 1, i);
        shares[kept] = sum_rates(lanes, count, 0, i) / limits[kept];
        kept++;
    }
    *limit = median(limits, kept);
    *share = median(shares, kept);
}

static bool lane_begin(struct lane *lane, const struct bench *bench, int core)
{
    memset(lane, 0, sizeof *lane);
    lane->bench = bench;
    lane->side[0] = &bench->work;
    lane->side[1] = bench->limit;
    lane->core = core;
    for (unsigned side = 0; side < 2; side++) {
        lane->state[side] = lane->side[side]->begin(bench->arg);
        if (lane->state[side] == NULL)
            return false;
    }
    return true;
}

static void lane_end(struct lane *lane)
{
    for (unsigned side = 0; side < 2; side++)
        if (lane->state[side] != NULL)
            lane->side[side]->end(lane->state[side]);
}

static size_t slices_in(double seconds)
{
    double slices = seconds / slice_seconds / 2;
    if (slices < SLICES_MIN)
        return SLICES_MIN;
    return slices > ROUND_SLICES_MAX ? ROUND_SLICES_MAX : (size_t)slices;
}

/* So many more slices, by all lanes at once. */
static void run_round(struct lane *lanes, size_t count, size_t more)
{
    pthread_barrier_t barrier;
    pthread_t threads[BENCH_THREADS_MAX];
    pthread_barrier_init(&barrier, NULL, (unsigned)count);
    for (size_t l = 0; l < count; l++) {
        memcpy(lanes[l].runs, lanes[0].runs, sizeof lanes[l].runs);
        lanes[l].begun = lanes[l].slices;
        lanes[l].slices += more;
        lanes[l].start = count > 1 ? &barrier : NULL;
        if (l > 0 && pthread_create(&threads[l], NULL, run_lane, &lanes[l]) != 0)
            abort();
    }
    measure(&lanes[0]);
    for (size_t l = 1; l < count; l++)
        pthread_join(threads[l], NULL);
    pthread_barrier_destroy(&barrier);
}

/* Threads are timed by the wall, which counts what others do: they are tried again until
   enough slices of both sides were left alone.  False when that never happened. */
static bool run_lanes(struct lane *lanes, size_t count, double seconds)
{
    size_t wanted = slices_in(seconds);
    pin(lanes[0].core);
    for (unsigned side = 0; side < 2; side++)
        lanes[0].runs[side] = calibrate(&lanes[0], side);
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        run_round(lanes, count, wanted);
        if (count == 1 || clean_slices(lanes, count) > wanted / CLEAN_PART)
            return true;
    }
    return clean_slices(lanes, count) >= SLICES_MIN * 2;
}

static void run_case(const struct bench *bench, double seconds, int core, int cores)
{
    static struct lane lanes[BENCH_THREADS_MAX];
    size_t count = bench->threads < 1 ? 1 : bench->threads;
    if (count > (size_t)cores || count > BENCH_THREADS_MAX) {
        printf("%s\tskip\tneeds %zu cores\n", bench->name, count);
        return;
    }
    bool ok = true;
    pin(core); /* and with it the threads that a side begins */
    for (size_t l = 0; l < count; l++)
        ok = lane_begin(&lanes[l], bench, (core + (int)l) % cores) && ok;
    if (!ok) {
        printf("%s\tskip\tits input is not there\n", bench->name);
    } else if (!run_lanes(lanes, count, seconds)) {
        printf("%s\tdisturbed\tother work has the cores\n", bench->name);
    } else {
        double limit;
        double share;
        judge_slices(lanes, count, &limit, &share);
        limit *= bench->amount < 1 ? 1 : bench->amount;
        double value = limit * share;
        limit /= bench->limit_runs < 1 ? 1 : bench->limit_runs;
        printf("%s\t%.6g\t%.6g\n", bench->name, value, limit);
    }
    fflush(stdout);
    for (size_t l = 0; l < count; l++)
        lane_end(&lanes[l]);
}

static void run_measure(const struct bench *bench, int core)
{
    double value;
    double limit;
    pin(core);
    if (bench->measure(&value, &limit))
        printf("%s\t%.6g\t%.6g\n", bench->name, value, limit);
    else
        printf("%s\tskip\tits input is not there\n", bench->name);
    fflush(stdout);
}

static bool is_named(const char *name, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 0;
}

int bench_main(int argc, char **argv, const struct bench *cases, size_t count)
{
    int cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    int core = cores - 1;
    double seconds = 2;
    int at = 1;
    for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
        if (strcmp(argv[at], "--seconds") == 0)
            seconds = strtod(argv[at + 1], NULL);
        if (strcmp(argv[at], "--core") == 0)
            core = (int)strtod(argv[at + 1], NULL);
    }
    if (core < 0 || core >= cores || !(seconds > 0)) {
        fprintf(stderr, "bench: no such core, or no time\n");
        return 2;
    }
    for (size_t i = 0; i < count; i++) {
        if (!is_named(cases[i].name, argc - at, argv + at))
            continue;
        if (cases[i].measure != NULL)
            run_measure(&cases[i], core);
        else
            run_case(&cases[i], seconds, core, cores);
    }
    return 0;
}
