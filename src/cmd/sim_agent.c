/* sim_agent.c - `ward sim agent`: a guest agent of dstack's kind whose TEE is simulated. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/serve.h"
#include "base/number.h"
#include "cmd/config_print.h"
#include "cmd/input.h"
#include "crypto/hash.h"
#include "model/tee.h"
#include "os/clock.h"
#include "os/fd.h"
#include "os/file.h"
#include "os/random.h"
#include "os/spawn.h"
#include "sim/guest.h"

enum { OPT_SOCKET, OPT_COMPOSE_HASH, OPT_APP_ID, OPT_INSTANCE_ID, OPT_JSON };

enum {
    SEED = 32,
    BACKLOG = 64,
    AGENT_PATH_MAX = 4096,
    SOCKET_PATH = sizeof((struct sockaddr_un){ 0 }.sun_path), /* bytes with the NUL */
    NOT_RUN = 127
};

#define ENDPOINT "DSTACK_SIMULATOR_ENDPOINT"

static const struct option_spec options[] = {
    [OPT_SOCKET] = { "--socket", "PATH", NULL, "where it listens; default: dstack.sock in DIR" },
    [OPT_COMPOSE_HASH] = { "--compose-hash", "HEX", NULL,
                           "SHA-256 of what it is said to run; default: of nothing" },
    [OPT_APP_ID] = { "--app-id", "HEX", NULL, "20 bytes; default: the first of the compose hash" },
    [OPT_INSTANCE_ID] = { "--instance-id", "HEX", NULL,
                          "20 bytes; default: one that follows from the compose hash" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object when it listens" },
};

struct running {
    struct invocation *in;
    struct sim_guest guest;
    char socket[SOCKET_PATH]; /* absolute */
    struct agent agent;
    int signals; /* a signalfd: it is to end, or the command is */
    int ended;   /* the pidfd of the command that it runs for; -1: for nobody */
    pid_t command;
};

/* --- what it is -------------------------------------------------------------------------- */

static bool read_id(struct invocation *in, size_t option, uint8_t *out, size_t len)
{
    struct ward_bytes bytes = { 0 };
    const char *text = in->values[option];
    if (text == NULL)
        return true;
    if (!input_hex(&in->arena, options[option].name, text, len, &bytes))
        return false;
    if (bytes.len != len) {
        say("sim agent: %s: %zu bytes, %zu wanted", options[option].name, bytes.len, len);
        return false;
    }
    memcpy(out, bytes.data, len);
    return true;
}

static bool read_app(struct invocation *in, struct sim_guest_app *app)
{
    uint8_t compose_hash[SIM_COMPOSE_HASH];
    hash_sha256((struct span){ 0 }, compose_hash);
    if (!read_id(in, OPT_COMPOSE_HASH, compose_hash, sizeof compose_hash))
        return false;
    *app = sim_guest_app_of(compose_hash);
    return read_id(in, OPT_APP_ID, app->id, sizeof app->id) &&
           read_id(in, OPT_INSTANCE_ID, app->instance, sizeof app->instance);
}

/* Nobody keeps the seed: what can be signed under this root ends with the process. */
static bool boot(struct running *running, const struct sim_guest_app *app)
{
    uint8_t seed[SEED];
    random_bytes(seed, sizeof seed);
    bool booted = sim_guest_init(&running->guest, SPAN(seed), app, clock_now());
    explicit_bzero(seed, sizeof seed);
    if (!booted)
        say("sim agent: no memory");
    return booted;
}

/* --- what it leaves in the folder ---------------------------------------------------------- */

static bool make_folder(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    say("sim agent: %s: %s", path, strerror(errno));
    return false;
}

static bool publish_file(struct running *running, const struct sim_published *file)
{
    char path[AGENT_PATH_MAX];
    uint8_t *room = arena_room(&running->in->arena, SIM_COLLATERAL_MAX);
    struct sink bytes = sink_over(room, room != NULL ? SIM_COLLATERAL_MAX : 0);
    int len = snprintf(path, sizeof path, "%s/%s", running->in->operands[0], file->name);
    if (len < 0 || (size_t)len >= sizeof path ||
        !file->write(&running->guest.authority, &running->guest.spec, &bytes)) {
        say("sim agent: %s: no memory, or the folder's name is too long", file->name);
        return false;
    }
    rc written = file_write_atomic(NULL, path, sink_bytes(&bytes), 0644);
    if (!rc_ok(written))
        say("sim agent: %s: %s", path, file_error_text(written));
    return rc_ok(written);
}

static bool publish(struct running *running)
{
    char path[AGENT_PATH_MAX];
    const char *folder = running->in->operands[0];
    int len = snprintf(path, sizeof path, "%s/collateral", folder);
    if (len < 0 || (size_t)len >= sizeof path || !make_folder(folder) || !make_folder(path) ||
        !publish_file(running, &sim_root_file))
        return false;
    for (size_t i = 0; i < SIM_COLLATERAL_FILES; i++) {
        if (!publish_file(running, &sim_collateral_files[i]))
            return false;
    }
    return true;
}

/* --- its socket ------------------------------------------------------------------------------ */

/* The clients are given the whole path: they may work in another folder. */
static bool name_socket(struct running *running)
{
    char cwd[AGENT_PATH_MAX] = "";
    const struct invocation *in = running->in;
    const char *given = option_given(in, OPT_SOCKET) ? in->values[OPT_SOCKET] : in->operands[0];
    if (given[0] != '/' && getcwd(cwd, sizeof cwd) == NULL) {
        say("sim agent: the working folder has no name: %s", strerror(errno));
        return false;
    }
    int len = snprintf(running->socket, sizeof running->socket, "%s%s%s%s", cwd,
                       cwd[0] != 0 ? "/" : "", given,
                       option_given(in, OPT_SOCKET) ? "" : "/dstack.sock");
    if (given[0] != 0 && len > 0 && len < SOCKET_PATH)
        return true;
    say("sim agent: the path of a socket has at most %d bytes: give a shorter one by --socket",
        SOCKET_PATH - 1);
    return false;
}

/* A socket that nobody listens on was left by one that was killed. */
static bool is_left_over(const struct sockaddr_un *address)
{
    struct stat is;
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (lstat(address->sun_path, &is) != 0 || !S_ISSOCK(is.st_mode))
        return false;
    return fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
           errno == ECONNREFUSED;
}

static enum exit_code listen_at(struct running *running)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s", running->socket);
    auto_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (is_left_over(&address))
        unlink(address.sun_path);
    mode_t before = umask(0177); /* for this user only */
    int bound = fd < 0 ? -1 : bind(fd, (const struct sockaddr *)&address, sizeof address);
    int error = errno;
    umask(before);
    if (bound == 0 && listen(fd, BACKLOG) == 0) {
        running->agent.listener = fd_take(&fd);
        return EXIT_DONE;
    }
    if (bound == 0)
        error = errno;
    say("sim agent: %s: %s", running->socket,
        error == EADDRINUSE ? "something else is there" : strerror(error));
    return error == EADDRINUSE ? EXIT_CONFLICT : EXIT_INTERNAL;
}

/* --- the command that it runs for ------------------------------------------------------------ */

static void become(struct running *running, const sigset_t *before)
{
    const char *words[OPERANDS_MAX + 1] = { 0 };
    for (size_t i = 1; i < running->in->operand_count; i++)
        words[i - 1] = running->in->operands[i];
    union {
        const char **ours;
        char *const *theirs;
    } argv = { .ours = words };
    sigprocmask(SIG_SETMASK, before, NULL);
    if (setenv(ENDPOINT, running->socket, 1) == 0)
        execvp(words[0], argv.theirs);
    say("sim agent: %s: %s", words[0], strerror(errno));
    _exit(NOT_RUN);
}

static bool start_command(struct running *running, const sigset_t *before)
{
    if (running->in->operand_count < 2)
        return true;
    fflush(NULL);
    running->command = fork();
    if (running->command == 0)
        become(running, before);
    if (running->command > 0 && rc_ok(process_hold(NULL, running->command, &running->ended)))
        return true;
    say("sim agent: no process for the command: %s", strerror(errno));
    return false;
}

/* Its own exit code is told and not passed on: those of ward mean something else. */
static enum exit_code command_ended(const struct running *running)
{
    int status = 0;
    while (waitpid(running->command, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return EXIT_DONE;
    if (WIFEXITED(status))
        say("sim agent: the command ended with %d", WEXITSTATUS(status));
    else
        say("sim agent: the command was ended by signal %d", WTERMSIG(status));
    return EXIT_NO;
}

/* --- all of it -------------------------------------------------------------------------------- */

static void put_hex(struct json_writer *json, const char *name, struct span bytes)
{
    json_put_key(json, name);
    json_put_hex(json, bytes);
}

static enum exit_code show(struct running *running)
{
    struct sink out;
    struct invocation *in = running->in;
    const struct sim_guest_app *app = &running->guest.app;
    note(in,
         TEE_MARK ": this evidence proves nothing; `ward verify --root %s/root.pem "
                  "--collateral %s/collateral` accepts it",
         in->operands[0], in->operands[0]);
    if (!option_given(in, OPT_JSON)) {
        if (in->operand_count < 2)
            printf(ENDPOINT "=%s\n", running->socket);
        return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
    }
    if (!config_print_begin(in, &out))
        return EXIT_INTERNAL;
    struct json_writer json = json_write_to(&out, 0);
    json_begin_object(&json);
    config_json_text(&json, "socket", running->socket);
    config_json_text(&json, "folder", in->operands[0]);
    put_hex(&json, "compose_hash", SPAN(app->compose_hash));
    put_hex(&json, "app_id", SPAN(app->id));
    put_hex(&json, "instance_id", SPAN(app->instance));
    json_put_key(&json, "hardware");
    json_put_bool(&json, TEE_IS_HARDWARE);
    json_end_object(&json);
    sink_text(&out, "\n");
    return config_print_end(&out) && fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

static unsigned answer(void *arg, struct span path, struct span body, struct sink *out)
{
    return sim_guest_answer(arg, path, body, out);
}

/* A signal is the command's where there is one: the agent is there until that has ended. */
static bool pass_on(const struct running *running)
{
    struct signalfd_siginfo info;
    if (running->ended < 0 || read(running->signals, &info, sizeof info) != (ssize_t)sizeof info)
        return false;
    rc passed = process_signal(NULL, running->ended, (int)info.ssi_signo);
    (void)passed; /* it has ended just now, and is seen so in the next turn */
    return true;
}

/* The command's end is looked at first. */
static enum exit_code serve(struct running *running)
{
    enum agent_end how = AGENT_FAILED;
    running->agent.waits[0] = running->ended;
    running->agent.waits[1] = running->signals;
    struct agent_serving *serving = agent_open(&running->in->arena, &running->agent);
    if (serving != NULL) {
        do
            how = agent_serve(serving);
        while (how == AGENT_SECOND && pass_on(running));
        agent_close(serving);
    }
    switch (how) {
    case AGENT_FIRST:
        return command_ended(running);
    case AGENT_SECOND:
        return EXIT_DONE;
    case AGENT_FAILED:
        break;
    }
    say("sim agent: no memory, or the socket broke");
    return EXIT_INTERNAL;
}

static enum exit_code serve_at_socket(struct running *running)
{
    sigset_t wanted, before;
    sigemptyset(&wanted);
    sigaddset(&wanted, SIGINT);
    sigaddset(&wanted, SIGTERM);
    sigprocmask(SIG_BLOCK, &wanted, &before);
    running->signals = signalfd(-1, &wanted, SFD_CLOEXEC);
    enum exit_code code = running->signals < 0 ? EXIT_INTERNAL : show(running);
    if (code == EXIT_DONE)
        code = start_command(running, &before) ? serve(running) : EXIT_INTERNAL;
    fd_close(&running->signals);
    fd_close(&running->ended);
    return code;
}

static enum exit_code run(struct invocation *in)
{
    struct sim_guest_app app;
    struct running *running = arena_alloc(&in->arena, sizeof *running);
    if (running == NULL)
        return EXIT_INTERNAL;
    running->in = in;
    running->agent = (struct agent){ answer, &running->guest, -1, { -1, -1 } };
    running->signals = running->ended = -1;
    if (!read_app(in, &app) || !name_socket(running))
        return EXIT_USAGE;
    if (!boot(running, &app))
        return EXIT_INTERNAL;
    enum exit_code code = publish(running) ? listen_at(running) : EXIT_INTERNAL;
    if (code == EXIT_DONE) {
        code = serve_at_socket(running);
        unlink(running->socket);
    }
    fd_close(&running->agent.listener);
    sim_guest_fini(&running->guest);
    return code;
}

const struct command command_sim_agent = {
    .name = "sim agent",
    .operands = "DIR [COMMAND...]",
    .operands_min = 1,
    .operands_max = OPERANDS_MAX,
    .summary = "stand in for the guest agent of a TEE that is not there",
    .description =
        "Listens on a socket as the guest agent of dstack does, and answers /GetQuote, /Info and\n"
        "/Version, so that a program that asks such an agent for evidence runs without hardware.\n"
        "The quotes are TDX quotes that bear the report data that is asked for; the event log\n"
        "replays to their registers and names the compose hash, the application and the "
        "instance.\n\n"
        "With a COMMAND it is run with " ENDPOINT " set, and the agent ends\n"
        "with it: 0 when that was its exit code, 1 otherwise.  Put -- before a command that has\n"
        "options.  Without one the setting is printed, and the agent stays until SIGINT or "
        "SIGTERM.\n\n"
        "The root is made anew at each start and written to DIR/root.pem, with the collateral in\n"
        "DIR/collateral; its keys are nowhere else than in this process.  Evidence under it "
        "proves\n"
        "nothing, is accepted only where a policy or --root names the root, and is never called\n"
        "hardware.",
    .example = "ward sim agent ./simulated -- ./challenge",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "sim.json#/$defs/agent",
    .run = run,
};
