/* identity.c - see identity.h. */
#include "lib/identity.h"

#include "base/number.h"

static void of_td(const struct tdx_claims *tdx, uint8_t out[IDENTITY_LEN])
{
    const struct span parts[] = { span_text("ward identity tdx"),
                                  SPAN(tdx->mrtd),
                                  SPAN(tdx->mr_config_id),
                                  SPAN(tdx->mr_owner),
                                  SPAN(tdx->mr_owner_config),
                                  SPAN(tdx->rtmr[0]),
                                  SPAN(tdx->rtmr[1]),
                                  SPAN(tdx->rtmr[2]),
                                  SPAN(tdx->rtmr[3]) };
    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

static void of_enclave(const struct sgx_claims *sgx, uint8_t out[IDENTITY_LEN])
{
    uint8_t bytes[6];
    struct sink versions = sink_over(bytes, sizeof bytes);
    sink_u16le(&versions, sgx->isv_prod_id);
    sink_u16le(&versions, sgx->isv_svn);
    sink_u16le(&versions, sgx->config_svn);
    const struct span parts[] = { span_text("ward identity sgx"), SPAN(sgx->mr_enclave),
                                  SPAN(sgx->mr_signer), SPAN(sgx->config_id),
                                  sink_bytes(&versions) };
    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

/* A register's length is part of it: one that is absent is none of zeros. */
static void of_document(const struct nitro_claims *nitro, uint8_t out[IDENTITY_LEN])
{
    struct span parts[1 + 2 * NITRO_PCR_COUNT] = { span_text("ward identity nitro") };
    for (size_t i = 0; i < NITRO_PCR_COUNT; i++) {
        parts[1 + 2 * i] = span_of(&nitro->pcrs[i].len, 1);
        parts[2 + 2 * i] = span_of(nitro->pcrs[i].bytes, nitro->pcrs[i].len);
    }
    hash_sha256_parts(parts, COUNT_OF(parts), out);
}

bool identity_of(const struct ward_result *result, uint8_t out[IDENTITY_LEN])
{
    const struct claims *claims = &result->claims;
    uint8_t code[IDENTITY_LEN];
    if (!claims->verified)
        return false;
    if (evidence_kind_is_tdx(claims->kind))
        of_td(&claims->tdx, code);
    else if (evidence_kind_is_sgx(claims->kind))
        of_enclave(&claims->sgx, code);
    else if (claims->kind == EVIDENCE_NITRO)
        of_document(&claims->nitro, code);
    else
        return false;
    const struct span parts[] = { span_text(claims->hardware ? "hardware" : "simulated"),
                                  SPAN(code) };
    hash_sha256_parts(parts, COUNT_OF(parts), out);
    return true;
}

enum reason identity_reason(const struct ward_result *result)
{
    return result->decision.reason;
}
