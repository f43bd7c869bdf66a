/* test_nitro_games.c - games with the CBOR of a document: every item of a good payload in other
   forms, and bombs.  Each is refused by its form, before a signature is looked at. */
#include <stdlib.h>
#include <string.h>

#include "attest/documents.h"
#include "attest/nitro_document.h"
#include "attest/nitro_maker.h"
#include "codec/cbor.h"
#include "codec/cbor_write.h"
#include "test.h"

enum { ITEMS_MAX = 256, GAMES = 10 };

static uint8_t room[MAKER_ROOM];

/* Where items start in a payload, and the form of their heads. */
struct item {
    size_t at, head_len;
    struct cbor_head head;
};

static size_t walk(struct span payload, struct item items[ITEMS_MAX])
{
    struct cursor in = cur_over(payload);
    size_t count = 0;
    while (!cur_end(&in)) {
        struct item *item = &items[count++];
        assert_in_range(count, 1, ITEMS_MAX);
        item->at = cur_offset(&in);
        assert_true(cbor_head(&in, &item->head));
        item->head_len = cur_offset(&in) - item->at;
        if (item->head.major == CBOR_BYTES || item->head.major == CBOR_TEXT)
            assert_true(cur_skip(&in, (size_t)item->head.value));
    }
    return count;
}

/* The head again with its number in 1, 2, 4 or 8 bytes. */
static void put_wide(struct sink *out, const struct cbor_head *head, unsigned bytes)
{
    uint8_t major = (uint8_t)(head->major << 5);
    switch (bytes) {
    case 1:
        sink_u8(out, major | 24);
        sink_u8(out, (uint8_t)head->value);
        break;
    case 2:
        sink_u8(out, major | 25);
        sink_u16be(out, (uint16_t)head->value);
        break;
    case 4:
        sink_u8(out, major | 26);
        sink_u32be(out, (uint32_t)head->value);
        break;
    default:
        sink_u8(out, major | 27);
        sink_u64be(out, head->value);
        break;
    }
}

/* The smallest width above the shortest, 0 when there is none. */
static unsigned wider(const struct cbor_head *head)
{
    if (head->value < 24)
        return 1;
    if (head->value <= UINT8_MAX)
        return 2;
    if (head->value <= UINT16_MAX)
        return 4;
    return head->value <= UINT32_MAX ? 8 : 0;
}

/* Writes the head of one game; false when the game makes no sense for this item. */
static bool put_game(struct sink *out, const struct item *item, int game, struct span old)
{
    struct cbor_head huge = item->head;
    bool number = item->head.major <= CBOR_MAP;
    switch (game) {
    case 0:
        if (!number || wider(&item->head) == 0)
            return false;
        put_wide(out, &item->head, wider(&item->head));
        return true;
    case 1:
        if (!number || item->head.value > UINT32_MAX)
            return false;
        put_wide(out, &item->head, 8);
        return true;
    case 2:
        huge.value = UINT64_MAX;
        if (item->head.major < CBOR_BYTES || !number)
            return false;
        put_wide(out, &huge, 8);
        return true;
    case 3:
        if (item->head.major < CBOR_BYTES || item->head.major > CBOR_ARRAY)
            return false;
        sink_u8(out, (uint8_t)(item->head.major << 5 | 31));
        return true;
    case 4:
    case 5:
        sink_u8(out, (uint8_t)((item->head.major << 5 | 28) + (game - 4)));
        return true;
    case 6:
        sink_u8(out, 0xff);
        return true;
    case 7:
        sink_u8(out, 0xc0);
        sink_put(out, old);
        return true;
    case 8:
        put_wide(out, &(struct cbor_head){ .major = CBOR_TAG, .value = UINT64_MAX }, 8);
        sink_put(out, old);
        return true;
    default:
        sink_u8(out, 0xf8);
        sink_u8(out, 0x14);
        return true;
    }
}

static bool play(struct document *document, struct span payload, const struct item *item, int game)
{
    static uint8_t forged_room[MAKER_ROOM], item_room[MAKER_ROOM];
    struct sink forged = sink_over(forged_room, sizeof forged_room);
    struct sink wrapped = sink_over(item_room, sizeof item_room);
    struct cursor in = cur_over(payload);
    struct span before, old;
    struct nitro_spec spec;
    assert_true(cur_take(&in, item->at, &before) && cur_take(&in, item->head_len, &old));
    sink_put(&forged, before);
    if (!put_game(&forged, item, game, old))
        return false;
    sink_put(&forged, cur_rest(&in));
    cbor_put_bytes(&wrapped, sink_bytes(&forged));
    assert_true(sink_ok(&forged) && sink_ok(&wrapped));
    maker_init(&spec);
    spec.payload_item = sink_bytes(&wrapped);
    enum reason reason = document_judge(document, maker_document(&spec, room), MAKER_NOW);
    if (report_first_failure(&document->report) > CHECK_AN_4)
        fail_msg("item at %zu, game %d: %s", item->at, game, reason_info(reason)->name);
    return true;
}

static void test_every_item(void **state)
{
    (void)state;
    static struct item items[ITEMS_MAX];
    static uint8_t good_room[MAKER_ROOM];
    unsigned played = 0;
    struct document document;
    struct report report = { 0 };
    struct nitro_document good;
    struct nitro_spec spec;
    struct trust_root root = maker_root();
    struct trust_roots roots = { &root, 1 };
    document_open(&document);
    document.input.roots = &roots;
    maker_init(&spec);
    assert_true(nitro_document_parse(maker_document(&spec, good_room), 0, &report, &good));
    size_t count = walk(good.payload, items);
    for (size_t i = 0; i < count; i++)
        for (int game = 0; game < GAMES; game++)
            played += play(&document, good.payload, &items[i], game);
    document_close(&document);
    assert_in_range(played, 300, UINT32_MAX);
}

/* 60,000 containers inside one another, in every place of the document. */
static void test_bombs(void **state)
{
    (void)state;
    static const uint8_t openers[] = { 0x81, 0x9f, 0xa1, 0xbf, 0xc1 };
    static uint8_t bomb[60000], item[60010];
    struct document document;
    document_open(&document);
    for (size_t o = 0; o < sizeof openers; o++)
        for (int place = 0; place < 6; place++) {
            struct nitro_spec spec;
            struct sink wrapped = sink_over(item, sizeof item);
            memset(bomb, openers[o], sizeof bomb);
            cbor_put_bytes(&wrapped, SPAN(bomb));
            maker_init(&spec);
            if (place == 0)
                spec.protected_item = SPAN(bomb);
            if (place == 1)
                spec.protected_item = sink_bytes(&wrapped);
            if (place == 2)
                spec.unprotected_item = SPAN(bomb);
            if (place == 3)
                spec.payload_item = sink_bytes(&wrapped);
            if (place == 4)
                spec.signature_item = SPAN(bomb);
            if (place == 5)
                spec.replace = (struct payload_field){ "nonce", SPAN(bomb) };
            enum reason reason = document_judge(&document, maker_document(&spec, room), MAKER_NOW);
            enum reason wanted = place == 1 ? REASON_NITRO_COSE_HEADER : REASON_NITRO_CBOR_INVALID;
            assert_int_equal(reason, wanted);
        }
    document_close(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_item, ""),
        TEST(test_bombs, ""),
    };
    return RUN_TESTS(tests);
}
