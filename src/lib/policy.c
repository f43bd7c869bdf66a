/* policy.c - the public face of policies: rules, and the roots that they trust. */
#include "ward/policy.h"

#include <string.h>

#include "base/sink.h"
#include "lib/objects.h"
#include "policy/policy_toml.h"

enum { POLICY_MEMORY_MAX = 8 * 1024 * 1024 };

void policy_object_init(struct ward_policy *policy)
{
    *policy = (struct ward_policy){ .rules = policy_default(), .root_count = 2 };
    policy->roots[0] = intel_sgx_root;
    policy->roots[1] = aws_nitro_root;
}

struct trust_roots policy_roots(const struct ward_policy *policy)
{
    return (struct trust_roots){ policy->roots, policy->root_count };
}

/* NULL without memory. */
static struct ward_policy *make_default(void)
{
    struct arena memory;
    struct ward_policy *policy = object_new(sizeof *policy, POLICY_MEMORY_MAX, &memory);
    if (policy == NULL)
        return NULL;
    policy_object_init(policy);
    policy->memory = memory;
    return policy;
}

enum ward_outcome ward_policy_new(struct ward_policy **out, struct ward_error *error)
{
    struct ward_policy *policy = make_default();
    if (policy == NULL)
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    *out = policy;
    return WARD_DONE;
}

void ward_policy_free(struct ward_policy **policy)
{
    if (policy == NULL || *policy == NULL)
        return;
    struct arena memory = (*policy)->memory;
    *policy = NULL;
    arena_fini(&memory);
}

/* Adds the key of a certificate; *added tells whether it was new. */
static enum ward_outcome add_root(struct ward_policy *policy, struct ward_bytes certificate,
                                  bool *added, struct ward_error *error)
{
    const char *name = certificate.name != NULL ? certificate.name : "root certificate";
    struct trust_roots known = policy_roots(policy);
    struct trust_root root;
    if (!trust_root_read(span_of_bytes(certificate), &root))
        return ERROR(error, WARD_BAD_INPUT,
                     "%s: not one root certificate with a P-256 or P-384 key, in PEM or DER", name);
    *added = trust_roots_find(&known, trust_root_point(&root)) == NULL;
    if (!*added)
        return WARD_DONE;
    if (policy->root_count == POLICY_ROOTS_MAX)
        return ERROR(error, WARD_BAD_INPUT, "%s: a policy trusts at most %d roots", name,
                     POLICY_ROOTS_MAX);
    policy->roots[policy->root_count++] = root;
    return WARD_DONE;
}

static enum ward_outcome load_roots(struct ward_policy *policy, const char *name,
                                    struct ward_error *error)
{
    for (size_t i = 0; i < policy->rules.roots.count; i++) {
        struct span pem = policy->rules.roots.items[i];
        bool added;
        enum ward_outcome outcome = add_root(policy, (struct ward_bytes){ pem.at, pem.len, name },
                                             &added, error);
        if (outcome != WARD_DONE)
            return outcome;
    }
    return WARD_DONE;
}

/* Every mistake of the file on a line of its own, as compilers print them. */
static enum ward_outcome refuse_file(const char *name, const struct toml_problems *errors,
                                     struct ward_error *error)
{
    char text[WARD_ERROR_TEXT];
    struct sink out = sink_over(text, sizeof text);
    size_t kept = errors->count < TOML_PROBLEMS_MAX ? errors->count : TOML_PROBLEMS_MAX;
    for (size_t i = 0; i < kept; i++) {
        const struct toml_problem *e = &errors->list[i];
        sink_format(&out, "%s%s:%u:%u: %s", i > 0 ? "\n" : "", name, e->place.line, e->place.column,
                    e->text);
    }
    sink_terminate(&out);
    return ERROR(error, WARD_BAD_INPUT, "%s", text);
}

static bool paths_are_usable(const struct span_list *paths)
{
    for (size_t i = 0; i < paths->count; i++)
        if (memchr(paths->items[i].at, 0, paths->items[i].len) != NULL)
            return false;
    return true;
}

enum ward_outcome ward_policy_load(struct ward_bytes toml, struct ward_policy **out,
                                   struct ward_error *error)
{
    const char *name = toml.name != NULL ? toml.name : "policy";
    struct toml_problems errors = { 0 };
    struct ward_policy *policy = make_default();
    if (policy == NULL)
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    enum ward_outcome outcome;
    struct span text;
    if (toml.data == NULL && toml.len > 0)
        outcome = ERROR(error, WARD_BAD_INPUT, "%s: %zu bytes at no address", name, toml.len);
    else if (!arena_copy(&policy->memory, span_of_bytes(toml), &text))
        outcome = ERROR(error, WARD_NO_MEMORY, "out of memory");
    else if (!policy_load(text, &policy->memory, &policy->rules, &errors))
        outcome = refuse_file(name, &errors, error);
    else if (!paths_are_usable(&policy->rules.root_files))
        outcome = ERROR(error, WARD_BAD_INPUT, "%s: root_files has a path with a NUL", name);
    else
        outcome = load_roots(policy, name, error);
    if (outcome != WARD_DONE) {
        ward_policy_free(&policy);
        return outcome;
    }
    *out = policy;
    return WARD_DONE;
}

bool ward_policy_root_file(const struct ward_policy *policy, size_t index, struct ward_bytes *out)
{
    const struct span_list *paths = &policy->rules.root_files;
    if (index >= paths->count)
        return false;
    *out = (struct ward_bytes){ paths->items[index].at, paths->items[index].len, "root_files" };
    return true;
}

enum ward_outcome ward_policy_add_root_file(struct ward_policy *policy,
                                            struct ward_bytes certificate, struct ward_error *error)
{
    bool added;
    return add_root(policy, certificate, &added, error);
}

void ward_policy_allow_debug(struct ward_policy *policy)
{
    policy->rules.relaxed.allow_debug = true;
}

void ward_policy_allow_trailing(struct ward_policy *policy)
{
    policy->rules.relaxed.trailing = true;
}

enum ward_outcome ward_policy_allow_tcb(struct ward_policy *policy, const char *status,
                                        struct ward_error *error)
{
    enum tcb_status found = tcb_status_find(span_text(status));
    if (found == TCB_STATUS_NONE || found == TCB_REVOKED)
        return ERROR(error, WARD_BAD_INPUT,
                     "\"%s\" is no TCB status that can be allowed: SWHardeningNeeded, "
                     "ConfigurationNeeded, ConfigurationAndSWHardeningNeeded, OutOfDate, "
                     "OutOfDateConfigurationNeeded, TDRelaunchAdvised, "
                     "TDRelaunchAdvisedConfigurationNeeded",
                     status);
    policy->rules.relaxed.tcb |= TCB_STATUS_BIT(found);
    return WARD_DONE;
}

enum ward_outcome ward_policy_add_root(struct ward_policy *policy, struct ward_bytes certificate,
                                       struct ward_error *error)
{
    bool added = false;
    enum ward_outcome outcome = add_root(policy, certificate, &added, error);
    /* A vendor's own root is trusted already: naming it is no relaxation. */
    if (outcome == WARD_DONE && added)
        policy->rules.relaxed.root = true;
    return outcome;
}
