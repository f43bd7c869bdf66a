/* refill.c - see backup.h: into a database that has nothing, or a database as it was. */
#include <string.h>

#include "store/backup_walk.h"
#include "store/migrate.h"
#include "store/room.h"

static rc add_key(struct trail *trail, struct db *db, const struct backup_target *to, bool *is_new)
{
    struct db_row row;
    const struct db_value key[] = { DB_BYTES(SPAN(to->key)), DB_INT(to->now + STORE_KEY_KEPT_S) };
    TRY(trail, db_one(trail, db, SQL_KEY_ADD, key, &row, is_new));
    db_finish(db);
    return RC_SUCCESS;
}

/* What was restored under this key and was then used by anybody has another generation. */
static rc compare(struct trail *trail, struct store *store, const struct backup_in *from,
                  struct backup_proof *out)
{
    struct backup_proof wanted, found;
    TRY(trail, backup_check(trail, from, &wanted));
    TRY(trail, backup_state_within(trail, store, &found));
    if (found.meta.generation != wanted.meta.generation ||
        !span_equal(SPAN(found.state), SPAN(wanted.state)))
        return REFUSE(trail, REASON_RESTORE_NOT_EMPTY);
    const struct db_value water[] = { DB_INT(wanted.meta.high_water) };
    TRY(trail, db_run(trail, &store->db, SQL_HIGH_WATER_RAISE, water));
    *out = found;
    return RC_SUCCESS;
}

static rc fill(struct trail *trail, struct store *store, const struct backup_target *to,
               const struct backup_in *from, struct backup_proof *out)
{
    struct db *db = &store->db;
    bool is_new = false;
    TRY(trail, migrate_within(trail, db, to->now));
    TRY(trail, db->backend->prepare(trail, db));
    TRY(trail, add_key(trail, db, to, &is_new));
    if (!is_new)
        return compare(trail, store, from, out);
    return backup_restore_within(trail, store, from, INT64_MIN, out);
}

/* The lock is had when whoever held the lost connection is through, whichever way it went. */
static rc was_committed(struct trail *trail, struct db *db, const struct backup_target *to,
                        bool *out)
{
    uint32_t schema = 0;
    bool is_new = true;
    TRY(trail, db->backend->begin(trail, db, DB_SCHEMA));
    rc looked = migrate_judge(trail, db, &schema);
    if (rc_ok(looked) && schema == STORE_STEPS)
        looked = add_key(trail, db, to, &is_new);
    db->backend->rollback(db);
    *out = !is_new;
    return looked;
}

/* A commit that was asked for, and no answer came. */
static rc resolve(struct trail *trail, struct db *db, const struct backup_target *to)
{
    bool done = false;
    db_close(db);
    rc looked = db_open(NULL, to->spec, db);
    if (rc_ok(looked))
        looked = was_committed(NULL, db, to, &done);
    if (!rc_ok(looked))
        return REFUSE(trail, REASON_STORE_UNCERTAIN);
    return done ? RC_SUCCESS : REFUSE(trail, REASON_STORE_UNREACHABLE);
}

static rc refill(struct trail *trail, struct store *store, const struct backup_target *to,
                 const struct backup_in *from, struct backup_proof *out)
{
    struct db *db = &store->db;
    TRY(trail, db->backend->begin(trail, db, DB_SCHEMA));
    store->writing = true;
    rc done = fill(trail, store, to, from, out);
    store->writing = false;
    if (!rc_ok(done) || !to->keep) {
        db->backend->rollback(db);
        return done;
    }
    done = db->backend->commit(trail, db);
    return rc_number(done) == REASON_STORE_UNCERTAIN ? resolve(trail, db, to) : done;
}

rc backup_refill(struct trail *trail, const struct backup_target *to, const struct backup_in *from,
                 struct backup_proof *out)
{
    struct store store = { .limits = store_limits_default };
    struct backup_proof proof;
    TRY(trail, db_open(trail, to->spec, &store.db));
    store.open = true;
    rc done = refill(trail, &store, to, from, &proof);
    store_close(&store);
    TRY(trail, done);
    *out = proof;
    return RC_SUCCESS;
}
