/* migrate.h - which schema a database has; for this room's own files. */
#ifndef WARD_STORE_MIGRATE_H
#define WARD_STORE_MIGRATE_H

#include "store/store.h"

/* migrate_judge reads which steps were applied and compares each with this program's own
   (STORE_SCHEMA_CHANGED, STORE_SCHEMA_NEWER).  *schema is the last one, 0 for none. */
MUST_USE
rc migrate_judge(struct trail *trail, struct db *db, uint32_t *schema);

/* migrate_within brings the schema to this program's inside a transaction that is open already. */
MUST_USE
rc migrate_within(struct trail *trail, struct db *db, int64_t now);

/* migrate_apply brings an open database to `until`, or to this program's schema. */
MUST_USE
rc migrate_apply(struct trail *trail, struct db *db, int64_t now, uint32_t until);

#endif
