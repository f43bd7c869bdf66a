/* policy_toml.h - reads a policy from TOML.  Every mistake of the file is found at once, with
   its place and, for an unknown key, the nearest known one.  Opens no file: roots named by
   path stay paths. */
#ifndef WARD_POLICY_POLICY_TOML_H
#define WARD_POLICY_POLICY_TOML_H

#include "base/arena.h"
#include "policy/policy.h"

enum {
    POLICY_TEXT_MAX = 1 << 20, /* bytes of a policy file */
    POLICY_ERROR_MAX = 32,     /* errors kept; more are counted */
    POLICY_ERROR_TEXT_MAX = 200,
};

struct policy_error {
    uint32_t line, column;            /* from 1; 0 when the error has no place */
    char text[POLICY_ERROR_TEXT_MAX]; /* NUL-terminated, printable ASCII */
};

struct policy_errors {
    size_t count; /* all that were found, also past those that are kept */
    struct policy_error list[POLICY_ERROR_MAX];
};

/* policy_load reads a whole policy file on top of policy_default.  On success *out views only
   the arena, never the text.  On failure *out is untouched and *errors holds at least one
   error.  A policy that it makes is sound. */
MUST_USE
bool policy_load(struct span toml, struct arena *arena, struct policy *out,
                 struct policy_errors *errors);

#endif
