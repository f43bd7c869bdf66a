/* test_job_result.c - one result, one text: every other way to write the same facts, every length,
   every bit, and each value at its limit and one past it. */
#include "codec/job_result.h"

#include <string.h>

#include "base/number.h"
#include "base/time.h"
#include "codec/base64.h"
#include "test.h"

#define KID    "00112233445566778899aabbccddeeff"
#define HEADER "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"ward-result\"}"
#define ZEROS  "0000000000000000000000000000000000000000000000000000000000000000"
#define ONES   "0101010101010101010101010101010101010101010101010101010101010101"
#define HEAD                                                                                       \
    "{\"ended\":\"2023-11-14T22:13:21Z\",\"exit\":{\"code\":0,\"reason\":\"OK\",\"signal\":0},"    \
    "\"job_id\":\"job-1\",\"node_evidence\":{\"event_log\":\"W10=\",\"evidence\":\"cXVvdGU=\","    \
    "\"type\":\"tdx\"},\"outputs\":["
#define ONE "{\"path\":\"a/\\\"b\\\\\",\"sha256\":\"" ONES "\",\"size\":7}"
#define TWO "{\"path\":\"b\",\"sha256\":\"" ZEROS "\",\"size\":9007199254740991}"
#define TAIL                                                                                       \
    "],\"sandbox_evidence\":null,\"spec_sha256\":\"" ONES "\",\"started\":\"2023-11-14T22:13:20Z"  \
    "\",\"usage\":{\"cpu_us\":1500,\"memory_peak\":4096},\"v\":1}"
#define PAYLOAD HEAD ONE "," TWO TAIL

enum { BEGAN = 1700000000 };

static struct job_result_room room;
static uint8_t text[JOB_RESULT_MAX + 16], again[JOB_RESULT_MAX + 16], memory[JOB_RESULT_TEXT_MAX];

static struct span write_text(const char *header, struct span payload)
{
    struct sink out = sink_over(text, sizeof text);
    base64url_encode(&out, span_text(header));
    sink_u8(&out, '.');
    base64url_encode(&out, payload);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static enum job_result_form form_of(struct span input)
{
    struct job_result out = { .code = 77 };
    enum job_result_form form = job_result_input_read(input, &room, &out);
    if (form != JOB_RESULT_READ) /* untouched */
        assert_true(out.code == 77 && out.job.len == 0);
    else
        assert_true(job_result_is_good(&out));
    return form;
}

static enum job_result_form form_of_text(const char *header, const char *payload)
{
    return form_of(write_text(header, span_text(payload)));
}

static struct job_output outputs[JOB_RESULT_OUTPUTS_MAX + 1];

static struct job_result good(void)
{
    outputs[0] = (struct job_output){ .path = span_text("a/\"b\\"), .size = 7 };
    memset(outputs[0].sha256, 1, sizeof outputs[0].sha256);
    outputs[1] = (struct job_output){ .path = span_text("b"), .size = JOB_RESULT_NUMBER_MAX };
    struct job_result result = { .key_id = span_text(KID),
                                 .job = span_text("job-1"),
                                 .reason = span_text("OK"),
                                 .cpu_us = 1500,
                                 .memory_peak = 4096,
                                 .started = BEGAN,
                                 .ended = BEGAN + 1,
                                 .node = { .type = span_text("tdx"),
                                           .evidence = span_text("quote"),
                                           .event_log = span_text("[]") },
                                 .output_count = 2,
                                 .outputs = outputs };
    memset(result.spec, 1, sizeof result.spec);
    return result;
}

/* The text is written here by hand: what the program writes is exactly that. */
static void what_is_read_and_written(void **state)
{
    (void)state;
    struct sink out = sink_over(again, sizeof again);
    struct span input = write_text(HEADER, span_text(PAYLOAD));
    struct job_result read;
    assert_int_equal(job_result_input_read(input, &room, &read), JOB_RESULT_READ);
    assert_span_equal(read.key_id, span_text(KID));
    assert_span_equal(read.job, span_text("job-1"));
    assert_span_equal(read.reason, span_text("OK"));
    assert_span_equal(read.node.evidence, span_text("quote"));
    assert_span_equal(read.node.event_log, span_text("[]"));
    assert_span_equal(read.node.type, span_text("tdx"));
    assert_true(read.code == 0 && read.signal == 0);
    assert_true(read.cpu_us == 1500 && read.memory_peak == 4096);
    assert_true(read.started == BEGAN && read.ended == BEGAN + 1);
    assert_int_equal(read.spec[31], 1);
    assert_int_equal(read.output_count, 2);
    assert_span_equal(read.outputs[0].path, span_text("a/\"b\\"));
    assert_true(read.outputs[0].size == 7 && read.outputs[0].sha256[31] == 1);
    assert_span_equal(read.outputs[1].path, span_text("b"));
    assert_true(read.outputs[1].size == JOB_RESULT_NUMBER_MAX);
    const struct job_result made = good();
    assert_true(job_result_is_good(&made));
    job_result_write_input(&out, &made, memory);
    assert_span_equal(sink_bytes(&out), input);
    struct sink payload = sink_over(memory, sizeof memory);
    job_result_write_payload(&payload, &made);
    assert_span_equal(sink_bytes(&payload), span_text(PAYLOAD));
}

static void nothing_left_and_ended_by_a_signal(void **state)
{
    (void)state;
    struct sink out = sink_over(again, sizeof again);
    struct job_result made = good(), read;
    made.output_count = 0;
    made.node.event_log = (struct span){ 0 };
    made.reason = span_text("JOB_TIME");
    made.signal = 9;
    made.ended = made.started;
    job_result_write_input(&out, &made, memory);
    assert_int_equal(job_result_input_read(sink_bytes(&out), &room, &read), JOB_RESULT_READ);
    assert_true(read.signal == 9 && read.output_count == 0 && read.node.event_log.len == 0);
}

#define EDIT(name, from, to)                                                                       \
    {                                                                                              \
        name, from, to                                                                             \
    }

/* One thing of the good payload is another. */
static const struct {
    const char *name, *from, *to;
} edits[] = {
    EDIT("a space", ",\"exit\"", ", \"exit\""),
    EDIT("a space in front", "{\"ended\"", " {\"ended\""),
    EDIT("a byte behind", "\"v\":1}", "\"v\":1} "),
    EDIT("a second object behind", "\"v\":1}", "\"v\":1}{}"),
    EDIT("a member that is not ours", "\"v\":1}", "\"v\":1,\"w\":1}"),
    EDIT("a member twice", "\"v\":1}", "\"v\":1,\"v\":1}"),
    EDIT("a member twice inside", "\"code\":0,", "\"code\":0,\"code\":1,"),
    EDIT("a member that is not there", "\"job_id\":\"job-1\",", ""),
    EDIT("another version", "\"v\":1", "\"v\":2"),
    EDIT("another order", "\"code\":0,\"reason\":\"OK\"", "\"reason\":\"OK\",\"code\":0"),
    EDIT("a zero before a number", "\"cpu_us\":1500", "\"cpu_us\":01500"),
    EDIT("a sign", "\"cpu_us\":1500", "\"cpu_us\":+1500"),
    EDIT("less than nothing", "\"cpu_us\":1500", "\"cpu_us\":-1"),
    EDIT("a fraction", "\"cpu_us\":1500", "\"cpu_us\":1500.0"),
    EDIT("an exponent", "\"cpu_us\":1500", "\"cpu_us\":15e2"),
    EDIT("no number", "\"cpu_us\":1500", "\"cpu_us\":"),
    EDIT("a text", "\"cpu_us\":1500", "\"cpu_us\":\"1500\""),
    EDIT("2^53", "\"cpu_us\":1500", "\"cpu_us\":9007199254740992"),
    EDIT("2^64 and a bit", "\"cpu_us\":1500", "\"cpu_us\":18446744073709551617"),
    EDIT("a size of 2^53", "9007199254740991", "9007199254740992"),
    EDIT("an escape that is not needed", "\"path\":\"b\"", "\"path\":\"\\u0062\""),
    EDIT("an escaped slash", "\"path\":\"b\"", "\"path\":\"b\\/c\""),
    EDIT("a path from the root", "\"path\":\"b\"", "\"path\":\"/b\""),
    EDIT("a path that leads up", "\"path\":\"b\"", "\"path\":\"b/../c\""),
    EDIT("a path that is up", "\"path\":\"b\"", "\"path\":\"..\""),
    EDIT("a path that stays", "\"path\":\"b\"", "\"path\":\"b/./c\""),
    EDIT("an empty part", "\"path\":\"b\"", "\"path\":\"b//c\""),
    EDIT("a slash at the end", "\"path\":\"b\"", "\"path\":\"b/\""),
    EDIT("an empty path", "\"path\":\"b\"", "\"path\":\"\""),
    EDIT("a path with a control", "\"path\":\"b\"", "\"path\":\"b\x1b\""),
    EDIT("a path with what nobody sees", "\"path\":\"b\"", "\"path\":\"b\xe2\x80\x8b\""),
    EDIT("a path that is no UTF-8", "\"path\":\"b\"", "\"path\":\"b\xff\""),
    EDIT("a path twice", "\"path\":\"b\"", "\"path\":\"a/\\\"b\\\\\""),
    EDIT("paths in another order", "\"path\":\"b\"", "\"path\":\"a\""),
    EDIT("a digest in capitals", "\"sha256\":\"0101", "\"sha256\":\"0A01"),
    EDIT("a digest that is short", "\"sha256\":\"0101", "\"sha256\":\"01"),
    EDIT("a digest that is long", "\"sha256\":\"0101", "\"sha256\":\"010101"),
    EDIT("a comma behind the last output", "}],\"sandbox", "},],\"sandbox"),
    EDIT("no comma between two", "},{\"path", "}{\"path"),
    EDIT("of the sandbox nothing", "\"sandbox_evidence\":null", "\"sandbox_evidence\":{}"),
    EDIT("of the sandbox no evidence", "\"sandbox_evidence\":null",
         "\"sandbox_evidence\":{\"event_log\":\"W10=\",\"evidence\":\"\",\"type\":\"tdx\"}"),
    EDIT("of the sandbox no kind", "\"sandbox_evidence\":null",
         "\"sandbox_evidence\":{\"event_log\":\"W10=\",\"evidence\":\"AAAA\",\"type\":\"\"}"),
    EDIT(
        "of the sandbox more", "\"sandbox_evidence\":null",
        "\"sandbox_evidence\":{\"event_log\":\"\",\"evidence\":\"AAAA\",\"type\":\"tdx\",\"v\":1}"),
    EDIT("of the sandbox twice", "\"sandbox_evidence\":null",
         "\"sandbox_evidence\":null,\"sandbox_evidence\":null"),
    EDIT("no evidence of the node", "\"evidence\":\"cXVvdGU=\"", "\"evidence\":\"\""),
    EDIT("evidence with bits to spare", "cXVvdGU=", "cXVvdGV="),
    EDIT("evidence without padding", "cXVvdGU=", "cXVvdGU"),
    EDIT("evidence with a line end", "cXVvdGU=", "cXVv\ndGU="),
    EDIT("evidence of a kind with a space", "\"type\":\"tdx\"", "\"type\":\"t dx\""),
    EDIT("evidence of no kind", "\"type\":\"tdx\"", "\"type\":\"\""),
    EDIT("an id with a slash", "job-1", "job/1"),
    EDIT("no id", "job-1", ""),
    EDIT("a code and a signal", "\"code\":0,\"reason\":\"OK\",\"signal\":0",
         "\"code\":1,\"reason\":\"OK\",\"signal\":9"),
    EDIT("a code of 256", "\"code\":0", "\"code\":256"),
    EDIT("a signal of 65", "\"signal\":0", "\"signal\":65"),
    EDIT("a reason in small letters", "\"OK\"", "\"ok\""),
    EDIT("outputs of what did not end by itself", "\"OK\"", "\"JOB_TIME\""),
    EDIT("an end before the beginning", "22:13:21Z", "22:13:19Z"),
    EDIT("a date with an offset", "22:13:21Z", "22:13:21+00:00"),
    EDIT("a date with a fraction", "22:13:21Z", "22:13:21.0Z"),
    EDIT("a date in small letters", "T22:13:21Z", "t22:13:21z"),
    EDIT("a date that no calendar has", "2023-11-14T22:13:21Z", "2023-11-31T22:13:21Z"),
    EDIT("a date of no time", "2023-11-14T22:13:21Z", "0"),
};

static void replace(const char *from, const char *to, struct sink *out)
{
    const char *at = strstr(PAYLOAD, from);
    assert_non_null(at);
    sink_put(out, span_of(PAYLOAD, (size_t)(at - PAYLOAD)));
    sink_text(out, to);
    sink_text(out, at + strlen(from));
    sink_terminate(out);
}

static void another_text_is_none(void **state)
{
    (void)state;
    assert_int_equal(form_of_text(HEADER, PAYLOAD), JOB_RESULT_READ);
    for (size_t i = 0; i < COUNT_OF(edits); i++) {
        char edited[2048];
        struct sink out = sink_over(edited, sizeof edited);
        replace(edits[i].from, edits[i].to, &out);
        if (form_of_text(HEADER, edited) != JOB_RESULT_MALFORMED)
            fail_msg("%s", edits[i].name);
    }
    static const char *const all[] = { "", "{}", "[]", "null", "{\"v\":1}", HEAD TAIL "," };
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(form_of_text(HEADER, all[i]), JOB_RESULT_MALFORMED);
    assert_int_equal(form_of_text(HEADER, HEAD TAIL), JOB_RESULT_READ);
}

/* What is signed as something else is told apart from what nobody can read. */
static void another_kind_is_told(void **state)
{
    (void)state;
    static const char *const others[] = {
        "{\"alg\":\"none\"}",
        "{\"alg\":\"none\",\"kid\":\"" KID "\",\"typ\":\"ward-result\"}",
        "{\"alg\":\"HS256\",\"kid\":\"" KID "\",\"typ\":\"ward-result\"}",
        "{\"alg\":\"RS256\",\"kid\":\"" KID "\",\"typ\":\"ward-result\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"MinerToken\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"JWT\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"Ward-Result\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\"}",
        "{\"alg\":\"EdDSA\",\"typ\":\"ward-result\"}",
        "{\"alg\":\"EdDSA\",\"jwk\":{},\"kid\":\"" KID "\",\"typ\":\"ward-result\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"" KID "\",\"typ\":\"ward-result\",\"alg\":\"none\"}",
        "{\"alg\":\"EdDSA\",\"kid\":\"00112233445566778899AABBCCDDEEFF\",\"typ\":\"ward-result\"}",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct job_result_signed whole;
        assert_int_equal(form_of_text(others[i], PAYLOAD), JOB_RESULT_TYPE);
        /* Without a signature, as "none" has it, and with one of another length. */
        struct span input = write_text(others[i], span_text(PAYLOAD));
        memcpy(again, input.at, input.len);
        struct sink out = { again, sizeof again, input.len, false };
        sink_u8(&out, '.');
        assert_int_equal(job_result_read(sink_bytes(&out), &room, &whole), JOB_RESULT_TYPE);
        base64url_encode(&out, span_text("0123456789abcdef0123456789abcdef"));
        assert_int_equal(job_result_read(sink_bytes(&out), &room, &whole), JOB_RESULT_TYPE);
    }
    assert_int_equal(form_of_text("", PAYLOAD), JOB_RESULT_MALFORMED);
    assert_int_equal(form_of_text("[]", PAYLOAD), JOB_RESULT_MALFORMED);
    assert_int_equal(form_of_text(" " HEADER, PAYLOAD), JOB_RESULT_MALFORMED);
}

static struct span whole_text(void)
{
    uint8_t signature[JOB_RESULT_SIGNATURE];
    struct job_result made = good();
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i < sizeof signature; i++)
        signature[i] = (uint8_t)i;
    job_result_write_input(&out, &made, memory);
    job_result_end(&out, signature);
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static void a_whole_one(void **state)
{
    (void)state;
    struct job_result_signed whole = { 0 };
    struct span bytes = whole_text();
    assert_int_equal(job_result_read(bytes, &room, &whole), JOB_RESULT_READ);
    assert_int_equal(whole.signature[63], 63);
    assert_span_equal(whole.payload, span_text(PAYLOAD));
    assert_int_equal(whole.input.len, bytes.len - 87);
}

/* Cut anywhere, and with anything behind. */
static void every_length(void **state)
{
    (void)state;
    struct job_result_signed whole;
    struct span bytes = whole_text();
    for (size_t len = 0; len < bytes.len; len++) {
        memcpy(again, bytes.at, len);
        assert_int_not_equal(job_result_read(span_of(again, len), &room, &whole), JOB_RESULT_READ);
    }
    static const char behind[][3] = { "\n", " ", ".", "A", "=", ".A", "" };
    for (size_t i = 0; i < COUNT_OF(behind); i++) {
        size_t more = behind[i][1] == 0 ? 1 : 2;
        memcpy(again, bytes.at, bytes.len);
        memcpy(again + bytes.len, behind[i], more);
        assert_int_equal(job_result_read(span_of(again, bytes.len + more), &room, &whole),
                         JOB_RESULT_MALFORMED);
    }
}

/* A flipped bit makes no result, or another one, whose text it then is. */
static void every_bit(void **state)
{
    (void)state;
    struct span bytes = whole_text();
    size_t others = 0;
    for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
        struct job_result_signed whole;
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (job_result_read(bytes, &room, &whole) == JOB_RESULT_READ) {
            struct sink out = sink_over(again, sizeof again);
            job_result_write_input(&out, &whole.result, memory);
            job_result_end(&out, whole.signature);
            assert_span_equal(sink_bytes(&out), bytes);
            others++;
        }
        text[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(others > 0 && others < bytes.len * 2);
}

static char paths[JOB_RESULT_OUTPUTS_MAX + 1][JOB_RESULT_PATH_MAX + 2];

static void fill_outputs(size_t count, size_t len)
{
    for (size_t i = 0; i < count; i++) {
        memset(paths[i], 'x', len);
        paths[i][0] = (char)('a' + i / 26 / 26);
        paths[i][1] = (char)('a' + i / 26 % 26);
        paths[i][2] = (char)('a' + i % 26);
        outputs[i] = (struct job_output){ .path = span_of(paths[i], len),
                                          .size = JOB_RESULT_NUMBER_MAX };
    }
}

static void as_many_as_may_be(void **state)
{
    (void)state;
    struct job_result made = good(), read;
    fill_outputs(JOB_RESULT_OUTPUTS_MAX + 1, JOB_RESULT_PATHS_MAX / JOB_RESULT_OUTPUTS_MAX);
    made.output_count = JOB_RESULT_OUTPUTS_MAX;
    assert_true(job_result_is_good(&made));
    struct sink out = sink_over(again, sizeof again);
    job_result_write_input(&out, &made, memory);
    assert_int_equal(job_result_input_read(sink_bytes(&out), &room, &read), JOB_RESULT_READ);
    assert_int_equal(read.output_count, JOB_RESULT_OUTPUTS_MAX);
    outputs[0].path.len++; /* a byte more of paths */
    assert_false(job_result_is_good(&made));
    outputs[0].path.len--;
    fill_outputs(JOB_RESULT_OUTPUTS_MAX + 1, 3);
    made.output_count++;
    assert_false(job_result_is_good(&made));
    out = sink_over(again, sizeof again);
    job_result_write_input(&out, &made, memory);
    assert_true(sink_ok(&out));
    assert_int_equal(form_of(sink_bytes(&out)), JOB_RESULT_MALFORMED);
}

/* The longest of all that may be fits, with every byte of its paths escaped. */
static void the_longest_fits(void **state)
{
    (void)state;
    static uint8_t evidence[JOB_RESULT_EVIDENCE_MAX + 1];
    struct job_result made = good();
    fill_outputs(JOB_RESULT_OUTPUTS_MAX, JOB_RESULT_PATHS_MAX / JOB_RESULT_OUTPUTS_MAX);
    for (size_t i = 0; i < JOB_RESULT_OUTPUTS_MAX; i++)
        memset(paths[i] + 3, '"', JOB_RESULT_PATHS_MAX / JOB_RESULT_OUTPUTS_MAX - 3);
    made.output_count = JOB_RESULT_OUTPUTS_MAX;
    made.node.evidence = made.node.event_log = span_of(evidence, JOB_RESULT_EVIDENCE_MAX);
    made.sandbox = made.node;
    made.sandbox.event_log.len = JOB_RESULT_LOG_MAX;
    struct sink out = sink_over(again, JOB_RESULT_INPUT_MAX);
    job_result_write_input(&out, &made, memory);
    assert_true(sink_ok(&out) && job_result_is_good(&made));
    assert_int_equal(form_of(sink_bytes(&out)), JOB_RESULT_READ);
    size_t *const lengths[] = { &made.node.evidence.len, &made.node.event_log.len,
                                &made.sandbox.evidence.len, &made.sandbox.event_log.len };
    for (size_t i = 0; i < COUNT_OF(lengths); i++) {
        ++*lengths[i];
        assert_false(job_result_is_good(&made));
        --*lengths[i];
    }
    out = sink_over(again, 1000); /* and into a room that is too small: said, not cut */
    job_result_write_input(&out, &made, memory);
    assert_false(sink_ok(&out));
}

static void each_at_its_limit(void **state)
{
    (void)state;
    static char word[JOB_RESULT_WORD_MAX + 2], path[JOB_RESULT_PATH_MAX + 2];
    struct job_result made = good();
    memset(word, 'A', sizeof word);
    memset(path, 'p', sizeof path);
    made.reason = made.job = span_of(word, JOB_RESULT_WORD_MAX);
    made.output_count = 0;
    made.code = JOB_RESULT_CODE_MAX;
    assert_true(job_result_is_good(&made));
    made.code = 0;
    made.signal = JOB_RESULT_SIGNAL_MAX;
    assert_true(job_result_is_good(&made));
    made.job.len++;
    assert_false(job_result_is_good(&made));
    made.job.len--;
    made.reason.len++;
    assert_false(job_result_is_good(&made));
    assert_true(job_result_path_is_good(span_of(path, JOB_RESULT_PATH_MAX)));
    assert_false(job_result_path_is_good(span_of(path, JOB_RESULT_PATH_MAX + 1)));
    made = good();
    made.ended = TIME_MAX;
    assert_true(job_result_is_good(&made));
    made.ended++;
    assert_false(job_result_is_good(&made));
    made = good();
    made.started = 0; /* no time is none */
    assert_false(job_result_is_good(&made));
}

/* More than could be read is not looked at. */
static void longer_than_any(void **state)
{
    (void)state;
    struct job_result_signed whole;
    memset(again, 'A', sizeof again);
    assert_int_equal(job_result_read(span_of(again, JOB_RESULT_MAX + 1), &room, &whole),
                     JOB_RESULT_MALFORMED);
    struct span input = write_text(HEADER, span_text(PAYLOAD));
    memcpy(again, input.at, input.len);
    assert_int_equal(form_of(span_of(again, JOB_RESULT_INPUT_MAX + 1)), JOB_RESULT_MALFORMED);
    assert_int_equal(job_result_read((struct span){ 0 }, &room, &whole), JOB_RESULT_MALFORMED);
}

/* As the node's, and in the same form; without it there is no kind and no log either. */
static void evidence_of_the_sandbox(void **state)
{
    static const char with[] = HEAD "],\"sandbox_evidence\":{\"event_log\":\"W10=\",\"evidence\":"
                                    "\"c2FuZA==\",\"type\":\"tdx\"},"
                                    "\"spec_sha256\":\"" ONES
                                    "\",\"started\":\"2023-11-14T22:13:20Z\",\"usage\":{"
                                    "\"cpu_us\":1500,\"memory_peak\":4096},\"v\":1}";
    struct job_result made = good(), read;
    struct sink out = sink_over(again, sizeof again);
    (void)state;
    made.output_count = 0;
    made.sandbox = (struct job_evidence){ span_text("tdx"), span_text("sand"), span_text("[]") };
    assert_true(job_result_is_good(&made));
    job_result_write_input(&out, &made, memory);
    assert_span_equal(sink_bytes(&out), write_text(HEADER, span_text(with)));
    assert_int_equal(job_result_input_read(sink_bytes(&out), &room, &read), JOB_RESULT_READ);
    assert_span_equal(read.sandbox.evidence, span_text("sand"));
    assert_span_equal(read.sandbox.event_log, span_text("[]"));
    assert_span_equal(read.sandbox.type, span_text("tdx"));
    assert_span_equal(read.node.evidence, span_text("quote"));
    made.sandbox.evidence = (struct span){ 0 };
    assert_false(job_result_is_good(&made));
    made.sandbox.type = (struct span){ 0 };
    assert_false(job_result_is_good(&made));
    made.sandbox.event_log = (struct span){ 0 };
    assert_true(job_result_is_good(&made));
}

/* Each kind of evidence with its own tag: the sandbox's is not the node's. */
static void what_evidence_is_bound_to(void **state)
{
    static const char *const texts[] = { "ward result key v1\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                         "ward result sandbox v1\0\0\0\0\0\0\0\0\0\0" };
    (void)state;
    for (enum job_result_of of = JOB_RESULT_OF_NODE; of <= JOB_RESULT_OF_SANDBOX; of++) {
        uint8_t key[JOB_RESULT_KEY], bound[JOB_RESULT_BINDING];
        struct span found;
        memset(key, 7, sizeof key);
        job_result_bind(of, key, bound);
        assert_memory_equal(bound, texts[of], 32);
        assert_true(job_result_bound(of, SPAN(bound), &found));
        assert_span_equal(found, SPAN(key));
        assert_false(job_result_bound(JOB_RESULT_OF_SANDBOX - of, SPAN(bound), &found));
        assert_false(job_result_bound(of, span_of(bound, sizeof bound - 1), &found));
        assert_false(job_result_reserved(span_of(bound, sizeof bound - 1)));
        for (size_t bit = 0; bit < 8 * sizeof bound; bit++) {
            bound[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_int_equal(job_result_bound(of, SPAN(bound), &found), bit >= 256);
            assert_int_equal(job_result_reserved(SPAN(bound)), bit >= 256);
            bound[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_read_and_written, ""),
        TEST(nothing_left_and_ended_by_a_signal, ""),
        TEST(another_text_is_none, ""),
        TEST(another_kind_is_told, ""),
        TEST(a_whole_one, ""),
        TEST(every_length, ""),
        TEST(every_bit, ""),
        TEST(as_many_as_may_be, ""),
        TEST(the_longest_fits, ""),
        TEST(each_at_its_limit, ""),
        TEST(longer_than_any, ""),
        TEST(evidence_of_the_sandbox, ""),
        TEST(what_evidence_is_bound_to, ""),
    };
    return RUN_TESTS(tests);
}
