/* appraisal.h - the policy by which a command judges evidence, from the files that it is told. */
#ifndef WARD_CMD_APPRAISAL_H
#define WARD_CMD_APPRAISAL_H

#include "cmd/command.h"
#include "ward/policy.h"

/* appraisal_policy makes the policy of a file, or the default one (NULL), with the roots that it
   names by file, and one more (NULL: none).  The caller frees it, also on failure.  False: it has
   said what cannot be used. */
MUST_USE bool appraisal_policy(struct invocation *in, const char *policy, const char *root,
                               struct ward_policy **out);

/* appraisal_said says an error of libward's, which may be many lines; false. */
bool appraisal_said(const struct ward_error *error);

#endif
