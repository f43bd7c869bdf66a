/* backup_walk.h - every row of a store in the order of a backup, and back into one; for backup.c,
   restore.c and refill.c. */
#ifndef WARD_STORE_BACKUP_WALK_H
#define WARD_STORE_BACKUP_WALK_H

#include "store/backup.h"

struct backup_visit {
    rc (*row)(struct trail *trail, void *arg, size_t table, const struct db_row *row);
    void *arg;
};

/* All run within a transaction that is open already. */
MUST_USE
rc backup_walk(struct trail *trail, struct store *store, const struct backup_visit *visit);
MUST_USE
rc backup_state_within(struct trail *trail, struct store *store, struct backup_proof *out);

/* The tables must be empty; BACKUP_DAMAGED also where they do not take a row. */
MUST_USE
rc backup_restore_within(struct trail *trail, struct store *store, const struct backup_in *from,
                         int64_t high_water, struct backup_proof *out);

#endif
