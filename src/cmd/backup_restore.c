/* backup_restore.c - `ward backup restore`: a house out of a backup, in a new folder or not at
   all. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/backup.h"
#include "cmd/settings_load.h"
#include "crypto/ct.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/tree.h"

enum { OPT_PHRASE = SETTINGS_OPTION_COUNT, OPT_SEAL_PHRASE, OPT_PLAN, OPT_JSON };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_PHRASE] = { "--passphrase-file", "PLACE", NULL,
                     "where the backup's passphrase is: " SECRET_SOURCE_HELP
                     "; default: ask on the terminal" },
    [OPT_SEAL_PHRASE] = { "--seal-passphrase-file", "PLACE", NULL,
                          "the same for the new seal, where that is a passphrase" },
    [OPT_PLAN] = { "--plan", NULL, NULL,
                   "try the backup in a folder that is removed again, and change nothing" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

struct restoring {
    struct invocation *in;
    struct settings_loaded loaded;
    char work[BACKUP_PATH]; /* beside the new folder, until it is proven */
    int from, phrase;
    struct vault vault;
};

static bool is_empty_folder(const char *path)
{
    struct stat is;
    if (lstat(path, &is) != 0)
        return errno == ENOENT;
    /* rmdir is the one judge: it removes nothing but an empty folder. */
    return S_ISDIR(is.st_mode) && rmdir(path) == 0 && mkdir(path, 0700) == 0;
}

static enum exit_code unpack(struct restoring *r, struct house_state *said, int64_t *generation)
{
    uint8_t phrase[ARGON2_PASSPHRASE_MAX];
    struct trail trail = { 0 };
    size_t len = 0;
    if (!backup_phrase_read(r->phrase, phrase, &len))
        return EXIT_CONFIG;
    struct backup_in from = backup_file_in(&r->from);
    rc done = vault_read_begin(&trail, &r->vault, &from, span_of(phrase, len));
    ct_wipe(phrase, sizeof phrase);
    if (rc_ok(done))
        done = backup_unpack(&trail, &r->vault, r->work, clock_now(), said);
    vault_wipe(&r->vault);
    if (!rc_ok(done))
        return backup_say("backup restore", done);
    return backup_prove(r->in, r->work, said, generation);
}

/* What the restored log knows of the store may be later than the store: this is where an
   operator accepts that, and what was accepted once is not accepted again. */
static rc forgive(struct trail *trail, const char *folder, int64_t generation)
{
    char place[BACKUP_PATH];
    struct store store = { 0 };
    struct db_spec spec = { .kind = DB_SQLITE, .place = place };
    backup_path(place, folder, "ward.db");
    TRY(trail, store_open(trail, &spec, &store_limits_default, &store));
    rc done = store_forgive(trail, &store, clock_now(), generation);
    store_close(&store);
    return done;
}

/* A house whose store is a server: the store of the new folder as a stream, for it. */
static enum exit_code make_stream(struct restoring *r, int *out)
{
    char place[BACKUP_PATH], path[BACKUP_PATH];
    struct trail trail = { 0 };
    struct store store = { 0 };
    struct backup_proof proof;
    struct db_spec spec = { .kind = DB_SQLITE, .place = place };
    if (!backup_is_server(&r->loaded.config.settings))
        return EXIT_DONE;
    backup_path(place, r->work, "ward.db");
    backup_path(path, r->work, "store");
    auto_fd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return backup_say("backup restore", rc_make(RC_WORLD, REASON_STORE_IO));
    const struct backup_out to = backup_file_out(&fd);
    rc done = store_open(&trail, &spec, &store_limits_default, &store);
    if (rc_ok(done))
        done = backup_write(&trail, &store, &to, &proof);
    store_close(&store);
    if (!rc_ok(done))
        return backup_say("backup restore", done);
    *out = fd_take(&fd);
    return EXIT_DONE;
}

/* Nothing of the store stays in the folder of a house that has it elsewhere. */
static enum exit_code move_store(struct restoring *r, int stream, const struct house_state *said)
{
    static const char *const names[] = { "store", "ward.db", "ward.db-wal", "ward.db-shm" };
    char path[BACKUP_PATH];
    if (stream < 0)
        return EXIT_DONE;
    enum exit_code code = backup_server_fill("backup restore", &r->loaded.config.settings, stream,
                                             said, true);
    for (size_t i = 0; code == EXIT_DONE && i < COUNT_OF(names); i++) {
        backup_path(path, r->work, names[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            code = backup_say("backup restore", rc_make(RC_WORLD, REASON_STORE_IO));
    }
    return code;
}

static enum exit_code put_keys(struct restoring *r)
{
    const struct settings *settings = &r->loaded.config.settings;
    char from[BACKUP_PATH], to[BACKUP_PATH];
    backup_path(from, r->work, "keyring.backup");
    backup_path(to, r->work, "keyring");
    if (!keyring_make_seal(settings))
        return EXIT_CONFIG;
    auto_fd int keys = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    auto_fd int seal = keyring_seal(r->in, settings, r->in->values[OPT_SEAL_PHRASE], true);
    if (seal < 0)
        return EXIT_CONFIG;
    if (keys < 0)
        return backup_say("backup restore", rc_make(RC_PEER, REASON_BACKUP_DAMAGED));
    if (lseek(r->phrase, 0, SEEK_SET) != 0)
        return EXIT_INTERNAL;
    struct keyring_copy copy = { .in = r->in,
                                 .word = "restore",
                                 .source = keyring_source(settings),
                                 .from = keys,
                                 .from_seal = r->phrase,
                                 .to_seal = seal,
                                 .to = to };
    enum exit_code code = keyring_copy(&copy);
    if (code == EXIT_DONE && unlink(from) != 0)
        code = EXIT_INTERNAL;
    return code;
}

static bool sync_folder(const char *path)
{
    auto_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0;
}

/* The new folder appears whole.  A configuration that is empty was none. */
static enum exit_code publish(struct restoring *r)
{
    char path[BACKUP_PATH], above[BACKUP_PATH];
    const char *state = r->loaded.config.settings.state;
    struct stat is;
    backup_path(path, r->work, "ward.toml");
    if (stat(path, &is) == 0 && is.st_size == 0)
        unlink(path);
    backup_path(path, r->work, "audit");
    snprintf(above, sizeof above, "%.*s", (int)(strrchr(state, '/') - state + 1), state);
    if (!sync_folder(path) || !sync_folder(r->work))
        return backup_say("backup restore", rc_make(RC_WORLD, REASON_STORE_IO));
    if (rename(r->work, state) != 0) {
        if (errno == ENOTEMPTY || errno == EEXIST)
            return backup_say("backup restore", rc_make(RC_DENIED, REASON_RESTORE_NOT_EMPTY));
        say("backup restore: %s: %s", state, strerror(errno));
        return EXIT_INTERNAL;
    }
    if (!sync_folder(above))
        return backup_say("backup restore", rc_make(RC_WORLD, REASON_STORE_IO));
    return EXIT_DONE;
}

static enum exit_code restore(struct restoring *r)
{
    struct house_state said;
    struct stat is;
    struct trail trail = { 0 };
    int64_t generation = 0;
    bool plan = option_given(r->in, OPT_PLAN);
    auto_fd int stream = -1;
    enum exit_code code = unpack(r, &said, &generation);
    if (code == EXIT_DONE) {
        rc forgiven = forgive(&trail, r->work, generation);
        code = rc_ok(forgiven) ? make_stream(r, &stream) : backup_say("backup restore", forgiven);
    }
    /* What a server has against it is heard before there is a seal. */
    if (code == EXIT_DONE && stream >= 0)
        code = backup_server_fill("backup restore", &r->loaded.config.settings, stream, &said,
                                  false);
    if (code == EXIT_DONE && !plan)
        code = put_keys(r);
    if (code == EXIT_DONE && !plan)
        code = move_store(r, stream, &said);
    if (code == EXIT_DONE && !plan)
        code = publish(r);
    if (code != EXIT_DONE || fstat(r->from, &is) != 0)
        return code;
    if (plan)
        note(r->in, "the backup is whole; it would be restored into %s",
             r->loaded.config.settings.state);
    return backup_print(option_given(r->in, OPT_JSON), r->in->operands[0], (uint64_t)is.st_size,
                        &said);
}

static enum exit_code begin(struct restoring *r)
{
    const char *state = r->loaded.config.settings.state;
    char name[BACKUP_RANDOM_NAME];
    auto_fd int from = open(r->in->operands[0], O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        say("backup restore: %s: %s", r->in->operands[0], strerror(errno));
        return EXIT_NOT_FOUND;
    }
    if (!is_empty_folder(state))
        return backup_say("backup restore", rc_make(RC_DENIED, REASON_RESTORE_NOT_EMPTY));
    auto_fd int phrase = keyring_phrase(r->in, r->in->values[OPT_PHRASE], false);
    if (phrase < 0)
        return EXIT_CONFIG;
    r->from = from;
    r->phrase = phrase;
    /* Not after the process: in a container each has the same number, and what one that was killed
       has left would be in the way of the next. */
    backup_random_name(name);
    snprintf(r->work, sizeof r->work, "%s.restoring-%s", state, name);
    if (mkdir(r->work, 0700) != 0) {
        say("backup restore: %s: %s", r->work, strerror(errno));
        return errno == EACCES ? EXIT_NOT_PERMITTED : EXIT_CONFLICT;
    }
    enum exit_code code = restore(r);
    rc cleared = tree_remove(NULL, r->work);
    if (!rc_ok(cleared))
        say("backup restore: %s could not be removed", r->work);
    return code;
}

static enum exit_code run(struct invocation *in)
{
    struct restoring *r = arena_alloc(&in->arena, sizeof *r);
    struct rlimit none = { 0, 0 };
    if (r == NULL || setrlimit(RLIMIT_CORE, &none) != 0 || !sodium_start())
        return EXIT_INTERNAL;
    r->in = in;
    enum exit_code code = settings_load(in, &r->loaded);
    return code == EXIT_DONE ? begin(r) : code;
}

const struct command command_backup_restore = {
    .name = "backup restore",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "make a house of a backup, in a new state folder",
    .description =
        "Restores a backup into a state folder that does not exist or is empty, under the seal\n"
        "that the settings name; a seal file is made when there is none.  Log, store and keys\n"
        "are opened and compared with the state hash of the backup before the folder appears;\n"
        "on any failure no folder is left; a seal file that was made stays, and so does a "
        "database\n"
        "that was filled, which the same command finishes.  What was killed leaves a folder\n"
        "STATE.restoring-*, which nobody needs: remove it.  Where the settings name a server as "
        "the store, its\n"
        "database must be empty, and is filled in one transaction before the folder appears; what\n"
        "was killed between the two is finished by the same command.\n\n"
        "What happened after the backup is not in it.  The house that it was made of must not\n"
        "run any more: two of one key would tell two stories, and whoever knows a later head\n"
        "of the log sees that.  Nothing that was signed for this house before the restore is\n"
        "accepted again.",
    .example = "ward backup restore house.wardbackup --state ./new-state --plan",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "backup.json",
    .run = run,
};
