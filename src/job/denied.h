/* denied.h - what a job tried of the paths that its specification denies: by which entry of
   denied_paths, below it by which name, and how often.  So many kinds are told apart, whatever a
   job does; names are its own words, and only those are said again that do nothing anywhere. */
#ifndef WARD_JOB_DENIED_H
#define WARD_JOB_DENIED_H

#include "base/sink.h"
#include "job/spec.h"

enum {
    DENIED_NAME_MAX = 40,     /* bytes of a name that is told */
    DENIED_NAMES_OF_RULE = 8, /* told apart below one path, */
    DENIED_NAMES = 64,        /* and of all paths; others count for the path */
    DENIED_ROOM = JOB_LIST_MAX + DENIED_NAMES,
};

/* As it lies in memory: both ends are one program.  What is not used is zero. */
struct denied_try {
    uint32_t rule; /* the index in denied_paths */
    uint32_t count;
    uint8_t name_len; /* 0: the path itself, or what no name is told of */
    char name[DENIED_NAME_MAX];
};

/* {0}: none. */
struct denied_tries {
    struct denied_try at[DENIED_ROOM]; /* those without a name by their rule; count 0: it was not */
};

/* denied_is_usual tells whether programs look for that name below that path by themselves, whatever
   they do: a loader, a C library and busybox, below /etc.  Whoever was told of these in each job
   would not see the others. */
bool denied_is_usual(struct span path, struct span name);

/* denied_add counts a try: its row, which is NULL only where there is no such rule. */
struct denied_try *denied_add(struct denied_tries *tries, size_t rule, struct span name);

/* denied_take takes over what somebody else has counted, of a specification with so many rules, and
   gives its row where it is the first of its kind.  Names of which there are more than are told
   apart are not taken.  False: that is no count. */
MUST_USE
bool denied_take(struct denied_tries *tries, const struct denied_try *got, size_t rules,
                 const struct denied_try **is_new);

bool denied_is_sound(const struct denied_try *tried, size_t rules);

/* In words: what was refused and by which rule, and the change that would allow it. */
void denied_write_rule(struct sink *out, const struct span_list *denied,
                       const struct denied_try *tried);
void denied_write_change(struct sink *out, const struct span_list *denied,
                         const struct denied_try *tried);

#endif
