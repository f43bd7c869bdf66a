/* guest_agent.h - what is asked of a guest agent of dstack's kind, and how it is answered: the JSON
   of its version 0.5 (RPC of the guest agent: GetQuote, Info, Version). */
#ifndef WARD_CODEC_GUEST_AGENT_H
#define WARD_CODEC_GUEST_AGENT_H

#include "codec/json_write.h"

enum {
    GUEST_AGENT_REPORT_DATA = 64,
    GUEST_AGENT_ASK_MAX = 4 * 1024,     /* bytes of a request's body */
    GUEST_AGENT_ANSWER_MAX = 64 * 1024, /* no answer is longer */
};

/* HTTP status of an answer. */
enum { GUEST_AGENT_OK = 200, GUEST_AGENT_REFUSED = 400 };

enum guest_agent_method {
    GUEST_AGENT_OTHER = 0, /* none that is known */
    GUEST_AGENT_GET_QUOTE,
    GUEST_AGENT_INFO,
    GUEST_AGENT_VERSION,
};

struct guest_agent_ask {
    enum guest_agent_method method;
    uint8_t report_data[GUEST_AGENT_REPORT_DATA]; /* of GET_QUOTE: right-padded with zeros */
};

/* guest_agent_read reads a request.  `path` names the method: /GetQuote, also as
   /DstackGuest.GetQuote.  `body` is JSON; nothing at all stands for {}.  NULL, or what is wrong
   with it, for people. */
MUST_USE
const char *guest_agent_read(struct span path, struct span body, struct guest_agent_ask *out);

/* guest_agent_refuse appends {"error":why}: the status of such an answer. */
unsigned guest_agent_refuse(struct sink *out, const char *why);

/* What GetQuote answers; `event_log` and `vm_config` are JSON texts, and stay texts in it. */
struct guest_agent_quote {
    struct span quote, event_log, vm_config;
    const uint8_t *report_data;
};
unsigned guest_agent_put_quote(struct sink *out, const struct guest_agent_quote *quote);

/* What Version answers: `rev` says whose agent it is. */
unsigned guest_agent_put_version(struct sink *out, const char *rev);

#endif
