/* guard_case.h - one good payload of each kind, for the tests of this room. */
#ifndef WARD_TESTS_GUARD_CASE_H
#define WARD_TESTS_GUARD_CASE_H

#include <string.h>

#include "codec/base64.h"
#include "codec/job_result.h"
#include "codec/verified_request.h"
#include "crypto/ecdsa_sign.h"
#include "guard/guard.h"
#include "test.h"

enum { CASE_ROOM = 2048, CASE_NOW = 1700000000 };

/* Points of two keys, and payloads that are good for the first of them as the CA's. */
struct guard_case {
    uint8_t ca[P256_POINT];
    uint8_t leaf[P256_POINT];
    uint8_t rooms[PAYLOAD_KIND_COUNT][CASE_ROOM];
    struct span payloads[PAYLOAD_KIND_COUNT];
};

static inline void case_point(const char *name, uint8_t point[P256_POINT])
{
    struct ecdsa_secret *secret = ecdsa_secret_from_seed(CURVE_P256, span_text("seed"), name);
    assert_true(ecdsa_secret_point(secret, point));
    ecdsa_secret_free(&secret);
}

/* Every field of it is good; names and dates are the caller's to change. */
static inline struct certificate case_certificate(const struct guard_case *c)
{
    static const uint8_t serial[] = { 0x40, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
    static const uint8_t loopback[] = { 127, 0, 0, 1 };
    struct certificate certificate = {
        .server = true,
        .serial = SPAN(serial),
        .issuer = span_text("Ward CA 1"),
        .subject = span_text("localhost"),
        .validity = { 1700000000, 1700000000 + 90 * 86400 },
        .issuer_point = SPAN(c->ca),
        .point = SPAN(c->leaf),
        .name_count = 2,
        .names = { { false, span_text("localhost") }, { true, SPAN(loopback) } },
    };
    return certificate;
}

static inline struct sink case_room(struct guard_case *c, enum payload_kind kind)
{
    return sink_over(c->rooms[kind], CASE_ROOM);
}

static inline void case_tls(struct guard_case *c, size_t hash)
{
    struct sink out = case_room(c, PAYLOAD_TLS_SERVER);
    for (size_t i = 0; i < 64; i++)
        sink_u8(&out, 0x20);
    sink_text(&out, "TLS 1.3, server CertificateVerify");
    sink_u8(&out, 0);
    for (size_t i = 0; i < hash; i++)
        sink_u8(&out, (uint8_t)(i * 7 + 1));
    c->payloads[PAYLOAD_TLS_SERVER] = sink_bytes(&out);
}

/* To be signed by the key 01 00 00 ... */
static inline void case_miner(struct guard_case *c, int64_t issued)
{
    const struct miner_claims claims = {
        .key_id = span_text("01000000000000000000000000000000"),
        .audience = span_text("sums"),
        .expires = issued + 300,
        .issued = issued,
        .issuer = span_text("ward.example/log"),
        .use = span_text("AAECAwQFBgcICQoLDA0ODw"),
        .not_before = issued,
        .scope_count = 1,
        .scopes = { span_text("*") },
        .subject = span_text("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
    };
    struct sink out = case_room(c, PAYLOAD_MINER);
    miner_input_write(&out, &claims);
    c->payloads[PAYLOAD_MINER] = sink_bytes(&out);
}

static inline void case_verified(struct guard_case *c, int64_t at)
{
    const struct verified_request request = {
        .key_id = span_text("01000000000000000000000000000000"),
        .challenge = span_text("sums"),
        .method = span_text("POST"),
        .route = span_text("submit"),
        .query = span_text("a=1"),
        .at = at,
        .once = span_text("AAECAwQFBgcICQoLDA0ODw"),
        .hotkey = span_text("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"),
        .uid = 42,
        .job = span_text("j"),
    };
    struct sink out = case_room(c, PAYLOAD_VERIFIED);
    verified_request_write(&out, &request);
    c->payloads[PAYLOAD_VERIFIED] = sink_bytes(&out);
}

static inline void case_result(struct guard_case *c, int64_t ended)
{
    const struct job_output outputs[] = { { span_text("model.bin"), 7, { 1 } } };
    static uint8_t memory[JOB_RESULT_TEXT_MAX];
    const struct job_result result = {
        .key_id = span_text("01000000000000000000000000000000"),
        .job = span_text("0123456789abcdef0123456789abcdef"),
        .reason = span_text("OK"),
        .cpu_us = 1500,
        .memory_peak = 4096,
        .started = ended - 1,
        .ended = ended,
        .node = { .type = span_text("tdx"),
                  .evidence = span_text("evidence"),
                  .event_log = span_text("[]") },
        .output_count = 1,
        .outputs = outputs,
    };
    struct sink out = case_room(c, PAYLOAD_RESULT);
    job_result_write_input(&out, &result, memory);
    assert_true(job_result_is_good(&result) && sink_ok(&out));
    c->payloads[PAYLOAD_RESULT] = sink_bytes(&out);
}

static inline void case_make(struct guard_case *c)
{
    memset(c, 0, sizeof *c);
    case_point("ca", c->ca);
    case_point("leaf", c->leaf);
    case_tls(c, 32);

    struct sink out = case_room(c, PAYLOAD_CHECKPOINT);
    sink_text(&out, "ward.example/log\n1234567\n");
    base64_encode(&out, span_of(c->leaf, CHECKPOINT_ROOT));
    sink_text(&out, "\n");
    c->payloads[PAYLOAD_CHECKPOINT] = sink_bytes(&out);

    struct certificate certificate = case_certificate(c);
    out = case_room(c, PAYLOAD_CERTIFICATE);
    certificate_write(&out, &certificate);
    assert_true(sink_ok(&out));
    c->payloads[PAYLOAD_CERTIFICATE] = sink_bytes(&out);

    out = case_room(c, PAYLOAD_TOKEN);
    base64url_encode(&out, span_text("{\"alg\":\"HS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}"));
    sink_text(&out, ".");
    base64url_encode(&out, span_text("{\"exp\":1700000000,\"sub\":\"somebody\"}"));
    c->payloads[PAYLOAD_TOKEN] = sink_bytes(&out);
    case_miner(c, CASE_NOW);
    case_verified(c, CASE_NOW);
    case_result(c, CASE_NOW);
}

#endif
