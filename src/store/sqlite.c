/* sqlite.c - see db.h: the backend that is a file.  Knows SQLite and nothing of what the
   tables mean. */
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "model/reason.h"
#include "os/fd.h"
#include "os/file.h"
#include "store/db.h"
#include "store/sqlite_page.h"

enum { PATH_LEN = 4096, BUSY_MS = 5000, SUFFIX_LEN = 8 };

static enum reason reason_of(int code)
{
    if (code == SQLITE_IOERR_DATA || code == SQLITE_IOERR_CORRUPTFS)
        return REASON_STORE_DAMAGED;
    /* The index of the log is a file too, and grows when a process opens the store. */
    if (code == SQLITE_IOERR_SHMSIZE)
        return REASON_STORE_FULL;
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return REASON_STORE_BUSY;
    case SQLITE_FULL:
        return REASON_STORE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return REASON_STORE_DAMAGED;
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
        return REASON_STORE_UNREACHABLE;
    case SQLITE_NOMEM:
        return REASON_OUT_OF_MEMORY;
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
        return REASON_STORE_IO;
    default:
        return REASON_STORE_STATEMENT;
    }
}

/* After a failed read, write or fdatasync nobody knows what of the file is on the disk and
   what is only in memory that the kernel believes clean: the connection is given up. */
static rc lite_fail(struct trail *trail, struct db *db, int code)
{
    enum reason reason = reason_of(code);
    if (reason == REASON_STORE_IO || reason == REASON_STORE_DAMAGED)
        db->lost = true;
    return REFUSE(trail, reason);
}

static int code_of(const struct db *db)
{
    return db->lite == NULL ? SQLITE_CANTOPEN : sqlite3_extended_errcode(db->lite);
}

static rc lite_script(struct trail *trail, struct db *db, const char *sqlite, const char *postgres)
{
    (void)postgres;
    if (sqlite3_exec(db->lite, sqlite, NULL, NULL, NULL) != SQLITE_OK)
        return lite_fail(trail, db, code_of(db));
    return RC_SUCCESS;
}

static void lite_finish(struct db *db)
{
    if (db->current < SQL_COUNT && db->ready[db->current] != NULL) {
        sqlite3_reset(db->ready[db->current]);
        sqlite3_clear_bindings(db->ready[db->current]);
    }
    db->current = SQL_COUNT;
}

/* What the kernel holds of a file that failed is forgotten, so the next open reads the disk.
   (To close a file drops every lock that the process has on it: hence db.h's rule of one
   connection to a file in a process that writes.) */
static void forget_cached(const char *place)
{
    static const char suffixes[][SUFFIX_LEN] = { "", "-wal" };
    for (size_t i = 0; i < COUNT_OF(suffixes); i++) {
        char path[PATH_LEN];
        if (snprintf(path, sizeof path, "%s%s", place, suffixes[i]) >= PATH_LEN)
            return;
        auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        if (fd >= 0)
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    }
}

static void lite_close(struct db *db)
{
    for (size_t i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(db->ready[i]);
    if (db->lost)
        sqlite3_db_config(db->lite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_close(db->lite);
    if (db->lost && db->spec->kind == DB_SQLITE)
        forget_cached(db->spec->place);
}

/* A new file is the owner's alone, and SQLite gives its logs the same mode. */
static rc make_file(struct trail *trail, const char *path)
{
    auto_fd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? RC_SUCCESS : REFUSE(trail, REASON_STORE_UNREACHABLE);
    return RC_SUCCESS;
}

/* One line of what PRAGMA answers. */
static rc pragma_says(struct trail *trail, struct db *db, const char *text, const char *wanted)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(db->lite, text, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    bool same = code == SQLITE_ROW && sqlite3_column_text(statement, 0) != NULL &&
                span_equal_text(span_text((const char *)sqlite3_column_text(statement, 0)), wanted);
    code = code == SQLITE_ROW ? SQLITE_OK : sqlite3_extended_errcode(db->lite);
    sqlite3_finalize(statement);
    if (code != SQLITE_OK)
        return lite_fail(trail, db, code);
    return same ? RC_SUCCESS : lite_fail(trail, db, SQLITE_CORRUPT);
}

static rc settings(struct trail *trail, struct db *db)
{
    sqlite3_busy_timeout(db->lite, db->spec->answer_ms != 0 ? db->spec->answer_ms : BUSY_MS);
    sqlite3_extended_result_codes(db->lite, 1);
    sqlite3_limit(db->lite, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_db_config(db->lite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db->lite, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(db->lite, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    TRY(trail, lite_script(trail, db,
                           "PRAGMA page_size = 4096; PRAGMA trusted_schema = OFF;"
                           "PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON;"
                           "PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"
                           "PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST;"
                           "PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -32768",
                           NULL));
    return RC_SUCCESS;
}

/* To the check a page that cannot be read this once is like a damaged one: what it finds twice is
   believed. */
static rc judge_pages(struct trail *trail, struct db *db)
{
    static const char check[] = "PRAGMA integrity_check(1)";
    if (rc_ok(pragma_says(NULL, db, check, "ok")))
        return RC_SUCCESS;
    db->lost = false;
    return pragma_says(trail, db, check, "ok");
}

static rc judge_file(struct trail *trail, struct db *db)
{
    int reserved = SQLITE_PAGE_SUM_LEN;
    if (sqlite3_file_control(db->lite, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved) != SQLITE_OK)
        return lite_fail(trail, db, code_of(db));
    /* A file that two make at once: here SQLite does not wait by itself. */
    rc logged = pragma_says(NULL, db, "PRAGMA journal_mode = WAL", "wal");
    for (int i = 0; i < BUSY_MS / 20 && rc_number(logged) == REASON_STORE_BUSY; i++) {
        sqlite3_sleep(20);
        logged = pragma_says(NULL, db, "PRAGMA journal_mode = WAL", "wal");
    }
    TRY(trail, logged);
    TRY(trail, judge_pages(trail, db));
    /* The names of the file and of its log, which is open by now: SQLite writes the folder
       through too, but does not look at whether that worked. */
    if (!rc_ok(file_sync_name(trail, db->spec->place)))
        return REFUSE(trail, REASON_STORE_IO);
    return RC_SUCCESS;
}

static rc lite_open(struct trail *trail, struct db *db)
{
    bool file = db->spec->kind == DB_SQLITE;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    db->current = SQL_COUNT;
    if (!sqlite_page_register())
        return REFUSE(trail, REASON_OUT_OF_MEMORY);
    if (file)
        TRY(trail, make_file(trail, db->spec->place));
    else
        flags |= SQLITE_OPEN_MEMORY | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(file ? db->spec->place : ":memory:", &db->lite, flags,
                        file ? SQLITE_PAGE_LAYER : NULL) != SQLITE_OK)
        return lite_fail(trail, db, code_of(db));
    TRY(trail, settings(trail, db));
    if (file)
        TRY(trail, judge_file(trail, db));
    return RC_SUCCESS;
}

static rc lite_begin(struct trail *trail, struct db *db, enum db_mode mode)
{
    lite_finish(db);
    return lite_script(trail, db, mode == DB_READ ? "BEGIN" : "BEGIN IMMEDIATE", NULL);
}

static void lite_rollback(struct db *db)
{
    lite_finish(db);
    if (!sqlite3_get_autocommit(db->lite))
        sqlite3_exec(db->lite, "ROLLBACK", NULL, NULL, NULL);
}

/* A commit that failed for a full disk has been taken back by SQLite, or is now.  One that
   failed to be written through may still be found by the next open. */
static rc lite_commit(struct trail *trail, struct db *db)
{
    lite_finish(db);
    int code = sqlite3_exec(db->lite, "COMMIT", NULL, NULL, NULL);
    if (code == SQLITE_OK)
        return RC_SUCCESS;
    rc failed = lite_fail(trail, db, code_of(db));
    lite_rollback(db);
    return failed;
}

static rc lite_bind(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    sqlite3_stmt *statement = db->ready[sql];
    const char *letters = db_statements[sql].arguments;
    for (int i = 0; letters[i] != 0; i++) {
        const char name[] = { '$', (char)('1' + i), 0 };
        int at = sqlite3_bind_parameter_index(statement, name);
        const void *bytes = in[i].bytes.at == NULL ? (const void *)"" : in[i].bytes.at;
        int code = SQLITE_MISUSE;
        if (letters[i] == 'i')
            code = sqlite3_bind_int64(statement, at, in[i].number);
        else if (letters[i] == 'b')
            code = sqlite3_bind_blob64(statement, at, bytes, in[i].bytes.len, SQLITE_TRANSIENT);
        else
            code = sqlite3_bind_text64(statement, at, bytes, in[i].bytes.len, SQLITE_TRANSIENT,
                                       SQLITE_UTF8);
        if (code != SQLITE_OK)
            return lite_fail(trail, db, code);
    }
    return RC_SUCCESS;
}

static rc lite_query(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    lite_finish(db);
    if (db->ready[sql] == NULL &&
        sqlite3_prepare_v3(db->lite, db_statements[sql].text, -1, SQLITE_PREPARE_PERSISTENT,
                           &db->ready[sql], NULL) != SQLITE_OK)
        return lite_fail(trail, db, code_of(db));
    db->current = sql;
    TRY(trail, lite_bind(trail, db, sql, in));
    return RC_SUCCESS;
}

static bool column_fits(sqlite3_stmt *statement, int at, char letter)
{
    int type = sqlite3_column_type(statement, at);
    return type == (letter == 'i' ? SQLITE_INTEGER : letter == 'b' ? SQLITE_BLOB : SQLITE_TEXT);
}

static rc lite_next(struct trail *trail, struct db *db, struct db_row *row, bool *found)
{
    if (db->current >= SQL_COUNT)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    sqlite3_stmt *statement = db->ready[db->current];
    const char *letters = db_statements[db->current].columns;
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        lite_finish(db);
        *found = false;
        return code == SQLITE_DONE ? RC_SUCCESS : lite_fail(trail, db, code);
    }
    for (int i = 0; letters[i] != 0; i++) {
        if (!column_fits(statement, i, letters[i]))
            return lite_fail(trail, db, SQLITE_CORRUPT);
        if (letters[i] == 'i')
            row->at[i] = DB_INT(sqlite3_column_int64(statement, i));
        else
            row->at[i] = DB_BYTES(span_of(sqlite3_column_blob(statement, i),
                                          (size_t)sqlite3_column_bytes(statement, i)));
    }
    *found = true;
    return RC_SUCCESS;
}

static rc lite_run(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    struct db_row row;
    bool found = false;
    TRY(trail, lite_query(trail, db, sql, in));
    TRY(trail, lite_next(trail, db, &row, &found));
    lite_finish(db);
    return RC_SUCCESS;
}

static rc lite_has_schema(struct trail *trail, struct db *db, bool *out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(
        db->lite, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'", -1,
        &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return lite_fail(trail, db, code);
    *out = code == SQLITE_ROW;
    return RC_SUCCESS;
}

static rc lite_prepare(struct trail *trail, struct db *db)
{
    (void)trail;
    (void)db;
    return RC_SUCCESS; /* each is prepared when it is first used */
}

const struct db_backend db_sqlite = {
    .name = "SQLite",
    .open = lite_open,
    .close = lite_close,
    .begin = lite_begin,
    .commit = lite_commit,
    .rollback = lite_rollback,
    .run = lite_run,
    .query = lite_query,
    .next = lite_next,
    .finish = lite_finish,
    .has_schema = lite_has_schema,
    .script = lite_script,
    .prepare = lite_prepare,
};
