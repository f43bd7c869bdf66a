/* table.c - see table.h. */
#include "admit/table.h"

#include <assert.h>
#include <string.h>

enum { TAG_BITS = 24, TAT_BITS = 64 - TAG_BITS, CACHE_LINE = 64 };

static_assert(TAT_BITS == GCRA_WINDOW_BITS + 1, "half for time since the base, half for a window");

#define TAT_MASK ((UINT64_C(1) << TAT_BITS) - 1)
#define HALF     (UINT64_C(1) << GCRA_WINDOW_BITS)

static uint64_t tat_of(uint64_t word)
{
    return word & TAT_MASK;
}

/* Units since the base; under HALF, see keep_time. */
static uint64_t now_of(const struct admit_table *table)
{
    return (table->now_us - table->base_us) * table->rate.scale;
}

bool admit_table_init(struct admit_table *table, struct arena *arena, size_t sets,
                      const struct gcra_rate *rate, const uint8_t key[SIPHASH_KEY_LEN])
{
    if (sets == 0 || sets > ADMIT_SETS_MAX || (sets & (sets - 1)) != 0 || !gcra_rate_is_sound(rate))
        return false;
    /* A line more than needed, so that each set can be made to lie in one. */
    uint8_t *memory = arena_array(arena, sets + 1, CACHE_LINE);
    if (memory == NULL)
        return false;
    memory += (CACHE_LINE - (uintptr_t)memory % CACHE_LINE) % CACHE_LINE;
    *table = (struct admit_table){ .words = (uint64_t *)(void *)memory,
                                   .sets = sets,
                                   .rate = *rate };
    memcpy(table->key, key, sizeof table->key);
    return true;
}

static bool set_is_sound(const uint64_t *set, uint64_t now, uint64_t window)
{
    for (size_t i = 0; i < ADMIT_WAYS; i++) {
        uint64_t tat = tat_of(set[i]);
        if (tat > now + window || (tat == 0 && set[i] != 0))
            return false;
        for (size_t j = 0; j < i && tat > now; j++) {
            if (tat_of(set[j]) > now && set[j] >> TAT_BITS == set[i] >> TAT_BITS)
                return false;
        }
    }
    return true;
}

bool admit_table_is_sound(const struct admit_table *table)
{
    if (table->sets == 0 || (table->sets & (table->sets - 1)) != 0 ||
        !gcra_rate_is_sound(&table->rate) || table->now_us < table->base_us ||
        (table->now_us - table->base_us) > (HALF - 1) / table->rate.scale)
        return false;
    for (size_t i = 0; i < table->sets; i++) {
        if (!set_is_sound(&table->words[i * ADMIT_WAYS], now_of(table), table->rate.window))
            return false;
    }
    return true;
}

/* Counts all TATs from now on: those that are not ahead of it become free words. */
static void move_base(struct admit_table *table, uint64_t now_us)
{
    for (size_t i = 0; i < table->sets * ADMIT_WAYS; i++) {
        uint64_t ahead = tat_of(table->words[i]);
        ahead = gcra_decay(&table->rate, ahead, now_us - table->base_us);
        table->words[i] = ahead == 0 ? 0 : (table->words[i] & ~TAT_MASK) | ahead;
    }
    table->base_us = now_us;
}

/* Time goes forward only.  The base follows before 39 bits of units are over: at the earliest
   every 55 seconds (scale 10000), every 6 days at scale 1; a millisecond for 2 MB. */
static void keep_time(struct admit_table *table, uint64_t now_us)
{
    if (now_us <= table->now_us)
        return;
    if (now_us - table->base_us > (HALF - 1) / table->rate.scale)
        move_base(table, now_us);
    table->now_us = now_us;
}

/* A TAT of the old units in the new ones: rounded up, which is the side that is safe. */
static uint64_t convert(const struct gcra_rate *from, const struct gcra_rate *to, uint64_t ahead)
{
    uint64_t units = (ahead * to->scale + from->scale - 1) / from->scale;
    return units < to->window ? units : to->window;
}

static_assert(GCRA_SCALE_MAX < 1 << (64 - TAT_BITS), "a TAT times a scale is no more than 64 bits");

void admit_table_change(struct admit_table *table, const struct gcra_rate *rate, uint64_t now_us)
{
    if (now_us > table->now_us)
        table->now_us = now_us;
    move_base(table, table->now_us);
    for (size_t i = 0; i < table->sets * ADMIT_WAYS; i++) {
        uint64_t ahead = convert(&table->rate, rate, tat_of(table->words[i]));
        table->words[i] = ahead == 0 ? 0 : (table->words[i] & ~TAT_MASK) | ahead;
    }
    table->rate = *rate;
}

/* The peer's own word if it is ahead of now, else the one with the lowest TAT. */
static uint64_t *choose(uint64_t *set, uint64_t tag, uint64_t now)
{
    uint64_t *lowest = &set[0];
    for (size_t i = 0; i < ADMIT_WAYS; i++) {
        if (set[i] >> TAT_BITS == tag && tat_of(set[i]) > now)
            return &set[i];
        if (tat_of(set[i]) < tat_of(*lowest))
            lowest = &set[i];
    }
    return lowest;
}

struct gcra_answer admit_table_take(struct admit_table *table, const struct address *key,
                                    uint8_t kind, uint32_t cost, uint64_t now_us)
{
    uint8_t message[ADDRESS_LEN + 1];
    memcpy(message, key->bytes, ADDRESS_LEN);
    message[ADDRESS_LEN] = kind;
    uint64_t hash = siphash(table->key, SPAN(message));

    keep_time(table, now_us);
    uint64_t now = now_of(table);
    uint64_t tag = hash >> TAT_BITS;
    uint64_t *word = choose(&table->words[(hash & (table->sets - 1)) * ADMIT_WAYS], tag, now);
    uint64_t tat = tat_of(*word);
    uint64_t ahead = tat > now ? tat - now : 0;
    if (ahead > 0 && *word >> TAT_BITS != tag)
        table->crowded++;
    struct gcra_answer answer = gcra_charge(&table->rate, &ahead, cost);
    if (answer.allowed)
        *word = tag << TAT_BITS | (now + ahead);
    return answer;
}
