/* test_store_url.c - which texts name a store, and that none with a secret passes. */
#include "test.h"

#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "proc/store_url.h"

static const struct {
    const char *text;
    enum store_url kind;
} rows[] = {
    { "sqlite", STORE_URL_SQLITE },
    { "host=db dbname=ward", STORE_URL_POSTGRESQL },
    { "dbname=ward", STORE_URL_POSTGRESQL },
    { "  host = db\tport= 5432 ", STORE_URL_POSTGRESQL },
    { "host=/run/postgresql dbname='the ward' passfile=/etc/ward/pgpass", STORE_URL_POSTGRESQL },
    { "application_name='password=no' host=db", STORE_URL_POSTGRESQL },
    { "application_name='it\\'s password=no'", STORE_URL_POSTGRESQL },
    { "dbname=", STORE_URL_POSTGRESQL },
    { "postgresql://", STORE_URL_POSTGRESQL },
    { "postgresql://db.internal:5432/ward", STORE_URL_POSTGRESQL },
    { "postgres://ward@db/ward?sslmode=verify-full", STORE_URL_POSTGRESQL },
    { "postgresql://ward@[::1]:5432/ward?passfile=/etc/pgpass", STORE_URL_POSTGRESQL },
    { "postgresql://a,b:1,c/ward?target_session_attrs=any&sslmode=require", STORE_URL_POSTGRESQL },
    { "postgresql:///ward?host=/run/postgresql", STORE_URL_POSTGRESQL },

    /* Every way to write a secret that libpq reads as one. */
    { "password=hunter2", STORE_URL_SECRET },
    { "host=db password=hunter2", STORE_URL_SECRET },
    { "host=db password = hunter2", STORE_URL_SECRET },
    { "host=db\rpassword=x", STORE_URL_SECRET },
    { "host=db\npassword='hun ter'", STORE_URL_SECRET },
    { "host='a b' password=''", STORE_URL_SECRET },
    { "host='a\\' b' password=x", STORE_URL_SECRET },
    { "host=a\\ b password=x", STORE_URL_SECRET },
    { "password=", STORE_URL_SECRET },
    { "password='not ended", STORE_URL_SECRET },
    { "sslkey=k sslpassword=x", STORE_URL_SECRET },
    { "oauth_client_secret=x", STORE_URL_SECRET },
    { "scram_client_key=x", STORE_URL_SECRET },
    { "scram_server_key=x", STORE_URL_SECRET },
    { "postgresql://ward:"
      "hunter2@db/ward",
      STORE_URL_SECRET },
    { "postgresql://ward:@db/ward", STORE_URL_SECRET },
    { "postgresql://:x@", STORE_URL_SECRET },
    { "postgres://ward:"
      "a?b@db/ward",
      STORE_URL_SECRET },
    { "postgresql://db/ward?password=x", STORE_URL_SECRET },
    { "postgresql://db?sslmode=require&password=x", STORE_URL_SECRET },
    { "postgresql://db/ward?p%61ssword=x", STORE_URL_SECRET },
    { "postgresql://db/ward?%70%61%73%73%77%6F%72%64=x", STORE_URL_SECRET },
    { "postgresql://db/ward?sslp%61ssword=x", STORE_URL_SECRET },
    { "postgresql://us?er@db/ward?password=x", STORE_URL_SECRET },
    { "postgresql://[a?b]/ward?password=x", STORE_URL_SECRET },

    /* What is neither, and may hide anything. */
    { "", STORE_URL_BAD },
    { "   ", STORE_URL_BAD },
    { "sqlite3", STORE_URL_BAD },
    { "SQLite", STORE_URL_BAD },
    { "sqlite:///ward.db", STORE_URL_BAD },
    { "mysql://db/ward", STORE_URL_BAD },
    { "Postgresql://db/ward", STORE_URL_BAD },
    { "host=db hunter2", STORE_URL_BAD },
    { "host db=x", STORE_URL_BAD },
    { "=x", STORE_URL_BAD },
    { "host=db =x", STORE_URL_BAD },
    { "host='db", STORE_URL_BAD },
    { "host=db\\", STORE_URL_BAD },
    { "postgresql://ward@hunter2@db/ward", STORE_URL_BAD },
    { "postgresql://ward:"
      "hun/ter2@db/ward",
      STORE_URL_BAD },
    { "postgresql://ward:"
      "hun/?ter2@db/ward",
      STORE_URL_BAD },
    { "postgresql://db/ward?sslmode", STORE_URL_BAD },
    { "postgresql://db/ward?a=b&&c=d", STORE_URL_BAD },
    { "postgresql://db/ward?%=x", STORE_URL_BAD },
    { "postgresql://db/ward?%6=x", STORE_URL_BAD },
    { "postgresql://db/ward?%zz=x", STORE_URL_BAD },
    { "postgresql://db/ward?a%00=x", STORE_URL_BAD },
    { "postgresql://db/ward?a_keyword_longer_than_libpq_has_any=x", STORE_URL_BAD },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        if (store_url_kind(span_text(rows[i].text)) != rows[i].kind)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

static void test_zero_bytes_are_read_like_others(void **state)
{
    (void)state;
    assert_int_equal(store_url_kind(span_of("sqlite\0", 7)), STORE_URL_BAD);
    assert_int_equal(store_url_kind(span_of("host=a\0 password=x", 18)), STORE_URL_SECRET);
    assert_int_equal(store_url_kind(span_of("\0", 1)), STORE_URL_BAD);
}

/* Cut anywhere, a text is judged without reading past its end; and a secret that is still
   whole is still seen. */
static void test_truncation(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            char copy[128];
            memcpy(copy, rows[i].text, len);
            enum store_url kind = store_url_kind(span_of(copy, len));
            assert_true(kind <= STORE_URL_BAD);
        }
    }
    const char *uri = "postgresql://ward:"
                      "hunter2@db/ward";
    for (size_t len = strlen("postgresql://ward:"
                             "hunter2@");
         len <= strlen(uri); len++)
        assert_int_equal(store_url_kind(span_of(uri, len)), STORE_URL_SECRET);
}

/* However a password is put behind other pairs, it is found. */
static void test_a_password_behind_anything(void **state)
{
    (void)state;
    static const char *const before[] = { "",        "a=b ",      "a='b' ",      "a='' ",
                                          "a=b\\  ", "a='\\\\' ", "a = 'x y'\n", "a=\"b\" ",
                                          "a=b'c ",  "a='b'" };
    for (size_t i = 0; i < COUNT_OF(before); i++) {
        char text[64];
        struct sink out = sink_over(text, sizeof text);
        sink_format(&out, "%spassword=x", before[i]);
        assert_int_equal(store_url_kind(sink_bytes(&out)), STORE_URL_SECRET);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_rows, ""),
        TEST(test_zero_bytes_are_read_like_others, ""),
        TEST(test_truncation, ""),
        TEST(test_a_password_behind_anything, ""),
    };
    return RUN_TESTS(tests);
}
