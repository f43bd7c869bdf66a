/* door.c - see door.h. */
#include "ipc/door.h"

static const struct door *find(const struct entrance *entrance, unsigned peer, uint16_t message)
{
    for (size_t i = 0; i < entrance->count; i++) {
        const struct door *door = &entrance->doors[i];
        if (door->message == message && (door->peers & IN(peer)) != 0 &&
            (door->states & IN(entrance->state)) != 0)
            return door;
    }
    return NULL;
}

rc door_fault(struct trail *trail, const struct call *call, uint32_t number)
{
    return FAIL(trail, call->from->trust == CHANNEL_MORE_TRUSTED ? RC_BUG : RC_PEER, number);
}

rc door_open(struct trail *trail, const struct entrance *entrance, struct channel *from,
             const struct frame *frame)
{
    struct call call = {
        .from = from, .message = frame->message, .id = frame->id, .body = cur_over(frame->body)
    };
    const struct door *door = find(entrance, from->peer, frame->message);
    if (door == NULL)
        return door_fault(trail, &call, DOOR_E_NONE);
    if (frame->body.len < door->min || frame->body.len > door->max)
        return door_fault(trail, &call, DOOR_E_SIZE);
    if (from->fds.count != door->fds)
        return door_fault(trail, &call, DOOR_E_FDS);
    rc result = door->handle(trail, entrance->process, &call);
    packet_fds_close(&from->fds); /* what the handler did not take */
    return result;
}
