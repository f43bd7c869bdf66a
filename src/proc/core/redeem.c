/* redeem.c - see core.h: a miner's token is used up for one request, and the house vouches for that
   request.  In this order: the challenge is one that the house knows, the token is good for it, it
   was not used before, and only then is anything signed.

   Used is used, whatever comes after: a token whose request then fails is not given back. */
#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "codec/protobuf.h"
#include "codec/verified_request.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/peer_text.h"

/* A clock that is set back brings no token to life that it had let expire: within one life of core
   time does not run backwards for them. */
static int64_t time_of_tokens(struct core_tokens *tokens)
{
    int64_t now = clock_now();
    if (now > tokens->latest)
        tokens->latest = now;
    return tokens->latest;
}

static enum reason reason_of(rc failure)
{
    enum reason reason = reason_of_rc(failure, REASON_HOUSE_UNAVAILABLE);
    return reason == REASON_STORE_USED ? REASON_MINER_TOKEN_REPLAYED : reason;
}

/* The owner's edge may vouch for a request to any peer; the house passes on to its public ones. */
static bool is_challenge(const struct core *core, struct span name, enum caller caller)
{
    const struct peer_settings *peer = peer_find(&core->house->settings, name);
    return peer != NULL && (caller != CALLER_MINER || peer->public[0] != 0);
}

static enum reason judge(struct core *core, const struct api_token_redeem_request *asked,
                         enum caller caller, struct sink *room, struct miner *out)
{
    struct core_tokens *tokens = &core->tokens;
    struct miner_rules rules = {
        .keys = tokens->keys,
        .key_count = tokens->count,
        .issuer = span_of(tokens->issuer, tokens->issuer_len),
        .audience = asked->challenge,
        .route = asked->route,
        .now = time_of_tokens(tokens),
    };
    if (!is_challenge(core, asked->challenge, caller))
        return REASON_CHALLENGE_UNKNOWN;
    if (!tokens->known)
        return REASON_HOUSE_UNAVAILABLE;
    if (tokens->signs >= tokens->count)
        return REASON_KEYRING_NO_SUCH_KEY;
    enum reason there = core_miners_let_in(core, &rules.miners);
    if (there != REASON_OK)
        return there;
    rc judged = miner_judge(NULL, asked->token, &rules, room, out);
    return rc_ok(judged) ? REASON_OK : reason_of(judged);
}

/* What the store has is durable before anything is signed: neither a second request at the same
   time nor one after a restart finds the token unused. */
static enum reason use_up(struct core *core, const struct miner *miner)
{
    enum reason there = core_store_is_there(core);
    if (there != REASON_OK)
        return there;
    rc used = store_nonce_use(NULL, &core->store.store, core->tokens.latest, miner->identity,
                              miner->once, miner->until);
    return rc_ok(used) ? REASON_OK : reason_of(used);
}

/* What is vouched for; false: a part of it can be in no request. */
static bool describe(const struct api_token_redeem_request *asked, struct verified_request *out)
{
    *out = (struct verified_request){ .challenge = asked->challenge,
                                      .method = asked->method,
                                      .route = asked->route,
                                      .query = asked->query,
                                      .at = clock_now() };
    if (asked->body_hash.len != sizeof out->body_hash)
        return false;
    memcpy(out->body_hash, asked->body_hash.at, sizeof out->body_hash);
    return true;
}

/* What the security log is told of: somebody showed a token that is not good. */
static bool is_of_token(enum reason reason)
{
    static const enum reason reasons[] = {
        REASON_MINER_TOKEN_MALFORMED, REASON_MINER_TOKEN_ALGORITHM, REASON_MINER_TOKEN_KEY,
        REASON_MINER_TOKEN_SIGNATURE, REASON_MINER_TOKEN_ISSUER,    REASON_MINER_TOKEN_AUDIENCE,
        REASON_MINER_TOKEN_EARLY,     REASON_MINER_TOKEN_EXPIRED,   REASON_MINER_TOKEN_SCOPE,
        REASON_MINER_TOKEN_REPLAYED,  REASON_MINER_UNKNOWN,
    };
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        if (reasons[i] == reason)
            return true;
    }
    return false;
}

static void refuse(struct core *core, const struct request *request, enum reason reason,
                   struct span challenge)
{
    if (is_of_token(reason))
        core_log_token_refused(core, request, reason, challenge);
    core_refuse(core, request, reason);
}

/* What is read of the token lies in the room, and so does the key's id. */
static enum reason admit(struct core *core, const struct api_token_redeem_request *asked,
                         enum caller caller, struct sink *room, struct verified_request *out)
{
    struct miner miner = { 0 };
    enum reason reason = judge(core, asked, caller, room, &miner);
    size_t mark = room->len;
    if (reason != REASON_OK)
        return reason;
    sink_hex(room, SPAN(core->tokens.keys[core->tokens.signs].id));
    out->key_id = span_of(&room->at[mark], room->len - mark);
    out->once = miner.use;
    out->hotkey = miner.hotkey;
    out->uid = miner.uid;
    out->job = miner.job;
    return verified_request_is_good(out) ? use_up(core, &miner) : REASON_HTTP_BODY_INVALID;
}

void core_redeem_token(struct core *core, const struct request *request)
{
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    uint8_t memory[MINER_ROOM + MINER_KEY_ID];
    struct sink room = sink_over(memory, sizeof memory);
    struct api_token_redeem_request asked;
    struct verified_request verified;
    struct values_error error;
    struct verdict *place = core_vacant_verdict(core->issued, CORE_TOKENS);
    if (!protobuf_read(&api_token_redeem_request, request->body, &scratch, &asked, &error) ||
        !describe(&asked, &verified)) {
        core_refuse(core, request, REASON_HTTP_BODY_INVALID);
        return;
    }
    if (place == NULL || !channel_is_open(&core->house->channels[PEER_KEEPER])) {
        core_refuse(core, request, REASON_HOUSE_UNAVAILABLE);
        return;
    }
    enum reason reason = admit(core, &asked, request->caller, &room, &verified);
    if (reason != REASON_OK) {
        refuse(core, request, reason, asked.challenge);
        return;
    }
    struct sink text = sink_over(place->answer, VERIFIED_TEXT_MAX);
    verified_request_write(&text, &verified);
    place->len = text.len;
    struct frame question = { .message = MSG_SIGN_MINER, .body = sink_bytes(&text) };
    core_ask(core, request, PEER_KEEPER, &question);
    core_verdict_asked(core, request, place, PEER_KEEPER, question.id);
}

/* The keeper has signed what lies in the place. */
void core_redeemed(struct core *core, struct pending *pending, struct span signature)
{
    uint8_t bytes[CORE_TOKEN_BYTES], encoded[MINER_TOKEN_SIGNATURE * 4 / 3 + 4];
    struct verdict *place = pending->verdict;
    struct sink out = sink_over(bytes, sizeof bytes), text = sink_over(encoded, sizeof encoded);
    struct verified_request verified;
    struct answer said = { .reason = REASON_SERVER_FAILED };
    base64_encode(&text, signature);
    if (verified_request_read(span_of(place->answer, place->len), &verified)) {
        struct api_token_redeem_response redeemed = { .hotkey = verified.hotkey,
                                                      .uid = verified.uid,
                                                      .job = verified.job,
                                                      .id = verified.once,
                                                      .timestamp = (uint64_t)verified.at,
                                                      .signature = sink_bytes(&text),
                                                      .key_id = verified.key_id };
        said.reason = core_write(&api_token_redeem_response, &redeemed, &out);
        said.body = sink_bytes(&out);
        if (said.reason == REASON_OK && place->request.caller == CALLER_MINER)
            said.reason = core_pass_on(core, verified.challenge, pending->front_id);
    }
    if (said.reason != REASON_OK)
        said.body = (struct span){ 0 };
    core_answer(core, pending->front_id, &said);
    core_settle(core, pending);
}
