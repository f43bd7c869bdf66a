/* link_session.c - see links.h: the session of a channel's peer, which ends with the channel, and
   the channel with it. */
#include <string.h>

#include "base/number.h"
#include "crypto/ct.h"
#include "proc/core/core.h"

void link_session_end(struct core *core, struct core_link *link, enum reason reason)
{
    uint8_t token[sizeof link->session];
    if (!link->has_session)
        return;
    memcpy(token, link->session, sizeof token);
    link->has_session = false; /* it tells of its end, too */
    if (!core_session_end(core, token, span_text(reason_info(reason)->name)))
        core->links.swept = false; /* good for nothing from now on, and ended when that can be */
}

static void answer_session(struct core *core, uint64_t id, const struct session_granted *granted)
{
    uint8_t bytes[2 + 4 + LINK_TOKEN + 8];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)granted->reason);
    if (granted->reason == REASON_OK) {
        put_bytes(&body, granted->token);
        sink_u64le(&body, (uint64_t)granted->session->expires);
    }
    /* What is not heard of ends with its channel. */
    (void)link_tell_front(core, MSG_LINK_SESSION_IS, id, sink_bytes(&body));
    ct_wipe(bytes, sizeof bytes);
}

static void on_granted(struct core *core, uint64_t whose, const struct session_granted *granted)
{
    struct core_link *link = link_find(core, whose);
    bool asks = link != NULL && link->asks_session;
    if (!asks && granted->reason == REASON_OK) /* the channel is over: nobody may have it */
        core->links.swept &= core_session_end(
            core, granted->session->token, span_text(reason_info(REASON_CHANNEL_TRUNCATED)->name));
    if (!asks)
        return;
    link->asks_session = false;
    link->has_session = granted->reason == REASON_OK;
    if (link->has_session)
        memcpy(link->session, granted->session->token, sizeof link->session);
    answer_session(core, link->session_call, granted);
}

/* One at a time: the one before ends. */
rc core_on_link_session(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct session_setup setup = { .profile = SESSION_V2, .name = span_text("channel") };
    uint64_t number = 0;
    if (!(cur_u64le(&call->body, &number) && cur_copy(&call->body, setup.key, sizeof setup.key) &&
          cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_link *link = link_find(core, number);
    /* Who is in by profile sdk-v1 has bound no key, so nothing is granted to one of his; front,
       which knows whom it has called, does not ask. */
    if (link != NULL && link->sdk)
        return door_fault(trail, call, DOOR_E_BODY);
    if (link == NULL || link->asks_session) {
        const struct session_granted none = { .reason = REASON_HOUSE_UNAVAILABLE };
        answer_session(core, call->id, &none);
        return RC_SUCCESS;
    }
    link_session_end(core, link, REASON_LINK_SESSION_REPLACED);
    if (link->peer < SETTING_PEERS_MAX)
        setup.name = span_text(core->house->settings.peers[link->peer].name);
    setup.hardware = link->hardware;
    memcpy(setup.identity, link->identity, sizeof setup.identity);
    memcpy(setup.address, link->address, sizeof setup.address);
    memcpy(setup.trace, link->trace, sizeof setup.trace);
    link->asks_session = true;
    link->session_call = call->id;
    core_session_grant(core, &setup, on_granted, number);
    return RC_SUCCESS;
}

void links_session_ended(struct core *core, const uint8_t token[32])
{
    for (uint32_t i = 0; i < core->links.used; i++) {
        struct core_link *link = &core->links.rows[i];
        if (link->state != LINK_OPEN || !link->has_session ||
            !bytes_equal(link->session, token, sizeof link->session))
            continue;
        link->has_session = false;
        link_end(core, link, REASON_LINK_SESSION_ENDED);
        return;
    }
}

bool links_have_session(const struct core *core, const uint8_t token[32])
{
    for (uint32_t i = 0; i < core->links.used; i++) {
        const struct core_link *link = &core->links.rows[i];
        if (link->has_session && bytes_equal(link->session, token, sizeof link->session))
            return true;
    }
    return false;
}

/* False: it should be over, and the store still has it. */
static bool is_swept(struct core *core, const struct store_session *session)
{
    return session_is_held(core, session) || sessions_is_granting(core, session->token) ||
           core_session_end(core, session->token,
                            span_text(reason_info(REASON_CHANNEL_TRUNCATED)->name));
}

/* Front's channels ended with the core that knew of them: what a session rested on cannot be judged
   again. */
void links_sweep_sessions(struct core *core, int64_t now_ms)
{
    enum { PAGE = 32 };
    struct store_session rows[PAGE];
    struct store_page page = { .rows = rows, .cap = PAGE };
    struct span after = { 0 };
    uint8_t last[STORE_ID_LEN];
    bool all = true;
    if (core->links.swept || now_ms < core->links.sweep_ms ||
        core_store_is_there(core) != REASON_OK)
        return;
    core->links.sweep_ms = now_ms + LINKS_AGAIN_MS;
    do {
        page.count = 0;
        if (!rc_ok(store_session_page(NULL, &core->store.store, sessions_now(core), after, &page)))
            return;
        if (page.count > 0)
            memcpy(last, rows[page.count - 1].token, sizeof last);
        after = SPAN(last);
        for (size_t i = 0; i < page.count; i++)
            all = is_swept(core, &rows[i]) && all;
    } while (page.count == PAGE);
    core->links.swept = all;
}
