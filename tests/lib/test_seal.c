/* test_seal.c - libward's sealed boxes: known answers, what is not opened, what is no credential,
   and what a program that becomes another gives it. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/hex.h"
#include "crypto/curve.h"
#include "http/problem.h"
#include "lib/objects.h"
#include "lib/subject.h"
#include "ward/seal.h"

#include "test.h"

enum { BOX_MAX = 2 * WARD_CREDENTIAL_MAX };

static uint8_t seed[WARD_SEAL_SEED]; /* 01 again and again, as the public vector has it */
static uint8_t key[WARD_SEAL_KEY];

static struct ward_bytes bytes(const void *at, size_t len)
{
    return (struct ward_bytes){ .data = at, .len = len };
}

static void assert_hex(const uint8_t *at, const char *hex)
{
    uint8_t wanted[32];
    assert_true(hex_decode(span_text(hex), wanted, sizeof wanted));
    assert_memory_equal(at, wanted, sizeof wanted);
}

static void known_answers(void **state)
{
    uint8_t curve[X25519_LEN], secret[X25519_LEN], own[X25519_LEN];
    (void)state;
    assert_hex(key, "8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c");
    assert_true(curve_public(key, curve));
    assert_hex(curve, "1b1b58dd50ea14b60da17b790cd02754d970c9bab864ebb3c0f3016fe51d3f57");
    curve_secret(seed, secret);
    assert_hex(secret, "58e86efb75fa4e2c410f46e16de9f6acae1a1703528651b69bc176c088bef36e");
    x25519_public(secret, own);
    assert_memory_equal(own, curve, sizeof own);
}

/* A refusal of a peer's bytes: what an API answers with 400. */
static void assert_refused(enum ward_outcome outcome, const struct ward_error *error,
                           const char *reason)
{
    assert_int_equal(outcome, WARD_BAD_INPUT);
    assert_non_null(error->reason);
    assert_string_equal(error->reason, reason);
    assert_int_equal(problem_status(reason_find(span_text(reason))), 400);
}

static void every_cut_and_every_bit(void **state)
{
    static const char text[] = "postgres://user:word@host/db";
    uint8_t box[sizeof text + WARD_SEAL_EXTRA], plain[sizeof box], other[WARD_SEAL_SEED] = { 2 };
    struct ward_error error = { 0 };
    (void)state;
    assert_int_equal(ward_seal(key, bytes(text, sizeof text), box, &error), WARD_DONE);
    assert_int_equal(ward_unseal(seed, bytes(box, sizeof box), plain, &error), WARD_DONE);
    assert_memory_equal(plain, text, sizeof text);
    for (size_t len = 0; len < sizeof box; len++)
        assert_refused(ward_unseal(seed, bytes(box, len), plain, &error), &error,
                       "SEAL_NOT_OPENED");
    for (size_t bit = 0; bit < 8 * sizeof box; bit++) {
        box[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_refused(ward_unseal(seed, bytes(box, sizeof box), plain, &error), &error,
                       "SEAL_NOT_OPENED");
        box[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_refused(ward_unseal(other, bytes(box, sizeof box), plain, &error), &error,
                   "SEAL_NOT_OPENED");
    assert_refused(ward_unseal(seed, bytes(NULL, 100), plain, &error), &error, "SEAL_NOT_OPENED");
    assert_int_equal(ward_seal(key, bytes(NULL, 0), box, &error), WARD_DONE); /* of nothing */
    assert_int_equal(ward_unseal(seed, bytes(box, WARD_SEAL_EXTRA), plain, &error), WARD_DONE);
    error = (struct ward_error){ 0 };
    assert_int_equal(ward_seal(key, bytes(NULL, 5), box, &error), WARD_BAD_INPUT);
    assert_null(error.reason);
}

/* Points of small order, a coordinate past the prime, and what is no point. */
static void keys_that_are_none(void **state)
{
    static const char *const none[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "0200000000000000000000000000000000000000000000000000000000000000",
    };
    uint8_t to[WARD_SEAL_KEY], box[WARD_SEAL_EXTRA + 1];
    struct ward_error error = { 0 };
    (void)state;
    for (size_t k = 0; k < COUNT_OF(none); k++) {
        assert_true(hex_decode(span_text(none[k]), to, sizeof to));
        assert_refused(ward_seal(to, bytes("a", 1), box, &error), &error, "SEAL_KEY_UNUSABLE");
    }
}

static size_t sealed(const void *text, size_t len, uint8_t box[BOX_MAX])
{
    assert_true(len + WARD_SEAL_EXTRA <= BOX_MAX);
    assert_int_equal(ward_seal(key, bytes(text, len), box, NULL), WARD_DONE);
    return len + WARD_SEAL_EXTRA;
}

/* What the environment's SDK_DB_DSN is in a program that a child becomes; "" when it does not. */
static void become(const uint8_t *box, size_t len, char *const environment[], char *out, size_t cap)
{
    static char shell[] = "/bin/sh", flag[] = "-c",
                script[] = "printf '%s|%s|' \"$SDK_DB_DSN\" \"$OTHER\"; ulimit -c";
    char *const arguments[] = { shell, flag, script, NULL };
    int ends[2], status;
    size_t have = 0;
    ssize_t got;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ward_credential *credential = NULL;
        if (dup2(ends[1], STDOUT_FILENO) < 0 ||
            ward_credential_open(seed, bytes(box, len), "SDK_DB_DSN", &credential, NULL) !=
                WARD_DONE ||
            ward_credential_exec(credential, shell, arguments, environment, NULL) != WARD_DONE)
            _exit(9);
    }
    close(ends[1]);
    while ((got = read(ends[0], out + have, cap - 1 - have)) > 0)
        have += (size_t)got;
    out[have] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : 1, have > 0 ? 0 : 9);
}

static void what_the_workload_has(void **state)
{
    static const struct {
        const char *sealed, *value;
    } cases[] = {
        { "postgres://u:p@h/db", "postgres://u:p@h/db" },
        { "{\"dsn\":\"postgres://u:p@h/db\"}", "postgres://u:p@h/db" },
        { " {\"dsn\": \"a\"}", " {\"dsn\": \"a\"}" }, /* JSON begins with its brace */
        { "{\"version\": 3, \"dsn\" : \"p\\u00e9\\/\\\"\"}", "p\xc3\xa9/\"" },
    };
    static char old[] = "SDK_DB_DSN=of before", other[] = "OTHER=kept",
                longer[] = "SDK_DB_DSN_2=another";
    char *const environment[] = { old, other, longer, old, NULL };
    uint8_t box[BOX_MAX];
    char found[2 * WARD_CREDENTIAL_MAX], wanted[256];
    (void)state;
    for (size_t c = 0; c < COUNT_OF(cases); c++) {
        size_t len = sealed(cases[c].sealed, strlen(cases[c].sealed), box);
        struct sink text = sink_over(wanted, sizeof wanted);
        sink_format(&text, "%s|kept|0\n", cases[c].value); /* blocks of 512 bytes of a core */
        sink_terminate(&text);
        become(box, len, environment, found, sizeof found);
        assert_string_equal(found, wanted);
    }
    static char longest[WARD_CREDENTIAL_MAX];
    memset(longest, 'x', sizeof longest);
    become(box, sealed(longest, sizeof longest, box), NULL, found, sizeof found);
    assert_memory_equal(found, longest, sizeof longest);
    assert_int_equal(found[sizeof longest], '|');
}

/* Boxes that PyNaCl 1.5.0 made with
   SealedBox(SigningKey(seed).verify_key.to_curve25519_public_key()), of a DSN as it is and as JSON;
   no byte less and no bit else opens. */
static void boxes_of_pynacl(void **state)
{
    static const char *const boxes[] = {
        "0732156551adedb24458be8bb8b2b2a8973912b306a3282257acc9012c393759aa46cd6db36b1953"
        "efb1149ff4738142a13c9069b007a070a92aabbea4062951df5bd6dc34b9e2c14a3f0e2f",
        "6b9aba07210a38137c80ebb9e84bbeb57db134f68067c1f181df0f321bc0400da9950343596e5790"
        "67f28904d3741359c73e23f0fb6a29df75fdb1c02c38c023a633687bbdc5ac70d102e0cfaef61e95"
        "e4a0ca9cf37982",
    };
    static const char *const plain[] = {
        "postgres://user:word@host/db",
        "{\"dsn\": \"postgres://user:word@host/db\"}",
    };
    uint8_t box[256], opened[256];
    char found[256];
    struct ward_credential *credential = NULL;
    struct ward_error error = { 0 };
    (void)state;
    for (size_t b = 0; b < COUNT_OF(boxes); b++) {
        const size_t len = strlen(boxes[b]) / 2;
        assert_true(hex_decode(span_text(boxes[b]), box, len));
        assert_int_equal(ward_unseal(seed, bytes(box, len), opened, &error), WARD_DONE);
        assert_span_equal(span_of(opened, len - WARD_SEAL_EXTRA), span_text(plain[b]));
        become(box, len, NULL, found, sizeof found);
        assert_string_equal(found, "postgres://user:word@host/db||0\n");
        for (size_t cut = 0; cut < len; cut++)
            assert_refused(ward_credential_open(seed, bytes(box, cut), "DSN", &credential, &error),
                           &error, "SEAL_NOT_OPENED");
        for (size_t bit = 0; bit < 8 * len; bit++) {
            box[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_refused(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error),
                           &error, "SEAL_NOT_OPENED");
            box[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
    assert_null(credential);
}

static void what_is_no_credential(void **state)
{
    static char longer[WARD_CREDENTIAL_MAX + 1];
    static const char *const none[] = {
        "{",
        "{}",
        "{\"DSN\":\"a\"}",
        "{\"dsn\":\"\"}",
        "{\"dsn\":1}",
        "{\"dsn\":null}",
        "{\"dsn\":[\"a\"]}",
        "{\"dsn\":\"a\"} ,",
        "{\"dsn\":\"a\",\"dsn\":\"b\"}",
        "{\"dsn\":\"a\\u0000b\"}",
        "{\"dsn\":\"a\\nb\"}",
        "postgres://a\n",
        "a\tb",
        "a\x7f",
        "\xff\xfe",
    };
    uint8_t box[BOX_MAX];
    struct ward_credential *credential = NULL;
    struct ward_error error = { 0 };
    (void)state;
    for (size_t c = 0; c < COUNT_OF(none); c++) {
        size_t len = sealed(none[c], strlen(none[c]), box);
        assert_refused(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error),
                       &error, "SEAL_CREDENTIAL_UNUSABLE");
        if (strlen(none[c]) > 2) /* braces are in every help */
            assert_null(strstr(error.message, none[c]));
    }
    memset(longer, 'x', sizeof longer);
    size_t len = sealed(longer, sizeof longer, box);
    assert_refused(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error), &error,
                   "SEAL_CREDENTIAL_UNUSABLE");
    len = sealed("a\0b", 3, box);
    assert_refused(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error), &error,
                   "SEAL_CREDENTIAL_UNUSABLE");
    len = sealed("", 0, box);
    assert_refused(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error), &error,
                   "SEAL_NOT_OPENED");
    len = sealed("good", 4, box);
    box[len - 1] ^= 1;
    assert_refused(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error), &error,
                   "SEAL_NOT_OPENED");
    box[len - 1] ^= 1;
    assert_refused(ward_credential_open(seed, bytes(box, SIZE_MAX), "DSN", &credential, &error),
                   &error, "SEAL_CREDENTIAL_UNUSABLE");
    assert_null(credential);
}

static void names_of_variables(void **state)
{
    static const struct {
        const char *name;
        bool good;
    } names[] = { { "A", true },   { "SDK_DB_DSN", true }, { "_9", true }, { "", false },
                  { NULL, false }, { "9A", false },        { "a", false }, { "A=B", false } };
    uint8_t box[BOX_MAX];
    struct ward_credential *credential = NULL;
    size_t len = sealed("good", 4, box);
    (void)state;
    for (size_t n = 0; n < COUNT_OF(names); n++) {
        assert_int_equal(
            ward_credential_open(seed, bytes(box, len), names[n].name, &credential, NULL),
            names[n].good ? WARD_DONE : WARD_BAD_INPUT);
        ward_credential_free(&credential);
        assert_null(credential);
    }
}

/* Without memory that can be locked there is none; a program that is not there leaves it whole. */
static void when_it_cannot_be(void **state)
{
    static char nobody[] = "/nonexistent/program";
    char *const arguments[] = { nobody, NULL };
    static char *many[5000];
    uint8_t box[BOX_MAX];
    struct ward_credential *credential = NULL;
    struct ward_error error = { 0 };
    size_t len = sealed("word", 4, box);
    int status;
    (void)state;
    assert_int_equal(ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error),
                     WARD_DONE);
    assert_int_equal(ward_credential_exec(credential, nobody, arguments, arguments, &error),
                     WARD_BAD_INPUT);
    assert_non_null(strstr(error.message, nobody));
    for (size_t v = 0; v + 1 < COUNT_OF(many); v++)
        many[v] = nobody;
    assert_int_equal(ward_credential_exec(credential, "/bin/true", arguments, many, &error),
                     WARD_BAD_INPUT);
    ward_credential_free(&credential);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit little = { 0, 0 };
        bool there = setrlimit(RLIMIT_MEMLOCK, &little) != 0 || setuid(65534) != 0 ||
                     ward_credential_open(seed, bytes(box, len), "DSN", &credential, &error) !=
                         WARD_NO_MEMORY ||
                     credential != NULL;
        _exit(there);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    /* Others may have no other identity to take; a sanitizer's mlock locks nothing. */
    if (getuid() == 0 && run_slowness() == 1)
        assert_int_equal(status, 0);
}

/* A service with LimitCORE=0 has its workload, too. */
static void where_cores_are_forbidden_already(void **state)
{
    static char program[] = "/bin/true";
    char *const arguments[] = { program, NULL };
    uint8_t box[BOX_MAX];
    size_t len = sealed("word", 4, box);
    int status;
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = { 0, 0 };
        struct ward_credential *credential = NULL;
        if (setrlimit(RLIMIT_CORE, &none) == 0 && (getuid() != 0 || setuid(65534) == 0) &&
            ward_credential_open(seed, bytes(box, len), "DSN", &credential, NULL) == WARD_DONE &&
            ward_credential_exec(credential, program, arguments, arguments + 1, NULL) != WARD_DONE)
            _exit(8);
        _exit(9);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static int begin(void **state)
{
    (void)state;
    memset(seed, 1, sizeof seed);
    ward_seal_key(seed, key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(known_answers, ""),
        TEST(every_cut_and_every_bit, ""),
        TEST(keys_that_are_none, ""),
        TEST(what_the_workload_has, ""),
        TEST(boxes_of_pynacl, "PC-26"),
        TEST(what_is_no_credential, ""),
        TEST(names_of_variables, ""),
        TEST(when_it_cannot_be, ""),
        TEST(where_cores_are_forbidden_already, ""),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
