/* tables.c - see tables.h. */
#include "proc/tables.h"

#include <string.h>

#include "base/number.h"

enum { LINE = 64, HALVES = 2 };

/* The memory of the bans; after it the sets, each table aligned to a cache line. */
struct bans_head {
    uint8_t key[SIPHASH_KEY_LEN]; /* of the table of bans; drawn, as the other, by the monitor */
    uint8_t suspects_key[SIPHASH_KEY_LEN];
    uint64_t changes;
    uint64_t crash_seen;
    uint64_t metrics[METRIC_OF_CORE_END - METRIC_OF_CORE];
    struct crash_log crashes;
};

struct serving_half {
    uint32_t pid;  /* of the process whose life it is; 0: of none */
    uint32_t turn; /* the higher one is the newer */
    uint32_t top;  /* slots from here on were not used: their content is no matter */
    struct address slots[TABLES_SERVING_SLOTS];
};

struct serving {
    struct serving_half halves[HALVES];
};
_Static_assert(sizeof(struct serving) <= TABLES_SERVING_BYTES, "it fits");

static size_t aligned(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

static size_t suspects_at(void)
{
    return aligned(sizeof(struct bans_head));
}

static size_t bans_at(void)
{
    return aligned(suspects_at() + ban_memory(TABLES_SUSPECT_SETS));
}

static bool bans_fit(void)
{
    return bans_at() + ban_memory(TABLES_BAN_SETS) <= TABLES_BANS_BYTES;
}

bool bans_write(struct bans_writer *writer, int fd, const struct address_list *never)
{
    struct bans_head *head = shared_map_writer(fd, TABLES_BANS_BYTES);
    struct bans_writer made = { 0 };
    if (head == NULL || !bans_fit())
        return false;
    uint8_t *memory = (uint8_t *)head;
    struct ban_rules rules = ban_rules_default();
    if (!ban_table_init(&made.suspects, memory + suspects_at(), TABLES_SUSPECT_SETS,
                        head->suspects_key) ||
        !ban_table_init(&made.bans, memory + bans_at(), TABLES_BAN_SETS, head->key) ||
        !ban_table_configure(&made.suspects, &rules, never) ||
        !ban_table_configure(&made.bans, &rules, never))
        return false;
    /* A core that ended in the middle of a note has forgotten all of them: nobody is judged by
       half of one. */
    if (!crash_log_is_sound(&head->crashes))
        head->crashes = (struct crash_log){ 0 };
    made.crashes = &head->crashes;
    made.crash_seen = &head->crash_seen;
    made.changes = &head->changes;
    memset(head->metrics, 0, sizeof head->metrics);
    made.metrics = head->metrics;
    *writer = made;
    return true;
}

void bans_count(struct bans_writer *writer, enum metric metric, uint64_t value)
{
    __atomic_store_n(&writer->metrics[metric - METRIC_OF_CORE], value, __ATOMIC_RELAXED);
}

bool bans_read(struct bans_reader *reader, int fd)
{
    const struct bans_head *head = shared_map_reader(fd, TABLES_BANS_BYTES);
    struct bans_reader made = { 0 };
    if (head == NULL || !bans_fit())
        return false;
    const uint8_t *memory = (const uint8_t *)head;
    made.changes = &head->changes;
    made.metrics = head->metrics;
    if (!ban_view_init(&made.suspects, memory + suspects_at(), TABLES_SUSPECT_SETS,
                       head->suspects_key) ||
        !ban_view_init(&made.bans, memory + bans_at(), TABLES_BAN_SETS, head->key))
        return false;
    *reader = made;
    return true;
}

bool serving_begin(struct serving_writer *writer, int fd, uint32_t pid)
{
    struct serving *serving = shared_map_writer(fd, TABLES_SERVING_BYTES);
    if (serving == NULL)
        return false;
    struct serving_half *halves = serving->halves;
    bool first = halves[0].turn <= halves[1].turn;
    struct serving_half *older = &halves[first ? 0 : 1], *newer = &halves[first ? 1 : 0];
    older->pid = 0; /* killed between here and the end, nothing is known of anybody */
    older->top = 0;
    older->turn = newer->turn + 1;
    __atomic_store_n(&older->pid, pid, __ATOMIC_RELEASE);
    writer->half = older;
    return true;
}

/* The stores are done before anything that follows: the kernel keeps them when the process
   dies a moment later, the compiler must not keep them back. */
void serving_note(struct serving_writer *writer, uint32_t slot, const struct address *address)
{
    struct serving_half *half = writer->half;
    if (slot >= TABLES_SERVING_SLOTS)
        return;
    for (; half->top <= slot; half->top++)
        half->slots[half->top] = (struct address){ { 0 } };
    half->slots[slot] = *address;
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void serving_clear(struct serving_writer *writer, uint32_t slot)
{
    if (slot < writer->half->top)
        writer->half->slots[slot] = (struct address){ { 0 } };
}

const struct serving *serving_read(int fd)
{
    return shared_map_reader(fd, TABLES_SERVING_BYTES);
}

size_t serving_left(const struct serving *serving, uint32_t pid, struct address *out, size_t max)
{
    static const struct address nobody;
    size_t count = 0;
    for (size_t i = 0; i < HALVES && pid != 0; i++) {
        const struct serving_half *half = &serving->halves[i];
        if (__atomic_load_n(&half->pid, __ATOMIC_ACQUIRE) != pid)
            continue;
        for (size_t slot = 0; slot < half->top && slot < TABLES_SERVING_SLOTS; slot++) {
            if (!address_equal(&half->slots[slot], &nobody) && count < max)
                out[count++] = half->slots[slot];
        }
        return count;
    }
    return 0;
}
