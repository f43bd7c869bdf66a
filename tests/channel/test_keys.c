/* test_keys.c - public keys that no honest peer has: of small order, in a second spelling, or
   this end's own.  They are refused by both sides before anything is derived: the linker puts a
   counter in front of hkdf_extract. */
#include "pair.h"

void __real_hkdf_extract(struct span salt, struct span secret, uint8_t out[SHA256_LEN]);
void __wrap_hkdf_extract(struct span salt, struct span secret, uint8_t out[SHA256_LEN]);

static unsigned derived;
static struct bulk *bulk;
static struct pair fresh;

void __wrap_hkdf_extract(struct span salt, struct span secret, uint8_t out[SHA256_LEN])
{
    derived++;
    __real_hkdf_extract(salt, secret, out);
}

enum { POINT_AT = 34 };

/* Both sides get it as the peer's key; true when both go on. */
static bool taken(const uint8_t point[X25519_LEN])
{
    static struct pair pair;
    static struct message accept;
    unsigned ended = 0;
    derived = 0;
    pair.r = fresh.r;
    struct message hello = fresh.i.said;
    memcpy(hello.at + POINT_AT, point, X25519_LEN);
    end_hear(&pair.r, span_of(hello.at, hello.len));
    if (pair.r.event.kind == ATTESTED_ENDED) {
        assert_ended(&pair.r, REASON_CHANNEL_KEY);
        assert_int_equal(derived, 0);
        ended++;
    }
    derived = 0;
    pair.i = fresh.i;
    accept = fresh.r.said;
    memcpy(accept.at + POINT_AT, point, X25519_LEN);
    end_hear(&pair.i, span_of(accept.at, accept.len));
    if (pair.i.event.reason == REASON_CHANNEL_KEY) {
        assert_ended(&pair.i, REASON_CHANNEL_KEY);
        assert_int_equal(derived, 0);
        assert_int_equal(pair.i.said.at[0], ATTESTED_REFUSE);
        ended++;
    } else { /* its key is not the one that the message was sealed for */
        assert_ended(&pair.i, REASON_CHANNEL_TRANSCRIPT);
        assert_int_equal(derived, 1);
    }
    assert_true(ended == 0 || ended == 2);
    return ended == 0;
}

static void a_point_of(uint8_t out[X25519_LEN], uint8_t low, uint8_t middle, uint8_t high)
{
    memset(out, middle, X25519_LEN);
    out[0] = low;
    out[X25519_LEN - 1] = high;
}

/* The points of order 1, 2, 4 and 8 on the curve and its twist, in every spelling below 2^256
   that RFC 7748 section 5 would read as one of them. */
static void points_of_small_order(void **state)
{
    (void)state;
    /* Order 8: the two that are no small numbers (cr.yp.to/ecdh.html). */
    static const uint8_t order_8[2][X25519_LEN] = {
        { 0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3,
          0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32,
          0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00 },
        { 0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1,
          0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c,
          0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57 },
    };
    uint8_t point[X25519_LEN];
    for (unsigned top = 0; top < 2; top++) {
        const uint8_t bit = top ? 0x80 : 0;
        for (unsigned n = 0; n < 2; n++) {
            memcpy(point, order_8[n], sizeof point);
            point[31] |= bit;
            assert_false(taken(point));
            a_point_of(point, (uint8_t)n, 0, bit); /* 0 and 1 */
            assert_false(taken(point));
        }
        for (unsigned low = 0xec; low <= 0xee; low++) { /* p - 1, p, p + 1 */
            a_point_of(point, (uint8_t)low, 0xff, 0x7f | bit);
            assert_false(taken(point));
        }
    }
}

/* p to 2^255 - 1: all of them, and all with the top bit set that are looked at here. */
static void second_spellings(void **state)
{
    (void)state;
    uint8_t point[X25519_LEN];
    for (unsigned low = 0xed; low <= 0xff; low++) {
        a_point_of(point, (uint8_t)low, 0xff, 0x7f);
        assert_false(taken(point));
        a_point_of(point, (uint8_t)low, 0xff, 0xff);
        assert_false(taken(point));
    }
    a_point_of(point, 0xeb, 0xff, 0x7f); /* p - 2 is a good one */
    assert_true(taken(point));
    for (size_t bit = 0; bit < 255; bit++) { /* a good key with its top bit set */
        memcpy(point, fresh.i.channel.point[0], sizeof point);
        point[bit / 8] ^= (uint8_t)(1u << bit % 8);
        point[31] |= 0x80;
        assert_false(taken(point));
    }
}

static void a_million_random_keys(void **state)
{
    (void)state;
    enum { KEYS = 1000 * 1000, EXCHANGES = 1000 };
    struct test_random random = { 19 };
    unsigned exchanges = 0, refused = 0;
    for (unsigned n = 0; n < KEYS; n++) {
        uint8_t point[X25519_LEN];
        for (size_t i = 0; i < sizeof point; i++)
            point[i] = (uint8_t)(test_random_next(&random) >> 11);
        bool good = point[31] < 0x80; /* p to 2^255 are too few to be met */
        assert_int_equal(x25519_is_canonical(point), good);
        if (!good || exchanges++ < EXCHANGES) /* an exchange costs time, a refusal none */
            assert_int_equal(taken(point), good);
        refused += !good;
    }
    assert_true(refused > KEYS / 3 && refused < KEYS / 3 * 2);
}

/* A peer that answers with this end's own key, and both ends with one key. */
static void equal_keys(void **state)
{
    (void)state;
    static struct pair pair;
    pair = fresh;
    struct message hello = pair.i.said;
    memcpy(hello.at + POINT_AT, pair.r.channel.point[1], X25519_LEN);
    derived = 0;
    end_hear(&pair.r, span_of(hello.at, hello.len));
    assert_ended(&pair.r, REASON_CHANNEL_KEY);

    struct message accept = fresh.r.said;
    memcpy(accept.at + POINT_AT, pair.i.channel.point[0], X25519_LEN);
    end_hear(&pair.i, span_of(accept.at, accept.len));
    assert_ended(&pair.i, REASON_CHANNEL_KEY);
    assert_int_equal(derived, 0);

    end_make(&pair.i, setup_of(ATTESTED_INITIATOR, bulk), 5); /* as if their randomness were one */
    end_make(&pair.r, setup_of(ATTESTED_RESPONDER, bulk), 5);
    end_start(&pair.i);
    end_hear(&pair.r, said_by(&pair.i));
    assert_ended(&pair.r, REASON_CHANNEL_KEY);
}

/* The own secret is gone as soon as it was used, and all of them when the channel is over. */
static void secrets_that_are_gone(void **state)
{
    (void)state;
    static struct pair pair;
    static struct script script;
    uint8_t own[2][X25519_LEN], handshake[SHA256_LEN];
    pair_make(&pair, bulk, 40);
    memcpy(own[0], pair.i.channel.keys.own, X25519_LEN);
    memcpy(own[1], pair.r.channel.keys.own, X25519_LEN);
    pair.i.hold = true;
    end_start(&pair.i);
    end_hear(&pair.r, said_by(&pair.i));
    end_hear(&pair.i, said_by(&pair.r));
    memcpy(handshake, pair.i.channel.keys.handshake, SHA256_LEN);
    assert_false(bytes_are_zero(handshake, sizeof handshake));
    pair_make(&pair, bulk, 40);
    pair_shake(&pair, &script);
    const struct attested *ends[] = { &pair.i.channel, &pair.r.channel };
    for (unsigned e = 0; e < 2; e++) {
        const uint8_t *bytes = (const uint8_t *)ends[e];
        assert_true(attested_is_open(ends[e]));
        for (size_t at = 0; at + 32 <= sizeof *ends[e]; at++) {
            assert_memory_not_equal(bytes + at, own[0], 32);
            assert_memory_not_equal(bytes + at, own[1], 32);
            assert_memory_not_equal(bytes + at, handshake, 32);
        }
    }
}

static int begin(void **state)
{
    (void)state;
    bulk = bulk_new();
    if (bulk == NULL)
        return -1;
    pair_make(&fresh, bulk, 33);
    end_start(&fresh.i);
    static struct end other; /* for an ACCEPT of the right form */
    end_make(&other, setup_of(ATTESTED_RESPONDER, bulk), 34);
    end_hear(&other, said_by(&fresh.i));
    fresh.r.said = other.said;
    return 0;
}

static int finish(void **state)
{
    (void)state;
    bulk_free(&bulk);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(points_of_small_order, "RL-19 PC-23"),
        TEST(second_spellings, "RL-19"),
        TEST(a_million_random_keys, "RL-19"),
        TEST(equal_keys, "RL-19"),
        TEST(secrets_that_are_gone, ""),
    };
    return cmocka_run_group_tests(tests, begin, finish);
}
