/* config_peers.c - the tables [peers.NAME]: their keys, and how they are read.  See config.h. */
#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/nearest.h"
#include "proc/config_reader.h"
#include "proc/peer_text.h"

#define AT(field) offsetof(struct peer_settings, field)

#define NAMED "peers.NAME."

static const char *const profiles[] = { [PEER_V2] = "v2", [PEER_SDK_V1] = "sdk-v1" };

static const struct config_key keys[] = {
    { NAMED "url", CONFIG_PEER_URL, AT(url), NULL, .derived = "none: it is not called",
      .optional = true,
      .summary = "the WebSocket that the house opens to the peer, and opens again when it ends; "
                 "ws:// is for this machine, and with inward for private networks" },
    { NAMED "public", CONFIG_PEER_PUBLIC, AT(public), NULL,
      .derived = "none: no request is passed on to it", .optional = true,
      .summary = "the server of a peer that is a challenge: requests of miners are passed on to "
                 "what it has "
                 "below /sdk/public/; http:// is for this machine, and with inward for private "
                 "networks" },
    { NAMED "policy", CONFIG_PATH, AT(policy), NULL, .derived = "channel.policy", .optional = true,
      .summary = "the policy that the peer's evidence must pass, a file like that of "
                 "channel.policy; what is in it is read at a start" },
    { NAMED "ca_file", CONFIG_PATH, AT(ca), NULL,
      .derived = "the system's; where there are pins, the peer's key alone counts",
      .optional = true,
      .summary = "CAs to know the peer's certificate by, and no others, as PEM; what is in it is "
                 "read at a start" },
    { NAMED "pins", CONFIG_PINS, AT(pins), NULL, .derived = "none", .optional = true,
      .summary = "keys, one of which the peer's certificate must have: list the next one before "
                 "the peer changes to it" },
    { NAMED "profile", CONFIG_CHOICE, AT(profile), "v2", .words = profiles,
      .word_count = COUNT_OF(profiles),
      .summary = "what is spoken with the peer: version 2 of the channel, or that of the public "
                 "Challenge SDK, whose url ends in /sdk/ws: it binds no key to evidence, so the "
                 "session is unbound, and it wants a policy of the peer's own that names its "
                 "compose_hash" },
    { NAMED "inward", CONFIG_BOOL, AT(inward), "false",
      .summary = "the peer's name may lead to a private address; one that is written as an "
                 "address always may be" },
};
_Static_assert(COUNT_OF(keys) <= CONFIG_PEER_KEYS_MAX, "struct config has a place for each");
_Static_assert(sizeof(struct peer_settings) <= sizeof(struct settings), "see text_is_sound");

const struct config_key *config_peer_keys(size_t *count)
{
    *count = COUNT_OF(keys);
    return keys;
}

static const char *last_part(const struct config_key *key)
{
    return key->name + sizeof NAMED - 1;
}

static const struct config_key *key_of(struct span part)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (span_equal_text(part, last_part(&keys[i])))
            return &keys[i];
    }
    return NULL;
}

const struct config_key *config_peer_key_find(struct span name, struct span *peer)
{
    struct cursor in = cur_over(name);
    uint8_t c;
    if (!cur_expect(&in, span_text("peers.")))
        return NULL;
    size_t mark = cur_offset(&in);
    while (cur_peek(&in, &c) && c != '.' && cur_skip(&in, 1))
        continue;
    *peer = cur_since(&in, mark);
    bool named = peer_name_is_usable(*peer) || span_equal_text(*peer, "NAME");
    return named && cur_skip(&in, 1) ? key_of(cur_rest(&in)) : NULL;
}

void config_peer_key_write(struct sink *out, const struct config_key *key, const char *peer)
{
    sink_format(out, "peers.%s.%s", peer, last_part(key));
}

/* --- reading ----------------------------------------------------------------------------- */

/* One table, its values where they belong or, of a table too many, into nothing. */
struct peer_reader {
    struct reader *r;
    struct peer_settings *peer;
    struct config_origin *origins;
    struct place place; /* of its name */
    bool bad;           /* a value is none: nothing is said of them together */
};

static void read_key(struct peer_reader *p, const struct toml_value *value)
{
    struct place place = { CONFIG_FILE, toml_key_position(value), NULL, NULL };
    struct span name = toml_key(value);
    const struct config_key *key = key_of(name);
    struct config_why why;
    if (key == NULL) { /* it may have been the one that is missing */
        p->bad = true;
        const char *parts[COUNT_OF(keys)];
        for (size_t i = 0; i < COUNT_OF(keys); i++)
            parts[i] = last_part(&keys[i]);
        reader_problem(p->r, &place, text_nearest(name, parts, COUNT_OF(keys)),
                       "a peer has no key \"%.*s\"", reader_quoted(name), (const char *)name.at);
        return;
    }
    place.at = toml_position(value);
    if (config_value_toml(key, value, p->r->inputs->file_folder, p->peer, &why)) {
        p->origins[key - keys] = (struct config_origin){ CONFIG_FILE, place.at, NULL };
        return;
    }
    p->bad = true;
    reader_problem(p->r, &place, why.nearest, "peers.%s.%s %s", p->peer->name, last_part(key),
                   why.text);
}

static void wrong(struct peer_reader *p, const char *text)
{
    reader_problem(p->r, &p->place, NULL, "peers.%s %s", p->peer->name, text);
}

/* In the clear is for what does not leave. */
static bool may_be_plain(const struct peer_reader *p, const struct url_origin *origin)
{
    return origin->tls || origin->is_here || p->peer->inward;
}

/* What is wrong only in company. */
static void judge(struct peer_reader *p)
{
    const struct peer_settings *peer = p->peer;
    struct websocket_url url = { 0 };
    struct url_origin public = { 0 };
    bool known = peer->ca[0] != 0 || peer->pins[0] != 0;
    bool called = peer_url_read(span_text(peer->url), &url);
    bool passes = peer_public_read(span_text(peer->public), &public);
    if (!called && !passes) {
        wrong(p, "needs a url or public, or both");
        return;
    }
    if (called && !may_be_plain(p, &url.origin))
        wrong(p, "has a url of ws://, which is for this machine, and with inward for a private "
                 "network: use wss://");
    if (passes && !may_be_plain(p, &public))
        wrong(p, "has public of http://, which is for this machine, and with inward for a private "
                 "network: use https://");
    if (known && !url.origin.tls && !public.tls)
        wrong(p, "has ca_file or pins, and neither a url of wss:// nor public of https:// whose "
                 "certificate they could know");
    if (peer->profile == PEER_SDK_V1 && !called)
        wrong(p, "has profile sdk-v1, and no url at which it is spoken");
    /* Nothing but that says who it is: no key is bound to what it shows. */
    if (peer->profile == PEER_SDK_V1 && peer->policy[0] == 0)
        wrong(p, "has profile sdk-v1, which needs a policy of its own that names the peer's "
                 "compose_hash");
    if (peer->policy[0] != 0 && !called)
        wrong(p, "has a policy, and no url whose evidence it could judge");
}

static void read_peer(struct reader *r, const struct toml_value *table)
{
    struct settings *settings = &r->config.settings;
    struct peer_settings none = { 0 };
    struct config_origin nowhere[CONFIG_PEER_KEYS_MAX];
    struct span name = toml_key(table);
    struct peer_reader p = {
        r, &none, nowhere, { CONFIG_FILE, toml_key_position(table), NULL, NULL }, false
    };
    if (!peer_name_is_usable(name)) {
        reader_problem(r, &p.place, NULL,
                       "\"%.*s\" is no name of a peer: at most %d of a-z, 0-9 and inner hyphens",
                       reader_quoted(name), (const char *)name.at, SETTING_PEER_NAME_MAX - 1);
        return;
    }
    if (toml_type_of(table) != TOML_TABLE) {
        reader_problem(r, &p.place, NULL, "peers.%.*s is %s and must be a table of keys",
                       (int)name.len, (const char *)name.at, toml_type_name(toml_type_of(table)));
        return;
    }
    if (settings->peer_count < SETTING_PEERS_MAX) {
        p.origins = r->config.peer_origins[settings->peer_count];
        p.peer = &settings->peers[settings->peer_count++];
    } else if (settings->peer_count == SETTING_PEERS_MAX) {
        reader_problem(r, &p.place, NULL, "there are more than %d peers", SETTING_PEERS_MAX);
    }
    memcpy(p.peer->name, name.at, name.len);
    for (const struct toml_value *v = toml_first(table); v != NULL; v = toml_next(v))
        read_key(&p, v);
    if (!p.bad)
        judge(&p);
}

void reader_peers(struct reader *r, const struct toml_value *section)
{
    for (const struct toml_value *v = toml_first(section); v != NULL; v = toml_next(v))
        read_peer(r, v);
}
