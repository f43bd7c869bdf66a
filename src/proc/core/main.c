/* main.c - ward-core: see core.h. */
#include "base/number.h"
#include "codec/job_result.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/core_syscalls.h"

static rc before_jail(struct trail *trail, void *self, struct house *house)
{
    struct core *core = self;
    core->house = house;
    core->started = clock_now();
    sessions_begin(core);
    core->scratch = arena_alloc(&house->arena, 2 * (size_t)CORE_SCRATCH_MAX);
    core_store_open(core);
    TRY(trail, core_bans_open(trail, core));
    for (size_t i = 0; i < CORE_VERDICTS; i++) {
        core->verdicts[i].answer = arena_room(&house->arena, FRAME_BODY_MAX);
        if (core->verdicts[i].answer == NULL)
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    }
    if (!core_collateral_open(core) || !core_links_open(core) || !core_sdk_open(core))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    if (!core_peers_open(core))
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    for (size_t i = 0; i < CORE_EVIDENCES; i++) {
        core->evidences[i].answer = arena_room(&house->arena, CORE_EVIDENCE_BYTES);
        if (core->evidences[i].answer == NULL)
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    }
    for (size_t i = 0; i < CORE_TOKENS; i++) {
        core->issued[i].answer = arena_room(&house->arena, CORE_TOKEN_BYTES);
        if (core->issued[i].answer == NULL)
            return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    }
    if (!core_miners_open(core) || !core_results_open(core) || !core_jobs_open(core))
        return FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
    (void)!core_miners_read(core);
    (void)!links_policy_read(core); /* without one nobody is let in: begin has that recorded */
    core->kept = arena_array(&house->arena, CORE_KEPT_MAX, sizeof *core->kept);
    return core->scratch != NULL && core->kept != NULL ? RC_SUCCESS
                                                       : FAIL(trail, RC_WORLD, HOUSE_E_MEMORY);
}

static void peer_changed(void *self, enum peer peer, bool open)
{
    core_peer_gone(self, peer); /* a new channel has not heard the old one's questions either */
    collateral_peer(self, peer, open);
    if (peer == PEER_KEEPER)
        tokens_changed(self);
    peers_peer(self, peer);
    links_peer(self, peer, open);
    sdk_peer(self, peer);
    sdk_posts_peer(self, peer);
    jobs_peer(self, peer);
}

static int64_t tick(void *self, int64_t now_ms)
{
    struct core *core = self;
    int64_t news = news_step(core, now_ms);
    int64_t anchor = anchor_step(core, now_ms);
    int64_t store = store_step(core, now_ms);
    int64_t refusals = core_log_unrecorded(core, now_ms);
    int64_t collateral = collateral_step(core, now_ms);
    int64_t tokens = tokens_step(core, now_ms);
    int64_t peers = peers_step(core, now_ms);
    int64_t sessions = sessions_step(core, now_ms);
    int64_t links = links_step(core, now_ms);
    int64_t sdk = sdk_step(core, now_ms), posts = sdk_posts_step(core, now_ms);
    int64_t jobs = jobs_step(core, now_ms);
    /* Last, and by the clock as it is now: the store may have taken its time. */
    int64_t next = core_expire(core, clock_monotonic_ms());
    if (news < next)
        next = news;
    if (anchor < next)
        next = anchor;
    if (store < next)
        next = store;
    if (refusals < next)
        next = refusals;
    if (collateral < next)
        next = collateral;
    if (tokens < next)
        next = tokens;
    if (peers < next)
        next = peers;
    if (sessions < next)
        next = sessions;
    if (links < next)
        next = links;
    if (sdk < next)
        next = sdk;
    if (posts < next)
        next = posts;
    if (jobs < next)
        next = jobs;
    return now_ms < core->stop_ms && core->stop_ms < next ? core->stop_ms : next;
}

/* Who is in is judged by the new policy as soon as verify has read it; shares may be others. */
static bool reload(void *self, const struct settings *next)
{
    struct core *core = self;
    (void)next;
    const bool listed = core_miners_read(core);
    core_miners_tell(core);
    jobs_look_again(core);
    if (links_policy_read(core))
        return listed;
    links_policy_unread(core);
    return false;
}

/* The channels to the others are open: what is asked for once is asked for now. */
static rc begin(struct trail *trail, void *self, struct house *house)
{
    struct core *core = self;
    (void)trail;
    (void)house;
    links_ask_own(core);
    core->collateral.held_ms = clock_monotonic_ms() + LINKS_HELD_MS;
    if (core->links.policy.is_bad)
        links_policy_unread(self);
    core_miners_tell(core);
    return RC_SUCCESS;
}

/* That the house stops is the last thing it has logged; a log that does not take it does not
   keep the house from stopping. */
static bool may_stop(void *self)
{
    struct core *core = self;
    int64_t now = clock_monotonic_ms();
    if (core->stop_ms == 0)
        core->stop_ms = now + CORE_STOP_MS;
    bool told = core->news.logged == core->news.last || now >= core->stop_ms;
    return core->pending_count == 0 && sessions_are_quiet(core) && told;
}

static const struct door doors[] = {
    { MSG_REQUEST, IN(PEER_FRONT), ~0u, 39, FRAME_BODY_MAX, 0, core_on_request },
    { MSG_REFUSED, IN(PEER_FRONT), ~0u, 36, 36 + SHA256_LEN + 4 + OPERATOR_NAME_MAX, 0,
      core_on_refused },
    { MSG_OFFENCE, IN(PEER_FRONT), ~0u, 17, 17, 0, core_on_offence },
    { MSG_AUDIT_APPENDED, IN(PEER_AUDIT), ~0u, 1, 9, 0, core_on_appended },
    { MSG_AUDIT_ANSWER, IN(PEER_AUDIT), ~0u, 10, FRAME_BODY_MAX, 0, core_on_audit_answer },
    { MSG_KEYRING_IS, IN(PEER_KEEPER), ~0u, 12, FRAME_BODY_MAX, 0, core_on_keyring },
    { MSG_KEY_ROTATED, IN(PEER_KEEPER), ~0u, 2, 64, 0, core_on_rotated },
    { MSG_CERTIFICATE, IN(PEER_KEEPER), ~0u, 11, 11, 0, core_on_certificate },
    { MSG_MINER_SIGNED, IN(PEER_KEEPER), ~0u, 2, 2 + MINER_TOKEN_SIGNATURE, 0,
      core_on_miner_signed },
    { MSG_RESULT_SIGNED, IN(PEER_KEEPER), ~0u, 2, 2 + JOB_RESULT_SIGNATURE, 0,
      core_on_result_signed },
    { MSG_JUDGED, IN(PEER_VERIFY), ~0u, 14, FRAME_BODY_MAX, 0, core_on_judged },
    { MSG_COLLATERAL_JUDGED, IN(PEER_VERIFY), ~0u, 10, 1024, 0, core_on_collateral_judged },
    { MSG_DIALED, IN(PEER_DIAL), ~0u, 6, 6 + DIALED_DETAIL_MAX, 0, core_on_dialed },
    { MSG_OUTWARD, IN(PEER_FRONT), ~0u, 8, 8 + DIALED_DETAIL_MAX, 0, core_on_outward },
    { MSG_PASSED_ON, IN(PEER_FRONT), ~0u, 7, 7 + DIALED_DETAIL_MAX, 0, core_on_passed_on },
    { MSG_FETCHED, IN(PEER_FETCH), ~0u, 14, FRAME_BODY_MAX, 0, core_on_fetched },
    { MSG_EVIDENCE_IS, IN(PEER_TEE), ~0u, 10, 10 + EVIDENCE_QUOTE_MAX + EVIDENCE_LOG_MAX, 0,
      core_on_evidence },
    { MSG_EVIDENCE_BOTH_ARE, IN(PEER_TEE), ~0u, 18,
      18 + 2 * EVIDENCE_QUOTE_MAX + EVIDENCE_LOG_MAX + JOB_RESULT_LOG_MAX, 0,
      core_on_evidence_both },
    { MSG_LINK_QUOTE, IN(PEER_FRONT), ~0u, 33, 33, 0, core_on_link_quote },
    { MSG_LINK_JUDGE, IN(PEER_FRONT), ~0u, 76, 75 + LINK_EVIDENCE_BYTES, 0, core_on_link_judge },
    { MSG_LINK_OVER, IN(PEER_FRONT), ~0u, 10, 10, 0, core_on_link_over },
    { MSG_LINK_SESSION, IN(PEER_FRONT), ~0u, 40, 40, 0, core_on_link_session },
    { MSG_LINK_NOTE, IN(PEER_FRONT), ~0u, 12, 12 + LINK_NOTE_MAX, 0, core_on_link_note },
    { MSG_LINK_EVIDENCE_IS, IN(PEER_VERIFY), ~0u, 14, 1024, 0, core_on_link_evidence },
    { MSG_SDK_CHALLENGE, IN(PEER_FRONT), ~0u, 16, 16, 0, core_on_sdk_challenge },
    { MSG_SDK_ATTEST, IN(PEER_FRONT), ~0u, SDK_ATTEST_HEAD + 1,
      SDK_ATTEST_HEAD + LINK_EVIDENCE_BYTES, 0, core_on_sdk_attest },
    { MSG_SDK_POST, IN(PEER_FRONT), ~0u, 66, SDK_POST_BYTES, 0, core_on_sdk_post },
    { MSG_SDK_LINK_QUOTE, IN(PEER_FRONT), ~0u, 33, 33, 0, core_on_sdk_link_quote },
    { MSG_SDK_LINK_JUDGE, IN(PEER_FRONT), ~0u, SDK_LINK_HEAD + 1,
      SDK_LINK_HEAD + LINK_EVIDENCE_BYTES, 0, core_on_sdk_link_judge },
    { MSG_SDK_EVIDENCE_IS, IN(PEER_VERIFY), ~0u, 14, 1024, 0, core_on_sdk_evidence },
    { MSG_COLLATERAL_OWN_IS, IN(PEER_TEE), ~0u, 5, 5 + COLLATERAL_BODY_MAX, 0,
      core_on_collateral_own },
    { MSG_JOB_SYNCED, IN(PEER_RUNNER), ~0u, 26, JOB_SYNCED_BYTES, 0, core_on_job_synced },
    { MSG_JOB_STARTED, IN(PEER_RUNNER), ~0u, JOB_ID + 2, JOB_ID + 2, 0, core_on_job_started },
    { MSG_JOB_REFUSED, IN(PEER_RUNNER), ~0u, JOB_ID + JOB_REFUSED_MIN, JOB_ID + JOB_REFUSED_MAX, 0,
      core_on_job_refused },
    { MSG_JOB_ENDED, IN(PEER_RUNNER), ~0u, JOB_ID + 20, JOB_ID + 20, 0, core_on_job_ended },
    { MSG_JOB_READ_IS, IN(PEER_RUNNER), ~0u, 22, JOB_REPORT_MAX + 22, 0, core_on_job_read },
    { MSG_JOB_TOP_IS, IN(PEER_RUNNER), ~0u, 4, JOB_TOP_BYTES, 0, core_on_job_top },
    { MSG_JOB_REMOVED, IN(PEER_RUNNER), ~0u, JOB_ID + 1, JOB_ID + 1, 0, core_on_job_removed },
};

static const struct process core_process = {
    .peer = PEER_CORE,
    .peers = IN(PEER_AUDIT) | IN(PEER_KEEPER) | IN(PEER_VERIFY) | IN(PEER_FRONT) | IN(PEER_TEE) |
             IN(PEER_FETCH) | IN(PEER_DIAL) | IN(PEER_RUNNER),
    .trusts = IN(PEER_AUDIT) | IN(PEER_KEEPER),
    .fds = 64,
    .memory = 192u << 20,
    .size = sizeof(struct core),
    .rules = core_rules,
    .rule_count = COUNT_OF(core_rules),
    .doors = doors,
    .door_count = COUNT_OF(doors),
    .before_jail = before_jail,
    .reach_out = core_store_reach,
    .begin = begin,
    .control = core_on_control,
    .reload = reload,
    .peer_changed = peer_changed,
    .tick = tick,
    .may_stop = may_stop,
};

int main(void)
{
    return house_main(&core_process);
}
