/* test_nsm.c - the Nitro Secure Module behind its ioctl: the exact request, and every answer.  The
   system call is wrapped; what a real module does is not shown here. */
#include "os/nsm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/number.h"
#include "codec/cbor_write.h"
#include "sim/sim.h"
#include "source/source.h"

#include "test.h"

#define NOW INT64_C(1700000000)

enum { ARENA = 1 << 20, DRIVER_NUMBER = 0xc0200a00 };

/* What the driver does, and what it saw.  The layout is that of linux/nsm.h. */
struct raw {
    uint64_t request_at, request_len, answer_at, answer_len;
};

static struct {
    int error;
    uint8_t answer[NSM_ANSWER_MAX];
    size_t answer_len;
    uint64_t says_len; /* 0: the truth */
    uint8_t request[NSM_REQUEST_MAX];
    size_t request_len;
    unsigned calls;
} driver;

int __wrap_ioctl(int fd, unsigned long number, ...);

int __wrap_ioctl(int fd, unsigned long number, ...)
{
    va_list args;
    va_start(args, number);
    struct raw *raw = va_arg(args, struct raw *);
    va_end(args);
    (void)fd;
    driver.calls++;
    assert_int_equal(number, DRIVER_NUMBER);
    assert_true(raw->request_len <= NSM_REQUEST_MAX);
    assert_int_equal(raw->answer_len, NSM_ANSWER_MAX);
    union {
        uint64_t number;
        uint8_t *at;
    } request = { raw->request_at }, answer = { raw->answer_at };
    memcpy(driver.request, request.at, raw->request_len);
    driver.request_len = raw->request_len;
    if (driver.error != 0) {
        errno = driver.error;
        return -1;
    }
    memcpy(answer.at, driver.answer, driver.answer_len);
    raw->answer_len = driver.says_len != 0 ? driver.says_len : driver.answer_len;
    return 0;
}

static struct source_ask ask;
static struct source_evidence made;
static struct source_problem problem;
static struct arena arena;

static bool quote(void)
{
    struct source source;
    struct source_name name;
    made = (struct source_evidence){ 0 };
    problem = (struct source_problem){ 0 };
    assert_true(source_name_read("nsm:/dev/null", &name));
    assert_true(source_open(&name, 1000, &source, &problem));
    bool done = source_quote(&source, &ask, &arena, &made, &problem);
    source_close(&source);
    return done;
}

static void assert_refused(enum reason reason)
{
    assert_false(quote());
    assert_int_equal(problem.reason, reason);
}

static struct span document_of(const struct source_ask *borne)
{
    static uint8_t bytes[SIM_NITRO_MAX];
    struct sim_authority authority;
    struct sim_nitro_spec spec = sim_nitro_default(NOW);
    struct sink out = sink_over(bytes, sizeof bytes);
    const struct {
        struct nitro_blob *blob;
        struct span bytes;
    } fields[] = { { &spec.claims.user_data, SPAN(borne->report_data) },
                   { &spec.claims.nonce, borne->nonce },
                   { &spec.claims.public_key, borne->public_key } };
    for (size_t i = 0; i < COUNT_OF(fields); i++) {
        fields[i].blob->present = fields[i].bytes.len > 0;
        fields[i].blob->len = fields[i].bytes.len;
        if (fields[i].bytes.len > 0)
            memcpy(fields[i].blob->bytes, fields[i].bytes.at, fields[i].bytes.len);
    }
    assert_true(sim_authority_init(&authority, span_text("tests")));
    assert_true(sim_nitro_document(&authority, &spec, &out));
    sim_authority_fini(&authority);
    return sink_bytes(&out);
}

static struct sink answer_to(void)
{
    memset(&driver, 0, sizeof driver);
    return sink_over(driver.answer, sizeof driver.answer);
}

static void answers_document(struct span document)
{
    struct sink out = answer_to();
    cbor_put_map(&out, 1);
    cbor_put_text(&out, "Attestation");
    cbor_put_map(&out, 1);
    cbor_put_text(&out, "document");
    cbor_put_bytes(&out, document);
    assert_true(sink_ok(&out));
    driver.answer_len = out.len;
}

static void reset(void)
{
    ask = (struct source_ask){ 0 };
    for (size_t i = 0; i < sizeof ask.report_data; i++)
        ask.report_data[i] = (uint8_t)(i + 1);
    arena_fini(&arena);
    arena_init(&arena, ARENA);
}

static void the_request_is_exact(void **state)
{
    static const uint8_t nonce[] = { 9, 9, 9 }, key[] = { 8, 8 };
    uint8_t bytes[256];
    struct sink wanted = sink_over(bytes, sizeof bytes);
    (void)state;
    reset();
    answers_document(document_of(&ask));
    assert_true(quote());
    sink_text(&wanted, "\xa1\x6b"
                       "Attestation"
                       "\xa3\x69"
                       "user_data"
                       "\x58\x40");
    sink_put(&wanted, SPAN(ask.report_data));
    sink_text(&wanted, "\x65"
                       "nonce"
                       "\xf6\x6a"
                       "public_key"
                       "\xf6");
    assert_span_equal(span_of(driver.request, driver.request_len), sink_bytes(&wanted));
    assert_int_equal(made.kind, EVIDENCE_NITRO);
    assert_span_equal(made.evidence, document_of(&ask));
    ask.nonce = SPAN(nonce);
    ask.public_key = SPAN(key);
    answers_document(document_of(&ask));
    assert_true(quote());
    wanted = sink_over(bytes, sizeof bytes);
    sink_text(&wanted, "\xa1\x6b"
                       "Attestation"
                       "\xa3\x69"
                       "user_data"
                       "\x58\x40");
    sink_put(&wanted, SPAN(ask.report_data));
    sink_text(&wanted, "\x65"
                       "nonce"
                       "\x43\x09\x09\x09\x6a"
                       "public_key"
                       "\x42\x08\x08");
    assert_span_equal(span_of(driver.request, driver.request_len), sink_bytes(&wanted));
}

static void the_longest_nonce_and_key_and_one_byte_more(void **state)
{
    static uint8_t bytes[SOURCE_KEY_MAX + 1];
    (void)state;
    reset();
    ask.nonce = span_of(bytes, SOURCE_NONCE_MAX);
    ask.public_key = span_of(bytes, SOURCE_KEY_MAX);
    answers_document(document_of(&ask));
    assert_true(quote());
    ask.nonce.len++;
    assert_refused(REASON_SOURCE_TOO_LARGE);
    ask.nonce.len = 0;
    ask.public_key.len++;
    driver.calls = 0;
    assert_refused(REASON_SOURCE_TOO_LARGE);
    assert_int_equal(driver.calls, 0);
}

static void failures_of_the_driver(void **state)
{
    static const struct {
        int error;
        enum reason reason;
    } table[] = {
        { ENODEV, REASON_SOURCE_ABSENT }, { EACCES, REASON_SOURCE_FORBIDDEN },
        { EBUSY, REASON_SOURCE_BUSY },    { ETIMEDOUT, REASON_SOURCE_DEADLINE },
        { EIO, REASON_SOURCE_FAILED },    { EMSGSIZE, REASON_SOURCE_FAILED },
        { ENOTTY, REASON_SOURCE_FAILED },
    };
    (void)state;
    reset();
    for (size_t i = 0; i < COUNT_OF(table); i++) {
        answers_document(document_of(&ask));
        driver.error = table[i].error;
        assert_refused(table[i].reason);
        assert_int_equal(driver.calls, 1);
        assert_int_equal(made.evidence.len, 0);
    }
}

static void what_the_module_says_instead(void **state)
{
    static const char *const errors[] = { "InvalidArgument", "InvalidOperation", "BufferTooSmall",
                                          "InputTooLarge",   "InternalError",    "\xe2\x82\xac" };
    (void)state;
    reset();
    for (size_t i = 0; i < COUNT_OF(errors); i++) {
        struct sink out = answer_to();
        cbor_put_map(&out, 1);
        cbor_put_text(&out, "Error");
        cbor_put_text(&out, errors[i]);
        driver.answer_len = out.len;
        assert_refused(REASON_SOURCE_FAILED);
        assert_string_equal(problem.detail + strlen("nsm: "), errors[i][0] < 0 ? "???" : errors[i]);
    }
}

#define ATTESTATION                                                                                \
    "\x6b"                                                                                         \
    "Attestation"
#define DOCUMENT                                                                                   \
    "\x68"                                                                                         \
    "document"

/* Each ends before it is one, holds another thing, or more than one. */
static const char *const no_answers[] = {
    "",
    "\xa0",
    "\x80",
    "\xf6",
    "\xa1\x65"
    "Error",
    "\xa1\x65"
    "Error"
    "\x01",
    "\xa1" ATTESTATION,
    "\xa1" ATTESTATION "\xa0",
    "\xa1" ATTESTATION "\xa1" DOCUMENT,
    "\xa1" ATTESTATION "\xa1" DOCUMENT "\x60",
    "\xa1" ATTESTATION "\xa1" DOCUMENT "\x41",
    "\xa1" ATTESTATION "\xa1\x68"
    "Document"
    "\x41\x01",
    "\xa2" ATTESTATION "\xa1" DOCUMENT "\x41\x01\x61"
    "x\x01",
    "\xa1" ATTESTATION "\xa1" DOCUMENT "\x41\x01\x01",
    "\xbf" ATTESTATION "\xa1" DOCUMENT "\x41\x01\xff",
    "\xa1" ATTESTATION "\xa1" DOCUMENT "\x41\x84",
};

static void answers_that_are_none(void **state)
{
    (void)state;
    reset();
    for (size_t i = 0; i < COUNT_OF(no_answers); i++) {
        struct sink out = answer_to();
        sink_text(&out, no_answers[i]);
        driver.answer_len = out.len;
        assert_refused(REASON_SOURCE_MALFORMED);
    }
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    reset();
    answers_document(document_of(&ask));
    size_t whole = driver.answer_len;
    for (size_t len = 0; len < whole; len++) {
        reset();
        driver.answer_len = len;
        assert_refused(REASON_SOURCE_MALFORMED);
    }
    driver.answer_len = whole;
    assert_true(quote());
    driver.answer[whole] = 0;
    driver.answer_len = whole + 1;
    assert_refused(REASON_SOURCE_MALFORMED);
}

static void a_length_that_is_no_truth(void **state)
{
    (void)state;
    reset();
    answers_document(document_of(&ask));
    driver.says_len = NSM_ANSWER_MAX + 1;
    assert_refused(REASON_SOURCE_TOO_LARGE);
    driver.says_len = UINT64_MAX;
    assert_refused(REASON_SOURCE_TOO_LARGE);
    driver.says_len = NSM_ANSWER_MAX; /* zeros behind the document */
    assert_refused(REASON_SOURCE_MALFORMED);
}

static void a_document_for_somebody_else(void **state)
{
    static const uint8_t other[] = { 1 };
    struct source_ask borne;
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        reset();
        borne = ask;
        if (i == 0)
            borne.report_data[63] ^= 1;
        if (i == 1)
            borne.nonce = SPAN(other); /* nobody asked for one */
        if (i == 2)
            borne.public_key = SPAN(other);
        if (i == 3)
            ask.nonce = SPAN(other); /* it was asked for, and is not there */
        if (i == 4)
            ask.public_key = SPAN(other);
        answers_document(document_of(&borne));
        assert_refused(REASON_SOURCE_OTHER_DATA);
        assert_int_equal(made.evidence.len, 0);
    }
}

static void the_buffers_have_their_bounds(void **state)
{
    static uint8_t request[NSM_REQUEST_MAX + 1], room[NSM_ANSWER_MAX + 1];
    struct sink answer = sink_over(room, sizeof room);
    (void)state;
    reset();
    (void)answer_to();
    driver.answer_len = NSM_ANSWER_MAX;
    assert_true(rc_ok(nsm_exchange(NULL, 0, span_of(request, NSM_REQUEST_MAX), &answer)));
    assert_int_equal(answer.len, NSM_ANSWER_MAX);
    rc refused = nsm_exchange(NULL, 0, (struct span){ 0 }, &answer);
    assert_int_equal(rc_number(refused), NSM_E_ROOM);
    answer = sink_over(room, sizeof room);
    refused = nsm_exchange(NULL, 0, SPAN(request), &answer);
    assert_int_equal(rc_number(refused), NSM_E_LONG);
    assert_int_equal(driver.calls, 1);
}

static void no_memory_is_said(void **state)
{
    (void)state;
    reset();
    answers_document(document_of(&ask));
    size_t ceiling = 0;
    bool done = false;
    while (!done && ceiling < ARENA) {
        arena_fini(&arena);
        arena_init(&arena, ceiling);
        done = quote();
        if (!done)
            assert_int_equal(problem.reason, REASON_OUT_OF_MEMORY);
        ceiling += 4096;
    }
    assert_true(done && ceiling > 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_request_is_exact, ""),
        TEST(the_longest_nonce_and_key_and_one_byte_more, ""),
        TEST(failures_of_the_driver, ""),
        TEST(what_the_module_says_instead, ""),
        TEST(answers_that_are_none, ""),
        TEST(every_prefix_is_refused, ""),
        TEST(a_length_that_is_no_truth, ""),
        TEST(a_document_for_somebody_else, ""),
        TEST(the_buffers_have_their_bounds, ""),
        TEST(no_memory_is_said, ""),
    };
    return RUN_TESTS(tests);
}
