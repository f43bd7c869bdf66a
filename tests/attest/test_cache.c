/* test_cache.c - what is remembered, and what must be forgotten. */
#include <string.h>

#include "attest/cache.h"
#include "test.h"

static void key_of(unsigned what, const char *a, const char *b, uint8_t *key)
{
    const struct span parts[] = { span_text(a), span_text(b) };
    cache_key(what, parts, 2, key);
}

static void an_empty_cache_knows_nothing(void **state)
{
    (void)state;
    struct dcap_cache cache = { 0 };
    uint8_t key[32], zero[32] = { 0 };
    key_of(CACHE_PCK, "leaf", "issuer", key);
    assert_false(cache_knows(NULL, CACHE_PCK, key));
    assert_false(cache_knows(&cache, CACHE_PCK, key));
    cache_learn(&cache, CACHE_PCK, key);
    assert_false(cache_knows(&cache, CACHE_PCK, key));
    assert_false(cache_knows(&cache, CACHE_PCK, zero));
    cache_learn(NULL, CACHE_PCK, key);
    cache_enter(NULL, key);
    assert_true(cache_is_sound(&cache));
}

static void only_what_was_allowed_is_remembered(void **state)
{
    (void)state;
    static const unsigned kinds[] = { CACHE_CA, CACHE_PCK, CACHE_QE };
    for (size_t allowed = 0; allowed < 3; allowed++) {
        struct dcap_cache cache = { 0 };
        cache_remember(&cache, kinds[allowed]);
        for (size_t kind = 0; kind < 3; kind++) {
            uint8_t key[32];
            key_of(kinds[kind], "leaf", "issuer", key);
            cache_learn(&cache, kinds[kind], key);
            assert_int_equal(cache_knows(&cache, kinds[kind], key), kind == allowed);
        }
        assert_true(cache_is_sound(&cache));
    }
}

static void keys_tell_kinds_and_parts_apart(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    key_of(CACHE_PCK, "ab", "c", a);
    key_of(CACHE_PCK, "a", "bc", b);
    assert_memory_not_equal(a, b, 32);
    key_of(CACHE_QE, "ab", "c", b);
    assert_memory_not_equal(a, b, 32);
    key_of(CACHE_PCK, "ab", "c", b);
    assert_memory_equal(a, b, 32);
}

static void another_epoch_forgets(void **state)
{
    (void)state;
    struct dcap_cache cache = { 0 };
    uint8_t key[32], first[32] = { 1 }, second[32] = { 2 };
    cache_remember(&cache, CACHE_ALL);
    key_of(CACHE_QE, "report", "key", key);
    cache_enter(&cache, first);
    cache_learn(&cache, CACHE_QE, key);
    cache_enter(&cache, first);
    assert_true(cache_knows(&cache, CACHE_QE, key));
    cache_enter(&cache, second);
    assert_false(cache_knows(&cache, CACHE_QE, key));
    cache_enter(&cache, first);
    assert_false(cache_knows(&cache, CACHE_QE, key));
    cache_learn(&cache, CACHE_QE, key);
    cache_remember(&cache, CACHE_ALL);
    assert_false(cache_knows(&cache, CACHE_QE, key));
}

static void a_full_set_gives_up_its_oldest(void **state)
{
    (void)state;
    struct dcap_cache cache = { 0 };
    uint8_t keys[CACHE_WAYS + 1][32];
    cache_remember(&cache, CACHE_ALL);
    for (size_t i = 0; i <= CACHE_WAYS; i++) {
        memset(keys[i], (int)i + 1, 32);
        keys[i][0] = 7; /* all of one set */
        cache_learn(&cache, CACHE_CA, keys[i]);
        assert_true(cache_is_sound(&cache));
    }
    assert_false(cache_knows(&cache, CACHE_CA, keys[0]));
    for (size_t i = 1; i <= CACHE_WAYS; i++)
        assert_true(cache_knows(&cache, CACHE_CA, keys[i]));
    assert_int_equal(cache.hits, CACHE_WAYS);
    assert_int_equal(cache.misses, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_cache_knows_nothing, ""),    TEST(only_what_was_allowed_is_remembered, ""),
        TEST(keys_tell_kinds_and_parts_apart, ""), TEST(another_epoch_forgets, ""),
        TEST(a_full_set_gives_up_its_oldest, ""),
    };
    return RUN_TESTS(tests);
}
