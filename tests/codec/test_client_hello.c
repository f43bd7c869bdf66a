/* test_client_hello.c - hellos that OpenSSL writes, and all that is no hello or hides something. */
#include "test.h"

#include <string.h>

#include <openssl/ssl.h>

#include "base/number.h"
#include "base/sink.h"
#include "codec/client_hello.h"
#include "codec/host_name.h"

enum { ROOM = 256 << 10 };

static uint8_t gathered[CLIENT_HELLO_MAX];

static enum hello_reading read(struct span stream, struct client_hello *out)
{
    return client_hello_read(stream, gathered, out);
}

/* What OpenSSL sends first; a fragment of 0 is its own. */
static struct span made(const char *name, int most, long fragment, const char *alpn, uint8_t *room)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    assert_non_null(ctx);
    assert_int_equal(SSL_CTX_set_max_proto_version(ctx, most), 1);
    SSL *ssl = SSL_new(ctx);
    assert_non_null(ssl);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    SSL_set_bio(ssl, in, out);
    SSL_set_connect_state(ssl);
    if (name != NULL)
        assert_int_equal(SSL_set_tlsext_host_name(ssl, name), 1);
    if (fragment != 0)
        assert_int_equal(SSL_set_max_send_fragment(ssl, fragment), 1);
    if (alpn != NULL)
        assert_int_equal(SSL_set_alpn_protos(ssl, (const uint8_t *)alpn, (unsigned)strlen(alpn)),
                         0);
    assert_int_equal(SSL_do_handshake(ssl), -1);
    int len = BIO_read(out, room, ROOM);
    assert_true(len > 0);
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    return span_of(room, (size_t)len);
}

/* Byte by byte: not before the last one, and then as a whole. */
static void must_read_growing(struct span stream, const char *name)
{
    for (size_t len = 0; len < stream.len; len++) {
        struct client_hello hello;
        assert_int_equal(read(span_of(stream.at, len), &hello), HELLO_MORE);
    }
    struct client_hello hello = { 0 };
    assert_int_equal(read(stream, &hello), HELLO_READ);
    assert_int_equal(hello.len, stream.len);
    assert_true(span_equal_text(hello.name, name));
    assert_false(hello.is_encrypted);
}

static void test_hellos_of_openssl(void **state)
{
    (void)state;
    static uint8_t room[ROOM];
    char long_name[HOST_TEXT_MAX + 1] = { 0 };
    memset(long_name, 'a', HOST_TEXT_MAX);
    for (size_t i = 50; i < HOST_TEXT_MAX; i += 50)
        long_name[i] = '.';
    must_read_growing(made("api.example.com", TLS1_3_VERSION, 0, NULL, room), "api.example.com");
    must_read_growing(made("API.example.com", TLS1_2_VERSION, 0, "\2h2", room), "API.example.com");
    must_read_growing(made(NULL, TLS1_3_VERSION, 0, NULL, room), "");
    must_read_growing(made(long_name, TLS1_3_VERSION, 0, NULL, room), long_name);
    /* More than a record may have here: RFC 8446 5.1 lets a hello lie in several. */
    static char alpn[1500];
    for (size_t i = 0; i + 250 < sizeof alpn; i += 250) {
        memset(&alpn[i], 'x', 250);
        alpn[i] = (char)249;
    }
    struct span split = made("b.example", TLS1_3_VERSION, 512, alpn, room);
    assert_int_equal(split.at[3] << 8 | split.at[4], 512);
    must_read_growing(split, "b.example");
    /* OpenSSL sends these; a server has to refuse them, and so is it here. */
    struct client_hello hello;
    assert_int_equal(read(made("127.0.0.1", TLS1_3_VERSION, 0, NULL, room), &hello),
                     HELLO_MALFORMED);
    assert_int_equal(read(made("a.example.", TLS1_3_VERSION, 0, NULL, room), &hello),
                     HELLO_MALFORMED);
    assert_int_equal(read(made("a b", TLS1_3_VERSION, 0, NULL, room), &hello), HELLO_MALFORMED);
}

/* A hello with these extensions, or with none at all. */
static struct span message_of(struct span extensions, bool has, uint8_t *room)
{
    struct sink out = sink_over(room, ROOM);
    size_t body = 2 + 32 + 1 + 2 + 2 + 1 + 1 + (has ? 2 + extensions.len : 0);
    sink_u8(&out, 1);
    sink_u8(&out, (uint8_t)(body >> 16));
    sink_u16be(&out, (uint16_t)body);
    sink_u16be(&out, 0x0303);
    sink_zero(&out, 32);
    sink_u8(&out, 0);
    sink_u16be(&out, 2);
    sink_u16be(&out, 0x1301);
    sink_u16be(&out, 0x0100);
    if (has) {
        sink_u16be(&out, (uint16_t)extensions.len);
        sink_put(&out, extensions);
    }
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static struct span records_of(struct span message, size_t most, uint8_t *room)
{
    struct sink out = sink_over(room, ROOM);
    for (size_t at = 0; at < message.len; at += most) {
        size_t len = message.len - at < most ? message.len - at : most;
        sink_u8(&out, 22);
        sink_u16be(&out, 0x0301);
        sink_u16be(&out, (uint16_t)len);
        sink_put(&out, span_of(message.at + at, len));
    }
    assert_true(sink_ok(&out));
    return sink_bytes(&out);
}

static struct span hello_with(struct span extensions, size_t most, uint8_t *room)
{
    static uint8_t message[ROOM];
    return records_of(message_of(extensions, true, message), most, room);
}

#define SNI                                                                                        \
    "\0\0\0\x0e\0\x0c\0\0\x09"                                                                     \
    "a.example"
#define GREASE "\x0a\x0a\0\0"

static void test_extensions(void **state)
{
    (void)state;
    static const struct {
        const char *what, *bytes;
        size_t len;
        enum hello_reading reading;
        const char *name;
        bool is_encrypted;
    } rows[] = {
#define ROW(bytes) bytes, sizeof(bytes) - 1
        { "none", ROW(""), HELLO_READ, "", false },
        { "a name", ROW(SNI), HELLO_READ, "a.example", false },
        { "a name between GREASE", ROW(GREASE SNI "\xda\xda\0\1\0"), HELLO_READ, "a.example",
          false },
        { "two extensions with a name", ROW(SNI SNI), HELLO_MALFORMED, "", false },
        { "two of another kind", ROW(GREASE SNI GREASE), HELLO_MALFORMED, "", false },
        { "two names in one", ROW("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"), HELLO_MALFORMED, "", false },
        { "a name of another type", ROW("\0\0\0\6\0\4\1\0\1a"), HELLO_MALFORMED, "", false },
        { "an empty list", ROW("\0\0\0\2\0\0"), HELLO_MALFORMED, "", false },
        { "an empty extension, as servers send it", ROW("\0\0\0\0"), HELLO_MALFORMED, "", false },
        { "an empty name", ROW("\0\0\0\5\0\3\0\0\0"), HELLO_MALFORMED, "", false },
        { "a list shorter than its extension", ROW("\0\0\0\7\0\4\0\0\1a\0"), HELLO_MALFORMED, "",
          false },
        { "a list longer than its extension", ROW("\0\0\0\6\0\5\0\0\1a"), HELLO_MALFORMED, "",
          false },
        { "a name shorter than its list", ROW("\0\0\0\7\0\5\0\0\1ab"), HELLO_MALFORMED, "", false },
        { "a name longer than its list", ROW("\0\0\0\6\0\4\0\0\2a"), HELLO_MALFORMED, "", false },
        { "an extension longer than all of them", ROW("\0\0\0\7\0\4\0\0\1a"), HELLO_MALFORMED, "",
          false },
        { "a NUL behind the name", ROW("\0\0\0\7\0\5\0\0\2a\0"), HELLO_MALFORMED, "", false },
        { "a point behind it", ROW("\0\0\0\7\0\5\0\0\2a."), HELLO_MALFORMED, "", false },
        { "a wildcard", ROW("\0\0\0\x08\0\6\0\0\3*.a"), HELLO_MALFORMED, "", false },
        { "IPv4",
          ROW("\0\0\0\x0c\0\x0a\0\0\7"
              "1.2.3.4"),
          HELLO_MALFORMED, "", false },
        { "IPv6", ROW("\0\0\0\x08\0\6\0\0\3::1"), HELLO_MALFORMED, "", false },
        { "ECH", ROW(SNI "\xfe\x0d\0\1\0"), HELLO_READ, "a.example", true },
        { "ECH before the name", ROW("\xfe\x0d\0\0" SNI), HELLO_READ, "a.example", true },
        { "ECH of draft 8", ROW("\xfe\x08\0\0"), HELLO_READ, "", true },
        { "ECH of draft 7", ROW("\xff\x02\0\0"), HELLO_READ, "", true },
        { "an encrypted server name", ROW("\xff\xce\0\0"), HELLO_READ, "", true },
        { "its neighbour", ROW("\xfe\x0e\0\0"), HELLO_READ, "", false },
        { "half an extension", ROW(SNI "\0\1\0"), HELLO_MALFORMED, "", false },
#undef ROW
    };
    static uint8_t room[ROOM];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t most = 1; most <= 128; most += most == 1 ? 1 : most) {
            struct client_hello hello = { .name = span_text("untouched") };
            struct span stream = hello_with(span_of(rows[i].bytes, rows[i].len), most, room);
            enum hello_reading reading = read(stream, &hello);
            const char *name = reading == HELLO_READ ? rows[i].name : "untouched";
            if (reading != rows[i].reading || !span_equal_text(hello.name, name) ||
                hello.is_encrypted != rows[i].is_encrypted)
                fail_msg("%s, in records of %zu: %d", rows[i].what, most, (int)reading);
        }
    }
}

static void test_what_is_no_hello(void **state)
{
    (void)state;
    static const struct {
        const char *what, *bytes;
        size_t len;
        enum hello_reading reading;
    } rows[] = {
#define ROW(bytes) bytes, sizeof(bytes) - 1
        { "nothing yet", ROW(""), HELLO_MORE },
        { "HTTP", ROW("GET / HTTP/1.1\r\n"), HELLO_OTHER },
        { "SSH", ROW("SSH-2.0-x\r\n"), HELLO_OTHER },
        { "an alert", ROW("\x15\3\1\0\2\2\x28"), HELLO_OTHER },
        { "application data", ROW("\x17\3\3\0\1a"), HELLO_OTHER },
        { "SSL 2", ROW("\x80\x2e\1\0\2"), HELLO_OTHER },
        { "a 22 and another version", ROW("\x16\2"), HELLO_OTHER },
        { "one byte", ROW("\x16"), HELLO_MORE },
        { "an empty record", ROW("\x16\3\1\0\0"), HELLO_MALFORMED },
        { "a record of 2^14 + 1", ROW("\x16\3\1\x40\1"), HELLO_MALFORMED },
        { "a server's hello", ROW("\x16\3\1\0\4\2"), HELLO_MALFORMED },
        { "another message behind a hello", ROW("\x16\3\1\0\x0a\1\0\0\1"), HELLO_MALFORMED },
        { "the same when it is not known at once", ROW("\x16\3\1\0\2\1\0\x16\3\1\0\x04\0\1"),
          HELLO_MALFORMED },
        { "a second record that is an alert", ROW("\x16\3\1\0\4\1\0\0\x30\x15"), HELLO_MALFORMED },
        { "a second record of another version", ROW("\x16\3\1\0\4\1\0\0\x30\x16\2"),
          HELLO_MALFORMED },
        { "a second record that is empty", ROW("\x16\3\1\0\4\1\0\0\x30\x16\3\1\0\0"),
          HELLO_MALFORMED },
        { "a hello of no bytes", ROW("\x16\3\1\0\4\1\0\0\0"), HELLO_MALFORMED },
        { "a hello of 2^24 - 1", ROW("\x16\3\1\0\4\1\xff\xff\xff"), HELLO_MALFORMED },
#undef ROW
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct client_hello hello;
        enum hello_reading reading = read(span_of(rows[i].bytes, rows[i].len), &hello);
        if (reading != rows[i].reading)
            fail_msg("%s: %d", rows[i].what, (int)reading);
    }
}

/* The parts before the extensions: each byte of them that is a length, and a version. */
static void test_lengths_that_lie(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint8_t is;
        enum hello_reading reading;
    } rows[] = {
        { 4, 2, HELLO_MALFORMED },     /* version 2 */
        { 5, 1, HELLO_READ },          /* 3.1 */
        { 38, 33, HELLO_MALFORMED },   /* a session of 33 bytes */
        { 38, 2, HELLO_MALFORMED },    /* one that takes the ciphers' length */
        { 40, 0, HELLO_MALFORMED },    /* no cipher */
        { 40, 3, HELLO_MALFORMED },    /* one and a half */
        { 40, 0xff, HELLO_MALFORMED }, /* more than there are */
        { 43, 0, HELLO_MALFORMED },    /* no compression */
        { 43, 9, HELLO_MALFORMED },    { 46, 0x11, HELLO_MALFORMED }, /* extensions shorter */
        { 46, 0x13, HELLO_MALFORMED }, /* and longer than the message */
    };
    static uint8_t message[ROOM], room[ROOM];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct span bytes = message_of(span_of(SNI, sizeof SNI - 1), true, message);
        struct client_hello hello;
        message[rows[i].at] = rows[i].is;
        if (read(records_of(bytes, 4096, room), &hello) != rows[i].reading)
            fail_msg("byte %zu as %u", rows[i].at, rows[i].is);
    }
    struct client_hello hello;
    struct span bare = records_of(message_of((struct span){ 0 }, false, message), 4096, room);
    assert_int_equal(read(bare, &hello), HELLO_READ);
    assert_int_equal(hello.name.len, 0);
}

/* No more is asked for than is promised, however the hello is cut. */
static void test_the_longest(void **state)
{
    (void)state;
    static uint8_t padding[ROOM], room[ROOM];
    const size_t before = 4 + 2 + 32 + 1 + 2 + 2 + 1 + 1 + 2;
    for (size_t more = 0; more < 2; more++) {
        struct sink out = sink_over(padding, sizeof padding);
        struct client_hello hello;
        sink_put(&out, span_of(SNI, sizeof SNI - 1));
        size_t left = CLIENT_HELLO_MAX + more - before - out.len - 4;
        sink_u16be(&out, 21);
        sink_u16be(&out, (uint16_t)left);
        sink_zero(&out, left);
        struct span stream = hello_with(sink_bytes(&out), 8192, room);
        assert_int_equal(read(stream, &hello), more == 0 ? HELLO_READ : HELLO_MALFORMED);
        assert_int_equal(read(span_of(stream.at, 9), &hello),
                         more == 0 ? HELLO_MORE : HELLO_MALFORMED);
        stream = hello_with(sink_bytes(&out), 16, room);
        assert_int_equal(read(span_of(stream.at, CLIENT_HELLO_STREAM_MAX - 1), &hello),
                         more == 0 ? HELLO_MORE : HELLO_MALFORMED);
        assert_int_equal(read(span_of(stream.at, CLIENT_HELLO_STREAM_MAX), &hello),
                         HELLO_MALFORMED);
    }
}

/* What was read of a hello is the same whatever comes behind it: early data, or anything. */
static void test_bytes_behind_it(void **state)
{
    (void)state;
    static uint8_t room[ROOM];
    struct span stream = hello_with(span_of(SNI, sizeof SNI - 1), 20, room);
    for (unsigned c = 0; c < 256; c++) {
        struct client_hello hello;
        memset(&room[stream.len], (int)c, 64);
        assert_int_equal(read(span_of(room, stream.len + 64), &hello), HELLO_READ);
        assert_int_equal(hello.len, stream.len);
        assert_true(span_equal_text(hello.name, "a.example"));
    }
}

/* RFC 8446 4.1.3: a server's hello is its asking for another one by its random alone. */
static void test_what_a_server_says(void **state)
{
    static const uint8_t random[32] = { 0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
                                        0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                        0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
                                        0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c };
    uint8_t said[SERVER_HELLO_HEAD + 8] = { 22, 3, 3, 0, 88, 2, 0, 0, 84, 3, 3 };
    (void)state;
    memcpy(said + 11, random, sizeof random);
    assert_int_equal(server_hello_read(span_of(said, sizeof said)), SERVER_AGAIN);
    assert_int_equal(server_hello_read(span_of(said, SERVER_HELLO_HEAD)), SERVER_AGAIN);
    for (size_t len = 0; len < SERVER_HELLO_HEAD; len++)
        assert_int_equal(server_hello_read(span_of(said, len)), SERVER_MORE);
    for (size_t at = 11; at < SERVER_HELLO_HEAD; at++) {
        said[at] ^= 1;
        assert_int_equal(server_hello_read(span_of(said, sizeof said)), SERVER_OTHER);
        said[at] ^= 1;
    }
    said[5] = 11; /* another message */
    assert_int_equal(server_hello_read(span_of(said, sizeof said)), SERVER_OTHER);
    said[5] = 2;
    said[4] = 38; /* the shortest record that has the random, and one that has not */
    assert_int_equal(server_hello_read(span_of(said, sizeof said)), SERVER_AGAIN);
    said[4] = 37;
    assert_int_equal(server_hello_read(span_of(said, sizeof said)), SERVER_MALFORMED);
    said[0] = 21; /* an alert */
    assert_int_equal(server_hello_read(span_of(said, 1)), SERVER_OTHER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hellos_of_openssl, ""),  TEST(test_extensions, ""),
        TEST(test_what_is_no_hello, ""),   TEST(test_lengths_that_lie, ""),
        TEST(test_the_longest, ""),        TEST(test_bytes_behind_it, ""),
        TEST(test_what_a_server_says, ""),
    };
    return RUN_TESTS(tests);
}
