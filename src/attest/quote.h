/* quote.h - the layout of an Intel quote: which bytes are what.  It reads version 3 (SGX),
   4 (SGX, TDX 1.0) and 5 (body types 1 to 3) and judges nothing but the layout: nothing
   that is found here may be believed before its signature has been checked.

   Sources: Intel TDX DCAP Quoting Library API (versions 4 and 5), Intel SGX ECDSA
   QuoteLibReference DCAP API (version 3). */
#ifndef WARD_ATTEST_QUOTE_H
#define WARD_ATTEST_QUOTE_H

#include "base/span.h"
#include "model/claims.h"
#include "model/report.h"

enum {
    QUOTE_HEADER_LEN = 48,
    QUOTE_ENCLAVE_REPORT_LEN = 384, /* also the quoting enclave's own report */
    QUOTE_TD10_REPORT_LEN = 584,
    QUOTE_TD15_REPORT_LEN = 648,
    QUOTE_SIGNATURE_LEN = 64, /* r || s, big-endian */
    QUOTE_KEY_LEN = 64,       /* X || Y, big-endian */
};

/* Certification data types inside a quote. */
enum {
    CERT_DATA_PPID_CLEAR = 1,
    CERT_DATA_PPID_RSA2048 = 2,
    CERT_DATA_PPID_RSA3072 = 3,
    CERT_DATA_PCK_LEAF = 4,
    CERT_DATA_PCK_CHAIN = 5,
    CERT_DATA_QE_REPORT = 6,
};

/* All spans borrow from the quote's bytes. */
struct quote {
    enum evidence_kind kind;
    uint16_t version;
    struct span signed_bytes; /* header || body; version 5: header || type || size || body */
    struct span body;         /* enclave report or TD report, of the kind's length */
    struct span signature;    /* of signed_bytes, by the attestation key */
    struct span att_key;      /* X || Y */
    struct span qe_report;    /* enclave report of the quoting enclave */
    struct span qe_signature; /* of qe_report, by the PCK key */
    struct span qe_auth;      /* bound with att_key by the QE report's data; may be empty */
    uint16_t cert_type;       /* CERT_DATA_PPID_CLEAR .. CERT_DATA_PCK_CHAIN */
    struct span cert_data;    /* type 5: PEM, its closing NUL cut off */
    struct span trailing;     /* what follows the quote's own end; usually empty */
};

/* quote_parse does checks AT-1 to AT-6.  It returns true, with *out filled, when the layout
   could be read to its end; false, with *out untouched, when not.  Trailing bytes fail AT-4
   and still return true, so that what stands before them can be judged; certification data
   1 to 4 leave AT-6 open, for the chain must then come from the caller. */
MUST_USE
bool quote_parse(struct span bytes, struct report *report, struct quote *out);

/* quote_body_sgx and quote_body_tdx copy a report's fields.  The body's length must be that
   of its kind, which quote_parse has made sure of: with any other they return false and
   leave *out untouched. */
MUST_USE
bool quote_body_sgx(struct span body, struct sgx_claims *out);
MUST_USE
bool quote_body_tdx(struct span body, struct tdx_claims *out);

#endif
