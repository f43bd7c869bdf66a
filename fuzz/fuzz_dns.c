/* fuzz_dns.c - any bytes as a question: what is read of it is the name of a host, and the answer
   fits, is no question, and says the question again as it came. */
#include <stdlib.h>

#include "codec/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t address[16] = { 0xfd };
    char room[HOST_TEXT_MAX + 1], again[HOST_TEXT_MAX + 1];
    struct dns_question question, back;
    enum dns_reading reading = dns_question_read(span_of(data, size), room, &question);
    if (reading == DNS_SILENCE)
        return 0;
    must((reading == DNS_QUESTION) == (question.fault == DNS_NOERROR));
    must(reading == DNS_FAULT || (size <= DNS_MESSAGE_MAX && host_is_name(question.name)));
    for (size_t len = 0; len <= 16; len += len == 0 ? 4 : 12) {
        uint8_t text[DNS_MESSAGE_MAX];
        struct sink out = sink_over(text, sizeof text);
        dns_answer_write(&out, &question, question.fault, span_of(address, len), 60);
        must(sink_ok(&out) && out.len >= 12);
        must(dns_question_read(sink_bytes(&out), again, &back) == DNS_SILENCE);
        must(span_equal(span_of(&text[12], question.raw.len), question.raw));
    }
    return 0;
}
