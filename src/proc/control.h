/* control.h - what the monitor and a process say to each other over the control channel. */
#ifndef WARD_PROC_CONTROL_H
#define WARD_PROC_CONTROL_H

/* Messages of the control channel, 0x01..: those of the doors begin at 0x100. */
enum control_message {
    /* monitor to process */
    CONTROL_SETTINGS = 1, /* struct settings */
    CONTROL_FILE,         /* u32 enum house_file, one descriptor */
    CONTROL_PEER,         /* u32 enum peer, one descriptor: replaces the channel to it */
    CONTROL_START,        /* all that was open is handed over: enter the jail */
    CONTROL_STOP,         /* finish what is under way and end */
    CONTROL_ROTATED,      /* audit: u8 1 and one descriptor, the new log; u8 0: it could not be */
    CONTROL_PACK_OPENED,  /* audit: u8 1 and two: the old log, an empty file for its packed form */
    CONTROL_CHILDREN,     /* core: for each process u32 peer, u32 pid, u32 starts, u64 since */

    /* process to monitor */
    CONTROL_READY = 0x41, /* serving; struct jail_report as u8 own_user, u8 network, u32 ABI */
    CONTROL_ROTATE,       /* audit: bytes: the name under which the log is put away */
    CONTROL_PACK,         /* audit: bytes: the name of a log that was put away */
    CONTROL_PACKED,       /* audit: bytes: that name; its packed form is whole and replaces it */
    CONTROL_REMOVE,       /* audit: u32 count, bytes each: names of logs that are old enough */
    CONTROL_RELOAD_DONE,
    CONTROL_FAILED = 0x60, /* could not start: u16 enum reason, its last word */
};

#endif
