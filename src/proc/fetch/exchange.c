/* exchange.c - see fetch.h: one exchange with the provider, in a child that can do nothing else
   and is gone with it. */
#include "base/number.h"
#include "proc/fetch/fetch.h"
#include "proc/reply_syscalls.h"

enum { EXCHANGE_MEMORY = 4 << 20, URL_ROOM = SETTING_TEXT_MAX + 128 };

/* Text of libraries, which may hold the provider's: what could talk to a terminal is gone. */
static struct span printable(char *text, size_t cap)
{
    size_t len = 0;
    for (; len < cap && text[len] != 0; len++) {
        if (text[len] < ' ' || text[len] > '~')
            text[len] = '?';
    }
    return span_of(text, len);
}

static void say(struct sink *answer, enum reason reason, struct span detail, struct span chain,
                struct span body)
{
    sink_u16le(answer, (uint16_t)reason);
    put_bytes(answer, detail);
    put_bytes(answer, chain);
    put_bytes(answer, body);
}

static void refuse(struct sink *answer, enum reason reason, struct span detail)
{
    const struct span none = { 0 };
    say(answer, reason, detail, none, none);
}

static void run(const void *arg, struct sink *answer)
{
    const struct exchange *exchange = arg;
    char text[URL_ROOM];
    struct sink url = sink_over(text, sizeof text);
    struct fetch_error error = { .reason = REASON_OUT_OF_MEMORY };
    struct fetch_reply reply;
    struct arena arena;
    pcs_url(exchange->thing, &exchange->platform, exchange->provider->url, &url);
    sink_terminate(&url);
    const struct fetch_request request = { .url = text,
                                           .ca_pem = exchange->provider->ca,
                                           .addresses = &exchange->addresses,
                                           .header = pcs_header(exchange->thing),
                                           .timeout_ms = FETCH_EXCHANGE_MS,
                                           .max = COLLATERAL_BODY_MAX };
    arena_init(&arena, EXCHANGE_MEMORY);
    uint8_t *room = arena_room(&arena, COLLATERAL_CHAIN_MAX);
    struct sink chain = sink_over(room, room == NULL ? 0 : COLLATERAL_CHAIN_MAX);
    if (!fetch_get(&request, &arena, &reply, &error))
        refuse(answer, error.reason, printable(error.message, FETCHED_DETAIL_MAX));
    else if (!pcs_chain(reply.header, &chain))
        refuse(answer, REASON_FETCH_REPLY, span_text("its issuer chain is not URL-encoded"));
    else
        say(answer, REASON_OK, (struct span){ 0 }, sink_bytes(&chain), reply.body);
}

rc exchange_start(struct trail *trail, struct forked *child, const struct exchange *exchange)
{
    const struct forked_work work = { .run = run,
                                      .arg = exchange,
                                      .rules = reply_rules,
                                      .rule_count = COUNT_OF(reply_rules),
                                      .wall_seconds = FETCH_WALL_S,
                                      .cpu_seconds = FETCH_CPU_S };
    return forked_start(trail, child, &work);
}

static bool is_answer(struct span bytes)
{
    struct cursor body = cur_over(bytes);
    uint16_t reason = 0;
    struct span detail, chain, said;
    return cur_u16le(&body, &reason) && reason < REASON_COUNT && reason != REASON_NONE &&
           get_bytes(&body, FETCHED_DETAIL_MAX, &detail) &&
           get_bytes(&body, COLLATERAL_CHAIN_MAX, &chain) &&
           get_bytes(&body, COLLATERAL_BODY_MAX, &said) && cur_end(&body);
}

enum reason exchange_finish(struct forked *child)
{
    switch (forked_finish(child)) {
    case FORKED_DONE:
        return is_answer(sink_bytes(&child->answer)) ? REASON_OK : REASON_FETCH_CRASHED;
    case FORKED_LATE:
        return REASON_FETCH_SLOW;
    case FORKED_DIED:
        break;
    }
    return REASON_FETCH_CRASHED;
}
