/* ban.c - see ban.h.  Each set has a sequence number that is odd while it is written
   (a seqlock): a reader that saw it odd, or changed, has seen nothing. */
#include "admit/ban.h"

#include <string.h>

enum {
    WORD_PEER = 0, /* two words of address */
    WORD_UNTIL = 2,
    WORD_INFO = 3, /* count, and below it offence and whether it is a ban */
    WORDS = 4,
    READ_TRIES = 4
};

struct ban_set {
    uint64_t sequence;
    uint64_t words[BAN_WAYS][WORDS];
};

/* A slot as it is worked with; until_us 0 is a free one. */
struct slot {
    struct ban ban;
    bool active;
};

#define INFO_ACTIVE UINT64_C(0x100)

const char *offence_name(enum offence offence)
{
    static const char *const names[OFFENCE_COUNT] = {
        [OFFENCE_NONE] = "none",
        [OFFENCE_CRASH] = "crash",
        [OFFENCE_AUTH_FAILED] = "auth-failed",
        [OFFENCE_GRACE_EXCEEDED] = "grace-exceeded",
        [OFFENCE_ABUSE] = "abuse",
        [OFFENCE_IMPOSED] = "imposed",
    };
    return names[(unsigned)offence < OFFENCE_COUNT ? offence : OFFENCE_NONE];
}

struct ban_rules ban_rules_default(void)
{
    const uint64_t second = 1000000;
    return (struct ban_rules){ .penalty_us = { [OFFENCE_CRASH] = 90 * second,
                                               [OFFENCE_AUTH_FAILED] = 5 * second,
                                               [OFFENCE_GRACE_EXCEEDED] = 10 * second,
                                               [OFFENCE_ABUSE] = 20 * second },
                               .threshold_us = 15 * second,
                               .cap_us = 600 * second };
}

bool ban_rules_are_sound(const struct ban_rules *rules)
{
    for (unsigned i = OFFENCE_CRASH; i < OFFENCE_IMPOSED; i++) {
        if (rules->penalty_us[i] > rules->cap_us)
            return false;
    }
    return rules->threshold_us > 0 && rules->threshold_us <= rules->cap_us;
}

size_t ban_memory(size_t sets)
{
    if (sets == 0 || sets > BAN_SETS_MAX || (sets & (sets - 1)) != 0)
        return 0;
    return sets * sizeof(struct ban_set);
}

static size_t set_of(const struct ban_view *view, const struct address *peer)
{
    return (size_t)siphash(view->key, SPAN(peer->bytes)) & (view->set_count - 1);
}

/* False for what no writer writes; a free slot is such. */
static bool unpack(const uint64_t words[WORDS], struct slot *out)
{
    struct slot slot = { .active = (words[WORD_INFO] & INFO_ACTIVE) != 0 };
    uint64_t offence = words[WORD_INFO] & 0xff;
    memcpy(slot.ban.peer.bytes, &words[WORD_PEER], ADDRESS_LEN);
    slot.ban.until_us = words[WORD_UNTIL];
    slot.ban.offence = (enum offence)offence;
    slot.ban.count = (uint32_t)(words[WORD_INFO] >> 32);
    struct address peer = address_peer(&slot.ban.peer);
    if (slot.ban.until_us == 0 || offence == OFFENCE_NONE || offence >= OFFENCE_COUNT ||
        (words[WORD_INFO] & 0xfffffe00) != 0 || slot.ban.count == 0 ||
        !address_equal(&peer, &slot.ban.peer))
        return false;
    *out = slot;
    return true;
}

static void pack(const struct slot *slot, uint64_t words[WORDS])
{
    memcpy(&words[WORD_PEER], slot->ban.peer.bytes, ADDRESS_LEN);
    words[WORD_UNTIL] = slot->ban.until_us;
    words[WORD_INFO] = (uint64_t)slot->ban.count << 32 | (slot->active ? INFO_ACTIVE : 0) |
                       (uint64_t)slot->ban.offence;
}

static void write_slot(struct ban_set *set, size_t way, const uint64_t words[WORDS])
{
    uint64_t sequence = set->sequence;
    __atomic_store_n(&set->sequence, sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    for (size_t i = 0; i < WORDS; i++)
        __atomic_store_n(&set->words[way][i], words[i], __ATOMIC_RELAXED);
    __atomic_store_n(&set->sequence, sequence + 2, __ATOMIC_RELEASE);
}

static void clear_slot(struct ban_set *set, size_t way)
{
    static const uint64_t nothing[WORDS] = { 0 };
    write_slot(set, way, nothing);
}

static bool read_set(const struct ban_set *set, uint64_t words[BAN_WAYS][WORDS])
{
    for (unsigned tries = 0; tries < READ_TRIES; tries++) {
        uint64_t before = __atomic_load_n(&set->sequence, __ATOMIC_ACQUIRE);
        for (size_t i = 0; i < (size_t)BAN_WAYS * WORDS; i++)
            words[i / WORDS][i % WORDS] = __atomic_load_n(&set->words[i / WORDS][i % WORDS],
                                                          __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        uint64_t after = __atomic_load_n(&set->sequence, __ATOMIC_RELAXED);
        if (before == after && before % 2 == 0)
            return true;
    }
    return false;
}

bool ban_view_init(struct ban_view *view, const void *memory, size_t sets,
                   const uint8_t key[SIPHASH_KEY_LEN])
{
    if (ban_memory(sets) == 0 || memory == NULL || (uintptr_t)memory % sizeof(uint64_t) != 0)
        return false;
    *view = (struct ban_view){ .sets = (const struct ban_set *)memory, .set_count = sets };
    memcpy(view->key, key, sizeof view->key);
    return true;
}

bool ban_find(const struct ban_view *view, const struct address *address, uint64_t now_us,
              struct ban *out)
{
    struct address peer = address_peer(address);
    uint64_t words[BAN_WAYS][WORDS];
    if (!read_set(&view->sets[set_of(view, &peer)], words))
        return false;
    for (size_t way = 0; way < BAN_WAYS; way++) {
        struct slot slot;
        if (!unpack(words[way], &slot) || !address_equal(&slot.ban.peer, &peer))
            continue;
        if (!slot.active || slot.ban.until_us <= now_us)
            return false;
        if (out != NULL)
            *out = slot.ban;
        return true;
    }
    return false;
}

bool ban_at(const struct ban_view *view, size_t index, uint64_t now_us, struct ban *out)
{
    uint64_t words[BAN_WAYS][WORDS];
    struct slot slot;
    if (index / BAN_WAYS >= view->set_count || !read_set(&view->sets[index / BAN_WAYS], words) ||
        !unpack(words[index % BAN_WAYS], &slot) || !slot.active || slot.ban.until_us <= now_us)
        return false;
    *out = slot.ban;
    return true;
}

size_t ban_count(const struct ban_view *view, uint64_t now_us)
{
    uint64_t words[BAN_WAYS][WORDS];
    size_t count = 0;
    for (size_t i = 0; i < view->set_count; i++) {
        struct slot slot;
        bool whole = read_set(&view->sets[i], words);
        for (size_t way = 0; whole && way < BAN_WAYS; way++)
            count += unpack(words[way], &slot) && slot.active && slot.ban.until_us > now_us;
    }
    return count;
}

/* The peer, all of its /64, has an address that must not be banned. */
static bool is_never(const struct ban_table *table, const struct address *peer)
{
    struct network network = { *peer, ADDRESS_BITS };
    if (!address_is_v4(peer))
        network.bits = ADDRESS_PEER_BITS;
    static const struct address loopback = { { [ADDRESS_LEN - 1] = 1 } };
    return address_is_loopback(peer) || network_has(&network, &loopback) ||
           (table->never != NULL && address_list_touches(table->never, &network));
}

bool ban_is_never(const struct ban_table *table, const struct address *address)
{
    struct address peer = address_peer(address);
    return is_never(table, &peer);
}

/* Clears what cannot be, what is no longer allowed, and the second of two. */
static void clean_set(struct ban_table *table, size_t index)
{
    struct ban_set *set = &table->sets[index];
    struct slot slots[BAN_WAYS];
    for (size_t way = 0; way < BAN_WAYS; way++) {
        bool good = unpack(set->words[way], &slots[way]) &&
                    set_of(&table->view, &slots[way].ban.peer) == index &&
                    !is_never(table, &slots[way].ban.peer);
        for (size_t i = 0; good && i < way; i++)
            good = slots[i].ban.until_us == 0 ||
                   !address_equal(&slots[i].ban.peer, &slots[way].ban.peer);
        if (good)
            continue;
        slots[way] = (struct slot){ .active = false };
        clear_slot(set, way);
    }
}

bool ban_table_init(struct ban_table *table, void *memory, size_t sets,
                    const uint8_t key[SIPHASH_KEY_LEN])
{
    struct ban_view view;
    if (!ban_view_init(&view, memory, sets, key))
        return false;
    *table = (struct ban_table){ .sets = memory, .view = view, .rules = ban_rules_default() };
    for (size_t i = 0; i < sets; i++) {
        /* Odd: an earlier writer ended in the middle of a slot, which may be any. */
        for (size_t way = 0; table->sets[i].sequence % 2 != 0 && way < BAN_WAYS; way++)
            memset(table->sets[i].words[way], 0, sizeof table->sets[i].words[way]);
        __atomic_store_n(&table->sets[i].sequence,
                         table->sets[i].sequence + table->sets[i].sequence % 2, __ATOMIC_RELEASE);
        clean_set(table, i);
    }
    return true;
}

bool ban_table_is_sound(const struct ban_table *table)
{
    if (ban_memory(table->view.set_count) == 0 || !ban_rules_are_sound(&table->rules))
        return false;
    for (size_t i = 0; i < table->view.set_count * BAN_WAYS; i++) {
        const struct ban_set *set = &table->sets[i / BAN_WAYS];
        static const uint64_t nothing[WORDS] = { 0 };
        struct slot slot, other;
        bool used = unpack(set->words[i % BAN_WAYS], &slot);
        if (set->sequence % 2 != 0 ||
            (!used && !bytes_equal(set->words[i % BAN_WAYS], nothing, sizeof nothing)) ||
            (used && (set_of(&table->view, &slot.ban.peer) != i / BAN_WAYS ||
                      is_never(table, &slot.ban.peer))))
            return false;
        for (size_t way = 0; used && way < i % BAN_WAYS; way++) {
            if (unpack(set->words[way], &other) && address_equal(&other.ban.peer, &slot.ban.peer))
                return false;
        }
    }
    return true;
}

bool ban_table_configure(struct ban_table *table, const struct ban_rules *rules,
                         const struct address_list *never)
{
    if (!ban_rules_are_sound(rules))
        return false;
    table->rules = *rules;
    table->never = never;
    for (size_t i = 0; i < table->view.set_count; i++)
        clean_set(table, i);
    return true;
}

/* The peer's own slot (true), or the way where a new one goes; BAN_WAYS when nowhere. */
static bool choose(const struct ban_set *set, const struct address *peer, size_t *way,
                   struct slot *out)
{
    uint64_t soonest = UINT64_MAX;
    *way = BAN_WAYS;
    for (size_t i = 0; i < BAN_WAYS; i++) {
        struct slot slot = { .active = false };
        bool used = unpack(set->words[i], &slot);
        if (used && address_equal(&slot.ban.peer, peer)) {
            *way = i;
            *out = slot;
            return true;
        }
        if (slot.ban.offence != OFFENCE_IMPOSED && slot.ban.until_us < soonest) {
            soonest = slot.ban.until_us;
            *way = i;
        }
    }
    return false;
}

/* Imposed bans give way once they have run out. */
static void drop_expired(struct ban_set *set, uint64_t now_us)
{
    for (size_t i = 0; i < BAN_WAYS; i++) {
        struct slot slot;
        if (unpack(set->words[i], &slot) && slot.ban.until_us <= now_us)
            clear_slot(set, i);
    }
}

static enum ban_outcome store(struct ban_table *table, struct ban_set *set, size_t way,
                              const struct slot *slot)
{
    struct slot before;
    uint64_t words[WORDS];
    bool used = unpack(set->words[way], &before);
    bool own = used && address_equal(&before.ban.peer, &slot->ban.peer);
    table->evicted += used && !own ? 1 : 0;
    pack(slot, words);
    write_slot(set, way, words);
    if (!slot->active)
        return BAN_NOTED;
    return own && before.active ? BAN_LONGER : BAN_BEGUN;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

enum ban_outcome ban_offend(struct ban_table *table, const struct address *address,
                            enum offence offence, uint64_t now_us)
{
    struct address peer = address_peer(address);
    if (is_never(table, &peer))
        return BAN_NEVER;
    if ((unsigned)offence >= OFFENCE_IMPOSED || table->rules.penalty_us[offence] == 0)
        return BAN_NOTED;
    struct ban_set *set = &table->sets[set_of(&table->view, &peer)];
    struct slot slot = { .active = false };
    size_t way;
    drop_expired(set, now_us);
    if (!choose(set, &peer, &way, &slot))
        slot = (struct slot){ .ban = { .peer = peer, .until_us = now_us } };
    if (way == BAN_WAYS)
        return BAN_NO_ROOM;
    slot.ban.count += slot.ban.count < UINT32_MAX ? 1 : 0;
    if (slot.ban.offence == OFFENCE_IMPOSED) /* the operator's word stands */
        return store(table, set, way, &slot);
    uint64_t until = later(slot.ban.until_us, table->rules.penalty_us[offence]);
    uint64_t most = later(now_us, table->rules.cap_us);
    slot.ban.until_us = until < most ? until : most;
    slot.ban.offence = offence;
    slot.active = slot.active || slot.ban.until_us - now_us >= table->rules.threshold_us;
    return store(table, set, way, &slot);
}

enum ban_outcome ban_impose(struct ban_table *table, const struct address *address,
                            uint64_t until_us, uint64_t now_us)
{
    struct address peer = address_peer(address);
    if (is_never(table, &peer))
        return BAN_NEVER;
    if (until_us <= now_us)
        return BAN_NOTED;
    struct ban_set *set = &table->sets[set_of(&table->view, &peer)];
    struct slot slot = { .active = false };
    size_t way;
    drop_expired(set, now_us);
    if (!choose(set, &peer, &way, &slot) && way == BAN_WAYS)
        return BAN_NO_ROOM;
    slot = (struct slot){ .ban = { peer, until_us, OFFENCE_IMPOSED, slot.ban.count },
                          .active = true };
    slot.ban.count += slot.ban.count < UINT32_MAX ? 1 : 0;
    return store(table, set, way, &slot);
}

bool ban_lift(struct ban_table *table, const struct address *address)
{
    struct address peer = address_peer(address);
    struct ban_set *set = &table->sets[set_of(&table->view, &peer)];
    struct slot slot;
    size_t way;
    if (!choose(set, &peer, &way, &slot))
        return false;
    clear_slot(set, way);
    return true;
}
