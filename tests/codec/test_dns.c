/* test_dns.c - questions as they are sent and as they are not, and every answer. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "codec/dns.h"

#define HEAD_OF(counts) "\x12\x34\x01\x00" counts
#define ONE             "\x00\x01\x00\x00\x00\x00\x00\x00"
#define ONE_AND_OPT     "\x00\x01\x00\x00\x00\x00\x00\x01"
#define A_EXAMPLE                                                                                  \
    "\x01"                                                                                         \
    "a"                                                                                            \
    "\x07"                                                                                         \
    "example"                                                                                      \
    "\x00"
#define IS_A        "\x00\x01\x00\x01"
#define OPT         "\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
#define BYTES(text) text, sizeof(text) - 1

struct row {
    const char *what, *bytes;
    size_t len;
    enum dns_reading reading;
    enum dns_rcode fault;
};

static enum dns_reading read(struct span message, struct dns_question *out)
{
    static char room[HOST_TEXT_MAX + 1];
    return dns_question_read(message, room, out);
}

static const struct row questions[] = {
    { "plain", BYTES(HEAD_OF(ONE) A_EXAMPLE IS_A), DNS_QUESTION, 0 },
    { "with EDNS", BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A OPT), DNS_QUESTION, 0 },
    { "EDNS with an option",
      BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\0\0\x29\x10\0\0\0\x80\0\0\x0c\0\x0a\0\x08"
                                                "12345678"),
      DNS_QUESTION, 0 },
    { "EDNS of version 1",
      BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\0\0\x29\x04\xd0\0\1\0\0\0\0"), DNS_FAULT,
      DNS_BADVERS },
    { "two OPT", BYTES(HEAD_OF("\0\1\0\0\0\0\0\2") A_EXAMPLE IS_A OPT OPT), DNS_FAULT,
      DNS_FORMERR },
    { "OPT that is not at the root", BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\1a" OPT),
      DNS_FAULT, DNS_FORMERR },
    { "a record that is none of EDNS",
      BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\0\0\x01\0\1\0\0\0\0\0\4abcd"), DNS_FAULT,
      DNS_FORMERR },
    { "OPT that lies of its length",
      BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\0\0\x29\x04\xd0\0\0\0\0\0\1"), DNS_FAULT,
      DNS_FORMERR },
    { "OPT that is not counted", BYTES(HEAD_OF(ONE) A_EXAMPLE IS_A OPT), DNS_FAULT, DNS_FORMERR },
    { "a byte behind it", BYTES(HEAD_OF(ONE) A_EXAMPLE IS_A "\0"), DNS_FAULT, DNS_FORMERR },
    { "an answer", BYTES("\x12\x34\x81\x80" ONE A_EXAMPLE IS_A), DNS_SILENCE, 0 },
    { "a wrong answer",
      BYTES("\x12\x34\xff\xff"
            "\0\0\0\0"),
      DNS_SILENCE, 0 },
    { "nothing", BYTES(""), DNS_SILENCE, 0 },
    { "eleven bytes", BYTES("\x12\x34\x01\0\0\1\0\0\0\0\0"), DNS_SILENCE, 0 },
    { "no question", BYTES(HEAD_OF("\0\0\0\0\0\0\0\0")), DNS_FAULT, DNS_FORMERR },
    { "two questions", BYTES(HEAD_OF("\0\2\0\0\0\0\0\0") A_EXAMPLE IS_A A_EXAMPLE IS_A), DNS_FAULT,
      DNS_FORMERR },
    { "with an answer in it", BYTES(HEAD_OF("\0\1\0\1\0\0\0\0") A_EXAMPLE IS_A), DNS_FAULT,
      DNS_FORMERR },
    { "with an authority in it", BYTES(HEAD_OF("\0\1\0\0\0\1\0\0") A_EXAMPLE IS_A), DNS_FAULT,
      DNS_FORMERR },
    { "cut by its sender", BYTES("\x12\x34\x03\0" ONE A_EXAMPLE IS_A), DNS_FAULT, DNS_FORMERR },
    { "an inverse query", BYTES("\x12\x34\x09\0" ONE A_EXAMPLE IS_A), DNS_FAULT, DNS_NOTIMP },
    { "an update", BYTES("\x12\x34\x28\0" ONE A_EXAMPLE IS_A), DNS_FAULT, DNS_NOTIMP },
    { "of class CHAOS", BYTES(HEAD_OF(ONE) A_EXAMPLE "\0\x10\0\3"), DNS_FAULT, DNS_REFUSED },
    { "of any class", BYTES(HEAD_OF(ONE) A_EXAMPLE "\0\1\0\xff"), DNS_FAULT, DNS_REFUSED },
    { "a name that is itself", BYTES(HEAD_OF(ONE) "\xc0\x0c" IS_A), DNS_FAULT, DNS_FORMERR },
    { "a name that ends in itself", BYTES(HEAD_OF(ONE) "\1a\xc0\x0c" IS_A), DNS_FAULT,
      DNS_FORMERR },
    { "a pointer to the head", BYTES(HEAD_OF(ONE) "\xc0\0" IS_A), DNS_FAULT, DNS_FORMERR },
    { "a label of type 01",
      BYTES(HEAD_OF(ONE) "\x41"
                         "a\0" IS_A),
      DNS_FAULT, DNS_FORMERR },
    { "a label of type 10",
      BYTES(HEAD_OF(ONE) "\x81"
                         "a\0" IS_A),
      DNS_FAULT, DNS_FORMERR },
    { "a label longer than the message",
      BYTES(HEAD_OF(ONE) "\x3f"
                         "abc\0" IS_A),
      DNS_FAULT, DNS_FORMERR },
    { "a name without an end", BYTES(HEAD_OF(ONE) "\1a\1b"), DNS_FAULT, DNS_FORMERR },
    { "the root", BYTES(HEAD_OF(ONE) "\0" IS_A), DNS_FAULT, DNS_REFUSED },
    { "a point in a label",
      BYTES(HEAD_OF(ONE) "\x09"
                         "a.example\0" IS_A),
      DNS_FAULT, DNS_REFUSED },
    { "a NUL in a label", BYTES(HEAD_OF(ONE) "\3a\0b\7example\0" IS_A), DNS_FAULT, DNS_REFUSED },
    { "a blank", BYTES(HEAD_OF(ONE) "\2a \7example\0" IS_A), DNS_FAULT, DNS_REFUSED },
    { "a star", BYTES(HEAD_OF(ONE) "\1*\7example\0" IS_A), DNS_FAULT, DNS_REFUSED },
    { "UTF-8", BYTES(HEAD_OF(ONE) "\2\xc3\xa4\7example\0" IS_A), DNS_FAULT, DNS_REFUSED },
    { "a hyphen first", BYTES(HEAD_OF(ONE) "\2-a\7example\0" IS_A), DNS_FAULT, DNS_REFUSED },
    { "an address", BYTES(HEAD_OF(ONE) "\003127\0010\0010\0011\0" IS_A), DNS_FAULT, DNS_REFUSED },
};

static void test_questions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        struct dns_question question = { .fault = DNS_SERVFAIL };
        enum dns_reading reading = read(span_of(questions[i].bytes, questions[i].len), &question);
        enum dns_rcode fault = reading == DNS_SILENCE ? DNS_SERVFAIL : questions[i].fault;
        if (reading != questions[i].reading || question.fault != fault)
            fail_msg("%s: %d, %d", questions[i].what, (int)reading, (int)question.fault);
        if (reading == DNS_QUESTION) {
            assert_true(span_equal_text(question.name, "a.example"));
            assert_int_equal(question.type, DNS_A);
            assert_int_equal(question.id, 0x1234);
        } else if (reading == DNS_FAULT) {
            assert_int_equal(question.name.len, 0);
        }
    }
}

/* Each prefix of a question is none, and no byte of it can be changed so that its reader falls. */
static void test_prefixes_and_flips(void **state)
{
    (void)state;
    static const char whole[] = HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A OPT;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        struct dns_question question;
        uint8_t exact[sizeof whole];
        memcpy(exact, whole, len);
        assert_true(read(span_of(exact, len), &question) != DNS_QUESTION);
    }
    for (size_t at = 0; at < sizeof whole - 1; at++) {
        for (unsigned value = 0; value < 256; value++) {
            struct dns_question question = { 0 };
            uint8_t changed[sizeof whole], text[DNS_MESSAGE_MAX];
            struct sink out = sink_over(text, sizeof text);
            memcpy(changed, whole, sizeof whole);
            changed[at] = (uint8_t)value;
            enum dns_reading reading = read(span_of(changed, sizeof whole - 1), &question);
            if (reading == DNS_SILENCE)
                continue;
            dns_answer_write(&out, &question, question.fault, (struct span){ 0 }, 0);
            assert_true(sink_ok(&out));
            assert_true(reading == DNS_FAULT || host_is_name(question.name));
        }
    }
}

/* A name of labels of 63, and the last one of `last`: as it is sent. */
static struct span long_question(uint8_t *room, size_t labels, size_t last)
{
    struct sink out = sink_over(room, 1024);
    sink_put(&out, span_of(BYTES(HEAD_OF(ONE))));
    for (size_t i = 0; i < labels + 1; i++) {
        size_t len = i < labels ? 63 : last;
        sink_u8(&out, (uint8_t)len);
        for (size_t k = 0; k < len; k++)
            sink_u8(&out, 'Q');
    }
    sink_put(&out, span_of(BYTES("\0" IS_A)));
    return sink_bytes(&out);
}

static void test_the_longest_name(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    struct dns_question question;
    assert_int_equal(read(long_question(bytes, 3, 61), &question), DNS_QUESTION);
    assert_int_equal(question.name.len, HOST_TEXT_MAX);
    assert_int_equal(question.name.at[0], 'q');
    assert_int_equal(question.name.at[HOST_TEXT_MAX], 0);
    assert_int_equal(question.raw.len, 255 + 4);
    assert_int_equal(question.raw.at[1], 'Q'); /* said again as it came: resolvers check its case */

    assert_int_equal(read(long_question(bytes, 3, 62), &question), DNS_FAULT);
    assert_int_equal(question.fault, DNS_FORMERR);
    assert_int_equal(read(long_question(bytes, 4, 10), &question), DNS_FAULT);
}

/* Lengths past 63 are no lengths, though as many bytes follow. */
static void test_lengths_that_are_none(void **state)
{
    (void)state;
    for (unsigned len = 0x40; len <= 0xff; len++) {
        uint8_t bytes[DNS_MESSAGE_MAX];
        struct sink out = sink_over(bytes, sizeof bytes);
        struct dns_question question;
        sink_put(&out, span_of(BYTES(HEAD_OF(ONE))));
        sink_u8(&out, (uint8_t)len);
        for (unsigned i = 0; i < len; i++)
            sink_u8(&out, 'a');
        sink_put(&out, span_of(BYTES("\0" IS_A)));
        assert_int_equal(read(sink_bytes(&out), &question), DNS_FAULT);
        assert_int_equal(question.fault, DNS_FORMERR);
        assert_int_equal(question.raw.len, 0);
    }
}

static void test_the_longest_message(void **state)
{
    (void)state;
    for (size_t len = DNS_MESSAGE_MAX; len <= DNS_MESSAGE_MAX + 1; len++) {
        uint8_t bytes[DNS_MESSAGE_MAX + 1] = { 0 };
        struct dns_question question;
        struct sink out = sink_over(bytes, sizeof bytes);
        sink_put(&out,
                 span_of(BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\0\0\x29\x04\xd0\0\0\0\0")));
        sink_u16be(&out, (uint16_t)(len - out.len - 2)); /* options as far as they go */
        enum dns_reading reading = read(span_of(bytes, len), &question);
        assert_int_equal(reading, len == DNS_MESSAGE_MAX ? DNS_QUESTION : DNS_FAULT);
    }
}

static void test_answers(void **state)
{
    (void)state;
    static const struct {
        const char *what, *asked;
        size_t asked_len;
        enum dns_rcode rcode;
        const char *address;
        size_t address_len;
        const char *says;
        size_t says_len;
    } rows[] = {
        { "A", BYTES(HEAD_OF(ONE) "\1A\7exAmple\0" IS_A), DNS_NOERROR, BYTES("\xc6\x12\0\1"),
          BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0\1A\7exAmple\0\0\1\0\1"
                "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc6\x12\0\1") },
        { "AAAA", BYTES(HEAD_OF(ONE) A_EXAMPLE "\0\x1c\0\1"), DNS_NOERROR,
          BYTES("\xfd\0\0\x18\0\0\0\0\0\0\0\0\0\0\0\1"),
          BYTES("\x12\x34\x81\x80\0\1\0\1\0\0\0\0" A_EXAMPLE "\0\x1c\0\1"
                "\xc0\x0c\0\x1c\0\1\0\0\0\x3c\0\x10\xfd\0\0\x18\0\0\0\0\0\0\0\0\0\0\0\1") },
        { "none of that type", BYTES("\x12\x34\0\0" ONE A_EXAMPLE "\0\x0f\0\1"), DNS_NOERROR, "", 0,
          BYTES("\x12\x34\x80\x80\0\1\0\0\0\0\0\0" A_EXAMPLE "\0\x0f\0\1") },
        { "refused, whatever address comes with it", BYTES(HEAD_OF(ONE) A_EXAMPLE IS_A),
          DNS_REFUSED, BYTES("\1\1\1\1"),
          BYTES("\x12\x34\x81\x85\0\1\0\0\0\0\0\0" A_EXAMPLE IS_A) },
        { "with EDNS", BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A OPT), DNS_SERVFAIL, "", 0,
          BYTES("\x12\x34\x81\x82\0\1\0\0\0\0\0\1" A_EXAMPLE IS_A "\0\0\x29\2\0\0\0\0\0\0\0") },
        { "malformed: nothing of it is said again", BYTES(HEAD_OF(ONE) "\xc0\x0c" IS_A),
          DNS_FORMERR, "", 0, BYTES("\x12\x34\x81\x81\0\0\0\0\0\0\0\0") },
        { "another operation", BYTES("\x12\x34\x28\0" ONE A_EXAMPLE IS_A), DNS_NOTIMP, "", 0,
          BYTES("\x12\x34\xa8\x84\0\0\0\0\0\0\0\0") },
        { "EDNS of version 1",
          BYTES(HEAD_OF(ONE_AND_OPT) A_EXAMPLE IS_A "\0\0\x29\x04\xd0\0\1\0\0\0\0"), DNS_BADVERS,
          "", 0,
          BYTES("\x12\x34\x81\x80\0\1\0\0\0\0\0\1" A_EXAMPLE IS_A "\0\0\x29\2\0\1\0\0\0\0\0") },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t bytes[DNS_MESSAGE_MAX];
        struct sink out = sink_over(bytes, sizeof bytes);
        struct dns_question question;
        assert_true(read(span_of(rows[i].asked, rows[i].asked_len), &question) != DNS_SILENCE);
        dns_answer_write(&out, &question, rows[i].rcode,
                         span_of(rows[i].address, rows[i].address_len), 60);
        assert_true(sink_ok(&out));
        assert_span_equal(sink_bytes(&out), span_of(rows[i].says, rows[i].says_len));
    }
}

/* The longest question that there is, with EDNS, and an address of 16 bytes. */
static void test_the_longest_answer(void **state)
{
    (void)state;
    uint8_t bytes[1024], text[DNS_MESSAGE_MAX];
    static const uint8_t address[16] = { 1 };
    struct sink out = sink_over(text, sizeof text);
    struct dns_question question;
    assert_int_equal(read(long_question(bytes, 3, 61), &question), DNS_QUESTION);
    question.has_edns = true;
    dns_answer_write(&out, &question, DNS_NOERROR, SPAN(address), 60);
    assert_true(sink_ok(&out));
    assert_int_equal(out.len, 12 + 259 + 28 + 11);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_questions, ""),           TEST(test_prefixes_and_flips, ""),
        TEST(test_the_longest_name, ""),    TEST(test_lengths_that_are_none, ""),
        TEST(test_the_longest_message, ""), TEST(test_answers, ""),
        TEST(test_the_longest_answer, ""),
    };
    return RUN_TESTS(tests);
}
