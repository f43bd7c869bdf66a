/* nonce_window.c - see nonce_window.h.  Links are numbers of entries, NIL at the end. */
#include "store/nonce_window.h"

#include <string.h>

#include "base/number.h"
#include "crypto/hash.h"
#include "os/random.h"

#define NIL UINT32_MAX

enum { DIGEST_LEN = 16, RULE_MOST = 1 << 24 };

struct nonce_entry {
    uint8_t digest[DIGEST_LEN];
    uint32_t next;   /* of its bucket, or of the free ones */
    uint32_t second; /* the next of its second */
    uint32_t owner;
};

struct nonce_owner {
    uint8_t digest[DIGEST_LEN];
    uint32_t next;
    uint32_t count; /* its entries */
};

static uint32_t seconds_of(const struct nonce_rules *rules)
{
    return rules->window + rules->skew + 1;
}

static bool rules_are_fit(const struct nonce_rules *rules)
{
    return rules->capacity > 0 && rules->capacity <= RULE_MOST && rules->share > 0 &&
           rules->share <= rules->capacity && rules->window <= RULE_MOST &&
           rules->skew <= RULE_MOST && rules->step > 0 && rules->step <= RULE_MOST;
}

static uint32_t *links(struct arena *arena, uint32_t count)
{
    uint32_t *out = arena_array(arena, count, sizeof *out);
    for (uint32_t i = 0; out != NULL && i < count; i++)
        out[i] = NIL;
    return out;
}

rc nonce_window_open(struct trail *trail, struct store *store, const struct nonce_rules *rules,
                     struct arena *arena, struct nonce_window *out)
{
    struct store_meta meta;
    if (!rules_are_fit(rules))
        return REFUSE(trail, REASON_STORE_STATEMENT);
    TRY(trail, store_meta_read(trail, store, &meta));
    struct nonce_window window = {
        .store = store,
        .rules = *rules,
        .entries = arena_array(arena, rules->capacity, sizeof(struct nonce_entry)),
        .owners = arena_array(arena, rules->capacity, sizeof(struct nonce_owner)),
        .buckets = links(arena, rules->capacity),
        .owner_buckets = links(arena, rules->capacity),
        .seconds = links(arena, seconds_of(rules)),
        .floor = meta.high_water >= rules->since ? meta.high_water : rules->since - 1,
        .high_water = meta.high_water,
    };
    if (window.entries == NULL || window.owners == NULL || window.buckets == NULL ||
        window.owner_buckets == NULL || window.seconds == NULL)
        return REFUSE(trail, REASON_OUT_OF_MEMORY);
    for (uint32_t i = 0; i < rules->capacity; i++) {
        window.entries[i].next = i + 1 < rules->capacity ? i + 1 : NIL;
        window.owners[i].next = window.entries[i].next;
    }
    random_bytes(window.key, sizeof window.key);
    *out = window;
    return RC_SUCCESS;
}

/* Keyed, so that nobody can choose nonces that meet in one bucket. */
static void digest_of(const struct nonce_window *window, struct span identity, struct span nonce,
                      uint8_t out[SHA256_LEN])
{
    uint64_t len = identity.len;
    const struct span parts[] = { SPAN(window->key), span_of(&len, sizeof len), identity, nonce };
    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

static uint32_t bucket_of(const struct nonce_window *window, const uint8_t digest[DIGEST_LEN])
{
    uint32_t start;
    memcpy(&start, digest, sizeof start);
    return start % window->rules.capacity;
}

static uint32_t *second_of(const struct nonce_window *window, int64_t at)
{
    int64_t count = seconds_of(&window->rules);
    int64_t slot = at % count;
    return &window->seconds[slot < 0 ? slot + count : slot];
}

static uint32_t find_entry(const struct nonce_window *window, const uint8_t digest[DIGEST_LEN])
{
    uint32_t at = window->buckets[bucket_of(window, digest)];
    while (at != NIL && !bytes_equal(window->entries[at].digest, digest, DIGEST_LEN))
        at = window->entries[at].next;
    return at;
}

static uint32_t find_owner(const struct nonce_window *window, const uint8_t digest[DIGEST_LEN])
{
    uint32_t at = window->owner_buckets[bucket_of(window, digest)];
    while (at != NIL && !bytes_equal(window->owners[at].digest, digest, DIGEST_LEN))
        at = window->owners[at].next;
    return at;
}

static void forget_owner(struct nonce_window *window, uint32_t at)
{
    struct nonce_owner *owner = &window->owners[at];
    if (--owner->count > 0)
        return;
    uint32_t *link = &window->owner_buckets[bucket_of(window, owner->digest)];
    while (*link != at)
        link = &window->owners[*link].next;
    *link = owner->next;
    owner->next = window->free_owner;
    window->free_owner = at;
}

static void forget_second(struct nonce_window *window, int64_t second)
{
    uint32_t *first = second_of(window, second);
    for (uint32_t at = *first; at != NIL;) {
        struct nonce_entry *entry = &window->entries[at];
        uint32_t *link = &window->buckets[bucket_of(window, entry->digest)];
        while (*link != at)
            link = &window->entries[*link].next;
        *link = entry->next;
        forget_owner(window, entry->owner);
        entry->next = window->free_entry;
        window->free_entry = at;
        window->used--;
        at = entry->second;
    }
    *first = NIL;
}

/* The floor goes up before anything below it is forgotten, and never comes down. */
static void raise_floor(struct nonce_window *window, int64_t now)
{
    int64_t to = now - window->rules.window - 1;
    int64_t from = window->floor;
    if (to <= from)
        return;
    window->floor = to;
    int64_t count = seconds_of(&window->rules);
    int64_t last = to - from > count ? from + count : to;
    for (int64_t second = from + 1; second <= last; second++)
        forget_second(window, second);
}

static void remember(struct nonce_window *window, const uint8_t digest[DIGEST_LEN],
                     const uint8_t who[DIGEST_LEN], int64_t when)
{
    uint32_t owner = find_owner(window, who);
    if (owner == NIL) {
        uint32_t *chain = &window->owner_buckets[bucket_of(window, who)];
        owner = window->free_owner;
        window->free_owner = window->owners[owner].next;
        window->owners[owner] = (struct nonce_owner){ .next = *chain };
        memcpy(window->owners[owner].digest, who, DIGEST_LEN);
        *chain = owner;
    }
    window->owners[owner].count++;
    uint32_t at = window->free_entry;
    struct nonce_entry *entry = &window->entries[at];
    uint32_t *chain = &window->buckets[bucket_of(window, digest)];
    uint32_t *second = second_of(window, when);
    window->free_entry = entry->next;
    *entry = (struct nonce_entry){ .next = *chain, .second = *second, .owner = owner };
    memcpy(entry->digest, digest, DIGEST_LEN);
    *chain = at;
    *second = at;
    window->used++;
}

rc nonce_window_take(struct trail *trail, struct nonce_window *window, int64_t now,
                     const struct nonce_claim *claim)
{
    uint8_t digest[SHA256_LEN];
    uint8_t who[SHA256_LEN];
    int64_t latest = 0;
    int64_t water = 0;
    if (now < 0 || !add_i64(now, window->rules.skew, &latest) ||
        !add_i64(now, window->rules.step, &water))
        return REFUSE(trail, REASON_NONCE_TOO_OLD);
    raise_floor(window, now);
    if (claim->at <= window->floor)
        return REFUSE(trail, REASON_NONCE_TOO_OLD);
    if (claim->at > latest)
        return REFUSE(trail, REASON_NONCE_FUTURE);
    digest_of(window, claim->identity, claim->nonce, digest);
    digest_of(window, claim->identity, (struct span){ 0 }, who);
    if (find_entry(window, digest) != NIL)
        return REFUSE(trail, REASON_NONCE_REPLAYED);
    uint32_t owner = find_owner(window, who);
    if (owner != NIL && window->owners[owner].count >= window->rules.share)
        return REFUSE(trail, REASON_STORE_SHARE);
    if (window->used >= window->rules.capacity)
        return REFUSE(trail, REASON_STORE_LIMIT);
    if (claim->at > window->high_water) {
        water = claim->at > water ? claim->at : water;
        TRY(trail, store_high_water_raise(trail, window->store, now, water));
        window->high_water = water;
    }
    remember(window, digest, who, claim->at);
    return RC_SUCCESS;
}

bool nonce_window_is_sound(const struct nonce_window *window)
{
    uint64_t by_bucket = 0;
    uint64_t by_second = 0;
    uint64_t by_owner = 0;
    for (uint32_t i = 0; i < window->rules.capacity; i++) {
        for (uint32_t at = window->buckets[i]; at != NIL; at = window->entries[at].next)
            by_bucket += bucket_of(window, window->entries[at].digest) == i;
        for (uint32_t at = window->owner_buckets[i]; at != NIL; at = window->owners[at].next)
            by_owner += window->owners[at].count <= window->rules.share ? window->owners[at].count
                                                                        : 0;
    }
    for (uint32_t i = 0; i < seconds_of(&window->rules); i++) {
        for (uint32_t at = window->seconds[i]; at != NIL; at = window->entries[at].second)
            by_second++;
    }
    return by_bucket == window->used && by_second == window->used && by_owner == window->used;
}
