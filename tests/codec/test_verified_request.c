/* test_verified_request.c - one request, one text: what is written is read, and every other text
   is none. */
#include "codec/verified_request.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

#define HOTKEY "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
#define HASH   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define KID    "00112233445566778899aabbccddeeff"
#define USE    "AAECAwQFBgcICQoLDA0ODw"
#define TEXT                                                                                       \
    "ward verified request v1\n" KID "\nsums\nPOST\n/sdk/public/submit\na=1&b=%20\n" HASH          \
    "\n1700000000\n" USE "\n" HOTKEY "\n42\njob-1\n"

static void what_is_read_and_written(void **state)
{
    (void)state;
    uint8_t room[VERIFIED_TEXT_MAX];
    struct sink out = sink_over(room, sizeof room);
    struct verified_request read;
    assert_true(verified_request_read(span_text(TEXT), &read));
    assert_span_equal(read.key_id, span_text(KID));
    assert_span_equal(read.challenge, span_text("sums"));
    assert_span_equal(read.method, span_text("POST"));
    assert_span_equal(read.route, span_text("submit"));
    assert_span_equal(read.query, span_text("a=1&b=%20"));
    assert_true(read.body_hash[0] == 0xe3 && read.body_hash[31] == 0x55);
    assert_true(read.at == 1700000000 && read.uid == 42);
    assert_span_equal(read.once, span_text(USE));
    assert_span_equal(read.hotkey, span_text(HOTKEY));
    assert_span_equal(read.job, span_text("job-1"));
    verified_request_write(&out, &read);
    assert_span_equal(sink_bytes(&out), span_text(TEXT));
    read.job = read.query = (struct span){ 0 };
    read.method = span_text("GET");
    sink_cut(&out, 0);
    verified_request_write(&out, &read);
    assert_true(verified_request_read(sink_bytes(&out), &read));
    assert_true(read.job.len == 0 && read.query.len == 0);
}

static void what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } rows[] = {
        { "v1", "v2" },
        { "aabb", "AABB" },
        { KID "\n", "" },
        { "sums", "su ms" },
        { "sums", "" },
        { "sums", "a/b" },
        { "POST", "PUT" },
        { "POST", "post" },
        { "/sdk/public/submit", "/sdk/admin/submit" },
        { "/sdk/public/submit", "/sdk/public/" },
        { "/sdk/public/submit", "/sdk/public/../admin" },
        { "a=1&b=%20", "a=1 2" },
        { "a=1&b=%20", "a=1#b" },
        { "a=1&b=%20", "a=\r" },
        { "a=1&b=%20", "a=1\nextra" },
        { "e3b0", "E3B0" },
        { "e3b0", "" },
        { "1700000000", "01700000000" },
        { "1700000000", "+1700000000" },
        { "1700000000", "-1" },
        { "1700000000", "1700000000.0" },
        { "1700000000", "9999999999999" },
        { USE, "AAECAwQFBgcICQoLDA0ODx" },
        { HOTKEY, "king" },
        { "\n42\n", "\n4294967296\n" },
        { "\n42\n", "\n042\n" },
        { "\n42\n", "\n\n" },
        { "job-1", "job-1\n" },
        { "job-1\n", "job-1" },
        { "job-1", "job-1\nmore" },
        { "job-1", "a b" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[1024];
        struct verified_request read = { .uid = 7 };
        struct sink out = sink_over(text, sizeof text);
        const char *at = strstr(TEXT, rows[i].from);
        assert_non_null(at);
        sink_put(&out, span_of(TEXT, (size_t)(at - (const char *)TEXT)));
        sink_text(&out, rows[i].to);
        sink_text(&out, at + strlen(rows[i].from));
        if (verified_request_read(sink_bytes(&out), &read))
            fail_msg("%s for %s", rows[i].to, rows[i].from);
        assert_int_equal(read.uid, 7);
    }
}

static void every_length_and_bit(void **state)
{
    (void)state;
    uint8_t text[sizeof TEXT] = TEXT;
    struct verified_request read;
    size_t whole = sizeof TEXT - 1;
    for (size_t len = 0; len < whole; len++)
        assert_false(verified_request_read(span_of(text, len), &read));
    for (size_t bit = 0; bit < 8 * whole; bit++) {
        uint8_t room[VERIFIED_TEXT_MAX];
        struct sink same = sink_over(room, sizeof room);
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (verified_request_read(span_of(text, whole), &read)) {
            verified_request_write(&same, &read);
            assert_span_equal(sink_bytes(&same), span_of(text, whole));
        }
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void the_largest(void **state)
{
    (void)state;
    static char query[VERIFIED_QUERY_MAX + 1], word[65], hotkey[64];
    uint8_t room[VERIFIED_TEXT_MAX];
    struct sink out = sink_over(room, sizeof room);
    memset(query, 'q', sizeof query);
    memset(word, 'w', sizeof word);
    memset(hotkey, '5', sizeof hotkey);
    struct verified_request request = {
        .key_id = span_text(KID),
        .challenge = span_of(word, 64),
        .method = span_text("POST"),
        .route = span_of(word, 64),
        .query = span_of(query, VERIFIED_QUERY_MAX),
        .at = 253402300799,
        .once = span_text(USE),
        .hotkey = span_of(hotkey, 64),
        .uid = UINT32_MAX,
        .job = span_of(word, 64),
    };
    struct verified_request read;
    assert_true(verified_request_is_good(&request));
    verified_request_write(&out, &request);
    assert_true(sink_ok(&out) && verified_request_read(sink_bytes(&out), &read));
    request.query.len++;
    assert_false(verified_request_is_good(&request));
    request.query.len--;
    request.job.len++;
    assert_false(verified_request_is_good(&request));
    static char longest[VERIFIED_TEXT_MAX + 1];
    memset(longest, 'j', sizeof longest);
    memcpy(longest, TEXT, sizeof TEXT - 1);
    assert_false(verified_request_read(SPAN(longest), &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_read_and_written, ""),
        TEST(what_is_none, ""),
        TEST(every_length_and_bit, ""),
        TEST(the_largest, ""),
    };
    return RUN_TESTS(tests);
}
