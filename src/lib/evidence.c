/* evidence.c - see evidence.h. */
#include "lib/evidence.h"

#include <string.h>

#include "base/cursor.h"
#include "base/sink.h"
#include "codec/base64.h"
#include "codec/der.h"
#include "codec/hex.h"
#include "codec/pem.h"
#include "codec/x509.h"
#include "crypto/hash.h"

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Text is printable ASCII throughout.  No quote and no document is: both hold zero bytes. */
static bool is_text(struct span bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        if ((bytes.at[i] < 0x20 || bytes.at[i] > 0x7e) && !is_space(bytes.at[i]))
            return false;
    }
    return bytes.len > 0;
}

static struct span trim(struct span text)
{
    while (text.len > 0 && is_space(text.at[0]))
        text = span_of(text.at + 1, text.len - 1);
    while (text.len > 0 && is_space(text.at[text.len - 1]))
        text.len--;
    return text;
}

static struct span without_prefix(struct span text)
{
    bool prefixed = text.len >= 2 && text.at[0] == '0' && (text.at[1] == 'x' || text.at[1] == 'X');
    return prefixed ? span_of(text.at + 2, text.len - 2) : text;
}

/* Hex may be wrapped into lines. */
static bool decode_hex(struct span text, struct sink *out)
{
    struct cursor in = cur_over(text);
    uint8_t pair[2];
    size_t have = 0;
    while (cur_u8(&in, &pair[have])) {
        uint8_t byte;
        if (is_space(pair[have]) || ++have < 2)
            continue;
        if (!hex_decode(span_of(pair, 2), &byte, 1))
            return false;
        sink_u8(out, byte);
        have = 0;
    }
    return have == 0 && sink_ok(out);
}

bool evidence_decode(struct span given, struct arena *arena, struct span *out)
{
    *out = given;
    if (!is_text(given))
        return true;
    struct span text = without_prefix(trim(given));
    uint8_t *room = arena_alloc(arena, text.len);
    if (room == NULL)
        return false;
    struct sink sink = sink_over(room, text.len);
    if (decode_hex(text, &sink)) {
        *out = sink_bytes(&sink);
        return true;
    }
    sink = sink_over(room, text.len);
    if (base64_decode_loose(text, &sink))
        *out = sink_bytes(&sink);
    return true;
}

/* Object identifiers, as the content octets of their DER. */
static const uint8_t oid_dstack_quote[] = { 0x2b, 0x06, 0x01, 0x04, 0x01,
                                            0x83, 0xe7, 0x3d, 0x01, 0x01 };
static const uint8_t oid_dstack_log[] = {
    0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0xe7, 0x3d, 0x01, 0x02
};
static const uint8_t oid_intel_quote[] = { 0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x8a, 0x39, 0x06 };

static bool octets_inside(struct span value, struct span *out)
{
    struct cursor in = cur_over(value);
    return der_take(&in, DER_OCTET_STRING, out) && cur_end(&in);
}

bool certificate_der(struct span given, struct arena *arena, struct span *out)
{
    struct span label;
    *out = given;
    if (!is_text(given))
        return true;
    uint8_t *room = arena_alloc(arena, given.len);
    if (room == NULL)
        return false;
    struct sink der = sink_over(room, given.len);
    struct cursor in = cur_over(given);
    if (!pem_next(&in, &label, &der) || !span_equal_text(label, "CERTIFICATE"))
        return false;
    *out = sink_bytes(&der);
    return true;
}

static void bind_dstack(struct span spki, uint8_t out[64])
{
    const struct span parts[] = { span_text("ratls-cert:"), spki };
    hash_sha512_parts(parts, 2, out);
}

static void bind_intel(struct span spki, uint8_t out[64])
{
    memset(out, 0, 64);
    hash_sha256(spki, out);
}

bool ratls_read(struct span certificate, struct arena *arena, struct ratls *out, const char **why)
{
    struct span der;
    struct span value;
    struct x509_cert cert;
    struct ratls found = { 0 };
    *why = "it is not an X.509 certificate in DER or PEM";
    if (!certificate_der(certificate, arena, &der) || !x509_parse(der, &cert))
        return false;
    *why = "it carries no evidence: neither a dstack nor an Intel RA-TLS extension";
    if (x509_extension(&cert, SPAN(oid_dstack_quote), &value)) {
        *why = "its dstack extension is not an OCTET STRING";
        if (!octets_inside(value, &found.quote))
            return false;
        bind_dstack(cert.spki, found.report_data);
        if (x509_extension(&cert, SPAN(oid_dstack_log), &value) &&
            !octets_inside(value, &found.event_log))
            return false;
    } else if (x509_extension(&cert, SPAN(oid_intel_quote), &found.quote)) {
        bind_intel(cert.spki, found.report_data);
    } else {
        return false;
    }
    *out = found;
    return true;
}
