/* control.h - what the monitor and a process say to each other over the control channel. */
#ifndef WARD_PROC_CONTROL_H
#define WARD_PROC_CONTROL_H

/* Messages of the control channel, 0x01..: those of the doors begin at 0x100. */
enum control_message {
    /* monitor to process */
    CONTROL_SETTINGS = 1, /* struct settings */
    CONTROL_FILE,         /* u32 enum house_file, one descriptor: later, in place of that one */
    CONTROL_PEER,         /* u32 enum peer, one descriptor: replaces the channel to it; the frame's
                             id is the new one's number */
    CONTROL_START,        /* all that was open is handed over: enter the jail */
    CONTROL_STOP,         /* finish what is under way and end */
    CONTROL_ROTATED,      /* audit: u8 1 and one descriptor, the new log; u8 0: it could not be */
    CONTROL_PACK_OPENED,  /* audit: u8 1 and two: the old log, an empty file for its packed form */
    CONTROL_CHILDREN,     /* core: u8 whether the last reload was refused, u8 count, then each
                             process: u8 peer, u32 pid, u32 starts, u8 ready, u8 own_user,
                             u8 network, u32 ABI */
    CONTROL_HAPPENED,     /* core: u64 number, u8 enum happened, u8 peer, u32 pid, u32 code,
                             u64 milliseconds since 1970, u64 before, u64 after, bytes tenant: to be
                             logged */
    CONTROL_RELOAD,       /* u32 number of the reload, struct settings: taken over at once */
    CONTROL_PROGRAM, /* tee: u32 below PROGRAM_COUNT, one descriptor: what that is executed from */

    /* process to monitor */
    CONTROL_READY = 0x41,  /* serving; struct jail_report as u8 own_user, u8 network, u32 ABI */
    CONTROL_ROTATE,        /* audit: bytes: the name under which the log is put away */
    CONTROL_PACK,          /* audit: bytes: the name of a log that was put away */
    CONTROL_PACKED,        /* audit: bytes: that name; its packed form is whole and replaces it */
    CONTROL_REMOVE,        /* audit: u32 count, bytes each: names of logs that are old enough */
    CONTROL_FAILED = 0x60, /* could not start: u16 enum reason, its last word */
    CONTROL_AGAIN,    /* core, tee: what it needs can be had before its jail only: it ends now, in
                         order, and is to be started again at once */
    CONTROL_LOGGED,   /* core: u64 number: what happened up to it is in the security log */
    CONTROL_RELOADED, /* u32 number, u8 1; u8 0: it cannot take them over and has the old; u16 enum
                         reason, why not, where that has a name */
    CONTROL_LOST, /* u32 enum peer, and the frame's id: the channel to it that had this number is
                     closed, for what came over it or because the other end is gone */
};

/* What the monitor saw, for the security log.  It tells a core that was started again what
   the one before did not get logged. */
enum happened {
    HAPPENED_HOUSE_START,    /* code: the house's uid */
    HAPPENED_HOUSE_STOP,     /* code: the signal that asked for it */
    HAPPENED_RESTART,        /* serving again; code: which start this was */
    HAPPENED_KILLED,         /* a process died; code: the signal */
    HAPPENED_EXITED,         /* it ended by itself, unasked; code: its exit status */
    HAPPENED_CHANGED,        /* a reload changed a key; code: its index, with both values */
    HAPPENED_SHARE,          /* a reload changed a tenant's share, 0: it has none; both values */
    HAPPENED_RELOADED,       /* code: how many keys were changed */
    HAPPENED_RELOAD_REFUSED, /* the old settings stay; code: how many problems there are */
    HAPPENED_COUNT
};

#endif
