/* door.c - see door.h. */
#include "ipc/door.h"

static bool is_in(uint32_t set, unsigned number)
{
    return number < 32 && (set & IN(number)) != 0;
}

static const struct door *find(const struct entrance *entrance, unsigned peer, uint16_t message)
{
    for (size_t i = 0; i < entrance->count; i++) {
        const struct door *door = &entrance->doors[i];
        if (door->message == message && is_in(door->peers, peer) &&
            is_in(door->states, entrance->state))
            return door;
    }
    return NULL;
}

rc door_fault(struct trail *trail, const struct call *call, uint32_t number)
{
    return FAIL(trail, call->from->trust == CHANNEL_MORE_TRUSTED ? RC_BUG : RC_PEER, number);
}

static rc enter(struct trail *trail, const struct entrance *entrance, struct call *call)
{
    const struct door *door = find(entrance, call->from->peer, call->message);
    size_t len = cur_left(&call->body);
    if (door == NULL)
        return door_fault(trail, call, DOOR_E_NONE);
    if (len < door->min || len > door->max)
        return door_fault(trail, call, DOOR_E_SIZE);
    if (call->from->fds.count != door->fds)
        return door_fault(trail, call, DOOR_E_FDS);
    return door->handle(trail, entrance->process, call);
}

rc door_open(struct trail *trail, const struct entrance *entrance, struct channel *from,
             const struct frame *frame)
{
    struct call call = {
        .from = from, .message = frame->message, .id = frame->id, .body = cur_over(frame->body)
    };
    rc result = enter(trail, entrance, &call);
    packet_fds_close(&from->fds); /* what no handler took, also of a message without a door */
    return result;
}
