/* keyring.c - see core.h: the keys of the house, as the keeper tells of them. */
#include <string.h>

#include "base/number.h"
#include "codec/protobuf.h"
#include "model/key.h"
#include "os/clock.h"
#include "proc/core/core.h"

enum { KEYS = CORE_KEYS_MAX, ID_TEXT = 2 * KEY_ID };

static const char no_cursor[] = "cursor is not one that was given";

/* The keys that an owner can replace; KEY_ROLE_NONE for any other word. */
static enum key_role role_of(struct span name)
{
    static const enum key_role roles[] = { KEY_ROLE_CA,   KEY_ROLE_TLS,   KEY_ROLE_LOG,
                                           KEY_ROLE_NODE, KEY_ROLE_MINER, KEY_ROLE_RESULT };
    for (size_t i = 0; i < COUNT_OF(roles); i++) {
        if (span_equal(name, span_text(key_role_name(roles[i]))))
            return roles[i];
    }
    return KEY_ROLE_NONE;
}

/* With a word of the caller's it is done once, however often it is asked for. */
static bool is_answered(struct core *core, const struct request *request,
                        const struct repeat_call *call)
{
    const struct repeat *done = NULL;
    if (call->word.len == 0)
        return false;
    struct answer said = { .reason = repeats_find(&core->repeats, call, clock_monotonic_ms(),
                                                  &done) };
    if (said.reason == REASON_OK && done == NULL)
        return false;
    if (done != NULL)
        said.body = span_of(done->answer, done->answer_len);
    core_answer(core, request->id, &said);
    return true;
}

static void ask_to_rotate(struct core *core, const struct request *request)
{
    uint8_t bytes[16];
    struct sink body = sink_over(bytes, sizeof bytes);
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
    /* The scratch is the answer's, too. */
    uint8_t word[API_IDEMPOTENCY_MAX];
    struct repeat_call call = { span_of(word, rotate.idempotency_key.len), role, rotate.if_match };
    if (call.word.len > 0)
        memcpy(word, rotate.idempotency_key.at, call.word.len);
    if (is_answered(core, request, &call))
        return;
    sink_u8(&body, role);
    sink_u64le(&body, rotate.if_match);
    struct frame question = { .message = MSG_KEY_ROTATE, .body = sink_bytes(&body) };
    if (core_ask(core, request, PEER_KEEPER, &question) != NULL && call.word.len > 0)
        repeats_begin(&core->repeats, &call, question.id, clock_monotonic_ms());
}

/* A name of which there is none is refused: it would ask for nothing. */
static const char *read_query(const struct api_keyring_list_request *list, struct key_query *out)
{
    *out = (struct key_query){ .limit = list->limit };
    for (unsigned role = 1; role < KEY_ROLE_COUNT; role++) {
        if (span_equal_text(list->role, key_role_name((enum key_role)role)))
            out->role = (uint8_t)role;
    }
    for (unsigned state = 1; state < KEY_STATE_COUNT; state++) {
        if (span_equal_text(list->state, key_state_name((enum key_state)state)))
            out->state = (uint8_t)state;
    }
    if (list->role.len > 0 && out->role == 0)
        return "role is no role of a key";
    if (list->state.len > 0 && out->state == 0)
        return "state is no state of a key";
    if (list->cursor.len > 0 && list->cursor.len != sizeof out->cursor)
        return no_cursor;
    out->cursor_len = list->cursor.len;
    if (out->cursor_len > 0)
        memcpy(out->cursor, list->cursor.at, out->cursor_len);
    return NULL;
}

static void ask_for_list(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct api_keyring_list_request list;
    struct values_error error;
    struct key_query query;
    struct answer said = { .reason = REASON_HTTP_BODY_INVALID };
    if (!protobuf_read(&api_keyring_list_request, request->body, &scratch, &list, &error)) {
        core_answer(core, request->id, &said);
        return;
    }
    const char *wrong = read_query(&list, &query);
    if (wrong != NULL) {
        said = (struct answer){ .reason = REASON_HTTP_PARAMETER_INVALID,
                                .detail = span_text(wrong) };
        core_answer(core, request->id, &said);
        return;
    }
    struct frame question = { .message = MSG_KEYRING_LIST };
    struct pending *pending = core_ask(core, request, PEER_KEEPER, &question);
    if (pending != NULL)
        pending->keys = query;
}

void core_ask_keeper(struct core *core, const struct request *request)
{
    if (request->method == METHOD_KEYRING_ROTATE)
        ask_to_rotate(core, request);
    else
        ask_for_list(core, request);
}

/* `names` has room for the ids of all. */
static struct span hex_of(struct sink *names, struct span id)
{
    struct span before = sink_bytes(names);
    sink_hex(names, id);
    return span_of(names->at + before.len, names->len - before.len);
}

bool core_key_read(struct cursor *in, struct core_key *out)
{
    struct core_key key = { 0 };
    uint64_t created = 0, retired = 0;
    if (!(cur_u8(in, &key.role) && cur_u8(in, &key.state) && cur_u8(in, &key.of_file) &&
          key.of_file <= 1 && cur_u64le(in, &created) && cur_u64le(in, &retired) &&
          get_bytes(in, KEY_ID, &key.id) && get_bytes(in, KEY_PUBLIC_MAX, &key.point)))
        return false;
    key.created = (int64_t)created;
    key.retired = (int64_t)retired;
    *out = key;
    return true;
}

static bool read_key(struct cursor *in, struct sink *names, struct key_query *is,
                     struct api_keyring_key *out)
{
    struct core_key key;
    if (!core_key_read(in, &key))
        return false;
    is->role = key.role;
    is->state = key.state;
    *out = (struct api_keyring_key){
        .id = hex_of(names, key.id),
        .role = span_text(key_role_name((enum key_role)key.role)),
        .kind = span_text(key_kind_name(key_role_kind((enum key_role)key.role))),
        .state = span_text(key_state_name((enum key_state)key.state)),
        .created = key.created,
        .retired = key.retired,
        .public_part = key.point,
        .source = span_text(key.of_file == 1 ? "file" : "keyring"),
    };
    return true;
}

/* The lower half of the scratch is for the answer's frame. */
static struct answer encode(struct core *core, const struct schema_message *message,
                            const void *values)
{
    enum { BODY = 64 << 10 };
    struct arena scratch = arena_over((uint8_t *)core->scratch + CORE_SCRATCH_MAX,
                                      CORE_SCRATCH_MAX);
    struct sink body = sink_over(arena_alloc(&scratch, BODY), BODY);
    if (!protobuf_write(message, values, &body))
        return (struct answer){ .reason = REASON_HOUSE_ANSWER_TOO_LARGE };
    return (struct answer){ .reason = REASON_OK, .body = sink_bytes(&body) };
}

/* Page by page, in the order in which they were born; a key that is gone is no cursor any more. */
struct paging {
    const struct key_query *query;
    bool begun, full; /* behind the cursor; one more than fits is there */
    struct api_keyring_list_response *page;
    struct api_keyring_key *keys;
};

static void take_key(struct paging *p, const struct key_query *is,
                     const struct api_keyring_key *key)
{
    const struct key_query *query = p->query;
    if (!p->begun) {
        p->begun = span_equal(key->id, span_of(query->cursor, query->cursor_len));
        return;
    }
    if ((query->role != 0 && query->role != is->role) ||
        (query->state != 0 && query->state != is->state))
        return;
    p->full = query->limit != 0 && p->page->keys.count == query->limit;
    if (p->full && p->page->next_cursor.len == 0)
        p->page->next_cursor = p->keys[p->page->keys.count - 1].id;
    if (!p->full)
        p->keys[p->page->keys.count++] = *key;
}

rc core_on_keyring(struct trail *trail, void *self, struct call *call)
{
    static const struct key_query all = { 0 };
    struct core *core = self;
    if (call->id == core->tokens.id && call->id != 0)
        return tokens_keyring(core, call) ? RC_SUCCESS : door_fault(trail, call, DOOR_E_BODY);
    const struct pending *pending = core_pending(core, PEER_KEEPER, call->id, false);
    uint8_t text[KEYS * ID_TEXT];
    struct api_keyring_key keys[KEYS], key;
    struct api_keyring_list_response list = { .keys = { keys, 0 } };
    struct paging paging = { .query = pending != NULL ? &pending->keys : &all,
                             .page = &list,
                             .keys = keys };
    struct sink names = sink_over(text, sizeof text);
    struct key_query is;
    uint32_t count = 0;
    paging.begun = paging.query->cursor_len == 0;
    if (!cur_u64le(&call->body, &list.generation) || !cur_u32le(&call->body, &count) ||
        count > KEYS)
        return door_fault(trail, call, DOOR_E_BODY);
    for (uint32_t i = 0; i < count; i++) {
        if (!read_key(&call->body, &names, &is, &key))
            return door_fault(trail, call, DOOR_E_BODY);
        take_key(&paging, &is, &key);
    }
    if (!cur_end(&call->body))
        return door_fault(trail, call, DOOR_E_BODY);
    struct answer said = { .reason = REASON_HTTP_PARAMETER_INVALID,
                           .detail = span_text(no_cursor) };
    if (paging.begun)
        said = encode(core, &api_keyring_list_response, &list);
    core_answered(core, call, PEER_KEEPER, &said);
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
    tokens_changed(core);
    if (reason != REASON_OK) {
        repeats_end(&core->repeats, call->id, false, (struct span){ 0 }, 0);
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
    struct answer said = encode(core, &api_keyring_rotate_response, &rotated);
    repeats_end(&core->repeats, call->id, said.reason == REASON_OK, said.body,
                clock_monotonic_ms());
    core_answered(core, call, PEER_KEEPER, &said);
    return RC_SUCCESS;
}

rc core_on_certificate(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint8_t of_files = 0;
    uint64_t until = 0;
    uint16_t problem = 0;
    if (!(cur_u8(&call->body, &of_files) && of_files <= 1 && cur_u64le(&call->body, &until) &&
          cur_u16le(&call->body, &problem) && problem < REASON_COUNT && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    core->certificate = (struct core_certificate){ of_files == 1, (int64_t)until,
                                                   (enum reason)problem };
    return RC_SUCCESS;
}
