/* pki.h - inside sim/ only: writes X.509 certificates and CRLs, good ones and bad ones. */
#ifndef WARD_SIM_PKI_H
#define WARD_SIM_PKI_H

#include "sim/sim.h"

enum { PKI_CERT_MAX = 4096, PKI_CRL_MAX = 4096 };

/* Who a certificate is about: the usual common name, the usual key, and the certificate's own
   description, whose defects may change both. */
struct pki_subject {
    const char *name;
    enum sim_key key;
    const struct sim_cert *cert;
};

/* One certificate to be made.  A root's issuer is its subject. */
struct pki_plan {
    struct pki_subject subject, issuer;
    enum curve curve; /* of both */
    bool ca;
    int path_len;          /* of a CA; -1: none */
    struct span extension; /* one more Extension, DER; may be empty */
};

struct pki_crl_plan {
    struct pki_subject issuer;
    enum curve curve;
    const struct sim_crl *crl;
    struct span serials[2]; /* revoked; an empty span is none */
};

/* The serial of the certificate of this usual name: 16 bytes, positive, minimal. */
struct pki_serial {
    uint8_t bytes[16];
};
struct pki_serial pki_serial_of(const char *subject);

/* Appends one DER certificate or CRL. */
void pki_cert(const struct sim_authority *authority, const struct pki_plan *plan, struct sink *out);
void pki_crl(const struct sim_authority *authority, const struct pki_crl_plan *plan,
             struct sink *out);

/* Signs bytes with the hash of the curve (or the other one); 64 or 96 bytes. */
bool pki_sign(const struct ecdsa_secret *secret, struct span bytes, uint8_t *raw);

/* The raw signature with n - s for s: of the same bytes, as good as the first. */
void pki_other_s(enum curve curve, uint8_t *raw);

#endif
