/* link_judge.c - see links.h: evidence of a channel's other side on its way to verify, the first
   time and again. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

static enum attested_role other(uint8_t role)
{
    return role == ATTESTED_INITIATOR ? ATTESTED_RESPONDER : ATTESTED_INITIATOR;
}

static bool write_question(struct core *core, const struct link_evidence *evidence,
                           struct sink *body)
{
    size_t len = (size_t)evidence->evidence_len + evidence->log_len;
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    uint8_t *kept = arena_room(&scratch, len), *memory = arena_room(&scratch, FRAME_BODY_MAX);
    if (kept == NULL || memory == NULL)
        return false;
    struct sink bytes = sink_over(kept, len), request = sink_over(memory, FRAME_BODY_MAX);
    link_blocks_get(&core->links.blocks, evidence->block, len, &bytes);
    struct api_attest_verify_request asked = {
        .evidence = span_of(kept, evidence->evidence_len),
        .event_log = span_of(kept + evidence->evidence_len, evidence->log_len),
        .type = span_text(evidence->type),
        .report_data = span_of(evidence->report_data, ATTESTED_REPORT_DATA),
        .policy = evidence->policy,
    };
    if (!protobuf_write(&api_attest_verify_request, &asked, &request))
        return false;
    sink_u64le(body, (uint64_t)clock_now());
    put_bytes(body, sink_bytes(&request));
    return sink_ok(body);
}

bool link_ask_judge(struct core *core, uint16_t message, const struct link_evidence *evidence,
                    uint64_t *id)
{
    struct channel *verify = &core->house->channels[PEER_VERIFY];
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    uint8_t *memory = arena_room(&scratch, FRAME_BODY_MAX);
    struct sink body = sink_over(memory, memory == NULL ? 0 : FRAME_BODY_MAX);
    struct frame question = { .message = message, .id = channel_next_id(verify) };
    if (!write_question(core, evidence, &body))
        return false;
    question.body = sink_bytes(&body);
    if (!rc_ok(channel_put(NULL, verify, &question)))
        return false;
    *id = question.id;
    return true;
}

/* False: there is no judge. */
static bool ask(struct core *core, struct core_link *link)
{
    static const char *const types[] = {
        [ATTESTED_KIND_TDX] = "tdx", [ATTESTED_KIND_SGX] = "sgx", [ATTESTED_KIND_NITRO] = "nitro"
    };
    uint8_t report_data[ATTESTED_REPORT_DATA];
    if (link->sdk)
        sdk_socket_report_data(link->bound, report_data);
    else
        attested_report_data(link->bound, other(link->role), report_data);
    const struct link_evidence evidence = {
        .block = link->block,
        .evidence_len = link->evidence_len,
        .log_len = link->log_len,
        .type = types[link->kind],
        .report_data = report_data,
        .policy = link_policy_of(core, link),
    };
    const uint16_t message = link->sdk ? MSG_SDK_EVIDENCE : MSG_LINK_EVIDENCE;
    if (!link_ask_judge(core, message, &evidence, &link->question))
        return false;
    link->epoch = core->links.epoch;
    core->links.judged++;
    if (link->state == LINK_WAITS)
        link->state = LINK_JUDGED;
    return true;
}

/* Who waits to be let in goes before who is in; but strangers keep nobody from being judged again
   for longer than he may be in without a judge.  Whom the house has called goes before all: they
   are few, and called again no more often than every second. */
static unsigned rank_of(struct core *core, const struct core_link *link, int64_t now_ms)
{
    bool waits = link->state == LINK_WAITS;
    bool again = link->state == LINK_OPEN && link->due && link->question == 0;
    if ((!waits && !again) || link->due_ms > now_ms || link_policy_of(core, link).len == 0)
        return 0;
    if (waits)
        return link_is_called(link) ? 4 : 2;
    return now_ms - link->due_since_ms >= LINKS_DOUBT_MS ? 3 : 1;
}

static struct core_link *next_of(struct core *core, int64_t now_ms)
{
    struct core_links *links = &core->links;
    struct core_link *best = NULL;
    unsigned highest = 1;
    for (uint32_t i = 0; i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        unsigned rank = rank_of(core, link, now_ms);
        if (rank < highest || (rank == highest && best != NULL && link->order > best->order))
            continue;
        highest = rank;
        best = link;
    }
    return best;
}

/* Nobody judges it now.  One that is in stays for a while: that is not its fault; and no longer:
   nobody knows what it would be found to be. */
static void no_judge(struct core *core, struct core_link *link, int64_t now_ms)
{
    link->due_ms = now_ms + LINKS_AGAIN_MS;
    if (link->state != LINK_OPEN)
        return;
    if (link->doubt_ms == 0)
        link->doubt_ms = now_ms;
    if (now_ms - link->doubt_ms >= LINKS_DOUBT_MS)
        link_end(core, link, REASON_HOUSE_UNAVAILABLE);
}

void links_ask_verify(struct core *core, int64_t now_ms)
{
    struct core_links *links = &core->links;
    if (links->policy.text.len == 0 && links->policy.is_bad && links->waiting > 0) {
        for (uint32_t i = 0; i < links->used; i++) {
            if (links->rows[i].state == LINK_WAITS &&
                link_policy_of(core, &links->rows[i]).len == 0)
                link_refuse(core, &links->rows[i], REASON_ATTEST_POLICY_INVALID);
        }
    }
    if (links->waiting + links->due == 0 || !links_tell_own(core, now_ms) ||
        !pieces_are_told(core, now_ms))
        return;
    /* Whose policy is being read has time. */
    while (links->judged < LINKS_AT_ONCE && links->waiting + links->due > 0) {
        struct core_link *link = next_of(core, now_ms);
        if (link == NULL)
            return;
        if (!ask(core, link))
            no_judge(core, link, now_ms);
    }
}

static bool read_verdict(struct span bytes, struct link_verdict *out)
{
    struct cursor in = cur_over(bytes);
    return cur_u8(&in, &out->allowed) && out->allowed <= 1 && cur_u16le(&in, &out->reason) &&
           out->reason < REASON_COUNT && cur_u8(&in, &out->hardware) && out->hardware <= 1 &&
           cur_u64le(&in, &out->valid_until) && out->valid_until <= INT64_MAX &&
           cur_copy(&in, out->identity, sizeof out->identity) && cur_end(&in) &&
           (out->reason == REASON_OK) == (out->allowed != 0);
}

void link_verdict_read(enum reason reason, struct span bytes, struct link_verdict *out)
{
    *out = (struct link_verdict){ .reason = (uint16_t)reason };
    if (reason == REASON_OK && !read_verdict(bytes, out))
        *out = (struct link_verdict){ .reason = REASON_EVIDENCE_CRASHED };
}

bool link_verdict_wants(const struct link_verdict *said)
{
    return said->reason == REASON_COLLATERAL_MISSING || said->reason == REASON_TCB_INFO_EXPIRED ||
           said->reason == REASON_QE_IDENTITY_EXPIRED || said->reason == REASON_CRL_EXPIRED ||
           said->reason == REASON_TCB_SIGNER_EXPIRED || said->reason == REASON_COLLATERAL_TOO_OLD;
}

static void let_in(struct core *core, struct core_link *link, const struct link_verdict *said)
{
    link->hardware = said->hardware != 0;
    link->valid_until = (int64_t)said->valid_until;
    memcpy(link->identity, said->identity, sizeof link->identity);
    if (!core_log_link_open(core, link, &link->question)) {
        core_not_logged(core);
        link_refuse(core, link, REASON_AUDIT_CANNOT_LOG);
        return;
    }
    link->state = LINK_LOGGED;
    link->until_ms = clock_monotonic_ms() + CORE_LOG_MS;
}

static void count_again(struct core *core)
{
    bans_count(&core->bans.table, METRIC_CHANNELS_JUDGED_AGAIN, ++core->links.again);
}

static void stays_in(struct core *core, struct core_link *link, const struct link_verdict *said)
{
    if (said->reason != REASON_OK) {
        count_again(core);
        link_end(core, link, (enum reason)said->reason);
        return;
    }
    link->valid_until = (int64_t)said->valid_until;
    link->doubt_ms = 0;
    if (link->epoch != core->links.epoch)
        return; /* by what held before: it is still due */
    count_again(core);
    core->links.due -= link->due;
    link->due = false;
}

static struct core_link *asked_with(struct core_links *links, uint64_t id, bool sdk)
{
    for (uint32_t i = 0; links->judged > 0 && i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (id != 0 && link->question == id && link->sdk == sdk &&
            (link->state == LINK_JUDGED || link->state == LINK_OPEN))
            return link;
    }
    return NULL;
}

/* Evidence that its judge dies of, or is never done with, is judged: no. */
static void take_verdict(struct core *core, struct core_link *link, enum reason reason,
                         struct span verdict, struct span platform)
{
    struct link_verdict said;
    int64_t now_ms = clock_monotonic_ms();
    bool first = link->state == LINK_JUDGED;
    link->question = 0;
    core->links.judged--;
    if (first)
        link->state = LINK_WAITS;
    /* That of all was read before it came into force: who says that it is none is no judge. */
    bool unread = reason == REASON_ATTEST_POLICY_INVALID && !peers_has_policy(core, link->peer);
    /* Evidence that there is no memory for is not tried again for a stranger. */
    bool tried = reason == REASON_OUT_OF_MEMORY && !first;
    if (reason == REASON_HOUSE_UNAVAILABLE || tried || unread) {
        no_judge(core, link, now_ms);
        return;
    }
    link_verdict_read(reason, verdict, &said);
    if (said.reason == REASON_EVIDENCE_CRASHED) {
        struct request from = { 0 };
        memcpy(from.address, link->address, sizeof from.address);
        core_evidence_crashed(core, &from);
    }
    if (said.reason == REASON_OK || link_verdict_wants(&said))
        collateral_platform(core, platform, said.reason == REASON_OK || !first);
    if (!first)
        stays_in(core, link, &said);
    else if (said.reason == REASON_OK)
        let_in(core, link, &said);
    else
        link_refuse(core, link, (enum reason)said.reason);
}

rc core_on_link_evidence(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    struct span detail, verdict, platform;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, JUDGED_DETAIL_MAX, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &verdict) &&
          get_bytes(&call->body, PLATFORM_LEN, &platform) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    if (links_policy_judged(core, call->id, (enum reason)reason))
        return RC_SUCCESS;
    struct core_link *link = asked_with(&core->links, call->id, false);
    if (link == NULL)
        return RC_SUCCESS; /* its channel is over, or was answered by the clock */
    take_verdict(core, link, (enum reason)reason, verdict, platform);
    return RC_SUCCESS;
}

bool links_judged_sdk(struct core *core, uint64_t id, const struct link_judged *said)
{
    struct core_link *link = asked_with(&core->links, id, true);
    if (link != NULL)
        take_verdict(core, link, said->reason, said->verdict, said->platform);
    return link != NULL;
}
