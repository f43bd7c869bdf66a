/* rotate.c - see keeper.h: a key that takes over from another.

   The new keyring is durable before the new key is used or told of, and with that write the
   old key's private part is gone.  The security log is told afterwards, again after a crash
   in between: nothing is rotated as long as it does not have the last change.

   Who follows the log must not lose it with its key.  So the old key's last signature names
   the new one: a checkpoint of the last head that was signed, with the line

       ward-log-key BASE64          the new Ed25519 key

   which the standing keeps from before the new key is durable until the record of the
   rotation, which bears it, is in the log.  A reader that knows one key of a log finds the
   next one in such a record, checks the note with the key that it knows, and goes on. */
#include <string.h>

#include "codec/base64.h"
#include "merkle/checkpoint.h"
#include "os/clock.h"
#include "proc/keeper/keeper.h"
#include "proc/log.h"

static rc hand_over(struct trail *trail, struct keeper *keeper, const struct keyring_key *heir)
{
    struct standing next = keeper->standing;
    uint8_t line[128];
    struct sink extension = sink_over(line, sizeof line);
    struct sink note = sink_over(next.handover, sizeof next.handover);
    memset(next.handover, 0, sizeof next.handover);
    sink_text(&extension, "ward-log-key ");
    base64_encode(&extension, span_of(heir->public_part, key_public_len(heir->kind)));
    sink_u8(&extension, '\n');
    checkpoint_put_text(&note, keeper->origin, &next.head, sink_bytes(&extension));
    TRY(trail, keeper_sign_note(trail, keeper, &note));
    next.handover_len = note.len;
    return keeper_write_standing(trail, keeper, &next);
}

static bool may_rotate(uint8_t role)
{
    return role == KEY_ROLE_CA || role == KEY_ROLE_TLS || role == KEY_ROLE_LOG ||
           role == KEY_ROLE_NODE || role == KEY_ROLE_MINER || role == KEY_ROLE_RESULT;
}

/* generation: that the caller knows; 0: any. */
static rc rotate(struct trail *trail, struct keeper *keeper, struct rotation *rotation,
                 uint64_t generation)
{
    if (!may_rotate((uint8_t)rotation->role))
        return REFUSE(trail, REASON_KEYRING_NO_SUCH_KEY);
    if (generation != 0 && generation != keeper->generation)
        return REFUSE(trail, REASON_HTTP_PRECONDITION_FAILED);
    if (!keeper_all_told(keeper) || !channel_is_open(&keeper->house->channels[PEER_AUDIT]))
        return REFUSE(trail, REASON_HOUSE_UNAVAILABLE);
    TRY(trail, keeper_prepare_rotation(trail, keeper, rotation));
    if (rotation->role == KEY_ROLE_LOG)
        TRY(trail, hand_over(trail, keeper, &rotation->new));
    TRY(trail, keeper_store_next(trail, keeper, &rotation->ring));
    log_event("key rotated role=%s generation=%llu", key_role_name(rotation->role),
              (unsigned long long)keeper->generation);
    return RC_SUCCESS;
}

/* A core that does not read or is gone has nobody to tell. */
static void say(struct keeper *keeper, uint64_t id, struct span body)
{
    struct frame frame = { .message = MSG_KEY_ROTATED, .id = id, .body = body };
    rc sent = house_put(NULL, keeper->house, PEER_CORE, &frame);
    (void)sent;
}

static void refuse(struct keeper *keeper, uint64_t id, enum reason reason)
{
    uint8_t bytes[2];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    say(keeper, id, sink_bytes(&body));
}

static void put_done(struct keeper *keeper, const struct rotation *rotation, struct sink *body)
{
    struct trail trail = { 0 };
    rc renewed = keeper_renew_certificates(&trail, keeper);
    if (!rc_ok(renewed))
        keeper_log("certificates not made again", renewed, &trail);
    sink_u16le(body, REASON_OK);
    sink_u64le(body, keeper->generation);
    put_bytes(body, SPAN(rotation->new.id));
    put_bytes(body, rotation->first ? (struct span){ 0 } : SPAN(rotation->old.id));
}

static void answer(struct keeper *keeper, const struct waiting_rotation *asked)
{
    struct held_answer held = { .id = asked->id,
                                .until_ms = clock_monotonic_ms() + KEEPER_WAIT_MS };
    struct sink body = sink_over(held.bytes, sizeof held.bytes);
    struct rotation rotation = { .role = asked->role };
    struct trail trail = { 0 };
    rc rotated = rotate(&trail, keeper, &rotation, asked->generation);
    if (!rc_ok(rotated)) {
        keeper_log("key not rotated", rotated, &trail);
        refuse(keeper, asked->id, reason_of_rc(rotated, REASON_KEYRING_NOT_WRITTEN));
        return;
    }
    put_done(keeper, &rotation, &body);
    held.len = body.len;
    if (keeper->front_is_behind)
        keeper->held = held;
    else
        say(keeper, asked->id, sink_bytes(&body));
}

/* One may wait for the log to have the change before it, and for the front to have the chain
   of that, for a second. */
rc keeper_on_rotate(struct trail *trail, void *self, struct call *call)
{
    struct keeper *keeper = self;
    uint64_t generation = 0;
    uint8_t role = 0;
    if (!cur_u8(&call->body, &role) || !cur_u64le(&call->body, &generation) ||
        !cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct waiting_rotation asked = { call->id, (enum key_role)role, generation,
                                      clock_monotonic_ms() + KEEPER_WAIT_MS };
    if (keeper_all_told(keeper) && keeper->held.id == 0)
        answer(keeper, &asked);
    else if (keeper->waiting.id == 0)
        keeper->waiting = asked;
    else
        refuse(keeper, asked.id, REASON_HOUSE_UNAVAILABLE);
    return RC_SUCCESS;
}

static int64_t release_held(struct keeper *keeper, int64_t now_ms)
{
    struct held_answer *held = &keeper->held;
    if (held->id == 0)
        return INT64_MAX;
    if (keeper->front_is_behind && now_ms < held->until_ms)
        return held->until_ms;
    say(keeper, held->id, span_of(held->bytes, held->len));
    *held = (struct held_answer){ 0 };
    return INT64_MAX;
}

int64_t keeper_rotate_waiting(struct keeper *keeper, int64_t now_ms)
{
    struct waiting_rotation waiting = keeper->waiting;
    int64_t next = release_held(keeper, now_ms);
    if (waiting.id == 0)
        return next;
    if ((!keeper_all_told(keeper) || next != INT64_MAX) && now_ms < waiting.until_ms)
        return waiting.until_ms < next ? waiting.until_ms : next;
    keeper->waiting = (struct waiting_rotation){ 0 };
    answer(keeper, &waiting);
    return release_held(keeper, now_ms);
}
