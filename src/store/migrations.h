/* migrations.h - how the schema came to be, one step after the other; for migrate.c.

   A step that was published is never edited: its checksum is kept in every database that has
   it.  What turns out wrong is mended by a later step. */
#ifndef WARD_STORE_MIGRATIONS_H
#define WARD_STORE_MIGRATIONS_H

#include "store/store.h"

struct migration {
    uint32_t number;
    const char *what;
    const char *sqlite;
    const char *postgres;
};

extern const struct migration migrations[STORE_STEPS];

#endif
