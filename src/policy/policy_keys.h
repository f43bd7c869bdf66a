/* policy_keys.h - the one table of what a policy file may say.  It drives the reader, its
   bounds and defaults, and docs/policy.md; a key that is not in it is an error. */
#ifndef WARD_POLICY_POLICY_KEYS_H
#define WARD_POLICY_POLICY_KEYS_H

#include "codec/toml_shape.h"
#include "policy/policy.h"

/* Fills a struct policy. */
extern const struct toml_shape policy_shape;

#endif
