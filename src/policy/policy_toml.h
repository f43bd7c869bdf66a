/* policy_toml.h - reads a policy from TOML.  Every mistake of the file is found at once, with
   its place and, for an unknown key, the nearest known one.  Opens no file: roots named by
   path stay paths. */
#ifndef WARD_POLICY_POLICY_TOML_H
#define WARD_POLICY_POLICY_TOML_H

#include "base/arena.h"
#include "codec/toml_shape.h"
#include "policy/policy.h"

enum { POLICY_TEXT_MAX = 1 << 20 }; /* bytes of a policy file */

/* policy_load reads a whole policy file on top of policy_default.  On success *out views only
   the arena, never the text.  On failure *out is untouched and *problems holds at least one.  A
   policy that it makes is sound. */
MUST_USE
bool policy_load(struct span toml, struct arena *arena, struct policy *out,
                 struct toml_problems *problems);

#endif
