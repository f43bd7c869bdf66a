/* test_peer.c - the certificate of a live peer: one deadline for its name, its connection and
   its handshake, whichever of them is slow.  Handshakes that end are in tests/cmd/test_tls.py. */
#include "name_server.h"
#include "net/peer.h"

static void test_one_deadline_for_everything(void **state)
{
    (void)state;
    /* At 127.0.0.2 connections are taken and nothing is said; at 127.0.0.3 they are not. */
    static const struct {
        const char *name;
        enum name_server_manner manner;
        uint8_t first;
        const char *says;
    } rows[] = {
        { "the name", NAMES_SILENT, 2, "cannot be resolved" },
        { "the connection", NAMES_LATE, 3, "cannot connect" },
        { "the handshake", NAMES_LATE, 2, "handshake took too long" },
    };
    uint16_t port, same;
    int silent = net_listen(2, 0, &port);
    struct net_hole hole = net_hole_open(3, port, &same);
    char address[32];
    snprintf(address, sizeof address, "peer.test:%u", port);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct name_server server = { .manner = rows[i].manner,
                                      .first = rows[i].first,
                                      .count = 1 };
        struct arena arena;
        struct span certificate = { 0 };
        struct peer_error error = { .usage = true };
        name_server_start(&server);
        arena_init(&arena, 1 << 16);
        int64_t began = clock_monotonic_ms();
        const struct peer_request request = { address, 900, server.address };
        size_t open_before = net_descriptors();
        assert_false(peer_certificate(&request, &arena, &certificate, &error));
        assert_int_equal(net_descriptors(), open_before);
        int64_t took = clock_monotonic_ms() - began;
        if (took < 900 || took > 2400 || error.usage || strstr(error.message, rows[i].says) == NULL)
            fail_msg("%s: after %lld ms: %s", rows[i].name, (long long)took, error.message);
        assert_null(certificate.at);
        arena_fini(&arena);
        name_server_stop(&server);
    }
    net_hole_close(&hole);
    close(silent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_one_deadline_for_everything, ""),
    };
    return RUN_TESTS(tests);
}
