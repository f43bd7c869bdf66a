/* test_guard.c - who may ask for what: every combination against the table as it was meant,
   and each refusal once. */
#include "guard/guard.h"

#include "guard_case.h"

static const uint8_t own[KEY_ID] = { 1 };
static const uint8_t other[KEY_ID] = { 2 };

static struct guard_request request_for(struct guard_case *c, const struct guard_rule *rule)
{
    static struct job_result_room room;
    struct guard_request request = {
        .peer = rule->peer,
        .bound = SPAN(own),
        .role = rule->role,
        .key = SPAN(own),
        .state = KEY_STATE_ACTIVE,
        .operation = rule->operation,
        .payload = c->payloads[rule->payload],
        .ca_point = SPAN(c->ca),
        .origin = span_text("ward.example/log"),
        .now = CASE_NOW,
        .room = &room,
    };
    return request;
}

static void assert_answer(const struct guard_request *request, enum reason reason)
{
    struct guard guard = { 0 };
    struct payload out = { .kind = PAYLOAD_KIND_COUNT };
    struct trail trail = { 0 };
    rc r = guard_check(&trail, &guard, request, 1000, &out);
    if (reason == REASON_OK) {
        assert_true(rc_ok(r));
        assert_int_equal(trail.count, 0);
        return;
    }
    if (rc_number(r) != (uint32_t)reason)
        fail_msg("%s, not %s", reason_info((enum reason)rc_number(r))->name,
                 reason_info(reason)->name);
    assert_int_equal(rc_class_of(r), reason_info(reason)->class);
    assert_int_equal(trail.count, 1);
    assert_int_equal(out.kind, PAYLOAD_KIND_COUNT);
    assert_true(bytes_are_zero(&guard, sizeof guard));
}

/* The guest list, written a second time: who, which key, what for, on what. */
static bool meant(unsigned peer, unsigned role, unsigned operation, unsigned payload)
{
    switch (peer) {
    case GUARD_FRONT:
        return role == KEY_ROLE_TLS && operation == GUARD_SIGN && payload == PAYLOAD_TLS_SERVER;
    case GUARD_AUDIT:
        return role == KEY_ROLE_LOG && operation == GUARD_SIGN && payload == PAYLOAD_CHECKPOINT;
    case GUARD_CORE:
        return (role == KEY_ROLE_CA && operation == GUARD_SIGN && payload == PAYLOAD_CERTIFICATE) ||
               (role == KEY_ROLE_TOKEN && (operation == GUARD_MAC || operation == GUARD_CHECK) &&
                payload == PAYLOAD_TOKEN) ||
               (role == KEY_ROLE_MINER && operation == GUARD_SIGN &&
                (payload == PAYLOAD_MINER || payload == PAYLOAD_VERIFIED)) ||
               (role == KEY_ROLE_RESULT && operation == GUARD_SIGN && payload == PAYLOAD_RESULT);
    default:
        return false;
    }
}

static void every_combination(void **state)
{
    (void)state;
    static struct guard_case c;
    unsigned allowed = 0;
    case_make(&c);
    for (unsigned peer = 0; peer <= GUARD_PEER_COUNT; peer++)
        for (unsigned n = 0;
             n < (KEY_ROLE_COUNT + 1) * (GUARD_OPERATION_COUNT + 1) * PAYLOAD_KIND_COUNT; n++) {
            unsigned payload = n % PAYLOAD_KIND_COUNT;
            unsigned operation = n / PAYLOAD_KIND_COUNT % (GUARD_OPERATION_COUNT + 1);
            unsigned role = n / PAYLOAD_KIND_COUNT / (GUARD_OPERATION_COUNT + 1);
            const struct guard_rule rule = { (enum guard_peer)peer,
                                             (enum key_role)role,
                                             (enum guard_operation)operation,
                                             (enum payload_kind)payload,
                                             false,
                                             0,
                                             0 };
            struct guard_request request = request_for(&c, &rule);
            struct guard guard = { 0 };
            struct payload out = { 0 };
            bool ok = rc_ok(guard_check(NULL, &guard, &request, 0, &out));
            assert_int_equal(ok, meant(peer, role, operation, payload));
            assert_int_equal(out.kind, ok ? payload : PAYLOAD_NONE);
            allowed += ok;
        }
    assert_int_equal(allowed, GUARD_RULES);
}

static void each_refusal(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    for (size_t i = 0; i < GUARD_RULES; i++) {
        const struct guard_rule *rule = &guard_rules()[i];
        struct guard_request good = request_for(&c, rule);
        assert_answer(&good, REASON_OK);

        struct guard_request request = good;
        request.peer = rule->peer == GUARD_FRONT ? GUARD_VERIFY : GUARD_TEE;
        assert_answer(&request, REASON_GUARD_NOT_PERMITTED);
        request = good;
        request.role = KEY_ROLE_NODE;
        assert_answer(&request, REASON_GUARD_NOT_PERMITTED);

        request = good;
        request.key = SPAN(other);
        bool named = rule->bound || rule->role == KEY_ROLE_MINER || rule->role == KEY_ROLE_RESULT;
        assert_answer(&request, named ? REASON_GUARD_KEY_NOT_BOUND : REASON_OK);
        request.bound = request.key = (struct span){ 0 }; /* nothing is not bound to nothing */
        assert_answer(&request, REASON_GUARD_KEY_NOT_BOUND);
        request.bound = request.key = span_of(own, KEY_ID - 1);
        assert_answer(&request, REASON_GUARD_KEY_NOT_BOUND);

        request = good;
        request.state = KEY_STATE_RETIRED;
        assert_answer(&request, REASON_GUARD_KEY_RETIRED);
        request.state = KEY_STATE_NONE;
        assert_answer(&request, REASON_GUARD_KEY_RETIRED);
        request.state = KEY_STATE_VERIFYING;
        assert_answer(&request,
                      rule->operation == GUARD_CHECK ? REASON_OK : REASON_GUARD_KEY_RETIRED);

        request = good;
        request.payload = span_text("please");
        assert_answer(&request, REASON_GUARD_PAYLOAD_UNKNOWN);
        request.payload = (struct span){ 0 };
        assert_answer(&request, REASON_GUARD_PAYLOAD_UNKNOWN);
        request.payload =
            c.payloads[rule->payload == PAYLOAD_TOKEN ? PAYLOAD_CHECKPOINT : PAYLOAD_TOKEN];
        assert_answer(&request, REASON_GUARD_PAYLOAD_KIND);
    }
}

static void a_checkpoint_of_another_log(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    struct guard_request request = request_for(&c, &guard_rules()[1]);
    assert_int_equal(guard_rules()[1].payload, PAYLOAD_CHECKPOINT);
    static const char *const origins[] = { "", "ward.example", "ward.example/log2",
                                           "ward.example/lof" };
    for (size_t i = 0; i < 4; i++) {
        request.origin = span_text(origins[i]);
        assert_answer(&request, REASON_GUARD_PAYLOAD_ORIGIN);
    }
}

/* A token is signed when it is made, in the name of the house whose key signs it. */
static void a_token_of_another_time_or_house(void **state)
{
    (void)state;
    static struct guard_case c;
    static const struct {
        int64_t issued, now;
        enum reason reason;
    } rows[] = {
        { CASE_NOW - GUARD_SKEW_S, CASE_NOW, REASON_OK },
        { CASE_NOW + GUARD_SKEW_S, CASE_NOW, REASON_OK },
        { CASE_NOW - GUARD_SKEW_S - 1, CASE_NOW, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW + GUARD_SKEW_S + 1, CASE_NOW, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW, 0, REASON_GUARD_PAYLOAD_TIME },
        { 0, INT64_MIN, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW, INT64_MAX, REASON_GUARD_PAYLOAD_TIME },
    };
    case_make(&c);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        case_miner(&c, rows[i].issued);
        struct guard_request request = request_for(&c, &guard_rules()[5]);
        request.now = rows[i].now;
        assert_answer(&request, rows[i].reason);
    }
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        case_verified(&c, rows[i].issued);
        struct guard_request request = request_for(&c, &guard_rules()[6]);
        request.now = rows[i].now;
        assert_answer(&request, rows[i].reason);
    }
    case_miner(&c, CASE_NOW);
    struct guard_request request = request_for(&c, &guard_rules()[5]);
    assert_int_equal(guard_rules()[5].payload, PAYLOAD_MINER);
    request.origin = span_text("ward.example/lo");
    assert_answer(&request, REASON_GUARD_PAYLOAD_ORIGIN);
    request.origin = (struct span){ 0 };
    assert_answer(&request, REASON_GUARD_PAYLOAD_ORIGIN);
}

/* A result is signed soon after its job has ended, with the key that it names, and with no other
   key that this process may use: neither is a result a token, nor a token a result. */
static void a_result_of_another_time_or_key(void **state)
{
    (void)state;
    static struct guard_case c;
    static const struct {
        int64_t ended, now;
        enum reason reason;
    } rows[] = {
        { CASE_NOW, CASE_NOW + GUARD_RESULT_S, REASON_OK },
        { CASE_NOW, CASE_NOW + GUARD_RESULT_S + 1, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW, CASE_NOW - GUARD_SKEW_S, REASON_OK },
        { CASE_NOW, CASE_NOW - GUARD_SKEW_S - 1, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW, 0, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW, INT64_MIN, REASON_GUARD_PAYLOAD_TIME },
        { CASE_NOW, INT64_MAX, REASON_GUARD_PAYLOAD_TIME },
    };
    case_make(&c);
    const struct guard_rule *rule = &guard_rules()[7];
    assert_int_equal(rule->payload, PAYLOAD_RESULT);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct guard_request request = request_for(&c, rule);
        request.now = rows[i].now;
        assert_answer(&request, rows[i].reason);
    }
    struct guard_request request = request_for(&c, rule);
    request.room = NULL;
    assert_answer(&request, REASON_GUARD_PAYLOAD_UNKNOWN);
    for (unsigned kind = 1; kind < PAYLOAD_KIND_COUNT; kind++) {
        request = request_for(&c, rule);
        request.payload = c.payloads[kind];
        assert_answer(&request, kind == PAYLOAD_RESULT ? REASON_OK : REASON_GUARD_PAYLOAD_KIND);
    }
    request = request_for(&c, rule);
    request.role = KEY_ROLE_MINER;
    assert_answer(&request, REASON_GUARD_PAYLOAD_KIND);
}

static void a_certificate_of_another_ca(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    struct guard_request request = request_for(&c, &guard_rules()[2]);
    assert_int_equal(guard_rules()[2].payload, PAYLOAD_CERTIFICATE);
    request.ca_point = (struct span){ 0 };
    assert_answer(&request, REASON_GUARD_PAYLOAD_UNKNOWN);
    request.ca_point = SPAN(c.leaf);
    assert_answer(&request, REASON_GUARD_PAYLOAD_UNKNOWN);
}

/* Exactly `burst` at once, then one each interval, and never more than that in any second. */
static void rates(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    for (size_t i = 0; i < GUARD_RULES; i++) {
        const struct guard_rule *rule = &guard_rules()[i];
        struct guard_request request = request_for(&c, rule);
        struct guard guard = { 0 };
        struct payload out;
        int64_t interval = 1000000 / rule->per_second, now = 5000000;
        for (uint32_t n = 0; n < rule->burst; n++)
            assert_true(rc_ok(guard_check(NULL, &guard, &request, now, &out)));
        for (unsigned n = 0; n < 3; n++) {
            rc r = guard_check(NULL, &guard, &request, now + interval - 1, &out);
            assert_int_equal(rc_number(r), REASON_GUARD_RATE);
            assert_int_equal(rc_class_of(r), RC_BUSY);
        }
        for (unsigned n = 1; n < 5; n++) {
            assert_true(rc_ok(guard_check(NULL, &guard, &request, now + n * interval, &out)));
            assert_false(rc_ok(guard_check(NULL, &guard, &request, now + n * interval, &out)));
        }
        now += 3600 * INT64_C(1000000); /* rest does not save up more than the burst */
        for (uint32_t n = 0; n < rule->burst; n++)
            assert_true(rc_ok(guard_check(NULL, &guard, &request, now, &out)));
        assert_false(rc_ok(guard_check(NULL, &guard, &request, now, &out)));
    }
}

static void names(void **state)
{
    (void)state;
    assert_string_equal(guard_peer_name(GUARD_FRONT), "front");
    assert_string_equal(guard_peer_name(GUARD_PEER_COUNT), "unknown");
    assert_string_equal(guard_operation_name(GUARD_CHECK), "check");
    assert_string_equal(guard_operation_name(GUARD_OPERATION_COUNT), "unknown");
    assert_string_equal(key_role_name(KEY_ROLE_TLS), "tls");
    assert_string_equal(key_role_name(KEY_ROLE_COUNT), "unknown");
    assert_string_equal(key_kind_name(KEY_KIND_NONE), "unknown");
    assert_string_equal(key_state_name(KEY_STATE_RETIRED), "retired");
    for (unsigned i = 1; i < KEY_ROLE_COUNT; i++)
        assert_int_not_equal(key_role_kind((enum key_role)i), KEY_KIND_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_combination, ""),
        TEST(each_refusal, ""),
        TEST(a_checkpoint_of_another_log, ""),
        TEST(a_token_of_another_time_or_house, ""),
        TEST(a_result_of_another_time_or_key, ""),
        TEST(a_certificate_of_another_ca, ""),
        TEST(rates, ""),
        TEST(names, ""),
    };
    return RUN_TESTS(tests);
}
