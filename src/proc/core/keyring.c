/* keyring.c - see core.h: the keys of the house, as the keeper tells of them. */
#include "base/number.h"
#include "codec/protobuf.h"
#include "model/key.h"
#include "proc/core/core.h"

enum { KEYS = 64, ID_TEXT = 2 * KEY_ID };

/* The keys that an owner can replace; KEY_ROLE_NONE for any other word. */
static enum key_role role_of(struct span name)
{
    static const enum key_role roles[] = { KEY_ROLE_CA, KEY_ROLE_TLS, KEY_ROLE_LOG, KEY_ROLE_NODE };
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (span_equal(name, span_text(key_role_name(roles[i]))))
            return roles[i];
    }
    return KEY_ROLE_NONE;
}

static void ask_to_rotate(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct api_keyring_rotate_request rotate;
    struct values_error error;
    bool read = protobuf_read(&api_keyring_rotate_request, request->body, &scratch, &rotate,
                              &error);
    uint8_t role = read ? (uint8_t)role_of(rotate.role) : KEY_ROLE_NONE;
    if (role == KEY_ROLE_NONE) {
        core_refuse(core, request, REASON_HTTP_BODY_INVALID);
        return;
    }
    struct frame question = { .message = MSG_KEY_ROTATE, .body = span_of(&role, 1) };
    core_ask(core, request, PEER_KEEPER, &question);
}

void core_ask_keeper(struct core *core, const struct request *request)
{
    struct frame question = { .message = MSG_KEYRING_LIST };
    if (request->method == METHOD_KEYRING_ROTATE)
        ask_to_rotate(core, request);
    else
        core_ask(core, request, PEER_KEEPER, &question);
}

/* `names` has room for the ids of all. */
static struct span hex_of(struct sink *names, struct span id)
{
    struct span before = sink_bytes(names);
    sink_hex(names, id);
    return span_of(names->at + before.len, names->len - before.len);
}

static bool read_key(struct cursor *in, struct sink *names, struct api_keyring_key *out)
{
    uint8_t role = 0, state = 0;
    uint64_t created = 0, retired = 0;
    struct span id, point;
    if (!(cur_u8(in, &role) && cur_u8(in, &state) && cur_u64le(in, &created) &&
          cur_u64le(in, &retired) && get_bytes(in, KEY_ID, &id) &&
          get_bytes(in, KEY_PUBLIC_MAX, &point)))
        return false;
    *out = (struct api_keyring_key){
        .id = hex_of(names, id),
        .role = span_text(key_role_name((enum key_role)role)),
        .kind = span_text(key_kind_name(key_role_kind((enum key_role)role))),
        .state = span_text(key_state_name((enum key_state)state)),
        .created = (int64_t)created,
        .retired = (int64_t)retired,
        .public_part = point,
    };
    return true;
}

/* The lower half of the scratch is for the answer's frame. */
static void say(struct core *core, const struct call *call, const struct schema_message *message,
                const void *values)
{
    enum { BODY = 64 << 10 };
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    struct sink body = sink_over(arena_alloc(&scratch, BODY), BODY);
    struct answer said = { .reason = REASON_OK };
    if (!protobuf_write(message, values, &body))
        said.reason = REASON_HOUSE_ANSWER_TOO_LARGE;
    else
        said.body = sink_bytes(&body);
    core_answered(core, call, PEER_KEEPER, &said);
}

rc core_on_keyring(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t text[KEYS * ID_TEXT];
    struct api_keyring_key keys[KEYS];
    struct api_keyring_list_response list = { .keys = { keys, 0 } };
    struct sink names = sink_over(text, sizeof text);
    uint32_t count = 0;
    if (!cur_u64le(&call->body, &list.generation) || !cur_u32le(&call->body, &count) ||
        count > KEYS)
        return door_fault(trail, call, DOOR_E_BODY);
    for (; list.keys.count < count; list.keys.count++) {
        if (!read_key(&call->body, &names, &keys[list.keys.count]))
            return door_fault(trail, call, DOOR_E_BODY);
    }
    if (!cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    say(core, call, &api_keyring_list_response, &list);
    return RC_SUCCESS;
}

rc core_on_rotated(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t memory[2][ID_TEXT];
    struct sink ids[2] = { sink_over(memory[0], ID_TEXT), sink_over(memory[1], ID_TEXT) };
    struct api_keyring_rotate_response rotated = { 0 };
    uint16_t reason = 0;
    struct span id, old;
    if (!cur_u16le(&call->body, &reason) || reason >= REASON_COUNT)
        return door_fault(trail, call, DOOR_E_BODY);
    struct answer refused = { .reason = (enum reason)reason };
    if (reason != REASON_OK) {
        core_answered(core, call, PEER_KEEPER, &refused);
        return RC_SUCCESS;
    }
    if (!(cur_u64le(&call->body, &rotated.generation) && get_bytes(&call->body, KEY_ID, &id) &&
          get_bytes(&call->body, KEY_ID, &old) && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    sink_hex(&ids[0], id);
    sink_hex(&ids[1], old);
    rotated.id = sink_bytes(&ids[0]);
    rotated.replaces = sink_bytes(&ids[1]);
    say(core, call, &api_keyring_rotate_response, &rotated);
    return RC_SUCCESS;
}
