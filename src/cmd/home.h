/* home.h - a house as the commands see it from outside: where its programs are, whether
   somebody lives in a state folder, and starting one. */
#ifndef WARD_CMD_HOME_H
#define WARD_CMD_HOME_H

#include "cmd/command.h"
#include "model/reason.h"
#include "os/spawn.h"
#include "proc/settings.h"
#include "proc/sources.h"

enum {
    HOME_READY_S = 30,  /* how long `ward up` waits for a house to be ready */
    HOME_STOP_S = 60,   /* and `ward down` for it to be gone */
    HOME_RELOAD_S = 30, /* and `ward reload` for new settings to hold */
};

/* home_monitor and home_commands find ward-monitor and ward-commands: in ../libexec/ward beside the
   folder of `ward`, or where the build leaves them.  On failure they have said so. */
MUST_USE
bool home_monitor(char *path, size_t cap);
MUST_USE
bool home_commands(char *path, size_t cap);

/* home_guest and home_machine find ward-guest and ward-machine in the same places; false where they
   are not. */
MUST_USE
bool home_guest(char *path, size_t cap);
MUST_USE
bool home_machine(char *path, size_t cap);

enum home_state { HOME_EMPTY, HOME_STARTING, HOME_LIVED_IN, HOME_UNREADABLE };

/* home_look tells whether a monitor holds the lock of the folder, its number, and whether its
   house was ready yet. */
enum home_state home_look(const char *state, pid_t *monitor);

/* What a house is started with. */
struct home_start {
    const struct settings *settings;
    const struct sources *sources;
    int phrase;   /* of the seal, where that is a passphrase; else -1 */
    int listener; /* for TLS, where somebody else opened it; else -1 */
    bool new_session;
};

/* home_start starts a monitor.  `report` is the end of a pipe on which it
   tells a line a step: "ready NAME", at last "serving" or "failed REASON DETAIL".  On failure
   it has said why. */
MUST_USE
bool home_start(const struct home_start *start, struct spawned *out, int *report);

/* How a reload went. */
enum home_reloaded { HOME_RELOADED, HOME_RELOAD_REFUSED, HOME_RELOAD_GONE, HOME_RELOAD_LATE };

/* home_reload asks a monitor that is held to read the settings anew, and waits until it has.
 *lines: what it says of it (see monitor.h), of the arena; empty when it says nothing. */
enum home_reloaded home_reload(const char *state, int monitor, struct arena *arena,
                               struct span *lines);

/* home_explain says why a house did not start: the reason, its detail and what to do, and
   gives the exit code for it. */
enum exit_code home_explain(enum reason reason, const char *detail);

#endif
