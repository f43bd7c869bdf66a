/* test_spec_explain.c - a specification in words: all of it is said, and nothing secret is. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "job/spec.h"

#define DIGEST "sha256:000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0e0f"
#define START  "image = '" DIGEST "'\ncommand = ['python', '-c', 'print(1) # it']\n"

#define NETWORK   "[sandbox_config.network_policy]\n"
#define WHITELIST "[resources.network_whitelist]\n"

static const char *explain(const char *toml)
{
    static uint8_t memory[1 << 20];
    static char text[8192];
    static struct toml_problems problems;
    struct arena arena = arena_over(memory, sizeof memory);
    struct sink out = sink_over(text, sizeof text);
    struct job_spec spec;
    assert_true(job_spec_load(span_text(toml), &arena, &spec, &problems));
    job_spec_explain(&out, &spec);
    sink_terminate(&out);
    assert_true(sink_ok(&out));
    return text;
}

static void test_what_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *toml, *says;
    } rows[] = {
        { START,
          "It runs python -c 'print(1) # it'\nfrom " DIGEST "\nas the node keeps jobs apart.\n" },
        { START, "Reserved: 1 processor, 1 GiB of memory, 1 GiB of disk, 0 GPUs.\n" },
        { START, "It ends at 3600 seconds, 16 GiB of memory or 1 GiB of output; never more than 4 "
                 "processors, 50 GiB of disk, 8192 MiB of a GPU's memory.\n" },
        { START, "It may reach localhost, 127.0.0.1 on 80/tcp, 443/tcp, 3000/tcp, 9080/tcp, "
                 "9081/tcp, 9082/tcp (allowed_hosts; localhost is the sandbox's own).\n"
                 "It reaches nothing else.\nIt can write" },
        { START NETWORK "allowed_hosts = ['192.0.2.7']\nallowed_ports = [443]\n",
          "It may reach 192.0.2.7 on 443/tcp (allowed_hosts).\nIt reaches nothing else.\n" },
        { START NETWORK "allowed_hosts = ['a.example']\nallowed_ports = [443]\n",
          "It may reach a.example on 443/tcp (allowed_hosts).\n"
          "It reaches nothing else; names are asked of 8.8.8.8, 1.1.1.1 for it.\n" },
        { START NETWORK "allowed_hosts = ['a.example']\nallowed_ports = [443]\n"
                        "dns_servers = []\n",
          "It reaches nothing else.\nIt can write" },
        { START NETWORK "allowed_hosts = []\n",
          "of a GPU's memory.\nIt reaches nothing: no host is allowed.\nIt can write" },
        { START NETWORK "allowed_ports = []\n",
          "of a GPU's memory.\nIt reaches nothing: no host is allowed.\nIt can write" },
        { START WHITELIST "hosts = ['localhost']\nports = [80]\n" NETWORK "allowed_hosts = []\n",
          "It may reach localhost on 80/tcp (resources.network_whitelist; localhost is the "
          "sandbox's own).\nIt reaches nothing else.\n" },
        { START NETWORK "allowed_hosts = ['::1', '127.0.0.1']\nallowed_ports = [80]\n",
          "It may reach ::1, 127.0.0.1 on 80/tcp (allowed_hosts; localhost is the sandbox's "
          "own).\n" },
        { START WHITELIST "hosts = ['*.a.example']\nports = [443]\n" NETWORK "allowed_hosts = []\n",
          "It may reach *.a.example on 443/tcp (resources.network_whitelist).\n"
          "It reaches nothing else; names are asked of 8.8.8.8, 1.1.1.1 for it.\n" },
        { START, "It can write /output, and /tmp, /var/tmp (in memory, 1 MiB each); all else is a "
                 "private copy that goes with it.\nIt does not see /etc, /usr/bin.\n" },
        { START WHITELIST "hosts = ['*.a.example']\nports = ['443/udp']\n",
          "It may reach *.a.example on 443/udp (resources.network_whitelist).\n" },
        { START NETWORK "allow_outbound = false\n",
          "It has no network: allow_outbound is false.\nIt can write" },
        { START "[sandbox_config.filesystem_policy]\nread_only = true\nallowed_paths = []\n"
                "denied_paths = []\n",
          "It can write /output; all else can only be read.\n" },
        { "tenant = 'blue'\n" START "[sandbox_config]\nisolation_level = 'tee'\n",
          "in a confidential virtual machine, on the share of blue.\n" },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *text = explain(rows[i].toml);
        if (strstr(text, rows[i].says) == NULL)
            fail_msg("%s does not say\n%s", text, rows[i].says);
    }
}

static void test_values_are_not_shown(void **state)
{
    (void)state;
    const char *text = explain(START "[env]\nDSN = 'postgresql://u:secret@h/d'\n");
    assert_non_null(strstr(text, "Variables: DSN (their values are not shown).\n"));
    assert_null(strstr(text, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_said, ""),
        TEST(test_values_are_not_shown, ""),
    };
    return RUN_TESTS(tests);
}
