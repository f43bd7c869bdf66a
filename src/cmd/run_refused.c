/* run_refused.c - see run_refused.h. */
#include "cmd/run_refused.h"

#include <unistd.h>

#include "base/number.h"
#include "cmd/run_result.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/packet.h"

enum { REST_MS = 10000 }; /* for a house that takes what is left, at most */

/* One kind, in words. */
struct row {
    struct job_refused is;
    char words[JOB_REFUSED_WORDS_MAX], change[JOB_REFUSED_WORDS_MAX];
};

static void make(struct row *row, const char *rule, const struct sink *words,
                 const struct sink *change, uint32_t count)
{
    row->is = (struct job_refused){ .rule = span_text(rule),
                                    .words = sink_bytes(words),
                                    .change = sink_bytes(change),
                                    .count = count };
}

static void make_refusal(struct row *row, const struct reach *reach, const struct refusal *refusal)
{
    const struct reach_refusal view = refusal_view(refusal);
    struct sink words = sink_over(row->words, sizeof row->words);
    struct sink change = sink_over(row->change, sizeof row->change);
    reach_write_rule(&words, reach, &view);
    reach_write_change(&change, reach, &view);
    make(row, reach_rule_word(view.rule), &words, &change, refusal->count);
}

static void make_call(struct row *row, const struct call_refused *call)
{
    struct sink words = sink_over(row->words, sizeof row->words);
    const struct sink none = sink_over(row->change, 0);
    call_refused_write(&words, call);
    make(row, "call", &words, &none, call->count);
}

static void make_try(struct row *row, const struct job_files *files, const struct denied_try *tried)
{
    struct sink words = sink_over(row->words, sizeof row->words);
    struct sink change = sink_over(row->change, sizeof row->change);
    denied_write_rule(&words, &files->denied, tried);
    denied_write_change(&change, &files->denied, tried);
    make(row, "path", &words, &change, tried->count);
}

/* The limit for which the job was ended, if it was for one.  Where it was this machine that lowered
   it, no change of the specification would raise it here. */
static bool make_quota(struct row *row, const struct run_result *r)
{
    const struct job_limits *is = &r->sandbox.limits, *given = &r->given->limits;
    const struct {
        enum reason reason;
        const char *key;
        uint64_t is, given;
    } limits[] = {
        { REASON_JOB_MEMORY, "max_memory_bytes", is->memory, given->memory },
        { REASON_JOB_TIME, "max_execution_seconds", is->execution_s, given->execution_s },
        { REASON_JOB_OUTPUT_LIMIT, "max_output_bytes", is->output, given->output },
    };
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct sink words = sink_over(row->words, sizeof row->words);
        struct sink change = sink_over(row->change, sizeof row->change);
        if (limits[i].reason != r->sandbox.reason)
            continue;
        sink_format(&words, "the job passed limits.%s, which is %llu%s", limits[i].key,
                    (unsigned long long)limits[i].is,
                    limits[i].is < limits[i].given ? " on this machine" : "");
        if (limits[i].is >= limits[i].given)
            sink_format(&change, "limits.%s > %llu", limits[i].key,
                        (unsigned long long)limits[i].is);
        make(row, "quota", &words, &change, 1);
        return true;
    }
    return false;
}

/* ---- one by one ------------------------------------------------------------------------------ */

/* Whoever reads slowly is told nothing: wishes are to be heard meanwhile. */
static void say_row(const struct job_refused *row)
{
    if (fd_takes(STDERR_FILENO))
        say("run: refused: %.*s%s%.*s", (int)row->words.len, row->words.at,
            row->change.len > 0 ? "; it would take " : "", (int)row->change.len, row->change.at);
}

void run_refused_say(void *arg, const struct reach *reach, const struct refusal *refusal)
{
    struct row row;
    (void)arg;
    make_refusal(&row, reach, refusal);
    say_row(&row.is);
}

void run_refused_say_call(void *arg, const struct call_refused *call)
{
    struct row row;
    (void)arg;
    make_call(&row, call);
    say_row(&row.is);
}

void run_refused_say_path(void *arg, const struct denied_try *tried)
{
    const struct run_result *result = arg;
    struct row row;
    make_try(&row, &result->given->files, tried);
    say_row(&row.is);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* `place` is always the same for the same kind.  False: no more of them. */
typedef bool row_fn(void *arg, size_t place, const struct job_refused *row);

static bool walk(const struct run_result *r, row_fn *each, void *arg)
{
    const struct sandbox_result *result = &r->sandbox;
    const size_t refusals = result->refusals == NULL ? 0 : result->refusals->count;
    const size_t tries = result->paths == NULL ? 0 : DENIED_ROOM;
    const size_t calls = result->calls == NULL ? 0 : CALLS_ROOM;
    struct row row;
    bool more = true;
    for (size_t i = 0; more && i < refusals; i++) {
        make_refusal(&row, result->reach, &result->refusals->at[i]);
        more = each(arg, i, &row.is);
    }
    if (more && make_quota(&row, r))
        more = each(arg, REFUSALS_ROOM, &row.is);
    for (size_t i = 0; more && i < tries; i++) {
        if (result->paths->at[i].count == 0)
            continue;
        make_try(&row, &r->given->files, &result->paths->at[i]);
        more = each(arg, REFUSALS_ROOM + 1 + i, &row.is);
    }
    for (size_t i = 0; more && i < calls; i++) {
        if (result->calls->at[i].count == 0)
            continue;
        make_call(&row, &result->calls->at[i]);
        more = each(arg, REFUSALS_ROOM + 1 + DENIED_ROOM + i, &row.is);
    }
    return more;
}

static bool is_untold(const struct sandbox_result *result)
{
    return result->calls == NULL || result->calls_untold || result->paths_untold;
}

static bool put_row(void *arg, size_t place, const struct job_refused *row)
{
    struct json_writer *json = arg;
    (void)place;
    json_begin_object(json);
    json_put_key(json, "rule");
    json_put_span(json, row->rule);
    json_put_key(json, "words");
    json_put_span(json, row->words);
    json_put_key(json, "change");
    json_put_span(json, row->change);
    json_put_member_u64(json, "count", row->count);
    json_end_object(json);
    return true;
}

void run_refused_put(struct json_writer *json, const struct run_result *r)
{
    const struct sandbox_result *result = &r->sandbox;
    json_put_key(json, "refusals");
    json_begin_array(json);
    (void)!walk(r, put_row, json);
    json_end_array(json);
    json_put_member_u64(json, "refused_more",
                        result->refusals == NULL ? 0 : result->refusals->more);
    json_put_key(json, "refused_untold");
    json_put_bool(json, is_untold(result));
}

/* ---- to a house ------------------------------------------------------------------------------ */

/* The last of those that there is room for says so. */
static struct job_refused row_to_tell(const struct run_telling *telling,
                                      const struct job_refused *row)
{
    if (telling->count + 1 < JOB_REFUSED_KINDS_MAX)
        return *row;
    return (struct job_refused){ .rule = span_text("more"),
                                 .words = span_text("the job was refused more kinds than are "
                                                    "logged of one; its report has them"),
                                 .count = 1 };
}

static bool tell_row(void *arg, size_t place, const struct job_refused *row)
{
    struct run_telling *telling = arg;
    uint8_t bytes[JOB_REFUSED_MAX];
    struct sink packet = sink_over(bytes, sizeof bytes);
    if (telling->told[place] || telling->count >= JOB_REFUSED_KINDS_MAX || telling->house < 0)
        return true;
    const struct job_refused said = row_to_tell(telling, row);
    job_refused_write(&packet, &said);
    rc sent = packet_send(NULL, telling->house, sink_bytes(&packet), NULL, 0);
    if (!rc_ok(sent) && rc_number(sent) == PACKET_E_BLOCK)
        return false;
    if (!rc_ok(sent))
        fd_close(&telling->house); /* nobody is there any more */
    telling->told[place] = true;
    telling->count++;
    return true;
}

bool run_refused_tell(struct run_result *r)
{
    return r->telling.house < 0 || walk(r, tell_row, &r->telling);
}

/* A log that is looked at alone is not to seem whole. */
static bool tell_untold(struct run_result *r)
{
    const struct sandbox_result *result = &r->sandbox;
    static const char words[] = "more may have been refused to the job than is known of each kind: "
                                "refused_more and refused_untold of its report";
    const struct job_refused row = { .rule = span_text("untold"),
                                     .words = span_text(words),
                                     .count = 1 };
    if (!result->ran || (!is_untold(result) && result->refusals->more == 0))
        return true;
    return tell_row(&r->telling, RUN_REFUSED_KINDS - 1, &row);
}

void run_refused_tell_rest(struct run_result *r)
{
    const int64_t until_ms = clock_monotonic_ms() + REST_MS;
    while (!(run_refused_tell(r) && tell_untold(r)) && clock_monotonic_ms() < until_ms &&
           rc_ok(packet_wait(NULL, r->telling.house, true, until_ms)))
        ;
}
