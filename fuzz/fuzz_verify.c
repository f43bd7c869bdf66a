/* fuzz_verify.c - the whole of ward_verify.  The first byte says what the rest is: evidence as
   it stands, an RA-TLS certificate, or patches (offset, value) to good evidence of the test
   authority, so that the fuzzer starts one byte from an allow.  Allowed is only what that
   authority made, to the byte but for the copy of its root, which no signature covers. */
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "sim/sim.h"
#include "ward/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { KINDS = 3, FILES = 5, LARGEST = SIM_NITRO_MAX };

static struct world {
    struct ward_policy *policy;
    struct ward_collateral *collateral[KINDS];
    struct ward_verifier *verifier;
    struct ward_result *result;
    uint8_t evidence[KINDS][LARGEST];
    size_t len[KINDS], fixed[KINDS]; /* bytes before the copy of the root */
} world;

static void insist(bool held)
{
    if (!held)
        abort();
}

static struct ward_bytes bytes_of(const struct sink *out)
{
    insist(sink_ok(out));
    return (struct ward_bytes){ out->at, out->len, NULL };
}

static size_t root_copy(const uint8_t *at, size_t len)
{
    static const char begin[] = "-----BEGIN ";
    for (size_t i = len; i-- > 0;) {
        if (len - i >= sizeof begin - 1 && bytes_equal(at + i, begin, sizeof begin - 1))
            return i;
    }
    return len;
}

static void make_quote(const struct sim_authority *authority, size_t kind,
                       enum evidence_kind evidence)
{
    static uint8_t room[FILES][SIM_COLLATERAL_MAX];
    static bool (*const writers[FILES])(const struct sim_authority *, const struct sim_spec *,
                                        struct sink *) = { sim_tcb_info, sim_qe_identity,
                                                           sim_pck_crl, sim_root_crl,
                                                           sim_signing_chain };
    struct sim_spec spec = sim_spec_default(evidence, SIM_SET_TIME);
    struct sink out = sink_over(world.evidence[kind], LARGEST);
    struct ward_bytes pool[FILES];
    insist(sim_quote(authority, &spec, &out));
    world.len[kind] = bytes_of(&out).len;
    world.fixed[kind] = root_copy(world.evidence[kind], world.len[kind]);
    for (size_t i = 0; i < FILES; i++) {
        out = sink_over(room[i], SIM_COLLATERAL_MAX);
        insist(writers[i](authority, &spec, &out));
        pool[i] = bytes_of(&out);
    }
    struct ward_collateral_files files = { .pool = pool, .pool_count = FILES };
    insist(ward_collateral_new(&files, world.policy, &world.collateral[kind], NULL) == WARD_DONE);
}

static void trust(const struct sim_authority *authority)
{
    uint8_t pem[4096];
    struct sim_spec spec = sim_spec_default(EVIDENCE_TDX_V4, SIM_SET_TIME);
    struct sim_nitro_spec nitro = sim_nitro_default(SIM_SET_TIME);
    struct sink out = sink_over(pem, sizeof pem);
    insist(sim_root(authority, &spec, &out));
    insist(ward_policy_add_root(world.policy, bytes_of(&out), NULL) == WARD_DONE);
    out = sink_over(pem, sizeof pem);
    insist(sim_nitro_root(authority, &nitro, &out));
    insist(ward_policy_add_root(world.policy, bytes_of(&out), NULL) == WARD_DONE);
}

static void judge(struct ward_request request, size_t kind)
{
    request.time = SIM_SET_TIME;
    request.policy = world.policy;
    request.collateral = world.collateral[kind];
    ward_verify(world.verifier, &request, world.result);
}

static void open_world(void)
{
    struct sim_authority authority;
    struct sim_nitro_spec nitro = sim_nitro_default(SIM_SET_TIME);
    insist(sim_authority_init(&authority, span_text("fuzz")));
    insist(ward_policy_new(&world.policy, NULL) == WARD_DONE);
    trust(&authority);
    make_quote(&authority, 0, EVIDENCE_TDX_V5_15);
    make_quote(&authority, 1, EVIDENCE_SGX_V3);
    struct sink out = sink_over(world.evidence[2], LARGEST);
    insist(sim_nitro_document(&authority, &nitro, &out));
    world.len[2] = world.fixed[2] = bytes_of(&out).len;
    sim_authority_fini(&authority);
    insist(ward_verifier_new(&world.verifier, NULL) == WARD_DONE);
    insist(ward_result_new(&world.result, NULL) == WARD_DONE);
    for (size_t i = 0; i < KINDS; i++) {
        judge((struct ward_request){ .evidence = { world.evidence[i], world.len[i], NULL } }, i);
        insist(ward_result_allowed(world.result));
    }
}

/* Whatever the answer, it can be told: and only what is allowed has no failed check. */
static void tell(void)
{
    static char json[WARD_RESULT_JSON];
    struct ward_check check;
    size_t len, failed = 0;
    insist(ward_result_json(world.result, json, sizeof json, &len, NULL) == WARD_DONE);
    for (size_t i = 0; ward_result_check(world.result, i, &check); i++)
        failed += strcmp(check.result, "fail") == 0 && !check.relaxed;
    insist(ward_result_allowed(world.result) ? failed == 0 : failed > 0);
}

static void patch(struct cursor *in, size_t kind)
{
    static uint8_t copy[LARGEST];
    uint16_t at;
    uint8_t value;
    memcpy(copy, world.evidence[kind], world.len[kind]);
    while (cur_u16le(in, &at) && cur_u8(in, &value)) {
        if (at < world.len[kind])
            copy[at] = value;
    }
    judge((struct ward_request){ .evidence = { copy, world.len[kind], NULL } }, kind);
    tell();
    bool same = bytes_equal(copy, world.evidence[kind], world.fixed[kind]);
    insist(same || !ward_result_allowed(world.result));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (world.verifier == NULL)
        open_world();
    struct cursor in = cur_over(span_of(data, size));
    uint8_t mode;
    if (!cur_u8(&in, &mode))
        return 0;
    if (mode % (KINDS + 2) < KINDS) {
        patch(&in, mode % (KINDS + 2));
        return 0;
    }
    struct ward_bytes rest = { data + 1, size - 1, NULL };
    bool certificate = mode % (KINDS + 2) == KINDS;
    judge(certificate ? (struct ward_request){ .certificate = rest }
                      : (struct ward_request){ .evidence = rest },
          (mode / 8) % KINDS);
    tell();
    insist(!ward_result_allowed(world.result));
    return 0;
}
