/* sdk_bootstrap_peer.c - a validator over HTTP for the client of the public Challenge SDK, made of
   what is pure: sdk_bootstrap.h, signed_request.h, http1.h.  One session, one connection at a time.

       sdk_bootstrap_peer FOLDER     descriptor 0 listens; FOLDER is what `ward sim agent` published

   POST /attestation/challenge, POST /attest, and any other POST as a signed request whose body is
   sealed.  What each led to is on stdout, a line each. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel/sdk_bootstrap.h"
#include "codec/base64.h"
#include "http/http1.h"
#include "os/random.h"
#include "sdk_trust.h"
#include "token/signed_request.h"

enum { BODY = SDK_FRAME_MAX, ROOM = 65536, NONCES = 64, TOKEN = 43, WINDOW_S = 120 };

static struct sdk_nonce places[NONCES];
static uint8_t body[BODY], opened[BODY], answer[BODY], room_memory[ROOM], in[ROOM];

struct validator {
    struct sdk_nonces nonces;
    struct sdk_trust trust;
    uint8_t key[AEAD_KEY], request_key[32];
    uint8_t token[TOKEN];
    bool granted;
};

static struct span header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < request->field_count; i++)
        if (span_equal_text(request->fields[i].name, name))
            return request->fields[i].value;
    return (struct span){ 0 };
}

static enum reason challenge(struct validator *validator, struct sink *out)
{
    static const uint8_t nobody[SDK_ADDRESS];
    uint8_t nonce[SDK_NONCE];
    random_bytes(nonce, sizeof nonce);
    return sdk_challenge_write(&validator->nonces, nonce, nobody, clock_now(), out)
               ? REASON_OK
               : REASON_CHANNEL_TOO_LARGE;
}

static enum reason attest(struct validator *validator, size_t len, struct sink *out)
{
    struct sdk_attest asked;
    uint8_t random[3][SDK_NONCE];
    enum reason reason = sdk_attest_read(body, len, &asked);
    if (reason == REASON_OK)
        reason = sdk_challenge_take(&validator->nonces, asked.nonce, clock_now());
    if (reason == REASON_OK) {
        const struct sdk_judgement found = sdk_trust_judge(&validator->trust, &asked.evidence,
                                                           asked.report_data);
        reason = found.decision.verdict == ALLOW ? REASON_OK : found.decision.reason;
    }
    if (reason != REASON_OK)
        return reason;
    random_bytes(random, sizeof random);
    struct sink token = sink_over(validator->token, TOKEN);
    base64url_encode(&token, SPAN(random[2]));
    const struct sdk_grant grant = { random[0], random[1], sink_bytes(&token) };
    reason = sdk_attest_answer(&asked, &grant, validator->key, out);
    memcpy(validator->request_key, asked.request_key, sizeof validator->request_key);
    validator->granted = reason == REASON_OK;
    return reason;
}

/* Signature, session, body; whether a nonce came before is what a whole validator keeps. */
static enum reason signed_post(struct validator *validator, const struct http_request *request,
                               size_t len)
{
    const struct signed_headers headers = { .signature = header(request, "x-signature"),
                                            .timestamp = header(request, "x-timestamp"),
                                            .nonce = header(request, "x-nonce"),
                                            .key = header(request, "x-public-key"),
                                            .token = header(request, "x-session-token") };
    struct signed_request asked;
    struct sink out = sink_over(opened, sizeof opened);
    enum reason reason = signed_headers_read(&headers, &asked);
    if (reason != REASON_OK)
        return reason;
    asked.method = span_text("POST");
    asked.target = request->target;
    hash_sha256(span_of(body, len), asked.body_hash);
    reason = signed_request_verify(&asked);
    if (reason == REASON_OK &&
        (!validator->granted || !span_equal(asked.token, SPAN(validator->token))))
        reason = REASON_SESSION_UNKNOWN;
    if (reason == REASON_OK && !bytes_equal(asked.key, validator->request_key, sizeof asked.key))
        reason = REASON_SIGNED_KEY_FOREIGN;
    if (reason == REASON_OK &&
        (asked.timestamp < clock_now() - WINDOW_S || asked.timestamp > clock_now() + WINDOW_S))
        reason = REASON_SIGNED_TIMESTAMP;
    if (reason == REASON_OK)
        reason = sdk_body_open(validator->key, true, span_of(body, len), &out);
    if (reason == REASON_OK)
        printf("body %.*s\n", (int)out.len, (const char *)opened);
    return reason;
}

static enum reason serve(struct validator *validator, const struct http_request *request,
                         size_t len, struct sink *out)
{
    if (span_equal_text(request->target, "/attestation/challenge"))
        return challenge(validator, out);
    if (span_equal_text(request->target, "/attest"))
        return attest(validator, len, out);
    return signed_post(validator, request, len);
}

static bool write_all(int fd, struct span bytes)
{
    struct cursor left = cur_over(bytes);
    while (cur_left(&left) > 0) {
        ssize_t n = write(fd, left.at, cur_left(&left));
        if (n <= 0 || !cur_skip(&left, (size_t)n))
            return false;
    }
    return true;
}

/* A refusal is a status without a word, as the public validator gives it. */
static void respond(struct http1 *conn, int fd, enum reason reason, struct span text)
{
    static uint8_t bytes[BODY];
    struct sink out = sink_over(bytes, sizeof bytes);
    const struct http_field json = { span_text("content-type"), span_text("application/json") };
    const struct http_response response = {
        .status = reason == REASON_OK                       ? 200
                  : reason_info(reason)->class == RC_DENIED ? 401
                                                            : 400,
        .fields = &json,
        .field_count = 1,
        .length = reason == REASON_OK ? text.len : 0,
        .now = clock_now(),
    };
    insist(http1_write_head(conn, &response, &out) &&
               (reason != REASON_OK || text.len == 0 || http1_write_body(conn, text, &out)) &&
               http1_write_end(conn, &out) && write_all(fd, sink_bytes(&out)),
           "no answer");
}

/* One request; then the connection ends. */
static void one(struct validator *validator, int fd)
{
    struct http1 conn;
    struct http1_room room;
    struct sink taken = sink_over(body, sizeof body);
    struct sink out = sink_over(answer, sizeof answer);
    http1_init(&conn, &http_limits_default);
    insist(http1_room_init(&room, conn.limits, room_memory, sizeof room_memory), "room");
    for (;;) {
        ssize_t n = read(fd, in, sizeof in);
        if (n <= 0)
            return;
        struct cursor bytes = cur_over(span_of(in, (size_t)n));
        struct http_event event = { .kind = HTTP_EVENT_BODY };
        while (event.kind != HTTP_EVENT_NONE) {
            event = http1_next(&conn, &room, &bytes);
            if (event.kind == HTTP_EVENT_HEAD)
                http1_admit(&conn, &room, sizeof body);
            else if (event.kind == HTTP_EVENT_BODY)
                sink_put(&taken, event.body);
            else if (event.kind == HTTP_EVENT_REFUSED)
                return;
            else if (event.kind == HTTP_EVENT_DONE)
                break;
        }
        if (event.kind == HTTP_EVENT_DONE)
            break;
    }
    const enum reason reason = serve(validator, &room.request, taken.len, &out);
    printf("%.*s %s\n", (int)room.request.target.len, (const char *)room.request.target.at,
           reason_info(reason)->name);
    respond(&conn, fd, reason, sink_bytes(&out));
}

int main(int argc, char **argv)
{
    static struct validator validator;
    if (argc != 2)
        return 2;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    sdk_trust_make(&validator.trust, argv[1]);
    validator.nonces = sdk_nonces_over(places, NONCES);
    for (;;) {
        int fd = accept(0, NULL, NULL);
        if (fd < 0)
            return 0;
        one(&validator, fd);
        (void)close(fd);
    }
}
