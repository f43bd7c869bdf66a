/* audit_slot.c - see audit_slot.h. */
#include "proc/audit_slot.h"

#include "base/cursor.h"
#include "crypto/hash.h"

static const char *const kinds[] = {
    [AUDIT_SLOT_NONE] = "",
    [AUDIT_SLOT_BASE] = "base",
    [AUDIT_SLOT_HEAD] = "head",
    [AUDIT_SLOT_HEIR] = "heir",
};

enum { SLOT_LINE = 160 };

/* The first line, whole: one slot has one. */
static void put_line(struct sink *out, const struct audit_slot *slot)
{
    uint8_t sum[SHA256_LEN];
    size_t mark = out->len;
    sink_format(out, "ward %s %llu %llu %zu ", kinds[slot->kind], (unsigned long long)slot->a,
                (unsigned long long)slot->b, slot->payload.len);
    const struct span parts[] = { span_of(out->at + mark, out->len - mark), slot->payload };
    hash_sha256_parts(parts, 2, sum);
    sink_hex(out, SPAN(sum));
    sink_u8(out, '\n');
}

void audit_slot_put(struct sink *out, const struct audit_slot *slot)
{
    put_line(out, slot);
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
    for (enum audit_slot_kind kind = AUDIT_SLOT_BASE; kind <= AUDIT_SLOT_HEIR; kind++) {
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
    uint8_t room[SLOT_LINE];
    struct sink line = sink_over(room, sizeof room);
    struct span sum;
    uint64_t len = 0;
    if (!(cur_expect(&in, span_text("ward ")) && take_kind(&in, &slot.kind) &&
          cur_expect(&in, span_text(" ")) && take_number(&in, &slot.a) &&
          take_number(&in, &slot.b) && take_number(&in, &len) &&
          cur_take(&in, (size_t)2 * SHA256_LEN + 1, &sum)))
        return false;
    size_t line_len = cur_offset(&in);
    if (!cur_take(&in, (size_t)len, &slot.payload))
        return false;
    put_line(&line, &slot);
    if (!sink_ok(&line) || !span_equal(sink_bytes(&line), span_of(bytes.at, line_len)))
        return false;
    *out = slot;
    return true;
}
