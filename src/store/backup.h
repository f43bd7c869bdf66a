/* backup.h - all of a store as one stream of bytes, and back.

   The stream is JSON Lines and the same for both backends: a head (format, schema, who the
   store is), a line for each row in the order of the keys, and an end with the number of rows,
   the state hash and a checksum of all lines before it.  The state hash is the SHA-256 of the
   contents: equal states have equal hashes on SQLite and PostgreSQL.  Of collateral, which is
   fetched again where it is lost, there is only how new it was.  High-water time,
   generation and the keys of finished work are of a running house, not of its state, and are
   not in it.  The stream is not encrypted here: the caller hands the bytes on. */
#ifndef WARD_STORE_BACKUP_H
#define WARD_STORE_BACKUP_H

#include "store/store.h"

enum { BACKUP_TABLES = 5, BACKUP_VERSION = 1 };

struct backup_out {
    rc (*put)(struct trail *trail, void *arg, struct span bytes);
    void *arg;
};

/* *got is 0 at the end of the stream only. */
struct backup_in {
    rc (*get)(struct trail *trail, void *arg, void *out, size_t cap, size_t *got);
    void *arg;
};

struct backup_proof {
    uint32_t schema;
    uint64_t rows[BACKUP_TABLES]; /* as backup_table_name has them */
    uint8_t state[32];
    struct store_meta meta;
};

const char *backup_table_name(size_t table);

/* backup_state computes the state hash of the store as it is, in one snapshot. */
MUST_USE
rc backup_state(struct trail *trail, struct store *store, struct backup_proof *out);

/* backup_write streams one snapshot; writers are not kept waiting. */
MUST_USE
rc backup_write(struct trail *trail, struct store *store, const struct backup_out *to,
                struct backup_proof *out);

/* backup_restore fills a store that is migrated and empty, in one transaction that commits only
   when the state hash, computed anew from what the target now holds, is the one of the
   stream.  high_water: nothing signed up to that time is accepted by nonce_window any more;
   the caller's time plus the skew that it allows.
   BACKUP_FORMAT, BACKUP_DAMAGED, BACKUP_NEWER, BACKUP_OLDER, RESTORE_NOT_EMPTY,
   BACKUP_UNPROVEN; the target is then as empty as before. */
MUST_USE
rc backup_restore(struct trail *trail, struct store *store, const struct backup_in *from,
                  int64_t high_water, struct backup_proof *out);

/* A database that a whole house is restored into, by one command that may be killed anywhere. */
struct backup_target {
    const struct db_spec *spec;
    uint8_t key[STORE_KEY_LEN]; /* names this restore, for when it is asked for again */
    int64_t now;
    bool keep; /* false: all of it is tried, and taken back at the end */
};

/* backup_refill makes schema and contents of a database that has none, in one transaction: it has
   all of it afterwards or is as it was, schema included.  High-water time and generation are those
   of the stream.  A database that was filled under the same key by the same stream, and that
   nobody has written to since, is that restore's own: it is compared, and is success.  A commit
   whose answer was lost is looked for by its key; STORE_UNCERTAIN where that cannot be done: the
   same call says later what came of it.  Fails as store_migrate, store_open and backup_restore. */
MUST_USE
rc backup_refill(struct trail *trail, const struct backup_target *to, const struct backup_in *from,
                 struct backup_proof *out);

/* backup_check is a restore into memory: the proof without a target. */
MUST_USE
rc backup_check(struct trail *trail, const struct backup_in *from, struct backup_proof *out);

#endif
