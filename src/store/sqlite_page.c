/* sqlite_page.c - see sqlite_page.h.  Every method of a file but reading, writing and opening hands
   its arguments to the file below; none of them keeps anything. */
#include "store/sqlite_page.h"

#include <poll.h>
#include <sqlite3.h>
#include <string.h>

#include "base/span.h"
#include "crypto/hash.h"

/* The file below follows this struct in the same memory: SQLite asks for szOsFile bytes. */
struct page_file {
    sqlite3_file face; /* first: SQLite's view of this file */
    sqlite3_file *below;
    bool summed; /* the database itself, not its logs */
};

static sqlite3_file *below(sqlite3_file *file)
{
    return ((struct page_file *)file)->below;
}

static void sum_of(const uint8_t *page, sqlite3_int64 at, uint8_t out[SQLITE_PAGE_SUM_LEN])
{
    uint64_t number = (uint64_t)at / SQLITE_PAGE_LEN;
    uint8_t digest[SHA256_LEN];
    struct span parts[] = {
        span_of(&number, sizeof number),
        span_of(page, SQLITE_PAGE_LEN - SQLITE_PAGE_SUM_LEN),
    };
    hash_sha256_parts(parts, 2, digest);
    memcpy(out, digest, SQLITE_PAGE_SUM_LEN);
}

static int page_close(sqlite3_file *file)
{
    return below(file)->pMethods->xClose(below(file));
}

/* What is shorter than any page is the header, which SQLite reads ahead of page 1. */
static int page_read(sqlite3_file *file, void *out, int len, sqlite3_int64 at)
{
    int got = below(file)->pMethods->xRead(below(file), out, len, at);
    if (got != SQLITE_OK || !((struct page_file *)file)->summed || len < 512)
        return got;
    uint8_t sum[SQLITE_PAGE_SUM_LEN];
    if (len != SQLITE_PAGE_LEN || at % SQLITE_PAGE_LEN != 0)
        return SQLITE_IOERR_DATA;
    sum_of(out, at, sum);
    const uint8_t *kept = (const uint8_t *)out + SQLITE_PAGE_LEN - SQLITE_PAGE_SUM_LEN;
    return bytes_equal(sum, kept, sizeof sum) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

static int page_write(sqlite3_file *file, const void *in, int len, sqlite3_int64 at)
{
    if (!((struct page_file *)file)->summed)
        return below(file)->pMethods->xWrite(below(file), in, len, at);
    uint8_t page[SQLITE_PAGE_LEN];
    if (len != SQLITE_PAGE_LEN || at % SQLITE_PAGE_LEN != 0)
        return SQLITE_IOERR_WRITE;
    memcpy(page, in, sizeof page);
    sum_of(page, at, page + SQLITE_PAGE_LEN - SQLITE_PAGE_SUM_LEN);
    return below(file)->pMethods->xWrite(below(file), page, len, at);
}

static int page_truncate(sqlite3_file *file, sqlite3_int64 len)
{
    return below(file)->pMethods->xTruncate(below(file), len);
}

static int page_sync(sqlite3_file *file, int flags)
{
    return below(file)->pMethods->xSync(below(file), flags);
}

static int page_size(sqlite3_file *file, sqlite3_int64 *out)
{
    return below(file)->pMethods->xFileSize(below(file), out);
}

static int page_lock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xLock(below(file), level);
}

static int page_unlock(sqlite3_file *file, int level)
{
    return below(file)->pMethods->xUnlock(below(file), level);
}

static int page_is_reserved(sqlite3_file *file, int *out)
{
    return below(file)->pMethods->xCheckReservedLock(below(file), out);
}

static int page_control(sqlite3_file *file, int what, void *arg)
{
    return below(file)->pMethods->xFileControl(below(file), what, arg);
}

static int page_sector(sqlite3_file *file)
{
    return below(file)->pMethods->xSectorSize(below(file));
}

static int page_traits(sqlite3_file *file)
{
    return below(file)->pMethods->xDeviceCharacteristics(below(file));
}

static int page_shm_map(sqlite3_file *file, int page, int len, int extend, void volatile **out)
{
    return below(file)->pMethods->xShmMap(below(file), page, len, extend, out);
}

static int page_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return below(file)->pMethods->xShmLock(below(file), offset, n, flags);
}

static void page_shm_barrier(sqlite3_file *file)
{
    below(file)->pMethods->xShmBarrier(below(file));
}

static int page_shm_unmap(sqlite3_file *file, int delete)
{
    return below(file)->pMethods->xShmUnmap(below(file), delete);
}

/* Version 2: no xFetch, so no page is ever used without having been read. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = page_close,
    .xRead = page_read,
    .xWrite = page_write,
    .xTruncate = page_truncate,
    .xSync = page_sync,
    .xFileSize = page_size,
    .xLock = page_lock,
    .xUnlock = page_unlock,
    .xCheckReservedLock = page_is_reserved,
    .xFileControl = page_control,
    .xSectorSize = page_sector,
    .xDeviceCharacteristics = page_traits,
    .xShmMap = page_shm_map,
    .xShmLock = page_shm_lock,
    .xShmBarrier = page_shm_barrier,
    .xShmUnmap = page_shm_unmap,
};

/* SQLite's registry links the layers through fields of the layer itself, so this one object
   is written to, once, by sqlite3_vfs_register. */
static sqlite3_vfs layer;

static int page_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
    (void)vfs;
    sqlite3_vfs *system_layer = sqlite3_vfs_find("unix");
    struct page_file *page = (struct page_file *)file;
    *page = (struct page_file){ .below = (sqlite3_file *)(page + 1) };
    page->summed = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    int opened = system_layer->xOpen(system_layer, name, page->below, flags, got);
    if (page->below->pMethods != NULL)
        page->face.pMethods = &methods;
    return opened;
}

/* SQLite's own wait is a call that no jail of ours lets through; poll is in every one. */
static int page_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    (void)poll(NULL, 0, microseconds / 1000 + (microseconds % 1000 > 0));
    return microseconds;
}

bool sqlite_page_register(void)
{
    const sqlite3_vfs *system_layer = sqlite3_vfs_find("unix");
    if (sqlite3_vfs_find(SQLITE_PAGE_LAYER) != NULL)
        return true;
    if (system_layer == NULL)
        return false;
    layer = *system_layer;
    layer.pNext = NULL;
    layer.zName = SQLITE_PAGE_LAYER;
    layer.szOsFile = system_layer->szOsFile + (int)sizeof(struct page_file);
    layer.xOpen = page_open;
    layer.xSleep = page_sleep;
    return sqlite3_vfs_register(&layer, 0) == SQLITE_OK;
}
