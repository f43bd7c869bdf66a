/* test_provider_url.c - which texts are the base of a provider, and what is none. */
#include "proc/provider_url.h"

#include <string.h>

#include "base/number.h"
#include "test.h"

static void what_is_a_base(void **state)
{
    static const struct {
        const char *text;
        bool usable;
    } rows[] = {
        { "https://api.trustedservices.intel.com", true },
        { "https://pccs.internal:8081", true },
        { "https://pccs.internal:8081/pccs/a_b~c-d.e", true },
        { "https://192.0.2.7", true },
        { "https://[2001:db8::7]:443/x", true },
        { "http://127.0.0.1:80", true },
        { "http://[::1]", true },
        { "http://localhost/a", true },
        { "https://h:1", true },
        { "https://h:65535", true },

        { "", false },
        { "https://", false },
        { "https:///a", false },
        { "HTTPS://h", false },
        { "ftp://h", false },
        { "file:///etc/passwd", false },
        { "http://pccs.internal", false },
        { "http://127.0.0.1.example", false },
        { "http://127.0.0.1@example", false },
        { "https://user:pw@h", false },
        { "https://h@other", false },
        { "https://h/", false },
        { "https://h/a/", false },
        { "https://h/a?b", false },
        { "https://h?b", false },
        { "https://h#b", false },
        { "https://h/a b", false },
        { "https://h/%2e", false },
        { "https://h\\other", false },
        { "https://h:0", false },
        { "https://h:65536", false },
        { "https://h:", false },
        { "https://h:1a", false },
        { "https://h:443443", false },
        { "https://[::1", false },
        { "https://[]", false },
        { "https://[::1]x", false },
        { "https://[fe80::1%25eth0]", false },
        { "https://h\nother", false },
    };
    char longest[PROVIDER_URL_MAX + 2] = "https://";
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (provider_url_is_usable(span_text(rows[i].text)) != rows[i].usable)
            fail_msg("%s", rows[i].text);
    }
    memset(longest + 8, 'a', sizeof longest - 9);
    assert_true(provider_url_is_usable(span_of(longest, PROVIDER_URL_MAX)));
    assert_false(provider_url_is_usable(span_of(longest, PROVIDER_URL_MAX + 1)));
    assert_false(provider_url_is_usable(span_of("https://a\0b", 11)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_a_base, ""),
    };
    return RUN_TESTS(tests);
}
