/* guard.c - see guard.h. */
#include "guard/guard.h"

#define SECOND_US INT64_C(1000000)

/* The table.  A front signs handshakes with its listener's key and has no other wish; core
   makes and checks tokens, and has certificates made and miners' tokens and requests and results of
   jobs signed; audit has heads signed.  Verify and tee are asked by the keeper and ask it nothing.
   The figures are what a core can spend, not what a peer should need: a taken front gains no more
   signatures than it has handshakes. */
static const struct guard_rule rules[GUARD_RULES] = {
    /* clang-format off */
    /* peer         role            operation    payload              bound  /s     burst */
    { GUARD_FRONT,  KEY_ROLE_TLS,   GUARD_SIGN,  PAYLOAD_TLS_SERVER,  true,   5000,  5000 },
    { GUARD_AUDIT,  KEY_ROLE_LOG,   GUARD_SIGN,  PAYLOAD_CHECKPOINT,  true,   1000,  1000 },
    { GUARD_CORE,   KEY_ROLE_CA,    GUARD_SIGN,  PAYLOAD_CERTIFICATE, false,     1,    32 },
    { GUARD_CORE,   KEY_ROLE_TOKEN, GUARD_MAC,   PAYLOAD_TOKEN,       false,   200,   400 },
    { GUARD_CORE,   KEY_ROLE_TOKEN, GUARD_CHECK, PAYLOAD_TOKEN,       false, 50000, 50000 },
    { GUARD_CORE,   KEY_ROLE_MINER, GUARD_SIGN,  PAYLOAD_MINER,       false,   100,   200 },
    { GUARD_CORE,   KEY_ROLE_MINER, GUARD_SIGN,  PAYLOAD_VERIFIED,    false,  1000,  1000 },
    { GUARD_CORE,   KEY_ROLE_RESULT, GUARD_SIGN, PAYLOAD_RESULT,      false,    10,    50 },
    /* clang-format on */
};

static const char *const peers[GUARD_PEER_COUNT] = {
    [GUARD_NOBODY] = "nobody", [GUARD_FRONT] = "front",   [GUARD_CORE] = "core",
    [GUARD_AUDIT] = "audit",   [GUARD_VERIFY] = "verify", [GUARD_TEE] = "tee",
};

static const char *const operations[GUARD_OPERATION_COUNT] = {
    [GUARD_NOTHING] = "nothing",
    [GUARD_SIGN] = "sign",
    [GUARD_MAC] = "mac",
    [GUARD_CHECK] = "check",
};

const struct guard_rule *guard_rules(void)
{
    return rules;
}

const char *guard_peer_name(enum guard_peer peer)
{
    return (unsigned)peer < GUARD_PEER_COUNT ? peers[peer] : "unknown";
}

const char *guard_operation_name(enum guard_operation operation)
{
    return (unsigned)operation < GUARD_OPERATION_COUNT ? operations[operation] : "unknown";
}

/* The row for this, for a payload of this kind where that is known; GUARD_RULES when there is none.
   The zero of each enumeration is in no row. */
static size_t rule_of(const struct guard_request *request, enum payload_kind kind)
{
    size_t i = 0;
    while (i < GUARD_RULES && !(rules[i].peer == request->peer && rules[i].role == request->role &&
                                rules[i].operation == request->operation &&
                                (kind == PAYLOAD_NONE || rules[i].payload == kind)))
        i++;
    return i;
}

static bool state_allows(enum guard_operation operation, enum key_state state)
{
    return state == KEY_STATE_ACTIVE || (operation == GUARD_CHECK && state == KEY_STATE_VERIFYING);
}

/* GCRA: each use pushes the account one interval into the future; `burst` intervals is as far
   as it may be.  A due time that no use could have set is treated as absent. */
static bool within_rate(const struct guard_rule *rule, int64_t *due, int64_t now)
{
    int64_t interval = SECOND_US / rule->per_second;
    int64_t depth = interval * rule->burst;
    int64_t from = *due > now && *due - now <= depth ? *due : now;
    if (from - now > depth - interval)
        return false;
    *due = from + interval;
    return true;
}

static enum reason judge_key(const struct guard_rule *rule, const struct guard_request *request)
{
    if (request->key.len != KEY_ID || (rule->bound && !span_equal(request->key, request->bound)))
        return REASON_GUARD_KEY_NOT_BOUND;
    if (!state_allows(request->operation, request->state))
        return REASON_GUARD_KEY_RETIRED;
    return REASON_OK;
}

/* A core that is taken over gets tokens for now, as long as it is asked for them, and none for
   next year. */
static bool is_of_now(int64_t at, int64_t now)
{
    return now >= 0 && at >= now - GUARD_SKEW_S && at - GUARD_SKEW_S <= now;
}

static enum reason judge_miner(const struct miner_input *input, const struct guard_request *request)
{
    if (!span_equal(SPAN(input->key), request->key))
        return REASON_GUARD_KEY_NOT_BOUND;
    if (!span_equal(span_of(input->issuer, input->issuer_len), request->origin))
        return REASON_GUARD_PAYLOAD_ORIGIN;
    return is_of_now(input->issued, request->now) ? REASON_OK : REASON_GUARD_PAYLOAD_TIME;
}

static enum reason judge_verified(const struct verified_input *input,
                                  const struct guard_request *request)
{
    if (!span_equal(SPAN(input->key), request->key))
        return REASON_GUARD_KEY_NOT_BOUND;
    return is_of_now(input->at, request->now) ? REASON_OK : REASON_GUARD_PAYLOAD_TIME;
}

/* A job ends before its result is signed, and its outputs are taken over between the two. */
static enum reason judge_result(const struct result_input *input,
                                const struct guard_request *request)
{
    if (!span_equal(SPAN(input->key), request->key))
        return REASON_GUARD_KEY_NOT_BOUND;
    return request->now >= 0 && input->ended >= request->now - GUARD_RESULT_S &&
                   input->ended - GUARD_SKEW_S <= request->now
               ? REASON_OK
               : REASON_GUARD_PAYLOAD_TIME;
}

/* *rule is that of the payload's kind then. */
static enum reason judge_payload(const struct guard_request *request, struct payload *payload,
                                 size_t *rule)
{
    uint32_t kinds = payload_kinds(request->payload, request->ca_point, request->room, payload);
    if (kinds == 0)
        return REASON_GUARD_PAYLOAD_UNKNOWN;
    payload->kind = payload_single(kinds);
    if (payload->kind == PAYLOAD_NONE)
        return REASON_GUARD_PAYLOAD_AMBIGUOUS;
    *rule = rule_of(request, payload->kind);
    if (*rule == GUARD_RULES)
        return REASON_GUARD_PAYLOAD_KIND;
    if (payload->kind == PAYLOAD_CHECKPOINT &&
        !span_equal(payload->checkpoint.origin, request->origin))
        return REASON_GUARD_PAYLOAD_ORIGIN;
    if (payload->kind == PAYLOAD_RESULT)
        return judge_result(&payload->result, request);
    if (payload->kind == PAYLOAD_VERIFIED)
        return judge_verified(&payload->verified, request);
    return payload->kind == PAYLOAD_MINER ? judge_miner(&payload->miner, request) : REASON_OK;
}

rc guard_check(struct trail *trail, struct guard *guard, const struct guard_request *request,
               int64_t now_us, struct payload *out)
{
    size_t i = rule_of(request, PAYLOAD_NONE);
    if (i == GUARD_RULES)
        return REFUSE(trail, REASON_GUARD_NOT_PERMITTED);
    struct payload payload = { 0 };
    enum reason reason = judge_key(&rules[i], request);
    if (reason == REASON_OK)
        reason = judge_payload(request, &payload, &i);
    if (reason == REASON_OK && !within_rate(&rules[i], &guard->due[i], now_us))
        reason = REASON_GUARD_RATE;
    if (reason != REASON_OK)
        return REFUSE(trail, reason);
    *out = payload;
    return RC_SUCCESS;
}
