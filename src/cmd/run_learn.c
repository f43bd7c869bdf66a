/* run_learn.c - see run_learn.h. */
#include "cmd/run_learn.h"

#include <stdio.h>

#include "base/number.h"
#include "cmd/write_beside.h"

/* It has the values of env, which may be nobody else's concern. */
enum { LEARNED_MODE = 0600 };

static void take_refused(struct invocation *in, const struct sandbox_result *result,
                         struct learn_seen *seen)
{
    const struct refusals *all = result->refusals;
    if (all == NULL || all->count == 0)
        return;
    struct reach_refusal *rows = arena_array(&in->arena, all->count, sizeof *rows);
    for (size_t i = 0; rows != NULL && i < all->count; i++)
        rows[i] = refusal_view(&all->at[i]);
    seen->refused = rows;
    seen->refused_count = rows == NULL ? 0 : all->count;
    seen->more_refused = all->more > 0 || rows == NULL;
}

/* Read again before it is written: what is no specification, or allows more than the given one, is
   not to be found when somebody runs it. */
static const char *judge(struct invocation *in, const struct job_spec *given, struct span text)
{
    struct job_spec read;
    struct toml_problems *problems = arena_alloc(&in->arena, sizeof *problems);
    if (problems == NULL)
        return "out of memory";
    if (text.len > JOB_SPEC_MAX)
        return "it would be longer than a specification may be";
    if (!job_spec_load(text, &in->arena, &read, problems))
        return "it would be no specification";
    return learn_is_within(&read, given) ? NULL : "it would allow more than the given one";
}

static const char *learn(struct invocation *in, const struct job_spec *given,
                         struct run_result *result)
{
    struct learn_seen *seen = &result->sandbox.seen;
    struct learned learned;
    uint8_t *room = arena_room(&in->arena, LEARN_ROOM);
    if (room == NULL)
        return "out of memory";
    take_refused(in, &result->sandbox, seen);
    if (!learn_spec(given, seen, &in->arena, &learned))
        return "out of memory";
    struct sink out = sink_over(room, LEARN_ROOM);
    learn_write(&out, given, seen, &learned, result->digest);
    if (!sink_ok(&out))
        return "it would be longer than a specification may be";
    const char *why = judge(in, given, sink_bytes(&out));
    return why != NULL ? why : write_beside(result->learning.file, sink_bytes(&out), LEARNED_MODE);
}

void run_learn_end(struct invocation *in, const struct job_spec *given, struct run_result *result)
{
    const struct sandbox_result *ended = &result->sandbox;
    struct run_learning *learning = &result->learning;
    if (learning->file == NULL || !ended->ran)
        return;
    if (ended->reason != REASON_OK || ended->code != 0 || ended->signal != 0) {
        learning->reason = REASON_LEARN_NO_GOOD_END;
        return;
    }
    const char *why = learn(in, given, result);
    learning->reason = why == NULL ? REASON_OK : REASON_LEARN_NOT_WRITTEN;
    snprintf(learning->what, sizeof learning->what, "%s", why == NULL ? "" : why);
}
