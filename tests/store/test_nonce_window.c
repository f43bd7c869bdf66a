/* test_nonce_window.c - each request once: bounds, shares, clocks that jump, a store that
   fails. */
#include "store/nonce_window.h"

#include <string.h>

#include "store/backup.h"
#include "store/migrate.h"
#include "test.h"

enum { NOW = 1700000000 };

struct setup {
    struct store store;
    struct arena arena;
    struct nonce_window window;
};

static const struct db_spec memory = { .kind = DB_MEMORY };

static void begin(struct setup *setup, const struct nonce_rules *rules)
{
    memset(setup, 0, sizeof *setup);
    setup->store.limits = store_limits_default;
    arena_init(&setup->arena, 8 << 20);
    assert_true(rc_ok(db_open(NULL, &memory, &setup->store.db)));
    setup->store.open = true;
    assert_true(rc_ok(migrate_apply(NULL, &setup->store.db, NOW, STORE_STEPS)));
    assert_true(rc_ok(store_found(NULL, &setup->store, NOW)));
    assert_true(
        rc_ok(nonce_window_open(NULL, &setup->store, rules, &setup->arena, &setup->window)));
}

static void end(struct setup *setup)
{
    store_close(&setup->store);
    arena_fini(&setup->arena);
}

static const char *take(struct setup *setup, const char *who, uint64_t nonce, int64_t at,
                        int64_t now)
{
    struct nonce_claim claim = { span_text(who), span_of(&nonce, sizeof nonce), at };
    rc got = nonce_window_take(NULL, &setup->window, now, &claim);
    assert_true(nonce_window_is_sound(&setup->window));
    return rc_ok(got) ? "OK" : reason_info((enum reason)rc_number(got))->name;
}

static void test_table(void **state)
{
    (void)state;
    static const struct nonce_rules rules = { 6, 3, 60, 5, 10 };
    static const struct {
        const char *who;
        uint64_t nonce;
        int64_t at, now; /* from NOW on */
        const char *wanted;
    } rows[] = {
        { "a", 1, 0, 0, "OK" },
        { "a", 1, 0, 0, "NONCE_REPLAYED" },
        { "a", 1, 1, 1, "NONCE_REPLAYED" }, /* at another time too */
        { "b", 1, 0, 1, "OK" },             /* another's nonce */
        { "a", 2, -59, 1, "OK" },           /* as old as it may be */
        { "a", 3, -60, 1, "NONCE_TOO_OLD" },
        { "a", 3, 7, 1, "NONCE_FUTURE" },
        { "a", 3, 6, 1, "OK" }, /* as far ahead as it may be */
        { "a", 4, 1, 1, "STORE_SHARE" },
        { "b", 2, 1, 1, "OK" },
        { "b", 3, 1, 1, "OK" },
        { "c", 1, 1, 1, "STORE_LIMIT" },
        { "a", 4, 2, 2, "OK" },               /* -59 was forgotten */
        { "a", 2, -59, 2, "NONCE_TOO_OLD" },  /* and is not taken again */
        { "a", 2, -59, -3, "NONCE_TOO_OLD" }, /* not when the clock goes back either */
        { "a", 4, 2, 60, "NONCE_REPLAYED" },
        { "a", 9, 66, 1000, "NONCE_TOO_OLD" },
        { "a", 9, 1000, 1000, "OK" },
        { "a", 10, -1, -1, "NONCE_TOO_OLD" },
        { "a", 9, INT64_MAX - NOW, 1000, "NONCE_FUTURE" },
        { "a", 9, INT64_MIN, 1000, "NONCE_TOO_OLD" },
    };
    struct setup setup;
    begin(&setup, &rules);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("# row %zu\n", i);
        int64_t at = rows[i].at == INT64_MIN ? INT64_MIN : NOW + rows[i].at;
        assert_string_equal(take(&setup, rows[i].who, rows[i].nonce, at, NOW + rows[i].now),
                            rows[i].wanted);
    }
    struct nonce_claim claim = { span_text("a"), span_text("n"), NOW };
    assert_int_equal(rc_number(nonce_window_take(NULL, &setup.window, INT64_MAX, &claim)),
                     REASON_NONCE_TOO_OLD);
    assert_int_equal(rc_number(nonce_window_take(NULL, &setup.window, -1, &claim)),
                     REASON_NONCE_TOO_OLD);
    end(&setup);
}

/* A store that was put back forgets what was accepted since; who signed before this start is kept
   out all the same, and H where it is the later one. */
static void test_nothing_from_before(void **state)
{
    (void)state;
    static const struct nonce_rules rules = { 6, 3, 60, 5, 10, NOW };
    struct setup setup;
    begin(&setup, &rules);
    assert_string_equal(take(&setup, "a", 1, NOW - 1, NOW), "NONCE_TOO_OLD");
    assert_string_equal(take(&setup, "a", 1, NOW, NOW), "OK");
    struct nonce_window again;
    assert_true(rc_ok(nonce_window_open(NULL, &setup.store, &rules, &setup.arena, &again))); /* H */
    setup.window = again;
    assert_string_equal(take(&setup, "a", 1, NOW, NOW + 1), "NONCE_TOO_OLD");
    assert_string_equal(take(&setup, "a", 2, NOW + 10, NOW + 10), "NONCE_TOO_OLD");
    assert_string_equal(take(&setup, "a", 2, NOW + 11, NOW + 11), "OK");
    end(&setup);
}

static void test_strange_rules_are_refused(void **state)
{
    (void)state;
    static const struct nonce_rules rows[] = {
        { 0, 1, 60, 5, 10 },         { 6, 0, 60, 5, 10 },         { 6, 7, 60, 5, 10 },
        { 6, 3, UINT32_MAX, 5, 1 },  { 6, 3, 60, UINT32_MAX, 1 }, { 6, 3, 60, 5, 0 },
        { UINT32_MAX, 3, 60, 5, 1 },
    };
    static const struct nonce_rules good = { 6, 3, 60, 5, 10 };
    struct setup setup;
    begin(&setup, &good);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        rc got = nonce_window_open(NULL, &setup.store, &rows[i], &setup.arena, &setup.window);
        assert_int_equal(rc_number(got), REASON_STORE_STATEMENT);
    }
    uint8_t little[600];
    for (size_t len = 0; len < sizeof little; len += 50) {
        struct arena arena = arena_over(little, len);
        rc got = nonce_window_open(NULL, &setup.store, &good, &arena, &setup.window);
        assert_true(rc_ok(got) || rc_number(got) == REASON_OUT_OF_MEMORY);
        assert_true(len > 0 || !rc_ok(got));
    }
    end(&setup);
}

/* Against a memory without bounds: what that has seen is never accepted, whatever the clock
   does, and what it has not is accepted where rules and room allow. */
static void test_random_against_a_list(void **state)
{
    (void)state;
    enum { TURNS = 20000, NONCES = 64, TIMES = 400 };
    static const struct nonce_rules rules = { 40, 20, 20, 3, 4 };
    static bool seen[2][NONCES][TIMES];
    static const char *const names[] = { "a", "b" };
    struct test_random random = { 11 };
    struct setup setup;
    unsigned accepted = 0;
    begin(&setup, &rules);
    int64_t now = 30;
    for (int i = 0; i < TURNS; i++) {
        if (test_random_below(&random, 20) == 0 && now < TIMES - 20)
            now += (int64_t)test_random_below(&random, 2);
        int64_t clock = now - (test_random_below(&random, 10) == 0
                                   ? (int64_t)test_random_below(&random, 25)
                                   : 0);
        size_t who = test_random_below(&random, 2);
        uint64_t nonce = test_random_below(&random, NONCES);
        int64_t at = clock - 22 + (int64_t)test_random_below(&random, 27);
        if (at < 0 || at >= TIMES)
            continue;
        const char *got = take(&setup, names[who], nonce, NOW + at, NOW + clock);
        if (strcmp(got, "OK") != 0)
            continue;
        accepted++;
        assert_false(seen[who][nonce][at]);
        assert_true(at <= clock + 3);
        seen[who][nonce][at] = true;
    }
    assert_in_range(accepted, 300, TURNS);
    end(&setup);
}

static void test_a_store_that_fails_takes_nothing(void **state)
{
    (void)state;
    static const struct nonce_rules rules = { 6, 3, 60, 5, 10 };
    struct setup setup;
    begin(&setup, &rules);
    assert_string_equal(take(&setup, "a", 1, NOW, NOW), "OK");
    setup.store.db.lost = true; /* and cannot be opened again: it was memory */
    assert_string_equal(take(&setup, "a", 2, NOW + 10, NOW + 10), "OK"); /* needs no write */
    assert_string_equal(take(&setup, "a", 3, NOW + 11, NOW + 11), "STORE_UNREACHABLE");
    assert_int_equal(setup.window.used, 2);
    assert_string_equal(take(&setup, "a", 4, NOW + 9, NOW + 11), "OK");
    end(&setup);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_table, ""),
        TEST(test_nothing_from_before, ""),
        TEST(test_strange_rules_are_refused, ""),
        TEST(test_random_against_a_list, ""),
        TEST(test_a_store_that_fails_takes_nothing, ""),
    };
    return RUN_TESTS(tests);
}
