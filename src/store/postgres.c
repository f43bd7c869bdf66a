/* postgres.c - see db.h: the backend that is a server.  Knows libpq and nothing of what the
   tables mean.

   The connection is in pipeline mode: statements without columns are only queued, and go out
   with the next one whose rows are wanted, or with the commit. */
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "base/sink.h"
#include "model/reason.h"
#include "os/clock.h"
#include "store/db.h"

enum { QUEUE = 32, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OPTIONS = 40 };

/* A server that waits for a lock or a disk for longer than this answers STORE_BUSY.  What the
   other end of a cut connection still holds, it lets go of before that. */
static const char settings[] =
    "SET statement_timeout = '10s'; SET lock_timeout = '8s';"
    "SET idle_in_transaction_session_timeout = '5s'; SET synchronous_commit = on;"
    "SET client_min_messages = error; SET standard_conforming_strings = on;"
    "SET search_path = ward";

static bool begins(const char *text, const char *with)
{
    return text != NULL && strncmp(text, with, strlen(with)) == 0;
}

/* SQLSTATE, PostgreSQL appendix A. */
static const struct {
    const char *state; /* or the start of it */
    enum reason reason;
} states[] = {
    { "40001", REASON_STORE_BUSY },        /* serialization_failure */
    { "40P01", REASON_STORE_BUSY },        /* deadlock_detected */
    { "55P03", REASON_STORE_BUSY },        /* lock_not_available */
    { "57014", REASON_STORE_BUSY },        /* query_canceled: statement_timeout */
    { "53100", REASON_STORE_FULL },        /* disk_full */
    { "53", REASON_STORE_UNREACHABLE },    /* too many connections, out of memory */
    { "57P", REASON_STORE_UNREACHABLE },   /* shutting down, starting up */
    { "08", REASON_STORE_UNREACHABLE },    /* connection exceptions */
    { "28", REASON_STORE_UNREACHABLE },    /* not authorized */
    { "42501", REASON_STORE_FORBIDDEN },   /* insufficient_privilege */
    { "25006", REASON_STORE_UNREACHABLE }, /* read-only: a standby */
    { "58030", REASON_STORE_IO },          /* io_error */
    { "XX001", REASON_STORE_DAMAGED },     /* data_corrupted */
    { "XX002", REASON_STORE_DAMAGED },     /* index_corrupted */
};

static enum reason reason_of(const char *state)
{
    for (size_t i = 0; i < COUNT_OF(states); i++) {
        if (begins(state, states[i].state))
            return states[i].reason;
    }
    return state == NULL ? REASON_STORE_UNREACHABLE : REASON_STORE_STATEMENT;
}

static rc server_gone(struct trail *trail, struct db *db)
{
    db->lost = true;
    return REFUSE(trail, REASON_STORE_UNREACHABLE);
}

static void drop_rows(struct db *db)
{
    PQclear(db->rows);
    db->rows = NULL;
    db->next_row = 0;
}

/* Waits until the next answer can be taken without waiting.  libpq itself would wait for ever
   for a server that is frozen, or is behind a network that is cut. */
static bool server_answers(struct db *db, int64_t until_ms)
{
    while (PQisBusy(db->server) != 0) {
        struct pollfd socket = { .fd = PQsocket(db->server), .events = POLLIN };
        int64_t left = until_ms - clock_monotonic_ms();
        int ready = left > 0 ? poll(&socket, 1, (int)left) : 0;
        if (ready == 0 || (ready < 0 && errno != EINTR))
            return false;
        if (ready > 0 && PQconsumeInput(db->server) != 1)
            return false;
    }
    return true;
}

static int64_t answer_by(const struct db *db)
{
    int wait = db->spec->answer_ms != 0 ? db->spec->answer_ms : DB_ANSWER_MS;
    return clock_monotonic_ms() + wait;
}

/* server_settle sends what is queued and reads every answer; the rows of the last statement
   that has any stay in db->rows.  The first failure is the one that counts. */
static rc server_settle(struct trail *trail, struct db *db)
{
    enum reason reason = REASON_OK;
    int64_t until = answer_by(db);
    drop_rows(db);
    db->queued = 0;
    if (PQpipelineSync(db->server) != 1)
        return server_gone(trail, db);
    for (int nothing = 0; nothing < 2;) {
        if (!server_answers(db, until))
            return server_gone(trail, db);
        PGresult *got = PQgetResult(db->server);
        ExecStatusType status = PQresultStatus(got);
        nothing = got == NULL ? nothing + 1 : 0;
        if (status == PGRES_TUPLES_OK) {
            drop_rows(db);
            db->rows = got;
            continue;
        }
        if (got != NULL && status == PGRES_FATAL_ERROR && reason == REASON_OK)
            reason = reason_of(PQresultErrorField(got, PG_DIAG_SQLSTATE));
        /* COMMIT of a transaction that has failed is answered with ROLLBACK. */
        if (status == PGRES_COMMAND_OK && reason == REASON_OK && begins(PQcmdStatus(got), "ROLLB"))
            reason = REASON_STORE_STATEMENT;
        PQclear(got);
        if (status == PGRES_PIPELINE_SYNC)
            return reason == REASON_OK ? RC_SUCCESS : REFUSE(trail, reason);
    }
    return server_gone(trail, db);
}

static rc server_say(struct trail *trail, struct db *db, const char *text)
{
    if (PQsendQueryParams(db->server, text, 0, NULL, NULL, NULL, NULL, 1) != 1)
        return server_gone(trail, db);
    db->queued++;
    return RC_SUCCESS;
}

static int types_of(const char *letters, Oid *types)
{
    int count = 0;
    for (; letters[count] != 0; count++)
        types[count] = letters[count] == 'i'   ? OID_INT8
                       : letters[count] == 'b' ? OID_BYTEA
                                               : OID_TEXT;
    return count;
}

static rc server_send(struct trail *trail, struct db *db, enum db_sql sql,
                      const struct db_value *in)
{
    const struct db_statement *statement = &db_statements[sql];
    uint8_t numbers[DB_VALUES * 8];
    struct sink out = sink_over(numbers, sizeof numbers);
    const char *values[DB_VALUES];
    int lengths[DB_VALUES];
    int formats[DB_VALUES];
    Oid types[DB_VALUES];
    int count = types_of(statement->arguments, types);
    for (int i = 0; i < count; i++) {
        bool number = types[i] == OID_INT8;
        values[i] = number                   ? (const char *)numbers + out.len
                    : in[i].bytes.at == NULL ? ""
                                             : (const char *)in[i].bytes.at;
        lengths[i] = number ? 8 : (int)in[i].bytes.len;
        formats[i] = 1;
        if (number)
            sink_u64be(&out, (uint64_t)in[i].number);
    }
    int sent = db->prepared ? PQsendQueryPrepared(db->server, statement->name, count, values,
                                                  lengths, formats, 1)
                            : PQsendQueryParams(db->server, statement->text, count, types, values,
                                                lengths, formats, 1);
    if (sent != 1)
        return server_gone(trail, db);
    db->queued++;
    return RC_SUCCESS;
}

static rc server_run(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    TRY(trail, server_send(trail, db, sql, in));
    /* Both ends would wait for the other if the answers filled their buffers. */
    if (db->queued >= QUEUE)
        TRY(trail, server_settle(trail, db));
    return RC_SUCCESS;
}

static rc server_query(struct trail *trail, struct db *db, enum db_sql sql,
                       const struct db_value *in)
{
    TRY(trail, server_send(trail, db, sql, in));
    TRY(trail, server_settle(trail, db));
    db->current = sql;
    if (db->rows == NULL)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    return RC_SUCCESS;
}

static rc server_next(struct trail *trail, struct db *db, struct db_row *row, bool *found)
{
    const char *letters = db_statements[db->current].columns;
    if (db->next_row >= PQntuples(db->rows)) {
        drop_rows(db);
        *found = false;
        return RC_SUCCESS;
    }
    if (PQnfields(db->rows) != (int)strlen(letters))
        return REFUSE(trail, REASON_STORE_STATEMENT);
    for (int i = 0; letters[i] != 0; i++) {
        struct span bytes = span_of(PQgetvalue(db->rows, db->next_row, i),
                                    (size_t)PQgetlength(db->rows, db->next_row, i));
        uint64_t number = 0;
        struct cursor in = cur_over(bytes);
        bool right = letters[i] != 'i' || (cur_u64be(&in, &number) && cur_end(&in));
        if (!right || PQgetisnull(db->rows, db->next_row, i))
            return REFUSE(trail, REASON_STORE_DAMAGED);
        row->at[i] = letters[i] == 'i' ? DB_INT((int64_t)number) : DB_BYTES(bytes);
    }
    db->next_row++;
    *found = true;
    return RC_SUCCESS;
}

static void server_finish(struct db *db)
{
    drop_rows(db);
}

static rc server_begin(struct trail *trail, struct db *db, enum db_mode mode)
{
    static const char *const begin[] = {
        [DB_READ] = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        [DB_WRITE] = "BEGIN ISOLATION LEVEL READ COMMITTED",
        [DB_SCHEMA] = "BEGIN ISOLATION LEVEL READ COMMITTED",
    };
    TRY(trail, server_say(trail, db, begin[mode]));
    if (mode != DB_SCHEMA)
        return RC_SUCCESS;
    /* The number is "ward" in ASCII; nothing but Ward takes this lock. */
    TRY(trail, server_say(trail, db, "SELECT pg_advisory_xact_lock(2002874980)"));
    TRY(trail, server_settle(trail, db));
    return RC_SUCCESS;
}

/* Once COMMIT may have left, silence means neither yes nor no. */
static rc server_commit(struct trail *trail, struct db *db)
{
    TRY(trail, server_say(trail, db, "COMMIT"));
    rc settled = server_settle(trail, db);
    drop_rows(db);
    if (db->lost)
        return REFUSE(trail, REASON_STORE_UNCERTAIN);
    return settled;
}

static void server_rollback(struct db *db)
{
    if (db->lost || !rc_ok(server_say(NULL, db, "ROLLBACK")))
        return;
    /* ROLLBACK answers ROLLBACK, which server_settle takes for a failure: here it is none. */
    rc settled = server_settle(NULL, db);
    (void)settled;
    drop_rows(db);
}

/* It wants to copy, which nobody asked for, and would say so for ever. */
static bool is_copy(ExecStatusType status)
{
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/* Of each statement of one text; false: the server is gone.  The first failure ends them. */
static bool server_answers_all(struct db *db, enum reason *reason)
{
    int64_t until = answer_by(db);
    for (;;) {
        if (!server_answers(db, until))
            return false;
        PGresult *got = PQgetResult(db->server);
        if (got == NULL)
            return true;
        ExecStatusType status = PQresultStatus(got);
        if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && *reason == REASON_OK)
            *reason = reason_of(PQresultErrorField(got, PG_DIAG_SQLSTATE));
        PQclear(got);
        if (is_copy(status) || PQstatus(db->server) != CONNECTION_OK)
            return false;
    }
}

/* Several statements need the simple protocol, which is not to be had in pipeline mode. */
static rc server_simple(struct trail *trail, struct db *db, const char *text)
{
    if (db->queued > 0)
        TRY(trail, server_settle(trail, db));
    if (PQpipelineStatus(db->server) != PQ_PIPELINE_OFF && PQexitPipelineMode(db->server) != 1)
        return server_gone(trail, db);
    enum reason reason = REASON_OK;
    if (PQsendQuery(db->server, text) != 1 || !server_answers_all(db, &reason) ||
        PQstatus(db->server) != CONNECTION_OK || PQenterPipelineMode(db->server) != 1)
        return server_gone(trail, db);
    return reason == REASON_OK ? RC_SUCCESS : REFUSE(trail, reason);
}

static rc server_script(struct trail *trail, struct db *db, const char *sqlite,
                        const char *postgres)
{
    (void)sqlite;
    return server_simple(trail, db, postgres);
}

static rc server_prepare(struct trail *trail, struct db *db)
{
    for (size_t i = 0; i < SQL_COUNT; i++) {
        Oid types[DB_VALUES];
        int count = types_of(db_statements[i].arguments, types);
        if (PQsendPrepare(db->server, db_statements[i].name, db_statements[i].text, count, types) !=
            1)
            return server_gone(trail, db);
        if (++db->queued >= QUEUE)
            TRY(trail, server_settle(trail, db));
    }
    TRY(trail, server_settle(trail, db));
    db->prepared = true;
    return RC_SUCCESS;
}

/* The first column of the first row, as a word. */
static rc server_says(struct trail *trail, struct db *db, const char *text, const char *wanted,
                      bool *out)
{
    TRY(trail, server_say(trail, db, text));
    TRY(trail, server_settle(trail, db));
    *out = PQntuples(db->rows) == 1 && PQnfields(db->rows) == 1 &&
           span_equal_text(span_of(PQgetvalue(db->rows, 0, 0), (size_t)PQgetlength(db->rows, 0, 0)),
                           wanted);
    drop_rows(db);
    return RC_SUCCESS;
}

static rc server_has_schema(struct trail *trail, struct db *db, bool *out)
{
    return server_says(trail, db,
                       "SELECT count(*)::text FROM pg_catalog.pg_tables"
                       " WHERE schemaname = 'ward' AND tablename = 'migrations'",
                       "1", out);
}

static bool is_one_of(struct span host, const struct db_spec *spec)
{
    for (size_t i = 0; i < spec->address_count; i++) {
        if (span_equal_text(host, spec->addresses[i]))
            return true;
    }
    return false;
}

/* A list of hosts is one option's text: each must be known, and none may be empty, which
   would mean a default. */
static bool all_known(const char *hosts, const struct db_spec *spec)
{
    for (;;) {
        size_t len = strcspn(hosts, ",");
        if (len == 0 || (spec->addresses != NULL && !is_one_of(span_of(hosts, len), spec)))
            return false;
        if (hosts[len] == 0)
            return true;
        hosts += len + 1;
    }
}

/* The address is what the conninfo says and nothing else: neither a service file nor the
   environment may lead the connection somewhere else. */
static bool options_are_fit(const PQconninfoOption *options, const PQconninfoOption *defaults,
                            const struct db_spec *spec)
{
    bool named = false;
    bool own_address = false;
    for (const PQconninfoOption *option = options; option->keyword != NULL; option++) {
        bool given = option->val != NULL && option->val[0] != 0;
        bool address = strcmp(option->keyword, "hostaddr") == 0;
        if (given && strcmp(option->keyword, "service") == 0)
            return false;
        if (!given || (!address && strcmp(option->keyword, "host") != 0))
            continue;
        if (!all_known(option->val, spec))
            return false;
        named = true;
        own_address = own_address || address;
    }
    for (const PQconninfoOption *option = defaults; option->keyword != NULL; option++) {
        bool given = option->val != NULL && option->val[0] != 0;
        if (given && strcmp(option->keyword, "hostaddr") == 0 && !own_address)
            return false;
        if (given && strcmp(option->keyword, "service") == 0)
            return false;
    }
    return named;
}

static void silent(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

static bool address_is_fit(const struct db_spec *spec)
{
    PQconninfoOption *options = PQconninfoParse(spec->place, NULL);
    PQconninfoOption *defaults = PQconndefaults();
    bool fit = options != NULL && defaults != NULL && options_are_fit(options, defaults, spec);
    PQconninfoFree(options);
    PQconninfoFree(defaults);
    return fit;
}

/* Without these an acknowledged commit is a hope.  (A server's own data checksums are its
   operator's choice: docs/store.md.) */
static rc judge_server(struct trail *trail, struct db *db)
{
    static const char *const questions[] = {
        "SELECT current_setting('fsync')",
        "SELECT current_setting('full_page_writes')",
    };
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        bool on = false;
        TRY(trail, server_says(trail, db, questions[i], "on", &on));
        if (!on)
            return REFUSE(trail, REASON_STORE_NOT_DURABLE);
    }
    return RC_SUCCESS;
}

static rc server_open(struct trail *trail, struct db *db)
{
    static const char *const keywords[] = {
        "connect_timeout", "application_name", "client_encoding", "dbname", "password", NULL,
    };
    /* An empty password is none, and then a passfile that is named is read. */
    const char *const values[] = { "5", "ward", "UTF8", db->spec->place, db->spec->password, NULL };
    db->current = SQL_COUNT;
    if (!address_is_fit(db->spec))
        return REFUSE(trail, REASON_STORE_ADDRESS);
    db->server = PQconnectdbParams(keywords, values, 1);
    if (PQstatus(db->server) != CONNECTION_OK)
        return server_gone(trail, db);
    PQsetNoticeReceiver(db->server, silent, NULL);
    TRY(trail, server_simple(trail, db, settings));
    TRY(trail, judge_server(trail, db));
    return RC_SUCCESS;
}

static void server_close(struct db *db)
{
    drop_rows(db);
    PQfinish(db->server);
}

const struct db_backend db_postgres = {
    .name = "PostgreSQL",
    .open = server_open,
    .close = server_close,
    .begin = server_begin,
    .commit = server_commit,
    .rollback = server_rollback,
    .run = server_run,
    .query = server_query,
    .next = server_next,
    .finish = server_finish,
    .has_schema = server_has_schema,
    .script = server_script,
    .prepare = server_prepare,
};
