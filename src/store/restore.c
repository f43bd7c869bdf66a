/* restore.c - see backup.h: into a store, or nothing at all. */
#include <string.h>

#include "base/number.h"
#include "store/backup_line.h"
#include "store/backup_walk.h"
#include "store/migrate.h"
#include "store/room.h"

/* Lines out of a stream. */
struct lines {
    const struct backup_in *from;
    uint8_t bytes[4 * BACKUP_LINE_LEN];
    size_t at, len;
    bool over; /* the stream has ended */
    struct backup_chain sum;
};

static rc lines_fill(struct trail *trail, struct lines *lines)
{
    size_t got = 0;
    memmove(lines->bytes, lines->bytes + lines->at, lines->len - lines->at);
    lines->len -= lines->at;
    lines->at = 0;
    size_t cap = sizeof lines->bytes - lines->len;
    TRY(trail, lines->from->get(trail, lines->from->arg, lines->bytes + lines->len, cap, &got));
    if (got > cap)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    lines->len += got;
    lines->over = got == 0;
    return RC_SUCCESS;
}

/* The next line with its LF; it lives until the next call. */
static rc lines_next(struct trail *trail, struct lines *lines, struct span *out)
{
    for (;;) {
        const uint8_t *start = lines->bytes + lines->at;
        size_t left = lines->len - lines->at;
        const uint8_t *end = left == 0 ? NULL : (const uint8_t *)memchr(start, '\n', left);
        if (end != NULL) {
            *out = span_of(start, (size_t)(end - start) + 1);
            lines->at += out->len;
            return RC_SUCCESS;
        }
        if (left >= BACKUP_LINE_LEN || lines->over)
            return REFUSE(trail, REASON_BACKUP_DAMAGED);
        TRY(trail, lines_fill(trail, lines));
    }
}

static rc lines_are_over(struct trail *trail, struct lines *lines)
{
    while (lines->at == lines->len && !lines->over)
        TRY(trail, lines_fill(trail, lines));
    return lines->at == lines->len ? RC_SUCCESS : REFUSE(trail, REASON_BACKUP_DAMAGED);
}

static struct span without_end(struct span line)
{
    return span_of(line.at, line.len - 1);
}

static rc read_head(struct trail *trail, struct lines *lines, struct backup_head *out)
{
    struct span line;
    uint32_t version = 0;
    rc got = lines_next(trail, lines, &line);
    if (rc_number(got) == REASON_BACKUP_DAMAGED)
        return REFUSE(trail, REASON_BACKUP_FORMAT);
    TRY(trail, got);
    if (!backup_head_read(without_end(line), &version, out))
        return REFUSE(trail,
                      version == BACKUP_VERSION ? REASON_BACKUP_DAMAGED : REASON_BACKUP_FORMAT);
    if (version > BACKUP_VERSION || (version == BACKUP_VERSION && out->schema > STORE_STEPS))
        return REFUSE(trail, REASON_BACKUP_NEWER);
    if (version < BACKUP_VERSION || out->schema < STORE_STEPS)
        return REFUSE(trail, REASON_BACKUP_OLDER);
    backup_chain_line(&lines->sum, line);
    return RC_SUCCESS;
}

static rc some_row(struct trail *trail, void *arg, size_t table, const struct db_row *row)
{
    (void)arg;
    (void)table;
    (void)row;
    return REFUSE(trail, REASON_RESTORE_NOT_EMPTY);
}

static rc must_be_empty(struct trail *trail, struct store *store)
{
    const struct backup_visit visit = { some_row, NULL };
    struct db_row row;
    bool found = false;
    TRY(trail, db_one(trail, &store->db, SQL_META_READ, NULL, &row, &found));
    db_finish(&store->db);
    if (found)
        return REFUSE(trail, REASON_RESTORE_NOT_EMPTY);
    TRY(trail, backup_walk(trail, store, &visit));
    return RC_SUCCESS;
}

/* Rows until the line that is the end. */
static rc put_rows(struct trail *trail, struct store *store, struct lines *lines,
                   struct backup_end *end)
{
    uint64_t rows = 0;
    for (;; rows++) {
        uint8_t memory[DB_VALUES * BACKUP_BYTES];
        struct span line;
        struct db_row row;
        size_t table = 0;
        TRY(trail, lines_next(trail, lines, &line));
        if (!backup_row_read(without_end(line), memory, &table, &row)) {
            bool last = backup_end_read(without_end(line), end) && end->rows == rows &&
                        span_equal(SPAN(end->sum), SPAN(lines->sum.digest));
            return last ? RC_SUCCESS : REFUSE(trail, REASON_BACKUP_DAMAGED);
        }
        backup_chain_line(&lines->sum, line);
        TRY(trail, db_run(trail, &store->db, backup_tables[table].put, row.at));
    }
}

static rc restore_rows(struct trail *trail, struct store *store, const struct backup_in *from,
                       int64_t high_water, struct backup_proof *out)
{
    struct lines lines = { .from = from };
    struct backup_head head;
    struct backup_end end;
    struct backup_proof proof;
    TRY(trail, must_be_empty(trail, store));
    TRY(trail, read_head(trail, &lines, &head));
    int64_t water = head.meta.high_water > high_water ? head.meta.high_water : high_water;
    const struct db_value meta[] = {
        DB_BYTES(SPAN(head.meta.installation)),
        DB_INT(head.meta.created),
        DB_INT(water),
        DB_INT(head.meta.generation),
    };
    TRY(trail, db_run(trail, &store->db, SQL_META_PUT, meta));
    TRY(trail, put_rows(trail, store, &lines, &end));
    TRY(trail, lines_are_over(trail, &lines));
    TRY(trail, backup_state_within(trail, store, &proof));
    if (!span_equal(SPAN(proof.state), SPAN(end.state)))
        return REFUSE(trail, REASON_BACKUP_UNPROVEN);
    *out = proof;
    return RC_SUCCESS;
}

/* A row that the tables do not take (twice the same key, text that is none) is the file's fault,
   not the program's. */
rc backup_restore_within(struct trail *trail, struct store *store, const struct backup_in *from,
                         int64_t high_water, struct backup_proof *out)
{
    rc done = restore_rows(trail, store, from, high_water, out);
    if (rc_number(done) == REASON_STORE_STATEMENT)
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    return done;
}

rc backup_restore(struct trail *trail, struct store *store, const struct backup_in *from,
                  int64_t high_water, struct backup_proof *out)
{
    struct backup_proof proof;
    TRY(trail, store_ready(trail, store));
    if (store->writing)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    struct db *db = &store->db;
    TRY(trail, db->backend->begin(trail, db, DB_SCHEMA));
    store->writing = true;
    rc done = backup_restore_within(trail, store, from, high_water, &proof);
    store->writing = false;
    if (rc_ok(done))
        done = db->backend->commit(trail, db);
    else
        db->backend->rollback(db);
    TRY(trail, done);
    *out = proof;
    return RC_SUCCESS;
}

rc backup_check(struct trail *trail, const struct backup_in *from, struct backup_proof *out)
{
    static const struct db_spec spec = { .kind = DB_MEMORY };
    struct store scratch = { .limits = store_limits_default };
    TRY(trail, db_open(trail, &spec, &scratch.db));
    scratch.open = true;
    rc done = migrate_apply(trail, &scratch.db, 0, STORE_STEPS);
    if (rc_ok(done))
        done = backup_restore(trail, &scratch, from, 0, out);
    store_close(&scratch);
    return rc_note(trail, done, __func__, __LINE__);
}
