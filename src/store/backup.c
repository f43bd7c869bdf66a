/* backup.c - see backup.h: out of the store. */
#include <string.h>

#include "store/backup_line.h"
#include "store/backup_walk.h"
#include "store/room.h"

/* Where the next page begins: the key of the last row, copied before its bytes are gone. */
struct place {
    struct db_value key[BACKUP_KEYS + 1];
    uint8_t bytes[BACKUP_KEYS][BACKUP_BYTES];
};

static rc place_move(struct trail *trail, struct place *place, const struct backup_table *table,
                     const struct db_row *row)
{
    for (size_t i = 0; i < table->keys; i++) {
        place->key[i] = row->at[i];
        if (table->columns[i] == 'i')
            continue;
        if (row->at[i].bytes.len > BACKUP_BYTES)
            return REFUSE(trail, REASON_STORE_DAMAGED);
        if (row->at[i].bytes.len > 0)
            memcpy(place->bytes[i], row->at[i].bytes.at, row->at[i].bytes.len);
        place->key[i].bytes.at = place->bytes[i];
    }
    return RC_SUCCESS;
}

/* *rows is how many rows this page had. */
static rc walk_page(struct trail *trail, struct store *store, size_t number, struct place *place,
                    const struct backup_visit *visit, size_t *rows)
{
    const struct backup_table *table = &backup_tables[number];
    struct db_row row;
    bool found = true;
    *rows = 0;
    TRY(trail, db_query(trail, &store->db, table->page, place->key));
    for (;;) {
        TRY(trail, db_next(trail, &store->db, &row, &found));
        if (!found)
            return RC_SUCCESS;
        ++*rows;
        TRY(trail, visit->row(trail, visit->arg, number, &row));
        TRY(trail, place_move(trail, place, table, &row));
    }
}

rc backup_walk(struct trail *trail, struct store *store, const struct backup_visit *visit)
{
    for (size_t i = 0; i < BACKUP_TABLES; i++) {
        struct place place = { 0 };
        size_t rows = BACKUP_PAGE;
        place.key[backup_tables[i].keys] = DB_INT(BACKUP_PAGE);
        if (backup_tables[i].columns[0] == 'i')
            place.key[0] = DB_INT(INT64_MIN);
        while (rows == BACKUP_PAGE)
            TRY(trail, walk_page(trail, store, i, &place, visit, &rows));
    }
    return RC_SUCCESS;
}

/* What both walks of this file gather; `to` is NULL when only the hash is wanted. */
struct dump {
    const struct backup_out *to;
    struct backup_chain state, sum;
    struct backup_proof proof;
};

static rc put_line(struct trail *trail, struct dump *dump, const struct sink *line, bool fitted)
{
    if (!fitted)
        return REFUSE(trail, REASON_STORE_DAMAGED);
    backup_chain_line(&dump->sum, sink_bytes(line));
    return dump->to->put(trail, dump->to->arg, sink_bytes(line));
}

static rc dump_row(struct trail *trail, void *arg, size_t table, const struct db_row *row)
{
    struct dump *dump = (struct dump *)arg;
    backup_chain_row(&dump->state, table, row);
    dump->proof.rows[table]++;
    if (dump->to == NULL)
        return RC_SUCCESS;
    uint8_t bytes[BACKUP_LINE_LEN];
    struct sink line = sink_over(bytes, sizeof bytes);
    bool fitted = backup_row_write(table, row, &line);
    return put_line(trail, dump, &line, fitted);
}

static rc dump_ends(struct trail *trail, struct dump *dump)
{
    struct backup_end end = { 0 };
    uint8_t bytes[BACKUP_LINE_LEN];
    struct sink line = sink_over(bytes, sizeof bytes);
    memcpy(dump->proof.state, dump->state.digest, sizeof dump->proof.state);
    memcpy(end.state, dump->state.digest, sizeof end.state);
    memcpy(end.sum, dump->sum.digest, sizeof end.sum);
    for (size_t i = 0; i < BACKUP_TABLES; i++)
        end.rows += dump->proof.rows[i];
    if (dump->to == NULL)
        return RC_SUCCESS;
    bool fitted = backup_end_write(&end, &line);
    return put_line(trail, dump, &line, fitted);
}

/* Within an open transaction. */
static rc dump_all(struct trail *trail, struct store *store, struct dump *dump)
{
    struct backup_head head = { .schema = STORE_STEPS };
    uint8_t bytes[BACKUP_LINE_LEN];
    struct sink line = sink_over(bytes, sizeof bytes);
    TRY(trail, store_meta_read(trail, store, &head.meta));
    dump->proof.schema = head.schema;
    dump->proof.meta = head.meta;
    dump->state = backup_chain_of_state(head.schema, &head.meta);
    if (dump->to != NULL) {
        bool fitted = backup_head_write(&head, &line);
        TRY(trail, put_line(trail, dump, &line, fitted));
    }
    const struct backup_visit visit = { dump_row, dump };
    TRY(trail, backup_walk(trail, store, &visit));
    TRY(trail, dump_ends(trail, dump));
    return RC_SUCCESS;
}

static rc snapshot(struct trail *trail, struct store *store, struct dump *dump)
{
    TRY(trail, store_ready(trail, store));
    if (store->writing)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    TRY(trail, store->db.backend->begin(trail, &store->db, DB_READ));
    rc done = dump_all(trail, store, dump);
    store->db.backend->rollback(&store->db);
    return done;
}

rc backup_state_within(struct trail *trail, struct store *store, struct backup_proof *out)
{
    struct dump dump = { 0 };
    TRY(trail, dump_all(trail, store, &dump));
    *out = dump.proof;
    return RC_SUCCESS;
}

rc backup_state(struct trail *trail, struct store *store, struct backup_proof *out)
{
    struct dump dump = { 0 };
    TRY(trail, snapshot(trail, store, &dump));
    *out = dump.proof;
    return RC_SUCCESS;
}

rc backup_write(struct trail *trail, struct store *store, const struct backup_out *to,
                struct backup_proof *out)
{
    struct dump dump = { .to = to };
    TRY(trail, snapshot(trail, store, &dump));
    *out = dump.proof;
    return RC_SUCCESS;
}
