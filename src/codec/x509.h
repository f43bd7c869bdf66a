/* x509.h - one X.509 certificate (RFC 5280), as it stands in its bytes.

   Parsing has no opinion on trust: no signature is verified, no chain built, no time
   compared.  It does insist on the form: strict DER, nothing left over, the two algorithm
   identifiers equal, every extension at most once.  Every span views the input. */
#ifndef WARD_CODEC_X509_H
#define WARD_CODEC_X509_H

#include "base/cursor.h"
#include "base/span.h"
#include "base/time.h"

/* More extensions than this in one certificate, CRL or CRL entry are refused: finding
   duplicates costs their number squared. */
enum { X509_EXTENSIONS_MAX = 32, X509_SERIAL_MAX = 20, X509_SIGNATURE_MAX = 96 };

/* ECDSA_SHA256 is given only when r and s fit P-256, ECDSA_SHA384 when they fit P-384. */
enum x509_algorithm { X509_ALG_OTHER = 0, X509_ECDSA_SHA256, X509_ECDSA_SHA384 };

enum x509_key { X509_KEY_OTHER = 0, X509_KEY_P256, X509_KEY_P384 };

/* Bit numbers of RFC 5280 4.2.1.3. */
enum {
    KEY_USAGE_DIGITAL_SIGNATURE = 1 << 0,
    KEY_USAGE_CERT_SIGN = 1 << 5,
    KEY_USAGE_CRL_SIGN = 1 << 6,
};

struct x509_cert {
    struct span whole;  /* the Certificate */
    struct span tbs;    /* the TBSCertificate, tag and length included: what is signed */
    int version;        /* 1 or 3 */
    struct span serial; /* content octets of the INTEGER, positive and minimal */
    struct span issuer; /* the whole Name */
    struct span subject;
    struct span common_name; /* of the subject; empty when there is none, or more than one */
    struct window validity;
    struct span spki; /* the whole SubjectPublicKeyInfo */
    enum x509_key key;
    struct span point; /* 04 || X || Y, 65 or 97 octets; empty for other keys.  Whether it
                          lies on the curve is for crypto to say */
    enum x509_algorithm algorithm;
    uint8_t signature[X509_SIGNATURE_MAX]; /* r || s: 64 octets used with SHA-256, 96 with
                                              SHA-384, all zero with other algorithms */
    bool has_basic_constraints;
    bool basic_constraints_critical;
    bool is_ca;
    int path_len; /* -1 when not given */
    bool has_key_usage;
    uint16_t key_usage;
    struct span ski; /* key identifiers; empty when absent */
    struct span aki;
    bool unknown_critical;  /* a critical extension other than basic constraints, key usage
                               and the key identifiers is there (name and policy
                               constraints among them: they are not processed) */
    struct span extensions; /* content of the Extensions SEQUENCE; empty when absent */
};

/* x509_parse reads exactly one certificate, the whole of `der`.  *out is untouched on
   failure. */
MUST_USE
bool x509_parse(struct span der, struct x509_cert *out);

/* x509_is_sound: the rules that hold between the fields of whatever x509_parse gave. */
bool x509_is_sound(const struct x509_cert *cert);

/* x509_extension finds an extension of a parsed certificate by the content octets of its
   identifier: *value views the content of its extnValue. */
MUST_USE
bool x509_extension(const struct x509_cert *cert, struct span oid, struct span *value);

/* x509_alternative_names opens the list of subject alternative names (RFC 5280 4.2.1.6), each a
   GeneralName to der_read.  False when there is none, or the extension is no such list. */
MUST_USE
bool x509_alternative_names(const struct x509_cert *cert, struct cursor *names);

/* x509_name_common_name finds the one commonName of a whole Name.  False, and *cn
   untouched, when the Name is malformed, has none, has several, or has one in a character
   set that is not a superset of ASCII. */
MUST_USE
bool x509_name_common_name(struct span name, struct span *cn);

#endif
