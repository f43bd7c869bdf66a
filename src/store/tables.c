/* tables.c - see store.h: one-use values and bans.  Each table is bounded, in all
   and for one identity, and what has expired is cleared away before anything is refused. */
#include <string.h>

#include "model/reason.h"
#include "store/room.h"

enum { PREFIX_LEN = 17 };

/* The first number of the first row. */
static rc number_of(struct trail *trail, struct store *store, enum db_sql sql,
                    const struct db_value *in, int64_t *out)
{
    struct db_row row;
    bool found = false;
    TRY(trail, db_one(trail, &store->db, sql, in, &row, &found));
    if (!found)
        return REFUSE(trail, REASON_STORE_DAMAGED);
    *out = row.at[0].number;
    return RC_SUCCESS;
}

rc store_has_room(struct trail *trail, struct store *store, const struct store_bounds *bounds,
                  int64_t now, struct span identity)
{
    int64_t share = 0;
    int64_t all = 0;
    const struct db_value at[] = { DB_INT(now) };
    const struct db_value of[] = { DB_BYTES(identity), DB_INT(bounds->share_limit) };
    TRY(trail, db_run(trail, &store->db, bounds->sweep, at));
    TRY(trail, number_of(trail, store, bounds->share, of, &share));
    if (share >= bounds->share_limit)
        return REFUSE(trail, REASON_STORE_SHARE);
    TRY(trail, number_of(trail, store, bounds->count, NULL, &all));
    if (all >= bounds->limit)
        return REFUSE(trail, REASON_STORE_LIMIT);
    return RC_SUCCESS;
}

rc store_add_row(struct trail *trail, struct store *store, enum db_sql sql,
                 const struct db_value *in)
{
    struct db_row row;
    bool added = false;
    TRY(trail, db_one(trail, &store->db, sql, in, &row, &added));
    return added ? RC_SUCCESS : REFUSE(trail, REASON_STORE_USED);
}

struct nonce_use {
    const uint8_t *identity, *value;
    int64_t now, expires;
};

static rc use_nonce(struct trail *trail, struct store *store, void *arg)
{
    const struct nonce_use *use = (const struct nonce_use *)arg;
    const struct store_bounds bounds = {
        .sweep = SQL_NONCE_SWEEP,
        .share = SQL_NONCE_SHARE,
        .count = SQL_NONCE_COUNT,
        .share_limit = store->limits.nonces_share,
        .limit = store->limits.nonces,
    };
    struct span identity = span_of(use->identity, STORE_ID_LEN);
    TRY(trail, store_has_room(trail, store, &bounds, use->now, identity));
    const struct db_value in[] = {
        DB_BYTES(identity),
        DB_BYTES(span_of(use->value, STORE_ID_LEN)),
        DB_INT(use->expires),
    };
    return store_add_row(trail, store, SQL_NONCE_ADD, in);
}

rc store_nonce_use(struct trail *trail, struct store *store, int64_t now,
                   const uint8_t identity[STORE_ID_LEN], const uint8_t value[STORE_ID_LEN],
                   int64_t expires)
{
    struct nonce_use use = { identity, value, now, expires };
    /* What is over already would be cleared away, and could be used again. */
    if (expires <= now)
        return REFUSE(trail, REASON_STORE_USED);
    return store_write(trail, store, now, use_nonce, &use);
}

static void prefix_of(const uint8_t address[16], uint8_t prefix, uint8_t out[PREFIX_LEN])
{
    memcpy(out, address, 16);
    out[16] = prefix;
}

struct ban_call {
    const struct store_ban *ban;
    uint8_t prefix[PREFIX_LEN];
};

static rc add_ban(struct trail *trail, struct store *store, void *arg)
{
    const struct ban_call *call = (const struct ban_call *)arg;
    const char *reason = reason_info(call->ban->reason)->name;
    const struct db_value in[] = {
        DB_BYTES(SPAN(call->prefix)),
        DB_INT(call->ban->until),
        DB_BYTES(span_text(reason)),
    };
    TRY(trail, db_run(trail, &store->db, SQL_BAN_ADD, in));
    int64_t all = 0;
    TRY(trail, number_of(trail, store, SQL_BAN_COUNT, NULL, &all));
    if (all <= store->limits.bans)
        return RC_SUCCESS;
    return db_run(trail, &store->db, SQL_BAN_YIELD, in);
}

/* One prefix has one form, or a ban could be made that no look-up and no lifting meets. */
static bool is_canonical(const uint8_t address[16], uint8_t prefix)
{
    if (prefix > 128)
        return false;
    for (unsigned bit = prefix; bit < 128; bit++) {
        if ((address[bit / 8] & (0x80u >> bit % 8)) != 0)
            return false;
    }
    return true;
}

rc store_ban_add(struct trail *trail, struct store *store, int64_t now, const struct store_ban *ban)
{
    struct ban_call call = { .ban = ban };
    if (!is_canonical(ban->address, ban->prefix) || ban->reason <= REASON_OK ||
        ban->reason >= REASON_COUNT)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    prefix_of(ban->address, ban->prefix, call.prefix);
    return store_write(trail, store, now, add_ban, &call);
}

rc store_ban_next(struct trail *trail, struct store *store, int64_t now,
                  const struct store_ban *after, struct store_ban *out, bool *found)
{
    uint8_t from[PREFIX_LEN];
    struct store_ban ban = { 0 };
    struct db_row row;
    bool there = false;
    if (after != NULL)
        prefix_of(after->address, after->prefix, from);
    struct span key = after == NULL ? (struct span){ 0 } : SPAN(from);
    const struct db_value in[] = { DB_BYTES(key), DB_INT(now) };
    TRY(trail, store_find(trail, store, SQL_BAN_NEXT, in, &row, &there));
    rc copied = there ? db_copy(trail, row.at[0], from, sizeof from) : RC_SUCCESS;
    if (there && rc_ok(copied)) {
        memcpy(ban.address, from, 16);
        ban.prefix = from[16];
        ban.until = row.at[1].number;
        ban.reason = reason_find(row.at[2].bytes);
        ban.count = row.at[3].number;
    }
    db_finish(&store->db);
    TRY(trail, copied);
    if (there)
        *out = ban;
    *found = there;
    return RC_SUCCESS;
}

static rc lift_ban(struct trail *trail, struct store *store, void *arg)
{
    const struct db_value in[] = { DB_BYTES(span_of(arg, PREFIX_LEN)) };
    return db_run(trail, &store->db, SQL_BAN_LIFT, in);
}

rc store_ban_lift(struct trail *trail, struct store *store, int64_t now, const uint8_t address[16],
                  uint8_t prefix)
{
    uint8_t key[PREFIX_LEN];
    prefix_of(address, prefix, key);
    return store_write(trail, store, now, lift_ban, key);
}

struct sweep {
    int64_t now, swept;
};

static rc sweep_all(struct trail *trail, struct store *store, void *arg)
{
    static const struct {
        enum db_sql over, sweep;
    } tables[] = {
        { SQL_NONCE_OVER, SQL_NONCE_SWEEP },
        { SQL_SESSION_OVER, SQL_SESSION_SWEEP },
        { SQL_BAN_OVER, SQL_BAN_SWEEP },
    };
    struct sweep *sweep = (struct sweep *)arg;
    const struct db_value at[] = { DB_INT(sweep->now) };
    sweep->swept = 0;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        int64_t over = 0;
        TRY(trail, number_of(trail, store, tables[i].over, at, &over));
        TRY(trail, db_run(trail, &store->db, tables[i].sweep, at));
        sweep->swept += over;
    }
    return RC_SUCCESS;
}

rc store_sweep(struct trail *trail, struct store *store, int64_t now, int64_t *swept)
{
    struct sweep sweep = { .now = now };
    TRY(trail, store_write(trail, store, now, sweep_all, &sweep));
    *swept = sweep.swept;
    return RC_SUCCESS;
}
