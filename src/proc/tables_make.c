/* tables_make.c - see tables.h: the monitor's part, which is linked with nothing else of it. */
#include <errno.h>

#include "base/span.h"
#include "os/fd.h"
#include "os/random.h"
#include "proc/tables.h"

rc tables_make_bans(struct trail *trail, struct shared *out)
{
    struct shared made;
    uint8_t keys[2 * SIPHASH_KEY_LEN];
    TRY(trail, shared_make(trail, "bans", TABLES_BANS_BYTES, &made));
    random_bytes(keys, sizeof keys);
    if (!fd_write_at(made.writer, 0, SPAN(keys))) {
        rc failed = FAIL_ERRNO(trail);
        fd_close(&made.writer);
        fd_close(&made.reader);
        return failed;
    }
    *out = made;
    return RC_SUCCESS;
}

rc tables_make_serving(struct trail *trail, struct shared *out)
{
    return shared_make(trail, "serving", TABLES_SERVING_BYTES, out);
}
