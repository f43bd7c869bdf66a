/* pkix.h - what certificates and CRLs have in common (RFC 5280): algorithm identifiers,
   signatures, names, extensions.  For x509.c and crl.c alone.

   Readers behave as those of der.h: cursor and out-parameters move only on success. */
#ifndef WARD_CODEC_PKIX_H
#define WARD_CODEC_PKIX_H

#include "codec/der.h"
#include "codec/x509.h"

/* Last arcs of the standard extensions 2.5.29.n. */
enum pkix_standard {
    PKIX_SUBJECT_KEY_ID = 14,
    PKIX_KEY_USAGE = 15,
    PKIX_BASIC_CONSTRAINTS = 19,
    PKIX_CRL_NUMBER = 20,
    PKIX_REASON_CODE = 21,
    PKIX_DELTA_CRL_INDICATOR = 27,
    PKIX_ISSUING_DISTRIBUTION_POINT = 28,
    PKIX_CERTIFICATE_ISSUER = 29,
    PKIX_AUTHORITY_KEY_ID = 35,
};

struct pkix_extension {
    struct span oid;
    unsigned standard; /* n of 2.5.29.n, or 0 for any other identifier */
    bool critical;
    struct span value; /* content of extnValue */
};

/* The identifiers met so far in one list.  {0} is none. */
struct pkix_seen {
    size_t count;
    struct span oids[X509_EXTENSIONS_MAX];
};

/* pkix_extension_read reads one Extension; pkix_extension_next also refuses one met before
   and one past X509_EXTENSIONS_MAX. */
MUST_USE
bool pkix_extension_read(struct cursor *in, struct pkix_extension *out);
MUST_USE
bool pkix_extension_next(struct cursor *in, struct pkix_seen *seen, struct pkix_extension *out);

/* pkix_algorithm reads an AlgorithmIdentifier: its whole encoding and what it names. */
MUST_USE
bool pkix_algorithm(struct cursor *in, struct span *whole, enum x509_algorithm *algorithm);

/* pkix_signature reads the BIT STRING of a signature made with *algorithm.  For ECDSA it
   fills r || s; a well-formed one of a larger curve makes *algorithm OTHER. */
MUST_USE
bool pkix_signature(struct cursor *in, enum x509_algorithm *algorithm,
                    uint8_t signature[X509_SIGNATURE_MAX]);

/* pkix_signature_is_sound: what the algorithm does not use is zero. */
bool pkix_signature_is_sound(enum x509_algorithm algorithm,
                             const uint8_t signature[X509_SIGNATURE_MAX]);

/* pkix_inside tells whether a span is empty or within `whole`. */
bool pkix_inside(struct span part, struct span whole);

/* pkix_name reads a Name: the whole encoding, and its one commonName or an empty span. */
MUST_USE
bool pkix_name(struct cursor *in, struct span *whole, struct span *common_name);

/* pkix_issuer reads a Name that is not empty. */
MUST_USE
bool pkix_issuer(struct cursor *in, struct span *whole);

/* pkix_serial reads a CertificateSerialNumber: positive, of at most X509_SERIAL_MAX octets
   of magnitude.  Gives the content octets. */
MUST_USE
bool pkix_serial(struct cursor *in, struct span *serial);

/* pkix_authority_key_id reads the content of that extension: the keyIdentifier, or an empty
   span when it has none. */
MUST_USE
bool pkix_authority_key_id(struct span value, struct span *key_id);

#endif
