/* refusal.h - what a fence has refused, each kind of it once with how often: a job that asks a
   million times costs a number.  The records go over a pipe from a process that a job may have
   taken: they have a form and bounds, and what has another is no refusal. */
#ifndef WARD_SANDBOX_REFUSAL_H
#define WARD_SANDBOX_REFUSAL_H

#include "codec/host_name.h"
#include "job/reach.h"

/* Kinds that are kept apart, so many for each rule: what a job does against one hides nothing of
   another.  Of further ones there is only the number. */
enum { REFUSALS_OF_A_RULE = 16, REFUSALS_ROOM = REACH_RULES * REFUSALS_OF_A_RULE };

/* As it lies in memory: both ends are one program.  What is not used is zero. */
struct refusal {
    uint32_t rule; /* enum reach_rule; REACH_RULES: of all kinds that found no room */
    uint32_t count;
    uint16_t port;
    uint8_t udp, name_len, other_len;
    uint8_t address[ADDRESS_LEN];
    char name[HOST_TEXT_MAX], other[HOST_TEXT_MAX];
};

struct refusals {
    struct refusal at[REFUSALS_ROOM];
    size_t count;
    uint32_t more; /* refused beyond those */
};

/* refusal_make is one of them; what is too long for a name is cut. */
struct refusal refusal_make(const struct reach_refusal *what);

/* refusal_view is the way back; it views the record. */
struct reach_refusal refusal_view(const struct refusal *refusal);

/* refusals_add counts one: the row of its kind, NULL where it found no room. */
struct refusal *refusals_add(struct refusals *all, const struct refusal *refusal);

MUST_USE
bool refusal_send(int fd, const struct refusal *refusal);

/* refusals_read takes one record from a pipe: a new row, or NULL where a known one has only another
   number.  *open is false at the end of the pipe, or after what is no record. */
const struct refusal *refusals_read(struct refusals *all, int fd, bool *open);

#endif
