/* backup_create.c - `ward backup create`: the whole house in one file, tried before it counts. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/backup.h"
#include "cmd/confirm.h"
#include "cmd/settings_load.h"
#include "crypto/ct.h"
#include "crypto/start.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "os/tree.h"

enum { OPT_TO = SETTINGS_OPTION_COUNT, OPT_PHRASE, OPT_SEAL_PHRASE, OPT_PLAN, OPT_JSON };
enum { KEYRING_BYTES = 1 << 20, SEAL_BYTES = 32 };

static const struct option_spec options[] = {
    SETTINGS_OPTIONS,
    [OPT_TO] = { "--to", "PATH", NULL,
                 "the new file, or the folder that it goes to (default: backup.dir of "
                 "ward.toml(5))" },
    [OPT_PHRASE] = { "--passphrase-file", "PLACE", NULL,
                     "where the backup's passphrase is: " SECRET_SOURCE_HELP
                     "; default: ask on the terminal" },
    [OPT_SEAL_PHRASE] = { "--seal-passphrase-file", "PLACE", NULL,
                          "the same for the seal, where that is a passphrase" },
    [OPT_PLAN] = { "--plan", NULL, NULL, "only say what would be done" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

struct creating {
    struct invocation *in;
    struct settings_loaded loaded;
    char path[BACKUP_PATH]; /* of the backup */
    char work[BACKUP_PATH]; /* a folder beside it, for the time of the command */
    char part[BACKUP_PATH]; /* in that folder: the backup until it is proven */
    int phrase;
    struct vault vault;
};

/* A folder gets a file with the time as its name; anything else is the name. */
static bool choose_path(struct creating *c)
{
    const char *to = c->in->values[OPT_TO];
    struct stat is;
    char name[64];
    struct tm utc;
    time_t now = (time_t)clock_now();
    if (to == NULL) {
        to = c->loaded.config.settings.backup_dir;
        if (mkdir(to, 0700) != 0 && errno != EEXIST) {
            say("backup create: %s: %s", to, strerror(errno));
            return false;
        }
    }
    bool folder = stat(to, &is) == 0 && S_ISDIR(is.st_mode);
    if (gmtime_r(&now, &utc) == NULL ||
        strftime(name, sizeof name, "/ward-%Y%m%dT%H%M%SZ.wardbackup", &utc) == 0)
        return false;
    size_t end = strlen(to);
    while (folder && end > 1 && to[end - 1] == '/')
        end--;
    int len = snprintf(c->path, sizeof c->path, "%.*s%s", (int)end, to, folder ? name : "");
    return len > 0 && (size_t)len < sizeof c->path - 64;
}

static bool make_work(struct creating *c)
{
    char name[BACKUP_RANDOM_NAME];
    backup_random_name(name);
    const char *slash = strrchr(c->path, '/');
    int len = slash == NULL ? 0 : (int)(slash - c->path + 1);
    snprintf(c->work, sizeof c->work, "%.*s.ward-backup-%s", len, c->path, name);
    int wrote = snprintf(c->part, sizeof c->part, "%s/part", c->work);
    if (wrote > 0 && (size_t)wrote < sizeof c->part && mkdir(c->work, 0700) == 0)
        return true;
    say("backup create: %s: %s", c->work, strerror(errno));
    return false;
}

/* The keeper goes on writing its file: what is copied has one whole slot at every instant. */
static int keyring_snapshot(const struct settings *settings)
{
    char path[BACKUP_PATH];
    struct trail trail = { 0 };
    struct arena arena;
    struct span bytes;
    arena_init(&arena, 2 * KEYRING_BYTES);
    backup_path(path, settings->state, "keyring");
    auto_fd int fd = memfd_create("keyring", MFD_CLOEXEC);
    rc read = file_read_plain(&trail, path, KEYRING_BYTES, &arena, &bytes);
    if (!rc_ok(read))
        say("backup create: %s: %s", path, file_error_text(read));
    bool held = rc_ok(read) && fd >= 0 && fd_write(fd, bytes) && lseek(fd, 0, SEEK_SET) == 0;
    arena_fini(&arena);
    return held ? fd_take(&fd) : -1;
}

static enum exit_code copy_keys(struct creating *c, char path[BACKUP_PATH])
{
    const struct settings *settings = &c->loaded.config.settings;
    backup_path(path, c->work, "keys");
    auto_fd int from = keyring_snapshot(settings);
    if (from < 0)
        return EXIT_NOT_FOUND;
    auto_fd int seal = keyring_seal(c->in, settings, c->in->values[OPT_SEAL_PHRASE], false);
    if (seal < 0)
        return EXIT_CONFIG;
    struct keyring_copy copy = { .in = c->in,
                                 .word = "backup",
                                 .source = "passphrase",
                                 .from = from,
                                 .from_seal = seal,
                                 .to_seal = c->phrase,
                                 .to = path };
    return keyring_copy(&copy);
}

static enum exit_code read_config(struct creating *c, struct span *out)
{
    struct trail trail = { 0 };
    *out = (struct span){ 0 };
    if (c->loaded.file == NULL || strcmp(c->loaded.file, "-") == 0)
        return EXIT_DONE;
    rc read = file_read(&trail, c->loaded.file, CONFIG_FILE_MAX, &c->in->arena, out);
    if (!rc_ok(read))
        say("backup create: %s: %s", c->loaded.file, file_error_text(read));
    return rc_ok(read) ? EXIT_DONE : EXIT_CONFIG;
}

/* A server's store, before this process has the passphrase or the backup's key in its memory; *out
   stays as it is where the store is in the folder. */
static enum exit_code read_server(struct creating *c, struct backup_source *source, int *out)
{
    char path[BACKUP_PATH];
    if (!backup_is_server(source->settings))
        return EXIT_DONE;
    backup_path(path, c->work, "store");
    auto_fd int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return backup_say("backup create", rc_make(RC_WORLD, REASON_STORE_IO));
    enum exit_code code = backup_server_write("backup create", source->settings, fd,
                                              source->generation, source->store_hash);
    if (code == EXIT_DONE)
        *out = fd_take(&fd);
    return code;
}

/* A store that was put back is a good one by itself.  The log is read before it: what the log is
   told meanwhile is later than what was read. */
static enum exit_code read_marks(struct backup_source *source)
{
    struct backup_log log = { 0 };
    enum exit_code code = backup_prove_log(source->in, source->settings->state, &log);
    source->generation = log.generation;
    return code;
}

static enum exit_code write_part(struct creating *c, struct house_state *state)
{
    uint8_t phrase[ARGON2_PASSPHRASE_MAX];
    char keys[BACKUP_PATH];
    struct trail trail = { 0 };
    size_t len = 0;
    struct backup_source source = { .in = c->in, .settings = &c->loaded.config.settings };
    auto_fd int store = -1;
    enum exit_code code = copy_keys(c, keys);
    if (code == EXIT_DONE)
        code = read_marks(&source);
    if (code == EXIT_DONE)
        code = read_server(c, &source, &store);
    if (code == EXIT_DONE)
        code = read_config(c, &source.config);
    if (code != EXIT_DONE)
        return code;
    auto_fd int from = open(keys, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    auto_fd int to = open(c->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (from < 0 || to < 0 || !backup_phrase_read(c->phrase, phrase, &len))
        return EXIT_INTERNAL;
    source.keys = from;
    source.store = store;
    struct backup_out out = backup_file_out(&to);
    rc begun = vault_write_begin(&trail, &c->vault, &out, span_of(phrase, len));
    ct_wipe(phrase, sizeof phrase);
    code = rc_ok(begun) ? backup_pack(&source, &c->vault, state)
                        : backup_say("backup create", begun);
    vault_wipe(&c->vault);
    if (code == EXIT_DONE && fsync(to) != 0)
        code = backup_say("backup create", rc_make(RC_WORLD, REASON_STORE_IO));
    return code;
}

/* The keys of the copy under a seal that only this process ever had. */
static enum exit_code prove_keys(struct creating *c, const char *folder)
{
    char from[BACKUP_PATH], to[BACKUP_PATH];
    uint8_t seal[SEAL_BYTES];
    backup_path(from, folder, "keyring.backup");
    backup_path(to, folder, "keyring");
    auto_fd int keys = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    auto_fd int held = memfd_create("seal", MFD_CLOEXEC);
    random_bytes(seal, sizeof seal);
    bool ready = keys >= 0 && held >= 0 && fd_write(held, SPAN(seal)) &&
                 lseek(held, 0, SEEK_SET) == 0 && lseek(c->phrase, 0, SEEK_SET) == 0;
    ct_wipe(seal, sizeof seal);
    if (!ready)
        return EXIT_INTERNAL;
    struct keyring_copy copy = { .in = c->in,
                                 .word = "restore",
                                 .source = "file",
                                 .from = keys,
                                 .from_seal = c->phrase,
                                 .to_seal = held,
                                 .to = to };
    return keyring_copy(&copy);
}

/* The test restore: what was written is opened again as on an empty host. */
static enum exit_code prove_part(struct creating *c, const struct house_state *state)
{
    uint8_t phrase[ARGON2_PASSPHRASE_MAX];
    char folder[BACKUP_PATH];
    struct trail trail = { 0 };
    struct house_state said;
    int64_t generation = 0;
    size_t len = 0;
    backup_path(folder, c->work, "state");
    auto_fd int fd = open(c->part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || mkdir(folder, 0700) != 0 || !backup_phrase_read(c->phrase, phrase, &len))
        return EXIT_INTERNAL;
    struct backup_in from = backup_file_in(&fd);
    rc done = vault_read_begin(&trail, &c->vault, &from, span_of(phrase, len));
    ct_wipe(phrase, sizeof phrase);
    if (rc_ok(done))
        done = backup_unpack(&trail, &c->vault, folder, clock_now(), &said);
    vault_wipe(&c->vault);
    if (rc_ok(done) && !house_state_equal(&said, state))
        done = rc_make(RC_WORLD, REASON_BACKUP_UNPROVEN);
    if (!rc_ok(done))
        return backup_say("backup create", done);
    enum exit_code code = backup_prove(c->in, folder, &said, &generation);
    return code == EXIT_DONE ? prove_keys(c, folder) : code;
}

/* link and not rename: a name that is taken is a failure, never overwritten. */
static enum exit_code publish(struct creating *c, uint64_t *bytes)
{
    char folder[BACKUP_PATH];
    struct stat is;
    const char *slash = strrchr(c->path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : (int)(slash - c->path + 1),
             slash == NULL ? "." : c->path);
    auto_fd int above = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above < 0 || stat(c->part, &is) != 0)
        return EXIT_INTERNAL;
    *bytes = (uint64_t)is.st_size;
    if (link(c->part, c->path) != 0) {
        say("backup create: %s: %s; nothing was replaced", c->path, strerror(errno));
        return errno == EEXIST ? EXIT_CONFLICT : EXIT_INTERNAL;
    }
    if (fsync(above) == 0)
        return EXIT_DONE;
    return backup_say("backup create", rc_make(RC_WORLD, REASON_STORE_IO));
}

static enum exit_code create(struct creating *c)
{
    struct house_state state;
    uint64_t bytes = 0;
    if (!make_work(c))
        return EXIT_NOT_PERMITTED;
    enum exit_code code = write_part(c, &state);
    if (code == EXIT_DONE)
        code = prove_part(c, &state);
    if (code == EXIT_DONE)
        code = publish(c, &bytes);
    rc cleared = tree_remove(NULL, c->work);
    if (!rc_ok(cleared))
        say("backup create: %s could not be removed", c->work);
    if (code == EXIT_DONE)
        code = backup_print(option_given(c->in, OPT_JSON), c->path, bytes, &state);
    return code;
}

/* No core file of a process that has had a passphrase. */
static bool no_core(void)
{
    struct rlimit none = { 0, 0 };
    return setrlimit(RLIMIT_CORE, &none) == 0 && sodium_start();
}

static enum exit_code run(struct invocation *in)
{
    struct creating *c = arena_alloc(&in->arena, sizeof *c);
    if (c == NULL || !no_core())
        return EXIT_INTERNAL;
    c->in = in;
    enum exit_code code = settings_load(in, &c->loaded);
    if (code != EXIT_DONE)
        return code;
    if (!choose_path(c))
        return EXIT_USAGE;
    if (option_given(in, OPT_PLAN)) {
        const struct plan_step step = {
            "make", c->path,
            "keys, store, security log and configuration, sealed with a passphrase; restored "
            "beside it as a test"
        };
        return plan_print(in, &step, 1, false);
    }
    if (access(c->path, F_OK) == 0) {
        say("backup create: %s is there already; nothing was replaced", c->path);
        return EXIT_CONFLICT;
    }
    auto_fd int phrase = keyring_phrase(in, in->values[OPT_PHRASE], true);
    if (phrase < 0)
        return EXIT_CONFIG;
    c->phrase = phrase;
    return create(c);
}

const struct command command_backup_create = {
    .name = "backup create",
    .operands = "",
    .summary = "write the whole house into one sealed file, and try it",
    .description =
        "Makes a backup of keys, store, security log and configuration, of a house that runs\n"
        "or one that is down, sealed with a passphrase through Argon2id.  The seal of the house\n"
        "is not in it: the passphrase alone opens the backup, keys included.  A store that is a\n"
        "server is read in one snapshot, by the settings of the house that name it.\n\n"
        "Before it says yes the backup is restored into a folder beside it, its log verified to\n"
        "the last record, its store and its keys opened, and its state hash compared.  The file\n"
        "appears when all of that was so, and replaces nothing.\n\n"
        "The passphrase comes from a file or the terminal, never from the command line or the\n"
        "environment.",
    .example = "ward backup create --state ./ward-state --plan",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "backup.json",
    .run = run,
};
