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

/* A house of which a part is not measured is not measured; one that has no command to run jobs by
   runs none. */
static rc hash_programs(struct trail *trail, struct tee *tee, size_t *count)
{
    int *programs = tee->house->programs;
    *count = programs[PROGRAM_WARD] < 0 ? PROGRAM_WARD : PROGRAM_COUNT;
    for (unsigned program = 0; program < *count; program++) {
        TRY(trail, hash_file(trail, programs[program], tee->program[program]));
        fd_close(&programs[program]);
    }
    return RC_SUCCESS;
}

rc tee_measure(struct trail *trail, struct tee *tee)
{
    char names[PROGRAM_COUNT][NAME_ROOM];
    struct sim_log_spec log = { .format = LOG_DSTACK_V1 };
    struct tdx_claims *tdx = &tee->spec.tdx;
    struct sink text = sink_over(tee->log, sizeof tee->log);
    size_t count = 0;
    TRY(trail, hash_programs(trail, tee, &count));
    for (unsigned program = PEER_MONITOR + 1; program < count; program++) {
        struct sink name = sink_over(names[program], NAME_ROOM);
        sink_text(&name, "ward");
        if (program < PEER_COUNT)
            sink_format(&name, "-%s", peer_name((enum peer)program));
        sink_terminate(&name);
        log.events[log.count++] = (struct sim_event){ RUNTIME_RTMR, RUNTIME_EVENT, names[program],
                                                      SPAN(tee->program[program]) };
    }
    memcpy(tdx->mrtd, tee->program[PEER_MONITOR], sizeof tdx->mrtd);
    sim_log_registers(&log, tdx->rtmr);
    if (!sim_log(&log, &text))
        return FAIL(trail, RC_BUG, HOUSE_E_MEMORY);
    tee->log_len = text.len;
    return RC_SUCCESS;
}
