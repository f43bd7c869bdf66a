/* chain.h - what RFC 5280 demands of a chain of certificates, judged without an opinion on
   whose chain it is: each caller names the failure in its own words.  Signatures apart,
   nothing here compares a time or trusts a root. */
#ifndef WARD_ATTEST_CHAIN_H
#define WARD_ATTEST_CHAIN_H

#include "base/span.h"
#include "codec/x509.h"
#include "crypto/crypto.h"

/* One curve with one hash for the whole chain. */
struct chain_rules {
    enum x509_key key;
    enum x509_algorithm algorithm;
};

extern const struct chain_rules chain_rules_p256; /* P-256, ecdsa-with-SHA256 */
extern const struct chain_rules chain_rules_p384; /* P-384, ecdsa-with-SHA384 */

/* In all of these: certs[0] is the leaf, certs[count - 1] the self-issued root; the answer
   is NULL when all is well, else a static text without a full stop ("pathLen is exceeded"),
   and *which is the certificate at fault (untouched otherwise). */

/* chain_order_problem: at least a leaf and a root, every issuer's Name byte for byte the
   next subject's, the last one its own issuer, no empty Name. */
const char *chain_order_problem(const struct x509_cert *certs, size_t count, size_t *which);

/* chain_profile_problem: the rules of chain_cert_problem, chain_ca_problem,
   chain_leaf_problem and chain_link_problem for every certificate, leaf first. */
const char *chain_profile_problem(const struct chain_rules *rules, const struct x509_cert *certs,
                                  size_t count, size_t *which);

/* Any certificate: version 3, key and algorithm of the rules, no unknown critical extension. */
const char *chain_cert_problem(const struct chain_rules *rules, const struct x509_cert *cert);

/* An issuer with `below` intermediates between itself and the leaf: critical basic
   constraints with CA, key usage with keyCertSign, pathLen not exceeded. */
const char *chain_ca_problem(const struct x509_cert *cert, int below);

/* A leaf: not a CA, key usage with digitalSignature and without keyCertSign. */
const char *chain_leaf_problem(const struct x509_cert *cert);

/* One link: Names equal; authority and subject key identifiers equal when both are there. */
const char *chain_link_problem(const struct x509_cert *cert, const struct x509_cert *issuer);

/* chain_signed_by verifies cert's signature with a key (04 || X || Y) of the curve that goes
   with the certificate's own algorithm. */
MUST_USE
bool chain_signed_by(struct crypto *crypto, const struct x509_cert *cert, struct span point);

#endif
