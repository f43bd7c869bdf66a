/* collateral_read.c - files to pieces: which kind a file is, by its content, and its parts.
   A file that is no good is kept as such and fails nothing here. */
#include <string.h>

#include "attest/chain.h"
#include "attest/collateral_parts.h"
#include "base/cursor.h"
#include "codec/hex.h"
#include "codec/pem.h"
#include "crypto/hash.h"

/* Memory for one file's JSON nodes. */
enum { NODES_CEILING = (SIGNED_FILE_NODES + 2) * sizeof(struct json_node) };

/* --- bytes to DER -------------------------------------------------------------------- */

static bool is_white(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trimmed(struct span text)
{
    while (text.len > 0 && is_white(text.at[text.len - 1]))
        text.len--;
    struct cursor in = cur_over(text);
    uint8_t c;
    while (cur_peek(&in, &c) && is_white(c))
        if (!cur_skip(&in, 1))
            break;
    return cur_rest(&in);
}

static bool is_json(struct span bytes)
{
    struct span text = trimmed(bytes);
    return text.len > 0 && text.at[0] == '{';
}

bool parts_item_given(const struct collateral_item *item)
{
    return item->name != NULL || item->bytes.len > 0;
}

size_t parts_in_item(const struct collateral_item *item)
{
    if (!parts_item_given(item))
        return 0;
    if (!pem_like(item->bytes))
        return 1;
    size_t count = 1; /* what follows the last block may be rubbish, and is a piece too */
    struct cursor in = cur_over(item->bytes);
    static const uint8_t begin[] = { '-', '-', '-', '-', '-', 'B', 'E', 'G', 'I', 'N' };
    uint8_t c;
    while (cur_peek(&in, &c)) {
        if (c == '-' && cur_expect(&in, SPAN(begin)))
            count++;
        else if (!cur_skip(&in, 1))
            break;
    }
    return count;
}

/* The DER values of a file, one after the other. */
struct blocks {
    struct cursor in;
    bool pem, done;
    struct sink room; /* of decoded bytes */
};

static bool blocks_open(struct collateral *c, struct span bytes, struct blocks *out)
{
    /* What is decoded is never longer than its text, nor is a copy. */
    uint8_t *room = arena_alloc(&c->arena, bytes.len);
    if (room == NULL)
        return false;
    *out = (struct blocks){ .in = cur_over(bytes),
                            .pem = pem_like(bytes),
                            .room = sink_over(room, bytes.len) };
    return true;
}

/* Views the next value; *label is empty for one that had none.  False at the end and, with
 *bad set, where nothing could be read. */
static bool blocks_next(struct blocks *b, struct span *label, struct span *der, bool *bad)
{
    size_t from = b->room.len;
    if (b->done)
        return false;
    if (b->pem) {
        *bad = !pem_next(&b->in, label, &b->room);
        b->done = *bad || cur_end(&b->in);
        if (*bad)
            return false;
    } else {
        struct span text = trimmed(cur_rest(&b->in));
        *label = (struct span){ 0 };
        b->done = true;
        /* PCS version 3 and caching services give a CRL as the hex of its DER. */
        struct cursor hex = cur_over(text);
        if (!cur_expect(&hex, span_text("30")) || !hex_decode_sink(text, &b->room))
            sink_put(&b->room, cur_rest(&b->in));
    }
    struct span all = sink_bytes(&b->room);
    *der = span_of(all.at + from, all.len - from);
    return true;
}

/* --- pieces -------------------------------------------------------------------------- */

static bool copy_name(struct collateral *c, const char *name, const char **out)
{
    struct span text = span_text(name == NULL ? "" : name);
    char *copy = arena_alloc(&c->arena, text.len + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, text.at, text.len);
    *out = copy;
    return true;
}

static void add_index(struct collateral *c, enum collateral_kind kind, const char *name, size_t at)
{
    if (c->index_count < c->cap)
        c->index[c->index_count++] = (struct part_index){ .kind = kind, .name = name, .at = at };
}

static void add_unknown(struct collateral *c, const char *name, struct span bytes,
                        const char *problem)
{
    if (c->index_count < c->cap)
        c->index[c->index_count++] = (struct part_index){ .name = name,
                                                          .bytes = bytes,
                                                          .problem = problem };
}

/* The same certificate is kept, and verified, once. */
static const struct part_cert *add_cert(struct collateral *c, const struct x509_cert *cert,
                                        const char *name)
{
    for (size_t i = 0; i < c->cert_count; i++)
        if (span_equal(c->certs[i].cert.whole, cert->whole)) {
            add_index(c, COLLATERAL_CERTIFICATE, name, i);
            return &c->certs[i];
        }
    if (c->cert_count == c->cap)
        return NULL;
    struct part_cert *part = &c->certs[c->cert_count];
    *part = (struct part_cert){ .cert = *cert, .name = name };
    add_index(c, COLLATERAL_CERTIFICATE, name, c->cert_count++);
    return part;
}

static struct part_crl *add_crl(struct collateral *c, const struct crl *crl, const char *name)
{
    if (c->crl_count == c->cap)
        return NULL;
    struct part_crl *part = &c->crls[c->crl_count];
    *part = (struct part_crl){ .name = name };
    if (crl != NULL) {
        part->crl = *crl;
        part->readable = true;
        hash_sha256(crl->tbs, part->digest);
        add_index(c, COLLATERAL_CRL, name, c->crl_count);
    } else {
        add_unknown(c, name, (struct span){ 0 }, "neither DER, PEM nor hex of a CRL");
    }
    c->crl_count++;
    return part;
}

static void add_heap_block(struct collateral *c, struct span label, struct span der,
                           const char *name)
{
    struct x509_cert cert;
    struct crl crl;
    bool any = label.len == 0;
    if ((any || span_equal_text(label, "CERTIFICATE")) && x509_parse(der, &cert))
        (void)add_cert(c, &cert, name);
    else if ((any || span_equal_text(label, "X509 CRL")) && crl_parse(der, &crl))
        (void)add_crl(c, &crl, name);
    else
        add_unknown(c, name, der, "neither JSON of TCB info or QE identity, CRL nor certificate");
}

bool parts_read_heap_item(struct collateral *c, const struct collateral_item *item)
{
    struct blocks blocks;
    struct span label, der;
    const char *name;
    bool bad = false;
    if (!parts_item_given(item) || is_json(item->bytes))
        return true; /* JSON in its turn */
    if (!copy_name(c, item->name, &name) || !blocks_open(c, item->bytes, &blocks))
        return false;
    while (blocks_next(&blocks, &label, &der, &bad))
        add_heap_block(c, label, der, name);
    if (bad)
        add_unknown(c, name, (struct span){ 0 }, "not well-formed PEM");
    return true;
}

/* --- named pieces -------------------------------------------------------------------- */

static bool read_named_crl(struct collateral *c, const struct collateral_item *item,
                           const struct part_crl **out)
{
    struct blocks blocks;
    struct span label, der;
    const char *name;
    bool bad = false;
    struct crl crl;
    if (!parts_item_given(item))
        return true;
    if (!copy_name(c, item->name, &name) || !blocks_open(c, item->bytes, &blocks))
        return false;
    bool read = blocks_next(&blocks, &label, &der, &bad) && blocks.done &&
                (label.len == 0 || span_equal_text(label, "X509 CRL")) && crl_parse(der, &crl);
    *out = add_crl(c, read ? &crl : NULL, name);
    return true;
}

/* A signing certificate may come with its chain: it is the one that is no CA. */
static bool read_named_signer(struct collateral *c, const struct collateral_item *item,
                              struct part_signer *out)
{
    struct blocks blocks;
    struct span label, der;
    struct x509_cert cert;
    bool bad = false;
    if (!parts_item_given(item))
        return true;
    out->given = true;
    if (!copy_name(c, item->name, &out->name) || !blocks_open(c, item->bytes, &blocks))
        return false;
    while (blocks_next(&blocks, &label, &der, &bad)) {
        if (!x509_parse(der, &cert))
            continue;
        const struct part_cert *part = add_cert(c, &cert, out->name);
        if (part != NULL && (out->cert == NULL || out->cert->cert.is_ca))
            out->cert = part;
    }
    if (out->cert == NULL)
        add_unknown(c, out->name, (struct span){ 0 }, "no certificate can be read");
    return true;
}

/* Puts leaf, intermediate and root in order by their Names. */
static bool order_chain(const struct x509_cert *found, struct x509_cert chain[PCK_CHAIN_LEN])
{
    for (size_t leaf = 0; leaf < PCK_CHAIN_LEN; leaf++)
        for (size_t next = 0; next < PCK_CHAIN_LEN; next++) {
            size_t last = PCK_CHAIN_LEN - leaf - next, which;
            if (leaf == next || found[leaf].is_ca)
                continue;
            struct x509_cert try[PCK_CHAIN_LEN] = { found[leaf], found[next], found[last] };
            if (chain_order_problem(try, PCK_CHAIN_LEN, &which) != NULL)
                continue;
            memcpy(chain, try, sizeof try);
            return true;
        }
    return false;
}

static bool read_named_chain(struct collateral *c, const struct collateral_item *item)
{
    struct x509_cert found[PCK_CHAIN_LEN];
    if (!parts_item_given(item))
        return true;
    c->chain_given = true;
    uint8_t *room = arena_alloc(&c->arena, item->bytes.len);
    if (room == NULL || !copy_name(c, item->name, &c->chain_name))
        return false;
    struct sink der = sink_over(room, item->bytes.len);
    c->chain_problem = pck_chain_read(item->bytes, NULL, &der, found, &c->chain_which);
    if (c->chain_problem != NULL) {
        add_unknown(c, c->chain_name, (struct span){ 0 }, c->chain_problem);
        return true;
    }
    for (size_t i = 0; i < PCK_CHAIN_LEN; i++)
        (void)add_cert(c, &found[i], c->chain_name);
    if (!order_chain(found, c->chain))
        c->chain_problem = "the certificates are not leaf, intermediate and root of one chain";
    return true;
}

bool parts_read_named(struct collateral *c, const struct collateral_sources *sources)
{
    return read_named_crl(c, &sources->pck_crl, &c->pck_crl) &&
           read_named_crl(c, &sources->root_crl, &c->root_crl) &&
           read_named_signer(c, &sources->tcb_signing_cert, &c->tcb_signer) &&
           read_named_signer(c, &sources->qe_signing_cert, &c->qe_signer) &&
           read_named_chain(c, &sources->pck_chain);
}

/* --- signed JSON --------------------------------------------------------------------- */

static const struct part_signer *qe_signer(const struct collateral *c)
{
    return c->qe_signer.given ? &c->qe_signer : &c->tcb_signer;
}

static void finish_tcb_info(struct collateral *c, const struct signed_file *signed_file,
                            struct part_file file, struct crypto *crypto)
{
    struct part_tcb_info *part = &c->infos[c->info_count];
    file.version_known = !tcb_info_version(signed_file, &file.version) || file.version == 2 ||
                         file.version == 3;
    if (file.version_known)
        parts_verify_file(c, &c->tcb_signer, signed_file, &file, crypto);
    part->file = file;
    if (file.state == SIGNATURE_GOOD)
        part->file.parsed = tcb_info_parse(signed_file, &c->arena, &part->info,
                                           &part->file.problem);
    add_index(c, COLLATERAL_TCB_INFO, file.name, c->info_count++);
}

static void finish_qe_identity(struct collateral *c, const struct signed_file *signed_file,
                               struct part_file file, struct crypto *crypto)
{
    struct part_qe_identity *part = &c->identities[c->identity_count];
    file.version_known = !qe_identity_version(signed_file, &file.version) || file.version == 2;
    if (file.version_known)
        parts_verify_file(c, qe_signer(c), signed_file, &file, crypto);
    part->file = file;
    if (file.state == SIGNATURE_GOOD)
        part->file.parsed = qe_identity_parse(signed_file, &c->arena, &part->identity,
                                              &part->file.problem);
    add_index(c, COLLATERAL_QE_IDENTITY, file.name, c->identity_count++);
}

/* Opens a file in memory that lives as long as `nodes`. */
static bool open_file(struct collateral *c, const struct collateral_item *item, struct arena *nodes,
                      struct part_file *file, struct signed_file *signed_file)
{
    if (!copy_name(c, item->name, &file->name) || !arena_copy(&c->arena, item->bytes, &file->text))
        return false;
    file->envelope = signed_file_open(file->text, nodes, signed_file, &file->problem);
    return true;
}

bool parts_read_heap_json(struct collateral *c, const struct collateral_item *item,
                          struct crypto *crypto)
{
    struct part_file file = { 0 };
    struct signed_file signed_file;
    if (!is_json(item->bytes))
        return true;
    struct arena nodes;
    arena_init(&nodes, NODES_CEILING);
    bool memory = open_file(c, item, &nodes, &file, &signed_file);
    if (memory && !file.envelope)
        add_unknown(c, file.name, file.text, file.problem.what);
    else if (memory && span_equal_text(span_text(signed_file.member), "tcbInfo"))
        finish_tcb_info(c, &signed_file, file, crypto);
    else if (memory)
        finish_qe_identity(c, &signed_file, file, crypto);
    arena_fini(&nodes);
    return memory;
}

/* A named file is what it was named as, or it is wrong. */
static bool open_named(struct collateral *c, const struct collateral_item *item, const char *member,
                       struct arena *nodes, struct part_file *file, struct signed_file *signed_file)
{
    if (!open_file(c, item, nodes, file, signed_file))
        return false;
    if (file->envelope && !span_equal_text(span_text(signed_file->member), member)) {
        file->envelope = false;
        (void)file_problem_set(&file->problem, "the file is of another kind", member);
    }
    return true;
}

static bool read_named_tcb_info(struct collateral *c, const struct collateral_item *item,
                                struct crypto *crypto)
{
    struct part_file file = { 0 };
    struct signed_file signed_file;
    struct arena nodes;
    if (!parts_item_given(item))
        return true;
    c->tcb_info = &c->infos[c->info_count];
    arena_init(&nodes, NODES_CEILING);
    bool memory = open_named(c, item, "tcbInfo", &nodes, &file, &signed_file);
    if (memory && file.envelope) {
        finish_tcb_info(c, &signed_file, file, crypto);
    } else if (memory) {
        c->infos[c->info_count++].file = file;
        add_unknown(c, file.name, file.text, file.problem.what);
    }
    arena_fini(&nodes);
    return memory;
}

static bool read_named_qe_identity(struct collateral *c, const struct collateral_item *item,
                                   struct crypto *crypto)
{
    struct part_file file = { 0 };
    struct signed_file signed_file;
    struct arena nodes;
    if (!parts_item_given(item))
        return true;
    c->qe_identity = &c->identities[c->identity_count];
    arena_init(&nodes, NODES_CEILING);
    bool memory = open_named(c, item, "enclaveIdentity", &nodes, &file, &signed_file);
    if (memory && file.envelope) {
        finish_qe_identity(c, &signed_file, file, crypto);
    } else if (memory) {
        c->identities[c->identity_count++].file = file;
        add_unknown(c, file.name, file.text, file.problem.what);
    }
    arena_fini(&nodes);
    return memory;
}

bool parts_read_named_json(struct collateral *c, const struct collateral_sources *sources,
                           struct crypto *crypto)
{
    return read_named_tcb_info(c, &sources->tcb_info, crypto) &&
           read_named_qe_identity(c, &sources->qe_identity, crypto);
}
