/* test_link_half.c - channels in front that are half open, by whom they are, and those that are
   over before core could be told. */
#include "proc/front_peers.h"

static struct address six(unsigned site, unsigned subscriber, unsigned host)
{
    const uint8_t bytes[16] = { 0x20,
                                0x01,
                                0x0d,
                                0xb8,
                                (uint8_t)(site >> 8),
                                (uint8_t)site,
                                (uint8_t)(subscriber >> 8),
                                (uint8_t)subscriber,
                                [15] = (uint8_t)host };
    return address_of_v6(bytes);
}

/* Asks for a channel; the status, and in `answer` why not. */
static int ask(struct address peer)
{
    static const char request[] = "GET /v1/channel HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    struct connection *connection = arrive(peer);
    assert_int_equal(send(ends[end_count - 1], request, sizeof request - 1, 0),
                     (ssize_t)sizeof request - 1);
    front_move(front, connection);
    move_all();
    size_t len = heard_by(end_count - 1);
    assert_true(len > 12 && memcmp(answer, "HTTP/1.1 ", 9) == 0);
    return (answer[9] - '0') * 100 + (answer[10] - '0') * 10 + (answer[11] - '0');
}

static void is_refused(struct address peer)
{
    assert_int_equal(ask(peer), 429);
    assert_non_null(strstr((const char *)answer, "LINK_TOO_MANY_HALF"));
}

/* Those of a /48 that are the most that one may have, eight of each /64; the first end of them. */
static uint32_t fill_site(unsigned site)
{
    uint32_t first = end_count;
    for (unsigned i = 0; i < LINK_HALF_OF_SITE; i++)
        assert_int_equal(ask(six(site, i / LINK_HALF_OF_PEER, i + 1)), 101);
    return first;
}

/* Whoever has a whole /48 has 65,536 /64s: they count together, past what one of them may have. */
static void test_a_site_has_so_many(void **state)
{
    (void)state;
    begin_front();
    for (unsigned i = 0; i < LINK_HALF_OF_PEER; i++)
        assert_int_equal(ask(six(1, 0, i + 1)), 101);
    is_refused(six(1, 0, 99)); /* one /64 has as many as an address */
    for (unsigned i = LINK_HALF_OF_PEER; i < LINK_HALF_OF_SITE; i++)
        assert_int_equal(ask(six(1, i, 1)), 101); /* each from a /64 of its own */
    is_refused(six(1, 4711, 1));
    is_refused(six(1, 0xffff, 1));
    assert_int_equal(front->links.half_count, LINK_HALF_OF_SITE);
    assert_int_equal(ask(six(2, 0, 1)), 101); /* the next /48 is somebody else */
    assert_int_equal(ask(six(0, 0xffff, 1)), 101);
    /* Of IPv4 each address is one, whatever is beside it. */
    for (unsigned i = 0; i <= LINK_HALF_OF_SITE; i++)
        assert_int_equal(ask(four(i / LINK_HALF_OF_PEER, i)), 101);
    assert_int_equal(front->links.half_count, 2 * LINK_HALF_OF_SITE + 3);
    /* One that is over gives its place back. */
    close(ends[0]);
    front_move(front, of_end[0]);
    ends[0] = dup(ends[1]);
    assert_int_equal(ask(six(1, 4711, 1)), 101);
    is_refused(six(1, 4712, 1));
    end_bench();
}

static bool is_over(uint32_t end)
{
    move_all();
    size_t len = heard_by(end);
    static const char text[] = "LINK_TOO_MANY_HALF";
    for (size_t i = 0; i + sizeof text - 1 <= len; i++) {
        if (memcmp(answer + i, text, sizeof text - 1) == 0)
            return true;
    }
    return false;
}

/* With all places taken, whoever has few takes one of a site that has the most, the oldest of it;
   and nobody who has as many takes anything. */
static void test_the_site_with_most_gives_way(void **state)
{
    (void)state;
    begin_front();
    uint32_t first = fill_site(1), second = fill_site(2);
    for (unsigned i = 0; i < LINK_HALF_MAX - 2 * LINK_HALF_OF_SITE; i++)
        assert_int_equal(ask(four(9, i)), 101);
    assert_int_equal(front->links.half_count, LINK_HALF_MAX);
    is_refused(six(1, 77, 1));
    assert_int_equal(ask(six(3, 0, 1)), 101);
    assert_true(is_over(first) && !is_over(first + 1) && !is_over(second));
    assert_int_equal(front->links.half_count, LINK_HALF_MAX);
    is_refused(six(1, 77, 1)); /* it would have as many as the one that would have to give */
    assert_int_equal(ask(four(8, 1)), 101); /* now the second site has most */
    assert_true(is_over(second) && !is_over(first + 1));
    is_refused(six(1, 77, 1));
    assert_int_equal(front->links.half_count, LINK_HALF_MAX);
    end_bench();
}

/* All places for the largest message of a handshake are lent: a peer that the house has called has
   its own. */
static void test_room_for_whom_the_house_has_called(void **state)
{
    static const uint8_t begun[] = { 0x82, 126, 0x03, 0xe8, 1 }; /* 1000 bytes follow */
    (void)state;
    begin_front();
    struct front_links *links = &front->links;
    struct link_room *free = links->finishes.free;
    links->finishes.free = NULL;
    struct connection *connection = arrive(four(7, 7));
    conn_closed(&front->conns, &connection->counted); /* the house's own count nowhere */
    connection->outward = &front->outwards[0];
    front->outwards[0].connection = connection;
    link_call(front, connection, (struct span){ 0 });
    assert_int_equal(send(ends[0], begun, sizeof begun, 0), (ssize_t)sizeof begun);
    front_move(front, connection);
    move_all();
    assert_non_null(connection->link);
    assert_int_equal(connection->link->reason, REASON_NONE);
    assert_ptr_equal(connection->link->rooms, &links->called);
    assert_int_equal(links->half_count, 0);
    links->finishes.free = free;
    end_bench();
}

/* The next end that core is told of, behind whatever else; false: there is none. */
static bool core_hears(uint64_t *number, uint16_t *reason)
{
    static uint8_t packet[PACKET_BYTES_MAX];
    static struct cursor left;
    for (;;) {
        struct frame frame;
        struct packet_fds fds = { 0 };
        size_t len = 0;
        assert_true(rc_ok(channel_flush(NULL, &hostile.house.channels[PEER_CORE])));
        if (cur_left(&left) == 0) {
            if (!rc_ok(packet_receive(NULL, hostile.far[PEER_CORE], packet, sizeof packet, &len,
                                      &fds)))
                return false;
            left = cur_over(span_of(packet, len));
        }
        assert_true(frame_get(&left, &frame));
        if (frame.message != MSG_LINK_OVER)
            continue;
        struct cursor in = cur_over(frame.body);
        assert_true(cur_u64le(&in, number) && cur_u16le(&in, reason) && cur_end(&in));
        return true;
    }
}

/* One that core has let in, by this number. */
static void let_in(uint32_t end, uint64_t number)
{
    struct link *link = of_end[end]->link;
    assert_non_null(link);
    link->core = number;
    link_leave_half(link);
    front->links.open++;
}

/* A core that does not read hears of every end later, in the order in which they were, and once. */
static void test_ends_that_core_has_no_room_for(void **state)
{
    enum { ENDED = 12 };
    uint64_t number = 0;
    uint16_t reason = 0;
    (void)state;
    begin_front();
    for (unsigned i = 0; i < ENDED; i++) {
        assert_int_equal(ask(four(i, 1)), 101);
        let_in(end_count - 1, 100 + i);
    }
    hostile_choke(&hostile, PEER_CORE);
    for (unsigned i = 0; i < ENDED; i++) {
        if (i % 2 == 0)
            link_over(of_end[i]->link, REASON_CHANNEL_REPLAY);
        else
            front_close(front, of_end[i]);
    }
    assert_int_equal(front->links.open, 0);
    assert_int_equal(front->links.untold_count, ENDED);
    links_tell_ends(front); /* there is still no room */
    assert_int_equal(front->links.untold_count, ENDED);
    assert_false(core_hears(&number, &reason)); /* which makes some */
    front_sweep(front, clock_monotonic_ms());
    assert_int_equal(front->links.untold_count, 0);
    for (unsigned i = 0; i < ENDED; i++) {
        assert_true(core_hears(&number, &reason));
        assert_int_equal(number, 100 + i);
        if (i % 2 == 0)
            assert_int_equal(reason, REASON_CHANNEL_REPLAY);
    }
    front_sweep(front, clock_monotonic_ms());
    assert_false(core_hears(&number, &reason));
    end_bench();
}

/* So many frames of the length of an end as fit into a queue that nobody takes from, `most` of
   them; how many there are. */
static uint32_t fill_queue(uint32_t most)
{
    static const uint8_t bytes[10];
    struct frame junk = { .message = MSG_REQUEST, .id = 1, .body = SPAN(bytes) };
    uint32_t count = 0;
    hostile_replace(&hostile, PEER_CORE);
    while (count < most && rc_ok(channel_put(NULL, &hostile.house.channels[PEER_CORE], &junk)))
        count++;
    return count;
}

/* What there is room for is told, and the rest of it behind that. */
static void test_ends_that_core_has_some_room_for(void **state)
{
    enum { ENDED = 12, ROOM = 5 };
    uint64_t number = 0;
    uint16_t reason = 0;
    (void)state;
    begin_front();
    (void)fill_queue(fill_queue(UINT32_MAX) - ROOM);
    for (uint32_t i = 0; i < ENDED; i++)
        front->links.untold[i] = (struct link_untold){ 100 + i, REASON_OK };
    front->links.untold_count = ENDED;
    links_tell_ends(front);
    assert_int_equal(front->links.untold_count, ENDED - ROOM);
    for (uint32_t i = 0; i < ENDED; i++) {
        front_sweep(front, clock_monotonic_ms());
        assert_true(core_hears(&number, &reason));
        assert_int_equal(number, 100 + i);
    }
    assert_int_equal(front->links.untold_count, 0);
    end_bench();
}

/* As many as there can be are kept; and a core that falls has heard of all it ever will: the next
   one knows none of these numbers. */
static void test_ends_that_nobody_is_left_for(void **state)
{
    uint64_t number = 0;
    uint16_t reason = 0;
    (void)state;
    begin_front();
    hostile_choke(&hostile, PEER_CORE);
    for (uint32_t i = 0; i < LINKS_MAX; i++)
        link_tell_end(front, 1 + i, REASON_OK);
    assert_int_equal(front->links.untold_count, LINKS_MAX);
    link_tell_end(front, 4711, REASON_OK);
    assert_int_equal(front->links.untold_count, LINKS_MAX);
    peer_changed(front, PEER_CORE, false);
    assert_int_equal(front->links.untold_count, 0);
    hostile_replace(&hostile, PEER_CORE);
    front_sweep(front, clock_monotonic_ms());
    assert_false(core_hears(&number, &reason));
    link_tell_end(front, 7, REASON_OK);
    assert_true(core_hears(&number, &reason) && number == 7);
    end_bench();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_site_has_so_many, ""),
        TEST(test_the_site_with_most_gives_way, ""),
        TEST(test_room_for_whom_the_house_has_called, ""),
        TEST(test_ends_that_core_has_no_room_for, ""),
        TEST(test_ends_that_core_has_some_room_for, ""),
        TEST(test_ends_that_nobody_is_left_for, ""),
    };
    return RUN_TESTS(tests);
}
