/* backup_line.h - the lines of a backup and the tables in it; for backup.c, restore.c and
   their fuzz target. */
#ifndef WARD_STORE_BACKUP_LINE_H
#define WARD_STORE_BACKUP_LINE_H

#include "base/sink.h"
#include "store/backup.h"

enum { BACKUP_LINE_LEN = 1024, BACKUP_BYTES = 64, BACKUP_KEYS = 2, BACKUP_PAGE = 256 };

struct backup_table {
    const char *name;
    const char *columns; /* letters, as in sql.def */
    enum db_sql page;    /* rows past a key, in the order of it, with a limit */
    enum db_sql put;
    size_t keys; /* the first columns */
};

extern const struct backup_table backup_tables[BACKUP_TABLES];

/* A running digest of rows or lines: each is hashed together with what was before it. */
struct backup_chain {
    uint8_t digest[32];
};

struct backup_chain backup_chain_of_state(uint32_t schema, const struct store_meta *meta);
void backup_chain_row(struct backup_chain *chain, size_t table, const struct db_row *row);
void backup_chain_line(struct backup_chain *chain, struct span line);

struct backup_head {
    uint32_t schema;
    struct store_meta meta;
};

struct backup_end {
    uint64_t rows;
    uint8_t state[32];
    uint8_t sum[32];
};

/* Lines end with LF.  False when the line does not fit. */
MUST_USE
bool backup_head_write(const struct backup_head *head, struct sink *out);
MUST_USE
bool backup_row_write(size_t table, const struct db_row *row, struct sink *out);
MUST_USE
bool backup_end_write(const struct backup_end *end, struct sink *out);

/* Readers take a line without its LF.  *version is what the head says even when it is not ours:
   the rest of such a head is not read. */
MUST_USE
bool backup_head_read(struct span line, uint32_t *version, struct backup_head *out);
MUST_USE
bool backup_end_read(struct span line, struct backup_end *out);

/* The row's bytes are in `memory`, DB_VALUES * BACKUP_BYTES of it. */
MUST_USE
bool backup_row_read(struct span line, uint8_t *memory, size_t *table, struct db_row *out);

#endif
