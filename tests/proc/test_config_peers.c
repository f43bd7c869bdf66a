/* test_config_peers.c - the tables [peers.NAME] of ward.toml: what is read, every mistake with its
   place, how many there may be, and where else they cannot be set. */
#include "config_load.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "proc/peer_text.h"

#define PIN "sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

static const char whole[] = "[peers.alpha]\n"
                            "url = \"wss://a.example:1/x\"\n"
                            "policy = 'a.toml'\n"
                            "ca_file = '/ca.pem'\n"
                            "pins = ['" PIN "', '" PIN "']\n"
                            "inward = true\n"
                            "profile = 'sdk-v1'\n"
                            "[peers.b-1]\n"
                            "url = 'ws://127.0.0.1'\n"
                            "public = 'http://[::1]:10000'\n";

static void test_what_is_read(void **state)
{
    (void)state;
    assert_true(load_file(whole));
    const struct peer_settings *peers = config.settings.peers;
    assert_int_equal(config.settings.peer_count, 2);
    assert_string_equal(peers[0].name, "alpha");
    assert_string_equal(peers[0].url, "wss://a.example:1/x");
    assert_string_equal(peers[0].policy, "/etc/ward/a.toml");
    assert_string_equal(peers[0].ca, "/ca.pem");
    assert_string_equal(peers[0].pins, PIN ", " PIN);
    assert_true(peers[0].inward);
    assert_int_equal(peers[0].profile, PEER_SDK_V1);
    assert_int_equal(peers[1].profile, PEER_V2);
    assert_string_equal(peers[1].name, "b-1");
    assert_string_equal(peers[1].url, "ws://127.0.0.1");
    assert_string_equal(peers[1].public, "http://[::1]:10000");
    assert_string_equal(peers[0].public, "");
    assert_string_equal(peers[1].policy, "");
    assert_false(peers[1].inward);
    assert_ptr_equal(peer_find(&config.settings, span_text("b-1")), &peers[1]);
    assert_null(peer_find(&config.settings, span_text("b")));
    assert_int_equal(config.peer_origins[0][0].source, CONFIG_FILE);
    assert_int_equal(config.peer_origins[0][0].place.line, 2);
    assert_int_equal(config.peer_origins[1][2].source, CONFIG_DEFAULT);
}

/* What is written is what was read. */
static void test_written_peers_read_back(void **state)
{
    char text[2][4096];
    (void)state;
    for (size_t turn = 0; turn < 2; turn++) {
        const struct config_table *table = config_table_find(span_text("peers"));
        struct sink out = sink_over(text[turn], sizeof text[turn]);
        assert_true(load_file(turn == 0 ? whole : text[0]));
        for (uint32_t peer = 0; peer < config.settings.peer_count; peer++)
            for (size_t i = 0; i < table->key_count; i++) {
                config_row_key_write(&out, table, &table->keys[i],
                                     config.settings.peers[peer].name);
                sink_text(&out, " = ");
                config_value_write(&out, &table->keys[i], &config.settings.peers[peer]);
                sink_text(&out, "\n");
            }
        sink_terminate(&out);
        assert_true(sink_ok(&out));
    }
    assert_string_equal(text[0], text[1]);
    assert_non_null(strstr(text[0], "peers.alpha.pins = [\"" PIN "\", \"" PIN "\"]\n"));
    assert_non_null(strstr(text[0], "peers.b-1.pins = []\n"));
}

static const struct {
    const char *file;
    uint32_t line, column;
    const char *text; /* a part of it */
    const char *nearest;
} bad_files[] = {
    { "[peer.a]\nurl = 'wss://a'\n", 1, 2, "no section \"peer\"", "peers" },
    { "peers = 1\n", 1, 1, "peers is an integer and must be a section", "" },
    { "peers.a = 1\n", 1, 7, "peers.a is an integer and must be a table", "" },
    { "[[peers.a]]\n", 1, 9, "peers.a is an array and must be a table", "" },
    { "[peers.A]\n", 1, 8, "\"A\" is no name of a peer", "" },
    { "[peers.\"\\u001b[2J\"]\n", 1, 8, "\"?[2J\" is no name of a peer", "" },
    { "[peers.a.b]\n", 1, 10, "a peer has no key \"b\"", "" },
    { "[peers.a]\nurll = 'wss://a'\nurl = 'wss://a'\n", 2, 1, "a peer has no key \"urll\"", "url" },
    { "[peers.a]\nurl = 'wss://a'\npin = []\n", 3, 1, "no key \"pin\"", "pins" },
    { "[peers.a]\nurl = 'https://a'\n", 2, 7, "peers.a.url must be wss:// or ws://", "" },
    { "[peers.a]\nurl = 'wss://u:hunter2@a'\n", 2, 7, "without a user", "" },
    { "[peers.a]\nurl = 1\n", 2, 7, "peers.a.url is an integer and must be a string", "" },
    { "[peers.a]\nurl = 'wss://a'\nprofil = 'v2'\n", 3, 1, "no key \"profil\"", "profile" },
    { "[peers.a]\nurl = 'wss://a'\nprofile = 'sdk-v2'\n", 3, 11,
      "profile must be one of: v2, sdk-v1", "sdk-v1" },
    { "[peers.a]\nurl = 'wss://a'\nprofile = 1\n", 3, 11, "is an integer and must be a string",
      "" },
    { "[peers.a]\nurl = 'wss://a'\nprofile = 'sdk-v1'\n", 1, 8, "needs a policy of its own", "" },
    { "[peers.a]\npublic = 'https://a'\nprofile = 'v2'\npolicy = 'p'\n", 1, 8,
      "has a policy, and no url", "" },
    { "[peers.a]\nurl = 'wss://a'\nfrom = 'nowhere'\n", 3, 1, "no key \"from\"", "" },
    { "[peers.a]\nurl = ''\n", 1, 8, "peers.a needs a url or public", "" },
    { "[peers.a]\nurl = ''\npublic = ''\n", 1, 8, "peers.a needs a url or public", "" },
    { "[peers.a]\npublic = 'wss://a'\n", 2, 10, "peers.a.public must be https:// or http://", "" },
    { "[peers.a]\npublic = 'https://a/'\n", 2, 10, "nothing behind that", "" },
    { "[peers.a]\npublic = 'https://a/sdk/public'\n", 2, 10, "nothing behind that", "" },
    { "[peers.a]\npublic = 'https://u:hunter2@a'\n", 2, 10, "peers.a.public must be", "" },
    { "[peers.a]\npublic = 'http://a'\n", 1, 8, "http://, which is for this machine", "" },
    { "[peers.a]\npublic = 'http://127.0.0.1'\npins = ['" PIN "']\n", 1, 8,
      "nor public of https://", "" },
    { "[peers.a]\npublic = 'https://a'\npolicy = 'p'\n", 1, 8, "no url whose evidence", "" },
    { "[peers.a]\nurl = 'wss://a'\npins = '" PIN "'\n", 3, 8, "must be an array of strings", "" },
    { "[peers.a]\nurl = 'wss://a'\npins = ['" PIN "', 1]\n", 3, 8, "has an integer in it", "" },
    { "[peers.a]\nurl = 'wss://a'\npins = ['sha256/x']\n", 3, 8, "peers.a.pins must be at most 8",
      "" },
    { "[peers.a]\nurl = 'wss://a'\npins = ['" PIN "','" PIN "','" PIN "','" PIN "','" PIN "','" PIN
      "','" PIN "','" PIN "','" PIN "']\n",
      3, 8, "peers.a.pins must be at most 8", "" },
    { "[peers.a]\nurl = 'wss://a'\npins = ['" PIN "','" PIN "','" PIN "','" PIN "','" PIN "','" PIN
      "','" PIN "','" PIN "','" PIN "','" PIN "']\n",
      3, 8, "has more in it than fits", "" },
    { "[peers.a]\nurl = 'wss://a'\ncompose_hash = 'ab'\n", 3, 1, "no key \"compose_hash\"", "" },
    { "[peers.a]\nurl = 'wss://a'\ninward = 'yes'\n", 3, 10, "must be true or false", "" },
    { "[peers.a]\nurl = 'wss://a'\n[sdk]\npeer = 'a'\n", 4, 8, "has no second way in", "" },
    { "[sdk]\npeer = 'A b'\n", 2, 8, "sdk.peer is no name of a peer", "" },
    { "[sdk]\npeer = ''\n", 2, 8, "sdk.peer must not be empty", "" },
    { "[peers.a]\n", 1, 8, "peers.a needs a url", "" },
    { "[peers.a]\npolicy = 'p'\n", 1, 8, "peers.a needs a url", "" },
    { "[peers.a]\nurl = 'ws://a'\n", 1, 8, "ws://, which is for this machine", "" },
    { "[peers.a]\nurl = 'ws://127.0.0.1'\npins = ['" PIN "']\n", 1, 8, "neither a url of wss://",
      "" },
    { "[peers.a]\nurl = 'ws://127.0.0.1'\nca_file = 'x'\n", 1, 8, "neither a url of wss://", "" },
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad_files); i++) {
        const struct config_problem *problem = &problems.list[0];
        if (load_file(bad_files[i].file) || problems.count != 1 ||
            problem->place.line != bad_files[i].line ||
            problem->place.column != bad_files[i].column ||
            strstr(problem->text, bad_files[i].text) == NULL ||
            strcmp(problem->nearest, bad_files[i].nearest) != 0)
            fail_msg("%s: %zu problems, %u:%u: %s (%s)", bad_files[i].file, problems.count,
                     problem->place.line, problem->place.column, problem->text, problem->nearest);
        assert_null(strstr(problem->text, "hunter2"));
    }
    assert_true(load_file("[peers.a]\nurl = 'ws://a'\ninward = true\n"));
    assert_true(load_file("[peers.a]\nurl = 'wss://a'\n[sdk]\npeer = 'b'\n"));
    assert_true(load_file("[peers.a]\nurl = 'ws://[::1]'\n"));
    assert_true(load_file("[peers.a]\npublic = 'https://a:10000'\npins = ['" PIN "']\n"));
    assert_true(load_file("[peers.a]\npublic = 'http://a'\ninward = true\n"));
    assert_true(load_file("[peers.a]\nurl = 'ws://[::1]'\npublic = 'https://a'\nca_file = 'c'\n"));
    assert_true(load_file("[peers]\n"));
    assert_true(load_file("[peers.a]\nurl = 'wss://a/sdk/ws'\nprofile = 'sdk-v1'\npolicy = 'p'\n"));
    /* Both things that it lacks are said. */
    assert_false(load_file("[peers.a]\npublic = 'https://a'\nprofile = 'sdk-v1'\n"));
    assert_int_equal(problems.count, 2);
    assert_non_null(strstr(problems.list[0].text, "no url at which it is spoken"));
    assert_non_null(strstr(problems.list[1].text, "needs a policy of its own"));
}

static void test_all_mistakes_at_once(void **state)
{
    (void)state;
    assert_false(load_file("[limit]\nconnections = 0\n[peers.a]\nurl = 'x'\nprofil = 'v2'\n"
                           "[peers.b]\n[peers.c]\nurl = 'wss://c'\n"));
    assert_int_equal(problems.count, 4);
    assert_int_equal(problems.list[3].place.line, 6);
}

static void test_how_many(void **state)
{
    char text[2048];
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct sink out = sink_over(text, sizeof text);
        for (int i = 0; i < SETTING_PEERS_MAX + more; i++)
            sink_format(&out, "[peers.p%d]\nurl = 'wss://a'\n", i);
        sink_terminate(&out);
        assert_int_equal(load_file(text), more == 0);
    }
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.list[0].text, "there are more than 16 peers");
    assert_int_equal(problems.list[0].place.line, 2 * SETTING_PEERS_MAX + 1);
}

static void test_in_the_file_only(void **state)
{
    static const char *const environment[] = { "WARD_PEERS_A_URL=wss://a", NULL };
    static const struct config_flag flags[] = { { "--set", "peers.a.url=wss://a" } };
    (void)state;
    assert_false(load((struct config_inputs){ .environment = environment }));
    assert_string_equal(problems.list[0].text, "peers are set in ward.toml only");
    assert_string_equal(problems.list[0].where, "WARD_PEERS_A_URL");
    assert_false(load((struct config_inputs){ .flags = flags, .flag_count = 1 }));
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.list[0].text, "peers are set in ward.toml only");
}

static void test_names_of_keys(void **state)
{
    static const char *const none[] = { "peers.a.b.url", "peers..url", "peers.a.urls",
                                        "peers.a.",      "peers.a",    "peers.",
                                        "peers",         "peer.a.url", "peers.A.url" };
    const struct config_table *table = config_table_find(span_text("peers")), *found;
    struct span peer;
    (void)state;
    assert_ptr_equal(config_row_key_find(span_text("peers.NAME.url"), &found, &peer),
                     &table->keys[0]);
    assert_ptr_equal(config_row_key_find(span_text("peers.a-b.url"), &found, &peer),
                     &table->keys[0]);
    assert_ptr_equal(found, table);
    assert_true(span_equal_text(peer, "a-b"));
    for (size_t i = 0; i < COUNT_OF(none); i++)
        assert_null(config_row_key_find(span_text(none[i]), &found, &peer));
    for (size_t i = 0; i < table->key_count; i++) {
        const struct config_key *keys = table->keys;
        assert_true((keys[i].fallback == NULL) != (keys[i].derived == NULL));
        assert_false(keys[i].reloads);
        assert_null(keys[i].flag);
        for (size_t k = 0; k < i; k++)
            assert_true(keys[k].field != keys[i].field);
    }
}

static void test_what_a_reload_sees(void **state)
{
    static const char *const others[] = {
        "",
        "[peers.b]\nurl = 'wss://a'\n",
        "[peers.a]\nurl = 'wss://b'\n",
        "[peers.a]\nurl = 'wss://a'\ninward = true\n",
        "[peers.a]\nurl = 'wss://a'\nprofile = 'sdk-v1'\npolicy = 'p'\n",
        "[peers.a]\nurl = 'wss://a'\n[peers.b]\nurl = 'wss://a'\n"
    };
    const struct config_table *table = config_table_find(span_text("peers"));
    static struct settings before;
    (void)state;
    assert_true(load_file("[peers.a]\nurl = 'wss://a'\n"));
    before = config.settings;
    assert_false(config_table_differs(table, &before, &config.settings));
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        enum config_change changes[CONFIG_KEYS_MAX];
        struct settings running = before;
        assert_true(load_file(others[i]));
        assert_true(config_table_differs(table, &before, &config.settings));
        config_take_over(&running, &config.settings, changes);
        assert_false(config_table_differs(table, &before, &running));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_is_read, ""),  TEST(test_written_peers_read_back, ""),
        TEST(test_bad_files, ""),     TEST(test_all_mistakes_at_once, ""),
        TEST(test_how_many, ""),      TEST(test_in_the_file_only, ""),
        TEST(test_names_of_keys, ""), TEST(test_what_a_reload_sees, ""),
    };
    return RUN_TESTS(tests);
}
