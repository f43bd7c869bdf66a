/* settings.h - what is set, as plain values: made by config.c from the defaults, ward.toml,
   the environment and the command line, handed to the monitor and by it to each process.
   Both ends are of one build, so it travels as its bytes. */
#ifndef WARD_PROC_SETTINGS_H
#define WARD_PROC_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

enum { SETTING_TEXT_MAX = 512 }; /* bytes of a text setting, its NUL included */

/* The tables [peers.NAME] and [tenants.NAME]: how many, and bytes of a name, its NUL included. */
enum { SETTING_PEERS_MAX = 16, SETTING_PEER_NAME_MAX = 32 };
enum { SETTING_TENANTS_MAX = 32, SETTING_TENANT_NAME_MAX = 64, SETTING_SHARE_WHOLE = 1000000 };

enum seal_kind { SEAL_BY_FILE = 0, SEAL_BY_PASSPHRASE, SEAL_BY_CREDENTIAL };

/* What is spoken with a peer that is called. */
enum peer_profile { PEER_V2 = 0, PEER_SDK_V1 };

/* A peer that the house knows by name, and calls.  What its texts mean says peer_text.h. */
struct peer_settings {
    char name[SETTING_PEER_NAME_MAX];
    char url[SETTING_TEXT_MAX];    /* "": it is not called */
    char public[SETTING_TEXT_MAX]; /* "": no miner's request is passed on to it */
    char policy[SETTING_TEXT_MAX]; /* "": none of its own */
    char ca[SETTING_TEXT_MAX];     /* "": the system's where there are no pins */
    char pins[SETTING_TEXT_MAX];   /* "sha256/..", commas between them; "": none */
    uint32_t profile;              /* enum peer_profile */
    bool inward;                   /* its name may lead to a private address */
};

/* Somebody whose jobs have a part of the node. */
struct tenant_settings {
    char name[SETTING_TENANT_NAME_MAX];
    uint32_t share; /* of the node, in millionths */
};

struct settings {
    char state[SETTING_TEXT_MAX];      /* state.folder: absolute */
    char listen[SETTING_TEXT_MAX];     /* listen.tls: ADDRESS:PORT */
    char store[SETTING_TEXT_MAX];      /* store.url: "sqlite" or a PostgreSQL conninfo */
    char password[SETTING_TEXT_MAX];   /* store.password_file; "": none */
    char backup_dir[SETTING_TEXT_MAX]; /* backup.dir: absolute */
    char collateral[SETTING_TEXT_MAX]; /* collateral.folder; "": none */
    char seal_path[SETTING_TEXT_MAX];  /* seal.path: of a file or a credential */
    char never_ban[SETTING_TEXT_MAX]; /* admit.never_ban: networks, commas between them; "": none */
    char proxies[SETTING_TEXT_MAX];   /* admit.proxies: the same; edges that tell of clients */
    char provider_url[SETTING_TEXT_MAX];    /* collateral.url; "": nothing is ever fetched */
    char provider_ca[SETTING_TEXT_MAX];     /* collateral.ca_file; "": the system's */
    char collateral_root[SETTING_TEXT_MAX]; /* collateral.root_file; "": the pinned ones alone */
    char channel_policy[SETTING_TEXT_MAX];  /* channel.policy; "": no peer is let in */
    char miners[SETTING_TEXT_MAX];          /* miners.file; "": every miner with a token */
    char tls_certificate[SETTING_TEXT_MAX]; /* tls.certificate; "": the house makes its own */
    char tls_key[SETTING_TEXT_MAX];         /* tls.key; "" exactly when that is */
    char tls_client_ca[SETTING_TEXT_MAX];   /* tls.client_ca; "": nobody is an operator */
    char tls_client_crl[SETTING_TEXT_MAX];  /* tls.client_crl; "": none */
    char operators[SETTING_TEXT_MAX];       /* tls.operators: see operator_text.h; "": none */
    char sdk_policy[SETTING_TEXT_MAX];      /* sdk.policy; "": profile sdk-v1 is not served */
    char sdk_peer[SETTING_TEXT_MAX];        /* sdk.peer: a peer's name */
    uint32_t seal;                          /* seal.kind */
    uint32_t owner;                         /* the uid whose socket it is; not a key of the file */
    uint32_t lives;                         /* how often core began anew in a row; the monitor's */
    bool provider_inward;                   /* collateral.inward */
    bool sdk_strict;                        /* sdk.strict */
    bool listener;                          /* nor this: the listener was handed over, open */
    bool was_ready;                         /* all processes were ready once; the monitor's */
    bool taken_back; /* a reload was refused, and these are the settings before it; its, too */

    uint32_t connections;             /* limit.connections: in all */
    uint32_t connections_per_address; /* limit.connections_per_address */
    uint32_t connects_per_second;     /* limit.connects_per_second: new ones of one address */
    uint32_t connects_burst;          /* limit.connects_burst */
    uint32_t requests_per_second;     /* limit.requests_per_second: of one address */
    uint32_t requests_burst;          /* limit.requests_burst */
    uint32_t header_seconds;          /* limit.header_seconds */
    uint32_t idle_seconds;            /* limit.idle_seconds */

    uint64_t audit_rotate_bytes; /* audit.rotate_bytes */
    uint32_t audit_keep_days;    /* audit.keep_days: of rotated logs */
    uint32_t collateral_refresh; /* collateral.refresh: seconds */

    uint32_t jobs_vcpu;      /* jobs.vcpu: processors for jobs; 0: those of the machine */
    uint32_t jobs_patience;  /* jobs.patience: seconds in which others may overtake */
    uint32_t jobs_keep;      /* jobs.keep: how many that have ended */
    uint32_t jobs_keep_days; /* jobs.keep_days: and for how long */

    uint32_t peer_count; /* in the order of the file */
    struct peer_settings peers[SETTING_PEERS_MAX];
    uint32_t tenant_count; /* the same; their shares are no more than the whole */
    struct tenant_settings tenants[SETTING_TENANTS_MAX];
};

#endif
