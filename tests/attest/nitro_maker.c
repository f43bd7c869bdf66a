/* nitro_maker.c - see nitro_maker.h: the document.  The PKI is pki_maker.c's. */
#include "attest/nitro_maker.h"

#include <string.h>

#include "attest/pki_maker.h"
#include "codec/cbor_write.h"
#include "crypto/hash.h"
#include "test.h"

/* n of P-384 and half of it, big endian: for the other s of a signature. */
static const uint8_t order[48] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37,
                                   0x2d, 0xdf, 0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a,
                                   0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73 };

void maker_init(struct nitro_spec *spec)
{
    const struct cert_spec ca = { .curve = CURVE_P384,
                                  .signer_curve = CURVE_P384,
                                  .validity = { MAKER_NOW - 10 * MAKER_HOUR,
                                                MAKER_NOW + 10 * MAKER_HOUR },
                                  .has_basic_constraints = true,
                                  .constraints_critical = true,
                                  .is_ca = true,
                                  .has_key_usage = true,
                                  .key_usage = KEY_USAGE_CERT_SIGN | KEY_USAGE_CRL_SIGN };
    *spec = (struct nitro_spec){ .certs = { ca, ca, ca, ca } };
    static const char *const names[MAKER_CERTS] = { "leaf", "zonal", "regional", "root" };
    for (size_t i = 0; i < MAKER_CERTS; i++) {
        struct cert_spec *cert = &spec->certs[i];
        size_t issuer = i + 1 < MAKER_CERTS ? i + 1 : i;
        cert->name = cert->key = cert->ski = names[i];
        cert->issuer = cert->signer = cert->aki = names[issuer];
        cert->serial = (uint8_t)(0x10 + i);
        cert->path_len = (int)i - 1;
    }
    spec->certs[3].path_len = -1;
    spec->certs[0].is_ca = false;
    spec->certs[0].path_len = -1;
    spec->certs[0].key_usage = KEY_USAGE_DIGITAL_SIGNATURE;
    spec->certs[0].validity = (struct window){ MAKER_NOW - MAKER_HOUR, MAKER_NOW + 2 * MAKER_HOUR };
}

struct trust_root maker_root(void)
{
    struct trust_root root = { .point_len = P384_POINT };
    maker_point("root", CURVE_P384, root.point);
    return root;
}

struct trust_root maker_root_exact(void)
{
    uint8_t room[4096];
    struct nitro_spec spec;
    struct trust_root root = maker_root();
    maker_init(&spec);
    root.exact = true;
    hash_sha256(maker_certificate(&spec.certs[3], room), root.der_sha256);
    return root;
}

static void put_certificate(struct sink *out, const struct cert_spec *cert)
{
    uint8_t room[4096];
    cbor_put_bytes(out, maker_certificate(cert, room));
}

static void put_pcrs(struct sink *out)
{
    uint8_t pcr[48];
    cbor_put_map(out, 17);
    for (uint8_t i = 0; i < 17; i++) {
        memset(pcr, i + 1, sizeof pcr);
        cbor_put_u64(out, i);
        cbor_put_bytes(out, SPAN(pcr));
    }
}

static void put_bundle(struct sink *out, const struct nitro_spec *spec)
{
    cbor_put_array(out, MAKER_CERTS - 1 - spec->bundle_skip);
    put_certificate(out, &spec->certs[3]);
    for (size_t i = 2 - spec->bundle_skip; i > 0; i--)
        put_certificate(out, &spec->certs[i]);
}

static const char *const fields[] = { "module_id", "digest",     "timestamp", "pcrs", "certificate",
                                      "cabundle",  "public_key", "user_data", "nonce" };
enum { FIELDS = sizeof fields / sizeof fields[0] };

static void put_good_value(struct sink *out, const struct nitro_spec *spec, size_t field)
{
    switch (field) {
    case 0:
        cbor_put_text(out, "i-0123456789abcdef0-enc0123456789abcdef");
        break;
    case 1:
        cbor_put_text(out, "SHA384");
        break;
    case 2:
        cbor_put_u64(out, (uint64_t)MAKER_NOW * 1000);
        break;
    case 3:
        put_pcrs(out);
        break;
    case 4:
        put_certificate(out, &spec->certs[0]);
        break;
    case 5:
        put_bundle(out, spec);
        break;
    case 6:
        cbor_put_bytes(out, span_text("a public key"));
        break;
    case 7:
        cbor_put_bytes(out, (struct span){ 0 });
        break;
    default:
        cbor_put_nil(out);
        break;
    }
}

static bool replaced(const struct nitro_spec *spec, size_t field)
{
    return spec->replace.name != NULL && strcmp(spec->replace.name, fields[field]) == 0;
}

static size_t field_count(const struct nitro_spec *spec)
{
    size_t count = 0;
    for (size_t i = 0; i < FIELDS; i++)
        count += !replaced(spec, i) || spec->replace.value.len > 0;
    for (size_t i = 0; i < 2; i++)
        count += spec->extra[i].name != NULL;
    return count;
}

static void put_payload(struct sink *out, const struct nitro_spec *spec)
{
    if (spec->indefinite)
        cbor_put_map_indefinite(out);
    else
        cbor_put_map(out, field_count(spec));
    for (size_t i = 0; i < FIELDS; i++) {
        if (replaced(spec, i) && spec->replace.value.len == 0)
            continue;
        cbor_put_text(out, fields[i]);
        if (replaced(spec, i))
            sink_put(out, spec->replace.value);
        else
            put_good_value(out, spec, i);
    }
    for (size_t i = 0; i < 2; i++)
        if (spec->extra[i].name != NULL) {
            cbor_put_text(out, spec->extra[i].name);
            sink_put(out, spec->extra[i].value);
        }
    if (spec->indefinite)
        cbor_put_break(out);
}

/* s becomes n - s when it is not in the wanted half. */
static void choose_s(uint8_t s[48], bool high)
{
    uint8_t other[48];
    int borrow = 0;
    for (size_t i = 48; i-- > 0;) {
        int byte = order[i] - s[i] - borrow;
        borrow = byte < 0;
        other[i] = (uint8_t)(byte & 0xff);
    }
    size_t first = 0;
    while (first < 47 && s[first] == other[first])
        first++;
    if ((s[first] > other[first]) != high)
        memcpy(s, other, 48);
}

static void put_signature(struct sink *out, const struct nitro_spec *spec, struct span protected,
                          struct span payload)
{
    static uint8_t room[MAKER_ROOM];
    uint8_t digest[48], raw[96];
    struct sink text = sink_over(room, sizeof room);
    if (spec->signed_protected.len > 0) {
        protected = spec->signed_protected;
    }
    cbor_put_array(&text, 4);
    cbor_put_text(&text, "Signature1");
    cbor_put_bytes(&text, protected);
    cbor_put_bytes(&text, (struct span){ 0 });
    cbor_put_bytes(&text, payload);
    assert_true(sink_ok(&text));
    hash_sha384(sink_bytes(&text), digest);
    maker_sign(spec->leaf_key != NULL ? spec->leaf_key : spec->certs[0].key, CURVE_P384, digest,
               raw);
    if (spec->high_s || spec->low_s)
        choose_s(raw + 48, spec->high_s);
    if (spec->zero_signature)
        memset(raw, 0, sizeof raw);
    cbor_put_bytes(out, SPAN(raw));
}

struct span maker_document(const struct nitro_spec *spec, uint8_t *room)
{
    static uint8_t payload_room[MAKER_ROOM];
    static const uint8_t protected[] = { 0xa1, 0x01, 0x38, 0x22 };
    struct sink payload = sink_over(payload_room, sizeof payload_room);
    struct sink out = sink_over(room, MAKER_ROOM);
    put_payload(&payload, spec);
    sink_put(&out, spec->tag);
    cbor_put_array(&out, spec->items != 0 ? spec->items : 4);
    if (spec->protected_item.len > 0)
        sink_put(&out, spec->protected_item);
    else
        cbor_put_bytes(&out, SPAN(protected));
    if (spec->unprotected_item.len > 0)
        sink_put(&out, spec->unprotected_item);
    else
        cbor_put_map(&out, 0);
    if (spec->payload_item.len > 0)
        sink_put(&out, spec->payload_item);
    else
        cbor_put_bytes(&out, sink_bytes(&payload));
    if (spec->signature_item.len > 0)
        sink_put(&out, spec->signature_item);
    else
        put_signature(&out, spec, SPAN(protected), sink_bytes(&payload));
    sink_put(&out, spec->trailing);
    assert_true(sink_ok(&payload) && sink_ok(&out));
    return sink_bytes(&out);
}
