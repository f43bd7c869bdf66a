/* collateral.h - a snapshot of endorsements: TCB info, QE identities, CRLs and certificates
   as somebody published them, read and verified once.  Immutable afterwards, so any number
   of threads may use one at the same time without a lock; a newer one replaces it whole.

   What is kept is what can never change: whether a file is well formed, and under which key
   its signature verifies.  No date is judged before it is used, for a date needs a time.
   Files are recognised by their content, never by name.  No file, socket or clock here. */
#ifndef WARD_ATTEST_COLLATERAL_H
#define WARD_ATTEST_COLLATERAL_H

#include "attest/roots.h"
#include "base/time.h"
#include "crypto/crypto.h"

enum {
    COLLATERAL_ITEMS_MAX = 4096,   /* files of one snapshot */
    COLLATERAL_ITEM_MAX = 4 << 20, /* bytes of one file; a CRL may be large */
};

/* One file.  `name` is for messages (a path); it is copied, as the bytes are.  {0} is no
   file: an item was given when it has a name or bytes. */
struct collateral_item {
    struct span bytes;
    const char *name;
};

/* Where endorsements come from; both ways may be combined.

   items: a heap (a folder).  For each evidence the right file is chosen by signature, by
   what it is for, and by its dates.  A file of no known kind is listed and not used.

   The named ones: used as they are, in place of any of the heap, so that what is wrong with
   them is said.  CRLs in DER, PEM or hex of DER; certificates in PEM (one or a chain) or
   DER; qe_signing_cert is tcb_signing_cert unless given; pck_chain holds leaf, intermediate
   and root in any order, and replaces the one inside a quote. */
struct collateral_sources {
    const struct collateral_item *items;
    size_t count;
    struct collateral_item tcb_info, qe_identity;
    struct collateral_item pck_crl, root_crl;
    struct collateral_item tcb_signing_cert, qe_signing_cert;
    struct collateral_item pck_chain;
};

struct collateral;

/* collateral_new copies everything, reads it and verifies its signatures under the roots.
   A file that is no good does not fail it: that is said when the file is needed.  NULL when
   memory cannot be had or a limit above is passed.  The crypto context is used and not
   kept. */
struct collateral *collateral_new(const struct collateral_sources *sources,
                                  const struct trust_roots *roots, struct crypto *crypto);

/* collateral_free nulls *collateral; NULL is fine. */
void collateral_free(struct collateral **collateral);

/* collateral_expires: when the first piece of it runs out, each piece counted as the newest
   of its kind (by FMSPC, by enclave, by issuer).  TIME_MAX when there is nothing. */
int64_t collateral_expires(const struct collateral *collateral);

/* --- what is in it, for showing ------------------------------------------------------- */

enum collateral_kind {
    COLLATERAL_UNKNOWN = 0, /* none of those below */
    COLLATERAL_TCB_INFO,
    COLLATERAL_QE_IDENTITY,
    COLLATERAL_CRL,
    COLLATERAL_CERTIFICATE,
};

/* "TCB info" ...; never NULL. */
const char *collateral_kind_name(enum collateral_kind kind);

/* Spans and texts live as long as the snapshot. */
struct collateral_entry {
    enum collateral_kind kind;
    const char *name;    /* as given; "" when none was */
    struct span bytes;   /* the JSON text; the DER of a CRL or of one certificate */
    struct span subject; /* "TDX", "SGX", the enclave's id, or the common name of a CRL's
                            issuer or a certificate's subject */
    bool has_fmspc;
    uint8_t fmspc[6];
    struct window validity;     /* {0, 0} when it could not be read */
    uint32_t evaluation_number; /* of JSON files */
    bool trusted;               /* its signature verifies under one of the roots, through another
                                   piece if need be; or it is a root itself */
    const char *problem;        /* static text: why it is of no use; NULL when nothing is wrong */
};

size_t collateral_count(const struct collateral *collateral);

/* collateral_entry describes piece number `index` (a PEM chain is several pieces), in the
   order of the sources.  False past the end. */
MUST_USE
bool collateral_entry(const struct collateral *collateral, size_t index,
                      struct collateral_entry *out);

#endif
