/* miners.c - see tokens.h: the miners that the owner lets in, as a file that was handed over says.
   A list that is none changes nothing; where none was read before, nobody is let in. */
#include <string.h>

#include "crypto/hash.h"
#include "os/fd.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/log.h"

bool core_miners_open(struct core *core)
{
    struct core_miners *miners = &core->miners;
    miners->spare.names = arena_array(&core->house->arena, MINER_LIST_MAX,
                                      sizeof *miners->spare.names);
    miners->list.names = arena_array(&core->house->arena, MINER_LIST_MAX,
                                     sizeof *miners->list.names);
    return miners->spare.names != NULL && miners->list.names != NULL;
}

static bool read_list(struct core_miners *miners, struct span text)
{
    struct miner_list_error error;
    if (miner_list_read(text, &miners->spare, &error))
        return true;
    if (error.line == 0)
        log_event("miners.file: %s", error.what);
    else
        log_event("miners.file: line %zu: %s", error.line, error.what);
    return false;
}

bool core_miners_read(struct core *core)
{
    struct core_miners *miners = &core->miners;
    auto_fd int fd = fd_take(&core->house->files[FILE_MINERS]);
    if (fd < 0)
        return true; /* there is none, or no other one */
    ssize_t got = fd_read_at(fd, 0, core->scratch, MINER_LIST_FILE_MAX + 1);
    const struct span text = span_of(core->scratch, got < 0 ? 0 : (size_t)got);
    const bool good = read_list(miners, text);
    uint8_t digest[SHA256_LEN];
    hash_sha256_parts(&text, 1, digest);
    miners->refused = !good;
    miners->untold = !good || !bytes_equal(digest, miners->digest, sizeof digest);
    memcpy(miners->digest, digest, sizeof digest);
    if (good) {
        const struct miner_list before = miners->list;
        miners->list = miners->spare;
        miners->spare = before;
    } else {
        core->house->refusal = REASON_MINERS_INVALID;
    }
    return good;
}

void core_miners_tell(struct core *core)
{
    struct core_miners *miners = &core->miners;
    if (miners->untold)
        core_log_miners(core);
    miners->untold = false;
}

enum reason core_miners_let_in(const struct core *core, const struct miner_list **out)
{
    const struct miner_list *list = &core->miners.list;
    const bool is_set = core->house->settings.miners[0] != 0;
    *out = is_set ? list : NULL;
    return is_set && list->count == 0 ? REASON_HOUSE_UNAVAILABLE : REASON_OK;
}
