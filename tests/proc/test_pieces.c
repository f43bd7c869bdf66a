/* test_pieces.c - the pieces of collateral that core holds, with a store that is one: what is
   written to it and when, and that verify hears of all of them. */
#include <stdio.h>
#include <string.h>

#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/core/main.c"
#undef main

#define NOON INT64_C(1795867200)

static struct hostile hostile;
static struct core *core;
static char place[SETTING_TEXT_MAX + 16];

/* A core whose store is open and judged, and read by nobody yet. */
static void begin_pieces(void)
{
    hostile_begin(&hostile, &core_process, IN(PEER_VERIFY));
    core = hostile.house.self;
    struct core_store *store = &core->store;
    snprintf(place, sizeof place, "%s/ward.db", hostile.house.settings.state);
    store->spec = (struct db_spec){ .kind = DB_SQLITE, .place = place };
    assert_true(rc_ok(store_migrate(NULL, &store->spec, NOON, UINT32_MAX)));
    assert_true(rc_ok(store_open(NULL, &store->spec, &store_limits_default, &store->store)));
    assert_true(rc_ok(store_found(NULL, &store->store, NOON)));
    store->reason = REASON_OK;
    store->judged = true;
    memcpy(hostile.house.settings.provider_url, "http://[::1]", sizeof "http://[::1]");
}

static void end_pieces(void)
{
    store_close(&core->store.store);
    hostile_end(&hostile);
}

static void put_held(unsigned platform, size_t len)
{
    static uint8_t body[COLLATERAL_BODY_MAX];
    struct store_collateral held = {
        .thing = PCS_TCB_INFO,
        .issued = NOON,
        .expires = NOON + 86400,
        .fetched = NOON,
        .chain = span_text("chain"),
        .body = span_of(body, len),
    };
    held.scope[2 + 5] = (uint8_t)platform;
    assert_true(rc_ok(store_collateral_put(NULL, &core->store.store, NOON, &held)));
}

static void see(unsigned platform)
{
    const uint8_t bytes[PLATFORM_LEN] = { [PLATFORM_LEN - 1] = (uint8_t)platform };
    collateral_platform(core, SPAN(bytes), true);
}

static bool is_held(unsigned platform)
{
    for (size_t i = 0; i < COLLATERAL_PLACES; i++) {
        const struct core_piece *piece = &core->collateral.pieces[i];
        if (piece->used && piece->thing == PCS_TCB_INFO && piece->scope.fmspc[5] == platform)
            return piece->body_len > 0;
    }
    return false;
}

static void count_one(void *arg, const struct store_collateral *held)
{
    size_t *count = arg;
    (void)held;
    ++*count;
}

static size_t stored(void)
{
    size_t count = 0;
    assert_true(rc_ok(store_collateral_each(NULL, &core->store.store, count_one, &count)));
    return count;
}

/* Who shows evidence before the store was read takes nothing from what it has. */
static void test_before_the_store_was_read(void **state)
{
    (void)state;
    begin_pieces();
    put_held(99, 100);
    for (unsigned platform = 1; platform <= COLLATERAL_PLATFORMS; platform++)
        see(platform);
    assert_int_equal(core->collateral.seen, 0);
    (void)collateral_step(core, clock_monotonic_ms());
    assert_true(core->collateral.loaded && is_held(99));
    assert_int_equal(stored(), 1);
    see(1);
    assert_int_equal(core->collateral.seen, 2); /* that of the store, and this one */
    end_pieces();
}

/* What it has too many of is not dropped while it is read. */
static void test_more_than_there_are_places_for(void **state)
{
    enum { MORE = COLLATERAL_PLATFORMS + 2 };
    size_t held = 0;
    (void)state;
    begin_pieces();
    for (unsigned platform = 1; platform <= MORE; platform++)
        put_held(platform, 100);
    (void)collateral_step(core, clock_monotonic_ms());
    for (unsigned platform = 1; platform <= MORE; platform++)
        held += is_held(platform);
    assert_int_equal(held, COLLATERAL_PLATFORMS);
    assert_int_equal(stored(), MORE);
    for (unsigned platform = 50; platform < 50 + COLLATERAL_PLATFORMS; platform++)
        see(platform); /* and then what gives way is */
    assert_int_equal(stored(), MORE - COLLATERAL_PLATFORMS);
    end_pieces();
}

/* It may be a copy of another day: nothing is kept in it, nor dropped. */
static void test_a_store_that_is_not_judged(void **state)
{
    (void)state;
    begin_pieces();
    put_held(1, 100);
    core->store.judged = false;
    (void)collateral_step(core, clock_monotonic_ms());
    assert_false(core->collateral.loaded);
    assert_int_equal(core_store_is_there(core), REASON_HOUSE_UNAVAILABLE);
    struct core_piece piece = { .thing = PCS_TCB_INFO, .issued = NOON, .expires = NOON + 1 };
    assert_int_equal(piece_keep(core, &piece), REASON_STORE_UNREACHABLE);
    assert_int_equal(stored(), 1);
    core->store.judged = true;
    assert_int_equal(piece_keep(core, &piece), REASON_OK);
    core->store.reason = REASON_STORE_LOG_ROLLED_BACK;
    assert_int_equal(core_store_is_there(core), REASON_STORE_LOG_ROLLED_BACK);
    assert_int_equal(piece_keep(core, &piece), REASON_STORE_UNREACHABLE);
    end_pieces();
}

/* A store that cannot be read is not an empty one: nothing is fetched before its floor is known. */
static void test_a_store_that_cannot_be_read(void **state)
{
    (void)state;
    begin_pieces();
    put_held(99, 100);
    store_close(&core->store.store);
    int64_t now = clock_monotonic_ms(), next = collateral_step(core, now);
    assert_false(core->collateral.loaded);
    assert_true(next > now && next == core->collateral.load_ms);
    see(1);
    assert_int_equal(core->collateral.seen, 0);
    assert_true(
        rc_ok(store_open(NULL, &core->store.spec, &store_limits_default, &core->store.store)));
    (void)collateral_step(core, now); /* a while later, not at once */
    assert_false(core->collateral.loaded);
    (void)collateral_step(core, next);
    assert_true(core->collateral.loaded && is_held(99));
    end_pieces();
}

/* What the store has is newer than this core knows of: that is said, and stays. */
static void test_an_older_one_is_not_kept(void **state)
{
    (void)state;
    begin_pieces();
    struct core_piece piece = { .thing = PCS_TCB_INFO, .issued = NOON, .expires = NOON + 9 };
    assert_int_equal(piece_keep(core, &piece), REASON_OK);
    piece.issued--;
    assert_int_equal(piece_keep(core, &piece), REASON_FETCH_OLDER);
    assert_int_equal(stored(), 1);
    end_pieces();
}

/* The places that verify is told of, as a set. */
static uint32_t heard_of(void)
{
    static uint8_t packet[PACKET_BYTES_MAX];
    struct packet_fds fds = { 0 };
    uint32_t places = 0;
    size_t len = 0;
    assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_VERIFY])));
    while (
        rc_ok(packet_receive(NULL, hostile.far[PEER_VERIFY], packet, sizeof packet, &len, &fds))) {
        struct cursor in = cur_over(span_of(packet, len));
        for (struct frame frame; frame_get(&in, &frame);) {
            assert_int_equal(frame.message, MSG_COLLATERAL_HELD);
            places |= 1u << frame.body.at[0];
        }
        assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_VERIFY])));
    }
    return places;
}

/* More than its queue has room for at once: it hears the rest of it later. */
static void test_verify_hears_of_all(void **state)
{
    enum { ALL = (1u << COLLATERAL_PLATFORMS) - 1 };
    (void)state;
    begin_pieces();
    for (unsigned platform = 1; platform <= COLLATERAL_PLATFORMS; platform++)
        put_held(platform, COLLATERAL_BODY_MAX);
    for (int turn = 0; turn < 2; turn++) {
        int64_t now = clock_monotonic_ms(), next = collateral_step(core, now);
        assert_false(core->collateral.told);
        assert_true(next <= now + LINKS_TELL_MS);
        uint32_t places = heard_of();
        assert_true(places != 0 && places != ALL);
        while (!core->collateral.told) {
            (void)collateral_step(core, clock_monotonic_ms());
            places |= heard_of();
        }
        assert_int_equal(places, ALL);
        hostile_replace(&hostile, PEER_VERIFY); /* the next one knows nothing */
    }
    end_pieces();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_before_the_store_was_read, ""),  TEST(test_more_than_there_are_places_for, ""),
        TEST(test_a_store_that_is_not_judged, ""), TEST(test_a_store_that_cannot_be_read, ""),
        TEST(test_an_older_one_is_not_kept, ""),   TEST(test_verify_hears_of_all, ""),
    };
    return RUN_TESTS(tests);
}
