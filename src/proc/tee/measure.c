/* measure.c - see tee.h: the programs of the house, hashed from the files that the monitor
   executes, and what a verifier can work out from them. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "crypto/hash.h"
#include "os/fd.h"
#include "proc/tee/tee.h"

enum { RUNTIME_EVENT = 0x08000001, RUNTIME_RTMR = 3, NAME_ROOM = 24 };

static rc hash_file(struct trail *trail, int fd, uint8_t digest[SHA384_LEN])
{
    struct stat is;
    if (fd < 0 || fstat(fd, &is) != 0 || is.st_size <= 0 || is.st_size > TEE_PROGRAM_MAX)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    size_t len = (size_t)is.st_size;
    void *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    hash_sha384(span_of(bytes, len), digest);
    munmap(bytes, len);
    return RC_SUCCESS;
}

/* A house of which a part is not measured is not measured. */
static rc hash_programs(struct trail *trail, struct tee *tee)
{
    for (unsigned peer = 0; peer < PEER_COUNT; peer++) {
        TRY(trail, hash_file(trail, tee->house->programs[peer], tee->program[peer]));
        fd_close(&tee->house->programs[peer]);
    }
    return RC_SUCCESS;
}

rc tee_measure(struct trail *trail, struct tee *tee)
{
    char names[PEER_COUNT][NAME_ROOM];
    struct sim_log_spec log = { .format = LOG_DSTACK_V1 };
    struct tdx_claims *tdx = &tee->spec.tdx;
    struct sink text = sink_over(tee->log, sizeof tee->log);
    TRY(trail, hash_programs(trail, tee));
    for (unsigned peer = PEER_MONITOR + 1; peer < PEER_COUNT; peer++) {
        struct sink name = sink_over(names[peer], NAME_ROOM);
        sink_format(&name, "ward-%s", peer_name(peer));
        sink_terminate(&name);
        log.events[log.count++] = (struct sim_event){ RUNTIME_RTMR, RUNTIME_EVENT, names[peer],
                                                      SPAN(tee->program[peer]) };
    }
    memcpy(tdx->mrtd, tee->program[PEER_MONITOR], sizeof tdx->mrtd);
    sim_log_registers(&log, tdx->rtmr);
    if (!sim_log(&log, &text))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    tee->log_len = text.len;
    return RC_SUCCESS;
}
