/* collateral_choose.c - which of several files is the one for an evidence: by what it is for,
   by whose signature it carries, and then the newest whose window holds the time.  When none
   does, the nearest is given all the same, so that what is wrong with it can be said. */
#include "attest/collateral_parts.h"

/* Higher is better: inside its window, else past, else still to come. */
static int rank(struct window window, int64_t now)
{
    switch (window_side_of(window, now)) {
    case WINDOW_INSIDE:
        return 2;
    case WINDOW_AFTER:
        return 1;
    case WINDOW_BEFORE:
        break;
    }
    return 0;
}

static bool better(struct window window, struct window best, int64_t now)
{
    int ours = rank(window, now), theirs = rank(best, now);
    if (ours != theirs)
        return ours > theirs;
    /* The newest; of those still to come the one that comes first. */
    return ours == 0 ? window.from < best.from : window.from > best.from;
}

/* A key counts for this evidence when a certificate under its root carries it. */
static bool key_is_under(const struct collateral *c, struct span key, struct span root_point)
{
    return choose_signer(c, key, root_point, 0) != NULL;
}

static bool usable(const struct collateral *c, const struct part_file *file, struct span root_point)
{
    return file->parsed && file->state == SIGNATURE_GOOD && key_is_under(c, file->key, root_point);
}

const struct part_tcb_info *choose_tcb_info(const struct collateral *c, bool tdx,
                                            const uint8_t fmspc[6], struct span root_point,
                                            int64_t now)
{
    const struct part_tcb_info *best = NULL;
    for (size_t i = 0; i < c->info_count; i++) {
        const struct part_tcb_info *part = &c->infos[i];
        if (part->file.parsed && part->info.tdx == tdx &&
            bytes_equal(part->info.fmspc, fmspc, sizeof part->info.fmspc) &&
            usable(c, &part->file, root_point) &&
            (best == NULL || better(part->info.validity, best->info.validity, now)))
            best = part;
    }
    return best;
}

const struct part_qe_identity *choose_qe_identity(const struct collateral *c, enum qe_id id,
                                                  struct span root_point, int64_t now)
{
    const struct part_qe_identity *best = NULL;
    for (size_t i = 0; i < c->identity_count; i++) {
        const struct part_qe_identity *part = &c->identities[i];
        if (part->file.parsed && part->identity.id == id && usable(c, &part->file, root_point) &&
            (best == NULL || better(part->identity.validity, best->identity.validity, now)))
            best = part;
    }
    return best;
}

const struct part_crl *choose_crl(const struct collateral *c, const struct x509_cert *issuer,
                                  int64_t now, struct dcap_cache *cache, struct crypto *crypto)
{
    const struct part_crl *best = NULL;
    for (size_t i = 0; i < c->crl_count; i++) {
        const struct part_crl *part = &c->crls[i];
        /* Dates first: a signature is tried only where it would decide. */
        if (part->readable && span_equal(part->crl.issuer, issuer->subject) &&
            (best == NULL || better(part->crl.validity, best->crl.validity, now)) &&
            parts_crl_is_good(part, issuer->point, cache, crypto))
            best = part;
    }
    return best;
}

const struct part_cert *choose_signer(const struct collateral *c, struct span key,
                                      struct span root_point, int64_t now)
{
    const struct part_cert *best = NULL;
    for (size_t i = 0; i < c->cert_count; i++) {
        const struct part_cert *part = &c->certs[i];
        if (parts_is_signer(part) && part->root != NULL &&
            span_equal(trust_root_point(part->root), root_point) &&
            span_equal(part->cert.point, key) &&
            (best == NULL || better(part->cert.validity, best->cert.validity, now)))
            best = part;
    }
    return best;
}
