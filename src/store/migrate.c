/* migrate.c - see store.h and migrate.h: the schema, judged and made. */
#include "store/migrate.h"

#include <string.h>

#include "crypto/hash.h"
#include "store/migrations.h"

static void sum_of(const struct migration *step, uint8_t out[SHA256_LEN])
{
    /* With its NUL each text ends where it ends. */
    struct span parts[] = {
        span_of(step->sqlite, strlen(step->sqlite) + 1),
        span_of(step->postgres, strlen(step->postgres) + 1),
    };
    hash_sha256_parts(parts, 2, out);
}

/* Steps are 1, 2, 3 ... without a gap. */
static rc judge_row(struct trail *trail, const struct db_row *row, uint32_t before)
{
    uint8_t sum[SHA256_LEN];
    if (row->at[0].number != (int64_t)before + 1)
        return REFUSE(trail, REASON_STORE_SCHEMA_CHANGED);
    if (before >= STORE_STEPS)
        return REFUSE(trail, REASON_STORE_SCHEMA_NEWER);
    sum_of(&migrations[before], sum);
    if (!span_equal(row->at[1].bytes, SPAN(sum)))
        return REFUSE(trail, REASON_STORE_SCHEMA_CHANGED);
    return RC_SUCCESS;
}

rc migrate_judge(struct trail *trail, struct db *db, uint32_t *schema)
{
    bool there = false;
    TRY(trail, db->backend->has_schema(trail, db, &there));
    uint32_t last = 0;
    struct db_row row;
    if (there)
        TRY(trail, db_query(trail, db, SQL_MIGRATION_LIST, NULL));
    for (bool found = there; found;) {
        TRY(trail, db_next(trail, db, &row, &found));
        if (!found)
            break;
        rc fits = judge_row(trail, &row, last);
        if (!rc_ok(fits)) {
            db_finish(db);
            return fits;
        }
        last++;
    }
    *schema = last;
    return RC_SUCCESS;
}

/* Inside the lock: another migrator may have done this step meanwhile. */
static rc step_once(struct trail *trail, struct db *db, int64_t now, uint32_t number)
{
    uint32_t schema = 0;
    TRY(trail, migrate_judge(trail, db, &schema));
    if (schema >= number)
        return RC_SUCCESS;
    const struct migration *step = &migrations[number - 1];
    uint8_t sum[SHA256_LEN];
    sum_of(step, sum);
    TRY(trail, db->backend->script(trail, db, step->sqlite, step->postgres));
    const struct db_value in[] = { DB_INT(number), DB_BYTES(SPAN(sum)), DB_INT(now) };
    TRY(trail, db_run(trail, db, SQL_MIGRATION_ADD, in));
    return RC_SUCCESS;
}

rc migrate_within(struct trail *trail, struct db *db, int64_t now)
{
    for (uint32_t number = 1; number <= STORE_STEPS; number++)
        TRY(trail, step_once(trail, db, now, number));
    return RC_SUCCESS;
}

rc migrate_apply(struct trail *trail, struct db *db, int64_t now, uint32_t until)
{
    for (uint32_t number = 1; number <= STORE_STEPS && number <= until; number++) {
        TRY(trail, db->backend->begin(trail, db, DB_SCHEMA));
        rc done = step_once(trail, db, now, number);
        if (rc_ok(done))
            done = db->backend->commit(trail, db);
        else
            db->backend->rollback(db);
        TRY(trail, done);
    }
    return RC_SUCCESS;
}

rc store_plan_read(struct trail *trail, const struct db_spec *spec, struct store_plan *out)
{
    struct db db;
    TRY(trail, db_open(trail, spec, &db));
    struct store_plan plan = { .wanted = STORE_STEPS };
    rc judged = migrate_judge(trail, &db, &plan.schema);
    db_close(&db);
    TRY(trail, judged);
    for (uint32_t i = 0; i < STORE_STEPS; i++)
        plan.steps[i] = (struct store_step){ i + 1, migrations[i].what, i < plan.schema };
    *out = plan;
    return RC_SUCCESS;
}

rc store_migrate(struct trail *trail, const struct db_spec *spec, int64_t now, uint32_t until)
{
    struct db db;
    TRY(trail, db_open(trail, spec, &db));
    uint32_t schema = 0;
    rc done = migrate_judge(trail, &db, &schema);
    if (rc_ok(done) && schema < STORE_STEPS)
        done = migrate_apply(trail, &db, now, until);
    db_close(&db);
    return rc_note(trail, done, __func__, __LINE__);
}
