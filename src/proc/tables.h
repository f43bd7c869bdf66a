/* tables.h - what core and front read of one another without asking: two pieces of memory that
   the monitor makes once, so that they outlive both.

       bans      core writes: who is banned, who is suspected of a crash, what it counts
       serving   front writes: whose bytes it is looking at, before it looks

   The other one cannot write (os/shared.h); and what a writer that was taken over leaves
   there, whatever it is, is read as addresses and nothing else. */
#ifndef WARD_PROC_TABLES_H
#define WARD_PROC_TABLES_H

#include "admit/ban.h"
#include "admit/crash.h"
#include "os/shared.h"
#include "proc/metrics.h"

enum {
    TABLES_BAN_SETS = 4096,       /* of eight addresses */
    TABLES_SUSPECT_SETS = 512,    /* a crash names 32, and 64 are remembered */
    TABLES_SERVING_SLOTS = 16384, /* as many as front has connections */
    TABLES_BANS_BYTES = 2 << 20,  /* with room to spare; a page costs memory when it is used */
    TABLES_SERVING_BYTES = 1 << 20,
};

/* tables_make_...: the monitor's part; it knows of the content that it begins with two keys. */
MUST_USE
rc tables_make_bans(struct trail *trail, struct shared *out);
MUST_USE
rc tables_make_serving(struct trail *trail, struct shared *out);

/* Core's. */
struct bans_writer {
    struct ban_table bans;
    struct ban_table suspects; /* imposed, for as long as the crash is remembered */
    struct crash_log *crashes;
    uint64_t *crash_seen; /* the monitor's number of the last crash that was noted */
    uint64_t *changes;    /* raised for every ban that begins: who is in may have to go */
    uint64_t *metrics;    /* from METRIC_OF_CORE on; zeros at the start */
};

/* bans_write takes over the memory, also what an earlier core left.  `never` is as that of
   ban_table_configure.  False: it is no such memory. */
MUST_USE
bool bans_write(struct bans_writer *writer, int fd, const struct address_list *never);

/* bans_count writes down what a metric from METRIC_OF_CORE on is. */
void bans_count(struct bans_writer *writer, enum metric metric, uint64_t value);

/* Front's. */
struct bans_reader {
    struct ban_view bans, suspects;
    const uint64_t *changes;
    const uint64_t *metrics;
};

MUST_USE
bool bans_read(struct bans_reader *reader, int fd);

/* Front's life in `serving`.  The lives take turns between two halves, so that the one before is
   still there when its end is judged. */
struct serving_half;
struct serving_writer {
    struct serving_half *half;
};

MUST_USE
bool serving_begin(struct serving_writer *writer, int fd, uint32_t pid);

/* serving_note writes down the address under a number below TABLES_SERVING_SLOTS; before
   anything of it is read. */
void serving_note(struct serving_writer *writer, uint32_t slot, const struct address *address);
void serving_clear(struct serving_writer *writer, uint32_t slot);

struct serving;
const struct serving *serving_read(int fd); /* NULL: it is no such memory */

/* serving_left gives whom the process with this number was serving when it ended, at most `max`,
   and says how many; 0 when nothing is known of that process. */
size_t serving_left(const struct serving *serving, uint32_t pid, struct address *out, size_t max);

#endif
