/* test_json_games.c - every trick that makes one reader of signed JSON see what another does
   not, played at every place of a TCB info: the text is refused, or the bytes of the signed
   value are no longer those that were signed, or it was outside of them and means the same. */
#include "test.h"

#include <string.h>

#include "codec/json.h"

static const char document[] =
    "{\"tcbInfo\":{\"id\":\"TDX\",\"version\":3,\"issueDate\":\"2025-07-04T10:16:31Z\","
    "\"nextUpdate\":\"2025-08-03T10:16:31Z\",\"fmspc\":\"90c06f000000\",\"pceId\":\"0000\","
    "\"tcbType\":0,\"tcbEvaluationDataNumber\":17,\"tdxModule\":{\"mrsigner\":\"00ff\","
    "\"attributes\":\"0000\"},\"tdxModuleIdentities\":[{\"id\":\"TDX_01\",\"tcbLevels\":"
    "[{\"tcb\":{\"isvsvn\":4},\"tcbStatus\":\"UpToDate\"},{\"tcb\":{\"isvsvn\":2},"
    "\"tcbStatus\":\"OutOfDate\",\"advisoryIDs\":[\"INTEL-SA-00837\"]}]}],\"tcbLevels\":"
    "[{\"tcb\":{\"sgxtcbcomponents\":[{\"svn\":2},{\"svn\":2,\"category\":\"BIOS\"}],"
    "\"pcesvn\":13,\"tdxtcbcomponents\":[{\"svn\":5},{\"svn\":0}]},\"tcbStatus\":\"UpToDate\"}]},"
    "\"signature\":\"abcdef0123456789\"}";

enum { ROOM = 4096, NODES = 128 };

static struct json_node nodes[NODES], other_nodes[NODES];
static struct json original;
static uint8_t room[ROOM];

static struct {
    size_t refused, changed, outside;
} games;

static int setup(void **state)
{
    (void)state;
    struct span text = span_of(document, sizeof document - 1);
    games.refused = games.changed = games.outside = 0;
    return json_parse_into(text, nodes, NODES, NULL, &original, NULL) ? 0 : -1;
}

static struct span signed_bytes(const struct json *json)
{
    return json_raw(json, json_member(json, 0, "tcbInfo"));
}

/* The document with `removed` bytes at `at` replaced. */
static struct span spliced(size_t at, size_t removed, struct span put)
{
    struct sink out = sink_over(room, sizeof room);
    struct span text = original.text;
    sink_put(&out, span_of(text.at, at));
    sink_put(&out, put);
    sink_put(&out, span_of(&text.at[at + removed], text.len - at - removed));
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

enum outcome { REFUSED, CHANGED, OUTSIDE };

static enum outcome play(struct span text)
{
    struct json json;
    if (!json_parse_into(text, other_nodes, NODES, NULL, &json, NULL)) {
        games.refused++;
        return REFUSED;
    }
    if (!span_equal(signed_bytes(&json), signed_bytes(&original))) {
        games.changed++;
        return CHANGED;
    }
    /* What was signed is whole; then what is read of it is what was signed. */
    games.outside++;
    assert_true(
        json_equal_text(&json, json_member(&json, json_member(&json, 0, "tcbInfo"), "id"), "TDX"));
    return OUTSIDE;
}

static void must_be_refused(struct span text)
{
    if (play(text) != REFUSED) {
        print_message("accepted: %.*s\n", (int)text.len, (const char *)text.at);
        fail();
    }
}

/* The whole of a member, from its name's quote to the end of its value. */
static size_t member_start(uint32_t node)
{
    struct span raw;
    assert_true(json_key(&original, node, &raw));
    return (size_t)(raw.at - original.text.at) - 1;
}

static size_t value_start(uint32_t node)
{
    return (size_t)(json_raw(&original, node).at - original.text.at);
}

static size_t value_end(uint32_t node)
{
    return value_start(node) + json_raw(&original, node).len;
}

static bool is_signed(uint32_t node)
{
    return span_inside(json_raw(&original, node), signed_bytes(&original));
}

/* Its name with the letter at `letter` as an escape, in either case of its digits. */
static void put_escaped_name(struct sink *out, struct span name, size_t letter, bool upper)
{
    sink_text(out, "\"");
    for (size_t i = 0; i < name.len; i++) {
        if (i == letter)
            sink_format(out, upper ? "\\u00%02X" : "\\u00%02x", name.at[i]);
        else
            sink_u8(out, name.at[i]);
    }
    sink_text(out, "\"");
}

/* A member once more: right after itself, first in its object, with another value, and with
   its name written otherwise. */
static void test_duplicates(void **state)
{
    (void)state;
    for (uint32_t node = 1; node < original.count; node++) {
        struct span name;
        if (!json_key(&original, node, &name))
            continue;
        size_t start = member_start(node);
        size_t end = value_end(node);
        uint8_t copy[2048];
        struct sink out = sink_over(copy, sizeof copy);
        sink_text(&out, ",");
        sink_put(&out, span_of(&original.text.at[start], end - start));
        must_be_refused(spliced(end, 0, sink_bytes(&out)));
        for (size_t letter = 0; letter <= name.len; letter++) {
            for (unsigned form = 0; form < 4; form++) {
                out = sink_over(copy, sizeof copy);
                sink_text(&out, form < 2 ? "," : "");
                put_escaped_name(&out, name, letter, form % 2 == 0);
                sink_text(&out, form < 2 ? ":null" : ":{},");
                must_be_refused(spliced(form < 2 ? end : start, 0, sink_bytes(&out)));
            }
        }
    }
}

/* A name written with an escape is the same name, but no longer the same bytes. */
static void test_escaped_names(void **state)
{
    (void)state;
    for (uint32_t node = 1; node < original.count; node++) {
        struct span name;
        if (!json_key(&original, node, &name))
            continue;
        for (size_t letter = 0; letter < name.len; letter++) {
            uint8_t copy[256];
            struct sink out = sink_over(copy, sizeof copy);
            put_escaped_name(&out, name, letter, true);
            enum outcome outcome = play(
                spliced(member_start(node), name.len + 2, sink_bytes(&out)));
            assert_int_equal(
                outcome, is_signed(node) && node != json_member(&original, 0, "tcbInfo") ? CHANGED
                                                                                         : OUTSIDE);
        }
    }
}

/* Two neighbours change places. */
static void test_order(void **state)
{
    (void)state;
    for (uint32_t node = 1; node < original.count; node++) {
        uint32_t next = json_next(&original, node);
        struct span ignored;
        if (next == JSON_NONE)
            continue;
        bool named = json_key(&original, node, &ignored);
        size_t first = named ? member_start(node) : value_start(node);
        size_t second = named ? member_start(next) : value_start(next);
        uint8_t copy[2048];
        struct sink out = sink_over(copy, sizeof copy);
        sink_put(&out, span_of(&original.text.at[second], value_end(next) - second));
        sink_text(&out, ",");
        sink_put(&out, span_of(&original.text.at[first], value_end(node) - first));
        struct span swapped = spliced(first, value_end(next) - first, sink_bytes(&out));
        bool equal = span_equal(swapped, original.text);
        assert_int_equal(play(swapped), equal || !is_signed(next) ? OUTSIDE : CHANGED);
    }
}

static const char *const spaces[] = { " ", "\t", "\n", "\r", "\r\n", "  " };
static const char *const not_spaces[] = { "\v",           "\f",   "\xc2\xa0", "\xef\xbb\xbf",
                                          "\xe2\x80\xa8", "/**/", "//\n",     "#\n",
                                          "\xe3\x80\x80", "\x01", "\x7f" };

/* White space, and what some readers take for it, before every token and at both ends. */
static void test_white_space(void **state)
{
    (void)state;
    bool inside_string = false;
    size_t start = value_start(json_member(&original, 0, "tcbInfo"));
    size_t end = value_end(json_member(&original, 0, "tcbInfo"));
    for (size_t at = 0; at <= original.text.len; at++) {
        uint8_t next = at < original.text.len ? original.text.at[at] : 0;
        bool token = !inside_string && strchr("{}[]:,\"", next) != NULL;
        if (next == '"')
            inside_string = !inside_string;
        for (size_t i = 0; token && i < sizeof spaces / sizeof spaces[0]; i++)
            assert_int_equal(play(spliced(at, 0, span_text(spaces[i]))),
                             at > start && at < end ? CHANGED : OUTSIDE);
        for (size_t i = 0; token && i < sizeof not_spaces / sizeof not_spaces[0]; i++)
            must_be_refused(spliced(at, 0, span_text(not_spaces[i])));
    }
    const uint8_t nul[] = { 0 };
    must_be_refused(spliced(original.text.len, 0, SPAN(nul)));
    must_be_refused(spliced(0, 0, SPAN(nul)));
}

/* Every number in another form: what is no number is refused, what is one is not the same
   bytes and no integer any more. */
static void test_numbers(void **state)
{
    (void)state;
    static const char *const not_numbers[] = { "NaN", "-NaN", "Infinity", "-Infinity", "nan",
                                               "inf", "01",   "-01",      "+1",        ".5",
                                               "5.",  "1e",   "1e+",      "0x1",       "1_0",
                                               "0b1", "1,0",  "--1",      "1.e1",      "" };
    static const char *const others[] = { "1e400", "-1e400", "1.0", "0.0",
                                          "-0",    "1e0",    "3e0", "99999999999999999999999",
                                          "1E-400" };
    for (uint32_t node = 1; node < original.count; node++) {
        if (json_type(&original, node) != JSON_NUMBER)
            continue;
        size_t at = value_start(node);
        size_t len = json_raw(&original, node).len;
        for (size_t i = 0; i < sizeof not_numbers / sizeof not_numbers[0]; i++)
            must_be_refused(spliced(at, len, span_text(not_numbers[i])));
        for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
            struct json json;
            uint64_t value;
            struct span text = spliced(at, len, span_text(others[i]));
            assert_int_equal(play(text), CHANGED);
            assert_true(json_parse_into(text, other_nodes, NODES, NULL, &json, NULL));
            assert_false(json_u64(&json, node, UINT64_MAX, &value));
        }
    }
}

/* What follows the document, and what comes before it. */
static void test_around(void **state)
{
    (void)state;
    static const char *const pieces[] = { "{}",
                                          "[]",
                                          "null",
                                          "0",
                                          "\"\"",
                                          ",",
                                          "}",
                                          "]",
                                          ":",
                                          "x",
                                          "{",
                                          "{\"tcbInfo\":{}}",
                                          "\xef\xbb\xbf",
                                          "\xfe\xff",
                                          "\xff\xfe",
                                          ")]}'\n",
                                          "\x1e",
                                          "\\n" };
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        must_be_refused(spliced(0, 0, span_text(pieces[i])));
        must_be_refused(spliced(original.text.len, 0, span_text(pieces[i])));
    }
    must_be_refused(spliced(0, 0, original.text));
}

/* Every prefix; every byte left out; every byte doubled. */
static void test_bytes(void **state)
{
    (void)state;
    uint32_t info = json_member(&original, 0, "tcbInfo");
    for (size_t at = 0; at < original.text.len; at++) {
        struct span byte = span_of(&original.text.at[at], 1);
        must_be_refused(span_of(document, at));
        bool inside = at >= value_start(info) && at < value_end(info);
        if (inside) {
            assert_int_not_equal(play(spliced(at, 1, (struct span){ 0 })), OUTSIDE);
            assert_int_not_equal(play(spliced(at, 0, byte)), OUTSIDE);
        }
    }
}

static int count(void **state)
{
    (void)state;
    print_message("# %zu JSON games: %zu refused, %zu not the signed bytes, %zu outside them\n",
                  games.refused + games.changed + games.outside, games.refused, games.changed,
                  games.outside);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_duplicates, "RL-5"),  TEST(test_escaped_names, "RL-5"), TEST(test_order, "RL-5"),
        TEST(test_white_space, "RL-5"), TEST(test_numbers, "RL-5"),       TEST(test_around, "RL-5"),
        TEST(test_bytes, "RL-5"),
    };
    return cmocka_run_group_tests(tests, setup, count);
}
