/* refusal.c - see refusal.h. */
#include "sandbox/refusal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/span.h"

static uint8_t put(char room[HOST_TEXT_MAX], struct span text)
{
    const size_t len = text.len < HOST_TEXT_MAX ? text.len : HOST_TEXT_MAX;
    if (len > 0)
        memcpy(room, text.at, len);
    return (uint8_t)len;
}

struct refusal refusal_make(const struct reach_refusal *what)
{
    struct refusal made;
    memset(&made, 0, sizeof made); /* what lies between the members is sent too */
    made.rule = what->rule;
    made.count = 1;
    made.port = what->port.number;
    made.udp = what->port.udp ? 1 : 0;
    made.name_len = put(made.name, what->name);
    made.other_len = put(made.other, what->other);
    memcpy(made.address, what->address.bytes, sizeof made.address);
    return made;
}

struct reach_refusal refusal_view(const struct refusal *refusal)
{
    struct reach_refusal view = { .rule = (enum reach_rule)refusal->rule,
                                  .name = span_of(refusal->name, refusal->name_len),
                                  .port = { refusal->port, refusal->udp == 1 },
                                  .other = span_of(refusal->other, refusal->other_len) };
    memcpy(view.address.bytes, refusal->address, sizeof refusal->address);
    return view;
}

static bool is_same(const struct refusal *a, const struct refusal *b)
{
    struct refusal other = *b;
    other.count = a->count;
    return bytes_equal(a, &other, sizeof other);
}

static struct refusal *find(struct refusals *all, const struct refusal *refusal)
{
    for (size_t i = 0; i < all->count; i++) {
        if (all->at[i].rule == refusal->rule && is_same(&all->at[i], refusal))
            return &all->at[i];
    }
    return NULL;
}

static bool has_place(const struct refusals *all, uint32_t rule)
{
    size_t known = 0;
    for (size_t i = 0; i < all->count; i++)
        known += all->at[i].rule == rule ? 1 : 0;
    return known < REFUSALS_OF_A_RULE && all->count < REFUSALS_ROOM;
}

struct refusal *refusals_add(struct refusals *all, const struct refusal *refusal)
{
    struct refusal *row = find(all, refusal);
    if (row == NULL && !has_place(all, refusal->rule)) {
        all->more += all->more < UINT32_MAX ? 1 : 0;
        return NULL;
    }
    if (row == NULL) {
        row = &all->at[all->count++];
        *row = *refusal;
        return row;
    }
    row->count += row->count < UINT32_MAX ? 1 : 0;
    return row;
}

/* Shorter than what a pipe takes at once or not at all (PIPE_BUF, 4096). */
bool refusal_send(int fd, const struct refusal *refusal)
{
    return write(fd, refusal, sizeof *refusal) == (ssize_t)sizeof *refusal;
}

static bool is_sound(const struct refusal *refusal)
{
    return refusal->rule <= REACH_RULES && refusal->udp <= 1 &&
           refusal->name_len <= HOST_TEXT_MAX && refusal->other_len <= HOST_TEXT_MAX;
}

const struct refusal *refusals_read(struct refusals *all, int fd, bool *open)
{
    struct refusal got;
    ssize_t len = read(fd, &got, sizeof got);
    if (len < 0 && (errno == EINTR || errno == EAGAIN))
        return NULL;
    *open = len == (ssize_t)sizeof got && is_sound(&got);
    if (!*open)
        return NULL;
    if (got.rule == REACH_RULES) {
        all->more = got.count;
        return NULL;
    }
    struct refusal *known = find(all, &got);
    if (known != NULL)
        known->count = got.count;
    return known != NULL ? NULL : refusals_add(all, &got);
}
