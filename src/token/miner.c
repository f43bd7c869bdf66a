/* miner.c - see miner.h. */
#include "token/miner.h"

#include <string.h>

/* RFC 7515 4.1.4: kid is "a hint indicating which key was used".  Here it is no hint: of the keys
   that are known it must name one, and that one must have signed.  Keys come from the keeper and
   from nowhere else: no header leads to one. */
static const struct miner_key *find_key(const struct miner_rules *rules, struct span key_id)
{
    for (size_t i = 0; i < rules->key_count; i++) {
        uint8_t text[MINER_KEY_ID];
        struct sink hex = sink_over(text, sizeof text);
        sink_hex(&hex, SPAN(rules->keys[i].id));
        if (span_equal(sink_bytes(&hex), key_id))
            return &rules->keys[i];
    }
    return NULL;
}

static bool has_scope(const struct miner_claims *claims, struct span route)
{
    for (size_t i = 0; i < claims->scope_count; i++) {
        if (span_equal_text(claims->scopes[i], MINER_SCOPE_ALL) ||
            span_equal(claims->scopes[i], route))
            return true;
    }
    return false;
}

/* RFC 7519 4.1.4, 4.1.5: "on or after" exp and "before" nbf a token "MUST NOT be accepted for
   processing".  No leeway: who issues and who judges have one clock. */
static enum reason judge_claims(const struct miner_claims *claims, const struct miner_rules *rules)
{
    if (!span_equal(claims->issuer, rules->issuer))
        return REASON_MINER_TOKEN_ISSUER;
    if (!span_equal(claims->audience, rules->audience))
        return REASON_MINER_TOKEN_AUDIENCE;
    if (rules->now < claims->not_before)
        return REASON_MINER_TOKEN_EARLY;
    if (rules->now >= claims->expires)
        return REASON_MINER_TOKEN_EXPIRED;
    if (!has_scope(claims, rules->route))
        return REASON_MINER_TOKEN_SCOPE;
    return rules->miners == NULL || miner_list_has(rules->miners, claims->subject)
               ? REASON_OK
               : REASON_MINER_UNKNOWN;
}

/* A key that is retired vouches for what it signed while it was not: whoever stole it later has
   no use of it, and what it signed is over MINER_LIFE_MAX_S later. */
static enum reason judge_signature(const struct miner_token *token, const struct miner_rules *rules)
{
    const struct miner_key *key = find_key(rules, token->claims.key_id);
    if (key == NULL || (key->retired != 0 && token->claims.issued > key->retired))
        return REASON_MINER_TOKEN_KEY;
    return ed25519_verify(SPAN(key->public_part), token->input, SPAN(token->signature))
               ? REASON_OK
               : REASON_MINER_TOKEN_SIGNATURE;
}

/* Whose share, and what is used up: of different lengths and with different labels, so that no
   miner is another's use. */
static void digest(const char *label, struct span issuer, struct span what, uint8_t out[SHA256_LEN])
{
    const struct span parts[] = { span_text(label), issuer, span_text("\n"), what };
    hash_sha256_parts(parts, 4, out);
}

rc miner_judge(struct trail *trail, struct span text, const struct miner_rules *rules,
               struct sink *room, struct miner *out)
{
    struct miner_token token;
    enum miner_form form = miner_token_read(text, room, &token);
    if (form != MINER_READ)
        return REFUSE(trail, form == MINER_ALGORITHM ? REASON_MINER_TOKEN_ALGORITHM
                                                     : REASON_MINER_TOKEN_MALFORMED);
    const struct miner_claims *claims = &token.claims;
    enum reason reason = judge_signature(&token, rules);
    if (reason == REASON_OK)
        reason = judge_claims(claims, rules);
    if (reason != REASON_OK)
        return REFUSE(trail, reason);
    *out = (struct miner){ .hotkey = claims->subject,
                           .job = claims->job,
                           .use = claims->use,
                           .uid = claims->uid,
                           .until = claims->expires };
    digest("ward miner v1\n", claims->issuer, claims->subject, out->identity);
    digest("ward miner token v1\n", claims->issuer, claims->use, out->once);
    return RC_SUCCESS;
}
