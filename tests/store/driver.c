/* driver.c - a store that scripts can kill, starve and cheat: it does a little work and says
   what was acknowledged, a line each, unbuffered.

       store_driver SPEC VERB [ARG...]     SPEC: sqlite:PATH or postgres:CONNINFO

   It trusts nothing that it wrote before: what is in the store, another run says. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"
#include "store/backup.h"
#include "store/migrations.h"
#include "store/nonce_window.h"

enum { NOW = 1700000000 };

static const char *name_of(rc got)
{
    return rc_ok(got) ? "OK" : reason_info((enum reason)rc_number(got))->name;
}

static void say(const char *what, unsigned long number, rc got)
{
    char line[96];
    int len = snprintf(line, sizeof line, "%s %lu %s\n", what, number, name_of(got));
    if (write(1, line, (size_t)len) != len)
        _exit(3);
}

static void id_of(unsigned long number, uint8_t out[STORE_ID_LEN])
{
    memset(out, 0x77, STORE_ID_LEN);
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(number >> (56 - 8 * i));
}

/* One piece of work makes three sessions: all of them are there, or none. */
enum { PARTS = 3 };

static rc add_parts(struct trail *trail, struct store *store, void *arg)
{
    unsigned long number = *(const unsigned long *)arg;
    for (unsigned long part = 0; part < PARTS; part++) {
        struct store_session session = { .created = NOW,
                                         .expires = NOW + 1000,
                                         .profile = SESSION_V2 };
        id_of(number * PARTS + part, session.token);
        id_of(number, session.identity);
        TRY(trail, store_session_add(trail, store, NOW, &session));
    }
    return RC_SUCCESS;
}

static rc once(struct store *store, unsigned long number)
{
    bool ran = false;
    struct store_work work = { .run = add_parts, .arg = &number };
    memcpy(work.key, &number, sizeof number);
    return store_transact(NULL, store, NOW, &work, &ran);
}

/* Whether the first part of a piece can be read, whatever befell the last write. */
static rc read_back(struct store *store, unsigned long number)
{
    struct store_session session;
    uint8_t token[STORE_ID_LEN];
    id_of(number * PARTS, token);
    return store_session_find(NULL, store, NOW, token, &session);
}

/* work FIRST COUNT: an unacknowledged piece is not tried again.  insist: it is, under its key,
   for as long as the store says that trying may help. */
static int work(struct store *store, char **args, bool insist)
{
    unsigned long first = strtoul(args[0], NULL, 10);
    unsigned long count = strtoul(args[1], NULL, 10);
    unsigned long last = ULONG_MAX; /* acknowledged */
    for (unsigned long i = first; i < first + count; i++) {
        rc got = once(store, i);
        for (int n = 0; insist && n < 400 && rc_class_of(got) == RC_WORLD; n++) {
            usleep(25000);
            got = once(store, i);
        }
        say("work", i, got);
        if (!rc_ok(got) && last != ULONG_MAX)
            say("read", last, read_back(store, last));
        last = rc_ok(got) ? i : last;
    }
    return 0;
}

/* Every whole piece by its number; a torn one is said to be torn. */
static int list(struct store *store, char **args)
{
    unsigned long until = strtoul(args[0], NULL, 10);
    for (unsigned long number = 0; number < until; number++) {
        unsigned found = 0;
        for (unsigned long part = 0; part < PARTS; part++) {
            struct store_session session;
            uint8_t token[STORE_ID_LEN];
            id_of(number * PARTS + part, token);
            found += rc_ok(store_session_find(NULL, store, NOW, token, &session));
        }
        if (found != 0)
            say(found == PARTS ? "have" : "torn", number, RC_SUCCESS);
    }
    return 0;
}

static int state(struct store *store, char **args)
{
    (void)args;
    struct backup_proof proof;
    rc got = backup_state(NULL, store, &proof);
    if (!rc_ok(got)) {
        say("state", 0, got);
        return 1;
    }
    for (size_t i = 0; i < sizeof proof.state; i++)
        printf("%02x", proof.state[i]);
    printf(" %lld %lld\n", (long long)proof.meta.generation, (long long)proof.meta.high_water);
    return 0;
}

/* judge GENERATION */
static int judge(struct store *store, char **args)
{
    struct store_evidence evidence = { .generation = strtol(args[0], NULL, 10) };
    say("judge", 0, store_judge(NULL, store, &evidence));
    return 0;
}

/* nonces START SECONDS: at each second one request; what is accepted is said after it is. */
static int nonces(struct store *store, char **args)
{
    static const struct nonce_rules rules = { 1000, 1000, 60, 5, 3 };
    struct arena arena;
    struct nonce_window window;
    long start = strtol(args[0], NULL, 10);
    arena_init(&arena, 1 << 20);
    rc got = nonce_window_open(NULL, store, &rules, &arena, &window);
    say("open", (unsigned long)window.floor, got);
    for (long now = start; now < start + strtol(args[1], NULL, 10); now++) {
        for (int64_t at = now - 5; at <= now; at++) {
            struct nonce_claim claim = { span_text("who"), span_of(&at, sizeof at), at };
            got = nonce_window_take(NULL, &window, now, &claim);
            if (rc_ok(got) || rc_class_of(got) == RC_WORLD)
                say("take", (unsigned long)at, got);
        }
    }
    arena_fini(&arena);
    return 0;
}

static rc put_fd(struct trail *trail, void *arg, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t wrote = write(*(int *)arg, bytes.at, bytes.len);
        if (wrote < 0)
            return FAIL(trail, RC_WORLD, REASON_STORE_IO);
        bytes = span_of(bytes.at + wrote, bytes.len - (size_t)wrote);
    }
    return RC_SUCCESS;
}

static rc get_fd(struct trail *trail, void *arg, void *out, size_t cap, size_t *got)
{
    ssize_t len = read(*(int *)arg, out, cap);
    if (len < 0)
        return FAIL(trail, RC_WORLD, REASON_STORE_IO);
    *got = (size_t)len;
    return RC_SUCCESS;
}

static int stream(struct store *store, const char *verb, const char *path)
{
    struct backup_proof proof;
    bool out = strcmp(verb, "backup") == 0;
    auto_fd int fd = open(path, out ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0600);
    const struct backup_out to = { put_fd, &fd };
    const struct backup_in from = { get_fd, &fd };
    rc got = out                          ? backup_write(NULL, store, &to, &proof)
             : strcmp(verb, "check") == 0 ? backup_check(NULL, &from, &proof)
                                          : backup_restore(NULL, store, &from, NOW, &proof);
    say(verb, 0, got);
    return 0;
}

static int found(struct store *store, char **args)
{
    (void)args;
    say("found", 0, store_found(NULL, store, NOW));
    return 0;
}

static int backup(struct store *store, char **args)
{
    return stream(store, "backup", args[0]);
}

static int restore(struct store *store, char **args)
{
    return stream(store, "restore", args[0]);
}

static int work_once(struct store *store, char **args)
{
    return work(store, args, false);
}

static int work_insisting(struct store *store, char **args)
{
    return work(store, args, true);
}

static const struct {
    const char *name;
    int (*run)(struct store *store, char **args);
} verbs[] = {
    { "found", found },   { "work", work_once }, { "insist", work_insisting },
    { "list", list },     { "state", state },    { "judge", judge },
    { "nonces", nonces }, { "backup", backup },  { "restore", restore },
};

/* between NUMBER: a step that was made and not written down, as by a migrator that uses no
   transaction.  What the tests say of migrations must find it. */
static rc between(const struct db_spec *spec, const char *number)
{
    struct db db;
    const struct migration *step = &migrations[strtoul(number, NULL, 10) - 1];
    TRY(NULL, db_open(NULL, spec, &db));
    rc done = db.backend->script(NULL, &db, step->sqlite, step->postgres);
    db_close(&db);
    return done;
}

static void refill(const struct db_spec *spec, const char *path)
{
    struct backup_proof proof;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    const struct backup_in from = { get_fd, &fd };
    const struct backup_target to = { .spec = spec, .key = { 1 }, .now = NOW, .keep = true };
    say("refill", 0, backup_refill(NULL, &to, &from, &proof));
}

/* What needs no store that is open, or makes one: migrate [UNTIL], plan, check FILE,
   refill FILE. */
static bool run_without_store(const struct db_spec *spec, const char *verb, char **args)
{
    struct store_plan plan = { 0 };
    uint32_t until = args[0] == NULL ? UINT32_MAX : (uint32_t)strtoul(args[0], NULL, 10);
    if (strcmp(verb, "migrate") == 0)
        say("migrate", 0, store_migrate(NULL, spec, NOW, until));
    else if (strcmp(verb, "between") == 0 && args[0] != NULL)
        say("between", 0, between(spec, args[0]));
    else if (strcmp(verb, "check") == 0 && args[0] != NULL)
        stream(NULL, verb, args[0]);
    else if (strcmp(verb, "refill") == 0 && args[0] != NULL)
        refill(spec, args[0]);
    else if (strcmp(verb, "plan") == 0) {
        rc got = store_plan_read(NULL, spec, &plan);
        say("plan", plan.schema, got);
    } else
        return false;
    return true;
}

static int run(const struct db_spec *spec, const char *verb, char **args)
{
    struct store store = { 0 };
    if (run_without_store(spec, verb, args))
        return 0;
    rc opened = store_open(NULL, spec, &store_limits_default, &store);
    /* Who insists is cut off while it opens, too. */
    for (int i = 0; strcmp(verb, "insist") == 0 && rc_class_of(opened) == RC_WORLD && i < 100; i++)
        opened = store_open(NULL, spec, &store_limits_default, &store);
    if (!rc_ok(opened)) {
        say("open", 0, opened);
        return 1;
    }
    int done = 2;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verb, verbs[i].name) == 0)
            done = verbs[i].run(&store, args);
    }
    store_close(&store);
    return done;
}

int main(int argc, char **argv)
{
    static char host[256];
    const char *hosts[] = { host };
    struct db_spec spec = { .addresses = hosts, .address_count = 1 };
    if (argc < 3)
        return 2;
    if (strncmp(argv[1], "sqlite:", 7) == 0) {
        spec.kind = DB_SQLITE;
        spec.place = argv[1] + 7;
    } else {
        spec.kind = DB_POSTGRES;
        spec.place = argv[1] + strlen("postgres:");
        snprintf(host, sizeof host, "%.*s", (int)strcspn(spec.place + 5, " "), spec.place + 5);
    }
    return run(&spec, argv[2], argv + 3);
}
