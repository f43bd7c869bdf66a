/* config_peers.c - the tables [peers.NAME]: their keys, and what is wrong of them together.
   See config.h. */
#include "base/number.h"
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
_Static_assert(COUNT_OF(keys) == CONFIG_PEER_KEYS, "struct config has a place for each");
_Static_assert(sizeof(struct peer_settings) <= sizeof(struct settings), "see text_is_sound");

/* One that is judged, and where its name stands. */
struct judging {
    struct reader *r;
    const struct place *place;
    const struct peer_settings *peer;
};

static void wrong(const struct judging *p, const char *text)
{
    reader_problem(p->r, p->place, NULL, "peers.%s %s", p->peer->name, text);
}

/* In the clear is for what does not leave. */
static bool may_be_plain(const struct judging *p, const struct url_origin *origin)
{
    return origin->tls || origin->is_here || p->peer->inward;
}

/* What is wrong only in company. */
static void judge(struct reader *r, const struct place *place, const void *row)
{
    const struct peer_settings *peer = row;
    const struct judging all = { r, place, peer }, *p = &all;
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

const struct config_table config_peers = {
    .section = "peers",
    .one = "peer",
    .keys = keys,
    .key_count = COUNT_OF(keys),
    .most = SETTING_PEERS_MAX,
    .name_room = SETTING_PEER_NAME_MAX,
    .row_size = sizeof(struct peer_settings),
    .rows = offsetof(struct settings, peers),
    .count = offsetof(struct settings, peer_count),
    .origins = offsetof(struct config, peer_origins),
    .judge = judge,
};
