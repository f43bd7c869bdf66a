/* db.h - what the two backends have in common: const statements with typed arguments, one row
   at a time.  For this room's own files; callers see struct db_spec only.

   No SQL is made at run time: a statement is a row of sql.def, a migration a row of
   migrations.c, and what varies is bound.  A process has one connection that writes to a file.  A
   failure is a reason; one that leaves the connection useless sets `lost`, and the next db_open
   begins anew. */
#ifndef WARD_STORE_DB_H
#define WARD_STORE_DB_H

#include "base/result.h"
#include "base/span.h"

enum db_kind {
    DB_NONE = 0,
    DB_SQLITE,   /* the file at `place`; its folder is there and the caller's own */
    DB_MEMORY,   /* SQLite without a file: for proving a backup */
    DB_POSTGRES, /* `place` is a conninfo that names its host; TLS is its own affair */
};

struct db_spec {
    enum db_kind kind;
    const char *place;
    const char *const *addresses; /* DB_POSTGRES: the hosts that may be spoken to; NULL: those
                                     that the conninfo itself names */
    size_t address_count;
    const char *password; /* DB_POSTGRES: NULL or ""; read by an open only */
    int answer_ms;        /* how long an answer or a file's lock is waited for; 0: for long */
    bool once;            /* what is lost is not opened again */
};

enum { DB_ANSWER_MS = 12000 }; /* longer than a server waits for a lock or a disk */

enum db_sql {
#define SQL(name, arguments, columns, text) SQL_##name,
#include "store/sql.def"
#undef SQL
    SQL_COUNT
};

struct db_statement {
    const char *name;
    const char *arguments; /* a letter each: i int64, b bytes, t text */
    const char *columns;
    const char *text;
};

extern const struct db_statement db_statements[SQL_COUNT];

enum { DB_VALUES = 8 }; /* the most arguments or columns of a statement */

/* An argument or a column; which half holds it, the statement's letter says. */
struct db_value {
    int64_t number;
    struct span bytes;
};

#define DB_INT(value)  ((struct db_value){ .number = (value) })
#define DB_BYTES(span) ((struct db_value){ .bytes = (span) })

struct db_row {
    struct db_value at[DB_VALUES]; /* bytes live until the next call of the room */
};

enum db_mode {
    DB_READ,   /* one consistent snapshot for the whole transaction */
    DB_WRITE,  /* the backend may still let two of these run: meta's row makes them take turns */
    DB_SCHEMA, /* alone: every other migrator waits */
};

struct sqlite3;
struct sqlite3_stmt;
struct pg_conn;
struct pg_result;

struct db {
    const struct db_backend *backend; /* NULL: closed */
    const struct db_spec *spec;
    struct sqlite3 *lite;
    struct sqlite3_stmt *ready[SQL_COUNT];
    struct pg_conn *server;
    struct pg_result *rows;
    enum db_sql current; /* the statement whose rows are being read */
    int next_row;
    unsigned queued; /* statements sent whose answers were not read */
    bool prepared;
    bool lost;
};

struct db_backend {
    const char *name;
    rc (*open)(struct trail *trail, struct db *db);
    void (*close)(struct db *db);
    rc (*begin)(struct trail *trail, struct db *db, enum db_mode mode);
    /* STORE_UNCERTAIN: it was asked for, and no answer came. */
    rc (*commit)(struct trail *trail, struct db *db);
    void (*rollback)(struct db *db);
    /* A statement without columns; a failure may come with a later call of the transaction. */
    rc (*run)(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in);
    rc (*query)(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in);
    rc (*next)(struct trail *trail, struct db *db, struct db_row *row, bool *found);
    /* Ends the statement whose rows are being read, if there is one. */
    void (*finish)(struct db *db);
    /* Whether the migrations' table is there. */
    rc (*has_schema)(struct trail *trail, struct db *db, bool *out);
    /* Several statements of a migration. */
    rc (*script)(struct trail *trail, struct db *db, const char *sqlite, const char *postgres);
    /* The schema is the wanted one: statements may be prepared. */
    rc (*prepare)(struct trail *trail, struct db *db);
};

extern const struct db_backend db_sqlite;
extern const struct db_backend db_postgres;

/* db_open opens by the spec, which must outlive the db; it does not look at the schema. */
MUST_USE
rc db_open(struct trail *trail, const struct db_spec *spec, struct db *db);
void db_close(struct db *db);

MUST_USE
rc db_run(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in);

/* db_query starts a statement; db_next reads its rows and must be called until *found is
   false, or db_one instead, which wants at most one row. */
MUST_USE
rc db_query(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in);
MUST_USE
rc db_next(struct trail *trail, struct db *db, struct db_row *row, bool *found);

/* db_one leaves the row's bytes alive until the next call, which outside a transaction is
   db_finish: it lets go of what was read. */
MUST_USE
rc db_one(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in,
          struct db_row *row, bool *found);

void db_finish(struct db *db);

/* db_copy copies exactly len bytes of a column; STORE_DAMAGED when it has another length. */
MUST_USE
rc db_copy(struct trail *trail, struct db_value value, void *out, size_t len);

#endif
