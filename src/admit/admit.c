/* admit.c - see admit.h. */
#include "admit/admit.h"

enum { KIND_ANY = 0, ONE = 1 };

#define SECOND_US UINT64_C(1000000)

struct admit_rates admit_rates_default(void)
{
    /* Written as gcra_rate_of would: 50 in a second is one each 20000 us. */
    const uint64_t connect = SECOND_US / 2, request = SECOND_US / 50;
    return (struct admit_rates){
        .connects = { .step = connect, .window = 60 * connect, .scale = 1 },
        .requests = { .step = request, .window = 100 * request, .scale = 1 },
        .sites = { .step = request / 8, .window = 800 * (request / 8), .scale = 1 },
        .all = { .step = SECOND_US / 20000, .window = 5000 * (SECOND_US / 20000), .scale = 1 },
    };
}

static bool listed(const struct address_list *list, const struct address *address)
{
    return list != NULL && address_list_has(list, address);
}

static struct admission refuse(enum reason reason, uint64_t retry_us)
{
    return (struct admission){ .reason = reason, .retry_us = retry_us };
}

/* Lists and bans: REASON_NONE goes on. */
static struct admission judge_address(const struct admit *admit, const struct address *address,
                                      uint64_t now_us)
{
    bool some_allowed = admit->allow != NULL && admit->allow->count > 0;
    if (listed(admit->deny, address) || (some_allowed && !listed(admit->allow, address)))
        return refuse(REASON_ADMIT_ADDRESS_DENIED, 0);
    struct ban ban;
    if (admit->bans != NULL && ban_find(admit->bans, address, now_us, &ban))
        return refuse(REASON_ADMIT_BANNED, ban.until_us == UINT64_MAX ? 0 : ban.until_us - now_us);
    return refuse(REASON_NONE, 0);
}

static struct admission judge_rate(struct admit_table *table, const struct address *key,
                                   uint32_t cost, uint64_t now_us)
{
    if (table == NULL)
        return refuse(REASON_NONE, 0);
    struct gcra_answer answer = admit_table_take(table, key, KIND_ANY, cost, now_us);
    if (!answer.allowed)
        return refuse(REASON_ADMIT_RATE_LIMITED, answer.retry_us);
    return refuse(REASON_NONE, 0);
}

struct admission admit_connection(struct admit *admit, const struct address *peer, uint64_t now_us,
                                  struct conn *out)
{
    *out = (struct conn){ .state = CONN_NONE };
    bool proxy = listed(admit->proxies, peer);
    struct address key = address_peer(peer);
    if (listed(admit->deny, peer))
        return refuse(REASON_ADMIT_ADDRESS_DENIED, 0);
    if (!proxy) {
        struct admission refusal = judge_address(admit, peer, now_us);
        if (refusal.reason == REASON_NONE)
            refusal = judge_rate(admit->connects, &key, ONE, now_us);
        if (refusal.reason != REASON_NONE)
            return refusal;
    }
    struct conn_answer answer = conn_accepted(admit->conns, peer, proxy, out);
    return (struct admission){ .admitted = answer.admitted,
                               .cut_oldest = answer.cut_oldest,
                               .reason = answer.reason };
}

struct admission admit_request(struct admit *admit, const struct address *client, uint32_t cost,
                               uint64_t now_us)
{
    struct address peer = address_peer(client), site = address_key(client, ADDRESS_SITE_BITS);
    struct admission refusal = judge_address(admit, client, now_us);
    if (refusal.reason == REASON_NONE)
        refusal = judge_rate(admit->requests, &peer, cost, now_us);
    if (refusal.reason == REASON_NONE && !address_is_v4(client))
        refusal = judge_rate(admit->sites, &site, cost, now_us);
    if (refusal.reason != REASON_NONE)
        return refusal;
    if (admit->all != NULL && admit->all_rate != NULL) {
        struct gcra_answer answer = gcra_take(admit->all, admit->all_rate, cost, now_us);
        if (!answer.allowed)
            return refuse(REASON_ADMIT_RATE_LIMITED, answer.retry_us);
    }
    return (struct admission){ .admitted = true };
}
