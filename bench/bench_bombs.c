/* bench_bombs.c - what hostile input costs, against valid input of the same size.

   For each reader: bombs (depth, length, digits, escapes, repeated names, archives), each at
   four sizes.  The limit of a reader is a valid text of that size: for the formats one of small
   values, the most work that honest input asks for, for event logs the mixture that machines
   write.  NAME is the worst bomb's rate against it.
   NAME-slope is the worst exponent of a bomb's time over its size: 1 is linear, 2 quadratic.
   A bomb that is accepted where it must be refused, or the other way round, stops the program,
   and so does one that wants more memory than its reader is given. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "attest/eventlog.h"
#include "base/arena.h"
#include "base/cursor.h"
#include "base/number.h"
#include "bombs.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/json.h"
#include "codec/pem.h"
#include "codec/toml.h"

enum { SIZES = 4, TRIES = 9, ROOM_PER_BYTE = 112, ROOM_MIN = 1 << 20 };

/* A CCEL or dstack log has at most 1 MiB. */
static const size_t sizes[SIZES] = { 1 << 14, 1 << 16, 1 << 18, 1 << 20 };

/* Memory for the largest text, made once. */
struct room {
    uint8_t *text;
    uint8_t *scratch;
    size_t scratch_len;
};

static bool read_json(struct span text, struct arena *arena)
{
    struct json json;
    return json_parse(text, arena, NULL, &json, NULL);
}

static bool read_toml(struct span text, struct arena *arena)
{
    const struct toml_value *root;
    return toml_parse(text, arena, NULL, &root, NULL);
}

static bool read_cbor(struct span bytes, struct arena *arena)
{
    struct cursor in = cur_over(bytes);
    (void)arena;
    return cbor_skip(&in, CBOR_DEPTH_MAX) && cur_end(&in);
}

static bool read_pem(struct span text, struct arena *arena)
{
    uint8_t *out = arena_alloc(arena, text.len);
    struct sink der = sink_over(out, text.len);
    struct cursor in = cur_over(text);
    struct span label;
    do {
        if (out == NULL || !pem_next(&in, &label, &der))
            return false;
    } while (!cur_end(&in));
    return true;
}

static bool read_base64(struct span text, struct arena *arena)
{
    uint8_t *out = arena_alloc(arena, text.len);
    struct sink bytes = sink_over(out, text.len);
    return out != NULL && base64_decode_loose(text, &bytes);
}

/* Whether every event could be read and replayed; the registers are another matter. */
static bool read_log(struct span text, struct arena *arena)
{
    struct report *report = arena_alloc(arena, sizeof *report);
    struct log_claims *log = arena_alloc(arena, sizeof *log);
    struct claims *quote = arena_alloc(arena, sizeof *quote);
    if (report == NULL || log == NULL || quote == NULL)
        return false;
    eventlog_verify(text, quote, NULL, arena, report, log);
    return report_passed(report, CHECK_AE_9) || report_passed(report, CHECK_AE_3);
}

static const struct reader {
    const char *rate, *slope; /* as in cases.tsv */
    const char *name;         /* as in bombs.h */
    bool (*read)(struct span text, struct arena *arena);
} readers[] = {
    { "bombs-json", "bombs-json-slope", "json", read_json },            /* proves: RL-8 */
    { "bombs-toml", "bombs-toml-slope", "toml", read_toml },            /* proves: RL-8 */
    { "bombs-cbor", "bombs-cbor-slope", "cbor", read_cbor },            /* proves: RL-8 */
    { "bombs-pem", "bombs-pem-slope", "pem", read_pem },                /* proves: RL-8 */
    { "bombs-base64", "bombs-base64-slope", "base64", read_base64 },    /* proves: RL-8 */
    { "bombs-eventlog", "bombs-eventlog-slope", "eventlog", read_log }, /* proves: RL-8 */
};

static double cpu_seconds(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

/* Seconds of one reading; the program ends when the answer is not the one to expect. */
static double once(const struct reader *reader, const struct bomb *bomb, struct span text,
                   const struct room *room)
{
    size_t most = text.len * ROOM_PER_BYTE + ROOM_MIN;
    struct arena arena = arena_over(room->scratch, most);
    double begin = cpu_seconds();
    bool accepted = reader->read(text, &arena);
    double took = cpu_seconds() - begin;
    if (accepted == bomb->accepted)
        return took;
    fprintf(stderr, "bench: %s: %s of %zu bytes was %s\n", reader->name, bomb->name, text.len,
            accepted ? "accepted" : "refused");
    exit(1);
}

/* The fastest of some tries: what is slower was disturbed.  Short texts are read in rows, for
   the clock's sake. */
static double seconds_of(const struct reader *reader, const struct bomb *bomb, size_t size,
                         const struct room *room)
{
    struct sink text = sink_over(room->text, size);
    double best = 1e9;
    bomb_write(bomb, &text);
    size_t rows = 1 + sizes[SIZES - 1] / size;
    for (size_t i = 0; i < TRIES; i++) {
        double sum = 0;
        for (size_t row = 0; row < rows; row++)
            sum += once(reader, bomb, sink_bytes(&text), room);
        best = sum < best ? sum : best;
    }
    return best / (double)rows;
}

/* The exponent that fits the times best: least squares over the logarithms. */
static double slope_of(const double took[SIZES])
{
    double mean_x = 0;
    double mean_y = 0;
    double above = 0;
    double below = 0;
    for (size_t i = 0; i < SIZES; i++) {
        mean_x += log((double)sizes[i]) / SIZES;
        mean_y += log(took[i]) / SIZES;
    }
    for (size_t i = 0; i < SIZES; i++) {
        double x = log((double)sizes[i]) - mean_x;
        above += x * (log(took[i]) - mean_y);
        below += x * x;
    }
    return above / below;
}

/* The worst met so far among the bombs of one reader. */
struct worst {
    double ratio, rate, limit, slope;
    const char *slowest, *steepest;
};

static void meet(struct worst *worst, const struct bomb *bomb, const double took[SIZES],
                 const double valid[SIZES])
{
    double slope = slope_of(took);
    for (size_t i = 0; i < SIZES; i++) {
        double ratio = valid[i] / took[i];
        if (worst->slowest == NULL || ratio < worst->ratio)
            *worst = (struct worst){ ratio,        1 / took[i], 1 / valid[i],
                                     worst->slope, bomb->name,  worst->steepest };
    }
    if (worst->steepest == NULL || slope > worst->slope) {
        worst->slope = slope;
        worst->steepest = bomb->name;
    }
}

static void measure(const struct reader *reader, const struct room *room)
{
    struct worst worst = { 0 };
    double valid[SIZES] = { 0 };
    double took[SIZES];
    /* The first of a reader's rows is the valid one. */
    for (size_t b = 0, met = 0; b < bomb_count; b++) {
        if (strcmp(bombs[b].reader, reader->name) != 0)
            continue;
        for (size_t i = 0; i < SIZES; i++)
            took[i] = seconds_of(reader, &bombs[b], sizes[i], room);
        if (met++ == 0)
            memcpy(valid, took, sizeof valid);
        else
            meet(&worst, &bombs[b], took, valid);
    }
    fprintf(stderr, "bench: %s: slowest \"%s\", steepest \"%s\"\n", reader->name, worst.slowest,
            worst.steepest);
    printf("%s\t%.6g\t%.6g\n", reader->rate, worst.rate, worst.limit);
    printf("%s\t%.6g\t1\n", reader->slope, worst.slope);
    fflush(stdout);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
    bool any = false;
    for (int i = 1; i < argc; i++) {
        size_t len = strlen(name);
        if (strncmp(argv[i], "bombs-", 6) != 0)
            continue;
        any = true;
        if (strncmp(argv[i] + 6, name, len) == 0)
            return true;
    }
    return !any;
}

/* --seconds and --core, which every suite is given, are of no use here. */
int main(int argc, char **argv)
{
    struct room room = { .scratch_len = sizes[SIZES - 1] * ROOM_PER_BYTE + ROOM_MIN };
    struct arena arena;
    arena_init(&arena, room.scratch_len + sizes[SIZES - 1] + 4096);
    room.text = arena_alloc(&arena, sizes[SIZES - 1]);
    room.scratch = arena_alloc(&arena, room.scratch_len);
    if (room.text == NULL || room.scratch == NULL)
        return 1;
    for (size_t i = 0; i < COUNT_OF(readers); i++)
        if (is_wanted(readers[i].name, argc, argv))
            measure(&readers[i], &room);
    arena_fini(&arena);
    return 0;
}
