/* test_cbor_skip.c - walking over whole items, compared with a second, recursive reading of
   RFC 8949 that this file brings along; bombs; and real documents. */
#include "test.h"

#include <string.h>

#include "codec/cbor.h"
#include "codec/cbor_write.h"
#include "codec/utf8.h"
#include "vectors.h"

static uint8_t room[1 << 16];

/* Containers of one kind inside one another, around a 0. */
static struct span nested(uint8_t kind, unsigned depth)
{
    struct sink out = sink_over(room, sizeof room);
    for (unsigned i = 0; i < depth; i++) {
        sink_u8(&out, kind);
        if (kind >= 0xa0)
            sink_u8(&out, 0x01);
    }
    sink_u8(&out, 0x00);
    for (unsigned i = 0; i < depth && (kind & 31) == 31; i++)
        sink_u8(&out, 0xff);
    return sink_bytes(&out);
}

static void check_depth(struct span text, unsigned depth)
{
    for (unsigned most = 0; most < 20; most++) {
        struct cursor in = cur_over(text);
        bool ok = depth <= most && depth <= CBOR_DEPTH_MAX;
        assert_int_equal(cbor_skip(&in, most), ok);
        assert_int_equal(cur_offset(&in), ok ? text.len : 0);
    }
}

static void test_skip_depth(void **state)
{
    (void)state;
    static const uint8_t kinds[] = { 0x81, 0x9f, 0xa1, 0xbf };
    for (size_t k = 0; k < sizeof kinds; k++)
        for (unsigned depth = 0; depth < 20; depth++)
            check_depth(nested(kinds[k], depth), depth);
}

/* A second reading of RFC 8949, recursive and slow: where the item at `at` ends, or 0. */
static size_t item_end(struct span text, size_t at, unsigned depth);

static bool number_at(struct span text, size_t *at, uint64_t *value)
{
    unsigned info = text.at[*at] & 31u;
    size_t more = info < 24 ? 0 : (size_t)1 << (info - 24);
    *at += 1;
    if (info > 27 || text.len - *at < more)
        return false;
    *value = info;
    for (size_t i = 0; i < more; i++)
        *value = (i == 0 ? 0 : *value << 8) | text.at[*at + i];
    *at += more;
    return more == 0 || (more == 1 && *value > 23) || (more > 1 && *value >> (more * 4) != 0);
}

static size_t open_end(struct span text, size_t at, unsigned depth, bool map)
{
    size_t count = 0;
    while (at < text.len && text.at[at] != 0xff) {
        at = item_end(text, at, depth);
        if (at == 0)
            return 0;
        count++;
    }
    return at < text.len && !(map && count % 2 != 0) ? at + 1 : 0;
}

static size_t item_end(struct span text, size_t at, unsigned depth)
{
    if (at >= text.len)
        return 0;
    uint8_t first = text.at[at];
    unsigned major = first >> 5;
    bool deeper = major == 4 || major == 5;
    if (major == 6 || (deeper && depth == 0))
        return 0;
    if (first == 0x9f || first == 0xbf)
        return open_end(text, at + 1, depth - 1, major == 5);
    uint64_t value;
    if (major == 7) {
        size_t len = (first & 31) < 24 ? 1 : 1 + ((size_t)1 << (first & 3));
        bool ok = (first & 31) < 28 && text.len - at >= len;
        return ok && !(len == 2 && text.at[at + 1] < 32) ? at + len : 0;
    }
    if (!number_at(text, &at, &value))
        return 0;
    if (major < 2)
        return at;
    if (!deeper) {
        if (value > text.len - at ||
            (major == 3 && !utf8_valid(span_of(&text.at[at], (size_t)value))))
            return 0;
        return at + (size_t)value;
    }
    for (uint64_t i = 0; i < value; i++) {
        for (unsigned part = 0; part < (major == 5 ? 2u : 1u); part++) {
            at = item_end(text, at, depth - 1);
            if (at == 0)
                return 0;
        }
    }
    return at;
}

static void compare(struct span text, unsigned depth)
{
    struct cursor in = cur_over(text);
    bool ok = cbor_skip(&in, depth);
    size_t end = item_end(text, 0, depth < CBOR_DEPTH_MAX ? depth : CBOR_DEPTH_MAX);
    if (ok != (end != 0) || cur_offset(&in) != end) {
        assert_span_equal(text, (struct span){ 0 });
    }
}

/* Every first byte before every second byte, with tails that make lengths come true or not. */
static size_t compare_all_pairs(void)
{
    static const uint8_t tails[][12] = {
        { 0 },
        { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
        { 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0xff, 0xff, 0xff },
        { 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x61, 0x61, 0xff, 0xff },
        { 0x18, 0x18, 0x19, 0x01, 0x00, 0x41, 0x41, 0x61, 0x61, 0xf6, 0xff, 0xff },
    };
    size_t count = 0;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second++) {
            for (size_t t = 0; t < sizeof tails / sizeof tails[0]; t++) {
                uint8_t text[14] = { (uint8_t)first, (uint8_t)second };
                memcpy(&text[2], tails[t], 12);
                compare(SPAN(text), 4);
                count++;
            }
        }
    }
    return count;
}

/* Random items, mostly well formed, then one byte changed, cut, or doubled. */
static void put_random(struct sink *out, struct test_random *random, unsigned depth)
{
    uint64_t number = test_random_next(random) >> test_random_below(random, 64);
    switch (test_random_below(random, depth > 0 ? 9 : 6)) {
    case 0:
        cbor_put_u64(out, number);
        break;
    case 1:
        cbor_put_int(out, (int64_t)number);
        break;
    case 2:
        cbor_put_bytes(out, span_of("0123456789012345678901234567890", number % 32));
        break;
    case 3:
        cbor_put_text_span(out, span_of("0123456789012345678901234567890", number % 32));
        break;
    case 4:
        cbor_put_nil(out);
        break;
    case 5:
        cbor_put_bool(out, number % 2 == 0);
        break;
    case 6:
        cbor_put_array(out, number % 4);
        for (uint64_t i = 0; i < number % 4; i++)
            put_random(out, random, depth - 1);
        break;
    case 7:
        cbor_put_map(out, number % 3);
        for (uint64_t i = 0; i < number % 3 * 2; i++)
            put_random(out, random, depth - 1);
        break;
    default:
        cbor_put_map_indefinite(out);
        for (uint64_t i = 0; i < number % 3 * 2; i++)
            put_random(out, random, depth - 1);
        cbor_put_break(out);
        break;
    }
}

static size_t compare_random(void)
{
    struct test_random random = { 5 };
    size_t count = 0;
    for (size_t trial = 0; trial < 2000; trial++) {
        struct sink out = sink_over(room, sizeof room);
        put_random(&out, &random, 5);
        assert_true(sink_ok(&out));
        struct cursor in = cur_over(sink_bytes(&out));
        assert_true(cbor_skip(&in, 5));
        assert_true(cur_end(&in));
        for (size_t len = 0; len < out.len; len++) {
            in = cur_over(span_of(room, len));
            assert_false(cbor_skip(&in, 5));
        }
        for (size_t change = 0; change < 20; change++) {
            size_t at = test_random_below(&random, out.len);
            uint8_t before = room[at];
            room[at] = (uint8_t)test_random_next(&random);
            compare(sink_bytes(&out), 5);
            room[at] = before;
            count++;
        }
    }
    return count;
}

/* RL-6 on the level of the reader: lengths that cannot be, forms longer than needed, tags,
   strings in pieces; here against a second reader, so nothing is left to opinion. */
static void test_games(void **state)
{
    (void)state;
    size_t count = compare_all_pairs() + compare_random();
    assert_true(count > 300000);
    print_message("# %zu CBOR games\n", count);
}

/* Nested 10^5 deep: refused at the depth limit, however much follows. */
static void test_bombs(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    static uint8_t bomb[DEEP];
    static const uint8_t fills[] = { 0x9f, 0xbf, 0x81, 0xa1, 0x98, 0xd2, 0x5f, 0x7f, 0x82 };
    for (size_t f = 0; f < sizeof fills; f++) {
        memset(bomb, fills[f], DEEP);
        struct cursor in = cur_over(SPAN(bomb));
        assert_false(cbor_skip(&in, UINT32_MAX));
        assert_int_equal(cur_offset(&in), 0);
        assert_false(cbor_keys_unique(&in, UINT32_MAX));
    }
}

/* --- real documents --------------------------------------------------------------------- */

/* COSE_Sign1: an array of four whose third item is a map in a byte string. */
static bool read_document(struct span bytes, bool *unique)
{
    struct cursor in = cur_over(bytes);
    size_t count;
    struct span ignored, payload;
    if (!cbor_tag(&in, 18) && cur_offset(&in) != 0)
        return false;
    if (!(cbor_array(&in, &count) && count == 4 && cbor_bytes(&in, &ignored) && cbor_skip(&in, 2) &&
          cbor_bytes(&in, &payload) && cbor_bytes(&in, &ignored)))
        return false;
    struct cursor map = cur_over(payload);
    *unique = cbor_keys_unique(&map, 3);
    return cbor_skip(&map, 3) && cur_end(&map) && cur_end(&in);
}

static size_t documents, refused;

static void each_genuine(const char *name, void *arg)
{
    (void)arg;
    struct span bytes = vectors_read(name);
    bool unique = false;
    if (!read_document(bytes, &unique) || !unique)
        fail_msg("%s", name);
    for (size_t len = 0; len < bytes.len; len++)
        assert_false(read_document(span_of(bytes.at, len), &unique));
    vectors_free(&bytes);
    documents++;
}

static void each_malformed(const char *name, void *arg)
{
    (void)arg;
    static const char *const broken[] = { "deepnest", "hugelen", "trunc", "trailing", "dupkey" };
    bool bad = false;
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        bad = bad || strstr(name, broken[i]) != NULL;
    struct span bytes = vectors_read(name);
    bool unique = false;
    if ((read_document(bytes, &unique) && unique) == bad)
        fail_msg("%s", name);
    vectors_free(&bytes);
    refused += bad;
}

static void test_nitro_documents(void **state)
{
    (void)state;
    vectors_required();
    documents = refused = 0;
    vectors_each("attest/nitro", ".cose.bin", each_genuine, NULL);
    vectors_each("attest/nitro/malformed", ".cose.bin", each_malformed, NULL);
    assert_in_range(documents, 5, 1000);
    assert_in_range(refused, 10, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_skip_depth, ""),
        TEST(test_games, "RL-6"),
        TEST(test_bombs, "RL-6"),
        TEST(test_nitro_documents, ""),
    };
    return RUN_TESTS(tests);
}
