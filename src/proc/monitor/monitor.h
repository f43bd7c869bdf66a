/* monitor.h - the process that owns the others: opens every listener and file once, starts
   the processes, connects them, starts again what died.  It never reads a byte that a client
   sent. */
#ifndef WARD_PROC_MONITOR_H
#define WARD_PROC_MONITOR_H

#include <sys/types.h>

#include "model/reason.h"
#include "proc/config.h"
#include "proc/control.h"
#include "proc/house.h"

enum {
    MONITOR_BACKOFF_MS = 100,           /* before the first restart; doubled each time */
    MONITOR_BACKOFF_LONGEST_MS = 10000, /* and no longer than this */
    MONITOR_STEADY_MS = 60000,          /* alive so long: the next restart is a first again */
    MONITOR_STOP_MS = 10000,            /* for a process to finish what is under way */
    MONITOR_START_MS = 15000,           /* from its start until it is ready */
    MONITOR_TRIES = 3,                  /* of a process, in a house that never was ready */
    MONITOR_OLD_MS = 3000,              /* for what a killed house left to be gone */
    MONITOR_RELOAD_MS = 10000,          /* for all processes to take over new settings */
};

enum { MONITOR_PEER_FILE_MAX = 1 << 20 }; /* bytes of the CAs that one peer is known by */
enum { MONITOR_DETAIL_MAX = 640 };        /* bytes of a path and what is wrong with it */
enum { MONITOR_REASON_MAX = 512 };        /* of a reason, its cause and what to do */

enum monitor_error {
    MONITOR_E_STATE = 0x1601, /* RC_WORLD: the state folder cannot be made or is another's */
    MONITOR_E_LOCKED,         /* RC_DENIED: another house lives in this folder */
    MONITOR_E_FILE,           /* RC_WORLD */
    MONITOR_E_LISTEN,         /* RC_WORLD: the address cannot be listened on */
    MONITOR_E_START,          /* RC_WORLD: a process did not become ready */
    MONITOR_E_SETTINGS,       /* RC_PEER */
};

/* A process as the monitor sees it. */
struct child {
    pid_t pid; /* 0: none */
    int pidfd; /* -1 with it: signals go nowhere else, even when the number is used again */
    struct channel control;
    bool ready;
    bool again;        /* it ends to begin anew */
    uint32_t lives;    /* how often it did so in a row */
    uint32_t starts;   /* ever, those not counted */
    unsigned failures; /* in a row */
    int64_t since_ms;  /* when it was started, monotonic */
    int64_t again_ms;  /* when to start it again; INT64_MAX: not */
    struct jail_report jail;
};

enum { MONITOR_NEWS = 512 }; /* happenings that are kept until they are logged */
/* A reload begins while half of them are free. */
_Static_assert(CONFIG_KEYS_MAX + 2 * SETTING_TENANTS_MAX < MONITOR_NEWS / 2, "a reload has room");

struct news {
    uint64_t number; /* 1.. */
    enum happened what;
    enum peer peer;
    uint32_t pid;
    uint32_t code;
    int64_t at;             /* milliseconds since 1970 */
    uint64_t before, after; /* HAPPENED_CHANGED, HAPPENED_SHARE */
    char tenant[SETTING_TENANT_NAME_MAX];
};

enum { RELOAD_FILES = 6 }; /* files that are handed over anew at each reload (reload.c) */

/* A reload, from the signal to the last process's answer. */
struct reload {
    bool wanted;                 /* a signal came; those that come meanwhile are one */
    bool under_way;              /* the processes were told */
    bool refused;                /* one of them cannot take it over, or ended, or is silent */
    bool last_refused;           /* of the one that ended last; each core is told */
    uint32_t number;             /* of this one, and of what it takes back */
    uint32_t waits;              /* IN(...): have not answered */
    int64_t begun_ms;            /* monotonic, before a file was opened */
    struct settings old;         /* what was running before */
    int old_files[RELOAD_FILES]; /* before those that were handed over for it */
    enum reason why;             /* the first that a process gave for not taking it over */
    enum config_change changes[CONFIG_KEYS_MAX];
    enum config_change tables[CONFIG_TABLES];
};

/* The channel between two processes. */
struct edge {
    uint64_t number;   /* which it is: each new one has the next */
    int64_t made_ms;   /* monotonic */
    int64_t again_ms;  /* when to make it anew; 0: not */
    unsigned failures; /* in a row */
};

struct monitor {
    struct arena arena;
    struct settings settings;
    int programs[PEER_COUNT]; /* open to be read: what is started is these very files, whatever
                                 lies under their names later; its own, too */
    int state;                /* the state folder */
    int audit;                /* its folder of logs */
    int lock;
    int log;     /* stderr of all */
    int network; /* as root: the namespace that the house has left; -1: it is in it */
    int files[FILE_COUNT];
    struct child children[PEER_COUNT];
    struct edge edges[PEER_COUNT][PEER_COUNT]; /* [the lower][the higher] */
    struct news news[MONITOR_NEWS];            /* by number; what is never logged gives way */
    uint64_t news_last;                        /* the number of the last one */
    uint64_t news_logged;                      /* up to here they are in the log */
    int signals;                               /* signalfd */
    int report;          /* pipe to who started the house: one line a step; -1 when it is closed */
    bool was_killed;     /* the house before this one did not end by itself */
    bool was_ready;      /* all processes were ready once */
    enum reason because; /* why the house cannot be, for whoever started it */
    char detail[MONITOR_DETAIL_MAX];
    struct span sources; /* of the settings, see sources.h; none: nothing can be reloaded */
    struct reload reload;
    bool stopping;
    int64_t stop_ms; /* by when the process that is being stopped must be gone */
};

/* monitor_blame keeps the reason and the detail, "PATH: what is wrong with it", that are told
   to whoever started the house; the first one counts.  Leaves errno alone. */
void monitor_blame(struct monitor *monitor, enum reason reason, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* files.c */

/* Where the system has its CAs. */
extern const char monitor_system_cas[];

/* monitor_open_state makes and locks the state folder and opens all that lies in it. */
MUST_USE
rc monitor_open_state(struct trail *trail, struct monitor *monitor);

/* monitor_open_peers reads what ward.toml names for its peers; called by monitor_open_state.
   monitor_peers_changed: one of those files is not what it was then. */
MUST_USE
rc monitor_open_peers(struct trail *trail, struct monitor *monitor);
bool monitor_peers_changed(const struct monitor *monitor);

/* monitor_make_tables makes the memory that processes share (tables.h).  It lives as long as the
   house: a process that is started again finds what was in it. */
MUST_USE
rc monitor_make_tables(struct trail *trail, struct monitor *monitor);

/* monitor_open_listeners binds the owner's socket and the TLS address; where the house before
   was killed, its processes get a moment to let go of that. */
MUST_USE
rc monitor_open_listeners(struct trail *trail, struct monitor *monitor);

/* monitor_rotate puts the open log away under a name and opens a new one, which it keeps and
   lends.  Called again after a failure, or after having been killed, it goes on where it was. */
MUST_USE
rc monitor_rotate(struct trail *trail, struct monitor *monitor, struct span name, int *fd);

/* monitor_open_packed opens a log that was put away, and an empty file for its packed form;
   both are the caller's.  monitor_packed gives that file its name and removes the plain one. */
MUST_USE
rc monitor_open_packed(struct trail *trail, struct monitor *monitor, struct span name, int fds[2]);
MUST_USE
rc monitor_packed(struct trail *trail, struct monitor *monitor, struct span name);

/* monitor_remove removes a log that was put away. */
MUST_USE
rc monitor_remove(struct trail *trail, struct monitor *monitor, struct span name);

/* children.c */

/* What each process is: what it is called, whom it talks to, which files it gets. */
struct plan_row {
    enum peer peer;
    const char *program;
    uint32_t peers;
    uint32_t files;
};
extern const struct plan_row monitor_plan[];
extern const size_t monitor_plan_count;

/* monitor_row is the row of a process; NULL: it has none. */
const struct plan_row *monitor_row(enum peer peer);

/* monitor_open_programs opens them in the folder of this very file. */
MUST_USE
rc monitor_open_programs(struct trail *trail, struct monitor *monitor);

MUST_USE
rc child_start(struct trail *trail, struct monitor *monitor, enum peer peer);

/* child_give_file hands a file to the process that it is for, which takes it over as it serves. */
MUST_USE
rc child_give_file(struct trail *trail, struct monitor *monitor, enum house_file file);

/* child_ended: it was waited for.  Says when to start it again. */
void child_ended(struct monitor *monitor, enum peer peer, int status, int64_t now_ms);

/* monitor_backoff_ms: how long to wait after so many failures in a row. */
int64_t monitor_backoff_ms(unsigned failures);

/* child_signal sends a signal to that very process. */
void child_signal(const struct child *child, int signal);

/* edges.c */

/* edges_connect connects a process that starts with each of its peers that lives. */
MUST_USE
rc edges_connect(struct trail *trail, struct monitor *monitor, const struct plan_row *row);

/* edge_lost reads CONTROL_LOST. */
MUST_USE
rc edge_lost(struct trail *trail, struct monitor *monitor, const struct plan_row *row,
             const struct frame *frame);

/* edges_step makes anew what is due; returns when it wants to be called again. */
int64_t edges_step(struct monitor *monitor, int64_t now_ms);

/* news.c: what core is told */

/* news_add keeps what happened to a process, and tells it. */
void news_add(struct monitor *monitor, enum happened what, enum peer peer, uint32_t code);

/* news_children tells how all processes are now, and how the last reload went; news_all tells a
   new core everything. */
void news_children(struct monitor *monitor);
void news_all(struct monitor *monitor);

/* news_logged reads CONTROL_LOGGED. */
MUST_USE
rc news_logged(struct trail *trail, struct monitor *monitor, struct cursor *body);

/* news_change tells of a key that a reload changed. */
void news_change(struct monitor *monitor, uint32_t key, uint64_t before, uint64_t after);

/* news_share: a tenant's share of the node, in millionths; 0: it has none. */
void news_share(struct monitor *monitor, const char *tenant, uint32_t before, uint32_t after);

/* reload.c: what was set is read anew.

   STATE/run/reload says how the last one went: a line "INSTANT done" or "INSTANT refused" (when
   it began, by the monotonic clock), then "taken KEY", "start KEY" for what needs a start, and
   "problem TEXT".  It is replaced in one step. */

/* reload_forget removes what an earlier house said. */
void reload_forget(struct monitor *monitor);

/* reload_step does what is due; returns when it wants to be called again. */
int64_t reload_step(struct monitor *monitor, int64_t now_ms);

/* reload_answered reads CONTROL_RELOADED; reload_lost: the process ended. */
MUST_USE
rc reload_answered(struct trail *trail, struct monitor *monitor, enum peer peer,
                   struct cursor *body);
void reload_lost(struct monitor *monitor, enum peer peer);

/* watch.c */

/* monitor_watch lives until the house is stopped. */
MUST_USE
rc monitor_watch(struct trail *trail, struct monitor *monitor);

/* monitor_all_ready: every process of the plan is up, and has said so. */
bool monitor_all_ready(const struct monitor *monitor);

/* monitor_is_ready writes down, for all who look into the state folder, that the house is. */
MUST_USE
rc monitor_is_ready(struct trail *trail, struct monitor *monitor);

/* report.c */

/* monitor_say tells who started the house. */
void monitor_say(struct monitor *monitor, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
