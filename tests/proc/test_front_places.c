/* test_front_places.c - more requests over HTTP/1.1 than places for them, and more handshakes than
   go on at once. */
#include "proc/front_peers.h"

enum { PLACES = 4 };

static void begin_with_places(void)
{
    begin_front();
    struct work *last = front->free_works;
    for (unsigned i = 1; i < PLACES; i++)
        last = last->next;
    last->next = NULL;
}

static uint32_t come(struct address peer)
{
    arrive(peer);
    return end_count - 1;
}

static void say_of(uint32_t end, const char *text)
{
    assert_int_equal(send(ends[end], text, strlen(text), 0), (ssize_t)strlen(text));
    front_move(front, of_end[end]);
    move_all();
}

/* What front answers by itself. */
static void ask(uint32_t end)
{
    say_of(end, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
}

static bool is_answered(uint32_t end)
{
    return heard_by(end) > 0 && memcmp(answer, "HTTP/1.1 404", 12) == 0;
}

static bool is_cut(uint32_t end)
{
    return recv(ends[end], answer, 1, MSG_DONTWAIT) == 0;
}

/* Half requests in all places; the first end of them. */
static uint32_t fill_places(void)
{
    uint32_t first = end_count;
    for (unsigned i = 0; i < PLACES; i++) {
        uint32_t end = come(four(i, 1));
        say_of(end, "GET / HTTP/1.1\r\nHo");
        assert_non_null(of_end[end]->work);
    }
    return first;
}

/* However many half requests there are, they keep out nobody who had more answers. */
static void test_who_was_answered_goes_before_half_requests(void **state)
{
    (void)state;
    begin_with_places();
    uint32_t inside = come(four(99, 1));
    ask(inside);
    assert_true(is_answered(inside));
    uint32_t first = fill_places(), other = come(four(98, 1));
    ask(other); /* one that had no more answers than those waits */
    assert_false(is_answered(other));
    assert_ptr_equal(of_end[other]->line, &front->starved);
    assert_int_equal(front->counts.slow, 0);
    ask(inside);
    assert_true(is_answered(inside));
    assert_int_equal(front->counts.slow, 1);
    assert_true(is_cut(first) && !is_cut(first + 1)); /* the oldest of those with none */
    assert_true(is_answered(other));                  /* whose turn came then */
    end_bench();
}

/* Of those with fewer answers the one that had fewest gives way, however late it came. */
static void test_who_was_answered_least_gives_way(void **state)
{
    (void)state;
    begin_with_places();
    uint32_t inside = come(four(99, 1)), first = end_count;
    for (unsigned asked = 0; asked < 5; asked++) {
        ask(inside);
        assert_true(is_answered(inside));
    }
    for (unsigned i = 0; i < PLACES; i++) {
        uint32_t end = come(four(i, 1));
        for (unsigned asked = 0; asked < (i == 2 ? 1u : 3u); asked++) {
            ask(end);
            assert_true(is_answered(end));
        }
        say_of(end, "GET / HTTP/1.1\r\nHo");
    }
    ask(inside);
    assert_true(is_answered(inside));
    for (unsigned i = 0; i < PLACES; i++)
        assert_int_equal(is_cut(first + i), i == 2);
    end_bench();
}

/* Nor does one with fewer answers take the place of one with more, or as many. */
static void test_a_place_is_not_taken_upwards(void **state)
{
    (void)state;
    begin_with_places();
    uint32_t poor = come(four(50, 1)), first = end_count;
    ask(poor);
    assert_true(is_answered(poor));
    for (unsigned i = 0; i < PLACES; i++) {
        uint32_t end = come(four(i, 1));
        for (unsigned asked = 0; asked < (i == 0 ? 1u : 3u); asked++) {
            ask(end);
            assert_true(is_answered(end));
        }
        say_of(end, "GET / HTTP/1.1\r\nHo");
    }
    ask(poor);
    assert_false(is_answered(poor));
    assert_int_equal(front->counts.slow, 0);
    uint32_t rich = first + PLACES - 1;
    say_of(rich, "st: a\r\n\r\n"); /* whoever is done makes room */
    assert_true(is_answered(rich) && is_answered(poor));
    assert_int_equal(front->counts.slow, 0);
    end_bench();
}

/* Whoever waits for a place is not late: the time is the house's. */
static void test_waiting_for_a_place_is_no_delay(void **state)
{
    (void)state;
    begin_with_places();
    (void)fill_places();
    uint32_t other = come(four(98, 1));
    ask(other);
    assert_ptr_equal(of_end[other]->line, &front->starved);
    /* Later than a head may take, and than anybody may say nothing. */
    front_sweep(front, clock_monotonic_ms() + 1000 * 11);
    assert_int_equal(of_end[other]->phase, CONNECTION_READING);
    assert_int_equal(front->counts.slow, PLACES);
    move_all();
    assert_true(is_answered(other));
    /* And it is idle from then on as anybody is. */
    front_sweep(front, clock_monotonic_ms() + 1000 * 11);
    assert_int_equal(of_end[other]->phase, CONNECTION_FREE);
    end_bench();
}

static void age(uint32_t end)
{
    of_end[end]->work->since_us -= (uint64_t)FRONT_YIELD_MS * 1000;
}

static bool waits(uint32_t end)
{
    return of_end[end]->line == &front->starved || of_end[end]->line == &front->starved_local;
}

/* Whole requests, and of the next one the first byte: never slow, and answered ever more often. */
static uint32_t hold_places(void)
{
    uint32_t first = end_count;
    for (unsigned i = 0; i < PLACES; i++) {
        uint32_t end = come(four(i, 1));
        say_of(end, "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nG");
        assert_true(is_answered(end));
        assert_non_null(of_end[end]->work);
    }
    return first;
}

static void say_next(uint32_t end)
{
    say_of(end, "ET /nothing HTTP/1.1\r\nHost: a\r\n\r\nG");
    assert_true(is_answered(end));
}

/* Answers do not lengthen the time for which a place is had. */
static void test_a_place_is_held_no_longer_by_answers(void **state)
{
    (void)state;
    begin_with_places();
    uint32_t first = hold_places(), other = come(four(98, 1));
    age(first + 2);
    say_next(first + 2);
    assert_non_null(of_end[first + 2]->work); /* nobody wants it */
    ask(other);
    assert_true(is_answered(other));
    assert_true(is_cut(first + 2));
    assert_int_equal(front->counts.slow, 1);
    end_bench();
}

/* And when somebody waits, an answer is the last before he has it. */
static void test_an_answer_ends_it_for_who_waits(void **state)
{
    (void)state;
    begin_with_places();
    uint32_t first = hold_places(), other = come(four(98, 1));
    ask(other);
    assert_true(waits(other));
    say_next(first + 1);
    assert_int_equal(of_end[first + 1]->phase, CONNECTION_ENDING);
    assert_true(is_answered(other));
    assert_int_equal(front->counts.slow, 0);
    end_bench();
}

/* Whoever waits is not passed by who comes later, and need not come again for the second. */
static void test_who_waits_has_the_second(void **state)
{
    (void)state;
    begin_with_places();
    uint32_t first = fill_places(), one = come(four(97, 1)), other = come(four(98, 1));
    say_of(one, "GET / HTTP/1.1\r\nHo");
    assert_true(waits(one));
    age(first + 3);
    say_of(other, "GET / HTTP/1.1\r\nHo");
    assert_true(waits(one) && waits(other));
    front_sweep(front, clock_monotonic_ms());
    assert_true(is_cut(first + 3));
    assert_non_null(of_end[one]->work);
    assert_true(waits(other));
    age(first);
    front_sweep(front, clock_monotonic_ms());
    assert_true(is_cut(first) && !is_cut(first + 1));
    assert_non_null(of_end[other]->work);
    assert_int_equal(front->counts.slow, 2);
    end_bench();
}

static uint32_t come_locally(void)
{
    uint32_t end = come(four(1, 2));
    conn_closed(&front->conns, &of_end[end]->counted);
    of_end[end]->local = true;
    front->local_count++;
    return end;
}

/* Over the owner's socket there are places that no stranger has. */
static void test_the_owner_is_kept_out_by_nobody(void **state)
{
    uint32_t local[FRONT_WORKS_LOCAL + 1];
    (void)state;
    begin_with_places();
    for (unsigned i = 0; i <= FRONT_WORKS_LOCAL; i++) {
        local[i] = come_locally();
        say_of(local[i], "GET /nothing HTTP/1.1\r\nHo"); /* one more than those */
        assert_non_null(of_end[local[i]]->work);
        age(local[i]);
    }
    for (unsigned i = 0; i < PLACES; i++)
        say_of(come(four(i, 1)), "GET / HTTP/1.1\r\nHo");
    assert_true(waits(end_count - 1)); /* nor does one of the owner's give way to a stranger */
    front_sweep(front, clock_monotonic_ms());
    assert_true(waits(end_count - 1));
    uint32_t last = come_locally();
    ask(last);
    assert_true(is_answered(last));
    assert_int_equal(front->counts.slow, 1); /* but to another one of his */
    assert_true(is_cut(local[0]));
    end_bench();
}

static unsigned handshakes;

enum tls_step __wrap_tls_handshake(struct tls *tls);
enum tls_step __wrap_tls_handshake(struct tls *tls)
{
    assert_null(tls);
    handshakes++;
    return TLS_WANT_READ;
}

static void hears_of(const struct connection *connection)
{
    const struct poller_event event = { .token = front_token(front, connection), .readable = true };
    front_ready(front, &event);
}

/* Whatever came of them all at once, few handshakes go on before whoever is in is looked at again.
 */
static void test_so_many_handshakes_in_one_wake_up(void **state)
{
    enum { COMERS = 20 };
    (void)state;
    begin_front();
    handshakes = 0;
    for (unsigned i = 0; i < COMERS; i++) {
        struct connection *connection = arrive(four(i, 1));
        connection->phase = CONNECTION_HANDSHAKE;
        front_line_up(&front->half, connection);
    }
    for (unsigned i = COMERS; i > 0; i--) {
        hears_of(of_end[i - 1]);
        hears_of(of_end[i - 1]); /* twice is once */
        assert_false(of_end[i - 1]->reading);
    }
    assert_int_equal(handshakes, 0);
    assert_int_equal(front->shaking, COMERS);
    front_close(front, of_end[COMERS - 1]);
    assert_int_equal(front->shaking, COMERS - 1);
    for (unsigned i = 0; i < COMERS - 1; i += FRONT_SHAKES_MAX) {
        int64_t now = clock_monotonic_ms();
        assert_int_equal(tick(front, now), now); /* nobody is waited for */
        assert_true(of_end[i]->shakes);          /* the oldest is next */
        front_wake_all(front);
        assert_false(of_end[i]->shakes);
        assert_true(of_end[i]->reading);
        assert_int_equal(handshakes, i + FRONT_SHAKES_MAX);
    }
    front_wake_all(front);
    assert_int_equal(handshakes, COMERS - 1);
    int64_t now = clock_monotonic_ms();
    assert_true(tick(front, now) > now);
    end_bench();
}

/* A flood before it in that line is no offence of its own. */
static void test_waiting_for_its_handshake_is_no_delay(void **state)
{
    (void)state;
    begin_front();
    handshakes = 0;
    struct connection *connection = arrive(four(1, 1));
    const int64_t now = clock_monotonic_ms();
    connection->phase = CONNECTION_HANDSHAKE;
    front_line_up(&front->half, connection);
    pace_begin(&connection->pace, PACE_HANDSHAKE, (uint64_t)now * 1000);
    hears_of(connection);
    front_sweep(front, now + 11 * 1000);
    assert_int_equal(connection->phase, CONNECTION_HANDSHAKE);
    assert_int_equal(front->counts.slow, 0);
    connection->shakes_ms -= 9 * 1000;
    front_wake_all(front);
    assert_int_equal(handshakes, 1);
    front_sweep(front, now + 18 * 1000); /* of which nine were the house's */
    assert_int_equal(connection->phase, CONNECTION_HANDSHAKE);
    front_sweep(front, now + 20 * 1000);
    assert_int_equal(connection->phase, CONNECTION_FREE);
    assert_int_equal(front->counts.slow, 1);
    end_bench();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_who_was_answered_goes_before_half_requests, ""),
        TEST(test_who_was_answered_least_gives_way, ""),
        TEST(test_so_many_handshakes_in_one_wake_up, ""),
        TEST(test_a_place_is_not_taken_upwards, ""),
        TEST(test_waiting_for_a_place_is_no_delay, ""),
        TEST(test_a_place_is_held_no_longer_by_answers, ""),
        TEST(test_an_answer_ends_it_for_who_waits, ""),
        TEST(test_who_waits_has_the_second, ""),
        TEST(test_the_owner_is_kept_out_by_nobody, ""),
        TEST(test_waiting_for_its_handshake_is_no_delay, ""),
    };
    return RUN_TESTS(tests);
}
