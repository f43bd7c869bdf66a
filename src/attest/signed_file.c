/* signed_file.c - see signed_file.h. */
#include "attest/signed_file.h"

bool file_problem_set(struct file_problem *problem, const char *what, const char *name)
{
    if (problem->what == NULL)
        *problem = (struct file_problem){ .what = what, .name = name };
    return false;
}

/* The densest list of the schema is {"svn":0},{"svn":0}: two values in ten bytes. */
static size_t most_nodes(struct span text)
{
    size_t count = text.len / 4 + SIGNED_FILE_NODES_MIN;
    return count < SIGNED_FILE_NODES ? count : SIGNED_FILE_NODES;
}

static bool parse(struct span text, struct arena *arena, struct json *out,
                  struct file_problem *problem)
{
    static const struct json_limits limits = { .depth = SIGNED_FILE_DEPTH,
                                               .nodes = SIGNED_FILE_NODES };
    if (text.len > SIGNED_FILE_MAX)
        return file_problem_set(problem, "the file is too large", NULL);
    size_t capacity = most_nodes(text);
    struct json_node *nodes = arena_array(arena, capacity, sizeof *nodes);
    if (nodes == NULL)
        return file_problem_set(problem, "out of memory", NULL);
    struct json_error error = { 0 };
    if (json_parse_into(text, nodes, capacity, &limits, out, &error))
        return true;
    *problem = (struct file_problem){ .what = error.what,
                                      .offset = error.offset,
                                      .has_offset = true };
    return false;
}

bool signed_file_open(struct span text, struct arena *arena, struct signed_file *out,
                      struct file_problem *problem)
{
    struct signed_file file = { .member = "tcbInfo" };
    if (!parse(text, arena, &file.json, problem))
        return false;
    file.value = json_member(&file.json, 0, file.member);
    if (file.value == JSON_NONE) {
        file.member = "enclaveIdentity";
        file.value = json_member(&file.json, 0, file.member);
    }
    if (json_type(&file.json, file.value) != JSON_OBJECT)
        return file_problem_set(problem, "neither tcbInfo nor enclaveIdentity is an object", NULL);
    uint32_t signature = json_member(&file.json, 0, "signature");
    if (!json_hex(&file.json, signature, file.signature, sizeof file.signature))
        return file_problem_set(problem, "missing, or not 128 hex digits", "signature");
    if (json_length(&file.json, 0) != 2)
        return file_problem_set(problem, "more members than signed object and signature", NULL);
    file.signed_bytes = json_raw(&file.json, file.value);
    *out = file;
    return true;
}
