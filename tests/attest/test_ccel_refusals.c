/* test_ccel_refusals.c - every refusal of AE-1 to AE-5 and AE-7 by a hand-made log of its own. */
#include "attest/ccel_maker.h"
#include "attest/logs.h"
#include "test.h"

static void bad_type(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.type = EV_SEPARATOR;
    ccel_put_spec(out, &spec);
}
static void bad_header_digest(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.digest_byte = 1;
    ccel_put_spec(out, &spec);
}
static void bad_signature(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.signature = "Spec ID Event02";
    ccel_put_spec(out, &spec);
}
static void bad_major(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.major = 1;
    ccel_put_spec(out, &spec);
}
static void no_algorithm(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 0;
    spec.written = 0;
    ccel_put_spec(out, &spec);
}
static void many_algorithms(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = CCEL_ALGORITHMS_MAX + 1;
    ccel_put_spec(out, &spec);
}
static void fewer_algorithms(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 2;
    ccel_put_spec(out, &spec);
}
static void algorithm_twice(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 2;
    spec.written = 2;
    spec.algorithms[1][0] = SHA384;
    spec.algorithms[1][1] = 48;
    ccel_put_spec(out, &spec);
}
static void wrong_size(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.algorithms[0][1] = 32;
    ccel_put_spec(out, &spec);
}
static void unknown_size_0(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 2;
    spec.written = 2;
    spec.algorithms[1][0] = 0x7777;
    ccel_put_spec(out, &spec);
}
static void unknown_size_65(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 2;
    spec.written = 2;
    spec.algorithms[1][0] = 0x7777;
    spec.algorithms[1][1] = 65;
    ccel_put_spec(out, &spec);
}
static void vendor_short(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.vendor_len = 3;
    spec.vendor_bytes = 2;
    ccel_put_spec(out, &spec);
}
static void vendor_long(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.vendor_len = 1;
    spec.vendor_bytes = 2;
    ccel_put_spec(out, &spec);
}
static void empty(struct sink *out)
{
    (void)out;
}
static void header_past_end(struct sink *out)
{
    ccel_put_good(out);
    out->at[28] = 0xff;
    out->at[31] = 0xff;
}

static void no_digest(struct sink *out)
{
    ccel_put_good(out);
    sink_u32le(out, 1);
    sink_u32le(out, EV_SEPARATOR);
    sink_u32le(out, 0);
    sink_u32le(out, 0);
}
static void many_digests(struct sink *out)
{
    ccel_put_good(out);
    sink_u32le(out, 1);
    sink_u32le(out, EV_SEPARATOR);
    sink_u32le(out, UINT32_MAX);
    sink_zero(out, 100);
}
static void digest_twice(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 2;
    spec.written = 2;
    spec.algorithms[1][0] = SHA256;
    spec.algorithms[1][1] = 32;
    ccel_put_spec(out, &spec);
    sink_u32le(out, 1);
    sink_u32le(out, EV_SEPARATOR);
    sink_u32le(out, 2);
    for (int i = 0; i < 2; i++) {
        sink_u16le(out, SHA384);
        sink_zero(out, 48);
    }
    sink_u32le(out, 0);
}
static void undeclared_algorithm(struct sink *out)
{
    ccel_put_good(out);
    sink_u32le(out, 1);
    sink_u32le(out, EV_SEPARATOR);
    sink_u32le(out, 1);
    sink_u16le(out, SHA256);
    sink_zero(out, 32);
    sink_u32le(out, 0);
}
/* The four bytes that are there of a digest would be a length of 0. */
static void digest_cut(struct sink *out)
{
    ccel_put_good(out);
    sink_u32le(out, 1);
    sink_u32le(out, EV_SEPARATOR);
    sink_u32le(out, 1);
    sink_u16le(out, SHA384);
    sink_zero(out, 4);
}
static void data_past_end(struct sink *out)
{
    ccel_put_good(out);
    sink_u32le(out, 1);
    sink_u32le(out, EV_SEPARATOR);
    sink_u32le(out, 1);
    sink_u16le(out, SHA384);
    sink_zero(out, 48);
    sink_u32le(out, UINT32_MAX);
}
static void data_one_short(struct sink *out)
{
    ccel_put_good(out);
    out->len--;
}
static void after_ff_padding(struct sink *out)
{
    ccel_put_good(out);
    sink_u64le(out, UINT64_MAX);
    ccel_put_separator(out, 1);
}
static void after_zero_padding(struct sink *out)
{
    ccel_put_good(out);
    sink_zero(out, 8);
    ccel_put_separator(out, 1);
}
static void last_padding_byte(struct sink *out)
{
    ccel_put_good(out);
    sink_zero(out, 1000);
    sink_u8(out, 0xff);
}
static void padding_of_another_byte(struct sink *out)
{
    ccel_put_good(out);
    for (int i = 0; i < 64; i++)
        sink_u8(out, 0x5a);
}
static void index_5(struct sink *out)
{
    ccel_put_good(out);
    ccel_put_separator(out, 5);
}
static void index_0_extends(struct sink *out)
{
    ccel_put_good(out);
    ccel_put_separator(out, 0);
}
static void no_action_at_9(struct sink *out)
{
    ccel_put_good(out);
    ccel_put_event(out, 9, EV_NO_ACTION, span_text("x"));
}
static void no_sha384(struct sink *out)
{
    struct ccel_spec spec = ccel_plain;
    spec.count = 2;
    spec.written = 2;
    spec.algorithms[1][0] = SM3;
    spec.algorithms[1][1] = 32;
    ccel_put_spec(out, &spec);
    ccel_put_separator(out, 1);
    sink_u32le(out, 1);
    sink_u32le(out, EV_IPL);
    sink_u32le(out, 1);
    sink_u16le(out, SM3);
    sink_zero(out, 32);
    sink_u32le(out, 0);
}
static void secure_boot_twice(struct sink *out)
{
    ccel_put_spec(out, &ccel_plain);
    ccel_put_secure_boot(out, 1, "\x01");
    ccel_put_secure_boot(out, 1, "\x01");
}
/* The first failing line decides, whatever the order of the events. */
static void index_before_truncation(struct sink *out)
{
    ccel_put_good(out);
    ccel_put_separator(out, 7);
    ccel_put_separator(out, 1);
    out->len--;
}
static void content_before_index(struct sink *out)
{
    static const uint8_t other[48] = { 1 };
    ccel_put_good(out);
    ccel_put_digest_event(out, 1, EV_SEPARATOR, other, span_text("abcd"));
    ccel_put_separator(out, 7);
}

struct row {
    const char *name;
    void (*build)(struct sink *out);
    enum check_id check;
    enum reason reason;
};

static const struct row rows[] = {
    { "empty", empty, CHECK_AE_1, REASON_EVENTLOG_TRUNCATED },
    { "header past the end", header_past_end, CHECK_AE_1, REASON_EVENTLOG_TRUNCATED },
    { "header of another type", bad_type, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "header with a digest", bad_header_digest, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "other signature", bad_signature, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "version 1", bad_major, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "no algorithm", no_algorithm, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "too many algorithms", many_algorithms, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "fewer algorithms than said", fewer_algorithms, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "one algorithm twice", algorithm_twice, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "SHA-384 of 32 bytes", wrong_size, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "unknown algorithm of 0 bytes", unknown_size_0, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "unknown algorithm of 65 bytes", unknown_size_65, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "vendor bytes missing", vendor_short, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "bytes after the vendor's", vendor_long, CHECK_AE_1, REASON_EVENTLOG_FORMAT },
    { "no digest", no_digest, CHECK_AE_2, REASON_EVENTLOG_FORMAT },
    { "four billion digests", many_digests, CHECK_AE_2, REASON_EVENTLOG_FORMAT },
    { "two digests of one algorithm", digest_twice, CHECK_AE_2, REASON_EVENTLOG_FORMAT },
    { "undeclared algorithm", undeclared_algorithm, CHECK_AE_2, REASON_EVENTLOG_ALG_UNSUPPORTED },
    { "digest cut", digest_cut, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED },
    { "data past the end", data_past_end, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED },
    { "data one byte short", data_one_short, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED },
    { "padding of 0x5a", padding_of_another_byte, CHECK_AE_2, REASON_EVENTLOG_FORMAT },
    { "event after 0xff", after_ff_padding, CHECK_AE_3, REASON_EVENTLOG_FORMAT },
    { "event after 0x00", after_zero_padding, CHECK_AE_3, REASON_EVENTLOG_FORMAT },
    { "last byte of padding", last_padding_byte, CHECK_AE_3, REASON_EVENTLOG_FORMAT },
    { "register 5", index_5, CHECK_AE_4, REASON_EVENTLOG_INDEX_INVALID },
    { "MRTD extended", index_0_extends, CHECK_AE_4, REASON_EVENTLOG_INDEX_INVALID },
    { "EV_NO_ACTION at 9", no_action_at_9, CHECK_AE_4, REASON_EVENTLOG_INDEX_INVALID },
    { "no SHA-384 digest", no_sha384, CHECK_AE_5, REASON_EVENTLOG_FORMAT },
    { "SecureBoot twice", secure_boot_twice, CHECK_AE_7, REASON_EVENTLOG_DUPLICATE },
    { "index, then truncation", index_before_truncation, CHECK_AE_2, REASON_EVENTLOG_TRUNCATED },
    { "content, then index", content_before_index, CHECK_AE_4, REASON_EVENTLOG_INDEX_INVALID },
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t room[4096];
        struct judged judged;
        struct sink log = sink_over(room, sizeof room);
        rows[i].build(&log);
        assert_true(sink_ok(&log));
        judge_own(&judged, sink_bytes(&log));
        enum check_id first = report_first_failure(&judged.report);
        if (first != rows[i].check || log_reason(&judged) != rows[i].reason)
            fail_msg("%s: %s %s", rows[i].name, first < CHECK_COUNT ? check_info(first)->id : "-",
                     reason_info(log_reason(&judged))->name);
        assert_int_equal(judged.log.value_count, 0);
        if (rows[i].check < CHECK_AE_6)
            assert_false(report_passed(&judged.report, CHECK_AE_6));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_refusals, "AE-1 AE-2 AE-3 AE-4 AE-5 AE-7"),
    };
    return RUN_TESTS(tests);
}
