/* db.c - see db.h: what is the same for both backends. */
#include "store/db.h"

#include <string.h>

#include "model/reason.h"

const struct db_statement db_statements[SQL_COUNT] = {
#define SQL(name, arguments, columns, text) [SQL_##name] = { #name, arguments, columns, text },
#include "store/sql.def"
#undef SQL
};

rc db_open(struct trail *trail, const struct db_spec *spec, struct db *db)
{
    *db = (struct db){ .spec = spec };
    const struct db_backend *backend = spec->kind == DB_POSTGRES ? &db_postgres
                                       : spec->kind == DB_NONE   ? NULL
                                                                 : &db_sqlite;
    if (backend == NULL || (spec->place == NULL && spec->kind != DB_MEMORY))
        return REFUSE(trail, REASON_STORE_ADDRESS);
    db->backend = backend;
    rc opened = backend->open(trail, db);
    if (!rc_ok(opened))
        db_close(db);
    return rc_note(trail, opened, __func__, __LINE__);
}

void db_close(struct db *db)
{
    if (db->backend != NULL)
        db->backend->close(db);
    *db = (struct db){ .spec = db->spec };
}

rc db_run(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    TRY(trail, db->backend->run(trail, db, sql, in));
    return RC_SUCCESS;
}

rc db_query(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    TRY(trail, db->backend->query(trail, db, sql, in));
    return RC_SUCCESS;
}

rc db_next(struct trail *trail, struct db *db, struct db_row *row, bool *found)
{
    TRY(trail, db->backend->next(trail, db, row, found));
    return RC_SUCCESS;
}

rc db_one(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in,
          struct db_row *row, bool *found)
{
    TRY(trail, db_query(trail, db, sql, in));
    TRY(trail, db_next(trail, db, row, found));
    return RC_SUCCESS;
}

void db_finish(struct db *db)
{
    db->backend->finish(db);
}

rc db_copy(struct trail *trail, struct db_value value, void *out, size_t len)
{
    if (value.bytes.len != len)
        return REFUSE(trail, REASON_STORE_DAMAGED);
    memcpy(out, value.bytes.at, len);
    return RC_SUCCESS;
}
