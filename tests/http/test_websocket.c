/* test_websocket.c - frames of a peer, good and bad, in any cut; and two of ours joined. */
#include "http/websocket.h"

#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "test.h"

enum { MESSAGE = 100, QUEUE = 300, PIECES = 4, CONTROLS = 5 };

static const struct websocket_limits limits = { MESSAGE, QUEUE, PIECES, CONTROLS };

struct end {
    struct websocket ws;
    uint8_t memory[MESSAGE + 1]; /* the last byte is never written */
    struct sink heard;
    char text[4096];
};

static void on_message(void *arg, struct span message, bool text)
{
    struct end *end = arg;
    sink_text(&end->heard, text ? "T" : "B");
    sink_put(&end->heard, message);
    sink_text(&end->heard, "|");
}

static void masks(void *out, size_t len)
{
    memset(out, 0xa5, len);
}

static const struct websocket_kind server = { .limits = &limits, .on_message = on_message };
static const struct websocket_kind client = {
    .role = WEBSOCKET_CLIENT, .limits = &limits, .on_message = on_message, .random = masks
};

static void begin(struct end *end, const struct websocket_kind *kind)
{
    end->memory[MESSAGE] = 0x5a;
    end->heard = sink_over(end->text, sizeof end->text);
    assert_true(websocket_init(&end->ws, kind, end->memory, end));
}

static const char *heard(struct end *end)
{
    sink_terminate(&end->heard);
    assert_int_equal(end->memory[MESSAGE], 0x5a);
    return end->text;
}

/* A frame of a client's, its mask all zeros so that it can be read here. */
#define ZERO            "\0\0\0\0"
#define FRAME(op, head) op head ZERO
#define TEXT(n, bytes)  "\x81" n ZERO bytes

/* The code of the Close frame that was sent; 0: none, 1: one without a code. */
static unsigned code_sent(struct span out)
{
    struct cursor in = cur_over(out);
    uint8_t head = 0, len = 0;
    uint16_t code = 0;
    while (cur_u8(&in, &head) && cur_u8(&in, &len)) {
        if (head == 0x88)
            return len == 0 ? 1 : cur_u16be(&in, &code) ? code : 0;
        if (!cur_skip(&in, len & 0x7f))
            return 0;
    }
    return 0;
}

enum { ANY = 9999 };

static bool code_is(struct span out, unsigned code)
{
    return code == ANY ? code_sent(out) > 0 : code_sent(out) == code;
}

static const struct {
    const char *name;
    struct span bytes;
    const char *want;
    enum reason reason;
    unsigned code;
} rows[] = {
#define ROW(name, bytes, want, reason, code)                                                       \
    {                                                                                              \
        name, { (const uint8_t *)(bytes), sizeof(bytes) - 1 }, want, reason, code                  \
    }
    ROW("a text", TEXT("\x85", "hello"), "Thello|", REASON_OK, 0),
    ROW("bytes", "\x82\x82" ZERO "\xff\xfe", "B\xff\xfe|", REASON_OK, 0),
    ROW("nothing", "\x82\x80" ZERO, "B|", REASON_OK, 0),
    ROW("two", TEXT("\x81", "a") TEXT("\x81", "b"), "Ta|Tb|", REASON_OK, 0),
    ROW("pieces",
        "\x01\x81" ZERO "a"
        "\x00\x81" ZERO "b"
        "\x80\x81" ZERO "c",
        "Tabc|", REASON_OK, 0),
    ROW("a ping between pieces",
        "\x01\x81" ZERO "a"
        "\x89\x81" ZERO "p"
        "\x80\x81" ZERO "c",
        "Tac|", REASON_OK, 0),
    ROW("a letter cut in two",
        "\x01\x81" ZERO "\xc3"
        "\x80\x81" ZERO "\xa9",
        "T\xc3\xa9|", REASON_OK, 0),
    ROW("a close", "\x88\x82" ZERO "\x03\xe8", "", REASON_OK, 1000),
    ROW("a close that says nothing", "\x88\x80" ZERO, "", REASON_OK, 1),
    ROW("what comes after a close", "\x88\x82" ZERO "\x03\xe8" TEXT("\x81", "a"), "", REASON_OK,
        1000),
    /* A Close closes, whatever else it says. */
    ROW("half a code", "\x88\x81" ZERO "\x03", "", REASON_OK, 1),
    ROW("a code that nobody sends", "\x88\x82" ZERO "\x03\xed", "", REASON_OK, 1002),
    ROW("words that are none",
        "\x88\x84" ZERO "\x03\xe8"
        "a\xc3",
        "", REASON_OK, ANY),
    ROW("no mask",
        "\x81\x01"
        "a",
        "", REASON_WEBSOCKET_PROTOCOL, 1002),
    ROW("a reserved bit", "\xc1\x81" ZERO "a", "", REASON_WEBSOCKET_PROTOCOL, 1002),
    ROW("an unknown kind", "\x83\x80" ZERO, "", REASON_WEBSOCKET_PROTOCOL, 1002),
    ROW("a piece of nothing", "\x80\x81" ZERO "a", "", REASON_WEBSOCKET_PROTOCOL, 1002),
    ROW("a message in a message",
        "\x01\x81" ZERO "a"
        "\x81\x81" ZERO "b",
        "", REASON_WEBSOCKET_PROTOCOL, 1002),
    ROW("a ping in pieces", "\x09\x81" ZERO "a", "", REASON_WEBSOCKET_PROTOCOL, 1),
    ROW("a ping that is too long", "\x89\xfe\x00\x7e" ZERO, "", REASON_WEBSOCKET_PROTOCOL, 1),
    ROW("a length that is too long", "\x81\xfe\x00\x05" ZERO "hello", "", REASON_WEBSOCKET_PROTOCOL,
        1),
    ROW("a length of 64 bits with the top bit", "\x82\xff\x80\0\0\0\0\0\0\0" ZERO, "",
        REASON_WEBSOCKET_PROTOCOL, 1),
    ROW("no UTF-8", TEXT("\x82", "a\xc3"), "", REASON_WEBSOCKET_PROTOCOL, 1007),
    ROW("half a surrogate", TEXT("\x83", "\xed\xa0\x80"), "", REASON_WEBSOCKET_PROTOCOL, 1007),
    ROW("one that is far too large", "\x82\xff\0\0\0\0\x7f\xff\xff\xff" ZERO "a", "",
        REASON_WEBSOCKET_MESSAGE_TOO_LARGE, 1009),
    ROW("five pieces",
        "\x02\x80" ZERO "\x00\x80" ZERO "\x00\x80" ZERO "\x00\x80" ZERO "\x80\x80" ZERO, "",
        REASON_WEBSOCKET_ABUSE, 1008),
    ROW("six pings",
        "\x89\x80" ZERO "\x89\x80" ZERO "\x8a\x80" ZERO "\x89\x80" ZERO "\x89\x80" ZERO
        "\x8a\x80" ZERO TEXT("\x81", "a"),
        "", REASON_WEBSOCKET_ABUSE, 1008),
};

static void test_frames(void **state)
{
    (void)state;
    static struct end end;
    uint8_t bytes[1024];
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t piece = 1; piece < 40; piece += 3) {
            struct sink out = sink_over(bytes, sizeof bytes);
            struct cursor all = cur_over(rows[i].bytes);
            struct span part;
            bool reads = true;
            begin(&end, &server);
            while (reads && cur_left(&all) > 0 &&
                   cur_take(&all, cur_left(&all) < piece ? cur_left(&all) : piece, &part))
                reads = websocket_feed(&end.ws, 0, part);
            assert_false(websocket_send(&end.ws, &out));
            bool ends = rows[i].code != 0;
            if (strcmp(heard(&end), rows[i].want) != 0 || end.ws.reason != rows[i].reason ||
                !code_is(sink_bytes(&out), rows[i].code) || reads == ends ||
                websocket_is_closed(&end.ws) != ends)
                fail_msg("%s, by %zu: %s %s %u", rows[i].name, piece, end.text,
                         reason_info(end.ws.reason)->name, code_sent(sink_bytes(&out)));
            websocket_fini(&end.ws);
        }
    }
}

/* At the limit and one past it, in one piece and in two. */
static void test_size(void **state)
{
    (void)state;
    static struct end end;
    uint8_t bytes[512];
    for (size_t len = MESSAGE - 1; len <= MESSAGE + 1; len++) {
        for (size_t first = 0; first <= len; first += 33) {
            struct sink frames = sink_over(bytes, sizeof bytes);
            sink_u8(&frames, 0x02);
            sink_u8(&frames, (uint8_t)(0x80 | first));
            sink_zero(&frames, 4 + first);
            sink_u8(&frames, 0x80);
            sink_u8(&frames, (uint8_t)(0x80 | (len - first)));
            sink_zero(&frames, 4 + len - first);
            begin(&end, &server);
            assert_int_equal(websocket_feed(&end.ws, 0, sink_bytes(&frames)), len <= MESSAGE);
            assert_int_equal(end.heard.len, len <= MESSAGE ? len + 2 : 0);
            assert_int_equal(end.ws.reason,
                             len <= MESSAGE ? REASON_OK : REASON_WEBSOCKET_MESSAGE_TOO_LARGE);
            heard(&end);
            websocket_fini(&end.ws);
        }
    }
}

/* A second later there may be as many again. */
static void test_controls(void **state)
{
    (void)state;
    static struct end end;
    uint8_t bytes[512];
    begin(&end, &server);
    for (uint64_t second = 0; second < 10; second++) {
        for (int i = 0; i < CONTROLS; i++)
            assert_true(websocket_feed(&end.ws, second * 1000, span_of("\x8a\x80\0\0\0\0", 6)));
    }
    assert_false(websocket_feed(&end.ws, 9999, span_of("\x8a\x80\0\0\0\0", 6)));
    assert_int_equal(end.ws.reason, REASON_WEBSOCKET_ABUSE);
    struct sink out = sink_over(bytes, sizeof bytes);
    assert_false(websocket_send(&end.ws, &out));
    assert_int_equal(code_sent(sink_bytes(&out)), 1008);
    websocket_fini(&end.ws);
}

/* What is put waits in a queue that has an end; pongs for a peer that does not read count too. */
static void test_queue(void **state)
{
    (void)state;
    static struct end end;
    static const uint8_t zeros[QUEUE + 1];
    static const struct websocket_limits many = { MESSAGE, QUEUE, PIECES, 1000 };
    static const struct websocket_kind patient = { .limits = &many, .on_message = on_message };
    uint8_t bytes[1024], ping[6 + WEBSOCKET_CONTROL] = { 0x89, 0x80 | WEBSOCKET_CONTROL };
    begin(&end, &patient);
    assert_false(websocket_put(&end.ws, span_of(zeros, QUEUE + 1), false));
    assert_true(websocket_put(&end.ws, span_of(zeros, QUEUE), false));
    assert_false(websocket_put(&end.ws, span_of(zeros, 1), false));
    struct sink out = sink_over(bytes, 100);
    assert_true(websocket_send(&end.ws, &out)); /* there is more */
    out = sink_over(bytes, sizeof bytes);
    assert_false(websocket_send(&end.ws, &out));
    unsigned pings = 0;
    while (pings < 100 && websocket_feed(&end.ws, 0, SPAN(ping)))
        pings++;
    assert_int_equal(pings, (QUEUE + WEBSOCKET_CONTROL) / WEBSOCKET_CONTROL);
    assert_int_equal(end.ws.reason, REASON_WEBSOCKET_ABUSE);
    websocket_fini(&end.ws);
}

/* Memory that is shared: there is `left` of it, and a message may have LENT_CAP bytes. */
enum { LENT_CAP = 40 };
static unsigned left, lent;

static enum reason lend(void *arg, uint64_t len, struct websocket_room *out)
{
    struct end *end = arg;
    if (len > LENT_CAP)
        return REASON_WEBSOCKET_MESSAGE_TOO_LARGE;
    if (left == 0)
        return REASON_OUT_OF_MEMORY;
    left--;
    lent++;
    *out = (struct websocket_room){ end->memory, LENT_CAP };
    return REASON_OK;
}

static void take_back(void *arg, struct websocket_room room)
{
    struct end *end = arg;
    assert_ptr_equal(room.memory, end->memory);
    assert_int_equal(room.cap, LENT_CAP);
    left++;
    lent--;
}

static const struct websocket_kind sharing = {
    .limits = &limits, .on_message = on_message, .borrow = lend, .give_back = take_back
};

static void begin_sharing(struct end *end)
{
    end->heard = sink_over(end->text, sizeof end->text);
    assert_true(websocket_init(&end->ws, &sharing, NULL, end));
    lent = 0;
}

static bool feed_piece(struct end *end, uint8_t head, uint8_t len, uint8_t there)
{
    uint8_t bytes[256];
    struct sink frame = sink_over(bytes, sizeof bytes);
    sink_u8(&frame, head);
    sink_u8(&frame, 0x80 | len);
    sink_zero(&frame, 4 + (size_t)there);
    return websocket_feed(&end->ws, 0, sink_bytes(&frame));
}

/* Memory is there from a message's first piece to its end, and not for what is too long. */
static void test_lent(void **state)
{
    (void)state;
    static struct end end;
    left = 1;
    begin_sharing(&end);
    assert_true(feed_piece(&end, 0x89, 3, 3)); /* a ping wants none */
    assert_true(lent == 0 && websocket_received(&end.ws) == 1);
    assert_true(feed_piece(&end, 0x02, 10, 10));
    assert_true(lent == 1 && websocket_is_receiving(&end.ws) && websocket_received(&end.ws) == 1);
    assert_true(feed_piece(&end, 0x80, LENT_CAP - 10, LENT_CAP - 10));
    assert_true(lent == 0 && !websocket_is_receiving(&end.ws) && websocket_received(&end.ws) == 2);
    assert_int_equal(end.heard.len, LENT_CAP + 2);
    assert_true(feed_piece(&end, 0x82, 0, 0)); /* nothing at all is a message, too */
    assert_true(lent == 0 && websocket_received(&end.ws) == 3);
    assert_true(feed_piece(&end, 0x02, 10, 10));
    assert_false(feed_piece(&end, 0x80, LENT_CAP - 9, 1));
    assert_true(lent == 0 && end.ws.reason == REASON_WEBSOCKET_MESSAGE_TOO_LARGE);
    websocket_fini(&end.ws);

    for (unsigned len = LENT_CAP + 1; len <= MESSAGE + 1; len += MESSAGE - LENT_CAP) {
        begin_sharing(&end);
        assert_false(feed_piece(&end, 0x82, (uint8_t)len, 1));
        assert_true(lent == 0 && end.ws.reason == REASON_WEBSOCKET_MESSAGE_TOO_LARGE);
        websocket_fini(&end.ws);
    }

    begin_sharing(&end);
    assert_true(feed_piece(&end, 0x82, 10, 5));
    assert_int_equal(lent, 1);
    websocket_fini(&end.ws); /* in the middle of a message */
    assert_true(lent == 0 && left == 1);

    left = 0;
    begin_sharing(&end);
    assert_false(feed_piece(&end, 0x82, 10, 10));
    assert_int_equal(end.ws.reason, REASON_OUT_OF_MEMORY);
    websocket_fini(&end.ws);
}

static void pass(struct end *from, struct end *to)
{
    uint8_t bytes[64];
    bool more = true;
    while (more) {
        struct sink out = sink_over(bytes, sizeof bytes);
        more = websocket_send(&from->ws, &out);
        if (out.len > 0)
            (void)!websocket_feed(&to->ws, 0, sink_bytes(&out));
    }
}

static void test_two_of_ours(void **state)
{
    (void)state;
    static struct end a, b;
    begin(&a, &client);
    begin(&b, &server);
    assert_true(websocket_put(&a.ws, span_text("to the server"), true));
    assert_true(websocket_put(&b.ws, span_text("to the client"), false));
    assert_true(websocket_ping(&a.ws));
    pass(&a, &b);
    pass(&b, &a);
    assert_string_equal(heard(&b), "Tto the server|");
    assert_string_equal(heard(&a), "Bto the client|");
    assert_true(websocket_put(&a.ws, span_text("the last words"), true));
    websocket_close(&a.ws, WEBSOCKET_GOING);
    websocket_close(&a.ws, WEBSOCKET_NORMAL);
    assert_false(websocket_put(&a.ws, span_text("late"), true));
    pass(&a, &b);
    assert_string_equal(heard(&b), "Tto the server|Tthe last words|");
    assert_int_equal(b.ws.code, WEBSOCKET_GOING);
    assert_false(websocket_is_closed(&b.ws)); /* its own Close is to be sent */
    pass(&b, &a);
    assert_true(websocket_is_closed(&a.ws) && websocket_is_closed(&b.ws));
    assert_true(a.ws.reason == REASON_OK && b.ws.reason == REASON_OK);
    websocket_fini(&a.ws);
    websocket_fini(&b.ws);
}

static void test_handshakes(void **state)
{
    (void)state;
    static const struct {
        const char *version, *key;
        enum reason want;
    } asks[] = {
        { "13", "dGhlIHNhbXBsZSBub25jZQ==", REASON_OK },
        { "8", "dGhlIHNhbXBsZSBub25jZQ==", REASON_WEBSOCKET_VERSION },
        { "", "dGhlIHNhbXBsZSBub25jZQ==", REASON_WEBSOCKET_VERSION },
        { "13", "dGhlIHNhbXBsZSBub25jZQ", REASON_WEBSOCKET_HANDSHAKE },
        { "13", "dGhlIHNhbXBsZSBub25jZR==", REASON_WEBSOCKET_HANDSHAKE },
        { "13", "dGhlIHNhbXBsZSBub25jZQQQ", REASON_WEBSOCKET_HANDSHAKE },
        { "13", "", REASON_WEBSOCKET_HANDSHAKE },
    };
    char accept[WEBSOCKET_ACCEPT + 1];
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        const struct http_field fields[] = {
            { span_text("sec-websocket-version"), span_text(asks[i].version) },
            { span_text("sec-websocket-key"), span_text(asks[i].key) }
        };
        struct http_request request = { .is_websocket = true, .fields = fields, .field_count = 2 };
        assert_int_equal(websocket_judge(&request, accept), asks[i].want);
        request.is_websocket = false;
        assert_int_equal(websocket_judge(&request, accept), REASON_WEBSOCKET_HANDSHAKE);
    }
    const struct http_field none = { { 0 }, { 0 } };
    struct http_request request = { .is_websocket = true, .fields = &none };
    assert_int_equal(websocket_judge(&request, accept), REASON_WEBSOCKET_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_frames, ""), TEST(test_size, ""),        TEST(test_controls, ""),
        TEST(test_queue, ""),  TEST(test_two_of_ours, ""), TEST(test_handshakes, ""),
        TEST(test_lent, ""),
    };
    return RUN_TESTS(tests);
}
