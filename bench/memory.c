/* memory.c - see memory.h.  The heap is counted by standing in for the allocator of the C
   library; all but two additions is that library's own work. */
#include "memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "attest/eventlog.h"
#include "base/number.h"
#include "base/sink.h"
#include "bench.h"
#include "evidence.h"
#include "lib/objects.h"

enum {
    STACK_ROOM = 1 << 20,
    STACK_LIMIT = 64 * 1024,
    PAINT = 0xa5,
    MUTANTS = 200,
    LONG_LOG = 512 << 10
};

/* --- the allocator ------------------------------------------------------------------- */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void __libc_free(void *at);

/* Of this thread; the timed cases do not look. */
static _Thread_local struct {
    bool on;
    long held, peak;
} heap;

static void *count_in(void *at)
{
    if (heap.on && at != NULL) {
        heap.held += (long)malloc_usable_size(at);
        if (heap.held > heap.peak)
            heap.peak = heap.held;
    }
    return at;
}

static void count_out(void *at)
{
    if (heap.on && at != NULL)
        heap.held -= (long)malloc_usable_size(at);
}

#define FOR_ALL __attribute__((visibility("default"))) /* for libcrypto above all */

/* The C library's own declarations name the parameters __nmemb and so on, which no program may.
   NOLINTBEGIN(readability-inconsistent-declaration-parameter-name) */
FOR_ALL void *malloc(size_t size)
{
    return count_in(__libc_malloc(size));
}

FOR_ALL void *calloc(size_t count, size_t size)
{
    return count_in(__libc_calloc(count, size));
}

FOR_ALL void *realloc(void *old, size_t size)
{
    count_out(old);
    return count_in(__libc_realloc(old, size));
}

FOR_ALL void free(void *at)
{
    count_out(at);
    __libc_free(at);
}
/* NOLINTEND(readability-inconsistent-declaration-parameter-name) */

static void heap_begin(void)
{
    heap.held = heap.peak = 0;
    heap.on = true;
}

static void heap_end(void)
{
    heap.on = false;
}

/* --- what is done -------------------------------------------------------------------- */

struct desk {
    struct ward_verifier *verifier;
    struct ward_result *result;
    struct ward_collateral *snapshots[BENCH_EVIDENCE_COUNT];
    uint8_t *copy;
    size_t longest;
};

static bool desk_open(struct desk *desk)
{
    struct ward_error error = { 0 };
    *desk = (struct desk){ 0 };
    for (unsigned i = 0; i < BENCH_EVIDENCE_COUNT; i++) {
        const struct evidence *evidence = evidence_find((enum evidence_name)i);
        if (evidence == NULL)
            return false;
        desk->snapshots[i] = evidence_snapshot(evidence);
        if (desk->snapshots[i] == NULL)
            return false;
        if (evidence->bytes.len > desk->longest)
            desk->longest = evidence->bytes.len;
    }
    if (desk->longest == 0)
        return false;
    desk->copy = malloc(desk->longest);
    return desk->copy != NULL && ward_verifier_new(&desk->verifier, &error) == WARD_DONE &&
           ward_result_new(&desk->result, &error) == WARD_DONE;
}

static void desk_close(struct desk *desk)
{
    for (unsigned i = 0; i < BENCH_EVIDENCE_COUNT; i++)
        ward_collateral_free(&desk->snapshots[i]);
    ward_verifier_free(&desk->verifier);
    ward_result_free(&desk->result);
    free(desk->copy);
}

/* Mutant 0 is the evidence as it is; the others have one bit changed or are cut off. */
static bool judge(struct desk *desk, enum evidence_name name, size_t mutant)
{
    const struct evidence *evidence = evidence_find(name);
    size_t len = evidence->bytes.len;
    memcpy(desk->copy, evidence->bytes.data, len);
    if (mutant % 2 == 1)
        desk->copy[len * mutant / MUTANTS] ^= (uint8_t)(1u << mutant % 7);
    struct ward_bytes bytes = { desk->copy,
                                mutant % 2 == 1 || mutant == 0 ? len : len * mutant / MUTANTS,
                                "copy" };
    struct ward_request request = evidence_request(evidence, bytes, desk->snapshots[name]);
    ward_verify(desk->verifier, &request, desk->result);
    return ward_result_allowed(desk->result);
}

static void judge_with(struct desk *desk, struct span log)
{
    const struct evidence *evidence = evidence_find(BENCH_TDX);
    struct ward_request request = evidence_request(evidence, evidence->bytes,
                                                   desk->snapshots[BENCH_TDX]);
    request.event_log = (struct ward_bytes){ log.at, log.len, "log" };
    ward_verify(desk->verifier, &request, desk->result);
}

static void judge_log(struct desk *desk, bool dstack)
{
    bool genuine;
    judge_with(desk, evidence_log(dstack, &genuine));
}

/* A dstack log of many boot events, as long as LONG_LOG. */
static size_t write_long_log(uint8_t *room)
{
    struct sink log = sink_over(room, LONG_LOG);
    sink_text(&log, "[");
    while (log.len + 256 < LONG_LOG)
        sink_format(&log,
                    "{\"imr\":%u,\"event_type\":1,\"digest\":\"%096u\",\"event\":\"\","
                    "\"event_payload\":\"%032u\"},",
                    (unsigned)log.len % 3, 7U, 9U);
    sink_text(&log, "{\"imr\":0,\"event_type\":1,\"digest\":\"\"}]");
    return log.len;
}

/* --- stack --------------------------------------------------------------------------- */

static void *nothing(void *arg)
{
    return arg;
}

static void *everything(void *arg)
{
    struct desk *desk = arg;
    for (unsigned i = 0; i < BENCH_EVIDENCE_COUNT; i++) {
        struct ward_collateral *snapshot = evidence_snapshot(evidence_find((enum evidence_name)i));
        ward_collateral_free(&snapshot);
        ward_verifier_forget(desk->verifier);
        for (size_t mutant = 0; mutant < MUTANTS; mutant += 5)
            (void)judge(desk, (enum evidence_name)i, mutant);
    }
    judge_log(desk, false);
    judge_log(desk, true);
    return NULL;
}

/* Bytes of a painted stack that a thread wrote to. */
static size_t stack_of(void *(*work)(void *), void *arg)
{
    pthread_attr_t attributes;
    pthread_t thread;
    size_t clean = STACK_ROOM;
    uint8_t *stack = mmap(NULL, STACK_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                          0);
    if (stack == MAP_FAILED)
        return 0;
    memset(stack, PAINT, STACK_ROOM);
    pthread_attr_init(&attributes);
    if (pthread_attr_setstack(&attributes, stack, STACK_ROOM) == 0 &&
        pthread_create(&thread, &attributes, work, arg) == 0) {
        pthread_join(thread, NULL);
        for (clean = 0; clean < STACK_ROOM && stack[clean] == PAINT;)
            clean++;
    }
    pthread_attr_destroy(&attributes);
    munmap(stack, STACK_ROOM);
    return STACK_ROOM - clean;
}

bool memory_stack(double *value, double *limit)
{
    struct desk desk;
    bool ok = desk_open(&desk);
    if (ok) {
        size_t idle = stack_of(nothing, NULL); /* what any thread has */
        *value = (double)(stack_of(everything, &desk) - idle);
        *limit = STACK_LIMIT;
    }
    desk_close(&desk);
    return ok;
}

/* --- heap ---------------------------------------------------------------------------- */

/* What OpenSSL takes for one signature, whoever calls it. */
static long bare_peak(const struct bench_work *work)
{
    void *state = work->begin(NULL);
    if (state == NULL)
        return 0;
    bool ok = work->run(state);
    heap_begin();
    ok = work->run(state) && ok;
    heap_end();
    work->end(state);
    return ok ? heap.peak : 0;
}

bool memory_heap_quote(double *value, double *limit)
{
    struct desk desk;
    bool ok = desk_open(&desk);
    double worst = -1;
    for (unsigned i = 0; ok && i < BENCH_EVIDENCE_COUNT; i++) {
        enum evidence_name name = (enum evidence_name)i;
        double input = (double)evidence_find(name)->bytes.len +
                       (double)bare_peak(name == BENCH_NITRO ? &limit_p384_verify
                                                             : &limit_p256_verify);
        ok = judge(&desk, name, 0);
        for (size_t mutant = 0; mutant < MUTANTS; mutant++) {
            heap_begin();
            (void)judge(&desk, name, mutant);
            heap_end();
            if ((double)heap.peak / input > worst) {
                worst = (double)heap.peak / input;
                *value = (double)heap.peak;
                *limit = input;
            }
        }
    }
    desk_close(&desk);
    return ok;
}

bool memory_heap_log(double *value, double *limit)
{
    struct desk desk;
    uint8_t *room = malloc(LONG_LOG);
    bool ok = desk_open(&desk) && room != NULL;
    if (ok) {
        size_t len = write_long_log(room);
        heap_begin();
        judge_with(&desk, span_of(room, len));
        heap_end();
        *value = (double)heap.peak;
        *limit = (double)len;
    }
    free(room);
    desk_close(&desk);
    return ok;
}

bool memory_growth(double *value, double *limit)
{
    struct desk desk;
    bool ok = desk_open(&desk);
    for (unsigned round = 0; ok && round < 2; round++) {
        if (round == 1)
            heap_begin();
        for (unsigned i = 0; i < BENCH_EVIDENCE_COUNT; i++)
            for (size_t mutant = 0; mutant < MUTANTS; mutant++)
                (void)judge(&desk, (enum evidence_name)i, mutant);
    }
    heap_end();
    *value = heap.held > 0 ? (double)heap.held : 0;
    *limit = (double)desk.longest;
    desk_close(&desk);
    return ok;
}
