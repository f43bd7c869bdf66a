/* collateral.c - see store.h: pieces of collateral, as bytes.  How many there are is the caller's
   affair: it holds them all. */
#include "store/room.h"

static rc put(struct trail *trail, struct store *store, void *arg)
{
    const struct store_collateral *piece = (const struct store_collateral *)arg;
    const struct db_value in[] = {
        DB_INT(piece->thing),   DB_BYTES(SPAN(piece->scope)), DB_INT(piece->issued),
        DB_INT(piece->expires), DB_INT(piece->evaluation),    DB_INT(piece->fetched),
        DB_BYTES(piece->chain), DB_BYTES(piece->body),
    };
    struct db_row row;
    bool put = false;
    TRY(trail, db_one(trail, &store->db, SQL_COLLATERAL_PUT, in, &row, &put));
    return put ? RC_SUCCESS : REFUSE(trail, REASON_FETCH_OLDER);
}

rc store_collateral_put(struct trail *trail, struct store *store, int64_t now,
                        const struct store_collateral *piece)
{
    struct store_collateral copy = *piece;
    return store_write(trail, store, now, put, &copy);
}

struct visitor {
    void (*visit)(void *arg, const struct store_collateral *piece);
    void *arg;
};

static rc show(struct trail *trail, const struct db_row *row, void *arg)
{
    const struct visitor *visitor = arg;
    struct store_collateral piece = {
        .thing = row->at[0].number,
        .issued = row->at[2].number,
        .expires = row->at[3].number,
        .evaluation = row->at[4].number,
        .fetched = row->at[5].number,
        .chain = row->at[6].bytes,
        .body = row->at[7].bytes,
    };
    TRY(trail, db_copy(trail, row->at[1], piece.scope, sizeof piece.scope));
    visitor->visit(visitor->arg, &piece);
    return RC_SUCCESS;
}

rc store_collateral_each(struct trail *trail, struct store *store,
                         void (*visit)(void *arg, const struct store_collateral *piece), void *arg)
{
    struct visitor visitor = { visit, arg };
    return store_each(trail, store, SQL_COLLATERAL_LIST, NULL, show, &visitor);
}

struct drop {
    int64_t thing;
    const uint8_t *scope;
};

static rc drop(struct trail *trail, struct store *store, void *arg)
{
    const struct drop *what = (const struct drop *)arg;
    const struct db_value in[] = { DB_INT(what->thing),
                                   DB_BYTES(span_of(what->scope, STORE_SCOPE_LEN)) };
    return db_run(trail, &store->db, SQL_COLLATERAL_DROP, in);
}

rc store_collateral_drop(struct trail *trail, struct store *store, int64_t now, int64_t thing,
                         const uint8_t scope[STORE_SCOPE_LEN])
{
    struct drop what = { thing, scope };
    return store_write(trail, store, now, drop, &what);
}
