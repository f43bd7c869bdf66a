/* test_keyring.c - the keeper's list of keys: its life, its plaintext, and what is none. */
#include "guard/keyring.h"

#include "crypto/ecdsa.h"
#include "crypto/ed25519.h"
#include "keyfile_case.h"

static void a_key_of_every_role(void **state)
{
    (void)state;
    struct crypto *crypto = crypto_new();
    for (unsigned role = 1; role < KEY_ROLE_COUNT; role++) {
        const struct keyring_key key = case_key((enum key_role)role, 3);
        const struct keyring_key again = case_key((enum key_role)role, 3);
        const struct keyring_key other = case_key((enum key_role)role, 4);
        assert_memory_equal(&key, &again, sizeof key);
        assert_memory_not_equal(key.id, other.id, KEY_ID);
        assert_int_equal(key.state, KEY_STATE_ACTIVE);
        assert_int_equal(key.kind, key_role_kind(key.role));
        if (key.kind == KEY_KIND_P256)
            assert_true(
                ecdsa_point_is_valid(crypto, CURVE_P256, span_of(key.public_part, P256_POINT)));
        assert_int_equal(bytes_are_zero(key.public_part, KEY_PUBLIC_MAX),
                         key.kind == KEY_KIND_HMAC);
    }
    /* One private part in two roles is two keys. */
    assert_memory_not_equal(case_key(KEY_ROLE_CA, 3).id, case_key(KEY_ROLE_TLS, 3).id, KEY_ID);
    crypto_free(&crypto);
}

static void what_is_no_private_part(void **state)
{
    (void)state;
    struct keyring_key key = { 0 };
    uint8_t bytes[KEY_PRIVATE + 1];
    memset(bytes, 0xff, sizeof bytes);
    for (unsigned role = 0; role <= KEY_ROLE_COUNT; role++) {
        bool good = role == KEY_ROLE_LOG || role == KEY_ROLE_TOKEN || role == KEY_ROLE_MINER ||
                    role == KEY_ROLE_RESULT;
        for (size_t len = 0; len <= sizeof bytes; len++)
            assert_int_equal(keyring_make_key((enum key_role)role, span_of(bytes, len), 1, &key),
                             good && len == KEY_PRIVATE);
        assert_false(keyring_make_key((enum key_role)role, span_of(bytes, KEY_PRIVATE), -1, &key));
    }
    memset(bytes, 0, sizeof bytes);
    for (unsigned role = 0; role <= KEY_ROLE_COUNT; role++)
        assert_false(keyring_make_key((enum key_role)role, span_of(bytes, KEY_PRIVATE), 1, &key));
}

static void the_life_of_a_key(void **state)
{
    (void)state;
    for (unsigned role = 1; role < KEY_ROLE_COUNT; role++) {
        struct keyring ring = { 0 };
        const struct keyring_key first = case_key((enum key_role)role, 1);
        const struct keyring_key second = case_key((enum key_role)role, 2);
        assert_null(keyring_active(&ring, first.role));
        assert_reason(keyring_rotate(NULL, &ring, &second, SPAN(first.id)),
                      REASON_KEYRING_NO_SUCH_KEY);
        assert_true(rc_ok(keyring_add(NULL, &ring, &first)));
        assert_reason(keyring_add(NULL, &ring, &first), REASON_KEYRING_FORMAT);
        rc r = keyring_add(NULL, &ring, &second);
        assert_int_equal(rc_ok(r), role == KEY_ROLE_TLS);
        ring.count = 1;
        assert_true(rc_ok(keyring_rotate(NULL, &ring, &second, SPAN(first.id))));
        assert_true(keyring_is_sound(&ring));
        assert_memory_equal(keyring_active(&ring, first.role)->id, second.id, KEY_ID);

        const struct keyring_key *old = keyring_find(&ring, SPAN(first.id));
        bool checks = first.kind == KEY_KIND_HMAC;
        assert_non_null(old);
        assert_int_equal(old->state, checks ? KEY_STATE_VERIFYING : KEY_STATE_RETIRED);
        assert_int_equal(old->retired, second.created);
        assert_int_equal(keyring_has_private(old), checks);
        assert_int_equal(rc_ok(keyring_forget(NULL, &ring, SPAN(first.id))), !checks);
        assert_int_equal(rc_ok(keyring_retire(NULL, &ring, SPAN(first.id), 5)), checks);
        assert_int_equal(rc_ok(keyring_forget(NULL, &ring, SPAN(first.id))), checks);
        assert_null(keyring_find(&ring, SPAN(first.id)));
        assert_int_equal(ring.count, 1);
        assert_reason(keyring_forget(NULL, &ring, SPAN(second.id)), REASON_KEYRING_NO_SUCH_KEY);
        assert_reason(keyring_retire(NULL, &ring, SPAN(first.id), 5), REASON_KEYRING_NO_SUCH_KEY);
        assert_true(keyring_is_sound(&ring));
    }
}

/* A clock that went back between making a key and retiring it. */
static void retired_before_it_was_made(void **state)
{
    (void)state;
    struct keyring ring = { 0 };
    struct keyring_key key = case_key(KEY_ROLE_CA, 1);
    assert_true(rc_ok(keyring_add(NULL, &ring, &key)));
    assert_true(rc_ok(keyring_retire(NULL, &ring, SPAN(key.id), 1)));
    assert_int_equal(ring.keys[0].retired, key.created);
    key = case_key(KEY_ROLE_CA, 2);
    key.created = 0;
    assert_true(rc_ok(keyring_add(NULL, &ring, &key)));
    assert_true(rc_ok(keyring_retire(NULL, &ring, SPAN(key.id), 0)));
    assert_true(keyring_is_sound(&ring));
}

static void as_many_as_fit(void **state)
{
    (void)state;
    struct keyring ring = { 0 };
    static uint8_t plain[KEYRING_LEN];
    for (unsigned n = 0; n <= KEYRING_KEYS_MAX; n++) {
        const struct keyring_key key = case_key(KEY_ROLE_TLS, n);
        rc r = keyring_add(NULL, &ring, &key);
        if (n < KEYRING_KEYS_MAX)
            assert_true(rc_ok(r));
        else
            assert_reason(r, REASON_KEYRING_FULL);
    }
    const struct keyring before = ring;
    const struct keyring_key more = case_key(KEY_ROLE_TLS, KEYRING_KEYS_MAX);
    assert_reason(keyring_rotate(NULL, &ring, &more, SPAN(ring.keys[0].id)), REASON_KEYRING_FULL);
    assert_memory_equal(&ring, &before, sizeof ring);
    assert_true(rc_ok(keyring_write(NULL, &ring, case_give, NULL, plain)));
    assert_true(rc_ok(keyring_read(NULL, SPAN(plain), &ring)));
    assert_int_equal(ring.count, KEYRING_KEYS_MAX);
}

static void written_and_read(void **state)
{
    (void)state;
    static uint8_t plain[KEYRING_LEN];
    const struct keyring ring = case_ring();
    struct keyring read;
    memset(plain, 0xee, sizeof plain);
    assert_true(rc_ok(keyring_write(NULL, &ring, case_give, NULL, plain)));
    assert_true(rc_ok(keyring_read(NULL, SPAN(plain), &read)));
    assert_int_equal(read.count, ring.count);
    for (size_t i = 0; i < ring.count; i++) {
        uint8_t want[KEY_PRIVATE];
        assert_memory_equal(read.keys[i].id, ring.keys[i].id, KEY_ID);
        struct span private_part = keyring_private(SPAN(plain), &read, i);
        assert_int_equal(private_part.len, keyring_has_private(&ring.keys[i]) ? KEY_PRIVATE : 0);
        if (private_part.len == 0)
            continue;
        assert_true(rc_ok(case_give(&ring.keys[i], want, NULL)));
        assert_span_equal(private_part, SPAN(want));
    }
    assert_int_equal(keyring_private(SPAN(plain), &read, read.count).len, 0);
    assert_int_equal(keyring_private(span_of(plain, 5), &read, 0).len, 0);
}

/* A retired key's private part is nowhere in the plaintext. */
static void retired_is_gone(void **state)
{
    (void)state;
    static uint8_t plain[KEYRING_LEN];
    struct keyring ring = { 0 };
    struct keyring_key key = case_key(KEY_ROLE_CA, 9);
    uint8_t private_part[KEY_PRIVATE];
    case_private(9, private_part);
    assert_true(rc_ok(keyring_add(NULL, &ring, &key)));
    assert_true(rc_ok(keyring_write(NULL, &ring, case_give, NULL, plain)));
    assert_non_null(memmem(plain, sizeof plain, private_part, 8));
    assert_true(rc_ok(keyring_retire(NULL, &ring, SPAN(key.id), 1800000000)));
    assert_true(rc_ok(keyring_write(NULL, &ring, case_give, NULL, plain)));
    assert_null(memmem(plain, sizeof plain, private_part, 8));
    assert_non_null(memmem(plain, sizeof plain, key.public_part, P256_POINT));
}

static rc give_nothing(const struct keyring_key *key, uint8_t *at, void *arg)
{
    unsigned *left = arg;
    if ((*left)-- == 0)
        return rc_make(RC_WORLD, 5);
    return case_give(key, at, NULL);
}

static void a_failed_write_leaves_nothing(void **state)
{
    (void)state;
    static uint8_t plain[KEYRING_LEN];
    const struct keyring ring = case_ring();
    unsigned with_private = 0;
    for (size_t i = 0; i < ring.count; i++)
        with_private += keyring_has_private(&ring.keys[i]);
    for (unsigned n = 0; n <= with_private; n++) {
        unsigned left = n;
        struct trail trail = { 0 };
        rc r = keyring_write(&trail, &ring, give_nothing, &left, plain);
        assert_int_equal(rc_ok(r), n == with_private);
        if (n == with_private)
            continue;
        assert_int_equal(rc_number(r), 5);
        assert_int_equal(trail.count, 1);
        assert_true(bytes_are_zero(plain, sizeof plain));
    }
}

/* The private parts that a plaintext holds already. */
struct source {
    struct span plain;
    const struct keyring *ring;
};

static rc give_same(const struct keyring_key *key, uint8_t *at, void *arg)
{
    const struct source *source = arg;
    struct span part = keyring_private(source->plain, source->ring,
                                       (size_t)(key - source->ring->keys));
    assert_int_equal(part.len, KEY_PRIVATE);
    memcpy(at, part.at, KEY_PRIVATE);
    return RC_SUCCESS;
}

static void every_length_and_every_bit(void **state)
{
    (void)state;
    static uint8_t plain[KEYRING_LEN + 1], again[KEYRING_LEN];
    const struct keyring ring = case_ring();
    struct keyring read;
    assert_true(rc_ok(keyring_write(NULL, &ring, case_give, NULL, plain)));
    for (size_t len = 0; len <= sizeof plain; len++)
        assert_int_equal(rc_ok(keyring_read(NULL, span_of(plain, len), &read)), len == KEYRING_LEN);
    /* What is accepted in spite of a flipped bit is a ring that is written the same way. */
    for (size_t bit = 0; bit < 8 * (size_t)KEYRING_LEN; bit++) {
        plain[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (rc_ok(keyring_read(NULL, span_of(plain, KEYRING_LEN), &read))) {
            assert_true(keyring_is_sound(&read));
            assert_true(bit / 8 >= 16 && bit / 8 < 16 + ring.count * KEYRING_RECORD);
            struct source source = { span_of(plain, KEYRING_LEN), &read };
            assert_true(rc_ok(keyring_write(NULL, &read, give_same, &source, again)));
            assert_memory_equal(again, plain, KEYRING_LEN);
        }
        plain[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

typedef void change_fn(struct keyring *ring);

static void same_id(struct keyring *ring)
{
    memcpy(ring->keys[1].id, ring->keys[0].id, KEY_ID);
}
static void zero_id(struct keyring *ring)
{
    memset(ring->keys[0].id, 0, KEY_ID);
}
static void other_kind(struct keyring *ring)
{
    ring->keys[0].kind = KEY_KIND_ED25519;
}
static void no_role(struct keyring *ring)
{
    ring->keys[0].role = KEY_ROLE_NONE;
}
static void two_sign(struct keyring *ring)
{
    ring->keys[0].state = KEY_STATE_ACTIVE;
    ring->keys[0].retired = 0;
}
static void signing_checks_only(struct keyring *ring)
{
    ring->keys[0].state = KEY_STATE_VERIFYING;
}
static void active_with_an_end(struct keyring *ring)
{
    ring->keys[1].retired = ring->keys[1].created;
}
static void retired_without_an_end(struct keyring *ring)
{
    ring->keys[0].retired = 0;
}
static void ends_before_it_begins(struct keyring *ring)
{
    ring->keys[0].retired = ring->keys[0].created - 1;
}
static void no_public_part(struct keyring *ring)
{
    memset(ring->keys[0].public_part, 0, KEY_PUBLIC_MAX);
}
static void compressed_point(struct keyring *ring)
{
    ring->keys[0].public_part[0] = 2;
}
static void mac_with_public_part(struct keyring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        if (ring->keys[i].kind == KEY_KIND_HMAC)
            ring->keys[i].public_part[3] = 1;
}
static void unknown_state(struct keyring *ring)
{
    ring->keys[0].state = KEY_STATE_COUNT;
}
static void too_many(struct keyring *ring)
{
    ring->count = KEYRING_KEYS_MAX + 1;
}

static void rings_that_are_not_sound(void **state)
{
    (void)state;
    static uint8_t plain[KEYRING_LEN];
    change_fn *const changes[] = { same_id,
                                   zero_id,
                                   other_kind,
                                   no_role,
                                   two_sign,
                                   signing_checks_only,
                                   active_with_an_end,
                                   retired_without_an_end,
                                   ends_before_it_begins,
                                   no_public_part,
                                   compressed_point,
                                   mac_with_public_part,
                                   unknown_state,
                                   too_many };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct keyring ring = case_ring();
        assert_true(keyring_is_sound(&ring));
        changes[i](&ring);
        if (keyring_is_sound(&ring))
            fail_msg("change %zu", i);
        assert_reason(keyring_write(NULL, &ring, case_give, NULL, plain), REASON_KEYRING_FORMAT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_key_of_every_role, ""),
        TEST(what_is_no_private_part, ""),
        TEST(the_life_of_a_key, ""),
        TEST(retired_before_it_was_made, ""),
        TEST(as_many_as_fit, ""),
        TEST(written_and_read, ""),
        TEST(retired_is_gone, ""),
        TEST(a_failed_write_leaves_nothing, ""),
        TEST(every_length_and_every_bit, ""),
        TEST(rings_that_are_not_sound, ""),
    };
    return RUN_TESTS(tests);
}
