/* peer.h - the processes of the house by number, and the descriptors that the monitor opens
   for them. */
#ifndef WARD_PROC_PEER_H
#define WARD_PROC_PEER_H

/* The order is that of starting; stopping is the other way round. */
enum peer {
    PEER_MONITOR = 0,
    PEER_AUDIT,
    PEER_KEEPER,
    PEER_VERIFY,
    PEER_CORE,
    PEER_FRONT,
    PEER_TEE,
    PEER_FETCH,
    PEER_DIAL,
    PEER_RUNNER,
    PEER_COUNT
};

/* What the monitor opens once and hands to the one process that is named for it. */
/* What a house executes: of each process, by its enum peer, and the command that runs its jobs. */
enum { PROGRAM_WARD = PEER_COUNT, PROGRAM_COUNT };

enum house_file {
    FILE_AUDIT_LOG,       /* audit: the log that is written, O_APPEND */
    FILE_AUDIT_LEAVES,    /* audit: 32 bytes for each record ever */
    FILE_AUDIT_HEADS,     /* audit: the last signed heads */
    FILE_KEYRING,         /* keeper: its sealed file, two slots */
    FILE_SEAL,            /* keeper: the seal's source, read once before the jail */
    FILE_CA,              /* keeper: the CA's certificate for everybody, written before the jail */
    FILE_STATE,           /* core: the state folder, left before the jail */
    FILE_PASSWORD,        /* core: the store's password, read once before the jail */
    FILE_TEE,             /* tee: its folder, left before the jail */
    FILE_TLS_LISTENER,    /* front: bound and listening */
    FILE_OWNER_LISTENER,  /* front: the owner's socket */
    FILE_BANS,            /* core: memory that it writes (tables.h), mapped before the jail */
    FILE_BANS_READ,       /* front: the same, for reading */
    FILE_SERVING,         /* front: memory that it writes, mapped before the jail */
    FILE_SERVING_READ,    /* core: the same, for reading */
    FILE_PROVIDER_CA,     /* fetch: the CAs to know its provider by, read before the jail */
    FILE_COLLATERAL_ROOT, /* verify: a root besides the pinned ones, read before the jail */
    FILE_CHANNEL_POLICY,  /* core: what peers of channels are judged by, read when it is handed over
                           */
    FILE_MINERS,          /* core: the miners that are let in, in the same way */
    FILE_PEER_CAS,        /* front: for each peer u32 a length and so many bytes, the CAs to know it
                             by, read before the jail */
    FILE_PEER_POLICIES,   /* core: their policies in the same way, mapped before the jail */
    FILE_TLS_CERTIFICATE, /* keeper: the listener's chain, where it is a file, read when it is
                             handed over */
    FILE_TLS_KEY,         /* keeper: and its private key, in the same way */
    FILE_TLS_CLIENT_CA,   /* front: the CAs of operators' certificates, in the same way */
    FILE_TLS_CLIENT_CRL,  /* front: and their revocation lists */
    FILE_WARD,            /* runner: the command, which jobs are run by; tee measures it, too */
    FILE_COUNT
};

/* peer_name: "keeper"; never NULL. */
const char *peer_name(enum peer peer);

/* file_owner: the process that a file is for. */
enum peer file_owner(enum house_file file);

#endif
