/* main.c - ward-verify: see verify.h. */
#include "base/number.h"
#include "proc/log.h"
#include "proc/verify/verify.h"
#include "proc/verify_syscalls.h"

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct verify *verify = self;
    verify->house = house;
    verify->judge = verify_judge;
    TRY(trail, verify_held_open(trail, &verify->held, house));
    for (size_t i = 0; i < VERIFY_CHILDREN; i++) {
        uint8_t *room = arena_alloc(&house->arena, FRAME_BODY_MAX);
        if (room == NULL)
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
        verify->children[i] = (struct forked){ .fd = -1,
                                               .answer = sink_over(room, FRAME_BODY_MAX) };
    }
    return verify_warm_up() ? RC_SUCCESS : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
}

/* What is to be answered, and with which message. */
struct question {
    uint64_t id;
    uint16_t answer;
};

/* A core that does not read has nobody to answer. */
static void tell(struct verify *verify, const struct question *question, struct span body)
{
    struct frame frame = { .message = question->answer, .id = question->id, .body = body };
    rc told = house_put(NULL, verify->house, PEER_CORE, &frame);
    (void)told;
}

static void refuse(struct verify *verify, const struct question *question, enum reason reason)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    put_bytes(&body, (struct span){ 0 });
    put_bytes(&body, (struct span){ 0 });
    if (question->answer != MSG_COLLATERAL_JUDGED)
        put_bytes(&body, (struct span){ 0 });
    tell(verify, question, sink_bytes(&body));
}

static void ask_child(struct verify *verify, const struct question *question,
                      const struct verify_work *work)
{
    struct forked *vacant = NULL;
    struct trail of_start = { 0 };
    size_t i = 0;
    for (; i < VERIFY_CHILDREN && vacant == NULL; i++)
        vacant = verify->children[i].pid == 0 ? &verify->children[i] : NULL;
    rc started = vacant != NULL ? verify_child_start(&of_start, vacant, work) : RC_SUCCESS;
    if (!rc_ok(started))
        log_failure("no child", started, &of_start);
    if (vacant == NULL || !rc_ok(started)) {
        refuse(verify, question, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    vacant->id = question->id;
    verify->answers[i - 1] = question->answer;
}

static rc have_judged(struct trail *trail, struct verify *verify, struct call *call,
                      verify_judge_fn *judge, uint16_t answer)
{
    struct verify_work work = { .judge = judge, .held = &verify->held };
    const struct question question = { call->id, answer };
    uint64_t now = 0;
    if (!(cur_u64le(&call->body, &now) && get_bytes(&call->body, FRAME_BODY_MAX, &work.request) &&
          cur_end(&call->body) && now <= INT64_MAX && call->id != 0))
        return door_fault(trail, call, DOOR_E_BODY);
    work.now = (int64_t)now;
    ask_child(verify, &question, &work);
    return RC_SUCCESS;
}

static rc on_judge(struct trail *trail, void *self, struct call *call)
{
    struct verify *verify = self;
    return have_judged(trail, verify, call, verify->judge, MSG_JUDGED);
}

static rc on_link_evidence(struct trail *trail, void *self, struct call *call)
{
    return have_judged(trail, self, call, verify_judge_link, MSG_LINK_EVIDENCE_IS);
}

static rc on_sdk_evidence(struct trail *trail, void *self, struct call *call)
{
    return have_judged(trail, self, call, verify_judge_sdk, MSG_SDK_EVIDENCE_IS);
}

/* What is in it is read by the child. */
static rc on_renew(struct trail *trail, void *self, struct call *call)
{
    struct verify *verify = self;
    struct verify_work work = { .judge = verify_renew, .held = &verify->held };
    const struct question question = { call->id, MSG_COLLATERAL_JUDGED };
    uint64_t now = 0;
    if (!(cur_u64le(&call->body, &now) && now <= INT64_MAX && call->id != 0))
        return door_fault(trail, call, DOOR_E_BODY);
    work.now = (int64_t)now;
    work.request = cur_rest(&call->body);
    ask_child(verify, &question, &work);
    return RC_SUCCESS;
}

static rc on_held(struct trail *trail, void *self, struct call *call)
{
    struct verify *verify = self;
    return verify_held_put(&verify->held, &call->body) ? RC_SUCCESS
                                                       : door_fault(trail, call, DOOR_E_BODY);
}

static size_t watch(void *self, struct house_watch *watches, size_t max)
{
    const struct verify *verify = self;
    size_t count = 0;
    for (size_t i = 0; i < VERIFY_CHILDREN && count < max; i++) {
        const struct forked *child = &verify->children[i];
        if (child->pid != 0)
            watches[count++] = (struct house_watch){ .fd = child->fd, .reading = true, .token = i };
    }
    return count;
}

static rc ready(struct trail *trail, void *self, const struct house_watch *one)
{
    struct verify *verify = self;
    struct forked *child = &verify->children[one->token];
    (void)trail;
    if (!forked_read(child))
        return RC_SUCCESS;
    const struct question question = { child->id, verify->answers[one->token] };
    enum reason reason = verify_child_end(child);
    if (reason != REASON_OK)
        log_event("judged nothing reason=%s", reason_info(reason)->name);
    if (question.id == 0)
        return RC_SUCCESS;
    if (reason == REASON_OK)
        tell(verify, &question, sink_bytes(&child->answer));
    else
        refuse(verify, &question, reason);
    return RC_SUCCESS;
}

/* What another core asked for is not answered to this one: its numbers begin anew. */
static void peer_changed(void *self, enum peer peer, bool open)
{
    struct verify *verify = self;
    (void)peer;
    (void)open;
    for (size_t i = 0; i < VERIFY_CHILDREN; i++)
        verify->children[i].id = 0;
}

static const struct door doors[] = {
    { MSG_JUDGE, IN(PEER_CORE), ~0u, 12, FRAME_BODY_MAX, 0, on_judge },
    { MSG_COLLATERAL_HELD, IN(PEER_CORE), ~0u, 9, FRAME_BODY_MAX, 0, on_held },
    { MSG_COLLATERAL_JUDGE, IN(PEER_CORE), ~0u, 30, FRAME_BODY_MAX, 0, on_renew },
    { MSG_LINK_EVIDENCE, IN(PEER_CORE), ~0u, 12, FRAME_BODY_MAX, 0, on_link_evidence },
    { MSG_SDK_EVIDENCE, IN(PEER_CORE), ~0u, 12, FRAME_BODY_MAX, 0, on_sdk_evidence },
};

static const struct process verify_process = {
    .peer = PEER_VERIFY,
    .peers = IN(PEER_CORE),
    .fds = 32,
    .forks = true,
    .own_network = true,
    .size = sizeof(struct verify),
    .rules = verify_rules,
    .rule_count = COUNT_OF(verify_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .peer_changed = peer_changed,
    .watch = watch,
    .ready = ready,
};

int main(void)
{
    return house_main(&verify_process);
}
