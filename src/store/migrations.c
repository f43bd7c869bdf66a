/* migrations.c - see migrations.h.  Both texts of a step make the same tables with the same
   columns in the same order. */
#include "store/migrations.h"

/* "WARD" in ASCII, so that other programs can tell whose file this is. */
#define APPLICATION_ID "1463898692"

const struct migration migrations[STORE_STEPS] = {
    {
        1,
        "The store itself: its migrations, its identity, and the keys of work already done.",
        "PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = 1;"
        "CREATE TABLE migrations (number INTEGER PRIMARY KEY, sum BLOB NOT NULL,"
        " applied INTEGER NOT NULL) STRICT;"
        "CREATE TABLE meta (id INTEGER PRIMARY KEY CHECK (id = 1), installation BLOB NOT NULL,"
        " created INTEGER NOT NULL, high_water INTEGER NOT NULL,"
        " generation INTEGER NOT NULL) STRICT;"
        "CREATE TABLE done (key BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE INDEX done_until ON done (until)",
        "CREATE SCHEMA IF NOT EXISTS ward;"
        "CREATE TABLE ward.migrations (number BIGINT PRIMARY KEY, sum BYTEA NOT NULL,"
        " applied BIGINT NOT NULL);"
        "CREATE TABLE ward.meta (id BIGINT PRIMARY KEY CHECK (id = 1),"
        " installation BYTEA NOT NULL, created BIGINT NOT NULL, high_water BIGINT NOT NULL,"
        " generation BIGINT NOT NULL);"
        "CREATE TABLE ward.done (key BYTEA PRIMARY KEY, until BIGINT NOT NULL);"
        "CREATE INDEX done_until ON ward.done (until)",
    },
    {
        2,
        "One-use values that stay used over a restart.",
        "PRAGMA user_version = 2;"
        "CREATE TABLE nonces (identity BLOB NOT NULL, value BLOB NOT NULL,"
        " expires INTEGER NOT NULL, PRIMARY KEY (identity, value)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX nonces_expires ON nonces (expires)",
        "CREATE TABLE ward.nonces (identity BYTEA NOT NULL, value BYTEA NOT NULL,"
        " expires BIGINT NOT NULL, PRIMARY KEY (identity, value));"
        "CREATE INDEX nonces_expires ON ward.nonces (expires)",
    },
    {
        3,
        "Sessions, by the SHA-256 of their tokens.",
        "PRAGMA user_version = 3;"
        "CREATE TABLE sessions (token BLOB PRIMARY KEY, identity BLOB NOT NULL,"
        " created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE INDEX sessions_identity ON sessions (identity);"
        "CREATE INDEX sessions_expires ON sessions (expires)",
        "CREATE TABLE ward.sessions (token BYTEA PRIMARY KEY, identity BYTEA NOT NULL,"
        " created BIGINT NOT NULL, expires BIGINT NOT NULL);"
        "CREATE INDEX sessions_identity ON ward.sessions (identity);"
        "CREATE INDEX sessions_expires ON ward.sessions (expires)",
    },
    {
        4,
        "Bans of addresses and prefixes.",
        "PRAGMA user_version = 4;"
        "CREATE TABLE bans (prefix BLOB PRIMARY KEY, until INTEGER NOT NULL,"
        " reason TEXT NOT NULL, count INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "CREATE INDEX bans_until ON bans (until)",
        "CREATE TABLE ward.bans (prefix BYTEA PRIMARY KEY, until BIGINT NOT NULL,"
        " reason TEXT NOT NULL, count BIGINT NOT NULL);"
        "CREATE INDEX bans_until ON ward.bans (until)",
    },
    {
        5,
        "The size and root of the log as they were last seen.",
        "PRAGMA user_version = 5;"
        "CREATE TABLE audit_anchor (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " size INTEGER NOT NULL, root BLOB NOT NULL) STRICT",
        "CREATE TABLE ward.audit_anchor (id BIGINT PRIMARY KEY CHECK (id = 1),"
        " size BIGINT NOT NULL, root BYTEA NOT NULL)",
    },
    {
        6,
        "Collateral that was fetched.",
        "PRAGMA user_version = 6;"
        "CREATE TABLE collateral (thing INTEGER NOT NULL, scope BLOB NOT NULL,"
        " issued INTEGER NOT NULL, expires INTEGER NOT NULL, evaluation INTEGER NOT NULL,"
        " fetched INTEGER NOT NULL, chain BLOB NOT NULL, body BLOB NOT NULL,"
        " PRIMARY KEY (thing, scope)) STRICT",
        "CREATE TABLE ward.collateral (thing BIGINT NOT NULL, scope BYTEA NOT NULL,"
        " issued BIGINT NOT NULL, expires BIGINT NOT NULL, evaluation BIGINT NOT NULL,"
        " fetched BIGINT NOT NULL, chain BYTEA NOT NULL, body BYTEA NOT NULL,"
        " PRIMARY KEY (thing, scope))",
    },
    {
        7,
        "Whose a session is: key, profile and name. Those of before had none, and end.",
        "PRAGMA user_version = 7;"
        "DROP TABLE sessions;"
        "CREATE TABLE sessions (token BLOB PRIMARY KEY, identity BLOB NOT NULL,"
        " created INTEGER NOT NULL, expires INTEGER NOT NULL, key BLOB NOT NULL,"
        " profile INTEGER NOT NULL, vouched INTEGER NOT NULL, name BLOB NOT NULL)"
        " STRICT, WITHOUT ROWID;"
        "CREATE INDEX sessions_identity ON sessions (identity);"
        "CREATE INDEX sessions_expires ON sessions (expires)",
        "DROP TABLE ward.sessions;"
        "CREATE TABLE ward.sessions (token BYTEA PRIMARY KEY, identity BYTEA NOT NULL,"
        " created BIGINT NOT NULL, expires BIGINT NOT NULL, key BYTEA NOT NULL,"
        " profile BIGINT NOT NULL, vouched BIGINT NOT NULL, name BYTEA NOT NULL);"
        "CREATE INDEX sessions_identity ON ward.sessions (identity);"
        "CREATE INDEX sessions_expires ON ward.sessions (expires)",
    },
    {
        8,
        "Jobs of the queue, in the order in which they came.",
        "PRAGMA user_version = 8;"
        "CREATE TABLE jobs (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE,"
        " state INTEGER NOT NULL, body BLOB NOT NULL, submitted INTEGER NOT NULL,"
        " started INTEGER NOT NULL, ended INTEGER NOT NULL, fate BLOB NOT NULL) STRICT",
        "CREATE TABLE ward.jobs (seq BIGINT PRIMARY KEY, id BYTEA NOT NULL UNIQUE,"
        " state BIGINT NOT NULL, body BYTEA NOT NULL, submitted BIGINT NOT NULL,"
        " started BIGINT NOT NULL, ended BIGINT NOT NULL, fate BYTEA NOT NULL)",
    },
};
