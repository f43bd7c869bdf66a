/* chain.c - see front.h: our certificates, and having handshakes signed. */
#include <string.h>

#include "codec/x509.h"
#include "os/clock.h"
#include "proc/front/front.h"
#include "proc/log.h"
#include "proc/messages.h"

enum { CONTENT_MAX = 256 }; /* of what a handshake has signed: 130 bytes, or 146 */

/* The keeper's channel carries questions of this process and their answers, nothing else.  All of
   front waits with the one who asks, so a keeper that let it wait in vain is left alone for a
   time: newcomers are lost, those who are in are served. */
static bool ask_keeper(struct front *front, struct frame *question, struct frame *answer)
{
    struct channel *keeper = &front->house->channels[PEER_KEEPER];
    struct trail trail = { 0 };
    int64_t now = clock_monotonic_ms();
    if (now < front->silent_ms || !channel_is_open(keeper))
        return false;
    rc asked = channel_ask(&trail, keeper, question, now + FRONT_KEEPER_MS, answer);
    if (keeper->noticed) { /* its only notice is that the chain is another one */
        keeper->noticed = false;
        front->chain_wanted = true;
        front->chain_ms = 0;
    }
    if (rc_ok(asked))
        return true;
    front->silent_ms = clock_monotonic_ms() + FRONT_SILENCE_MS;
    log_failure("keeper did not answer", asked, &trail);
    return false;
}

static bool sign(void *arg, struct span point, struct span content,
                 uint8_t signature[TLS_SIGNATURE])
{
    struct front *front = arg;
    uint8_t asked[TLS_POINT + CONTENT_MAX];
    struct sink body = sink_over(asked, sizeof asked);
    sink_put(&body, point);
    sink_put(&body, content);
    if (!sink_ok(&body))
        return false;
    struct frame question = { .message = MSG_SIGN_TLS, .body = sink_bytes(&body) };
    struct frame answer;
    uint8_t yes = 0;
    uint8_t bytes[TLS_SIGNATURE];
    if (!ask_keeper(front, &question, &answer) || answer.message != MSG_TLS_SIGNED)
        return false;
    struct cursor in = cur_over(answer.body);
    if (!(cur_u8(&in, &yes) && yes == 1 && cur_copy(&in, bytes, sizeof bytes) && cur_end(&in)))
        return false;
    memcpy(signature, bytes, sizeof bytes);
    return true;
}

/* What is to be known of a chain: the first of its certificates that ends is the end of all. */
struct chain_facts {
    int64_t ends;
    bool has_point;
    uint8_t point[TLS_POINT]; /* of the key of the first */
};

static struct chain_facts look_at(const struct span *chain, uint32_t count)
{
    struct chain_facts facts = { .ends = INT64_MAX };
    struct x509_cert cert;
    for (uint32_t i = 0; i < count; i++) {
        if (!x509_parse(chain[i], &cert))
            continue;
        if (cert.validity.until < facts.ends)
            facts.ends = cert.validity.until;
        facts.has_point |= i == 0 && cert.point.len == sizeof facts.point;
        if (i == 0 && facts.has_point)
            memcpy(facts.point, cert.point.at, cert.point.len);
    }
    facts.ends = facts.ends == INT64_MAX ? 0 : facts.ends;
    return facts;
}

/* What begins its handshake from now on does so with this chain. */
static void note_use(struct front *front, const struct chain_facts *facts)
{
    front->shakes_before = front->shakes_begun;
    front->chain_untold = facts->has_point;
    memcpy(front->chain_point, facts->point, sizeof front->chain_point);
}

rc chain_fetch(struct trail *trail, struct front *front)
{
    enum { CERTIFICATES_MAX = 4 };
    struct frame question = { .message = MSG_TLS_CHAIN };
    struct frame answer;
    struct span chain[CERTIFICATES_MAX];
    uint32_t count = 0;
    if (!ask_keeper(front, &question, &answer) || answer.message != MSG_TLS_CHAIN_IS)
        return FAIL(trail, RC_WORLD, HOUSE_E_PEER);
    struct cursor in = cur_over(answer.body);
    bool good = cur_u32le(&in, &count) && count > 0 && count <= CERTIFICATES_MAX;
    for (uint32_t i = 0; good && i < count; i++)
        good = get_bytes(&in, FRONT_CHAIN_MAX, &chain[i]);
    if (!good || !cur_end(&in))
        return FAIL(trail, RC_BUG, DOOR_E_BODY);
    /* The answer is good until the next question, which making the server asks. */
    struct chain_facts facts = look_at(chain, count);
    struct tls_server *server = tls_server_new(front->library, chain, count, sign, front);
    if (server == NULL)
        return FAIL(trail, RC_WORLD, HOUSE_E_PEER);
    tls_server_follow(server, &front->server);
    if (front->operators.clients != NULL)
        tls_server_ask(server, &front->operators.asking);
    tls_server_free(&front->server);
    front->server = server;
    front->chain_ends = facts.ends;
    front->chain_wanted = false;
    note_use(front, &facts);
    return RC_SUCCESS;
}

/* One that is old and under way needs the key before. */
static bool is_used_alone(const struct front *front)
{
    for (const struct connection *one = front->half.first; one != NULL; one = one->next) {
        if (one->tls != NULL && one->shake <= front->shakes_before)
            return false;
    }
    return true;
}

void chain_tell(struct front *front)
{
    struct frame frame = { .message = MSG_TLS_CHAIN_USED, .body = SPAN(front->chain_point) };
    if (front->chain_untold && is_used_alone(front))
        front->chain_untold = !rc_ok(house_put(NULL, front->house, PEER_KEEPER, &frame));
}

/* It was slow, not wrong, as long as that was asked once. */
rc chain_answered_late(struct trail *trail, void *front, struct call *call)
{
    (void)front;
    if (call->id == 0 || call->id > call->from->last_id)
        return door_fault(trail, call, DOOR_E_BODY);
    return RC_SUCCESS;
}
