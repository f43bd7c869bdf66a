/* test_host.c - names, wildcards, addresses and ports as rules name them. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "codec/host_name.h"
#include "job/host.h"

#define LABEL_63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"

static void test_hosts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum job_host_kind kind;
    } rows[] = {
        { "localhost", JOB_HOST_NAME },
        { "api.example.com", JOB_HOST_NAME },
        { "xn--bcher-kva.example", JOB_HOST_NAME },
        { "_sip.example.com", JOB_HOST_NAME },
        { "1.example.1a", JOB_HOST_NAME },
        { LABEL_63 ".example", JOB_HOST_NAME },
        { "*.example.com", JOB_HOST_WILDCARD },
        { "127.0.0.1", JOB_HOST_ADDRESS },
        { "::1", JOB_HOST_ADDRESS },
        { "2001:db8::1", JOB_HOST_ADDRESS },
        { "", JOB_HOST_NONE },
        { ".", JOB_HOST_NONE },
        { "example.com.", JOB_HOST_NONE },
        { ".example.com", JOB_HOST_NONE },
        { "a..b", JOB_HOST_NONE },
        { "-a.example", JOB_HOST_NONE },
        { "a-.example", JOB_HOST_NONE },
        { "a" LABEL_63 ".example", JOB_HOST_NONE },
        { "*", JOB_HOST_NONE },
        { "*.com", JOB_HOST_NONE },
        { "*.*.example.com", JOB_HOST_NONE },
        { "a.*.example.com", JOB_HOST_NONE },
        { "api*.example.com", JOB_HOST_NONE },
        { "*.127.0.0.1", JOB_HOST_NONE },
        { "127.1", JOB_HOST_NONE },
        { "0177.0.0.1", JOB_HOST_NONE },
        { "2130706433", JOB_HOST_NONE },
        { "fe80::1%eth0", JOB_HOST_NONE },
        { "[::1]", JOB_HOST_NONE },
        { "10.0.0.0/8", JOB_HOST_NONE },
        { "example.com:443", JOB_HOST_NONE },
        { "https://example.com", JOB_HOST_NONE },
        { "example.com/", JOB_HOST_NONE },
        { "exa mple.com", JOB_HOST_NONE },
        { "ex\xc3\xa4mple.com", JOB_HOST_NONE },
        { "user@example.com", JOB_HOST_NONE },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct job_host host = { 0 };
        bool ok = job_host_parse(span_text(rows[i].text), &host);
        if (ok != (rows[i].kind != JOB_HOST_NONE) || host.kind != rows[i].kind)
            fail_msg("\"%s\" is taken for %d", rows[i].text, (int)host.kind);
    }
}

/* Its own is that and nothing that looks like it. */
static void test_what_is_the_sandbox_itself(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool own;
    } rows[] = {
        { "localhost", true },
        { "127.0.0.1", true },
        { "::1", true },
        { "a.localhost", false },
        { "localhos", false },
        { "localhost.example", false },
        { "*.localhost.a", false },
        { "127.0.0.2", false },
        { "127.0.0.11", false },
        { "::2", false },
        { "0.0.0.0", false },
        { "::", false },
        { "::ffff:127.0.0.1", false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct job_host host = { 0 };
        assert_true(job_host_parse(span_text(rows[i].text), &host));
        if (job_host_is_own(&host) != rows[i].own)
            fail_msg("\"%s\"", rows[i].text);
    }
}

/* Every character that a name may not have, in the middle of one. */
static void test_every_byte_of_a_name(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 256; c++) {
        char text[] = "ab.example";
        struct job_host host;
        text[1] = (char)c;
        bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
        bool ok = job_host_parse(span_of(text, sizeof text - 1), &host);
        assert_int_equal(ok, good);
    }
}

static void test_the_longest_name(void **state)
{
    (void)state;
    char text[HOST_TEXT_MAX + 2];
    struct job_host host;
    memset(text, 'a', sizeof text);
    for (size_t i = 50; i < sizeof text; i += 50)
        text[i] = '.';
    assert_true(job_host_parse(span_of(text, HOST_TEXT_MAX), &host));
    assert_false(job_host_parse(span_of(text, HOST_TEXT_MAX + 1), &host));
}

static void test_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint16_t number;
        bool udp;
    } rows[] = {
        { "443", 443, false },       { "443/tcp", 443, false }, { "443/udp", 443, true },
        { "1", 1, false },           { "65535", 65535, false }, { "", 0, false },
        { "0", 0, false },           { "65536", 0, false },     { "0443", 0, false },
        { "443/sctp", 0, false },    { "443/", 0, false },      { "443/UDP", 0, false },
        { "-1", 0, false },          { "+1", 0, false },        { "443 ", 0, false },
        { "80-90", 0, false },       { "http", 0, false },      { "123456", 0, false },
        { "443/udp/tcp", 0, false },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct job_port port = { 0 };
        bool ok = job_port_parse(span_text(rows[i].text), &port);
        if (ok != (rows[i].number != 0) || port.number != rows[i].number || port.udp != rows[i].udp)
            fail_msg("\"%s\" is taken for %u", rows[i].text, port.number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hosts, ""),
        TEST(test_what_is_the_sandbox_itself, ""),
        TEST(test_every_byte_of_a_name, ""),
        TEST(test_the_longest_name, ""),
        TEST(test_ports, ""),
    };
    return RUN_TESTS(tests);
}
