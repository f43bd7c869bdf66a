/* test_payload.c - the forms that a key is used on: each good one, every bit and every length
   of it, its neighbours, and what is no form at all. */
#include "guard_case.h"

static uint32_t kinds_of(const struct guard_case *c, struct span bytes)
{
    static struct job_result_room room;
    struct payload out = { 0 };
    return payload_kinds(bytes, SPAN(c->ca), &room, &out);
}

static uint32_t only(enum payload_kind kind)
{
    return 1u << kind;
}

static void each_is_one_kind(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    for (unsigned kind = 1; kind < PAYLOAD_KIND_COUNT; kind++) {
        uint32_t kinds = kinds_of(&c, c.payloads[kind]);
        if (kinds != only((enum payload_kind)kind))
            fail_msg("%s: %x", payload_kind_name((enum payload_kind)kind), (unsigned)kinds);
        assert_int_equal(payload_single(kinds), kind);
    }
    case_tls(&c, 48);
    assert_int_equal(kinds_of(&c, c.payloads[PAYLOAD_TLS_SERVER]), only(PAYLOAD_TLS_SERVER));
    assert_int_equal(c.payloads[PAYLOAD_TLS_SERVER].len, 146);
}

static void parts_are_read(void **state)
{
    (void)state;
    static struct guard_case c;
    static struct job_result_room room;
    struct payload out = { 0 };
    case_make(&c);
    assert_int_not_equal(payload_kinds(c.payloads[PAYLOAD_TLS_SERVER], SPAN(c.ca), &room, &out), 0);
    assert_int_equal(out.transcript_hash.len, 32);
    assert_int_equal(out.transcript_hash.at[31], 31 * 7 + 1);
    assert_int_not_equal(payload_kinds(c.payloads[PAYLOAD_CHECKPOINT], SPAN(c.ca), &room, &out), 0);
    assert_true(span_equal_text(out.checkpoint.origin, "ward.example/log"));
    assert_int_equal(out.checkpoint.size, 1234567);
    assert_memory_equal(out.checkpoint.root, c.leaf, CHECKPOINT_ROOT);
    assert_int_not_equal(payload_kinds(c.payloads[PAYLOAD_MINER], SPAN(c.ca), &room, &out), 0);
    assert_true(out.miner.key[0] == 1 && bytes_are_zero(out.miner.key + 1, KEY_ID - 1));
    assert_int_equal(out.miner.issued, CASE_NOW);
    assert_int_not_equal(payload_kinds(c.payloads[PAYLOAD_VERIFIED], SPAN(c.ca), &room, &out), 0);
    assert_int_equal(out.verified.at, CASE_NOW);
    assert_true(out.verified.key[0] == 1 && bytes_are_zero(out.verified.key + 1, KEY_ID - 1));
    assert_true(
        span_equal_text(span_of(out.miner.issuer, out.miner.issuer_len), "ward.example/log"));
    assert_int_not_equal(payload_kinds(c.payloads[PAYLOAD_RESULT], SPAN(c.ca), &room, &out), 0);
    assert_int_equal(out.result.ended, CASE_NOW);
    assert_true(out.result.key[0] == 1 && bytes_are_zero(out.result.key + 1, KEY_ID - 1));
    assert_int_equal(payload_kinds(c.payloads[PAYLOAD_RESULT], SPAN(c.ca), NULL, &out), 0);
}

/* The bytes that may change without the form changing, and no others. */
static void every_bit(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    for (unsigned kind = 1; kind < PAYLOAD_KIND_COUNT; kind++) {
        size_t kept = 0;
        struct span bytes = c.payloads[kind];
        for (size_t bit = 0; bit < 8 * bytes.len; bit++) {
            c.rooms[kind][bit / 8] ^= (uint8_t)(1u << bit % 8);
            uint32_t kinds = kinds_of(&c, bytes);
            assert_true(kinds == 0 || kinds == only((enum payload_kind)kind));
            kept += kinds != 0;
            if (kind == PAYLOAD_TLS_SERVER)
                assert_int_equal(kinds != 0, bit / 8 >= TLS_SERVER_PREFIX);
            c.rooms[kind][bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_true(kept > 0 && kept < 8 * bytes.len);
    }
}

/* Cut, and run on with zeros, with spaces, and with itself. */
static void every_length(void **state)
{
    (void)state;
    static struct guard_case c;
    static uint8_t room[3][PAYLOAD_MAX + 1];
    case_make(&c);
    for (unsigned kind = 1; kind < PAYLOAD_KIND_COUNT; kind++) {
        struct span bytes = c.payloads[kind];
        assert_true(bytes.len > 0);
        for (size_t i = 0; i < sizeof room[0]; i++) {
            room[0][i] = i < bytes.len ? bytes.at[i] : 0;
            room[1][i] = i < bytes.len ? bytes.at[i] : ' ';
            room[2][i] = bytes.at[i % bytes.len];
        }
        for (size_t len = 0; len <= 4096; len++) {
            bool tls = kind == PAYLOAD_TLS_SERVER && (len == 130 || len == 146);
            uint32_t want = tls || len == bytes.len ? only((enum payload_kind)kind) : 0;
            for (size_t how = 0; how < 3; how++)
                assert_int_equal(kinds_of(&c, span_of(room[how], len)), want);
        }
        assert_int_equal(kinds_of(&c, span_of(room[2], PAYLOAD_MAX + 1)), 0);
    }
    assert_int_equal(kinds_of(&c, (struct span){ 0 }), 0);
}

#define HS256  "eyJhbGciOiJIUzI1NiJ9" /* {"alg":"HS256"} */
#define SPACES "                                                                "
#define ROOT   "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define HASH   "0123456789abcdef0123456789abcdef"
#define TEXT(t)                                                                                    \
    {                                                                                              \
        (const uint8_t *)(t), sizeof(t) - 1                                                        \
    }

static const struct {
    const char *name;
    struct span bytes;
} neighbours[] = {
    { "TLS 1.3 client", TEXT(SPACES "TLS 1.3, client CertificateVerify\0" HASH) },
    { "TLS 1.3 server, SHA-512", TEXT(SPACES "TLS 1.3, server CertificateVerify\0" HASH HASH) },
    { "TLS 1.3 server, no separator", TEXT(SPACES "TLS 1.3, server CertificateVerify" HASH "0") },
    { "TLS 1.3 server, 63 spaces", TEXT("" HASH "TLS 1.3, server CertificateVerify\0" HASH HASH) },
    { "DTLS 1.3 server", TEXT(SPACES "dtls13, server CertificateVerify1\0" HASH) },
    { "delegated credential", TEXT(SPACES "TLS, server delegated credentials\0" HASH) },
    { "TLS 1.3 exported authenticator", TEXT(SPACES "Exported Authenticator0\0" HASH) },
    { "TLS 1.2 key exchange", TEXT(HASH HASH "\x03\x00\x1d\x20" HASH) },
    { "a bare digest", TEXT(HASH) },
    { "checkpoint with an extension line", TEXT("log\n5\n" ROOT "\nmore\n") },
    { "checkpoint with an empty line", TEXT("log\n5\n" ROOT "\n\n") },
    { "signed note", TEXT("log\n5\n" ROOT "\n\n\xe2\x80\x94 log AAAA\n") },
    { "checkpoint without its last line end", TEXT("log\n5\n" ROOT) },
    { "checkpoint with CR LF", TEXT("log\r\n5\r\n" ROOT "\r\n") },
    { "checkpoint, size with a zero in front", TEXT("log\n05\n" ROOT "\n") },
    { "checkpoint, size with a sign", TEXT("log\n+5\n" ROOT "\n") },
    { "checkpoint, no size", TEXT("log\n\n" ROOT "\n") },
    { "checkpoint, size of 2^63", TEXT("log\n9223372036854775808\n" ROOT "\n") },
    { "checkpoint, size of 2^64", TEXT("log\n18446744073709551616\n" ROOT "\n") },
    { "checkpoint, hexadecimal size", TEXT("log\n0x5\n" ROOT "\n") },
    { "checkpoint without origin", TEXT("\n5\n" ROOT "\n") },
    { "checkpoint, origin with a space", TEXT("a log\n5\n" ROOT "\n") },
    { "checkpoint, origin with a plus", TEXT("a+log\n5\n" ROOT "\n") },
    { "checkpoint, origin with a control", TEXT("a\x1blog\n5\n" ROOT "\n") },
    { "checkpoint, origin not ASCII", TEXT("l\xc3\xb6g\n5\n" ROOT "\n") },
    { "checkpoint, root too short", TEXT("log\n5\nAAAA\n") },
    { "checkpoint, root of 33 bytes",
      TEXT("log\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n") },
    { "checkpoint, root with bits to spare",
      TEXT("log\n5\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=\n") },
    { "checkpoint, root in the URL alphabet",
      TEXT("log\n5\n_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n") },
    { "go.sum tree", TEXT("go.sum database tree\n5\n" ROOT "\n") },
    { "token with its signature", TEXT(HS256 ".eyJiIjoyfQ.AAAA") },
    { "token without payload", TEXT(HS256 ".") },
    { "token without header", TEXT(".eyJiIjoyfQ") },
    { "half a token", TEXT(HS256) },
    { "token with padding", TEXT(HS256 "==.eyJiIjoyfQ==") },
    { "token with a line end", TEXT(HS256 ".eyJiIjoyfQ\n") },
    { "token in the standard alphabet", TEXT(HS256 ".eyJhIjoiPz8/In0+") },
    { "token with bits to spare", TEXT(HS256 ".eyJiIjoyfR") },
    { "token of an array", TEXT("WzFd.eyJiIjoyfQ") },
    { "token of an empty object", TEXT(HS256 ".e30") },
    { "token of another algorithm", TEXT("eyJhbGciOiJFZERTQSJ9.eyJiIjoyfQ") },
    { "token without algorithm", TEXT("eyJhIjoxfQ.eyJiIjoyfQ") },
    { "a result of a job that is another's kind",
      TEXT("eyJhbGciOiJFZERTQSIsImtpZCI6IjAwMTEyMjMzNDQ1NTY2Nzc4ODk5YWFiYmNjZGRlZWZmIiwidHlwIjoid2F"
           "yZC1yZXN1bHQifQ.eyJiIjoyfQ") },
    { "DSSE", TEXT("DSSEv1 4 text 3 abc") },
    { "SSH signature", TEXT("SSHSIG\0\0\0\4file\0\0\0\0\0\0\0\6sha512") },
    { "Solana off-chain message", TEXT("\xffsolana offchain\0\0\5\0hello") },
    { "Ethereum message", TEXT("\x19"
                               "Ethereum Signed Message:\n5hello") },
    { "CBOR of a COSE signature", TEXT("\x84\x6aSignature1\x43\xa1\x01\x26\x40\x40") },
    { "empty sequence", TEXT("\x30\x00") },
    { "RFC 5280 CRL, begun",
      TEXT("\x30\x1c\x02\x01\x01\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02") },
};

static void neighbours_are_refused(void **state)
{
    (void)state;
    static struct guard_case c;
    case_make(&c);
    for (size_t i = 0; i < sizeof neighbours / sizeof neighbours[0]; i++)
        if (kinds_of(&c, neighbours[i].bytes) != 0)
            fail_msg("%s", neighbours[i].name);
    /* What the rows deviate from is good. */
    static const struct span good[] = { TEXT("log\n5\n" ROOT "\n"), TEXT("log\n0\n" ROOT "\n"),
                                        TEXT("log\n9223372036854775807\n" ROOT "\n"),
                                        TEXT(HS256 ".eyJiIjoyfQ") };
    for (size_t i = 0; i < 4; i++)
        assert_int_not_equal(kinds_of(&c, good[i]), 0);
}

static void limits_of_text(void **state)
{
    (void)state;
    static struct guard_case c;
    static uint8_t room[PAYLOAD_MAX];
    case_make(&c);
    for (size_t len = CHECKPOINT_ORIGIN_MAX; len <= CHECKPOINT_ORIGIN_MAX + 1; len++) {
        struct sink out = sink_over(room, sizeof room);
        for (size_t i = 0; i < len; i++)
            sink_u8(&out, 'o');
        sink_text(&out, "\n5\n" ROOT "\n");
        assert_int_equal(kinds_of(&c, sink_bytes(&out)) != 0, len <= CHECKPOINT_ORIGIN_MAX);
    }
    /* A token that is as long as it may be, and one that is four letters longer. */
    for (size_t more = 0; more <= 4; more += 4) {
        uint8_t object[TOKEN_INPUT_MAX];
        size_t letters = TOKEN_INPUT_MAX - 24 + more; /* the header and its dot */
        size_t len = letters / 4 * 3;
        memset(object, ' ', len);
        object[0] = '{';
        object[1] = '"';
        object[len - 1] = '}';
        struct sink out = sink_over(room, sizeof room);
        base64url_encode(&out, span_text("{\"alg\":\"HS256\"  }"));
        sink_u8(&out, '.');
        base64url_encode(&out, span_of(object, len));
        assert_int_equal(out.len, TOKEN_INPUT_MAX + more);
        assert_int_equal(kinds_of(&c, sink_bytes(&out)) != 0, more == 0);
    }
}

/* Bytes of chance, and good payloads with a part of another in their middle. */
static void chance(void **state)
{
    (void)state;
    static struct guard_case c;
    struct test_random random = { 69 };
    case_make(&c);
    for (unsigned round = 0; round < 200000; round++) {
        uint8_t room[512];
        unsigned kind = 1 + (unsigned)test_random_below(&random, PAYLOAD_KIND_COUNT - 1);
        unsigned other = 1 + (unsigned)test_random_below(&random, PAYLOAD_KIND_COUNT - 1);
        struct span bytes = c.payloads[kind], part = c.payloads[other];
        size_t len = bytes.len < sizeof room ? bytes.len : sizeof room;
        memcpy(room, bytes.at, len);
        size_t from = test_random_below(&random, len);
        size_t count = test_random_below(&random, len - from + 1);
        for (size_t i = 0; i < count; i++)
            room[from + i] = round % 2 == 0 ? (uint8_t)test_random_next(&random)
                                            : part.at[(from + i) % part.len];
        uint32_t kinds = kinds_of(&c, span_of(room, len));
        assert_true(kinds == 0 || payload_single(kinds) != PAYLOAD_NONE);
    }
}

static void two_kinds_are_none(void **state)
{
    (void)state;
    for (uint32_t kinds = 0; kinds < 1u << (PAYLOAD_KIND_COUNT + 1); kinds++) {
        bool one = kinds == 2 || kinds == 4 || kinds == 8 || kinds == 16 || kinds == 32 ||
                   kinds == 64 || kinds == 128;
        assert_int_equal(payload_single(kinds) != PAYLOAD_NONE, one);
    }
    assert_string_equal(payload_kind_name(PAYLOAD_NONE), "unknown");
    assert_string_equal(payload_kind_name(PAYLOAD_KIND_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_is_one_kind, ""), TEST(parts_are_read, ""),         TEST(every_bit, ""),
        TEST(every_length, ""),     TEST(neighbours_are_refused, ""), TEST(limits_of_text, ""),
        TEST(chance, ""),           TEST(two_kinds_are_none, ""),
    };
    return RUN_TESTS(tests);
}
