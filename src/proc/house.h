/* house.h - a process of the house as a value, and the one life that all of them lead: take
   what the monitor hands over, open what must be open, enter the jail, serve.

   main() of each is  return house_main(&keeper_process);  */
#ifndef WARD_PROC_HOUSE_H
#define WARD_PROC_HOUSE_H

#include "base/arena.h"
#include "ipc/door.h"
#include "model/reason.h"
#include "os/jail.h"
#include "proc/peer.h"
#include "proc/settings.h"

enum {
    HOUSE_CONTROL_FD = 3,       /* where a process finds its end of the control channel */
    HOUSE_FIRST_UID = 61200,    /* as root a process runs as this and its peer number */
    HOUSE_MEMORY = 16 << 20,    /* of that arena where a process says nothing else */
    HOUSE_START_MS_MAX = 10000, /* for handing over, opening and entering the jail */
    HOUSE_OWN_FDS_MAX = 16,     /* descriptors that a process opens itself before the jail */
    HOUSE_PORTS_MAX = 2 * SETTING_PEERS_MAX + 1, /* TCP ports that a process may connect to */
    HOUSE_FILE_BYTES_MAX = 1 << 30,              /* of one file that it writes, its log included */
};

enum house_error {
    HOUSE_E_MEMORY = 0x1501,
    HOUSE_E_MONITOR, /* RC_WORLD: the monitor is gone, and with it the house */
    HOUSE_E_FILE,    /* RC_WORLD: a file that was handed over cannot be used */
    HOUSE_E_PEER,    /* RC_WORLD: a process that is needed does not answer */
};

struct house;

/* A descriptor that a process waits for besides its channels. */
struct house_watch {
    int fd;
    bool reading, writing;
    uint64_t token; /* the process's own */
};

/* What a process is.  Everything is constant; its state is `size` zeroed bytes. */
struct process {
    enum peer peer;
    uint32_t peers;    /* IN(...): has a channel with these */
    uint32_t trusts;   /* IN(...): a malformed message of these is a bug of the program */
    uint32_t files;    /* IN(...): keeps these descriptors of enum house_file in the jail */
    size_t fds;        /* descriptors, RLIMIT_NOFILE */
    size_t file_bytes; /* of one file that it writes; 0: HOUSE_FILE_BYTES_MAX */
    bool forks;
    bool measures;    /* is handed the programs of all processes, until its jail */
    bool keeps_root;  /* as root it stays so, without a jail: it makes sandboxes (ADR 0029) */
    bool own_network; /* an empty network namespace: for all that own no socket */
    size_t memory;    /* bytes of the arena that lives as long as it; 0: HOUSE_MEMORY */
    size_t size;      /* bytes of its state */

    const struct call_rule *rules; /* NAME.syscalls */
    size_t rule_count;
    const struct door *doors;
    size_t door_count;

    /* In this order; each may be NULL.  `self` is the state. */
    rc (*before_jail)(struct trail *trail, void *self, struct house *house);
    /* As the process's own user, without rights, and the last moment at which it can connect
       and open (jail.h): the place for what needs the network.  *reached: it did. */
    rc (*reach_out)(struct trail *trail, void *self, bool *reached);
    rc (*begin)(struct trail *trail, void *self, struct house *house);
    /* A control message that is not of every process (CONTROL_ROTATED ...). */
    rc (*control)(struct trail *trail, void *self, struct call *call);
    /* Settings that came with a reload, before house->settings is replaced by them.  False: they
       cannot be, and nothing was changed.  NULL: it looks at house->settings when it needs them. */
    bool (*reload)(void *self, const struct settings *next);
    /* The channel to a peer was closed, or replaced by a new one. */
    void (*peer_changed)(void *self, enum peer peer, bool open);
    /* After all that a wake-up brought was handled and before anything is sent: the place
       to do once what many messages asked for. */
    rc (*settle)(struct trail *trail, void *self);
    /* Timers: does what is due, returns the monotonic instant of the next, INT64_MAX for
       none. */
    int64_t (*tick)(void *self, int64_t now_ms);
    /* CONTROL_STOP came: true when nothing is under way any more.  Asked again after each
       wake-up. */
    bool (*may_stop)(void *self);
    /* Descriptors of the process's own that it waits for: fills at most max entries of
       fds and says how many; `ready` is called for each that is. */
    size_t (*watch)(void *self, struct house_watch *watches, size_t max);
    rc (*ready)(struct trail *trail, void *self, const struct house_watch *watch);
};

/* The life of one process. */
struct house {
    const struct process *process;
    void *self;
    struct arena arena; /* as long as the process */
    struct settings settings;
    struct channel control;
    struct channel channels[PEER_COUNT]; /* closed where there is none */
    uint64_t numbers[PEER_COUNT];        /* of the channel, as the monitor counts them */
    int files[FILE_COUNT];               /* -1 where there is none */
    int programs[PROGRAM_COUNT];         /* of a process that measures, else -1 */
    int own[HOUSE_OWN_FDS_MAX];          /* opened before the jail, see house_keep_fd */
    size_t own_count;
    uint16_t connect_ports[HOUSE_PORTS_MAX]; /* before_jail of a process that connects */
    size_t connect_port_count;
    struct jail_report jail;
    unsigned state; /* the process's own, for its doors; 0 at first */
    bool stopping;
    enum reason refusal; /* of the process's own `reload`, where it has a name for why not */
};

int house_main(const struct process *process);

/* house_keep_fd: a descriptor opened in before_jail stays open.  False when it is none, or
   there are too many. */
MUST_USE
bool house_keep_fd(struct house *house, int fd);

/* house_let_connect: this TCP port may be connected to, for before_jail.  `port` is digits; what is
   no port, or one too many, is none. */
void house_let_connect(struct house *house, const char *port);

/* house_put queues a message for a peer.  A peer that is gone or does not read makes it
   RC_WORLD or RC_BUSY: the caller says what that means. */
MUST_USE
rc house_put(struct trail *trail, struct house *house, enum peer peer, const struct frame *frame);

#endif
