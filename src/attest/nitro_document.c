/* nitro_document.c - see nitro_document.h. */
#include "attest/nitro_document.h"

#include "base/sink.h"
#include "codec/cbor.h"
#include "crypto/hash.h"

enum {
    COSE_SIGN1_TAG = 18,
    COSE_HEADER_ALG = 1,
    COSE_HEADER_CRIT = 2,
    COSE_ES384 = -35,
    PAYLOAD_DEPTH = 4, /* the map, a list in it, and room for what AWS may add */
};

/* The four elements as they stand; what they must be is for the lines that follow. */
struct cose {
    struct cursor protected_header, unprotected, payload, signature;
};

static bool take_item(struct cursor *in, struct cursor *out)
{
    size_t mark = cur_offset(in);
    if (!cbor_skip(in, PAYLOAD_DEPTH))
        return false;
    *out = cur_over(cur_since(in, mark));
    return true;
}

static bool read_cose(struct span bytes, struct cose *out)
{
    struct cursor in = cur_over(bytes);
    struct cursor tagged = in;
    size_t count;
    if (cbor_tag(&tagged, COSE_SIGN1_TAG))
        in = tagged;
    return cbor_array(&in, &count) && count == 4 && take_item(&in, &out->protected_header) &&
           take_item(&in, &out->unprotected) && take_item(&in, &out->payload) &&
           take_item(&in, &out->signature) && cur_end(&in);
}

/* One whole item of bytes. */
static bool whole_bytes(struct cursor in, struct span *out)
{
    struct span bytes;
    if (!cbor_bytes(&in, &bytes) || !cur_end(&in))
        return false;
    *out = bytes;
    return true;
}

/* One map that fills the bytes, every key once. */
static bool is_one_map(struct span bytes)
{
    struct cursor in = cur_over(bytes);
    return cbor_keys_unique(&in, PAYLOAD_DEPTH) && cbor_skip(&in, PAYLOAD_DEPTH) && cur_end(&in);
}

/* "1. CBOR: optional tag 18, array of 4, definite lengths checked, no trailing bytes, depth
   limit [...] The payload map may be indefinite-length.  Duplicate keys rejected." */
static bool check_cbor(struct span bytes, struct report *report, struct cose *out)
{
    struct cose cose;
    struct span payload;
    if (bytes.len > NITRO_DOCUMENT_MAX)
        return report_fail(report, CHECK_AN_1, REASON_NITRO_CBOR_INVALID,
                           "the document has %zu bytes, at most %d are read", bytes.len,
                           NITRO_DOCUMENT_MAX);
    if (!read_cose(bytes, &cose))
        return report_fail(report, CHECK_AN_1, REASON_NITRO_CBOR_INVALID,
                           "the document is not one array of four items");
    if (whole_bytes(cose.payload, &payload) && !is_one_map(payload))
        return report_fail(report, CHECK_AN_1, REASON_NITRO_CBOR_INVALID,
                           "the payload is not one map with every key once");
    report_pass(report, CHECK_AN_1);
    *out = cose;
    return true;
}

/* What a protected header can be. */
enum protected_kind { PROTECTED_BAD, PROTECTED_CRIT, PROTECTED_OTHER_ALG, PROTECTED_ES384 };

/* RFC 9052 3.1: crit lists what a reader must understand; here it understands nothing but the
   algorithm, so any other key is refused as well. */
static enum protected_kind read_protected(struct span bytes)
{
    struct cursor in = cur_over(bytes);
    struct cbor_map map;
    bool more, has_alg = false, is_es384 = false;
    if (!is_one_map(bytes) || !cbor_map_open(&in, false, &map))
        return PROTECTED_BAD;
    while (cbor_map_next(&in, &map, &more) && more) {
        int64_t key = 0, alg = 0;
        bool is_int = cbor_int(&in, &key);
        if (is_int && key == COSE_HEADER_CRIT)
            return PROTECTED_CRIT;
        if (!is_int || key != COSE_HEADER_ALG)
            return PROTECTED_BAD;
        has_alg = true;
        is_es384 = cbor_int(&in, &alg) && alg == COSE_ES384;
        if (!is_es384)
            break;
    }
    return has_alg && is_es384 ? PROTECTED_ES384 : PROTECTED_OTHER_ALG;
}

/* "2. protected = bstr of {1: -35} (ES384); crit refused; unprotected header empty or ignored,
   never trusted": here it is empty. */
static bool check_headers(const struct cose *cose, struct report *report, struct span *protected)
{
    struct cursor unprotected = cose->unprotected;
    struct cbor_map map;
    struct span bytes;
    if (!whole_bytes(cose->protected_header, &bytes))
        return report_fail(report, CHECK_AN_2, REASON_NITRO_COSE_HEADER,
                           "the protected header is no byte string");
    enum protected_kind kind = read_protected(bytes);
    if (kind == PROTECTED_BAD)
        return report_fail(report, CHECK_AN_2, REASON_NITRO_COSE_HEADER,
                           "the protected header is not a map of the algorithm alone");
    if (kind == PROTECTED_CRIT)
        return report_fail(report, CHECK_AN_2, REASON_NITRO_COSE_HEADER,
                           "the protected header has crit");
    if (kind != PROTECTED_ES384)
        return report_fail(report, CHECK_AN_2, REASON_NITRO_ALG_UNSUPPORTED,
                           "the algorithm of the protected header is not ES384");
    if (!cbor_map_open(&unprotected, false, &map) || !cur_end(&unprotected))
        return report_fail(report, CHECK_AN_2, REASON_NITRO_COSE_HEADER,
                           "the unprotected header is not an empty map");
    report_pass(report, CHECK_AN_2);
    *protected = bytes;
    return true;
}

/* "3. payload bstr present (not nil), <= 16 KiB; signature exactly 96 bytes (never DER)" */
static bool check_sizes(const struct cose *cose, struct report *report,
                        struct nitro_document *document)
{
    if (!whole_bytes(cose->payload, &document->payload))
        return report_fail(report, CHECK_AN_3, REASON_NITRO_SIGNATURE_FORMAT,
                           "the payload is no byte string");
    if (document->payload.len > NITRO_PAYLOAD_MAX)
        return report_fail(report, CHECK_AN_3, REASON_NITRO_SIGNATURE_FORMAT,
                           "the payload has %zu bytes, at most %d are read", document->payload.len,
                           NITRO_PAYLOAD_MAX);
    if (!whole_bytes(cose->signature, &document->signature))
        return report_fail(report, CHECK_AN_3, REASON_NITRO_SIGNATURE_FORMAT,
                           "the signature is no byte string");
    if (document->signature.len != NITRO_SIGNATURE_LEN)
        return report_fail(report, CHECK_AN_3, REASON_NITRO_SIGNATURE_FORMAT,
                           "the signature has %zu bytes, not %d", document->signature.len,
                           NITRO_SIGNATURE_LEN);
    report_pass(report, CHECK_AN_3);
    return true;
}

/* --- AN-4: the fields.  A reader is given the cursor at the value and reads it whole. ----- */

static bool read_module_id(struct cursor *in, struct nitro_document *document)
{
    return cbor_text(in, &document->module_id) && document->module_id.len >= 1 &&
           document->module_id.len <= NITRO_MODULE_ID_MAX;
}

static bool read_digest(struct cursor *in, struct nitro_document *document)
{
    struct span name;
    (void)document;
    return cbor_text(in, &name) && span_equal_text(name, "SHA384");
}

static bool read_timestamp(struct cursor *in, struct nitro_document *document)
{
    return cbor_u64(in, &document->timestamp_ms) && document->timestamp_ms > 0;
}

/* "pcrs map 1..32 entries, key 0..31 unique, value 32, 48 or 64 bytes (SHA384 -> 48)": the
   digest is SHA384, so 48. */
static bool read_pcrs(struct cursor *in, struct nitro_document *document)
{
    struct cbor_map map;
    bool more = true;
    if (!cbor_map_open(in, false, &map))
        return false;
    for (;;) {
        uint64_t number;
        if (!cbor_map_next(in, &map, &more))
            return false;
        if (!more)
            return map.read >= 1;
        if (!cbor_u64(in, &number) || number >= NITRO_PCR_COUNT ||
            document->pcrs[number].len != 0 || !cbor_bytes(in, &document->pcrs[number]) ||
            document->pcrs[number].len != SHA384_LEN)
            return false;
    }
}

static bool read_cert(struct cursor *in, struct span *out)
{
    return cbor_bytes(in, out) && out->len >= 1 && out->len <= NITRO_CERTIFICATE_MAX;
}

static bool read_certificate(struct cursor *in, struct nitro_document *document)
{
    return read_cert(in, &document->certificate);
}

static bool read_bundle(struct cursor *in, struct nitro_document *document)
{
    if (!cbor_array(in, &document->bundle_count) || document->bundle_count < 1 ||
        document->bundle_count > NITRO_BUNDLE_MAX)
        return false;
    for (size_t i = 0; i < document->bundle_count; i++)
        if (!read_cert(in, &document->bundle[i]))
            return false;
    return true;
}

static bool read_optional(struct cursor *in, size_t min, struct nitro_optional *out)
{
    out->present = !cbor_is_nil(in);
    if (!out->present)
        return cbor_nil(in);
    return cbor_bytes(in, &out->bytes) && out->bytes.len >= min && out->bytes.len <= NITRO_BLOB_MAX;
}

static bool read_public_key(struct cursor *in, struct nitro_document *document)
{
    return read_optional(in, 1, &document->public_key);
}

static bool read_user_data(struct cursor *in, struct nitro_document *document)
{
    return read_optional(in, 0, &document->user_data);
}

static bool read_nonce(struct cursor *in, struct nitro_document *document)
{
    return read_optional(in, 0, &document->nonce);
}

struct field {
    const char *name;
    bool (*read)(struct cursor *in, struct nitro_document *document);
    bool optional;
};

static const struct field fields[] = {
    { "module_id", read_module_id, false },
    { "digest", read_digest, false },
    { "timestamp", read_timestamp, false },
    { "pcrs", read_pcrs, false },
    { "certificate", read_certificate, false },
    { "cabundle", read_bundle, false },
    { "public_key", read_public_key, true },
    { "user_data", read_user_data, true },
    { "nonce", read_nonce, true },
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static size_t find_field(struct span name)
{
    size_t i = 0;
    while (i < FIELD_COUNT && !span_equal_text(name, fields[i].name))
        i++;
    return i;
}

/* Reads the fields into *document; a name that is not in the table is walked over: the
   document is signed whole, and AWS may add to it. */
static bool read_fields(struct report *report, struct nitro_document *document,
                        bool found[FIELD_COUNT])
{
    struct cursor in = cur_over(document->payload);
    struct cbor_map map;
    bool more = true, read = cbor_map_open(&in, true, &map);
    while (read && cbor_map_next(&in, &map, &more) && more) {
        struct span name;
        if (!cbor_text(&in, &name))
            return report_fail(report, CHECK_AN_4, REASON_NITRO_FIELD_INVALID,
                               "a key of the payload is no text");
        size_t i = find_field(name);
        if (i == FIELD_COUNT) {
            read = cbor_skip(&in, PAYLOAD_DEPTH);
            continue;
        }
        if (!fields[i].read(&in, document))
            return report_fail(report, CHECK_AN_4, REASON_NITRO_FIELD_INVALID, "%s",
                               fields[i].name);
        found[i] = true;
    }
    return true;
}

/* "4. fields: [...] NITRO_FIELD_MISSING / NITRO_FIELD_INVALID" */
static bool check_fields(size_t user_data_max, struct report *report,
                         struct nitro_document *document)
{
    bool found[FIELD_COUNT] = { false };
    if (!read_fields(report, document, found))
        return false;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (!found[i] && !fields[i].optional)
            return report_fail(report, CHECK_AN_4, REASON_NITRO_FIELD_MISSING, "%s",
                               fields[i].name);
    /* "Accept up to 1024 by default, setting for 512." */
    size_t max = user_data_max == 0 ? NITRO_BLOB_MAX : user_data_max;
    if (document->user_data.bytes.len > max || document->nonce.bytes.len > max)
        return report_fail(report, CHECK_AN_4, REASON_NITRO_FIELD_INVALID,
                           "user_data or nonce has more than the %zu bytes allowed", max);
    report_pass(report, CHECK_AN_4);
    return true;
}

bool nitro_document_parse(struct span bytes, size_t user_data_max, struct report *report,
                          struct nitro_document *out)
{
    struct cose cose;
    struct nitro_document document = { 0 };
    if (!check_cbor(bytes, report, &cose) ||
        !check_headers(&cose, report, &document.protected_header) ||
        !check_sizes(&cose, report, &document) || !check_fields(user_data_max, report, &document))
        return false;
    *out = document;
    return true;
}

/* The head of a byte string, shortest form; no length here is above 16 bits. */
static void put_bytes_head(struct sink *out, size_t len)
{
    if (len < 24) {
        sink_u8(out, (uint8_t)(0x40 | len));
    } else if (len <= UINT8_MAX) {
        sink_u8(out, 0x58);
        sink_u8(out, (uint8_t)len);
    } else {
        sink_u8(out, 0x59);
        sink_u16be(out, (uint16_t)len);
    }
}

/* "9. Sig_structure = ["Signature1", protected bytes as received, h'', payload bytes]" */
void nitro_document_digest(const struct nitro_document *document, uint8_t digest[48])
{
    static const uint8_t start[] = { 0x84, 0x6a, 'S', 'i', 'g', 'n', 'a', 't', 'u', 'r', 'e', '1' };
    uint8_t protected_room[3], payload_room[4];
    struct sink protected_head = sink_over(protected_room, sizeof protected_room);
    struct sink payload_head = sink_over(payload_room, sizeof payload_room);
    put_bytes_head(&protected_head, document->protected_header.len);
    sink_u8(&payload_head, 0x40);
    put_bytes_head(&payload_head, document->payload.len);
    const struct span parts[5] = { SPAN(start), sink_bytes(&protected_head),
                                   document->protected_header, sink_bytes(&payload_head),
                                   document->payload };
    hash_sha384_parts(parts, 5, digest);
}
