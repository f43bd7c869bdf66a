/* parts.h - what the files of this room share. */
#ifndef WARD_SOURCE_PARTS_H
#define WARD_SOURCE_PARTS_H

#include "source/call.h"
#include "source/source.h"

/* source_fail fills *problem and is false.  The detail is printf text, made printable and cut. */
bool source_fail(struct source_problem *problem, enum reason reason, const char *detail, ...)
    PRINTF_LIKE(3, 4);

/* source_fail_errno is that for a system call that failed on `what`. */
bool source_fail_errno(struct source_problem *problem, int error, const char *what);

/* nsm.c, tsm.c and agent.c: each its kinds.  They do not look at what the evidence bears. */
bool source_nsm_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                      struct source_evidence *out, struct source_problem *problem);
bool source_tsm_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                      struct source_evidence *out, struct source_problem *problem);
bool source_agent_quote(struct source *source, const struct source_ask *ask, struct arena *arena,
                        struct source_evidence *out, struct source_problem *problem);

/* judge.c: the evidence is a quote or a document that bears what was asked.  Zeros after its end
   are cut off. */
bool source_judge(const struct source_ask *ask, struct arena *arena, struct source_evidence *made,
                  struct source_problem *problem);

/* What nsm.c and agent.c read out of an answer; of a kind that agent.c asks. */
bool source_nsm_read(struct span answer, struct source_evidence *out,
                     struct source_problem *problem);
bool source_agent_read(enum source_kind kind, const struct source_reply *reply, struct arena *arena,
                       struct source_evidence *out, struct source_problem *problem);

#endif
