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

/* store_each runs a query on a store that is ready, and hands on row after row, all of one moment.
   A row is good until the next one; the first failure of `show` is the last row. */
MUST_USE
rc store_each(struct trail *trail, struct store *store, enum db_sql sql, const struct db_value *in,
              rc (*show)(struct trail *trail, const struct db_row *row, void *arg), void *arg);

/* What a bounded table is asked before a row is added. */
struct store_bounds {
    enum db_sql sweep, share, count;
    int64_t share_limit, limit;
};

/* store_has_room clears away what has expired, then STORE_SHARE or STORE_LIMIT. */
MUST_USE
rc store_has_room(struct trail *trail, struct store *store, const struct store_bounds *bounds,
                  int64_t now, struct span identity);

/* store_add_row runs an INSERT that answers with its row, or with none when there was one
   already: STORE_USED. */
MUST_USE
rc store_add_row(struct trail *trail, struct store *store, enum db_sql sql,
                 const struct db_value *in);

#endif
