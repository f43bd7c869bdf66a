/* vmm_reply.c - see vmm_reply.h. */
#include "job/vmm_reply.h"

#include "codec/json.h"
#include "codec/url.h"

static bool no(const char **why, const char *words)
{
    *why = words;
    return false;
}

/* An object, whatever else is in it. */
static bool parse(struct span text, struct arena *arena, struct json *out, const char **why)
{
    static const struct json_limits limits = { .depth = 16, .nodes = VMM_NODES_MAX };
    struct json json;
    if (text.len > VMM_REPLY_MAX || !json_parse(text, arena, &limits, &json, NULL))
        return no(why, "it is no JSON, or too much of it");
    if (json_type(&json, 0) != JSON_OBJECT)
        return no(why, "it is no object");
    *out = json;
    return true;
}

/* It stands in no path, but it is shown, compared and sent back. */
static bool read_id(const struct json *json, uint32_t node, struct span *out)
{
    return json_string(json, node, out) && out->len <= VMM_ID_MAX && url_is_plain(*out, "-_");
}

/* One that may be left out, or null.  Longer ones are none. */
static bool read_words(const struct json *json, uint32_t object, const char *name,
                       struct arena *arena, struct span *out)
{
    const uint32_t node = json_member(json, object, name);
    const enum json_type type = json_type(json, node);
    *out = (struct span){ 0 };
    if (type == JSON_MISSING || type == JSON_NULL)
        return true;
    const size_t len = json_raw(json, node).len;
    if (type != JSON_STRING || len > VMM_WORDS_MAX)
        return false;
    uint8_t *room = arena_room(arena, len);
    struct sink text = sink_over(room, room == NULL ? 0 : len);
    if (!json_string_copy(json, node, &text))
        return false;
    *out = sink_bytes(&text);
    return true;
}

static enum vmm_status status_of(const struct json *json, uint32_t node)
{
    if (json_equal_text(json, node, "running"))
        return VMM_STATUS_RUNS;
    return json_equal_text(json, node, "stopped") || json_equal_text(json, node, "exited")
               ? VMM_STATUS_ENDED
               : VMM_STATUS_OTHER;
}

static bool read_machine(const struct json *json, uint32_t node, struct arena *arena,
                         struct vmm_machine *out, const char **why)
{
    struct vmm_machine machine = { 0 };
    const uint32_t status = json_member(json, node, "status");
    if (!read_id(json, json_member(json, node, "id"), &machine.id))
        return no(why, "a machine's id is none");
    if (json_type(json, json_member(json, node, "name")) != JSON_STRING ||
        !read_words(json, node, "name", arena, &machine.name))
        return no(why, "a machine's name is none");
    if (json_type(json, status) != JSON_STRING)
        return no(why, "a machine's status is none");
    machine.status = status_of(json, status);
    if (!read_words(json, node, "app_id", arena, &machine.app_id) ||
        !read_words(json, node, "boot_progress", arena, &machine.progress) ||
        !read_words(json, node, "boot_error", arena, &machine.fault))
        return no(why, "what a machine says is no text, or too long");
    *out = machine;
    return true;
}

bool vmm_read_id(struct span text, struct arena *arena, struct span *out, const char **why)
{
    struct json json;
    struct span id;
    if (!parse(text, arena, &json, why))
        return false;
    if (!read_id(&json, json_member(&json, 0, "id"), &id))
        return no(why, "its id is none");
    *out = id;
    return true;
}

bool vmm_read_info(struct span text, struct arena *arena, struct span id, bool *found,
                   struct vmm_machine *out, const char **why)
{
    struct json json;
    struct vmm_machine machine = { 0 };
    bool there;
    if (!parse(text, arena, &json, why))
        return false;
    if (!json_bool(&json, json_member(&json, 0, "found"), &there))
        return no(why, "it does not say whether the machine is there");
    const uint32_t info = json_member(&json, 0, "info");
    if (there && json_type(&json, info) != JSON_OBJECT)
        return no(why, "the machine is there, and nothing is said of it");
    if (there && !read_machine(&json, info, arena, &machine, why))
        return false;
    if (there && !span_equal(machine.id, id))
        return no(why, "it is of another machine");
    *found = there;
    *out = machine;
    return true;
}

bool vmm_read_status(struct span text, struct arena *arena, struct vmm_machines *out,
                     const char **why)
{
    struct json json;
    if (!parse(text, arena, &json, why))
        return false;
    const uint32_t list = json_member(&json, 0, "vms");
    const size_t length = json_length(&json, list);
    if (json_type(&json, list) != JSON_ARRAY || length > VMM_MACHINES_MAX)
        return no(why, "it has no list of machines, or too long a one");
    struct vmm_machine *items = arena_array(arena, length, sizeof *items);
    size_t count = 0;
    if (items == NULL)
        return no(why, "out of memory");
    for (uint32_t node = json_first(&json, list); node != JSON_NONE;
         node = json_next(&json, node)) {
        if (!read_machine(&json, node, arena, &items[count++], why))
            return false;
    }
    *out = (struct vmm_machines){ items, count };
    return true;
}

bool vmm_read_capacity(struct span text, struct arena *arena, struct vmm_capacity *out,
                       const char **why)
{
    struct json json;
    struct vmm_capacity is;
    if (!parse(text, arena, &json, why))
        return false;
    const uint32_t has = json_member(&json, 0, "resources");
    if (!json_u64(&json, json_member(&json, has, "max_cvm_number"), UINT32_MAX, &is.machines) ||
        !json_u64(&json, json_member(&json, has, "max_allocable_vcpu"), UINT32_MAX, &is.vcpu) ||
        !json_u64(&json, json_member(&json, has, "max_allocable_memory_in_mb"), UINT32_MAX,
                  &is.memory_mib))
        return no(why, "it does not say what it has");
    *out = is;
    return true;
}

void vmm_error_write(struct sink *out, struct span text, struct arena *arena)
{
    struct json json;
    struct span words;
    const char *why;
    if (parse(text, arena, &json, &why) && read_words(&json, 0, "error", arena, &words))
        sink_put(out, words);
}
