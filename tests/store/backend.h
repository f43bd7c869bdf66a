/* backend.h - both backends for one table of tests: a SQLite file in a folder of the test's
   own, and a PostgreSQL server that the first test starts and the last one stops. */
#ifndef WARD_TESTS_STORE_BACKEND_H
#define WARD_TESTS_STORE_BACKEND_H

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/store.h"
#include "test.h"

enum { NOW = 1700000000 };

struct backends {
    pid_t server;
    int leash; /* the server stops when this is closed */
    char conninfo[256];
    const char *addresses[1];
    char address[128];
    char folder[64];
    char file[96];
};

static struct backends backends;

static inline int backends_begin(void **state)
{
    (void)state;
    int in[2];
    int out[2];
    snprintf(backends.folder, sizeof backends.folder, "/tmp/ward-test-XXXXXX");
    if (mkdtemp(backends.folder) == NULL || pipe(in) != 0 || pipe(out) != 0)
        return 1;
    snprintf(backends.file, sizeof backends.file, "%s/ward.db", backends.folder);
    backends.server = fork();
    if (backends.server == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd < 64; fd++)
            close(fd);
        execlp("python3", "python3", "-B", WARD_SOURCE "/tests/store/postgres.py", NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    backends.leash = in[1];
    FILE *said = fdopen(out[0], "r");
    if (said == NULL || fgets(backends.conninfo, sizeof backends.conninfo, said) == NULL)
        backends.conninfo[0] = 0;
    backends.conninfo[strcspn(backends.conninfo, "\n")] = 0;
    size_t len = strcspn(backends.conninfo, " ");
    if (len > 5)
        snprintf(backends.address, sizeof backends.address, "%.*s", (int)len - 5,
                 backends.conninfo + 5);
    backends.addresses[0] = backends.address;
    if (said != NULL)
        fclose(said);
    return 0;
}

static inline void remove_files(void)
{
    static const char *const suffixes[] = { "", "-wal", "-shm" };
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", backends.file, suffixes[i]);
        unlink(path);
    }
}

static inline int backends_end(void **state)
{
    (void)state;
    int status = 0;
    close(backends.leash);
    waitpid(backends.server, &status, 0);
    remove_files();
    return rmdir(backends.folder);
}

/* A statement that the store itself has not. */
static inline void server_do(const char *text)
{
    PGconn *server = PQconnectdb(backends.conninfo);
    PGresult *done = PQexec(server, text);
    assert_int_not_equal(PQresultStatus(done), PGRES_FATAL_ERROR);
    PQclear(done);
    PQfinish(server);
}

/* Runs the body for each backend, its database gone before.  Without a server the body runs
   for SQLite alone, and test_server_is_there skips. */
enum { BACKENDS = 2 };

static inline bool backend_fresh(int which, struct db_spec *out)
{
    if (which == 0) {
        remove_files();
        *out = (struct db_spec){ .kind = DB_SQLITE, .place = backends.file };
        return true;
    }
    if (backends.conninfo[0] == 0)
        return false;
    server_do("SET client_min_messages = error; DROP SCHEMA IF EXISTS ward CASCADE");
    *out = (struct db_spec){
        .kind = DB_POSTGRES,
        .place = backends.conninfo,
        .addresses = backends.addresses,
        .address_count = 1,
    };
    return true;
}

#define EACH_BACKEND(spec)                                                                         \
    for (int which_ = 0; which_ < BACKENDS; which_++)                                              \
        if (backend_fresh(which_, &(spec)))

static inline const char *name_of(rc got)
{
    return rc_ok(got) ? "OK" : reason_info((enum reason)rc_number(got))->name;
}

#define assert_rc(call, wanted) assert_string_equal(name_of(call), wanted)

/* An open store that is migrated and founded. */
static inline void store_begin(const struct db_spec *spec, struct store *store)
{
    assert_rc(store_migrate(NULL, spec, NOW, UINT32_MAX), "OK");
    assert_rc(store_open(NULL, spec, &store_limits_default, store), "OK");
    assert_rc(store_found(NULL, store, NOW), "OK");
}

/* 32 bytes that belong to a number. */
static inline const uint8_t *id_of(uint32_t number)
{
    static uint8_t ids[4][STORE_ID_LEN];
    static unsigned turn;
    uint8_t *id = ids[turn++ % 4];
    memset(id, 0x5a, STORE_ID_LEN);
    for (int i = 0; i < 4; i++)
        id[i] = (uint8_t)(number >> (24 - 8 * i));
    return id;
}

static inline struct store_session session_of(uint32_t token, uint32_t identity, int64_t expires)
{
    struct store_session session = { .created = NOW,
                                     .expires = expires,
                                     .profile = SESSION_V2,
                                     .name_len = token % (SESSION_NAME_MAX + 1) };
    memcpy(session.token, id_of(token), STORE_ID_LEN);
    memcpy(session.identity, id_of(identity), STORE_ID_LEN);
    memcpy(session.key, id_of(~token), STORE_ID_LEN);
    memset(session.name, 'n', session.name_len);
    return session;
}

static inline void assert_same_session(const struct store_session *a, const struct store_session *b)
{
    assert_memory_equal(a->token, b->token, sizeof a->token);
    assert_memory_equal(a->identity, b->identity, sizeof a->identity);
    assert_memory_equal(a->key, b->key, sizeof a->key);
    assert_int_equal(a->created, b->created);
    assert_int_equal(a->expires, b->expires);
    assert_int_equal(a->profile, b->profile);
    assert_int_equal(a->vouched, b->vouched);
    assert_span_equal(span_of(a->name, a->name_len), span_of(b->name, b->name_len));
}

#endif
