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

#include "cmd/home.h"
#include "crypto/ct.h"
#include "os/fd.h"

enum { PHRASE_BYTES = 1024 }; /* bytes that ward-keyring takes (crypto/argon2.h) */

/* One line, without its end.  Less than 0: it cannot be read, or is too long. */
static ssize_t read_line(int fd, char line[PHRASE_BYTES + 2])
{
    size_t have = 0;
    char c = 0;
    for (;;) {
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0 || c == '\n')
            return (ssize_t)have;
        if (have == PHRASE_BYTES)
            return -1;
        line[have++] = c;
    }
}

/* The kernel holds it, under no name. */
static int hold(const char *line, size_t len)
{
    auto_fd int fd = memfd_create("passphrase", MFD_CLOEXEC);
    if (fd < 0 || write(fd, line, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET) != 0)
        return -1;
    return fd_take(&fd);
}

static ssize_t ask(int terminal, const char *question, char line[PHRASE_BYTES + 2])
{
    struct termios as_it_was, silent;
    if (tcgetattr(terminal, &as_it_was) != 0)
        return -1;
    silent = as_it_was;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(terminal, TCSAFLUSH, &silent) != 0)
        return -1;
    dprintf(terminal, "%s", question);
    ssize_t len = read_line(terminal, line);
    dprintf(terminal, "\n");
    if (tcsetattr(terminal, TCSAFLUSH, &as_it_was) != 0)
        return -1;
    return len;
}

static int phrase_of_terminal(bool is_new)
{
    char lines[2][PHRASE_BYTES + 2];
    auto_fd int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0) {
        say("passphrase: there is no terminal to ask for the passphrase; name its file");
        return -1;
    }
    ssize_t len = ask(terminal, "Passphrase: ", lines[0]);
    ssize_t again = len > 0 && is_new ? ask(terminal, "Once more: ", lines[1]) : len;
    bool same = len > 0 && len == again && (!is_new || ct_equal(lines[0], lines[1], (size_t)len));
    int fd = same ? hold(lines[0], (size_t)len) : -1;
    explicit_bzero(lines, sizeof lines);
    if (!same)
        say("passphrase: %s",
            len > 0 ? "these are not the same" : "a passphrase has 1 to 1024 bytes");
    return fd;
}

int keyring_phrase(const char *file, bool is_new)
{
    char line[PHRASE_BYTES + 2];
    if (file == NULL)
        return phrase_of_terminal(is_new);
    auto_fd int from = strcmp(file, "-") == 0 ? dup(STDIN_FILENO)
                                              : open(file, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        say("passphrase: %s: %s", file, strerror(errno));
        return -1;
    }
    ssize_t len = read_line(from, line);
    int fd = len > 0 ? hold(line, (size_t)len) : -1;
    explicit_bzero(line, sizeof line);
    if (fd < 0)
        say("passphrase: %s: its first line is no passphrase of 1 to 1024 bytes", file);
    return fd;
}

int keyring_seal(const struct settings *settings, const char *phrase_file, bool is_new)
{
    if (settings->seal == SEAL_BY_PASSPHRASE)
        return keyring_phrase(phrase_file, is_new);
    int fd = open(settings->seal_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        say("keyring: %s: %s", settings->seal_path, strerror(errno));
    return fd;
}

int keyring_lock(const struct settings *settings)
{
    char path[COPY_PATH];
    snprintf(path, sizeof path, "%s/run/lock", settings->state);
    auto_fd int lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) {
        say("keyring: %s: %s", path, strerror(errno));
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

static bool find_program(char path[COPY_PATH])
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
    struct trail trail = { 0 };
    int status = 0;
    if (!find_program(path))
        return EXIT_INTERNAL;
    struct spawn what = {
        .path = path,
        .argv = argv,
        .fds = { { copy->from, 3 }, { copy->from_seal, 4 }, { to, 5 }, { copy->to_seal, 6 } },
        .fd_count = 4
    };
    rc started = spawn(&trail, &what, &child);
    if (!rc_ok(started)) {
        say("%s: %s", path, strerror((int)rc_number(started)));
        return EXIT_INTERNAL;
    }
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
    if (len < 0 || (size_t)len >= sizeof part)
        return EXIT_USAGE;
    if (access(copy->to, F_OK) == 0) {
        say("keyring: %s is there already; nothing was replaced", copy->to);
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
