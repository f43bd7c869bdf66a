/* backup_server.c - see backup.h: a store that is a server.

   A child speaks with it, as core does in the house: under core's user, or that of a house which
   does not run as root, so that files which the
   conninfo names are read by the same one, with nothing in the environment, without the terminal of
   whoever called, and with no descriptor but the stream's and the pipe for its answer.  Neither the
   passphrase nor a key is in its memory: the caller has none of them at that time.  It ends with
   its parent, and an unfinished transaction with it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/backup.h"
#include "crypto/hash.h"
#include "os/child.h"
#include "os/clock.h"
#include "os/demote.h"
#include "os/fd.h"
#include "proc/house.h"
#include "proc/peer.h"
#include "proc/store_password.h"

enum { SERVER_UID = HOUSE_FIRST_UID + PEER_CORE };

/* What the child says, once; believed as far as it is proven later. */
struct answer {
    int32_t error; /* an errno: it could not become what it must be, and has done nothing */
    rc done;
    uint8_t state[32];
};

struct talk {
    const struct settings *settings;
    int stream;
    int ends[2]; /* of the pipe */
    uid_t user;  /* whom root becomes */
    pid_t parent;
    bool fill;
    struct backup_target target;
    int64_t generation; /* that a store which is read has at the least */
};

bool backup_is_server(const struct settings *settings)
{
    return strcmp(settings->store, "sqlite") != 0;
}

/* Whose house it is that root is asked about: its state folder's owner.  A folder that is yet to be
   made is root's. */
static uid_t owner_of(const struct settings *settings)
{
    struct stat is;
    bool found = geteuid() == 0 && stat(settings->state, &is) == 0 && S_ISDIR(is.st_mode);
    return found ? is.st_uid : geteuid();
}

static rc read_password(const struct settings *settings, char out[STORE_PASSWORD_BYTES + 1])
{
    auto_fd int fd = -1;
    if (settings->password[0] != 0)
        TRY(NULL, store_password_open(NULL, settings->password, owner_of(settings), &fd));
    store_password_read(fd, out);
    return RC_SUCCESS;
}

static rc close_all_else(const struct talk *talk)
{
    int answer = talk->ends[1], stream = talk->stream;
    const int keep[] = { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO,
                         stream < answer ? stream : answer, stream < answer ? answer : stream };
    return fd_close_others(NULL, keep, COUNT_OF(keep));
}

/* A terminal takes what its processes put into it (TIOCSTI) for what root has typed. */
static rc leave_terminal(void)
{
    auto_fd int none = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (none < 0 || setsid() < 0)
        return rc_os(errno);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (dup2(none, fd) != fd)
            return rc_os(errno);
    }
    return RC_SUCCESS;
}

static rc converse(struct talk *talk, const struct db_spec *spec, struct backup_proof *out)
{
    struct store store = { 0 };
    if (talk->fill) {
        const struct backup_in from = backup_file_in(&talk->stream);
        talk->target.spec = spec;
        return backup_refill(NULL, &talk->target, &from, out);
    }
    const struct backup_out to = backup_file_out(&talk->stream);
    rc done = store_open(NULL, spec, &store_limits_default, &store);
    if (rc_ok(done))
        done = backup_write(NULL, &store, &to, out);
    store_close(&store);
    return rc_ok(done) ? backup_judge(out, talk->generation) : done;
}

static int live(void *arg)
{
    struct talk *talk = arg;
    struct answer answer = { 0 };
    struct backup_proof proof = { 0 };
    char password[STORE_PASSWORD_BYTES + 1] = "";
    const struct db_spec spec = {
        .kind = DB_POSTGRES, .place = talk->settings->store, .password = password, .once = true
    };
    answer.done = read_password(talk->settings, password);
    rc left = leave_terminal();
    if (rc_ok(left))
        left = close_all_else(talk);
    if (rc_ok(left))
        left = clearenv() == 0 ? demote(NULL, talk->user, SERVER_UID, talk->parent) : rc_os(ENOMEM);
    answer.error = rc_errno(left);
    if (rc_ok(left) && rc_ok(answer.done))
        answer.done = converse(talk, &spec, &proof);
    explicit_bzero(password, sizeof password);
    memcpy(answer.state, proof.state, sizeof answer.state);
    return fd_write(talk->ends[1], span_of(&answer, sizeof answer)) ? 0 : 1;
}

/* A child that ends without a word may have done it: the key will tell. */
static bool run_child(struct talk *talk, struct answer *out)
{
    struct answer answer;
    int status = 0;
    const struct child_work work = { .child = live, .arg = talk };
    if (lseek(talk->stream, 0, SEEK_SET) != 0 || pipe2(talk->ends, O_CLOEXEC) != 0)
        return false;
    auto_fd int ours = talk->ends[0];
    auto_fd int theirs = talk->ends[1];
    talk->parent = getpid();
    fflush(NULL);
    bool ended = rc_ok(child_run(NULL, &work, &status)) && WIFEXITED(status);
    fd_close(&theirs);
    if (!ended || WEXITSTATUS(status) != 0 ||
        fd_read(ours, &answer, sizeof answer) != (ssize_t)sizeof answer)
        return false;
    *out = answer;
    return true;
}

static enum exit_code say_failure(const char *command, const struct talk *talk, rc failure)
{
    const struct settings *settings = talk->settings;
    bool has_file = settings->password[0] != 0;
    enum exit_code code = backup_say(command, failure);
    switch ((int)reason_of_rc(failure, REASON_NONE)) {
    case REASON_HOUSE_STATE_UNSAFE:
    case REASON_HOUSE_STATE_UNUSABLE:
        say("%s: store.password_file: %s: a plain file of the user whose house it is, mode 0600",
            command, settings->password);
        return EXIT_CONFIG;
    case REASON_RESTORE_NOT_EMPTY:
        say("%s: the database of store.url has a house in it, or is being used by one", command);
        return code;
    case REASON_STORE_UNCERTAIN:
        say("%s: run the same command again: it finds out, and does what is left", command);
        return code;
    default:
        say("%s: it was the server of store.url, \"%s\"; password: %s", command, settings->store,
            has_file ? settings->password : "none (store.password_file is not set)");
        return code;
    }
}

static enum exit_code talk_to_server(const char *command, struct talk *talk, uint8_t state[32])
{
    struct answer answer;
    uid_t owner = owner_of(talk->settings);
    talk->user = owner == 0 ? SERVER_UID : owner;
    if (!run_child(talk, &answer))
        return say_failure(command, talk,
                           rc_make(RC_WORLD, talk->fill && talk->target.keep
                                                 ? REASON_STORE_UNCERTAIN
                                                 : REASON_STORE_UNREACHABLE));
    if (answer.error != 0) {
        say("%s: a server is spoken to as user %u, as the house does it, and that could not be: %s",
            command, (unsigned)talk->user, strerror(answer.error));
        return EXIT_NOT_PERMITTED;
    }
    if (!rc_ok(answer.done))
        return say_failure(command, talk, answer.done);
    if (lseek(talk->stream, 0, SEEK_SET) != 0)
        return EXIT_INTERNAL;
    memcpy(state, answer.state, sizeof answer.state);
    return EXIT_DONE;
}

enum exit_code backup_server_write(const char *command, const struct settings *settings, int stream,
                                   int64_t generation, uint8_t state[32])
{
    struct talk talk = { .settings = settings, .stream = stream, .generation = generation };
    return talk_to_server(command, &talk, state);
}

enum exit_code backup_server_fill(const char *command, const struct settings *settings, int stream,
                                  const struct house_state *state, bool keep)
{
    uint8_t found[32], key[SHA256_LEN];
    struct talk talk = { .settings = settings, .stream = stream, .fill = true };
    const struct span parts[] = { span_text("ward restore v1"), SPAN(state->hash),
                                  span_text(settings->state) };
    hash_sha256_parts(parts, COUNT_OF(parts), key);
    memcpy(talk.target.key, key, sizeof talk.target.key);
    talk.target.now = clock_now();
    talk.target.keep = keep;
    enum exit_code code = talk_to_server(command, &talk, found);
    if (code == EXIT_DONE && keep && !span_equal(SPAN(found), SPAN(state->store)))
        code = backup_say(command, rc_make(RC_WORLD, REASON_BACKUP_UNPROVEN));
    return code;
}
