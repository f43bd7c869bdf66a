/* slot.h - the places for jobs on this machine, and what a job that was stopped left in one.

   A place is a number, and its folder holds the id of the job.  Everything that the job makes in
   the kernel or on disk has a name or owners made of the two, and the folder is there before any of
   it: so it is the record, and whoever comes next can take all of it away without having been told.
   The folder is locked by the process that runs the job, and by no other: when that process is
   gone, however it went, the place can be swept. */
#ifndef WARD_SANDBOX_SLOT_H
#define WARD_SANDBOX_SLOT_H

#include "base/result.h"
#include "sandbox/cgroup.h"

enum {
    SLOTS_MAX = 1024,           /* jobs at once on one machine */
    SLOT_IDS = 65536,           /* users and groups of each */
    SLOT_IDS_FROM = 0x70000000, /* above those that systemd gives to containers */
    SLOT_PATH = 128,
    SLOT_ID = 32, /* hex digits of a job's id */
    SLOT_NAME = SLOT_ID + 16,
};

#define SLOTS_FOLDER "/var/lib/ward-jobs"

/* Bytes that a job reserves, or that there are for one. */
struct slot_room {
    uint64_t memory, disk;
};

struct slot {
    unsigned number;
    int folder;            /* open, and locked */
    uint32_t ids;          /* the first of its users and groups */
    char path[SLOT_PATH];  /* of the folder */
    char name[SLOT_NAME];  /* of its control group and of its container: nobody else's */
    struct slot_room left; /* what no other job has reserved */
};

enum slot_error {
    SLOT_E_FULL = 0x2b01,   /* RC_BUSY: as many jobs run as may */
    SLOT_E_MEMORY = 0x2b02, /* RC_BUSY: others have reserved what is wanted, */
    SLOT_E_DISK = 0x2b03,   /* or there never was so much; out->left has what there is */
};

/* What a job is to have. */
struct slot_claim {
    const char *id;        /* SLOT_ID hex digits that no other job has */
    struct slot_room room; /* reserved until the place is given back, */
    uint64_t memory_lent;  /* of so many bytes for all jobs, and of the disk what is free */
};

/* slot_take sweeps the places that nobody holds any more, and takes a free one.  Of claims at the
   same time as many are granted as there is room for: one after the other, and never half. */
MUST_USE
rc slot_take(struct trail *trail, const struct cgroups *groups, const struct slot_claim *claim,
             struct slot *out);

/* slot_give takes away what the job left, its mounts excepted, and the place is free again. */
MUST_USE
rc slot_give(struct trail *trail, const struct cgroups *groups, struct slot *slot);

/* slots_sweep removes what jobs left whose process is gone. */
MUST_USE
rc slots_sweep(struct trail *trail, const struct cgroups *groups);

/* slot_file writes the path of a file in the slot's folder; the name is one of ours, and short. */
void slot_file(const struct slot *slot, const char *name, char out[SLOT_PATH]);

#endif
