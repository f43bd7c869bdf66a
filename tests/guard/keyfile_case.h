/* keyfile_case.h - a keyring with a key of every role, and its plaintext, for the tests of the
   keeper's file. */
#ifndef WARD_TESTS_GUARD_KEYFILE_CASE_H
#define WARD_TESTS_GUARD_KEYFILE_CASE_H

#include <string.h>

#include "guard/keyfile.h"
#include "test.h"

/* The private part of a key of the tests: its id's first byte says which. */
static inline void case_private(unsigned n, uint8_t out[KEY_PRIVATE])
{
    for (size_t i = 0; i < KEY_PRIVATE; i++)
        out[i] = (uint8_t)(i * 5 + n * 11 + 1);
}

/* Gives the private part of any key that keyring_make_key made of one of case_private's. */
static inline rc case_give(const struct keyring_key *key, uint8_t *at, void *arg)
{
    (void)arg;
    for (unsigned n = 0; n < 2 * KEYRING_KEYS_MAX; n++) {
        struct keyring_key other;
        uint8_t private_part[KEY_PRIVATE];
        case_private(n, private_part);
        if (!keyring_make_key(key->role, SPAN(private_part), key->created, &other) ||
            !bytes_equal(other.id, key->id, KEY_ID))
            continue;
        memcpy(at, private_part, KEY_PRIVATE);
        return RC_SUCCESS;
    }
    return rc_make(RC_WORLD, 77);
}

static inline struct keyring_key case_key(enum key_role role, unsigned n)
{
    struct keyring_key key;
    uint8_t private_part[KEY_PRIVATE];
    case_private(n, private_part);
    assert_true(keyring_make_key(role, SPAN(private_part), 1700000000 + n, &key));
    return key;
}

/* One of every role that signs, and one of every role that is past it. */
static inline struct keyring case_ring(void)
{
    struct keyring ring = { 0 };
    for (unsigned role = 1; role < KEY_ROLE_COUNT; role++) {
        const struct keyring_key old = case_key((enum key_role)role, role);
        const struct keyring_key now = case_key((enum key_role)role, role + 20);
        assert_true(rc_ok(keyring_add(NULL, &ring, &old)));
        assert_true(rc_ok(keyring_rotate(NULL, &ring, &now, SPAN(old.id))));
    }
    return ring;
}

static inline void assert_reason(rc r, enum reason reason)
{
    assert_int_equal(rc_number(r), reason);
    assert_int_equal(rc_class_of(r), reason_info(reason)->class);
}

#endif
