/* dns.c - see dns.h. */
#include "codec/dns.h"

#include "base/cursor.h"

enum {
    CLASS_IN = 1,
    TYPE_OPT = 41,
    HEAD = 12,           /* bytes before the question */
    NAME_MAX_SENT = 255, /* RFC 1035 2.3.4, its lengths and the last one of 0 included */

    FLAG_RESPONSE = 0x8000,
    FLAG_OPCODE = 0x7800,
    FLAG_TRUNCATED = 0x0200,
    FLAG_RECURSION_DESIRED = 0x0100,
    FLAG_RECURSION_AVAILABLE = 0x0080,
};

/* Of a length: what RFC 1035 4.1.4 says of compression, and the two that nothing uses. */
enum { LENGTH_OTHER = 0xc0 };

/* The name as it was sent, and what comes of it: a text in small letters.  A point or a NUL in a
   label makes a text that is no name of a host, as does everything else that such a name does not
   have, so two names never make the same text. */
static bool read_name(struct cursor *in, struct sink *out, bool *is_host)
{
    size_t begin = cur_offset(in);
    uint8_t len;
    bool good = true;
    for (;;) {
        struct span label;
        if (!cur_u8(in, &len) || (len & LENGTH_OTHER) != 0 || !cur_take(in, len, &label) ||
            cur_offset(in) - begin > NAME_MAX_SENT)
            return false;
        if (len == 0)
            break;
        if (out->len > 0)
            sink_u8(out, '.');
        for (size_t i = 0; i < label.len; i++) {
            good = good && label.at[i] != '.';
            sink_u8(out, host_lower(label.at[i]));
        }
    }
    *is_host = good && sink_ok(out) && host_is_name(sink_bytes(out));
    return true;
}

/* RFC 6891 6.1.1: at most one, at the root, and nothing else stands there.  Its options are left
   alone. */
static enum dns_rcode read_edns(struct cursor *in, uint16_t count, struct dns_question *out)
{
    uint8_t root, extended, version;
    uint16_t type, size, flags, len;
    if (count == 0)
        return DNS_NOERROR;
    bool ok = count == 1 && cur_u8(in, &root) && root == 0 && cur_u16be(in, &type) &&
              type == TYPE_OPT && cur_u16be(in, &size) && cur_u8(in, &extended) &&
              cur_u8(in, &version) && cur_u16be(in, &flags) && cur_u16be(in, &len) &&
              cur_skip(in, len);
    if (!ok)
        return DNS_FORMERR;
    out->has_edns = true;
    return version == 0 ? DNS_NOERROR : DNS_BADVERS;
}

/* What follows id and flags.  Only what was read whole is said again. */
static enum dns_rcode read_body(struct cursor *in, struct sink *name, struct dns_question *out)
{
    uint16_t questions, answers, authorities, others;
    bool is_host = false;
    if (!cur_u16be(in, &questions) || !cur_u16be(in, &answers) || !cur_u16be(in, &authorities) ||
        !cur_u16be(in, &others))
        return DNS_FORMERR; /* not met: the head is there */
    if ((out->flags & FLAG_OPCODE) != 0)
        return DNS_NOTIMP;
    if (questions != 1 || answers != 0 || authorities != 0 || (out->flags & FLAG_TRUNCATED) != 0)
        return DNS_FORMERR;
    if (!read_name(in, name, &is_host) || !cur_u16be(in, &out->type) || !cur_u16be(in, &out->class))
        return DNS_FORMERR;
    struct span raw = cur_since(in, HEAD);
    enum dns_rcode edns = read_edns(in, others, out);
    if (edns == DNS_FORMERR || !cur_end(in))
        return DNS_FORMERR;
    out->raw = raw;
    if (edns != DNS_NOERROR)
        return edns;
    return is_host && out->class == CLASS_IN ? DNS_NOERROR : DNS_REFUSED;
}

enum dns_reading dns_question_read(struct span message, char room[HOST_TEXT_MAX + 1],
                                   struct dns_question *out)
{
    struct cursor in = cur_over(message);
    struct sink name = sink_over(room, HOST_TEXT_MAX);
    struct dns_question question = { 0 };
    if (message.len < HEAD || !cur_u16be(&in, &question.id) || !cur_u16be(&in, &question.flags) ||
        (question.flags & FLAG_RESPONSE) != 0)
        return DNS_SILENCE;
    question.fault = message.len > DNS_MESSAGE_MAX ? DNS_FORMERR : read_body(&in, &name, &question);
    room[question.fault == DNS_NOERROR ? name.len : 0] = '\0';
    if (question.fault == DNS_NOERROR)
        question.name = sink_bytes(&name);
    *out = question;
    return question.fault == DNS_NOERROR ? DNS_QUESTION : DNS_FAULT;
}

/* RFC 6891 6.1.1: whoever sent one gets one. */
static void write_edns(struct sink *out, enum dns_rcode rcode)
{
    sink_u8(out, 0);
    sink_u16be(out, TYPE_OPT);
    sink_u16be(out, DNS_MESSAGE_MAX);
    sink_u8(out, (uint8_t)((unsigned)rcode >> 4));
    sink_u8(out, 0); /* version */
    sink_u16be(out, 0);
    sink_u16be(out, 0);
}

void dns_answer_write(struct sink *out, const struct dns_question *question, enum dns_rcode rcode,
                      struct span address, uint32_t ttl)
{
    bool has = rcode == DNS_NOERROR && question->raw.len > 0 && address.len > 0;
    sink_u16be(out, question->id);
    sink_u16be(out, (uint16_t)(FLAG_RESPONSE | FLAG_RECURSION_AVAILABLE |
                               (question->flags & (FLAG_OPCODE | FLAG_RECURSION_DESIRED)) |
                               ((unsigned)rcode & 15)));
    sink_u16be(out, question->raw.len > 0 ? 1 : 0);
    sink_u16be(out, has ? 1 : 0);
    sink_u16be(out, 0);
    sink_u16be(out, question->has_edns ? 1 : 0);
    sink_put(out, question->raw);
    if (has) {
        sink_u16be(out, (LENGTH_OTHER << 8) | HEAD); /* the name of the question */
        sink_u16be(out, address.len == 4 ? DNS_A : DNS_AAAA);
        sink_u16be(out, CLASS_IN);
        sink_u32be(out, ttl);
        sink_u16be(out, (uint16_t)address.len);
        sink_put(out, address);
    }
    if (question->has_edns)
        write_edns(out, rcode);
}
