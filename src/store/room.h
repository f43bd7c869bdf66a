/* room.h - what this room's files share and no caller sees. */
#ifndef WARD_STORE_ROOM_H
#define WARD_STORE_ROOM_H

#include "store/store.h"

/* store_ready opens and judges again when the connection was lost. */
MUST_USE
rc store_ready(struct trail *trail, struct store *store);

/* store_write runs within the open transaction, or as one of its own under a new key. */
MUST_USE
rc store_write(struct trail *trail, struct store *store, int64_t now,
               rc (*run)(struct trail *, struct store *, void *), void *arg);

/* store_find is db_one on a store that is ready; the caller copies what it wants and calls
   db_finish. */
MUST_USE
rc store_find(struct trail *trail, struct store *store, enum db_sql sql, const struct db_value *in,
              struct db_row *row, bool *found);

#endif
