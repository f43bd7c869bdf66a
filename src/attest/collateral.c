/* collateral.c - see collateral.h: a snapshot's making, end, and description. */
#include "attest/collateral.h"

#include <string.h>

#include "attest/collateral_parts.h"
#include "base/number.h"

/* What a piece costs besides its bytes, and how much reading may enlarge those bytes. */
enum { PIECE_COST = 4096, BYTES_FACTOR = 16, SNAPSHOT_COST = 64 * 1024 };

/* --- making -------------------------------------------------------------------------- */

static bool add_to_size(const struct collateral_item *item, size_t *bytes, size_t *pieces)
{
    size_t total, name = item->name == NULL ? 0 : span_text(item->name).len;
    if (item->bytes.len > COLLATERAL_ITEM_MAX || !add_size(*bytes, item->bytes.len, &total) ||
        !add_size(total, name, &total))
        return false;
    *bytes = total;
    *pieces += parts_in_item(item);
    return true;
}

static bool size_of(const struct collateral_sources *s, size_t *bytes, size_t *pieces)
{
    const struct collateral_item *const named[] = { &s->tcb_info,         &s->qe_identity,
                                                    &s->pck_crl,          &s->root_crl,
                                                    &s->tcb_signing_cert, &s->qe_signing_cert,
                                                    &s->pck_chain };
    if (s->count > COLLATERAL_ITEMS_MAX)
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!add_to_size(&s->items[i], bytes, pieces))
            return false;
    for (size_t i = 0; i < COUNT_OF(named); i++)
        if (!add_to_size(named[i], bytes, pieces))
            return false;
    return true;
}

static bool copy_roots(struct collateral *c, const struct trust_roots *roots)
{
    c->root_list = arena_array(&c->arena, roots->count, sizeof *c->root_list);
    if (c->root_list == NULL)
        return false;
    if (roots->count > 0)
        memcpy(c->root_list, roots->roots, roots->count * sizeof *c->root_list);
    c->roots = (struct trust_roots){ c->root_list, roots->count };
    return true;
}

static bool make_arrays(struct collateral *c, size_t pieces)
{
    c->cap = pieces;
    c->certs = arena_array(&c->arena, pieces, sizeof *c->certs);
    c->crls = arena_array(&c->arena, pieces, sizeof *c->crls);
    c->infos = arena_array(&c->arena, pieces, sizeof *c->infos);
    c->identities = arena_array(&c->arena, pieces, sizeof *c->identities);
    c->index = arena_array(&c->arena, pieces, sizeof *c->index);
    return c->certs != NULL && c->crls != NULL && c->infos != NULL && c->identities != NULL &&
           c->index != NULL;
}

/* Certificates first, for they are what the rest is verified with. */
static bool fill(struct collateral *c, const struct collateral_sources *s, struct crypto *crypto)
{
    if (!parts_read_named(c, s))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!parts_read_heap_item(c, &s->items[i]))
            return false;
    parts_trust_certs(c, crypto);
    parts_verify_crls(c, crypto);
    if (!parts_read_named_json(c, s, crypto))
        return false;
    for (size_t i = 0; i < s->count; i++)
        if (!parts_read_heap_json(c, &s->items[i], crypto))
            return false;
    return parts_set_epoch(c);
}

struct collateral *collateral_new(const struct collateral_sources *sources,
                                  const struct trust_roots *roots, struct crypto *crypto)
{
    size_t bytes = 0, pieces = 1;
    if (!size_of(sources, &bytes, &pieces))
        return NULL;
    struct arena arena;
    arena_init(&arena, SNAPSHOT_COST + roots->count * sizeof *roots->roots + pieces * PIECE_COST +
                           bytes * BYTES_FACTOR);
    struct collateral *c = arena_alloc(&arena, sizeof *c);
    if (c == NULL)
        return NULL;
    c->arena = arena;
    if (copy_roots(c, roots) && make_arrays(c, pieces) && fill(c, sources, crypto))
        return c;
    collateral_free(&c);
    return NULL;
}

void collateral_free(struct collateral **collateral)
{
    if (*collateral == NULL)
        return;
    /* The arena holds the struct that holds it. */
    struct arena arena = (*collateral)->arena;
    arena_fini(&arena);
    *collateral = NULL;
}

/* --- showing ------------------------------------------------------------------------- */

const char *collateral_kind_name(enum collateral_kind kind)
{
    switch (kind) {
    case COLLATERAL_TCB_INFO:
        return "TCB info";
    case COLLATERAL_QE_IDENTITY:
        return "QE identity";
    case COLLATERAL_CRL:
        return "CRL";
    case COLLATERAL_CERTIFICATE:
        return "certificate";
    case COLLATERAL_UNKNOWN:
        break;
    }
    return "unknown";
}

size_t collateral_count(const struct collateral *collateral)
{
    return collateral->index_count;
}

static void describe_file(const struct part_file *file, struct collateral_entry *out)
{
    out->bytes = file->text;
    out->trusted = file->state == SIGNATURE_GOOD;
    if (!file->version_known)
        out->problem = "its version is not one that is known here";
    else if (file->state == SIGNATURE_UNKNOWN)
        out->problem = "there is no trusted signing certificate to verify it with";
    else if (file->state == SIGNATURE_BAD)
        out->problem = "its signature is not good";
    else
        out->problem = file->problem.what;
}

static void describe_info(const struct part_tcb_info *part, struct collateral_entry *out)
{
    describe_file(&part->file, out);
    if (!part->file.parsed)
        return;
    out->subject = span_text(part->info.tdx ? "TDX" : "SGX");
    out->has_fmspc = true;
    memcpy(out->fmspc, part->info.fmspc, sizeof out->fmspc);
    out->validity = part->info.validity;
    out->evaluation_number = part->info.evaluation_number;
}

static void describe_identity(const struct part_qe_identity *part, struct collateral_entry *out)
{
    describe_file(&part->file, out);
    if (!part->file.parsed)
        return;
    out->subject = part->identity.id_text;
    out->validity = part->identity.validity;
    out->evaluation_number = part->identity.evaluation_number;
}

static void describe_crl(const struct part_crl *part, struct collateral_entry *out)
{
    out->bytes = part->crl.whole;
    if (!x509_name_common_name(part->crl.issuer, &out->subject))
        out->subject = (struct span){ 0 };
    out->validity = part->crl.validity;
    out->trusted = part->state == SIGNATURE_GOOD;
    if (part->state == SIGNATURE_BAD)
        out->problem = "its signature is not good";
    else if (part->state == SIGNATURE_UNKNOWN)
        out->problem = "its issuer's certificate is not among these files";
}

static void describe_cert(const struct part_cert *part, struct collateral_entry *out)
{
    out->bytes = part->cert.whole;
    out->subject = part->cert.common_name;
    out->validity = part->cert.validity;
    out->trusted = part->root != NULL;
}

bool collateral_entry(const struct collateral *collateral, size_t index,
                      struct collateral_entry *out)
{
    if (index >= collateral->index_count)
        return false;
    const struct part_index *at = &collateral->index[index];
    struct collateral_entry entry = { .kind = at->kind, .name = at->name };
    switch (at->kind) {
    case COLLATERAL_TCB_INFO:
        describe_info(&collateral->infos[at->at], &entry);
        break;
    case COLLATERAL_QE_IDENTITY:
        describe_identity(&collateral->identities[at->at], &entry);
        break;
    case COLLATERAL_CRL:
        describe_crl(&collateral->crls[at->at], &entry);
        break;
    case COLLATERAL_CERTIFICATE:
        describe_cert(&collateral->certs[at->at], &entry);
        break;
    case COLLATERAL_UNKNOWN:
        entry.bytes = at->bytes;
        entry.problem = at->problem;
        break;
    }
    *out = entry;
    return true;
}

/* --- when it runs out ---------------------------------------------------------------- */

/* Whether two pieces are generations of the same thing. */
static bool same_thing(const struct collateral_entry *a, const struct collateral_entry *b)
{
    return a->kind == b->kind && span_equal(a->subject, b->subject) &&
           a->has_fmspc == b->has_fmspc && bytes_equal(a->fmspc, b->fmspc, sizeof a->fmspc);
}

/* A PCK CRL may be known to be good only when a quote brings its issuer. */
static bool counts(const struct collateral_entry *entry)
{
    bool crl = entry->kind == COLLATERAL_CRL;
    return entry->kind != COLLATERAL_UNKNOWN && (entry->trusted || crl);
}

int64_t collateral_expires(const struct collateral *collateral)
{
    struct collateral_entry one, other;
    int64_t first = TIME_MAX;
    for (size_t i = 0; collateral_entry(collateral, i, &one); i++) {
        int64_t end = one.validity.until;
        if (!counts(&one))
            continue;
        for (size_t k = 0; collateral_entry(collateral, k, &other); k++)
            if (counts(&other) && same_thing(&one, &other) && other.validity.until > end)
                end = other.validity.until;
        if (end < first)
            first = end;
    }
    return first;
}
