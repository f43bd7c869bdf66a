/* keyring_copy.c - see keyring_copy.h. */
#include "cmd/keyring_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/config_print.h"
#include "cmd/home.h"
#include "cmd/progress.h"
#include "crypto/ct.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"

enum { COPY_LOOK_MS = 200, SEAL_BYTES = 32 };

/* The kernel holds it, under no name. */
static int hold(const char *line, size_t len)
{
    auto_fd int fd = memfd_create("passphrase", MFD_CLOEXEC);
    if (fd < 0 || !fd_write(fd, span_of(line, len)) || lseek(fd, 0, SEEK_SET) != 0)
        return -1;
    return fd_take(&fd);
}

static ssize_t ask(int terminal, const char *question, char line[SECRET_LINE + 2])
{
    struct termios as_it_was, silent;
    if (tcgetattr(terminal, &as_it_was) != 0)
        return -1;
    silent = as_it_was;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(terminal, TCSAFLUSH, &silent) != 0)
        return -1;
    dprintf(terminal, "%s", question);
    ssize_t len = secret_line_read(terminal, line);
    dprintf(terminal, "\n");
    if (tcsetattr(terminal, TCSAFLUSH, &as_it_was) != 0)
        return -1;
    return len;
}

static int phrase_of_terminal(const struct invocation *in, bool is_new)
{
    char lines[2][SECRET_LINE + 2];
    auto_fd int terminal = in->common[COMMON_NO_INPUT] ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) {
        say("%s: there is nobody to ask for the passphrase; name its place with "
            "--passphrase-file: %s",
            in->command->name, SECRET_SOURCE_HELP);
        return -1;
    }
    ssize_t len = ask(terminal, "Passphrase: ", lines[0]);
    ssize_t again = len > 0 && is_new ? ask(terminal, "Once more: ", lines[1]) : len;
    bool same = len > 0 && len == again && (!is_new || ct_equal(lines[0], lines[1], (size_t)len));
    int fd = same ? hold(lines[0], (size_t)len) : -1;
    explicit_bzero(lines, sizeof lines);
    if (!same)
        say("%s: %s", in->command->name,
            len > 0 ? "the two passphrases are not the same; nothing was done"
                    : "a passphrase has 1 to 1024 bytes; nothing was done");
    return fd;
}

int keyring_phrase(const struct invocation *in, const char *source, bool is_new)
{
    char line[SECRET_LINE + 2];
    if (source == NULL)
        return phrase_of_terminal(in, is_new);
    ssize_t len = secret_source_read(in, source, line);
    int fd = len > 0 ? hold(line, (size_t)len) : -1;
    explicit_bzero(line, sizeof line);
    if (len > 0 && fd < 0)
        say("%s: the passphrase cannot be held in memory: %s", in->command->name, strerror(errno));
    return fd;
}

int keyring_seal(const struct invocation *in, const struct settings *settings,
                 const char *phrase_source, bool is_new)
{
    if (settings->seal == SEAL_BY_PASSPHRASE)
        return keyring_phrase(in, phrase_source, is_new);
    int fd = open(settings->seal_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        say("%s: the seal %s: %s; seal.path of ward.toml(5) names another", in->command->name,
            settings->seal_path, strerror(errno));
    return fd;
}

/* A seal file is made when there is none: 32 random bytes, as at a first start. */
bool keyring_make_seal(const struct settings *settings)
{
    uint8_t bytes[SEAL_BYTES];
    struct trail trail = { 0 };
    if (settings->seal != SEAL_BY_FILE || access(settings->seal_path, F_OK) == 0)
        return true;
    random_bytes(bytes, sizeof bytes);
    rc made = file_write_new(&trail, settings->seal_path, SPAN(bytes), 0600);
    explicit_bzero(bytes, sizeof bytes);
    if (!rc_ok(made))
        say("keyring: %s: %s", settings->seal_path, file_error_text(made));
    return rc_ok(made);
}

const char *keyring_source(const struct settings *settings)
{
    static const char *const sources[] = { [SEAL_BY_FILE] = "file",
                                           [SEAL_BY_PASSPHRASE] = "passphrase",
                                           [SEAL_BY_CREDENTIAL] = "credential" };
    return sources[settings->seal];
}

int keyring_lock(const struct settings *settings)
{
    char path[COPY_PATH];
    snprintf(path, sizeof path, "%s/run/lock", settings->state);
    auto_fd int lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) {
        say("keyring: %s: %s; --state names the folder of a house", path, strerror(errno));
        return -1;
    }
    /* The monitor's lock is one of the open file (fcntl(2)): so is this one. */
    struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    if (fcntl(lock, F_OFD_SETLK, &whole) != 0) {
        say("keyring: the house in %s is up: stop it first with `ward down`", settings->state);
        return -1;
    }
    return fd_take(&lock);
}

bool keyring_program(char path[COPY_PATH])
{
    if (!home_monitor(path, COPY_PATH))
        return false;
    char *name = strrchr(path, '/');
    return (size_t)snprintf(name, COPY_PATH - (size_t)(name - path), "/ward-keyring") <
           COPY_PATH - (size_t)(name - path);
}

static enum exit_code start(const struct keyring_copy *copy, int to)
{
    char path[COPY_PATH];
    const char *const argv[] = { "ward-keyring", copy->word, copy->source, NULL };
    struct spawned child;
    struct progress progress;
    struct trail trail = { 0 };
    int status = 0;
    if (!keyring_program(path))
        return EXIT_INTERNAL;
    struct spawn what = {
        .path = path,
        .argv = argv,
        .fds = { { copy->from, 3 }, { copy->from_seal, 4 }, { to, 5 }, { copy->to_seal, 6 } },
        .fd_count = 4
    };
    rc started = spawn(&trail, &what, &child);
    if (!rc_ok(started)) {
        say("%s: %s", path, strerror(rc_errno(started)));
        return EXIT_INTERNAL;
    }
    progress_begin(&progress, copy->in, "deriving keys, copying, and opening the copy again");
    while (!rc_ok(process_wait(NULL, child.pidfd, clock_monotonic_ms() + COPY_LOOK_MS)))
        progress_tick(&progress);
    progress_end(&progress);
    while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
        ;
    fd_close(&child.pidfd);
    return WIFEXITED(status) ? (enum exit_code)WEXITSTATUS(status) : EXIT_INTERNAL;
}

/* link and not rename: a name that is taken is a failure, never overwritten. */
static enum exit_code publish(const char *part, const char *to)
{
    if (link(part, to) != 0) {
        say("keyring: %s: %s; nothing was replaced", to, strerror(errno));
        return errno == EEXIST ? EXIT_CONFLICT : EXIT_INTERNAL;
    }
    char folder[COPY_PATH];
    snprintf(folder, sizeof folder, "%s", to);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder] = 0;
    auto_fd int above = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (above < 0 || fsync(above) != 0) {
        say("keyring: %s: %s", folder, strerror(errno));
        return EXIT_INTERNAL;
    }
    return EXIT_DONE;
}

enum exit_code keyring_copy(const struct keyring_copy *copy)
{
    char part[COPY_PATH];
    int len = snprintf(part, sizeof part, "%s.%d.part", copy->to, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof part) {
        say("keyring %s: the path of %s is too long", copy->word, copy->to);
        return EXIT_USAGE;
    }
    if (access(copy->to, F_OK) == 0) {
        say("keyring %s: %s is there already; nothing was replaced: name a new file", copy->word,
            copy->to);
        return EXIT_CONFLICT;
    }
    auto_fd int to = open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (to < 0) {
        say("keyring: %s: %s", part, strerror(errno));
        return EXIT_INTERNAL;
    }
    enum exit_code code = start(copy, to);
    if (code == EXIT_DONE)
        code = publish(part, copy->to);
    unlink(part);
    return code;
}

enum exit_code keyring_copy_json(struct invocation *in, const char *from, const char *to)
{
    struct sink out;
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    config_json_text(&json, "from", from);
    config_json_text(&json, "to", to);
    json_put_key(&json, "verified");
    json_put_bool(&json, true); /* what could not be opened again is no success */
    json_end_object(&json);
    sink_text(&out, "\n");
    return config_print_end(&out) ? EXIT_DONE : EXIT_INTERNAL;
}
