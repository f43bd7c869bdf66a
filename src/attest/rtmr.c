/* rtmr.c - see rtmr.h. */
#include "attest/rtmr.h"

#include <string.h>

#include "crypto/hash.h"

void rtmr_hash(uint8_t rtmr[RTMR_LEN], const uint8_t digest[RTMR_LEN])
{
    const struct span both[2] = { span_of(rtmr, RTMR_LEN), span_of(digest, RTMR_LEN) };
    hash_sha384_parts(both, 2, rtmr);
}

void rtmr_extend(struct log_claims *log, unsigned i, const uint8_t digest[RTMR_LEN])
{
    rtmr_hash(log->replayed[i], digest);
    log->in_log[i] = true;
}

bool rtmr_can_compare(const struct claims *quote)
{
    return quote != NULL && quote->verified;
}

void rtmr_add_value(struct log_claims *log, struct span name, struct span bytes)
{
    if (log->value_count >= LOG_VALUE_MAX || name.len >= LOG_NAME_LEN || bytes.len > LOG_BYTES_LEN)
        return;
    struct log_value *value = &log->values[log->value_count++];
    memset(value, 0, sizeof *value);
    memcpy(value->name, name.at, name.len);
    value->len = bytes.len;
    if (bytes.len > 0)
        memcpy(value->bytes, bytes.at, bytes.len);
}
