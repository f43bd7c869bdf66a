/* child.c - see verify.h: a judgement in a child of its own, and what counts as its answer. */
#include "base/number.h"
#include "proc/judge_syscalls.h"
#include "proc/verify/verify.h"

static void run(const void *arg, struct sink *answer)
{
    const struct verify_work *work = arg;
    work->judge(work->held, work->request, work->now, answer);
}

rc verify_child_start(struct trail *trail, struct forked *child, const struct verify_work *work)
{
    const struct forked_work forked = { .run = run,
                                        .arg = work,
                                        .rules = judge_rules,
                                        .rule_count = COUNT_OF(judge_rules),
                                        .wall_seconds = VERIFY_WALL_MS / 1000,
                                        .cpu_seconds = VERIFY_CPU_SECONDS };
    return forked_start(trail, child, &forked);
}

/* Of both kinds: the third part is that of a judgement of evidence alone. */
static bool is_answer(struct span bytes)
{
    struct cursor body = cur_over(bytes);
    uint16_t reason = 0;
    struct span detail, said, platform;
    return cur_u16le(&body, &reason) && reason < REASON_COUNT &&
           get_bytes(&body, JUDGED_DETAIL_MAX, &detail) &&
           get_bytes(&body, FRAME_BODY_MAX, &said) &&
           (cur_end(&body) || get_bytes(&body, PLATFORM_LEN, &platform)) && cur_end(&body);
}

enum reason verify_child_end(struct forked *child)
{
    switch (forked_finish(child)) {
    case FORKED_DONE:
        return is_answer(sink_bytes(&child->answer)) ? REASON_OK : REASON_EVIDENCE_CRASHED;
    case FORKED_LATE:
        return REASON_EVIDENCE_DEADLINE;
    case FORKED_DIED:
        break;
    }
    return REASON_EVIDENCE_CRASHED;
}
