/* nitro_document.h - the layout of a Nitro attestation document: which bytes are what.  Reads
   strict CBOR; believes nothing of it. */
#ifndef WARD_ATTEST_NITRO_DOCUMENT_H
#define WARD_ATTEST_NITRO_DOCUMENT_H

#include "attest/nitro.h"
#include "base/cursor.h"

/* A field that may be absent or nil. */
struct nitro_optional {
    bool present;
    struct span bytes;
};

/* All spans borrow from the document. */
struct nitro_document {
    struct span protected_header; /* as received: what the signature covers */
    struct span payload;
    struct span signature; /* r || s, 96 bytes */
    struct span module_id;
    uint64_t timestamp_ms;
    struct span pcrs[NITRO_PCR_COUNT]; /* empty where the document has none */
    struct span certificate;
    size_t bundle_count;
    struct span bundle[NITRO_BUNDLE_MAX]; /* root first */
    struct nitro_optional public_key, user_data, nonce;
};

/* nitro_document_parse does AN-1 to AN-4.  False, with *out untouched, when one failed. */
MUST_USE
bool nitro_document_parse(struct span bytes, size_t user_data_max, struct report *report,
                          struct nitro_document *out);

/* nitro_document_digest hashes what the signature covers: the Sig_structure of RFC 9052 4.4
   over the protected header as received and the payload. */
void nitro_document_digest(const struct nitro_document *document, uint8_t digest[48]);

#endif
