/* store.c - see store.h: opening, judging and transactions. */
#include "store/store.h"

#include "os/random.h"
#include "store/migrate.h"
#include "store/room.h"

/* How often a transaction is begun again before the caller hears of it. */
enum { TRIES = 4, OWN_KEY_KEPT = 300 };

const struct store_limits store_limits_default = {
    .sessions = 65536,
    .sessions_share = 1024,
    .nonces = 262144,
    .nonces_share = 4096,
    .bans = 65536,
};

static rc store_ready_db(struct trail *trail, const struct db_spec *spec, struct db *db)
{
    uint32_t schema = 0;
    TRY(trail, db_open(trail, spec, db));
    rc judged = migrate_judge(trail, db, &schema);
    if (rc_ok(judged) && schema < STORE_STEPS)
        judged = REFUSE(trail, REASON_STORE_SCHEMA_OLDER);
    if (rc_ok(judged))
        judged = db->backend->prepare(trail, db);
    if (!rc_ok(judged))
        db_close(db);
    return judged;
}

rc store_open(struct trail *trail, const struct db_spec *spec, const struct store_limits *limits,
              struct store *out)
{
    struct store store = { .limits = *limits };
    TRY(trail, store_ready_db(trail, spec, &store.db));
    store.open = true;
    *out = store;
    return RC_SUCCESS;
}

void store_close(struct store *store)
{
    if (store->open)
        db_close(&store->db);
    *store = (struct store){ 0 };
}

rc store_ready(struct trail *trail, struct store *store)
{
    if (!store->open || store->db.spec == NULL)
        return REFUSE(trail, REASON_STORE_UNREACHABLE);
    if (!store->db.lost && store->db.backend != NULL)
        return RC_SUCCESS;
    if (store->writing || store->db.spec->once)
        return REFUSE(trail, REASON_STORE_UNREACHABLE);
    /* What memory held is gone with the connection: the same judging as at the start. */
    const struct db_spec *spec = store->db.spec;
    if (spec->kind == DB_MEMORY)
        return REFUSE(trail, REASON_STORE_UNREACHABLE);
    db_close(&store->db);
    TRY(trail, store_ready_db(trail, spec, &store->db));
    return RC_SUCCESS;
}

/* A transaction: whose work it is, and how long its key is remembered. */
struct attempt {
    const struct store_work *work;
    int64_t now;
    int64_t kept; /* seconds; 0: there is no key */
};

/* The first statement locks meta's one row until the end: writers take turns, whoever they
   are, so what one of them counted is still true when it commits. */
static rc take_turn(struct trail *trail, struct store *store, int64_t now)
{
    struct db_row row;
    bool found = false;
    TRY(trail, db_one(trail, &store->db, SQL_GENERATION_STEP, NULL, &row, &found));
    if (!found)
        return REFUSE(trail, REASON_STORE_EMPTY);
    if (row.at[0].number % 64 != 0)
        return RC_SUCCESS;
    const struct db_value before[] = { DB_INT(now) };
    return db_run(trail, &store->db, SQL_KEY_FORGET, before);
}

static rc work_once(struct trail *trail, struct store *store, const struct attempt *attempt,
                    bool *ran)
{
    struct db_row row;
    bool new = true;
    const struct store_work *work = attempt->work;
    TRY(trail, take_turn(trail, store, attempt->now));
    const struct db_value in[] = {
        DB_BYTES(SPAN(work->key)),
        DB_INT(attempt->now + attempt->kept),
    };
    if (attempt->kept > 0)
        TRY(trail, db_one(trail, &store->db, SQL_KEY_ADD, in, &row, &new));
    *ran = new;
    /* Work that was done before is not believed to be durable because it can be read: this
       commit, which has at least the generation to write, is what makes it so. */
    if (!new)
        return RC_SUCCESS;
    return work->run(trail, store, work->arg);
}

static rc try_work(struct trail *trail, struct store *store, const struct attempt *attempt,
                   bool *ran)
{
    TRY(trail, store_ready(trail, store));
    struct db *db = &store->db;
    TRY(trail, db->backend->begin(trail, db, DB_WRITE));
    store->writing = true;
    rc done = work_once(trail, store, attempt, ran);
    store->writing = false;
    if (rc_ok(done))
        return db->backend->commit(trail, db);
    db->backend->rollback(db);
    return done;
}

/* Only what is known not to have happened, or what its key will tell, is tried again here.  A
   disk that failed is not: nothing more is said to be durable until it was read again. */
static rc transact(struct trail *trail, struct store *store, const struct attempt *attempt,
                   bool *ran)
{
    bool uncertain = false;
    if (store->writing)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    for (int i = 0; i < TRIES; i++) {
        bool did = false;
        rc done = try_work(NULL, store, attempt, &did);
        if (rc_ok(done)) {
            /* What an earlier try filled in is the outcome, if that try was the one. */
            *ran = did || uncertain;
            return RC_SUCCESS;
        }
        /* A key that was new shows that no earlier try was committed. */
        if (rc_number(done) == REASON_STORE_UNCERTAIN || did)
            uncertain = rc_number(done) == REASON_STORE_UNCERTAIN;
        if (!uncertain && rc_number(done) != REASON_STORE_BUSY)
            return rc_note(trail, done, __func__, __LINE__);
    }
    return REFUSE(trail, uncertain ? REASON_STORE_UNCERTAIN : REASON_STORE_BUSY);
}

rc store_transact(struct trail *trail, struct store *store, int64_t now,
                  const struct store_work *work, bool *ran)
{
    const struct attempt attempt = { work, now, STORE_KEY_KEPT_S };
    return transact(trail, store, &attempt, ran);
}

/* The key of a single call is for the tries of this call, and a file needs none: its commit
   is never uncertain. */
rc store_write(struct trail *trail, struct store *store, int64_t now,
               rc (*run)(struct trail *, struct store *, void *), void *arg)
{
    if (store->writing)
        return run(trail, store, arg);
    struct store_work work = { .run = run, .arg = arg };
    bool ran = false;
    const struct attempt attempt = {
        .work = &work,
        .now = now,
        .kept = store->db.spec != NULL && store->db.spec->kind == DB_POSTGRES ? OWN_KEY_KEPT : 0,
    };
    random_bytes(work.key, sizeof work.key);
    return transact(trail, store, &attempt, &ran);
}

rc store_each(struct trail *trail, struct store *store, enum db_sql sql, const struct db_value *in,
              rc (*show)(struct trail *trail, const struct db_row *row, void *arg), void *arg)
{
    struct db *db = &store->db;
    struct db_row row;
    bool found = true;
    TRY(trail, store_ready(trail, store));
    TRY(trail, db->backend->begin(trail, db, DB_READ));
    rc done = db_query(trail, db, sql, in);
    while (rc_ok(done) && found) {
        done = db_next(trail, db, &row, &found);
        if (rc_ok(done) && found)
            done = show(trail, &row, arg);
    }
    db_finish(db);
    db->backend->rollback(db);
    return done;
}

rc store_find(struct trail *trail, struct store *store, enum db_sql sql, const struct db_value *in,
              struct db_row *row, bool *found)
{
    TRY(trail, store_ready(trail, store));
    TRY(trail, db_one(trail, &store->db, sql, in, row, found));
    return RC_SUCCESS;
}
