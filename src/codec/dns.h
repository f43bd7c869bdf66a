/* dns.h - DNS messages (RFC 1035) as the name server of one job needs them: one question is read,
   one answer is written.  EDNS (RFC 6891) is answered and gives nothing.  Holds no names, asks
   nobody.

       switch (dns_question_read(message, room, &question)) {
       case DNS_SILENCE:  say nothing
       case DNS_FAULT:    dns_answer_write(&out, &question, question.fault, (struct span){ 0 }, 0)
       case DNS_QUESTION: judge question.name and question.type, then write the answer
       }

   Over TCP each message has its length in two bytes before it (RFC 1035 4.2.2): the caller's. */
#ifndef WARD_CODEC_DNS_H
#define WARD_CODEC_DNS_H

#include "base/sink.h"
#include "codec/host_name.h"

enum {
    DNS_MESSAGE_MAX = 512, /* bytes of a question that is read, and of what is written */
};

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

enum dns_rcode {
    DNS_NOERROR = 0,
    DNS_FORMERR = 1,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3,
    DNS_NOTIMP = 4,
    DNS_REFUSED = 5,
    DNS_BADVERS = 16, /* of EDNS */
};

enum dns_reading {
    DNS_SILENCE = 0, /* an answer, or too short for a question: two servers would talk for ever */
    DNS_FAULT,       /* to be answered with .fault */
    DNS_QUESTION,
};

struct dns_question {
    uint16_t id, flags, type, class;
    struct span raw;  /* the question as it came, to be said again; views the message */
    struct span name; /* small letters, points, none at the end; views room; empty for a fault */
    enum dns_rcode fault;
    bool has_edns;
};

/* dns_question_read reads a query: one question of class IN without compression, no answers, no
   authorities, at most an OPT record, nothing behind it.  A name that no host has is REFUSED,
   another operation NOTIMP, anything else that is wrong FORMERR.  On silence *out is untouched;
   after a fault it serves dns_answer_write and nothing else.  room ends with a NUL. */
MUST_USE
enum dns_reading dns_question_read(struct span message, char room[HOST_TEXT_MAX + 1],
                                   struct dns_question *out);

/* dns_answer_write appends the whole answer, which never has more than DNS_MESSAGE_MAX bytes.
   address is 4 bytes (an A record), 16 (AAAA) or none. */
void dns_answer_write(struct sink *out, const struct dns_question *question, enum dns_rcode rcode,
                      struct span address, uint32_t ttl);

#endif
