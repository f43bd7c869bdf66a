/* vmm_reply.h - what a dstack VMM answers, as a stranger wrote it: JSON, of which the members that
   are used must be of their kind and within bounds.  Others may be there.  Reads no socket.

   What is read lives in the arena or in the text. */
#ifndef WARD_JOB_VMM_REPLY_H
#define WARD_JOB_VMM_REPLY_H

#include "base/arena.h"
#include "base/sink.h"

enum {
    VMM_REPLY_MAX = 2 << 20,   /* bytes of one answer */
    VMM_NODES_MAX = 128 << 10, /* values of one */
    VMM_ID_MAX = 64,           /* bytes of a machine's id: letters, digits, "-" and "_" */
    VMM_MACHINES_MAX = 4096,   /* of one VMM */
    VMM_WORDS_MAX = 1024,      /* bytes of what a machine says of its beginning */
    VMM_ARENA = VMM_REPLY_MAX + 4 * 16 * VMM_NODES_MAX, /* for reading one, with room to spare */
};

enum vmm_status {
    VMM_STATUS_OTHER = 0, /* on its way to one of the others, or a word that is not known */
    VMM_STATUS_RUNS,
    VMM_STATUS_ENDED, /* by itself, or because somebody stopped it */
};

struct vmm_machine {
    struct span id, name;
    enum vmm_status status;
    struct span app_id;          /* as it is written; may be empty */
    struct span progress, fault; /* of its beginning, in its own words; may be empty */
};

struct vmm_machines {
    const struct vmm_machine *items;
    size_t count;
};

/* What a VMM has for all machines. */
struct vmm_capacity {
    uint64_t machines, vcpu, memory_mib;
};

/* Each is false for what no VMM answers, and *why is a few words then, static text; *out is
   untouched. */
MUST_USE
bool vmm_read_id(struct span text, struct arena *arena, struct span *out, const char **why);

/* Whose id is another than the one that was asked for is none.  *found: whether there is one. */
MUST_USE
bool vmm_read_info(struct span text, struct arena *arena, struct span id, bool *found,
                   struct vmm_machine *out, const char **why);
MUST_USE
bool vmm_read_status(struct span text, struct arena *arena, struct vmm_machines *out,
                     const char **why);
MUST_USE
bool vmm_read_capacity(struct span text, struct arena *arena, struct vmm_capacity *out,
                       const char **why);

/* vmm_error_write appends what a VMM says of a call that it refuses, where it says it as VMMs do.
 */
void vmm_error_write(struct sink *out, struct span text, struct arena *arena);

#endif
