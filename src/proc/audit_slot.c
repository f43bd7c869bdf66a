/* audit_slot.c - see audit_slot.h. */
#include "proc/audit_slot.h"

#include "base/cursor.h"
#include "codec/hex.h"
#include "crypto/hash.h"

static const char *const kinds[] = {
    [AUDIT_SLOT_NONE] = "", [AUDIT_SLOT_BASE] = "base", [AUDIT_SLOT_HEAD] = "head"
};

static void slot_sum(struct span head, struct span payload, uint8_t out[SHA256_LEN])
{
    const struct span parts[] = { head, payload };
    hash_sha256_parts(parts, 2, out);
}

void audit_slot_put(struct sink *out, const struct audit_slot *slot)
{
    uint8_t sum[SHA256_LEN];
    sink_format(out, "ward %s %llu %llu %zu ", kinds[slot->kind], (unsigned long long)slot->a,
                (unsigned long long)slot->b, slot->payload.len);
    slot_sum(sink_bytes(out), slot->payload, sum);
    sink_hex(out, SPAN(sum));
    sink_u8(out, '\n');
    sink_put(out, slot->payload);
    sink_zero(out, out->cap - out->len);
}

/* Decimal digits up to a space. */
static bool take_number(struct cursor *in, uint64_t *out)
{
    uint64_t value = 0;
    uint8_t c = 0;
    size_t digits = 0;
    while (cur_u8(in, &c) && c != ' ') {
        if (c < '0' || c > '9' || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
            return false;
        digits++;
    }
    *out = value;
    return digits > 0 && c == ' ';
}

static bool take_kind(struct cursor *in, enum audit_slot_kind *out)
{
    for (enum audit_slot_kind kind = AUDIT_SLOT_BASE; kind <= AUDIT_SLOT_HEAD; kind++) {
        *out = kind;
        if (cur_expect(in, span_text(kinds[kind])))
            return true;
    }
    return false;
}

bool audit_slot_get(struct span bytes, struct audit_slot *out)
{
    struct cursor in = cur_over(bytes);
    struct audit_slot slot = { 0 };
    struct span hex;
    uint64_t len = 0;
    uint8_t said[SHA256_LEN], sum[SHA256_LEN];
    if (!(cur_expect(&in, span_text("ward ")) && take_kind(&in, &slot.kind) &&
          cur_expect(&in, span_text(" ")) && take_number(&in, &slot.a) &&
          take_number(&in, &slot.b) && take_number(&in, &len)))
        return false;
    struct span head = cur_since(&in, 0);
    if (!(cur_take(&in, 2 * sizeof said, &hex) && hex_decode(hex, said, sizeof said) &&
          cur_expect(&in, span_text("\n")) && cur_take(&in, (size_t)len, &slot.payload)))
        return false;
    slot_sum(head, slot.payload, sum);
    if (!bytes_equal(said, sum, sizeof sum))
        return false;
    *out = slot;
    return true;
}
