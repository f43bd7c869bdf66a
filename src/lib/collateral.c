/* collateral.c - the public face of collateral snapshots. */
#include "ward/collateral.h"

#include "base/number.h"
#include "base/sink.h"
#include "lib/objects.h"

enum { COLLATERAL_OBJECT_MAX = 4 * 1024 * 1024 };

static struct collateral_item item_of(struct ward_bytes bytes)
{
    if (bytes.data == NULL || bytes.len == 0)
        return (struct collateral_item){ 0 };
    return (struct collateral_item){ span_of(bytes.data, bytes.len),
                                     bytes.name != NULL ? bytes.name : "" };
}

static enum ward_outcome check_size(const struct ward_bytes *file, struct ward_error *error)
{
    if (file->len > COLLATERAL_ITEM_MAX)
        return ERROR(error, WARD_BAD_INPUT, "%s: %zu bytes, at most %d are read",
                     file->name != NULL ? file->name : "collateral", file->len,
                     COLLATERAL_ITEM_MAX);
    return WARD_DONE;
}

static enum ward_outcome check_sizes(const struct ward_collateral_files *files,
                                     struct ward_error *error)
{
    const struct ward_bytes *const named[] = {
        &files->tcb_info,  &files->qe_identity,      &files->pck_crl,
        &files->root_crl,  &files->tcb_signing_cert, &files->qe_identity_signing_cert,
        &files->pck_chain,
    };
    enum ward_outcome outcome = WARD_DONE;
    if (files->pool_count > COLLATERAL_ITEMS_MAX)
        return ERROR(error, WARD_BAD_INPUT, "%zu collateral files, at most %d are read",
                     files->pool_count, COLLATERAL_ITEMS_MAX);
    for (size_t i = 0; outcome == WARD_DONE && i < COUNT_OF(named); i++)
        outcome = check_size(named[i], error);
    for (size_t i = 0; outcome == WARD_DONE && i < files->pool_count; i++)
        outcome = check_size(&files->pool[i], error);
    return outcome;
}

/* Nitro's CRLs are recognised by their issuer when a document is judged. */
static bool list_crls(struct ward_collateral *object)
{
    size_t count = collateral_count(object->snapshot);
    struct collateral_entry entry;
    struct span *crls = arena_array(&object->memory, count, sizeof *crls);
    if (crls == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (collateral_entry(object->snapshot, i, &entry) && entry.kind == COLLATERAL_CRL)
            crls[object->crl_count++] = entry.bytes;
    }
    object->crls = crls;
    return true;
}

/* Makes the snapshot with a context for hashing and verifying that lives only as long. */
static enum ward_outcome make_snapshot(const struct collateral_sources *sources,
                                       const struct ward_policy *policy,
                                       struct ward_collateral *object, struct ward_error *error)
{
    struct trust_roots roots = policy_roots(policy);
    struct crypto *crypto = crypto_new();
    if (crypto != NULL)
        object->snapshot = collateral_new(sources, &roots, crypto);
    crypto_free(&crypto);
    if (object->snapshot == NULL || !list_crls(object))
        return ERROR(error, WARD_NO_MEMORY, "out of memory, or too much collateral");
    return WARD_DONE;
}

enum ward_outcome ward_collateral_new(const struct ward_collateral_files *files,
                                      const struct ward_policy *policy,
                                      struct ward_collateral **out, struct ward_error *error)
{
    struct ward_policy standard;
    struct arena memory;
    enum ward_outcome outcome = check_sizes(files, error);
    if (outcome != WARD_DONE)
        return outcome;
    struct ward_collateral *object = object_new(sizeof *object, COLLATERAL_OBJECT_MAX, &memory);
    if (object == NULL)
        return ERROR(error, WARD_NO_MEMORY, "out of memory");
    struct collateral_item *items = arena_array(&memory, files->pool_count, sizeof *items);
    for (size_t i = 0; items != NULL && i < files->pool_count; i++)
        items[i] = item_of(files->pool[i]);
    object->memory = memory;
    struct collateral_sources sources = {
        .items = items,
        .count = items != NULL ? files->pool_count : 0,
        .tcb_info = item_of(files->tcb_info),
        .qe_identity = item_of(files->qe_identity),
        .pck_crl = item_of(files->pck_crl),
        .root_crl = item_of(files->root_crl),
        .tcb_signing_cert = item_of(files->tcb_signing_cert),
        .qe_signing_cert = item_of(files->qe_identity_signing_cert),
        .pck_chain = item_of(files->pck_chain),
    };
    if (policy == NULL) {
        policy_object_init(&standard);
        policy = &standard;
    }
    outcome = items == NULL ? ERROR(error, WARD_NO_MEMORY, "out of memory")
                            : make_snapshot(&sources, policy, object, error);
    if (outcome != WARD_DONE) {
        ward_collateral_free(&object);
        return outcome;
    }
    *out = object;
    return WARD_DONE;
}

void ward_collateral_free(struct ward_collateral **collateral)
{
    if (collateral == NULL || *collateral == NULL)
        return;
    collateral_free(&(*collateral)->snapshot);
    struct arena memory = (*collateral)->memory;
    *collateral = NULL;
    arena_fini(&memory);
}

int64_t ward_collateral_expires(const struct ward_collateral *collateral)
{
    int64_t at = collateral_expires(collateral->snapshot);
    return at == TIME_MAX ? INT64_MAX : at;
}

size_t ward_collateral_count(const struct ward_collateral *collateral)
{
    return collateral_count(collateral->snapshot);
}

static const char *kind_name(enum collateral_kind kind)
{
    switch (kind) {
    case COLLATERAL_TCB_INFO:
        return "tcb-info";
    case COLLATERAL_QE_IDENTITY:
        return "qe-identity";
    case COLLATERAL_CRL:
        return "crl";
    case COLLATERAL_CERTIFICATE:
        return "certificate";
    case COLLATERAL_UNKNOWN:
        break;
    }
    return "unknown";
}

bool ward_collateral_item(const struct ward_collateral *collateral, size_t index,
                          struct ward_collateral_item *out)
{
    struct collateral_entry entry;
    if (!collateral_entry(collateral->snapshot, index, &entry))
        return false;
    *out = (struct ward_collateral_item){
        .name = entry.name,
        .kind = kind_name(entry.kind),
        .genuine = entry.trusted,
        .problem = entry.problem != NULL ? entry.problem : "",
        .valid_from = entry.validity.from,
        .valid_until = entry.validity.until,
        .evaluation_number = entry.evaluation_number,
    };
    struct sink detail = sink_over(out->detail, sizeof out->detail);
    if (entry.subject.len < 64)
        sink_put(&detail, entry.subject);
    if (entry.has_fmspc) {
        sink_text(&detail, " ");
        sink_hex(&detail, SPAN(entry.fmspc));
    }
    sink_terminate(&detail);
    return true;
}
