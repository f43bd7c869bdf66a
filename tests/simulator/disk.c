/* disk.c - see world.h: what the store's real code takes for its database, be that a file or a
   server far away.  SQLite works in memory; what was committed is kept as bytes, so that core may
   die at any time, a write may fail, be lost, or be done without anybody hearing of it, and
   yesterday's bytes can be put in the place of today's. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/world.h"

extern const struct db_backend __real_db_sqlite, __wrap_db_sqlite;

static struct {
    struct world *world;
    const struct db_backend *memory;
} backing = { .memory = &__real_db_sqlite };

static void drop(struct image *image)
{
    sqlite3_free(image->bytes);
    *image = (struct image){ 0 };
}

void disk_begin(struct world *world)
{
    backing.world = world;
    world->disk.server = world_chance(world, 3);
}

void disk_end(struct disk *disk)
{
    drop(&disk->now);
    for (size_t i = 0; i < disk->kept; i++)
        drop(&disk->earlier[i]);
    disk->kept = 0;
}

void disk_put_back(struct world *world, size_t steps)
{
    struct disk *disk = &world->disk;
    for (; steps > 0 && disk->kept > 0; steps--) {
        drop(&disk->now);
        disk->now = disk->earlier[--disk->kept];
    }
    disk->old = true;
    world_note(world, "disk put back", (uint64_t)disk->now.generation, 0);
}

size_t disk_shake(struct world *world)
{
    world->disk.faults = 1 + (unsigned)world_below(world, 6);
    return world->disk.faults;
}

/* A fault of the next writes; a disk that is well has none. */
static bool fails(struct disk *disk)
{
    if (disk->faults == 0 || !world_chance(backing.world, 2))
        return false;
    disk->faults--;
    return true;
}

static bool is_gone(const struct db *db)
{
    return backing.world->disk.server &&
           (db->lost || backing.world->now_ms < backing.world->disk.down_ms);
}

static rc gone(struct trail *trail, struct db *db)
{
    db->lost = true;
    backing.world->disk.failed = true;
    return REFUSE(trail, REASON_STORE_UNREACHABLE);
}

/* A server may take its time: core waits, and does nothing else. */
static void take_time(struct world *world)
{
    int64_t ms = 0;
    if (world->disk.server && !world->calm && world_chance(world, 16))
        ms = (int64_t)world_below(world, CORE_SERVER_MS);
    world->now_ms += ms;
    world->stalled_ms += ms;
}

static void number(struct sqlite3 *lite, const char *text, int64_t *out, uint8_t *root)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(lite, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *out = sqlite3_column_int64(statement, 0);
        if (root != NULL && sqlite3_column_bytes(statement, 1) == SHA256_LEN)
            memcpy(root, sqlite3_column_blob(statement, 1), SHA256_LEN);
    }
    sqlite3_finalize(statement);
}

/* What was committed is on the disk from here on. */
static void keep(struct db *db)
{
    struct world *world = backing.world;
    struct disk *disk = &world->disk;
    sqlite3_int64 len = 0;
    struct image image = { 0 };
    image.bytes = sqlite3_serialize(db->lite, "main", &len, 0);
    image.len = (size_t)len;
    if (image.bytes == NULL)
        abort();
    number(db->lite, "SELECT generation FROM meta", &image.generation, NULL);
    number(db->lite, "SELECT size, root FROM audit_anchor", &image.anchor.size, image.anchor.root);
    world_note(world, "kept", (uint64_t)image.generation, (uint64_t)image.anchor.size);
    witness_commits(world, &disk->now, &image);
    if (disk->kept == IMAGES) {
        drop(&disk->earlier[0]);
        memmove(&disk->earlier[0], &disk->earlier[1], (IMAGES - 1) * sizeof disk->earlier[0]);
        disk->kept--;
    }
    disk->earlier[disk->kept++] = disk->now;
    disk->now = image;
}

static rc open_image(struct trail *trail, struct db *db)
{
    static const struct db_spec memory = { .kind = DB_MEMORY };
    const struct db_spec *spec = db->spec;
    const struct image *image = &backing.world->disk.now;
    if (is_gone(db) || backing.world->dead)
        return gone(trail, db);
    backing.world->disk.opened = image->generation;
    db->spec = &memory;
    rc opened = backing.memory->open(trail, db);
    db->spec = spec;
    TRY(trail, opened);
    if (image->len == 0)
        return RC_SUCCESS;
    uint8_t *copy = sqlite3_malloc64(image->len);
    if (copy == NULL)
        abort();
    memcpy(copy, image->bytes, image->len);
    if (sqlite3_deserialize(
            db->lite, "main", copy, (sqlite3_int64)image->len, (sqlite3_int64)image->len,
            SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE) != SQLITE_OK)
        abort();
    return RC_SUCCESS;
}

static void close_image(struct db *db)
{
    bool lost = db->lost;
    db->lost = false; /* there is no file of which the kernel should forget something */
    backing.memory->close(db);
    db->lost = lost;
}

static rc begin(struct trail *trail, struct db *db, enum db_mode mode)
{
    take_time(backing.world);
    if (is_gone(db))
        return gone(trail, db);
    return backing.memory->begin(trail, db, mode);
}

static rc fail_at_once(struct trail *trail, struct db *db, enum reason reason)
{
    backing.memory->rollback(db);
    backing.world->disk.failed = true;
    return REFUSE(trail, reason);
}

/* What failed for good may have been kept all the same. */
static rc fail_for_good(struct trail *trail, struct db *db, enum reason reason)
{
    bool kept = world_chance(backing.world, 2);
    if (kept && rc_ok(backing.memory->commit(NULL, db)))
        keep(db);
    else
        backing.memory->rollback(db);
    db->lost = true;
    backing.world->disk.failed = true;
    return REFUSE(trail, reason);
}

static rc commit(struct trail *trail, struct db *db)
{
    struct disk *disk = &backing.world->disk;
    if (backing.world->dead || is_gone(db)) {
        backing.memory->rollback(db);
        return gone(trail, db);
    }
    if (fails(disk)) {
        size_t how = world_below(backing.world, 4);
        world_note(backing.world, "write fails", how, 0);
        if (how < 2)
            return fail_at_once(trail, db, how == 0 ? REASON_STORE_BUSY : REASON_STORE_FULL);
        return fail_for_good(trail, db, disk->server ? REASON_STORE_UNCERTAIN : REASON_STORE_IO);
    }
    TRY(trail, backing.memory->commit(trail, db));
    keep(db);
    return RC_SUCCESS;
}

static void rollback(struct db *db)
{
    backing.memory->rollback(db);
}

static rc run(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    return is_gone(db) ? gone(trail, db) : backing.memory->run(trail, db, sql, in);
}

static rc query(struct trail *trail, struct db *db, enum db_sql sql, const struct db_value *in)
{
    return is_gone(db) ? gone(trail, db) : backing.memory->query(trail, db, sql, in);
}

static rc next(struct trail *trail, struct db *db, struct db_row *row, bool *found)
{
    return is_gone(db) ? gone(trail, db) : backing.memory->next(trail, db, row, found);
}

static void finish(struct db *db)
{
    backing.memory->finish(db);
}

static rc has_schema(struct trail *trail, struct db *db, bool *out)
{
    return backing.memory->has_schema(trail, db, out);
}

static rc script(struct trail *trail, struct db *db, const char *sqlite, const char *postgres)
{
    return backing.memory->script(trail, db, sqlite, postgres);
}

static rc prepare(struct trail *trail, struct db *db)
{
    return backing.memory->prepare(trail, db);
}

#define BACKEND(text)                                                                              \
    {                                                                                              \
        .name = (text), .open = open_image, .close = close_image, .begin = begin,                  \
        .commit = commit, .rollback = rollback, .run = run, .query = query, .next = next,          \
        .finish = finish, .has_schema = has_schema, .script = script, .prepare = prepare           \
    }
const struct db_backend __wrap_db_sqlite = BACKEND("a file");
const struct db_backend db_postgres = BACKEND("a server");
