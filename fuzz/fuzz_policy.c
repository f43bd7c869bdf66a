/* fuzz_policy.c - any text as a policy: read or refused with a reason; what is read is sound,
   and judges nothing into a yes. */
#include <stdlib.h>

#include "policy/decide.h"
#include "policy/policy_toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct claims nothing;
    static const struct expectation none;
    struct arena arena;
    struct policy policy;
    static struct toml_problems errors;
    arena_init(&arena, 1 << 22);
    if (policy_load(span_of(data, size), &arena, &policy, &errors)) {
        struct report report = { 0 };
        if (!policy_is_sound(&policy) || errors.count != 0)
            abort();
        if (policy_decide(&policy, &nothing, &none, 0, &report).verdict != DENY)
            abort();
    } else if (errors.count == 0) {
        abort();
    }
    arena_fini(&arena);
    return 0;
}
