/* link_policy.c - see links.h: what peers of channels are judged by.  Core does not read it: verify
   does, with a byte that is no evidence, and whether that is refused as evidence or the policy
   as a policy is what core wants to know. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "os/fd.h"
#include "proc/core/core.h"
#include "proc/log.h"

enum { PROBE_BYTES = LINK_POLICY_MAX + 128 };

bool links_policy_read(struct core *core)
{
    struct link_policy *policy = &core->links.policy;
    auto_fd int fd = fd_take(&core->house->files[FILE_CHANNEL_POLICY]);
    if (fd < 0)
        return true; /* there is none, or no other one */
    uint8_t *room = policy->rooms[policy->text.at == policy->rooms[0] ? 1 : 0];
    policy->offered = (struct span){ 0 };
    policy->asked = false;
    const ssize_t got = fd_read_at(fd, 0, room, LINK_POLICY_ROOM);
    const size_t len = got < 0 ? 0 : (size_t)got;
    if (len == 0 || len > LINK_POLICY_MAX) {
        policy->is_bad = true;
        log_event("channel.policy: empty, too long or not readable");
        return false;
    }
    if (!span_equal(span_of(room, len), policy->text))
        policy->offered = span_of(room, len);
    policy->again_ms = 0;
    policy->is_bad = false;
    return true;
}

/* Nothing of it was kept: the digest is that of nothing. */
void links_policy_unread(struct core *core)
{
    core_log_link_policy(core, (struct span){ 0 }, REASON_ATTEST_POLICY_INVALID);
}

struct span link_policy_of(const struct core *core, const struct core_link *link)
{
    return peers_has_policy(core, link->peer) ? core->peers.rows[link->peer].policy
                                              : core->links.policy.text;
}

static void settle(struct core *core, enum reason reason)
{
    struct link_policy *policy = &core->links.policy;
    if (reason == REASON_OK)
        policy->text = policy->offered;
    else
        policy->is_bad = true;
    core_log_link_policy(core, policy->offered, reason);
    log_event("channel.policy: %s",
              reason == REASON_OK ? "in force" : "it is none: what was in force stays");
    policy->offered = (struct span){ 0 };
    if (reason == REASON_OK)
        links_look_again(core);
}

void links_policy_step(struct core *core, int64_t now_ms, int64_t *next)
{
    struct link_policy *policy = &core->links.policy;
    struct channel *verify = &core->house->channels[PEER_VERIFY];
    uint8_t bytes[2][PROBE_BYTES + 16];
    struct sink request = sink_over(bytes[0], sizeof bytes[0]);
    struct sink body = sink_over(bytes[1], sizeof bytes[1]);
    if (policy->offered.len == 0 || policy->asked)
        return;
    if (now_ms < policy->again_ms) {
        *next = policy->again_ms < *next ? policy->again_ms : *next;
        return;
    }
    struct api_attest_verify_request asked = { .evidence = span_of("\1", 1),
                                               .policy = policy->offered };
    policy->again_ms = now_ms + LINKS_AGAIN_MS;
    if (!protobuf_write(&api_attest_verify_request, &asked, &request)) {
        settle(core, REASON_ATTEST_POLICY_INVALID); /* it is no text */
        return;
    }
    sink_u64le(&body, (uint64_t)clock_now());
    put_bytes(&body, sink_bytes(&request));
    struct frame question = { .message = MSG_LINK_EVIDENCE,
                              .id = channel_next_id(verify),
                              .body = sink_bytes(&body) };
    policy->asked = sink_ok(&body) && rc_ok(channel_put(NULL, verify, &question));
    policy->id = question.id;
    if (!policy->asked)
        *next = policy->again_ms < *next ? policy->again_ms : *next;
}

bool links_policy_judged(struct core *core, uint64_t id, enum reason reason)
{
    struct link_policy *policy = &core->links.policy;
    if (!policy->asked || policy->id != id)
        return false;
    policy->asked = false;
    policy->again_ms = clock_monotonic_ms() + LINKS_AGAIN_MS;
    if (reason == REASON_HOUSE_UNAVAILABLE || reason == REASON_OUT_OF_MEMORY)
        return true; /* nobody has read it */
    settle(core, reason);
    return true;
}

void links_policy_gone(struct core *core)
{
    core->links.policy.asked = false;
}
