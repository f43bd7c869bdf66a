/* house_log.c - see house_log.h. */
#include "house_log.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "audit/verify.h"
#include "base/number.h"
#include "crypto/hash.h"

enum { LOG_BYTES = 1 << 20 };

/* A log in memory, with what it is held against. */
struct log {
    size_t count;
    uint8_t bytes[LOG_BYTES];
    struct span lines[LOG_RECORDS];
    struct merkle_hash leaves[LOG_RECORDS];
    struct merkle_head head;
    struct merkle_source kept;
    struct audit_reader reader;
    EVP_MD_CTX *context; /* of the limit */
    EVP_MD *algorithm;
};

static bool kept_leaves(void *arg, uint64_t first, size_t count, struct merkle_hash *out)
{
    const struct log *log = arg;
    memcpy(out, log->leaves + first, count * sizeof *out);
    return true;
}

/* What a login leaves, as the house writes it. */
static bool fill(struct log *log)
{
    static const uint8_t trace[AUDIT_TRACE_LEN] = {
        0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6
    };
    struct audit_chain chain = { 0 };
    struct sink out = sink_over(log->bytes, sizeof log->bytes);
    for (; log->count < LOG_RECORDS; log->count++) {
        struct audit_record record = audit_record_of(AUDIT_EVENT_KEY_CREATE, AUDIT_SUCCESS,
                                                     1795824000000 + (int64_t)log->count);
        size_t start = out.len;
        audit_set_actor(&record, AUDIT_SERVICE, span_text("keeper"));
        audit_set_resource(&record, span_text("key"));
        audit_set_trace(&record, trace);
        audit_add_text(&record, "key_id", span_text("k-0123456789abcdef"));
        audit_add_text(&record, "kind", span_text("ed25519"));
        if (!rc_ok(audit_chain_seal(&chain, &record, &out, &log->leaves[log->count], NULL)))
            return false;
        log->lines[log->count] = span_of(log->bytes + start, out.len - start - 1);
    }
    audit_chain_head(&chain, &log->head);
    log->kept = (struct merkle_source){ .leaves = kept_leaves, .arg = log };
    return true;
}

void log_end(void *state)
{
    struct log *log = state;
    EVP_MD_CTX_free(log->context);
    EVP_MD_free(log->algorithm);
    free(log);
}

void *log_begin(const void *arg)
{
    (void)arg;
    struct log *log = calloc(1, sizeof *log);
    if (log == NULL)
        return NULL;
    log->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    log->context = EVP_MD_CTX_new();
    if (log->algorithm != NULL && log->context != NULL && fill(log))
        return log;
    log_end(log);
    return NULL;
}

static bool verify(struct log *log, bool bytes_only)
{
    struct audit_verifier verifier;
    const struct audit_against against = { .kept = &log->kept,
                                           .kept_count = log->count,
                                           .heads = &log->head,
                                           .head_count = 1,
                                           .bytes_only = bytes_only };
    audit_verify_begin(&verifier, &log->reader, &against);
    for (size_t i = 0; i < log->count; i++) {
        if (!rc_ok(audit_verify_line(&verifier, log->lines[i], NULL, NULL)))
            return false;
    }
    return rc_ok(audit_verify_end(&verifier, NULL)) && verifier.agreed == log->count;
}

bool log_verify_bytes(void *state)
{
    return verify(state, true);
}

bool log_verify_records(void *state)
{
    return verify(state, false);
}

static bool hash_lines(void *state)
{
    struct log *log = state;
    uint8_t out[EVP_MAX_MD_SIZE];
    for (size_t i = 0; i < log->count; i++) {
        unsigned len = 0;
        if (EVP_DigestInit_ex2(log->context, log->algorithm, NULL) != 1 ||
            EVP_DigestUpdate(log->context, log->lines[i].at, log->lines[i].len) != 1 ||
            EVP_DigestFinal_ex(log->context, out, &len) != 1)
            return false;
    }
    return true;
}

const struct bench_work log_hashed = { "OpenSSL hash", log_begin, hash_lines, log_end };
