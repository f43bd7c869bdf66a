/* test_signed_call.c - libward's signed requests: what one end signs the other accepts, and nothing
   else. */
#include <string.h>

#include "base/number.h"
#include "codec/base64.h"
#include "ward/request.h"

#include "test.h"

#define TOKEN "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define OTHER "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

enum { NOW = 1795196247 };

static const uint8_t seed[WARD_CALL_SEED] = { 1, 2, 3 };
static uint8_t public_key[WARD_CALL_KEY];
static const struct ward_call good = {
    .method = "POST",
    .host = "ward.example:8443",
    .target = "/v1/session?a=%20b",
    .content_type = "application/json",
    .body = { .data = "{}", .len = 2 },
};

static struct ward_call_headers sign(const struct ward_call *call, int64_t time)
{
    struct ward_call_headers headers = { 0 };
    struct ward_error error = { 0 };
    if (ward_call_sign(call, seed, TOKEN, time, &headers, &error) != WARD_DONE)
        fail_msg("%s", error.message);
    return headers;
}

/* "OK", or the reason. */
static const char *judged(const struct ward_call *call, const struct ward_call_headers *headers,
                          int64_t time)
{
    static struct ward_error error;
    const struct ward_call_session session = { TOKEN, public_key };
    error = (struct ward_error){ 0 };
    if (ward_call_verify(call, headers, &session, time, &error) == WARD_DONE)
        return "OK";
    assert_non_null(error.reason);
    assert_memory_equal(error.message, error.reason, strlen(error.reason));
    return error.reason;
}

static void what_is_signed_is_accepted(void **state)
{
    struct ward_call bare = { .method = "GET", .host = "a", .target = "/" };
    (void)state;
    struct ward_call_headers one = sign(&good, NOW), two = sign(&good, NOW);
    assert_string_equal(judged(&good, &one, NOW), "OK");
    assert_string_equal(one.version, "2");
    assert_string_equal(one.timestamp, "1795196247");
    assert_int_equal(strlen(one.nonce), 32);
    assert_string_not_equal(one.nonce, two.nonce);
    one = sign(&bare, NOW);
    assert_string_equal(judged(&bare, &one, NOW), "OK");
    bare.content_type = "";
    assert_string_equal(judged(&bare, &one, NOW), "OK");
}

static void every_part_is_covered(void **state)
{
    struct ward_call calls[6] = { good, good, good, good, good, good };
    const struct ward_call_headers headers = sign(&good, NOW);
    (void)state;
    calls[0].method = "PUT";
    calls[1].host = "ward.example";
    calls[2].target = "/v1/session?a=%20c";
    calls[3].content_type = NULL;
    calls[4].body.data = "[]";
    calls[5].body.len = 1;
    for (size_t c = 0; c < COUNT_OF(calls); c++)
        assert_string_equal(judged(&calls[c], &headers, NOW), "SIGNED_SIGNATURE_INVALID");
}

static void every_header_is_looked_at(void **state)
{
    const struct ward_call_headers headers = sign(&good, NOW);
    struct ward_call_headers h[10];
    static const char *const reasons[] = {
        "SIGNED_HEADERS",           "SIGNED_VERSION",
        "SIGNED_VERSION",           "SIGNED_TIMESTAMP",
        "SIGNED_SIGNATURE_INVALID", "SIGNED_SIGNATURE_INVALID",
        "SIGNED_SIGNATURE_INVALID", "SESSION_UNKNOWN",
        "SIGNED_KEY_FOREIGN",       "SIGNED_NONCE",
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(h); i++)
        h[i] = headers;
    h[0].signature[0] = 0;
    h[1].version[0] = 0; /* version 1 */
    h[2].version[0] = '3';
    memmove(h[3].timestamp + 1, h[3].timestamp, 12);
    h[3].timestamp[0] = '+';
    h[4].timestamp[9] = '8';
    h[5].nonce[0] = h[5].nonce[0] == '0' ? '1' : '0';
    h[6].signature[10] = h[6].signature[10] == 'A' ? 'B' : 'A';
    memcpy(h[7].token, OTHER, sizeof OTHER);
    h[8].public_key[10] = h[8].public_key[10] == 'A' ? 'B' : 'A';
    memset(h[9].nonce, 'x', sizeof h[9].nonce); /* no NUL at all */
    for (size_t i = 0; i < COUNT_OF(h); i++)
        assert_string_equal(judged(&good, &h[i], NOW), reasons[i]);
}

static void within_two_minutes(void **state)
{
    const struct ward_call_headers headers = sign(&good, NOW), first = sign(&good, 0);
    (void)state;
    assert_string_equal(judged(&good, &headers, NOW + 120), "OK");
    assert_string_equal(judged(&good, &headers, NOW + 121), "NONCE_TOO_OLD");
    assert_string_equal(judged(&good, &headers, NOW - 120), "OK");
    assert_string_equal(judged(&good, &headers, NOW - 121), "NONCE_FUTURE");
    assert_string_equal(judged(&good, &headers, INT64_MAX), "NONCE_TOO_OLD");
    assert_string_equal(judged(&good, &headers, INT64_MIN), "NONCE_TOO_OLD");
    assert_string_equal(judged(&good, &first, 0), "OK");
}

static void what_cannot_be_signed(void **state)
{
    static char longest[9000];
    struct ward_call calls[4] = { good, good, good, good };
    struct ward_call_headers headers = { 0 };
    struct ward_error error = { 0 };
    static const char *const tokens[] = { NULL, "", "session_t", TOKEN "A" };
    (void)state;
    memset(longest, 'a', sizeof longest - 1);
    longest[0] = '/';
    calls[0].host = "a\nb";
    calls[1].target = "/ b";
    calls[2].target = longest;
    calls[3].method = NULL;
    for (size_t c = 0; c < COUNT_OF(calls); c++) {
        assert_int_equal(ward_call_sign(&calls[c], seed, TOKEN, NOW, &headers, &error),
                         WARD_BAD_INPUT);
        assert_string_equal(error.reason, "SIGNED_TEXT");
    }
    for (size_t t = 0; t < COUNT_OF(tokens); t++) {
        assert_int_equal(ward_call_sign(&good, seed, tokens[t], NOW, &headers, &error),
                         WARD_BAD_INPUT);
        assert_string_equal(error.reason, "SIGNED_TOKEN");
    }
    assert_int_equal(ward_call_sign(&good, seed, TOKEN, -1, &headers, &error), WARD_BAD_INPUT);
    assert_true(bytes_are_zero(&headers, sizeof headers));
}

static void a_session_without_a_key(void **state)
{
    const struct ward_call_session none = { TOKEN, NULL }, empty = { NULL, public_key };
    const struct ward_call_headers headers = sign(&good, NOW);
    struct ward_error error = { 0 };
    (void)state;
    assert_int_equal(ward_call_verify(&good, &headers, &none, NOW, &error), WARD_REFUSED);
    assert_int_equal(ward_call_verify(&good, &headers, &empty, NOW, &error), WARD_REFUSED);
}

static int begin(void **state)
{
    (void)state;
    struct ward_call_headers headers = sign(&good, NOW);
    struct sink out = sink_over(public_key, sizeof public_key);
    return base64_decode(span_text(headers.public_key), &out) ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_signed_is_accepted, ""), TEST(every_part_is_covered, ""),
        TEST(every_header_is_looked_at, ""),  TEST(within_two_minutes, ""),
        TEST(what_cannot_be_signed, ""),      TEST(a_session_without_a_key, ""),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
