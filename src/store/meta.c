/* meta.c - see store.h: who the store is, how far its time has come, and whether it and the
   log are of the same day. */
#include "os/random.h"
#include "store/room.h"

/* A write that is no step of the generation. */
static rc write_apart(struct trail *trail, struct store *store,
                      rc (*run)(struct trail *, struct db *, int64_t), int64_t now)
{
    TRY(trail, store_ready(trail, store));
    struct db *db = &store->db;
    TRY(trail, db->backend->begin(trail, db, DB_WRITE));
    rc done = run(trail, db, now);
    if (rc_ok(done))
        return db->backend->commit(trail, db);
    db->backend->rollback(db);
    return done;
}

static rc found_meta(struct trail *trail, struct db *db, int64_t now)
{
    uint8_t installation[STORE_INSTALLATION_LEN];
    random_bytes(installation, sizeof installation);
    const struct db_value in[] = { DB_BYTES(SPAN(installation)), DB_INT(now) };
    return db_run(trail, db, SQL_META_ADD, in);
}

rc store_found(struct trail *trail, struct store *store, int64_t now)
{
    return write_apart(trail, store, found_meta, now);
}

/* There and back: what would write the same bytes at once is left out by SQLite. */
static rc turn_twice(struct trail *trail, struct db *db, int64_t now)
{
    (void)now;
    TRY(trail, db_run(trail, db, SQL_META_TURN, NULL));
    return db_run(trail, db, SQL_META_TURN, NULL);
}

rc store_touch(struct trail *trail, struct store *store)
{
    return write_apart(trail, store, turn_twice, 0);
}

rc store_look(struct trail *trail, struct store *store)
{
    struct store_meta meta;
    return store_meta_read(trail, store, &meta);
}

rc store_meta_read(struct trail *trail, struct store *store, struct store_meta *out)
{
    struct db_row row;
    struct store_meta meta;
    bool found = false;
    TRY(trail, store_find(trail, store, SQL_META_READ, NULL, &row, &found));
    if (!found)
        return REFUSE(trail, REASON_STORE_EMPTY);
    rc copied = db_copy(trail, row.at[0], meta.installation, sizeof meta.installation);
    meta.created = row.at[1].number;
    meta.high_water = row.at[2].number;
    meta.generation = row.at[3].number;
    db_finish(&store->db);
    TRY(trail, copied);
    *out = meta;
    return RC_SUCCESS;
}

static rc raise_high_water(struct trail *trail, struct store *store, void *arg)
{
    const struct db_value in[] = { DB_INT(*(const int64_t *)arg) };
    return db_run(trail, &store->db, SQL_HIGH_WATER_RAISE, in);
}

rc store_high_water_raise(struct trail *trail, struct store *store, int64_t now, int64_t to)
{
    return store_write(trail, store, now, raise_high_water, &to);
}

rc store_anchor_read(struct trail *trail, struct store *store, struct store_anchor *out)
{
    struct db_row row;
    struct store_anchor anchor = { 0 };
    bool found = false;
    TRY(trail, store_find(trail, store, SQL_ANCHOR_READ, NULL, &row, &found));
    rc copied = RC_SUCCESS;
    if (found) {
        anchor.size = row.at[0].number;
        copied = db_copy(trail, row.at[1], anchor.root, sizeof anchor.root);
    }
    db_finish(&store->db);
    TRY(trail, copied);
    *out = anchor;
    return RC_SUCCESS;
}

static rc move_anchor(struct trail *trail, struct store *store, void *arg)
{
    const struct store_anchor *to = (const struct store_anchor *)arg;
    struct store_anchor from = { 0 };
    TRY(trail, store_anchor_read(trail, store, &from));
    bool same = from.size == to->size && span_equal(SPAN(from.root), SPAN(to->root));
    if (to->size <= 0 || (to->size <= from.size && !same))
        return REFUSE(trail, REASON_STORE_ANCHOR_BACK);
    const struct db_value in[] = { DB_INT(to->size), DB_BYTES(SPAN(to->root)) };
    return db_run(trail, &store->db, SQL_ANCHOR_MOVE, in);
}

rc store_anchor_move(struct trail *trail, struct store *store, int64_t now,
                     const struct store_anchor *anchor)
{
    struct store_anchor to = *anchor;
    return store_write(trail, store, now, move_anchor, &to);
}

rc store_judge(struct trail *trail, struct store *store, const struct store_evidence *evidence)
{
    struct store_meta meta;
    struct store_anchor anchor;
    TRY(trail, store_meta_read(trail, store, &meta));
    TRY(trail, store_anchor_read(trail, store, &anchor));
    if (meta.generation < evidence->generation)
        return REFUSE(trail, REASON_STORE_ROLLED_BACK);
    if (evidence->log_size < anchor.size)
        return REFUSE(trail, REASON_STORE_LOG_ROLLED_BACK);
    if (anchor.size > 0 && !span_equal(SPAN(anchor.root), SPAN(evidence->root_at_anchor)))
        return REFUSE(trail, REASON_STORE_LOG_ROLLED_BACK);
    return RC_SUCCESS;
}

struct forgiven {
    int64_t now, generation;
};

static rc forgive(struct trail *trail, struct store *store, void *arg)
{
    const struct forgiven *what = (const struct forgiven *)arg;
    if (what->generation < 0 || what->generation == INT64_MAX)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    const struct db_value past[] = { DB_INT(what->generation + 1) };
    const struct db_value water[] = { DB_INT(what->now) };
    TRY(trail, db_run(trail, &store->db, SQL_GENERATION_RAISE, past));
    TRY(trail, db_run(trail, &store->db, SQL_HIGH_WATER_RAISE, water));
    return RC_SUCCESS;
}

rc store_forgive(struct trail *trail, struct store *store, int64_t now, int64_t generation)
{
    struct forgiven what = { now, generation };
    return store_write(trail, store, now, forgive, &what);
}
