/* test_learn.c - the least specification: never more than was given, whatever was seen; written and
   read again it is the same; and learned again it stays. */
#include "job/learn.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "reach_bench.h"

#define FILES "[sandbox_config.filesystem_policy]\n"

static char text[LEARN_ROOM];

/* What was learned, after it was written and read again. */
static struct job_spec learn_twice(const struct job_spec *given, const struct learn_seen *seen)
{
    static struct toml_problems problems;
    struct learned learned;
    struct job_spec read;
    struct sink out = sink_over(text, sizeof text - 1);
    memset(&problems, 0, sizeof problems);
    assert_true(learn_spec(given, seen, &arena, &learned));
    assert_true(learn_is_within(&learned.spec, given));
    learn_write(&out, given, seen, &learned, "00");
    assert_true(sink_ok(&out));
    text[out.len] = 0;
    if (!job_spec_load(sink_bytes(&out), &arena, &read, &problems))
        fail_msg("%s\n%u: %s", text, problems.list[0].place.line, problems.list[0].text);
    assert_true(learn_is_within(&read, &learned.spec));
    assert_true(learn_is_within(&learned.spec, &read));
    return read;
}

static const struct reach_name *name_of(struct reach *reach, const char *name)
{
    enum reach_rule why;
    struct address address;
    const struct reach_name *found = address_parse(span_text(name), &address)
                                         ? reach_by_address(reach, &address)
                                         : reach_find_name(reach, span_text(name), &why);
    assert_non_null(found);
    return found;
}

/* --- amounts ---------------------------------------------------------------------------------- */

static void test_nothing_is_known(void **state)
{
    (void)state;
    struct reach reach = reach_of(START WHITELIST "hosts = ['a.example']\nports = [443]\n");
    const struct learn_seen seen = { .reach = &reach };
    const struct job_spec read = learn_twice(&spec, &seen);
    assert_true(learn_is_within(&spec, &read));
}

static void test_amounts(void **state)
{
    static const struct {
        const char *what;
        uint64_t memory, cpu_us, wall_ms, disk, output;
        uint64_t is_memory, is_vcpu, is_seconds, is_disk, is_output, reserved;
    } rows[] = {
        { "as little as can be", 1, 1, 1, 0, 0, 64, 1, 60, 64, 1, 16 },
        { "half as much again", 100u << 20, 2500000, 30000, 80u << 20, 3u << 20, 150, 1, 90, 150, 5,
          125 },
        { "in whole MiB", (100u << 20) + 1, 60001, 30, 0, 1u << 20, 151, 3, 60, 151, 2, 16 },
        { "more than anybody has", UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
          16384, 1, 3600, 51200, 1024, 1024 },
        { "a disk that is large", 64u << 20, 1, 1000, 1000u << 20, 0, 96, 1, 60, 1500, 1, 1024 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct reach reach = reach_of(START "[resources]\nvcpu = 4\n");
        const struct learn_seen seen = { .memory = rows[i].memory,
                                         .cpu_us = rows[i].cpu_us,
                                         .wall_ms = rows[i].wall_ms,
                                         .disk_known = true,
                                         .output_known = true,
                                         .disk = rows[i].disk,
                                         .output = rows[i].output,
                                         .reach = &reach };
        const struct job_spec read = learn_twice(&spec, &seen);
        if (read.limits.memory != rows[i].is_memory << 20 ||
            read.resources.vcpu != rows[i].is_vcpu ||
            read.limits.execution_s != rows[i].is_seconds ||
            read.limits.disk != rows[i].is_disk << 20 ||
            read.limits.output != rows[i].is_output << 20 ||
            read.resources.disk != rows[i].reserved << 20)
            fail_msg("%s:\n%s", rows[i].what, text);
    }
}

/* What a machine has for itself, and what is reserved in its memory, is there. */
static void test_a_machine(void **state)
{
    (void)state;
    struct reach reach = reach_of(START "[resources]\nmemory = '512M'\ndisk = '1G'\n");
    const struct learn_seen seen = { .memory = 300u << 20, .kept = 128u << 20, .reach = &reach };
    const struct job_spec read = learn_twice(&spec, &seen);
    assert_int_equal(read.resources.memory, 450u << 20);
    assert_int_equal(read.resources.disk, 1u << 30);
    assert_int_equal(read.limits.memory, (450u + 1024 + 128) << 20);
}

/* --- files ------------------------------------------------------------------------------------ */

static void test_files(void **state)
{
    static const bool written[] = { false, true, false };
    (void)state;
    struct reach reach = reach_of(START FILES "allowed_paths = ['/a', '/b', '/c\\n\"']\n");
    struct learn_seen seen = {
        .image_known = true, .allowed_known = true, .written = written, .reach = &reach
    };
    struct job_spec read = learn_twice(&spec, &seen);
    assert_true(read.files.read_only);
    assert_int_equal(read.files.allowed.count, 1);
    assert_span_equal(read.files.allowed.items[0], span_text("/b"));
    seen.image_changed = true;
    seen.folders[seen.folder_count++] = span_text("/x\nread_only = true");
    seen.folders[seen.folder_count++] = span_text("/\"\x1b]0;\x07\xff\\");
    seen.allowed_known = false;
    read = learn_twice(&spec, &seen);
    assert_false(read.files.read_only);
    assert_int_equal(read.files.allowed.count, 3);
    assert_non_null(strstr(text, "#   \"/x\\nread_only = true\"\n"));
    assert_null(strchr(text, '\x1b'));
}

/* --- hosts ------------------------------------------------------------------------------------ */

static const char lists[] = START WHITELIST
    "hosts = ['a.example', '*.wild.example', '5.5.5.5', '2a00::5', 'both.example']\n"
    "ports = [443, 80, '53/udp']\n" NETWORK
    "allowed_hosts = ['c.example', 'both.example', 'localhost']\nallowed_ports = [22, 80]\n";

static void test_each_use_is_of_the_list_that_allowed_it(void **state)
{
    static struct learn_uses uses;
    (void)state;
    struct reach reach = reach_of(lists);
    memset(&uses, 0, sizeof uses);
    const struct job_port https = { 443, false }, ssh = { 22, false }, names = { 53, true };
    assert_true(learn_uses_add(&uses, name_of(&reach, "x.wild.example"), https));
    assert_false(learn_uses_add(&uses, name_of(&reach, "X.wild.example"), https));
    assert_true(learn_uses_add(&uses, name_of(&reach, "5.5.5.5"), names));
    /* The question is not by itself of the other list, which has the name too. */
    assert_true(learn_uses_add(&uses, name_of(&reach, "both.example"), (struct job_port){ 0 }));
    assert_true(learn_uses_add(&uses, name_of(&reach, "both.example"), ssh));
    const struct learn_seen seen = { .uses = &uses, .reach = &reach };
    const struct job_spec read = learn_twice(&spec, &seen);
    const struct job_allowance *whitelist = &read.resources.whitelist;
    assert_int_equal(whitelist->hosts.count, 2);
    assert_span_equal(whitelist->hosts.items[0].text, span_text("x.wild.example"));
    assert_int_equal(whitelist->hosts.items[0].kind, JOB_HOST_NAME);
    assert_span_equal(whitelist->hosts.items[1].text, span_text("5.5.5.5"));
    assert_int_equal(whitelist->ports.count, 2);
    assert_int_equal(read.network.allowed.hosts.count, 1);
    assert_span_equal(read.network.allowed.hosts.items[0].text, span_text("both.example"));
    assert_int_equal(read.network.allowed.ports.count, 1);
    assert_int_equal(read.network.allowed.ports.items[0].number, 22);
    assert_true(read.network.allow_outbound);
}

static void test_no_use_is_no_network(void **state)
{
    static struct learn_uses uses;
    (void)state;
    struct reach reach = reach_of(lists);
    memset(&uses, 0, sizeof uses);
    struct learn_seen seen = { .uses = &uses, .reach = &reach };
    assert_false(learn_twice(&spec, &seen).network.allow_outbound);
    assert_true(learn_uses_add(&uses, NULL, (struct job_port){ 0 })); /* localhost alone */
    assert_int_equal(learn_twice(&spec, &seen).resources.whitelist.hosts.count, 5);
    assert_true(learn_uses_add(&uses, name_of(&reach, "a.example"), (struct job_port){ 0 }));
    const struct job_spec read = learn_twice(&spec, &seen);
    assert_int_equal(read.resources.whitelist.hosts.count, 1);
    assert_int_equal(read.resources.whitelist.ports.count, 1); /* a name needs one */
    assert_int_equal(read.resources.whitelist.ports.items[0].number, 443);
    seen.uses = NULL;
    assert_int_equal(learn_twice(&spec, &seen).resources.whitelist.hosts.count, 5);
}

/* More names than a list can have: then it keeps the entries that they were met by. */
static void test_names_without_end(void **state)
{
    static struct learn_uses uses;
    char name[32];
    (void)state;
    struct reach reach = reach_of(lists);
    memset(&uses, 0, sizeof uses);
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "n%d.wild.example", i);
        assert_true(learn_uses_add(&uses, name_of(&reach, name), (struct job_port){ 80, false }));
    }
    const struct learn_seen seen = { .uses = &uses, .reach = &reach };
    struct job_spec read = learn_twice(&spec, &seen);
    assert_int_equal(read.resources.whitelist.hosts.count, 1);
    assert_int_equal(read.resources.whitelist.hosts.items[0].kind, JOB_HOST_WILDCARD);
    assert_int_equal(read.resources.whitelist.ports.count, 1);
    uint16_t port = 1;
    while (uses.count < LEARN_USES_MAX)
        assert_true(
            learn_uses_add(&uses, name_of(&reach, "a.example"), (struct job_port){ port++, true }));
    assert_false(uses.more);
    assert_false(learn_uses_add(&uses, name_of(&reach, "a.example"), (struct job_port){ 443 }));
    assert_true(uses.more); /* what it used is not known, so nothing is taken away */
    read = learn_twice(&spec, &seen);
    assert_int_equal(read.resources.whitelist.hosts.count, 5);
    assert_int_equal(read.network.allowed.ports.count, 2);
}

static void test_what_was_refused_is_a_comment(void **state)
{
    static const struct reach_refusal refused[] = {
        { .rule = REACH_NAME, .name = { (const uint8_t *)"no.example", 10 } },
        { .rule = REACH_NAME, .name = { (const uint8_t *)"x\nallow_outbound = true", 23 } },
        { .rule = REACH_NO_TLS, .name = { (const uint8_t *)"a.example", 9 } },
    };
    static struct learn_uses uses;
    (void)state;
    struct reach reach = reach_of(lists);
    memset(&uses, 0, sizeof uses);
    const struct learn_seen seen = { .uses = &uses,
                                     .reach = &reach,
                                     .refused = refused,
                                     .refused_count = COUNT_OF(refused),
                                     .more_refused = true };
    assert_false(learn_twice(&spec, &seen).network.allow_outbound);
    assert_non_null(strstr(text, "it would take sandbox_config.network_policy.allowed_hosts += "
                                 "[\"no.example\"]\n#   what is no name of a host is not in"));
    assert_non_null(strstr(text, "#   a.example: TLS is demanded on 443/tcp, and this is none\n"
                                 "#   and more\n"));
}

/* --- whatever was seen ------------------------------------------------------------------------ */

static uint64_t roll_state;

static uint64_t roll(uint64_t below)
{
    roll_state = roll_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (roll_state >> 24) % below;
}

static const char *const some[] = {
    lists,
    START,
    START NETWORK "allow_outbound = false\n",
    START FILES "read_only = true\nallowed_paths = []\ndenied_paths = []\n",
    "name = 'n'\ntenant = 't'\nimage = '" DIGEST "'\ncommand = ['a', '', \"\\u0001\\\\\", 'é']\n"
    "[env]\nA = \"\\n]#'\"\nB_1 = ''\n[resources]\nvcpu = 3\nmemory = '70000K'\ndisk = '3G'\n"
    "[limits]\nmax_memory_bytes = 99999999\nmax_output_bytes = 12345\nmax_disk_bytes = '4G'\n"
    "max_execution_seconds = 7\n[sandbox_config]\nisolation_level = 'vm'\nresource_monitoring = "
    "false\nguest_agent = true\n",
};

static uint64_t some_amount(void)
{
    return roll(5) == 0 ? UINT64_MAX >> roll(64) : roll(UINT64_C(1) << (1 + roll(40)));
}

static void test_whatever_was_seen(void **state)
{
    static struct learn_uses uses;
    static const char *const names[] = { "a.example",    "q.wild.example", "r.wild.example",
                                         "both.example", "c.example",      "5.5.5.5" };
    static const uint16_t ports[] = { 0, 443, 80, 22, 53 };
    bool written[2];
    const uint64_t seed = 20261130;
    (void)state;
    roll_state = seed;
    for (int round = 0; round < 2000; round++) {
        const size_t which = roll(COUNT_OF(some));
        arena_fini(&arena);
        arena_init(&arena, 32 << 20);
        struct reach reach = reach_of(some[which]);
        memset(&uses, 0, sizeof uses);
        for (uint64_t i = roll(6); which == 0 && i > 0; i--)
            (void)learn_uses_add(&uses, name_of(&reach, names[roll(COUNT_OF(names))]),
                                 (struct job_port){ ports[roll(COUNT_OF(ports))], roll(4) == 0 });
        written[0] = roll(2) == 0;
        written[1] = roll(2) == 0;
        const struct learn_seen seen = { .memory = some_amount(),
                                         .cpu_us = some_amount(),
                                         .wall_ms = some_amount(),
                                         .disk_known = roll(2) == 0,
                                         .output_known = roll(2) == 0,
                                         .image_known = roll(2) == 0,
                                         .allowed_known = roll(2) == 0,
                                         .disk = some_amount(),
                                         .output = some_amount(),
                                         .image_changed = roll(2) == 0,
                                         .written = written,
                                         .kept = roll(2) == 0 ? 0 : 128u << 20,
                                         .uses = roll(5) == 0 ? NULL : &uses,
                                         .reach = &reach };
        const struct job_spec given = spec, once = learn_twice(&given, &seen);
        struct learn_seen again = seen;
        again.allowed_known = false; /* the bits are of the paths that were given */
        if (!learn_is_within(&once, &given) || !learn_is_within(&once, &once))
            fail_msg("seed %llu round %d:\n%s", (unsigned long long)seed, round, text);
        struct reach within;
        assert_true(reach_make(&once, &arena, &within));
        again.uses = NULL;
        const struct job_spec twice = learn_twice(&once, &again);
        assert_int_equal(twice.limits.memory, once.limits.memory);
        assert_int_equal(twice.limits.disk, once.limits.disk);
        assert_int_equal(twice.resources.disk, once.resources.disk);
        assert_int_equal(twice.limits.execution_s, once.limits.execution_s);
    }
}

/* What it promises is looked at: each of these allows more. */
static void test_what_is_more_than_was_given(void **state)
{
    (void)state;
    (void)reach_of(lists);
    const struct job_spec given = spec;
    const struct job_host other = { JOB_HOST_NAME, span_text("z.example") },
                          deeper = { JOB_HOST_NAME, span_text("a.b.wild.example") },
                          under = { JOB_HOST_NAME, span_text("b.wild.example") },
                          address = { JOB_HOST_ADDRESS, span_text("2a00:0::5") };
    const struct job_port port = { 22, true };
    const struct span path = span_text("/elsewhere"), nothing = { 0 };
#define MORE(change)                                                                               \
    do {                                                                                           \
        struct job_spec more = given;                                                              \
        change;                                                                                    \
        if (learn_is_within(&more, &given))                                                        \
            fail_msg("%s", #change);                                                               \
    } while (0)
    assert_true(learn_is_within(&given, &given));
    MORE(more.limits.memory++);
    MORE(more.limits.disk++);
    MORE(more.limits.output++);
    MORE(more.limits.execution_s++);
    MORE(more.limits.cpu_cores++);
    MORE(more.resources.vcpu++);
    MORE(more.resources.memory++);
    MORE(more.resources.disk++);
    MORE(more.files.denied.count = 0);
    MORE(more.files.tmpfs++);
    MORE(more.files.allowed = ((struct span_list){ &path, 1 }));
    MORE(more.command.count = 0);
    MORE(more.image = nothing);
    MORE(more.isolation = JOB_ISOLATION_CONTAINER);
    MORE(more.network.dns_servers.count = 0);
    MORE(more.resources.whitelist.hosts = ((struct job_hosts){ &other, 1 }));
    MORE(more.resources.whitelist.hosts = ((struct job_hosts){ &deeper, 1 }));
    MORE(more.resources.whitelist.ports = ((struct job_ports){ &port, 1 }));
    struct job_spec less = given;
    less.resources.whitelist.hosts = (struct job_hosts){ &under, 1 };
    less.network.allow_outbound = false;
    less.files.read_only = true;
    assert_true(learn_is_within(&less, &given));
    assert_false(learn_is_within(&given, &less));
    less.resources.whitelist.hosts = (struct job_hosts){ &address, 1 };
    assert_true(learn_is_within(&less, &given));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_nothing_is_known, ""),
        TEST(test_amounts, ""),
        TEST(test_a_machine, ""),
        TEST(test_files, ""),
        TEST(test_each_use_is_of_the_list_that_allowed_it, ""),
        TEST(test_no_use_is_no_network, ""),
        TEST(test_names_without_end, ""),
        TEST(test_what_was_refused_is_a_comment, ""),
        TEST(test_whatever_was_seen, ""),
        TEST(test_what_is_more_than_was_given, ""),
    };
    return cmocka_run_group_tests(tests, start, end);
}
