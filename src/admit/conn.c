/* conn.c - see conn.h. */
#include "admit/conn.h"

#include <string.h>

/* A free slot has no connection.  Slots are probed one after the other; when one becomes free,
   those behind it move up, so a search ends at the first free one. */
struct conn_slot {
    struct address peer;
    uint32_t open;
    uint32_t half;
};

struct conn_limits conn_limits_default(void)
{
    return (struct conn_limits){ .total = 10000, .half = 2000, .peer = 64, .peer_half = 16 };
}

bool conn_limits_are_sound(const struct conn_limits *limits)
{
    return limits->total <= CONNS_MAX && limits->half > 0 && limits->half < limits->total &&
           limits->peer > 0 && limits->peer_half > 0;
}

bool conn_table_init(struct conn_table *table, struct arena *arena,
                     const struct conn_limits *limits, const uint8_t key[SIPHASH_KEY_LEN])
{
    if (!conn_limits_are_sound(limits))
        return false;
    size_t count = 2;
    while (count < 2 * (size_t)limits->total)
        count *= 2;
    struct conn_slot *slots = arena_array(arena, count, sizeof slots[0]);
    if (slots == NULL)
        return false;
    *table = (struct conn_table){ .limits = *limits, .slots = slots, .slot_count = count };
    memcpy(table->key, key, sizeof table->key);
    return true;
}

static size_t home(const struct conn_table *table, const struct address *peer)
{
    return (size_t)siphash(table->key, SPAN(peer->bytes)) & (table->slot_count - 1);
}

static size_t next(const struct conn_table *table, size_t at)
{
    return (at + 1) & (table->slot_count - 1);
}

/* The peer's slot, or the free one where it would stand. */
static size_t find(const struct conn_table *table, const struct address *peer)
{
    size_t at = home(table, peer);
    while (table->slots[at].open > 0 && !address_equal(&table->slots[at].peer, peer))
        at = next(table, at);
    return at;
}

bool conn_table_is_sound(const struct conn_table *table)
{
    uint64_t open = 0, half = 0;
    for (size_t i = 0; i < table->slot_count; i++) {
        const struct conn_slot *slot = &table->slots[i];
        if (slot->half > slot->open || (slot->open > 0 && find(table, &slot->peer) != i))
            return false;
        open += slot->open;
        half += slot->half;
    }
    /* Exempt ones are counted in the totals only. */
    return conn_limits_are_sound(&table->limits) && table->slot_count > table->limits.total &&
           open <= table->open && half <= table->half && table->half <= table->open &&
           table->open <= table->limits.total + 1 && table->half <= table->limits.half + 1;
}

static struct conn_answer refuse(enum reason reason)
{
    return (struct conn_answer){ .reason = reason };
}

struct conn_answer conn_accepted(struct conn_table *table, const struct address *address,
                                 bool exempt, struct conn *out)
{
    const struct conn_limits *limits = &table->limits;
    *out = (struct conn){ .state = CONN_NONE };
    struct address peer = address_peer(address);
    struct conn_slot *slot = &table->slots[find(table, &peer)];
    if (!exempt && slot->open >= limits->peer)
        return refuse(REASON_ADMIT_TOO_MANY_FROM_ADDRESS);
    if (!exempt && slot->half >= limits->peer_half)
        return refuse(REASON_ADMIT_TOO_MANY_HANDSHAKES);
    bool full = table->open >= limits->total || table->half >= limits->half;
    /* One past a limit is left to be cut: a caller that has not yet done so gets no more. */
    if (table->open > limits->total || table->half > limits->half || (full && table->half == 0))
        return refuse(REASON_ADMIT_TOO_MANY_CONNECTIONS);
    if (!exempt) {
        slot->peer = peer;
        slot->open++;
        slot->half++;
    }
    table->open++;
    table->half++;
    *out = (struct conn){ .state = CONN_HALF, .exempt = exempt, .peer = peer };
    return (struct conn_answer){ .admitted = true,
                                 .cut_oldest = full ? REASON_ADMIT_REPLACED : REASON_NONE };
}

void conn_established(struct conn_table *table, struct conn *conn)
{
    if (conn->state != CONN_HALF)
        return;
    conn->state = CONN_OPEN;
    table->half--;
    if (!conn->exempt)
        table->slots[find(table, &conn->peer)].half--;
}

/* Moves up what a search would no longer find past the free slot (Knuth 6.4, R). */
static void close_gap(struct conn_table *table, size_t gap)
{
    for (size_t at = next(table, gap); table->slots[at].open > 0; at = next(table, at)) {
        size_t wanted = home(table, &table->slots[at].peer);
        size_t mask = table->slot_count - 1;
        if (((at - wanted) & mask) < ((at - gap) & mask))
            continue;
        table->slots[gap] = table->slots[at];
        gap = at;
    }
    table->slots[gap] = (struct conn_slot){ .open = 0 };
}

void conn_closed(struct conn_table *table, struct conn *conn)
{
    if (conn->state == CONN_NONE)
        return;
    bool half = conn->state == CONN_HALF;
    table->open--;
    table->half -= half ? 1 : 0;
    if (!conn->exempt) {
        size_t at = find(table, &conn->peer);
        struct conn_slot *slot = &table->slots[at];
        slot->half -= half ? 1 : 0;
        slot->open--;
        if (slot->open == 0)
            close_gap(table, at);
    }
    *conn = (struct conn){ .state = CONN_NONE };
}
