/* tokens.c - see core.h: tokens that let a miner ask a challenge.  Core fills one, the keeper signs
   it when it finds it good, and it is given out when its record is durable.  It is kept nowhere. */
#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "os/random.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

enum { AGAIN_MS = 1000, USE_BYTES = 16 };

/* ---- the keys ----------------------------------------------------------------------------- */

void tokens_changed(struct core *core)
{
    core->tokens.known = false;
    core->tokens.id = 0;
    core->tokens.next_ms = 0;
}

int64_t tokens_step(struct core *core, int64_t now_ms)
{
    struct core_tokens *tokens = &core->tokens;
    struct channel *keeper = &core->house->channels[PEER_KEEPER];
    if (tokens->known || !channel_is_open(keeper))
        return INT64_MAX;
    if (now_ms < tokens->next_ms)
        return tokens->next_ms;
    struct frame question = { .message = MSG_KEYRING_LIST, .id = channel_next_id(keeper) };
    tokens->id = rc_ok(channel_put(NULL, keeper, &question)) ? question.id : 0;
    tokens->next_ms = now_ms + AGAIN_MS;
    return tokens->next_ms;
}

/* What is signed now, or may still be shown. */
static void take_key(struct core_tokens *tokens, const struct core_key *key)
{
    bool signs = key->state == KEY_STATE_ACTIVE;
    if (key->role != KEY_ROLE_MINER || key->id.len != KEY_ID || key->point.len != ED25519_PUBLIC)
        return;
    struct miner_key *place = &tokens->keys[tokens->count];
    *place = (struct miner_key){ .retired = signs ? 0 : key->retired };
    memcpy(place->id, key->id.at, sizeof place->id);
    memcpy(place->public_part, key->point.at, sizeof place->public_part);
    if (signs)
        tokens->signs = tokens->count;
    tokens->count++;
}

static void take_result_key(struct core_tokens *tokens, const struct core_key *key)
{
    if (key->role != KEY_ROLE_RESULT || key->state != KEY_STATE_ACTIVE || key->id.len != KEY_ID ||
        key->point.len != ED25519_PUBLIC)
        return;
    memcpy(tokens->result_id, key->id.at, KEY_ID);
    memcpy(tokens->result_key, key->point.at, ED25519_PUBLIC);
    tokens->has_result = true;
}

/* The house's tokens bear the name of its log, which is that of the log's first key. */
static void take_name(struct core_tokens *tokens, const struct core_key *key)
{
    if (key->role != KEY_ROLE_LOG || tokens->issuer_len > 0)
        return;
    struct sink name = sink_over(tokens->issuer, sizeof tokens->issuer);
    key_log_name(&name, key->id);
    tokens->issuer_len = name.len;
}

bool tokens_keyring(struct core *core, struct call *call)
{
    struct core_tokens *tokens = &core->tokens, next = { .signs = CORE_KEYS_MAX };
    uint64_t generation = 0;
    uint32_t count = 0;
    if (!cur_u64le(&call->body, &generation) || !cur_u32le(&call->body, &count) ||
        count > CORE_KEYS_MAX)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct core_key key;
        if (!core_key_read(&call->body, &key))
            return false;
        take_key(&next, &key);
        take_result_key(&next, &key);
        take_name(&next, &key);
    }
    next.known = true;
    next.latest = tokens->latest;
    next.refusals = tokens->refusals;
    *tokens = next;
    return cur_end(&call->body);
}

static struct span issuer_of(const struct core_tokens *tokens)
{
    return span_of(tokens->issuer, tokens->issuer_len);
}

static bool is_over(const struct miner_key *key, int64_t now)
{
    return key->retired != 0 && now - MINER_LIFE_MAX_S > key->retired;
}

static struct span written_since(const struct sink *sink, size_t mark)
{
    return span_of(&sink->at[mark], sink->len - mark);
}

static void describe(const struct miner_key *key, struct sink *text, struct api_token_key *out)
{
    size_t mark = text->len;
    *out = (struct api_token_key){ .kty = span_text("OKP"),
                                   .crv = span_text("Ed25519"),
                                   .alg = span_text("EdDSA"),
                                   .use = span_text("sig"),
                                   .retired = key->retired };
    sink_hex(text, SPAN(key->id));
    out->kid = written_since(text, mark);
    mark = text->len;
    base64url_encode(text, SPAN(key->public_part));
    out->x = written_since(text, mark);
}

enum reason core_token_keys(struct core *core, const struct request *request, struct arena *scratch,
                            struct sink *answer)
{
    enum { EACH = MINER_KEY_ID + 44 };
    const struct core_tokens *tokens = &core->tokens;
    int64_t now = clock_now();
    struct api_token_key *keys = arena_array(scratch, CORE_KEYS_MAX, sizeof *keys);
    uint8_t *memory = arena_room(scratch, CORE_KEYS_MAX * EACH);
    (void)request;
    if (!tokens->known || keys == NULL || memory == NULL)
        return REASON_HOUSE_UNAVAILABLE;
    struct sink text = sink_over(memory, CORE_KEYS_MAX * EACH);
    struct api_token_keys_response said = { .issuer = issuer_of(tokens), .keys = { keys, 0 } };
    for (size_t i = 0; i < tokens->count; i++) {
        if (!is_over(&tokens->keys[i], now))
            describe(&tokens->keys[i], &text, &keys[said.keys.count++]);
    }
    return core_write(&api_token_keys_response, &said, answer);
}

/* ---- issuing ------------------------------------------------------------------------------ */

/* Where the texts of a token's claims lie that are made here. */
struct drawn {
    uint8_t key_id[MINER_KEY_ID], use[MINER_USE];
};

static void draw(const struct core_tokens *tokens, struct drawn *drawn, struct miner_claims *claims)
{
    uint8_t bytes[USE_BYTES];
    struct sink key_id = sink_over(drawn->key_id, sizeof drawn->key_id);
    struct sink use = sink_over(drawn->use, sizeof drawn->use);
    random_bytes(bytes, sizeof bytes);
    base64url_encode(&use, SPAN(bytes));
    sink_hex(&key_id, SPAN(tokens->keys[tokens->signs].id));
    claims->use = sink_bytes(&use);
    claims->key_id = sink_bytes(&key_id);
    claims->issuer = issuer_of(tokens);
}

/* Which of the caller's words no token can have; NULL: none. */
static const char *wrong_of(const struct api_token_issue_request *asked)
{
    const struct span *scopes = asked->scope.items;
    if (!span_equal_text(asked->type, "miner"))
        return "type is not miner";
    if (!miner_subject_is_good(asked->subject))
        return "subject is no hotkey: 32 to 64 characters of base58";
    if (!miner_word_is_good(asked->challenge))
        return "challenge is not 1 to 64 letters, digits, - or _";
    if (asked->job.len > 0 && !miner_word_is_good(asked->job))
        return "job is not 1 to 64 letters, digits, - or _";
    for (size_t i = 0; i < asked->scope.count; i++) {
        if (!miner_scope_is_good(scopes[i]))
            return "scope is neither * nor 1 to 64 letters, digits, - or _";
    }
    return NULL;
}

static void fill(const struct api_token_issue_request *asked, int64_t now,
                 struct miner_claims *claims)
{
    const struct span *scopes = asked->scope.items;
    *claims = (struct miner_claims){
        .audience = asked->challenge,
        .issued = now,
        .not_before = now,
        .expires = now + (asked->seconds > 0 ? asked->seconds : MINER_LIFE_MAX_S),
        .subject = asked->subject,
        .job = asked->job,
        .uid = asked->uid,
        .scope_count = asked->scope.count > 0 ? asked->scope.count : 1,
        .scopes = { span_text(MINER_SCOPE_ALL) },
    };
    for (size_t i = 0; i < asked->scope.count && i < MINER_SCOPES_MAX; i++)
        claims->scopes[i] = scopes[i];
}

static void refuse(struct core *core, const struct request *request, enum reason reason,
                   const char *detail)
{
    struct answer said = { .reason = reason };
    if (detail != NULL)
        said.detail = span_text(detail);
    core_answer(core, request->id, &said);
}

/* What is to be signed, in the place where its answer will lie. */
static enum reason prepare(struct core *core, const struct api_token_issue_request *asked,
                           struct verdict *place)
{
    const struct core_tokens *tokens = &core->tokens;
    struct miner_claims claims;
    struct drawn drawn;
    struct sink input = sink_over(place->answer, MINER_TOKEN_MAX);
    if (!tokens->known)
        return REASON_HOUSE_UNAVAILABLE;
    if (tokens->signs >= tokens->count)
        return REASON_KEYRING_NO_SUCH_KEY;
    fill(asked, clock_now(), &claims);
    draw(tokens, &drawn, &claims);
    if (!miner_claims_are_good(&claims)) /* the clock is not of a time that a token can name */
        return REASON_HOUSE_UNAVAILABLE;
    miner_input_write(&input, &claims);
    place->len = input.len;
    return sink_ok(&input) ? REASON_OK : REASON_SERVER_FAILED;
}

void core_issue_token(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    struct api_token_issue_request asked;
    struct values_error error;
    if (!protobuf_read(&api_token_issue_request, request->body, &scratch, &asked, &error)) {
        core_refuse(core, request, REASON_HTTP_BODY_INVALID);
        return;
    }
    const char *wrong = wrong_of(&asked);
    struct verdict *place = core_vacant_verdict(core->issued, CORE_TOKENS);
    enum reason reason = place == NULL ? REASON_HOUSE_UNAVAILABLE : REASON_HTTP_BODY_INVALID;
    if (wrong == NULL && place != NULL)
        reason = prepare(core, &asked, place);
    if (wrong != NULL || reason != REASON_OK) {
        refuse(core, request, wrong != NULL ? REASON_HTTP_BODY_INVALID : reason, wrong);
        return;
    }
    struct frame question = { .message = MSG_SIGN_MINER,
                              .body = span_of(place->answer, place->len) };
    core_ask(core, request, PEER_KEEPER, &question);
    core_verdict_asked(core, request, place, PEER_KEEPER, question.id);
}

/* The answer takes the place of what was signed.  The keeper is believed: what it signed is
   what lies there. */
static bool write_answer(struct core *core, struct verdict *place, struct span signature,
                         uint64_t *id)
{
    uint8_t memory[MINER_ROOM], text[MINER_TOKEN_MAX], raw[MINER_TOKEN_SIGNATURE];
    struct sink room = sink_over(memory, sizeof memory), whole = sink_over(text, sizeof text);
    struct miner_token token;
    memcpy(raw, signature.at, sizeof raw);
    sink_put(&whole, span_of(place->answer, place->len));
    miner_token_end(&whole, raw);
    if (!sink_ok(&whole) || miner_token_read(sink_bytes(&whole), &room, &token) != MINER_READ)
        return false;
    struct api_token_issue_response issued = { .token = sink_bytes(&whole),
                                               .id = token.claims.use,
                                               .expires = token.claims.expires,
                                               .key_id = token.claims.key_id };
    struct sink out = sink_over(place->answer, CORE_TOKEN_BYTES);
    if (!protobuf_write(&api_token_issue_response, &issued, &out))
        return false;
    place->len = out.len;
    return core_log_token(core, &place->request, &token.claims, id);
}

rc core_on_miner_signed(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint16_t reason = 0;
    uint64_t id = 0;
    if (!cur_u16le(&call->body, &reason) || reason >= REASON_COUNT ||
        cur_left(&call->body) != (reason == REASON_OK ? MINER_TOKEN_SIGNATURE : 0))
        return door_fault(trail, call, DOOR_E_BODY);
    struct pending *pending = core_pending(core, PEER_KEEPER, call->id, false);
    if (pending == NULL || pending->verdict == NULL)
        return RC_SUCCESS; /* too late: answered by the clock */
    if (reason == REASON_OK && pending->verdict->request.method == METHOD_TOKEN_REDEEM) {
        core_redeemed(core, pending, cur_rest(&call->body));
        return RC_SUCCESS;
    }
    if (reason == REASON_OK && write_answer(core, pending->verdict, cur_rest(&call->body), &id)) {
        core_verdict_waits(pending, id);
        return RC_SUCCESS;
    }
    if (reason == REASON_OK) {
        core_not_logged(core);
        reason = REASON_AUDIT_CANNOT_LOG;
    }
    if (reason == REASON_GUARD_KEY_NOT_BOUND) /* it signs with another one by now */
        tokens_changed(core);
    refuse(core, &pending->verdict->request, (enum reason)reason, NULL);
    core_settle(core, pending);
    return RC_SUCCESS;
}
