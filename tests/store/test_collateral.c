/* test_collateral.c - pieces of collateral on both backends: one of each thing and scope, and never
   an older one in the place of a newer. */
#include "store/backend.h"

#include "store/backup.h"

enum { BODY_LEN = 64 << 10, CHAIN_LEN = 16 << 10 };

static struct store_collateral piece_of(int64_t thing, uint8_t scope, int64_t issued,
                                        int64_t evaluation)
{
    static uint8_t body[BODY_LEN], chain[CHAIN_LEN];
    memset(body, (int)issued, sizeof body);
    memset(chain, 0xff, sizeof chain);
    return (struct store_collateral){ .thing = thing,
                                      .scope = { scope },
                                      .issued = issued,
                                      .expires = issued + 30,
                                      .evaluation = evaluation,
                                      .fetched = issued + 1,
                                      .chain = span_of(chain, thing == 3 ? 0 : sizeof chain),
                                      .body = SPAN(body) };
}

struct seen {
    unsigned count;
    int64_t issued; /* of the last */
    bool whole;
};

static void look(void *arg, const struct store_collateral *piece)
{
    struct seen *seen = arg;
    seen->count++;
    seen->issued = piece->issued;
    seen->whole = piece->body.len == BODY_LEN && piece->body.at[0] == (uint8_t)piece->issued &&
                  piece->body.at[BODY_LEN - 1] == (uint8_t)piece->issued &&
                  piece->chain.len == (piece->thing == 3 ? 0 : CHAIN_LEN) &&
                  piece->fetched == piece->issued + 1 && piece->expires == piece->issued + 30;
}

static struct seen seen_in(struct store *store)
{
    struct seen seen = { 0 };
    assert_rc(store_collateral_each(NULL, store, look, &seen), "OK");
    return seen;
}

static void never_an_older_one(void **state)
{
    static const struct {
        const char *what;
        int64_t issued, evaluation, held;
        const char *said;
    } rows[] = {
        { "the first", 10, 5, 10, "OK" },
        { "a newer one", 20, 5, 20, "OK" },
        { "an older one", 10, 5, 20, "FETCH_OLDER" },
        { "newer, of an older evaluation", 30, 4, 20, "FETCH_OLDER" },
        { "the same again", 20, 5, 20, "OK" },
        { "both newer", 40, 6, 40, "OK" },
    };
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        store_begin(&spec, &store);
        assert_int_equal(seen_in(&store).count, 0);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct store_collateral piece = piece_of(0, 7, rows[i].issued, rows[i].evaluation);
            assert_rc(store_collateral_put(NULL, &store, NOW, &piece), rows[i].said);
            struct seen seen = seen_in(&store);
            if (seen.count != 1 || seen.issued != rows[i].held || !seen.whole)
                fail_msg("%s", rows[i].what);
        }
        store_close(&store);
    }
}

static void what_it_is_for_keeps_them_apart(void **state)
{
    (void)state;
    struct db_spec spec;
    EACH_BACKEND(spec)
    {
        struct store store;
        struct backup_proof before, after;
        store_begin(&spec, &store);
        assert_rc(backup_state(NULL, &store, &before), "OK");
        const struct store_collateral pieces[] = { piece_of(0, 7, 1, 0), piece_of(0, 8, 2, 0),
                                                   piece_of(3, 7, 3, 0) };
        for (size_t i = 0; i < 3; i++) {
            struct store_collateral piece = piece_of(pieces[i].thing, pieces[i].scope[0],
                                                     pieces[i].issued, 0);
            assert_rc(store_collateral_put(NULL, &store, NOW, &piece), "OK");
            assert_int_equal(seen_in(&store).count, i + 1);
            assert_true(seen_in(&store).whole);
        }
        assert_rc(backup_state(NULL, &store, &after), "OK");
        assert_false(bytes_equal(before.state, after.state, sizeof before.state));
        assert_int_equal(after.rows[4], 3);
        assert_rc(store_collateral_drop(NULL, &store, NOW, 0, pieces[1].scope), "OK");
        assert_rc(store_collateral_drop(NULL, &store, NOW, 0, pieces[1].scope), "OK");
        assert_int_equal(seen_in(&store).count, 2);
        store_close(&store);
        assert_rc(store_open(NULL, &spec, &store_limits_default, &store), "OK");
        assert_int_equal(seen_in(&store).count, 2);
        store_close(&store);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(never_an_older_one, ""),
        TEST(what_it_is_for_keeps_them_apart, ""),
    };
    return cmocka_run_group_tests(tests, backends_begin, backends_end);
}
