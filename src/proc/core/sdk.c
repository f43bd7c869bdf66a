/* sdk.c - see sdk.h. */
#include "proc/core/sdk.h"

#include <string.h>

#include "base/number.h"
#include "crypto/ct.h"
#include "model/address.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/log.h"

bool core_sdk_open(struct core *core)
{
    struct arena *arena = &core->house->arena;
    struct sdk_nonce *places = arena_array(arena, SDK_NONCES_MAX, sizeof *places);
    if (places == NULL)
        return false;
    core->sdk.nonces = sdk_nonces_over(places, SDK_NONCES_MAX);
    return true;
}

static bool is_served(const struct core *core)
{
    return core->house->settings.sdk_policy[0] != 0;
}

static uint64_t number_of(const struct core *core, const struct sdk_client *client)
{
    return (uint64_t)client->generation << 32 | (uint64_t)(client - core->sdk.clients);
}

static struct sdk_client *find(struct core *core, uint64_t number)
{
    uint32_t at = (uint32_t)number;
    struct sdk_client *client = at < SDK_SESSIONS_MAX ? &core->sdk.clients[at] : NULL;
    bool same = client != NULL && client->state != SDK_CLIENT_FREE &&
                client->generation == (uint32_t)(number >> 32);
    return same ? client : NULL;
}

static bool is_asked(const struct sdk_client *client)
{
    return client->state == SDK_CLIENT_JUDGED ||
           (client->state == SDK_CLIENT_OPEN && client->question != 0);
}

static void tell_over(struct core *core, const struct sdk_client *client)
{
    uint8_t bytes[2];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)(client - core->sdk.clients));
    /* Unheard, the key lies there for nothing until the next one takes its place. */
    (void)link_tell_front(core, MSG_SDK_OVER, 0, sink_bytes(&body));
}

static void drop(struct core *core, struct sdk_client *client)
{
    struct core_sdk *sdk = &core->sdk;
    const uint32_t generation = client->generation;
    link_blocks_drop(&core->links.blocks, client->block);
    sdk->judged -= is_asked(client);
    if (client->state == SDK_CLIENT_OPEN) {
        sdk->open--;
        tell_over(core, client);
    } else {
        sdk->waiting--;
    }
    *client = (struct sdk_client){ .generation = generation };
}

/* --- what front asks ----------------------------------------------------------------------- */

/* What a share is counted by: of IPv6 the /64 that a subscriber has. */
static void share_of(const uint8_t bytes[16], uint8_t out[16])
{
    struct address address;
    memcpy(address.bytes, bytes, sizeof address.bytes);
    address = address_peer(&address);
    memcpy(out, address.bytes, sizeof address.bytes);
}

rc core_on_sdk_challenge(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t address[16], share[SDK_ADDRESS], nonce[SDK_NONCE];
    uint8_t bytes[2 + 4 + SDK_ANSWER_BYTES], text[SDK_ANSWER_BYTES];
    struct sink body = sink_over(bytes, sizeof bytes), answer = sink_over(text, sizeof text);
    if (!(cur_copy(&call->body, address, sizeof address) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    enum reason reason = is_served(core) ? REASON_OK : REASON_HTTP_ROUTE_UNKNOWN;
    share_of(address, share);
    random_bytes(nonce, sizeof nonce);
    if (reason == REASON_OK &&
        !sdk_challenge_write(&core->sdk.nonces, nonce, share, sessions_now(core), &answer))
        reason = REASON_SERVER_FAILED;
    sink_u16le(&body, (uint16_t)reason);
    if (reason == REASON_OK)
        put_bytes(&body, sink_bytes(&answer));
    (void)link_tell_front(core, MSG_SDK_CHALLENGED, call->id, sink_bytes(&body));
    return RC_SUCCESS;
}

static struct session_setup setup_of(const struct core *core, const struct sdk_client *client)
{
    struct session_setup setup = { .profile = SESSION_SDK_V1,
                                   .name = span_text(core->house->settings.sdk_peer) };
    memcpy(setup.key, client->key, sizeof setup.key);
    memcpy(setup.address, client->address, sizeof setup.address);
    memcpy(setup.trace, client->trace, sizeof setup.trace);
    return setup;
}

static bool answer(struct core *core, const struct sdk_client *client, enum reason reason,
                   struct span token)
{
    uint8_t bytes[2 + 2 + 4 + LINK_TOKEN];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    if (reason == REASON_OK) {
        sink_u16le(&body, (uint16_t)(client - core->sdk.clients));
        put_bytes(&body, token);
    }
    bool told = link_tell_front(core, MSG_SDK_ATTESTED, client->front_id, sink_bytes(&body));
    ct_wipe(bytes, sizeof bytes);
    return told;
}

/* A stranger is not told what is wrong with the house's own policy. */
static void tell_refused(struct core *core, const struct sdk_client *client, enum reason reason)
{
    bool ours = reason == REASON_ATTEST_POLICY_INVALID;
    (void)answer(core, client, ours ? REASON_HOUSE_UNAVAILABLE : reason, (struct span){ 0 });
}

/* The record of one that was not granted is made by whoever refused it. */
static void refuse(struct core *core, struct sdk_client *client, enum reason reason)
{
    const struct session_setup setup = setup_of(core, client);
    core_log_grant_refused(core, &setup, reason);
    tell_refused(core, client, reason);
    drop(core, client);
}

static struct sdk_client *occupy(struct core *core, const uint8_t address[16])
{
    struct core_sdk *sdk = &core->sdk;
    struct sdk_client *vacant = NULL;
    uint8_t share[16], other[16];
    size_t of_address = 0;
    share_of(address, share);
    for (size_t i = 0; i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &sdk->clients[i];
        if (client->state == SDK_CLIENT_FREE) {
            vacant = vacant == NULL ? client : vacant;
            continue;
        }
        share_of(client->address, other);
        of_address += bytes_equal(share, other, sizeof share);
    }
    bool full = sdk->waiting >= SDK_WAITING_MAX || of_address >= SDK_ADDRESS_SHARE;
    return full ? NULL : vacant;
}

/* What comes with a client's key. */
struct shown {
    uint8_t nonce[SDK_NONCE], point[SDK_KEY];
    struct span parts[2]; /* quote, event log */
};

/* The nonce is used up, whatever comes of the rest. */
static enum reason take_in(struct core *core, const struct sdk_client *asked,
                           const struct shown *shown)
{
    const struct span *parts = shown->parts;
    struct core_sdk *sdk = &core->sdk;
    if (!is_served(core))
        return REASON_HTTP_ROUTE_UNKNOWN;
    enum reason reason = sdk_challenge_take(&sdk->nonces, shown->nonce, sessions_now(core));
    if (reason != REASON_OK)
        return reason;
    struct sdk_client *client = occupy(core, asked->address);
    if (client == NULL)
        return REASON_SDK_FULL;
    const uint32_t generation = client->generation + 1;
    *client = *asked;
    client->generation = generation;
    client->state = SDK_CLIENT_WAITS;
    client->order = ++sdk->order;
    client->until_ms = clock_monotonic_ms() + SDK_FIRST_MS;
    client->evidence_len = (uint32_t)parts[0].len;
    client->log_len = (uint32_t)parts[1].len;
    const struct sdk_keys keys = { client->key, shown->point };
    if (core->house->settings.sdk_strict)
        sdk_challenge_strict(shown->nonce, &keys, client->report_data);
    else
        sdk_challenge_report_data(shown->nonce, client->report_data);
    sdk->waiting++;
    if (link_blocks_put(&core->links.blocks, parts, LINKS_CALLED_BLOCKS, &client->block))
        return REASON_OK;
    drop(core, client);
    return REASON_SDK_FULL;
}

rc core_on_sdk_attest(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct sdk_client asked = { .front_id = call->id };
    struct shown shown;
    if (!(cur_copy(&call->body, asked.key, sizeof asked.key) &&
          cur_copy(&call->body, shown.point, sizeof shown.point) &&
          cur_copy(&call->body, shown.nonce, sizeof shown.nonce) &&
          cur_copy(&call->body, asked.address, sizeof asked.address) &&
          cur_copy(&call->body, asked.trace, sizeof asked.trace) &&
          get_bytes(&call->body, LINK_PART_MAX, &shown.parts[0]) && shown.parts[0].len > 0 &&
          get_bytes(&call->body, LINK_PART_MAX, &shown.parts[1]) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    enum reason reason = take_in(core, &asked, &shown);
    if (reason == REASON_OK)
        return RC_SUCCESS;
    const struct session_setup setup = setup_of(core, &asked);
    if (is_served(core))
        core_log_grant_refused(core, &setup, reason);
    tell_refused(core, &asked, reason);
    return RC_SUCCESS;
}

/* --- its session ---------------------------------------------------------------------------- */

static void end(struct core *core, struct sdk_client *client, enum reason reason)
{
    uint8_t token[sizeof client->session];
    memcpy(token, client->session, sizeof token);
    drop(core, client); /* the session's end tells of itself, too */
    if (!core_session_end(core, token, span_text(reason_info(reason)->name)))
        core->links.swept = false; /* good for nothing from now on, and ended when that can be */
}

static void granted(struct core *core, uint64_t whose, const struct session_granted *granted)
{
    struct core_sdk *sdk = &core->sdk;
    struct sdk_client *client = find(core, whose);
    if (client == NULL || client->state != SDK_CLIENT_GRANTS)
        return;
    if (granted->reason != REASON_OK) {
        tell_refused(core, client, granted->reason);
        drop(core, client);
        return;
    }
    client->state = SDK_CLIENT_OPEN;
    sdk->waiting--;
    sdk->open++;
    client->ends_s = granted->session->expires;
    memcpy(client->session, granted->session->token, sizeof client->session);
    client->due = client->epoch != sdk->epoch; /* changed since verify was asked */
    if (!answer(core, client, REASON_OK, granted->token))
        end(core, client, REASON_HOUSE_UNAVAILABLE);
}

/* Its number; SDK_SESSIONS_MAX: there is none. */
static size_t place_of(const struct core_sdk *sdk, const uint8_t token[32])
{
    for (size_t i = 0; sdk->open > 0 && i < SDK_SESSIONS_MAX; i++) {
        const struct sdk_client *client = &sdk->clients[i];
        if (client->state == SDK_CLIENT_OPEN && bytes_equal(client->session, token, 32))
            return i;
    }
    return SDK_SESSIONS_MAX;
}

struct sdk_client *sdk_client_of(struct core *core, const uint8_t token[32])
{
    const size_t place = place_of(&core->sdk, token);
    return place < SDK_SESSIONS_MAX ? &core->sdk.clients[place] : NULL;
}

bool sdk_has_session(const struct core *core, const uint8_t token[32])
{
    return place_of(&core->sdk, token) < SDK_SESSIONS_MAX;
}

void sdk_session_ended(struct core *core, const uint8_t token[32])
{
    struct sdk_client *client = sdk_client_of(core, token);
    if (client != NULL)
        drop(core, client);
}

/* --- its judge ------------------------------------------------------------------------------ */

/* Who has no session yet goes first; and before them who should have been judged again long since,
   or a flood of those who have none would keep him in. */
static unsigned rank_of(const struct sdk_client *client, int64_t now_ms)
{
    if (client->state == SDK_CLIENT_WAITS)
        return 1;
    return now_ms - client->since_ms >= SDK_DOUBT_MS ? 0 : 2;
}

static struct sdk_client *next_of(struct core_sdk *sdk, int64_t now_ms)
{
    struct sdk_client *best = NULL;
    for (size_t i = 0; i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &sdk->clients[i];
        bool again = client->state == SDK_CLIENT_OPEN && client->due && client->question == 0;
        if (again && client->since_ms == 0)
            client->since_ms = now_ms;
        if ((client->state != SDK_CLIENT_WAITS && !again) || client->due_ms > now_ms)
            continue;
        unsigned rank = rank_of(client, now_ms);
        if (best == NULL || rank < rank_of(best, now_ms) ||
            (rank == rank_of(best, now_ms) && client->order < best->order))
            best = client;
    }
    return best;
}

/* That is not the fault of one that is in, so it stays for a while; and no longer, for nobody knows
   what it would be found to be. */
static void no_judge(struct core *core, struct sdk_client *client, int64_t now_ms)
{
    client->due_ms = now_ms + SDK_AGAIN_MS;
    if (client->state != SDK_CLIENT_OPEN)
        return;
    if (client->doubt_ms == 0)
        client->doubt_ms = now_ms;
    if (now_ms - client->doubt_ms >= SDK_DOUBT_MS)
        end(core, client, REASON_HOUSE_UNAVAILABLE);
}

static void ask_verify(struct core *core, int64_t now_ms)
{
    struct core_sdk *sdk = &core->sdk;
    while (sdk->judged < SDK_AT_ONCE) {
        struct sdk_client *client = next_of(sdk, now_ms);
        if (client == NULL || !links_tell_own(core, now_ms) || !pieces_are_told(core, now_ms))
            return;
        const struct link_evidence evidence = { .block = client->block,
                                                .evidence_len = client->evidence_len,
                                                .log_len = client->log_len,
                                                .type = "tdx",
                                                .report_data = client->report_data,
                                                .policy = sdk->policy };
        if (!link_ask_judge(core, MSG_SDK_EVIDENCE, &evidence, &client->question)) {
            no_judge(core, client, now_ms);
            continue;
        }
        client->epoch = sdk->epoch;
        client->state = client->state == SDK_CLIENT_WAITS ? SDK_CLIENT_JUDGED : client->state;
        sdk->judged++;
    }
}

static void let_in(struct core *core, struct sdk_client *client, const struct link_verdict *said)
{
    struct session_setup setup = setup_of(core, client);
    memcpy(setup.identity, said->identity, sizeof setup.identity);
    setup.hardware = said->hardware != 0;
    client->valid_until = (int64_t)said->valid_until;
    client->state = SDK_CLIENT_GRANTS;
    core_session_grant(core, &setup, granted, number_of(core, client));
}

static void stays_in(struct core *core, struct sdk_client *client, const struct link_verdict *said)
{
    if (said->reason != REASON_OK) {
        end(core, client, (enum reason)said->reason);
        return;
    }
    client->valid_until = (int64_t)said->valid_until;
    client->doubt_ms = client->since_ms = 0;
    client->due = client->epoch != core->sdk.epoch;
}

static void blame(struct core *core, const struct sdk_client *client)
{
    struct request from = { 0 };
    memcpy(from.address, client->address, sizeof from.address);
    core_evidence_crashed(core, &from);
}

static void take_verdict(struct core *core, struct sdk_client *client,
                         const struct link_verdict *said, struct span platform)
{
    bool first = client->state == SDK_CLIENT_JUDGED;
    core->sdk.judged--;
    client->question = 0;
    if (first)
        client->state = SDK_CLIENT_WAITS;
    /* For the owner to see, and until the next verdict: whoever has read a stranger's evidence may
       lie about it, and about nobody else's. */
    const bool is_bad = said->reason == REASON_ATTEST_POLICY_INVALID;
    if (is_bad && !core->sdk.policy_is_bad)
        log_event("sdk.policy: it is none, names no compose_hash, or lets the log differ: nobody "
                  "is let in");
    core->sdk.policy_is_bad = is_bad;
    if (said->reason == REASON_HOUSE_UNAVAILABLE ||
        (said->reason == REASON_OUT_OF_MEMORY && !first)) {
        no_judge(core, client, clock_monotonic_ms());
        return;
    }
    if (said->reason == REASON_EVIDENCE_CRASHED)
        blame(core, client);
    if (said->reason == REASON_OK || link_verdict_wants(said))
        collateral_platform(core, platform, said->reason == REASON_OK || !first);
    if (!first)
        stays_in(core, client, said);
    else if (said->reason == REASON_OK)
        let_in(core, client, said);
    else
        refuse(core, client, (enum reason)said->reason);
}

rc core_on_sdk_evidence(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    struct span detail, verdict, platform;
    struct link_verdict said;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, JUDGED_DETAIL_MAX, &detail) &&
          get_bytes(&call->body, FRAME_BODY_MAX, &verdict) &&
          get_bytes(&call->body, PLATFORM_LEN, &platform) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    const struct link_judged judged = { (enum reason)reason, verdict, platform };
    if (links_judged_sdk(core, call->id, &judged))
        return RC_SUCCESS;
    link_verdict_read((enum reason)reason, verdict, &said);
    for (size_t i = 0; call->id != 0 && i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &core->sdk.clients[i];
        if (!is_asked(client) || client->question != call->id)
            continue;
        take_verdict(core, client, &said, platform);
        break;
    }
    return RC_SUCCESS; /* or whoever asked is gone, or was answered by the clock */
}

void sdk_look_again(struct core *core)
{
    core->sdk.epoch++;
    for (size_t i = 0; i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &core->sdk.clients[i];
        client->due |= client->state == SDK_CLIENT_OPEN;
    }
}

/* --- time, and who is gone ------------------------------------------------------------------ */

static void look_at_ends(struct core *core)
{
    int64_t now = clock_now();
    for (size_t i = 0; i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &core->sdk.clients[i];
        if (client->state != SDK_CLIENT_OPEN)
            continue;
        if (client->ends_s <= sessions_now(core))
            drop(core, client);
        else if (client->valid_until != 0 && client->valid_until <= now)
            client->due = true;
    }
}

int64_t sdk_step(struct core *core, int64_t now_ms)
{
    struct core_sdk *sdk = &core->sdk;
    if (sdk->waiting + sdk->open == 0)
        return INT64_MAX;
    for (size_t i = 0; i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &sdk->clients[i];
        bool waits = client->state == SDK_CLIENT_WAITS || client->state == SDK_CLIENT_JUDGED;
        if (waits && client->until_ms <= now_ms)
            refuse(core, client, REASON_HOUSE_DEADLINE);
    }
    if (now_ms >= sdk->look_ms) {
        sdk->look_ms = now_ms + SDK_LOOK_MS;
        look_at_ends(core);
    }
    ask_verify(core, now_ms);
    return now_ms + SDK_AGAIN_MS;
}

/* Front had the keys; what verify was asked it will never answer. */
void sdk_peer(struct core *core, enum peer peer)
{
    struct core_sdk *sdk = &core->sdk;
    for (size_t i = 0; sdk->waiting + sdk->open > 0 && i < SDK_SESSIONS_MAX; i++) {
        struct sdk_client *client = &sdk->clients[i];
        if (peer == PEER_FRONT && client->state == SDK_CLIENT_OPEN) {
            end(core, client, REASON_HOUSE_UNAVAILABLE);
        } else if (peer == PEER_FRONT && client->state != SDK_CLIENT_FREE) {
            drop(core, client);
        } else if (peer == PEER_VERIFY && is_asked(client)) {
            sdk->judged--;
            client->question = 0;
            client->state = client->state == SDK_CLIENT_JUDGED ? SDK_CLIENT_WAITS : client->state;
        }
    }
}
