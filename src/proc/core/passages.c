/* passages.c - see core.h: requests of miners that are passed on to challenges.  Core has a token
   used up for each before anybody is connected with, and keeps how the last one went. */
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/peer_text.h"

enum reason core_pass_on(struct core *core, struct span challenge, uint64_t front_id)
{
    const struct settings *settings = &core->house->settings;
    const struct peer_settings *peer = peer_find(settings, challenge);
    uint8_t bytes[5];
    struct sink body = sink_over(bytes, sizeof bytes);
    if (peer == NULL || peer->public[0] == 0)
        return REASON_CHALLENGE_UNKNOWN;
    sink_u8(&body, (uint8_t)(peer - settings->peers));
    sink_u32le(&body, PEERS_DIAL_MS);
    struct frame question = { .message = MSG_DIAL_PASSAGE,
                              .id = front_id,
                              .body = sink_bytes(&body) };
    rc asked = channel_put(NULL, &core->house->channels[PEER_DIAL], &question);
    return rc_ok(asked) ? REASON_OK : REASON_HOUSE_UNAVAILABLE;
}

/* The same failure again and again is one record; one that comes and goes, and a front that was
   taken over, has so many in a second.  One that found no place is counted, and has its record when
   it comes again. */
rc core_on_passed_on(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    const struct settings *settings = &core->house->settings;
    uint8_t number = 0;
    uint16_t reason = 0;
    struct span detail;
    if (!(cur_u8(&call->body, &number) && number < settings->peer_count &&
          settings->peers[number].public[0] != 0 && cur_u16le(&call->body, &reason) &&
          reason < REASON_COUNT && reason != REASON_NONE &&
          get_bytes(&call->body, DIALED_DETAIL_MAX, &detail) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_public *fared = &core->peers.rows[number].public;
    if (fared->reason != (enum reason)reason)
        fared->is_recorded = false;
    fared->reason = (enum reason)reason;
    fared->detail_len = peers_keep_detail(fared->detail, detail);
    if (reason != REASON_OK && !fared->is_recorded)
        fared->is_recorded = core_log_passed_on(core, &settings->peers[number], fared->reason);
    return RC_SUCCESS;
}

enum reason passages_are_well(const struct core *core)
{
    for (uint32_t i = 0; i < core->house->settings.peer_count; i++) {
        enum reason reason = core->peers.rows[i].public.reason;
        if (reason != REASON_OK && reason != REASON_NONE)
            return reason;
    }
    return REASON_OK;
}
