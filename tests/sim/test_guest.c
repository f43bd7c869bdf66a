/* test_guest.c - the simulated guest agent says what dstack's says: quotes that bear what was asked
   for, a log that replays to them, and refusals that name what was wrong. */
#include "sim/guest.h"

#include <stdio.h>
#include <string.h>

#include "attest/eventlog.h"
#include "attest/quote.h"
#include "base/number.h"
#include "codec/guest_agent.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "crypto/hash.h"

#include "test.h"

#define NOW INT64_C(1767225600)

enum { NODES = 2048 };

static struct sim_guest guest;
static uint8_t answered[GUEST_AGENT_ANSWER_MAX];
static struct json_node nodes[2][NODES];

static struct sim_guest_app app_of(uint8_t byte)
{
    uint8_t hash[SIM_COMPOSE_HASH];
    memset(hash, byte, sizeof hash);
    return sim_guest_app_of(hash);
}

static void boot(uint8_t byte)
{
    struct sim_guest_app app = app_of(byte);
    assert_true(sim_guest_init(&guest, span_text("a seed of nobody"), &app, NOW));
}

/* The answer's JSON. */
static struct json ask(const char *path, const char *body, unsigned wanted)
{
    struct json json;
    struct sink out = sink_over(answered, sizeof answered);
    assert_int_equal(sim_guest_answer(&guest, span_text(path), span_text(body), &out), wanted);
    assert_true(sink_ok(&out));
    assert_true(json_parse_into(sink_bytes(&out), nodes[0], NODES, NULL, &json, NULL));
    for (size_t i = 0; i < out.len; i++)
        assert_in_range(out.at[i], 0x20, 0x7e); /* a client counts characters, not bytes */
    return json;
}

static const char *error_of(const char *path, const char *body)
{
    static char text[256];
    struct json json = ask(path, body, 400);
    struct sink out = sink_over(text, sizeof text);
    assert_int_equal(json_length(&json, 0), 1);
    assert_true(json_string_copy(&json, json_member(&json, 0, "error"), &out));
    sink_terminate(&out);
    return text;
}

/* A member that is text, unescaped. */
static struct span text_of(const struct json *json, const char *name, uint8_t *room, size_t cap)
{
    struct sink out = sink_over(room, cap);
    assert_true(json_string_copy(json, json_member(json, 0, name), &out));
    return sink_bytes(&out);
}

static bool hex_is(const struct json *json, const char *name, struct span bytes)
{
    uint8_t got[64];
    assert_true(bytes.len <= sizeof got);
    return json_hex(json, json_member(json, 0, name), got, bytes.len) &&
           bytes_equal(got, bytes.at, bytes.len);
}

static struct claims read_quote(const struct json *json)
{
    static uint8_t quote[SIM_QUOTE_MAX];
    struct claims claims = { .kind = EVIDENCE_TDX_V4, .verified = true };
    uint8_t text[2 * SIM_QUOTE_MAX];
    struct span hex = text_of(json, "quote", text, sizeof text);
    assert_true(hex_decode(hex, quote, hex.len / 2));
    const uint8_t *report = quote + 48;
    memcpy(claims.tdx.mr_config_id, report + 184, 48);
    for (size_t i = 0; i < 4; i++)
        memcpy(claims.tdx.rtmr[i], report + 328 + 48 * i, 48);
    memcpy(claims.tdx.report_data, report + 520, 64);
    return claims;
}

static void quotes_bear_what_was_asked_for(void **state)
{
    static const struct {
        const char *body;
        uint8_t bears[64];
    } table[] = {
        { "", { 0 } },
        { "{}", { 0 } },
        { "{\"report_data\":\"\"}", { 0 } },
        { "{\"report_data\":\"0a0B\",\"else\":[1]}", { 10, 11 } },
        { "{\"report_data\":\"0102030405060708091011121314151617181920212223242526272829303132"
          "33343536373839404142434445464748495051525354555657585960616263ff\"}",
          { 1,    2,    3,    4,    5,    6,    7,    8,    9,    0x10, 0x11, 0x12, 0x13,
            0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26,
            0x27, 0x28, 0x29, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
            0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x50, 0x51, 0x52,
            0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x60, 0x61, 0x62, 0x63, 0xff } },
    };
    (void)state;
    boot(7);
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        struct json json = ask(i % 2 == 0 ? "/GetQuote" : "/DstackGuest.GetQuote", table[i].body,
                               200);
        struct claims claims = read_quote(&json);
        assert_memory_equal(claims.tdx.report_data, table[i].bears, 64);
        assert_true(hex_is(&json, "report_data", SPAN(table[i].bears)));
    }
    sim_guest_fini(&guest);
}

static void the_log_replays_and_names_the_app(void **state)
{
    static struct report report;
    static struct log_claims log;
    uint8_t text[SIM_LOG_MAX], configured[48] = { 1 };
    struct arena scratch;
    (void)state;
    boot(9);
    struct json json = ask("/GetQuote", "{}", 200);
    struct claims claims = read_quote(&json);
    struct span events = text_of(&json, "event_log", text, sizeof text);
    arena_init(&scratch, EVENTLOG_SCRATCH(events.len));
    eventlog_verify(events, &claims, NULL, &scratch, &report, &log);
    assert_int_equal(report_first_failure(&report), CHECK_COUNT);
    assert_int_equal(log.format, LOG_DSTACK_V1);
    for (unsigned i = 0; i < 4; i++)
        assert_true(log.match[i]);
    arena_fini(&scratch);
    struct sim_guest_app app = app_of(9);
    memcpy(configured + 1, app.compose_hash, sizeof app.compose_hash);
    assert_memory_equal(claims.tdx.mr_config_id, configured, sizeof configured);
    struct json info = ask("/Info", "", 200);
    assert_true(hex_is(&info, "compose_hash", SPAN(app.compose_hash)));
    assert_true(hex_is(&info, "app_id", SPAN(app.id)));
    assert_true(hex_is(&info, "instance_id", SPAN(app.instance)));
    sim_guest_fini(&guest);
}

/* "mr_aggregated (TDX) = SHA-256(mrtd || rtmr0..2 || rtmr3 replay [|| mrconfigid ...])" */
static void info_agrees_with_the_quote(void **state)
{
    uint8_t text[GUEST_AGENT_ANSWER_MAX], digest[SHA256_LEN];
    struct json inner;
    (void)state;
    boot(3);
    struct json json = ask("/GetQuote", "{}", 200);
    struct claims claims = read_quote(&json);
    json = ask("/Info", "{}", 200);
    struct span info = text_of(&json, "tcb_info", text, sizeof text);
    assert_true(json_parse_into(info, nodes[1], NODES, NULL, &inner, NULL));
    assert_true(hex_is(&inner, "rtmr3", SPAN(claims.tdx.rtmr[3])));
    assert_true(json_length(&inner, json_member(&inner, 0, "event_log")) > 8);
    const struct tdx_claims *tdx = &guest.spec.tdx;
    const struct span parts[] = { SPAN(tdx->mrtd), SPAN(tdx->rtmr), SPAN(tdx->mr_config_id),
                                  SPAN(tdx->mr_owner), SPAN(tdx->mr_owner_config) };
    hash_sha256_parts(parts, COUNT_OF(parts), digest);
    assert_true(hex_is(&inner, "mr_aggregated", SPAN(digest)));
    assert_true(hex_is(&json, "mr_aggregated", SPAN(digest)));
    json = ask("/Version", "{}", 200);
    assert_true(json_equal_text(&json, json_member(&json, 0, "rev"), "simulated"));
    sim_guest_fini(&guest);
}

static void what_cannot_be_answered_says_why(void **state)
{
    char long_one[200];
    static const struct {
        const char *path, *body, *says;
    } table[] = {
        { "/GetKey", "{}", "has GetQuote" },
        { "/getquote", "{}", "has GetQuote" },
        { "/DstackGuest.", "{}", "has GetQuote" },
        { "/GetQuote/", "{}", "has GetQuote" },
        { "", "{}", "has GetQuote" },
        { "/GetQuote", "[]", "no JSON object" },
        { "/GetQuote", "{\"report_data\":\"00\"", "no JSON object" },
        { "/GetQuote", "{\"report_data\":\"00\",\"report_data\":\"01\"}", "no JSON object" },
        { "/GetQuote", "{\"report_data\":7}", "hex of at most 64" },
        { "/GetQuote", "{\"report_data\":null}", "hex of at most 64" },
        { "/GetQuote", "{\"report_data\":\"0\"}", "hex of at most 64" },
        { "/GetQuote", "{\"report_data\":\"0x00\"}", "hex of at most 64" },
        { "/Info", "\"\"", "no JSON object" },
    };
    (void)state;
    boot(1);
    for (size_t i = 0; i < COUNT_OF(table); i++)
        assert_non_null(strstr(error_of(table[i].path, table[i].body), table[i].says));
    snprintf(long_one, sizeof long_one, "{\"report_data\":\"%0130d\"}", 0);
    assert_non_null(strstr(error_of("/GetQuote", long_one), "hex of at most 64"));
    sim_guest_fini(&guest);
}

static void another_seed_is_another_root(void **state)
{
    uint8_t bytes[2][4096];
    struct sink roots[2] = { sink_over(bytes[0], 4096), sink_over(bytes[1], 4096) };
    static const char *const seeds[] = { "one", "two" };
    struct sim_guest_app app = app_of(1);
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_true(sim_guest_init(&guest, span_text(seeds[i]), &app, NOW));
        assert_true(sim_root_file.write(&guest.authority, &guest.spec, &roots[i]));
        sim_guest_fini(&guest);
        assert_true(bytes_are_zero(guest.scalar, sizeof guest.scalar));
    }
    assert_false(span_equal(sink_bytes(&roots[0]), sink_bytes(&roots[1])));
    sim_guest_fini(&(struct sim_guest){ 0 });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(quotes_bear_what_was_asked_for, ""), TEST(the_log_replays_and_names_the_app, ""),
        TEST(info_agrees_with_the_quote, ""),     TEST(what_cannot_be_answered_says_why, ""),
        TEST(another_seed_is_another_root, ""),
    };
    return RUN_TESTS(tests);
}
