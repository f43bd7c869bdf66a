/* names.c - the only name server that a job has.  It asks nobody: a name that is allowed has an
   address inside, and nothing of a question leaves the machine. */
#include "fence/inside.h"

enum { LIFE_SECONDS = 60 };

static bool is_too_many(struct fence *fence)
{
    if (fence->now_ms - fence->second_ms >= 1000) {
        fence->second_ms = fence->now_ms;
        fence->questions = 0;
    }
    return fence->questions++ >= FENCE_QUESTIONS_MAX;
}

static struct span own_address(uint16_t type)
{
    static const uint8_t v4[4] = { 127, 0, 0, 1 }, v6[16] = { [15] = 1 };
    return type == DNS_A ? SPAN(v4) : type == DNS_AAAA ? SPAN(v6) : (struct span){ 0 };
}

static void answer(struct fence *fence, const struct dns_question *question, struct sink *out)
{
    uint8_t room[16];
    struct span address = own_address(question->type);
    enum reach_rule why = REACH_NAME;
    if (!reach_is_localhost(question->name)) {
        const struct reach_name *name = reach_find_name(fence->reach, question->name, &why);
        if (name == NULL) {
            refuse(fence, &(struct reach_refusal){ .rule = why, .name = question->name });
            dns_answer_write(out, question, DNS_REFUSED, (struct span){ 0 }, 0);
            return;
        }
        used(fence, name, (struct job_port){ 0 });
        address = question->type == DNS_A      ? reach_v4(name, room)
                  : question->type == DNS_AAAA ? reach_v6(name, room)
                                               : (struct span){ 0 };
    } else {
        used(fence, NULL, (struct job_port){ 0 });
    }
    dns_answer_write(out, question, DNS_NOERROR, address, LIFE_SECONDS);
}

size_t names_answer(struct fence *fence, struct span message, uint8_t out[DNS_MESSAGE_MAX])
{
    char room[HOST_TEXT_MAX + 1];
    struct dns_question question;
    struct sink answered = sink_over(out, DNS_MESSAGE_MAX);
    if (is_too_many(fence))
        return 0;
    switch (dns_question_read(message, room, &question)) {
    case DNS_QUESTION:
        answer(fence, &question, &answered);
        break;
    case DNS_FAULT:
        dns_answer_write(&answered, &question, question.fault, (struct span){ 0 }, 0);
        break;
    case DNS_SILENCE:
        break;
    }
    return sink_ok(&answered) ? answered.len : 0;
}
