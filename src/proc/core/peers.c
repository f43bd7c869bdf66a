/* peers.c - see peers.h. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

int64_t peer_again_ms(uint32_t failures)
{
    int64_t wait = PEERS_AGAIN_MS;
    for (uint32_t i = 1; i < failures && wait < PEERS_AGAIN_LONGEST_MS; i++)
        wait *= 2;
    return wait < PEERS_AGAIN_LONGEST_MS ? wait : PEERS_AGAIN_LONGEST_MS;
}

const char *peering_name(enum peering state)
{
    static const char *const names[] = { [PEERING_NONE] = "not called",
                                         [PEERING_WAITS] = "waiting",
                                         [PEERING_DIALS] = "connecting",
                                         [PEERING_GREETS] = "greeting",
                                         [PEERING_OPEN] = "open" };
    return names[state];
}

static const struct peer_settings *settings_of(const struct core *core,
                                               const struct core_peer *peer)
{
    return &core->house->settings.peers[peer - core->peers.rows];
}

static void move(struct core_peer *peer, enum peering state)
{
    peer->state = state;
    peer->since = clock_now();
}

/* For each peer, and then for profile sdk-v1, its length and its bytes, in memory that nobody
 * writes to any more. */
static bool read_policies(struct core *core)
{
    int fd = core->house->files[FILE_PEER_POLICIES];
    struct stat is;
    if (fd < 0 || fstat(fd, &is) != 0 || is.st_size == 0)
        return true;
    void *mapped = mmap(NULL, (size_t)is.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapped == MAP_FAILED)
        return false;
    struct cursor in = cur_over(span_of(mapped, (size_t)is.st_size));
    for (uint32_t i = 0; i < core->house->settings.peer_count; i++) {
        if (!get_bytes(&in, LINK_POLICY_MAX, &core->peers.rows[i].policy))
            return false;
    }
    return get_bytes(&in, LINK_POLICY_MAX, &core->sdk.policy) && cur_end(&in);
}

static bool is_met(const struct core *core, size_t peer, enum peer_profile profile)
{
    return peer < core->house->settings.peer_count &&
           core->house->settings.peers[peer].profile == profile &&
           (core->peers.rows[peer].state == PEERING_DIALS ||
            core->peers.rows[peer].state == PEERING_GREETS);
}

bool peers_is_met(const struct core *core, size_t peer)
{
    return is_met(core, peer, PEER_V2);
}

bool peers_is_met_sdk(const struct core *core, size_t peer)
{
    return is_met(core, peer, PEER_SDK_V1);
}

bool peers_has_policy(const struct core *core, size_t peer)
{
    return peer < SETTING_PEERS_MAX && core->peers.rows[peer].policy.len > 0;
}

bool core_peers_open(struct core *core)
{
    const struct settings *settings = &core->house->settings;
    if (!read_policies(core))
        return false;
    for (uint32_t i = 0; i < settings->peer_count; i++) {
        struct core_peer *peer = &core->peers.rows[i];
        peer->reason = peer->public.reason = REASON_NONE;
        move(peer, settings->peers[i].url[0] != 0 ? PEERING_WAITS : PEERING_NONE);
    }
    return true;
}

uint32_t peers_keep_detail(char out[DIALED_DETAIL_MAX], struct span detail)
{
    for (size_t i = 0; i < detail.len; i++) {
        bool plain = detail.at[i] >= ' ' && detail.at[i] <= '~';
        out[i] = (char)(plain ? detail.at[i] : '?');
    }
    return (uint32_t)detail.len;
}

/* The same failure again and again is one record. */
static void fail(struct core *core, struct core_peer *peer, enum reason reason, struct span detail)
{
    int64_t now_ms = clock_monotonic_ms();
    bool was_open = peer->state == PEERING_OPEN;
    bool steady = was_open && now_ms - peer->since_ms >= PEERS_STEADY_MS;
    bool is_new = was_open || peer->reason != reason;
    peer->failures = steady ? 1 : peer->failures + (peer->failures < UINT32_MAX);
    peer->due_ms = now_ms + peer_again_ms(peer->failures);
    peer->id = 0;
    peer->reason = reason;
    peer->detail_len = peers_keep_detail(peer->detail, detail);
    move(peer, PEERING_WAITS);
    if (is_new)
        core_log_peer(core, settings_of(core, peer),
                      was_open ? AUDIT_EVENT_PEER_END : AUDIT_EVENT_PEER_REFUSE,
                      span_text(reason_info(reason)->name));
}

static void ask_dial(struct core *core, struct core_peer *peer, int64_t now_ms)
{
    struct channel *dial = &core->house->channels[PEER_DIAL];
    uint8_t bytes[5];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u8(&body, (uint8_t)(peer - core->peers.rows));
    sink_u32le(&body, PEERS_DIAL_MS);
    struct frame question = { .message = MSG_DIAL,
                              .id = channel_next_id(dial),
                              .body = sink_bytes(&body) };
    if (!rc_ok(channel_put(NULL, dial, &question))) {
        fail(core, peer, REASON_HOUSE_UNAVAILABLE, span_text("dial is not there"));
        return;
    }
    peer->id = question.id;
    peer->due_ms = now_ms + PEERS_DIAL_MS + PEERS_ANSWER_MS;
    move(peer, PEERING_DIALS);
}

int64_t peers_step(struct core *core, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < core->house->settings.peer_count; i++) {
        struct core_peer *peer = &core->peers.rows[i];
        if (peer->state == PEERING_OPEN || peer->state == PEERING_NONE)
            continue;
        if (peer->due_ms <= now_ms && peer->state == PEERING_WAITS)
            ask_dial(core, peer, now_ms);
        else if (peer->due_ms <= now_ms)
            fail(core, peer, REASON_PEER_SLOW, span_text(peering_name(peer->state)));
        if (peer->due_ms < next)
            next = peer->due_ms;
    }
    return next;
}

/* The one that waits for the answer to this question. */
static struct core_peer *asked_with(struct core *core, uint64_t id)
{
    for (size_t i = 0; id != 0 && i < SETTING_PEERS_MAX; i++) {
        if (core->peers.rows[i].id == id)
            return &core->peers.rows[i];
    }
    return NULL;
}

rc core_on_dialed(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    struct span detail;
    if (!(cur_u16le(&call->body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, DIALED_DETAIL_MAX, &detail) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_peer *peer = asked_with(core, call->id);
    if (peer == NULL || peer->state != PEERING_DIALS)
        return RC_SUCCESS; /* front was quicker, or it is too late */
    if (reason != REASON_OK) {
        fail(core, peer, (enum reason)reason, detail);
        return RC_SUCCESS;
    }
    peer->due_ms = clock_monotonic_ms() + PEERS_GREET_MS;
    move(peer, PEERING_GREETS);
    return RC_SUCCESS;
}

static void take_open(struct core *core, struct core_peer *peer)
{
    peer->since_ms = clock_monotonic_ms();
    peer->opened++;
    peer->due_ms = INT64_MAX;
    peer->detail_len = 0;
    move(peer, PEERING_OPEN);
    core_log_peer(core, settings_of(core, peer), AUDIT_EVENT_PEER_OPEN, (struct span){ 0 });
}

/* Front may be quicker than dial. */
rc core_on_outward(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t number = 0, open = 0;
    uint16_t reason = 0;
    struct span detail;
    if (!(cur_u8(&call->body, &number) && number < SETTING_PEERS_MAX &&
          cur_u8(&call->body, &open) && open <= 1 && cur_u16le(&call->body, &reason) &&
          reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, DIALED_DETAIL_MAX, &detail) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_peer *peer = asked_with(core, call->id);
    if (peer != &core->peers.rows[number])
        return RC_SUCCESS;
    if (!open)
        fail(core, peer, (enum reason)reason, detail);
    else if (peer->state != PEERING_OPEN)
        take_open(core, peer);
    return RC_SUCCESS;
}

/* What was begun over a channel that is gone is over; a new front has no connection. */
void peers_peer(struct core *core, enum peer gone)
{
    for (size_t i = 0; i < SETTING_PEERS_MAX; i++) {
        struct core_peer *peer = &core->peers.rows[i];
        bool of_dial = gone == PEER_DIAL && peer->state == PEERING_DIALS;
        bool of_front = gone == PEER_FRONT && peer->id != 0;
        if (of_dial || of_front)
            fail(core, peer, REASON_HOUSE_UNAVAILABLE, span_text(peer_name(gone)));
    }
}

bool peers_are_open(const struct core *core)
{
    for (uint32_t i = 0; i < core->house->settings.peer_count; i++) {
        enum peering state = core->peers.rows[i].state;
        if (state != PEERING_OPEN && state != PEERING_NONE)
            return false;
    }
    return true;
}

enum reason core_peers_list(struct core *core, const struct request *request, struct arena *scratch,
                            struct sink *answer)
{
    const struct settings *settings = &core->house->settings;
    struct api_peer shown[SETTING_PEERS_MAX];
    struct api_peers_list_response list = { .peers = { shown, settings->peer_count } };
    int64_t now_ms = clock_monotonic_ms();
    (void)request;
    (void)scratch;
    for (uint32_t i = 0; i < settings->peer_count; i++) {
        const struct core_peer *peer = &core->peers.rows[i];
        int64_t left_ms = peer->state == PEERING_WAITS && peer->due_ms > now_ms
                              ? peer->due_ms - now_ms
                              : 0;
        bool failed = peer->reason != REASON_NONE && peer->state != PEERING_OPEN;
        shown[i] = (struct api_peer){
            .name = span_text(settings->peers[i].name),
            .url = span_text(settings->peers[i].url),
            .state = span_text(peering_name(peer->state)),
            .since = peer->since,
            .reason = span_text(failed ? reason_info(peer->reason)->name : ""),
            .detail = span_of(peer->detail, failed ? peer->detail_len : 0),
            .failures = peer->failures,
            .opened = peer->opened > UINT32_MAX ? UINT32_MAX : (uint32_t)peer->opened,
            .next = left_ms > 0 ? clock_now() + (left_ms + 999) / 1000 : 0,
            .public = span_text(settings->peers[i].public),
            .profile = span_text(settings->peers[i].url[0] == 0              ? ""
                                 : settings->peers[i].profile == PEER_SDK_V1 ? "sdk-v1"
                                                                             : "v2"),
        };
        if (peer->public.reason != REASON_NONE && peer->public.reason != REASON_OK) {
            shown[i].public_reason = span_text(reason_info(peer->public.reason)->name);
            shown[i].public_detail = span_of(peer->public.detail, peer->public.detail_len);
        }
    }
    return core_write(&api_peers_list_response, &list, answer);
}
