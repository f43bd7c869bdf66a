/* told.c - see inside.h: the frames that describe a job, kept as they came; texts are views of
   them. */
#include <errno.h>
#include <unistd.h>

#include "guest/inside.h"

static uint8_t room[GUEST_TOLD_MAX];

static bool add(struct guest_list *list, const char *text)
{
    if (text == NULL || list->count == GUEST_LIST_MAX)
        return false;
    list->at[list->count++] = text;
    return true;
}

static bool add_denied(struct guest *guest, const struct guest_frame *frame)
{
    uint8_t shown = 0;
    const char *path = guest_text(frame, &shown);
    if (shown > GUEST_SHOWN_NOTHING)
        return false;
    guest->shown_as[guest->denied.count % GUEST_LIST_MAX] = (enum guest_shown)shown;
    return add(&guest->denied, path);
}

static bool add_call(struct guest *guest, const struct guest_frame *frame)
{
    struct guest_call call;
    if (!guest_read_call(frame, &call))
        return false;
    const bool told = call.action == GUEST_TELLS;
    size_t *count = told ? &guest->told_count : &guest->call_count;
    if (*count == (size_t)(told ? GUEST_REFUSED_MAX : GUEST_CALLS_MAX))
        return false;
    (told ? guest->told : guest->calls)[(*count)++] = call;
    return true;
}

static bool take(struct guest *guest, const struct guest_frame *frame)
{
    switch (frame->kind) {
    case GUEST_ARGUMENT:
        return add(&guest->arguments, guest_text(frame, NULL));
    case GUEST_VARIABLE:
        return add(&guest->variables, guest_text(frame, NULL));
    case GUEST_ALLOWED:
        return add(&guest->allowed, guest_text(frame, NULL));
    case GUEST_MASKED:
        return add(&guest->masked, guest_text(frame, NULL));
    case GUEST_KEPT:
        return add(&guest->kept, guest_text(frame, NULL));
    case GUEST_START_IN:
        guest->start_in = guest_text(frame, NULL);
        return guest->start_in != NULL;
    case GUEST_DENIED:
        return add_denied(guest, frame);
    case GUEST_CALL:
        return add_call(guest, frame);
    case GUEST_LIMITS:
        return guest_read_limits(frame, &guest->limits);
    default:
        return false;
    }
}

/* All that is there, up to the frame that ends it: 1; 0, there will be more; -1, it is wrong. */
static int take_all(struct guest *guest, struct span *bytes)
{
    struct guest_frame frame;
    int taken;
    while ((taken = guest_take(bytes, &frame)) == 1) {
        if (frame.kind == GUEST_GO)
            return bytes->len == 0 && guest->arguments.count > 0 && guest->start_in != NULL ? 1
                                                                                            : -1;
        if (!take(guest, &frame))
            return -1;
    }
    return taken;
}

bool guest_listen(struct guest *guest)
{
    size_t len = 0, used = 0;
    while (len < sizeof room) {
        ssize_t got = read(guest->port, room + len, sizeof room - len);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return guest_failed(guest, "nobody tells it what to do", NULL);
        len += (size_t)got;
        struct span rest = span_of(room + used, len - used);
        int taken = take_all(guest, &rest);
        used = len - rest.len;
        if (taken == 1)
            return true;
        if (taken < 0)
            break;
    }
    errno = EPROTO;
    return guest_failed(guest, "it was not told of a job", NULL);
}
