/* appraisal.c - see appraisal.h. */
#include "cmd/appraisal.h"

#include <string.h>

#include "cmd/input.h"

/* A policy's errors are many lines; each is said on its own. */
bool appraisal_said(const struct ward_error *error)
{
    const char *line = error->message;
    while (*line != 0) {
        size_t len = strcspn(line, "\n");
        say("%.*s", (int)len, line);
        line += len;
        line += *line == '\n' ? 1 : 0;
    }
    return false;
}

/* A path of the policy file is relative to the folder that the file is in. */
static char *path_beside(struct invocation *in, const char *policy, struct ward_bytes path)
{
    const char *slash = strrchr(policy, '/');
    bool absolute = *(const char *)path.data == '/';
    size_t above = absolute || slash == NULL ? 0 : (size_t)(slash - policy) + 1;
    char *out = arena_alloc(&in->arena, above + path.len + 1);
    if (out == NULL)
        return NULL;
    memcpy(out, policy, above);
    memcpy(out + above, path.data, path.len);
    return out;
}

/* The roots that the policy names by file. */
static bool load_root_files(struct invocation *in, const char *file, struct ward_policy *policy)
{
    struct ward_bytes path;
    for (size_t i = 0; ward_policy_root_file(policy, i, &path); i++) {
        struct ward_error error = { 0 };
        struct ward_bytes root;
        const char *name = path_beside(in, file, path);
        if (name == NULL) {
            say("root_files: out of memory");
            return false;
        }
        if (!input_file(&in->arena, name, COLLATERAL_FILE_MAX, &root))
            return false;
        if (ward_policy_add_root_file(policy, root, &error) != WARD_DONE)
            return appraisal_said(&error);
    }
    return true;
}

bool appraisal_policy(struct invocation *in, const char *policy, const char *root,
                      struct ward_policy **out)
{
    struct ward_error error = { 0 };
    struct ward_bytes toml = { 0 }, more = { 0 };
    if (policy != NULL && !input_file(&in->arena, policy, POLICY_MAX, &toml))
        return false;
    enum ward_outcome outcome = policy != NULL ? ward_policy_load(toml, out, &error)
                                               : ward_policy_new(out, &error);
    if (outcome != WARD_DONE)
        return appraisal_said(&error);
    if (policy != NULL && !load_root_files(in, policy, *out))
        return false;
    if (root != NULL && !input_file(&in->arena, root, COLLATERAL_FILE_MAX, &more))
        return false;
    return root == NULL || ward_policy_add_root(*out, more, &error) == WARD_DONE ||
           appraisal_said(&error);
}
