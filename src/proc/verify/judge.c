/* judge.c - see verify.h: from a request to the answer, in a child that can do nothing else.
   Decides nothing: that is libward's, as it is for `ward verify`. */
#include <limits.h>
#include <malloc.h>
#include <string.h>

#include "attest/roots.h"
#include "base/number.h"
#include "codec/protobuf.h"
#include "crypto/ecdsa.h"
#include "lib/identity.h"
#include "lib/renewal.h"
#include "model/api.h"
#include "proc/verify/verify.h"
#include "ward/verify.h"

enum { JUDGE_MEMORY = 4 << 20, JUDGE_POOL = 16 };

_Static_assert((int)JUDGE_POOL <= (int)VERIFY_POOL, "one array is for either");

/* Everything of one judgement; the child's end frees it. */
struct judging {
    const struct verify_held *held;
    struct arena arena;
    struct api_attest_verify_request asked;
    struct ward_request request;
    struct ward_policy *policy;
    struct ward_collateral *collateral;
    struct ward_verifier *verifier;
    struct ward_result *result;
    struct ward_error error;
};

static struct ward_bytes bytes_of(struct span span, const char *name)
{
    return (struct ward_bytes){ span.len > 0 ? span.at : NULL, span.len, name };
}

static enum reason read_request(struct judging *judging, struct span bytes, int64_t now)
{
    static const struct {
        const char *name;
        enum ward_type type;
    } types[] = { { "", WARD_TYPE_AUTO },
                  { "auto", WARD_TYPE_AUTO },
                  { "tdx", WARD_TYPE_TDX },
                  { "sgx", WARD_TYPE_SGX },
                  { "nitro", WARD_TYPE_NITRO } };
    struct api_attest_verify_request *asked = &judging->asked;
    struct ward_request *request = &judging->request;
    struct values_error error;
    size_t type = 0;
    if (!protobuf_read(&api_attest_verify_request, bytes, &judging->arena, asked, &error))
        return REASON_HTTP_BODY_INVALID;
    while (type < COUNT_OF(types) && !span_equal_text(asked->type, types[type].name))
        type++;
    if (type == COUNT_OF(types) || (asked->report_data.len != 0 && asked->report_data.len != 64))
        return REASON_HTTP_BODY_INVALID;
    *request = (struct ward_request){
        .evidence = bytes_of(asked->evidence, "evidence"),
        .type = types[type].type,
        .time = asked->time != 0 ? asked->time : now,
        .event_log = bytes_of(asked->event_log, "event_log"),
        .report_data = asked->report_data.len > 0 ? asked->report_data.at : NULL,
        .nonce = bytes_of(asked->nonce, "nonce"),
    };
    return REASON_OK;
}

/* A root file is the caller's: no path of a policy means anything here. */
static enum reason load_policy(struct judging *judging)
{
    struct span toml = judging->asked.policy;
    struct ward_bytes path;
    enum ward_outcome outcome = toml.len > 0 ? ward_policy_load(bytes_of(toml, "policy"),
                                                                &judging->policy, &judging->error)
                                             : ward_policy_new(&judging->policy, &judging->error);
    if (outcome != WARD_DONE)
        return outcome == WARD_NO_MEMORY ? REASON_OUT_OF_MEMORY : REASON_ATTEST_POLICY_INVALID;
    if (ward_policy_root_file(judging->policy, 0, &path)) {
        struct sink text = sink_over(judging->error.message, sizeof judging->error.message);
        sink_text(&text, "root_files: give the certificates themselves under `roots`");
        sink_terminate(&text);
        return REASON_ATTEST_POLICY_INVALID;
    }
    judging->request.policy = judging->policy;
    return REASON_OK;
}

/* What comes with the evidence, or else what the house holds. */
static enum reason load_collateral(struct judging *judging)
{
    const struct span *given = judging->asked.collateral.items;
    struct ward_bytes pool[VERIFY_POOL];
    struct ward_collateral_files files = { .pool = pool,
                                           .pool_count = judging->asked.collateral.count };
    if (files.pool_count > JUDGE_POOL)
        return REASON_HTTP_BODY_INVALID;
    for (size_t i = 0; i < files.pool_count; i++)
        pool[i] = bytes_of(given[i], "collateral");
    if (files.pool_count == 0)
        files.pool_count = verify_held_pool(judging->held, pool);
    if (ward_collateral_new(&files, judging->policy, &judging->collateral, &judging->error) !=
        WARD_DONE)
        return REASON_OUT_OF_MEMORY;
    judging->request.collateral = judging->collateral;
    return REASON_OK;
}

static enum reason judge(struct judging *judging)
{
    if (ward_verifier_new(&judging->verifier, &judging->error) != WARD_DONE ||
        ward_result_new(&judging->result, &judging->error) != WARD_DONE)
        return REASON_OUT_OF_MEMORY;
    ward_verify(judging->verifier, &judging->request, judging->result);
    return REASON_OK;
}

static enum reason put_result(struct judging *judging, struct sink *body)
{
    struct ward_result *result = judging->result;
    char *json = arena_alloc(&judging->arena, WARD_RESULT_JSON);
    size_t len = 0;
    if (json == NULL)
        return REASON_OUT_OF_MEMORY;
    if (ward_result_json(result, json, WARD_RESULT_JSON, &len, &judging->error) != WARD_DONE)
        return REASON_HOUSE_ANSWER_TOO_LARGE;
    struct api_attest_verify_response said = {
        .allowed = ward_result_allowed(result),
        .reason = span_text(ward_result_reason(result)),
        .hardware = ward_result_hardware(result),
        .valid_until = ward_result_valid_until(result),
        .result = span_of(json, len),
    };
    return protobuf_write(&api_attest_verify_response, &said, body) ? REASON_OK
                                                                    : REASON_HOUSE_ANSWER_TOO_LARGE;
}

/* Whose collateral is wanted: of evidence that leads to a root of the house's own.  What a caller
   alone trusts is nobody's to fetch for. */
static void put_platform(const struct judging *judging, struct sink *answer)
{
    struct pcs_platform platform;
    uint8_t bytes[PLATFORM_LEN];
    struct sink out = sink_over(bytes, sizeof bytes);
    bool ours = judging->result != NULL &&
                (ward_result_hardware(judging->result) || judging->held->root.len > 0);
    if (ours && renewal_platform(judging->result, &platform)) {
        sink_u8(&out, 0);
        sink_u8(&out, platform.tdx);
        sink_u8(&out, platform.platform_ca);
        sink_put(&out, SPAN(platform.fmspc));
    }
    put_bytes(answer, sink_bytes(&out));
}

/* Numbers and a digest: core reads nothing of what evidence says. */
static enum reason put_verdict(struct judging *judging, struct sink *body)
{
    const struct ward_result *result = judging->result;
    uint8_t identity[IDENTITY_LEN] = { 0 };
    bool known = identity_of(result, identity);
    bool allowed = ward_result_allowed(result) && known;
    sink_u8(body, allowed);
    sink_u16le(body, (uint16_t)identity_reason(result));
    sink_u8(body, ward_result_hardware(result));
    sink_u64le(body, (uint64_t)ward_result_valid_until(result));
    sink_put(body, SPAN(identity));
    return REASON_OK;
}

/* What a quote has as its report data a document has as its user data. */
static void bind(struct judging *judging)
{
    struct ward_request *request = &judging->request;
    if (request->type != WARD_TYPE_NITRO)
        return;
    request->user_data = bytes_of(judging->asked.report_data, "report_data");
    request->report_data = NULL;
}

static enum reason prepare(struct judging *judging, struct span request, int64_t now)
{
    enum reason reason = read_request(judging, request, now);
    if (reason == REASON_OK)
        reason = load_policy(judging);
    if (reason == REASON_OK)
        reason = load_collateral(judging);
    return reason;
}

static void finish(struct judging *judging, enum reason reason, const struct sink *body,
                   struct sink *answer)
{
    size_t detail = strnlen(judging->error.message, JUDGED_DETAIL_MAX);
    sink_u16le(answer, (uint16_t)reason);
    put_bytes(answer, span_of(judging->error.message, reason == REASON_OK ? 0 : detail));
    put_bytes(answer, reason == REASON_OK ? sink_bytes(body) : (struct span){ 0 });
    put_platform(judging, answer);
    ward_result_free(&judging->result);
    ward_verifier_free(&judging->verifier);
    ward_collateral_free(&judging->collateral);
    ward_policy_free(&judging->policy);
    arena_fini(&judging->arena);
}

/* What is true of every machine of a vendor's is not what a peer is. */
static enum reason wants_code(struct judging *judging)
{
    struct sink text = sink_over(judging->error.message, sizeof judging->error.message);
    const struct policy *rules = &judging->policy->rules;
    if (rules->lists[LIST_COMPOSE_HASH].count > 0 && rules->log.rtmr3 == POLICY_RTMR3_MATCH)
        return REASON_OK;
    sink_text(&text,
              "[log]: a policy for profile sdk-v1 names compose_hash, and has the log match");
    sink_terminate(&text);
    return REASON_ATTEST_POLICY_INVALID;
}

static void judge_peer(const struct verify_held *held, struct span request, int64_t now,
                       bool needs_code, struct sink *answer)
{
    struct judging judging = { .held = held };
    uint8_t bytes[LINK_VERDICT];
    struct sink body = sink_over(bytes, sizeof bytes);
    arena_init(&judging.arena, JUDGE_MEMORY);
    enum reason reason = prepare(&judging, request, now);
    if (reason == REASON_OK && needs_code)
        reason = wants_code(&judging);
    if (reason == REASON_OK) {
        bind(&judging);
        reason = judge(&judging);
    }
    if (reason == REASON_OK)
        reason = put_verdict(&judging, &body);
    finish(&judging, reason, &body, answer);
}

void verify_judge_link(const struct verify_held *held, struct span request, int64_t now,
                       struct sink *answer)
{
    judge_peer(held, request, now, false, answer);
}

void verify_judge_sdk(const struct verify_held *held, struct span request, int64_t now,
                      struct sink *answer)
{
    judge_peer(held, request, now, true, answer);
}

void verify_judge(const struct verify_held *held, struct span request, int64_t now,
                  struct sink *answer)
{
    struct judging judging = { .held = held };
    arena_init(&judging.arena, JUDGE_MEMORY);
    enum { BODY = FRAME_BODY_MAX - 2048 };
    uint8_t *memory = arena_room(&judging.arena, BODY);
    struct sink body = sink_over(memory, memory == NULL ? 0 : BODY);
    enum reason reason = prepare(&judging, request, now);
    if (reason == REASON_OK)
        reason = judge(&judging);
    if (reason == REASON_OK)
        reason = put_result(&judging, &body);
    finish(&judging, reason, &body, answer);
}

/* libc's heap stays in one piece that only grows, and is as large as it may ever be before the
   first child: a child that asks for more dies of asking. */
static bool grow_heap(void)
{
    struct arena grown;
    /* A heap that does not listen, as a sanitizer's, is one that a child dies of: no way round. */
    (void)mallopt(M_MMAP_MAX, 0);
    (void)mallopt(M_TRIM_THRESHOLD, INT_MAX);
    arena_init(&grown, VERIFY_GROWN + 4096);
    bool done = arena_room(&grown, VERIFY_GROWN) != NULL;
    arena_fini(&grown);
    return done;
}

/* What OpenSSL makes once it makes here, under whatever lock it wants: one signature of each
   curve, under the pinned roots' keys, that is none. */
static bool warm_crypto(void)
{
    static const struct trust_root *const roots[] = { &intel_sgx_root, &aws_nitro_root };
    static const enum curve curves[] = { CURVE_P256, CURVE_P384 };
    struct crypto *crypto = crypto_new();
    uint8_t raw[ECDSA_RAW_MAX], digest[ECDSA_COORD_MAX];
    bool good = crypto != NULL;
    memset(raw, 1, sizeof raw);
    memset(digest, 1, sizeof digest);
    for (size_t i = 0; i < COUNT_OF(roots); i++) {
        struct span signature = span_of(raw, 2 * curve_coord_len(curves[i]));
        struct ecdsa_key *key = ecdsa_key_new(crypto, curves[i], trust_root_point(roots[i]));
        good = good && key != NULL && !ecdsa_key_verify(key, digest, signature) &&
               !ecdsa_verify(crypto, curves[i], trust_root_point(roots[i]), digest, signature);
        ecdsa_key_free(&key);
    }
    crypto_free(&crypto);
    return good;
}

bool verify_warm_up(void)
{
    static const uint8_t evidence[] = { 10, 1, 0 }; /* a request with one byte of it */
    uint8_t memory[4096];
    static const struct verify_held nothing;
    struct sink answer = sink_over(memory, sizeof memory);
    verify_judge(&nothing, SPAN(evidence), 0, &answer);
    return warm_crypto() && grow_heap();
}
