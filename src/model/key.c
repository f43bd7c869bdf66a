/* key.c - see key.h. */
#include "model/key.h"

static const struct {
    const char *name;
    enum key_kind kind;
} roles[KEY_ROLE_COUNT] = {
    [KEY_ROLE_CA] = { "ca", KEY_KIND_P256 },
    [KEY_ROLE_TLS] = { "tls", KEY_KIND_P256 },
    [KEY_ROLE_LOG] = { "log", KEY_KIND_ED25519 },
    [KEY_ROLE_TOKEN] = { "token", KEY_KIND_HMAC },
    [KEY_ROLE_NODE] = { "node", KEY_KIND_P256 },
    [KEY_ROLE_MINER] = { "miner", KEY_KIND_ED25519 },
    [KEY_ROLE_RESULT] = { "result", KEY_KIND_ED25519 },
};

static const struct {
    const char *name;
    size_t public_len;
} kinds[KEY_KIND_COUNT] = {
    [KEY_KIND_P256] = { "p256", 65 },
    [KEY_KIND_ED25519] = { "ed25519", 32 },
    [KEY_KIND_HMAC] = { "hmac", 0 },
};

static const char *const states[KEY_STATE_COUNT] = {
    [KEY_STATE_ACTIVE] = "active",
    [KEY_STATE_VERIFYING] = "verifying",
    [KEY_STATE_RETIRED] = "retired",
};

static const char *name_or_unknown(const char *name)
{
    return name != NULL ? name : "unknown";
}

const char *key_role_name(enum key_role role)
{
    return name_or_unknown((unsigned)role < KEY_ROLE_COUNT ? roles[role].name : NULL);
}

const char *key_kind_name(enum key_kind kind)
{
    return name_or_unknown((unsigned)kind < KEY_KIND_COUNT ? kinds[kind].name : NULL);
}

const char *key_state_name(enum key_state state)
{
    return name_or_unknown((unsigned)state < KEY_STATE_COUNT ? states[state] : NULL);
}

enum key_kind key_role_kind(enum key_role role)
{
    return (unsigned)role < KEY_ROLE_COUNT ? roles[role].kind : KEY_KIND_NONE;
}

size_t key_public_len(enum key_kind kind)
{
    return (unsigned)kind < KEY_KIND_COUNT ? kinds[kind].public_len : 0;
}

void key_log_name(struct sink *out, struct span first_key_id)
{
    enum { ENOUGH = 8 }; /* bytes of the id */
    sink_text(out, "ward.local/");
    sink_hex(out, span_of(first_key_id.at, first_key_id.len < ENOUGH ? first_key_id.len : ENOUGH));
}
