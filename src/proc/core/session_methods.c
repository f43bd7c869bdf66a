/* session_methods.c - see sessions.h: the owner lists, grants and revokes; a session looks at
   itself and ends itself. */
#include <string.h>

#include "base/number.h"
#include "codec/hex.h"
#include "codec/protobuf.h"
#include "proc/core/core.h"

enum { LIST_USUAL = 100, ID_TEXT = 2 * SESSION_ID };

static bool id_text(const uint8_t token[STORE_ID_LEN], struct arena *scratch, struct span *out)
{
    uint8_t *room = arena_alloc(scratch, ID_TEXT);
    struct sink text = sink_over(room, room == NULL ? 0 : ID_TEXT);
    session_id_write(&text, token);
    *out = sink_bytes(&text);
    return sink_ok(&text);
}

static bool show(const struct store_session *session, struct arena *scratch,
                 struct api_session *out)
{
    *out = (struct api_session){
        .name = span_of(session->name, session->name_len),
        .profile = span_text(session_profile_name(session->profile)),
        .public_key = SPAN(session->key),
        .vouched = session->vouched,
        .unbound = session_is_unbound(session),
        .created = session->created,
        .expires = session->expires,
    };
    return id_text(session->token, scratch, &out->id);
}

static enum reason page_of(struct core *core, struct span after, struct store_page *page)
{
    enum reason there = core_store_is_there(core);
    if (there != REASON_OK)
        return there;
    rc read = store_session_page(NULL, &core->store.store, sessions_now(core), after, page);
    return rc_ok(read) ? REASON_OK : reason_of_rc(read, REASON_STORE_IO);
}

/* --- The owner. ---------------------------------------------------------------------------- */

enum reason core_session_list(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *answer)
{
    struct api_session_list_request wanted;
    struct api_session_list_response list = { .next = { 0 } };
    struct values_error error;
    uint8_t after[STORE_ID_LEN], last[2 * STORE_ID_LEN];
    struct sink begin = sink_over(after, sizeof after), next = sink_over(last, sizeof last);
    if (!protobuf_read(&api_session_list_request, request->body, scratch, &wanted, &error) ||
        !hex_decode_sink(wanted.after, &begin))
        return REASON_HTTP_BODY_INVALID;
    size_t most = wanted.limit == 0 ? LIST_USUAL : wanted.limit;
    struct store_page page = { .cap = most + 1 };
    page.rows = arena_array(scratch, page.cap, sizeof *page.rows);
    struct api_session *sessions = arena_array(scratch, most, sizeof *sessions);
    if (page.rows == NULL || sessions == NULL)
        return REASON_OUT_OF_MEMORY;
    enum reason reason = page_of(core, sink_bytes(&begin), &page);
    if (reason != REASON_OK)
        return reason;
    list.sessions.items = sessions;
    for (size_t i = 0; i < page.count && i < most; i++) {
        if (!show(&page.rows[i], scratch, &sessions[list.sessions.count++]))
            return REASON_OUT_OF_MEMORY;
    }
    if (page.count > most) {
        /* The whole digest: what goes on is past all of it. */
        sink_hex(&next, SPAN(page.rows[most - 1].token));
        list.next = sink_bytes(&next);
    }
    return core_write(&api_session_list_response, &list, answer);
}

/* The one whose digest begins so: the first past what is one less. */
static enum reason find(struct core *core, const uint8_t id[SESSION_ID], struct store_session *out)
{
    uint8_t after[STORE_ID_LEN];
    struct store_page page = { .rows = out, .cap = 1 };
    memcpy(after, id, SESSION_ID);
    memset(&after[SESSION_ID], 0xff, sizeof after - SESSION_ID);
    size_t i = SESSION_ID;
    while (i > 0 && after[i - 1]-- == 0)
        i--;
    if (i == 0) /* of zeros alone: none is before it */
        return REASON_STORE_NO_SESSION;
    enum reason reason = page_of(core, SPAN(after), &page);
    if (reason != REASON_OK)
        return reason;
    bool found = page.count == 1 && bytes_equal(out->token, id, SESSION_ID);
    return found ? REASON_OK : REASON_STORE_NO_SESSION;
}

enum reason core_session_wants(struct core *core, const struct request *request,
                               struct store_session *out)
{
    uint8_t memory[512], id[SESSION_ID];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct api_session_revoke_request revoke;
    struct values_error error;
    if (request->method == METHOD_SESSION_END) {
        *out = request->session;
        return REASON_OK;
    }
    if (!protobuf_read(&api_session_revoke_request, request->body, &scratch, &revoke, &error))
        return REASON_HTTP_BODY_INVALID;
    if (revoke.id.len != ID_TEXT || !hex_decode(revoke.id, id, sizeof id))
        return REASON_STORE_NO_SESSION;
    return find(core, id, out);
}

/* It is in the log already, whichever of the two wanted it. */
enum reason core_session_over(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *answer)
{
    (void)scratch;
    struct store_session session;
    enum reason reason = core_session_wants(core, request, &session);
    if (reason != REASON_OK)
        return reason;
    rc ended = store_session_end(NULL, &core->store.store, sessions_now(core), session.token);
    if (!rc_ok(ended))
        return reason_of_rc(ended, REASON_STORE_IO);
    session_is_over(core, session.token);
    uint8_t bytes[ID_TEXT];
    struct sink id = sink_over(bytes, sizeof bytes);
    session_id_write(&id, session.token);
    const struct api_session_end_response said = { sink_bytes(&id) };
    return core_write(&api_session_end_response, &said, answer);
}

static void granted(struct core *core, uint64_t whose, const struct session_granted *granted)
{
    uint8_t bytes[256], text[ID_TEXT];
    struct sink body = sink_over(bytes, sizeof bytes), id = sink_over(text, sizeof text);
    struct answer said = { .reason = granted->reason };
    if (granted->reason == REASON_OK) {
        session_id_write(&id, granted->session->token);
        struct api_session_grant_response session = {
            .token = granted->token,
            .id = sink_bytes(&id),
            .expires = granted->session->expires,
        };
        said.reason = core_write(&api_session_grant_response, &session, &body);
        said.body = sink_bytes(&body);
    }
    core_answer(core, whose, &said);
}

/* The share of the owner's word is that of a key: it may be renewed for ever and fills nothing. */
void core_ask_session(struct core *core, const struct request *request)
{
    uint8_t memory[1024];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct api_session_grant_request wanted;
    struct values_error error;
    struct session_setup setup = { .profile = SESSION_V2, .vouched = true };
    if (!protobuf_read(&api_session_grant_request, request->body, &scratch, &wanted, &error)) {
        core_refuse(core, request, REASON_HTTP_BODY_INVALID);
        return;
    }
    if (wanted.public_key.len != sizeof setup.key) {
        core_refuse(core, request, REASON_SESSION_KEY);
        return;
    }
    if (span_equal_text(wanted.profile, "sdk-v1"))
        setup.profile = SESSION_SDK_V1;
    else if (wanted.profile.len > 0 && !span_equal_text(wanted.profile, "v2"))
        setup.profile = SESSION_NONE;
    setup.name = wanted.name;
    memcpy(setup.key, wanted.public_key.at, sizeof setup.key);
    memcpy(setup.address, request->address, sizeof setup.address);
    memcpy(setup.trace, request->trace, sizeof setup.trace);
    const struct span parts[] = { span_text("ward session vouched\n"), SPAN(setup.key) };
    hash_sha256_parts(parts, COUNT_OF(parts), setup.identity);
    core_session_grant(core, &setup, granted, request->id);
}

/* --- The session itself. ------------------------------------------------------------------- */

enum reason core_session_show(struct core *core, const struct request *request,
                              struct arena *scratch, struct sink *answer)
{
    struct api_session session;
    (void)core;
    if (!show(&request->session, scratch, &session))
        return REASON_OUT_OF_MEMORY;
    return core_write(&api_session, &session, answer);
}
