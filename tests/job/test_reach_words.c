/* test_reach_words.c - a refusal in words: the rule, and the change that would allow it; nothing
   that somebody else wrote stands in them but the name of a host. */
#include "job/reach_bench.h"

#include <string.h>

#include "base/number.h"

#define ALLOWED_HOSTS "sandbox_config.network_policy.allowed_hosts"
#define NOT_IN        " is not in " ALLOWED_HOSTS " nor in resources.network_whitelist.hosts"

static struct reach reach_for_words(void)
{
    return reach_of(START WHITELIST "hosts = ['w.example', '10.0.0.1']\nports = [443]\n" NETWORK
                                    "allowed_hosts = ['a.example', 'both.example']\n"
                                    "allowed_ports = [80]\n");
}

static const struct {
    enum reach_rule rule;
    const char *name;
    struct job_port port;
    const char *other, *address, *says, *change, *word;
} refusals[] = {
    { REACH_NAME,
      "x.example",
      { 0, false },
      "",
      "::",
      "x.example" NOT_IN,
      ALLOWED_HOSTS " += [\"x.example\"]",
      "name" },
    { REACH_NAME,
      "x\n\33[31m",
      { 0, false },
      "",
      "::",
      "what is no name of a host" NOT_IN,
      "",
      "name" },
    { REACH_NAME, "", { 0, false }, "", "::", "what is no name of a host" NOT_IN, "", "name" },
    { REACH_PLACES,
      "x.example",
      { 0, false },
      "",
      "::",
      "x.example would be one name more than 1024, which is the limit",
      "",
      "places" },
    { REACH_ADDRESS,
      "6.6.6.6",
      { 443, false },
      "",
      "::",
      "6.6.6.6" NOT_IN,
      ALLOWED_HOSTS " += [\"6.6.6.6\"]",
      "address" },
    { REACH_ADDRESS, "127.0.0.1", { 443, false }, "", "::", "127.0.0.1" NOT_IN, "", "address" },
    { REACH_ADDRESS, "198.18.0.99", { 443, false }, "", "::", "198.18.0.99" NOT_IN, "", "address" },
    { REACH_PORT,
      "a.example",
      { 8443, false },
      "",
      "::",
      "a.example is not allowed on 8443/tcp by sandbox_config.network_policy.allowed_ports",
      "sandbox_config.network_policy.allowed_ports += [8443]",
      "port" },
    { REACH_PORT,
      "w.example",
      { 443, true },
      "",
      "::",
      "w.example is not allowed on 443/udp by resources.network_whitelist.ports",
      "resources.network_whitelist.ports += [\"443/udp\"]",
      "port" },
    { REACH_PORT,
      "10.0.0.1",
      { 22, false },
      "",
      "::",
      "10.0.0.1 is not allowed on 22/tcp by resources.network_whitelist.ports",
      "resources.network_whitelist.ports += [22]",
      "port" },
    { REACH_INSIDE,
      "a.example",
      { 80, false },
      "",
      "192.168.0.1",
      "a.example leads to 192.168.0.1: private use (RFC 1918)",
      ALLOWED_HOSTS " += [\"192.168.0.1\"]",
      "inside" },
    { REACH_INSIDE,
      "a.example",
      { 80, false },
      "",
      "10.0.0.1",
      "a.example leads to 10.0.0.1: private use (RFC 1918)",
      "resources.network_whitelist.ports += [80]",
      "inside" },
    { REACH_INSIDE,
      "a.example",
      { 80, false },
      "",
      "127.0.0.1",
      "a.example leads to 127.0.0.1: loopback (RFC 1122)",
      "",
      "inside" },
    { REACH_NO_TLS,
      "w.example",
      { 443, false },
      "",
      "::",
      "w.example: TLS is demanded on 443/tcp, and this is none",
      "",
      "no-tls" },
    { REACH_NO_SNI,
      "w.example",
      { 443, false },
      "",
      "::",
      "w.example: the TLS hello names no server",
      "",
      "no-sni" },
    { REACH_OTHER_SNI,
      "w.example",
      { 443, false },
      "x.example",
      "::",
      "w.example: the TLS hello names x.example",
      ALLOWED_HOSTS " += [\"x.example\"]",
      "other-sni" },
    { REACH_OTHER_SNI,
      "w.example",
      { 443, false },
      "x\x1b.example",
      "::",
      "w.example: the TLS hello names what is no name of a host",
      "",
      "other-sni" },
    { REACH_ECH,
      "w.example",
      { 443, false },
      "",
      "::",
      "w.example: the TLS hello hides the name of the server",
      "",
      "ech" },
    { REACH_MALFORMED,
      "w.example",
      { 443, false },
      "",
      "::",
      "w.example: the TLS hello is malformed",
      "",
      "malformed-tls" },
};

static void test_words(void **state)
{
    (void)state;
    struct reach reach = reach_for_words();
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        char says[512], change[512];
        struct sink rule = sink_over(says, sizeof says), then = sink_over(change, sizeof change);
        const struct reach_refusal refusal = { .rule = refusals[i].rule,
                                               .name = span_text(refusals[i].name),
                                               .port = refusals[i].port,
                                               .other = span_text(refusals[i].other),
                                               .address = address_at(refusals[i].address) };
        reach_write_rule(&rule, &reach, &refusal);
        reach_write_change(&then, &reach, &refusal);
        sink_terminate(&rule);
        sink_terminate(&then);
        assert_string_equal(says, refusals[i].says);
        assert_string_equal(change, refusals[i].change);
        assert_string_equal(reach_rule_word(refusals[i].rule), refusals[i].word);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_words, ""),
    };
    return cmocka_run_group_tests(tests, start, end);
}
