/* ccel_maker.h - a writer of CCEL logs for tests, good ones and bad ones. */
#ifndef WARD_TESTS_ATTEST_CCEL_MAKER_H
#define WARD_TESTS_ATTEST_CCEL_MAKER_H

#include "attest/ccel.h"
#include "base/sink.h"

/* Algorithms of the TCG registry, and types that are only hints. */
enum { SHA1 = 4, SHA256 = 11, SHA384 = 12, SM3 = 18, EV_EVENT_TAG = 6, EV_IPL = 13 };

/* A header record, field by field, so that each can be wrong. */
struct ccel_spec {
    uint32_t type;
    uint8_t digest_byte; /* of the header's SHA-1 digest */
    const char *signature;
    uint8_t major;
    uint32_t count; /* of algorithms as written */
    uint16_t algorithms[CCEL_ALGORITHMS_MAX][2];
    size_t written; /* how many of them are there */
    uint8_t vendor_len;
    size_t vendor_bytes;
};

/* The header of a TD's log: SHA-384 alone. */
extern const struct ccel_spec ccel_plain;

void ccel_put_spec(struct sink *out, const struct ccel_spec *spec);

/* An event with one SHA-384 digest: the given one, or that of its data. */
void ccel_put_digest_event(struct sink *out, uint32_t index, uint32_t type,
                           const uint8_t digest[48], struct span data);
void ccel_put_event(struct sink *out, uint32_t index, uint32_t type, struct span data);

/* A UEFI_VARIABLE_DATA of the global GUID, written into room. */
struct span ccel_variable(uint8_t room[128], const char *name, struct span data);

void ccel_put_secure_boot(struct sink *out, uint32_t index, const char *value);
void ccel_put_separator(struct sink *out, uint32_t index);

/* A log of four events in RTMR0 to RTMR2, with SecureBoot on. */
void ccel_put_good(struct sink *out);

#endif
