/* test_doors_fetch.c - the door of ward-fetch, kicked, and where it lets itself be led.  The
   process itself is here, its main() under another name. */
#include <arpa/inet.h>
#include <signal.h>

#include "proc/hostile.h"

int process_main(void);
#define main process_main
// NOLINTNEXTLINE(bugprone-suspicious-include): the table of doors is its own
#include "proc/fetch/main.c"
#undef main

static void test_anything_is_said_by_core(void **state)
{
    struct hostile hostile;
    uint8_t bytes[9] = { PCS_ROOT_CRL };
    struct frame said, frame = { .message = MSG_FETCH, .id = 4711, .body = SPAN(bytes) };
    (void)state;
    hostile_begin(&hostile, &fetch_process, IN(PEER_CORE));
    hostile_run(&hostile, hostile_frames() / 8);
    assert_true(hostile.taken > 0 && hostile.refused > 0);
    while (hostile_hear(&hostile, PEER_CORE, &said))
        continue;
    /* And still it takes what is asked properly; without a provider nothing is asked of anybody. */
    assert_true(rc_ok(hostile_say(&hostile, PEER_CORE, &frame)));
    assert_true(hostile_hear(&hostile, PEER_CORE, &said));
    assert_int_equal(said.id, 4711);
    assert_int_equal(said.body.at[0] | said.body.at[1] << 8, REASON_FETCH_NOT_SET);
    hostile_end(&hostile);
}

static void test_questions_that_are_none(void **state)
{
    static const struct {
        uint8_t thing, tdx, ca;
        size_t len;
    } rows[] = {
        { PCS_THING_COUNT, 0, 0, 9 },
        { 255, 0, 0, 9 },
        { 0, 2, 0, 9 },
        { 0, 0, 2, 9 },
        { 0, 0, 0, 8 },
        { 0, 0, 0, 10 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hostile hostile;
        uint8_t bytes[10] = { rows[i].thing, rows[i].tdx, rows[i].ca };
        struct frame frame = { .message = MSG_FETCH, .id = 1, .body = span_of(bytes, rows[i].len) };
        hostile_begin(&hostile, &fetch_process, IN(PEER_CORE));
        rc said = hostile_say(&hostile, PEER_CORE, &frame);
        assert_int_equal(rc_class_of(said), RC_PEER);
        hostile_end(&hostile);
    }
}

static void put(struct addresses *addresses, const char *text)
{
    struct sockaddr_storage *at = &addresses->at[addresses->count++];
    if (inet_pton(AF_INET, text, &((struct sockaddr_in *)at)->sin_addr) == 1) {
        at->ss_family = AF_INET;
        return;
    }
    assert_int_equal(inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)at)->sin6_addr), 1);
    at->ss_family = AF_INET6;
}

/* The name's addresses, whether it was said that they may be private, and what comes of it. */
static void test_a_name_leads_outward(void **state)
{
    static const struct {
        const char *first, *second;
        enum reason plain, inward;
    } rows[] = {
        { "5.5.5.7", "2a00:5::7", REASON_OK, REASON_OK },
        { "10.0.0.7", "5.5.5.7", REASON_FETCH_INWARD, REASON_OK },
        { "5.5.5.7", "127.0.0.1", REASON_FETCH_INWARD, REASON_OK },
        { "2a00:5::7", "fd00::7", REASON_FETCH_INWARD, REASON_OK },
        { "5.5.5.7", "169.254.169.254", REASON_FETCH_INWARD, REASON_FETCH_INWARD },
        { "0.0.0.0", "5.5.5.7", REASON_FETCH_INWARD, REASON_FETCH_INWARD },
        { "5.5.5.7", "::ffff:169.254.169.254", REASON_FETCH_INWARD, REASON_FETCH_INWARD },
        { "5.5.5.7", "64:ff9b::7f00:1", REASON_FETCH_INWARD, REASON_OK },
        { "5.5.5.7", "203.0.113.7", REASON_FETCH_INWARD, REASON_FETCH_INWARD },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct provider provider = { .url = "https://pcs.example", .is_known = true };
        struct addresses found = { 0 };
        const char *why;
        put(&provider.known, rows[i].first);
        put(&provider.known, rows[i].second);
        assert_int_equal(provider_find(&provider, &found, &why), rows[i].plain);
        assert_int_equal(found.count, rows[i].plain == REASON_OK ? 2 : 0);
        provider.inward = true;
        assert_int_equal(provider_find(&provider, &found, &why), rows[i].inward);
        /* Written as such it is what is meant. */
        provider.inward = false;
        provider.is_address = true;
        assert_int_equal(provider_find(&provider, &found, &why), REASON_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_anything_is_said_by_core, ""),
        TEST(test_questions_that_are_none, ""),
        TEST(test_a_name_leads_outward, ""),
    };
    return RUN_TESTS(tests);
}
