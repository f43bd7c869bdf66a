/* guest_agent.c - see guest_agent.h. */
#include "codec/guest_agent.h"

#include <string.h>

#include "base/number.h"
#include "codec/hex.h"
#include "codec/json.h"

enum { NODES = 64, DEPTH = 4 };

static const struct {
    const char *name;
    enum guest_agent_method method;
} methods[] = {
    { "/GetQuote", GUEST_AGENT_GET_QUOTE },
    { "/Info", GUEST_AGENT_INFO },
    { "/Version", GUEST_AGENT_VERSION },
};

/* "/DstackGuest.GetQuote" is "/GetQuote". */
static bool is_method(struct span path, const char *name)
{
    static const char service[] = "/DstackGuest.";
    size_t len = sizeof service - 1;
    if (path.len > len && bytes_equal(path.at, service, len))
        return span_equal_text(span_of(path.at + len, path.len - len), name + 1);
    return span_equal_text(path, name);
}

/* "report_data 1 (<=64 bytes)", "right-padded with zeros to 64"; a member that is absent is empty.
 */
static bool read_report_data(const struct json *ask, uint8_t out[GUEST_AGENT_REPORT_DATA])
{
    struct span text = { 0 };
    uint32_t node = json_member(ask, 0, "report_data");
    if (node == JSON_NONE)
        return true;
    return json_string(ask, node, &text) && text.len % 2 == 0 &&
           text.len <= (size_t)2 * GUEST_AGENT_REPORT_DATA && hex_decode(text, out, text.len / 2);
}

const char *guest_agent_read(struct span path, struct span body, struct guest_agent_ask *out)
{
    struct json ask;
    struct json_node nodes[NODES];
    const struct json_limits limits = { .depth = DEPTH, .nodes = NODES };
    *out = (struct guest_agent_ask){ .method = GUEST_AGENT_OTHER };
    for (size_t i = 0; i < COUNT_OF(methods); i++) {
        if (is_method(path, methods[i].name))
            out->method = methods[i].method;
    }
    if (out->method == GUEST_AGENT_OTHER)
        return NULL;
    if (!json_parse_into(body.len > 0 ? body : span_text("{}"), nodes, NODES, &limits, &ask,
                         NULL) ||
        json_type(&ask, 0) != JSON_OBJECT)
        return "the request is no JSON object";
    if (out->method == GUEST_AGENT_GET_QUOTE && !read_report_data(&ask, out->report_data))
        return "report_data is not the hex of at most 64 bytes";
    return NULL;
}

unsigned guest_agent_refuse(struct sink *out, const char *why)
{
    struct json_writer w = json_write_to(out, 0);
    json_begin_object(&w);
    json_put_key(&w, "error");
    json_put_text(&w, why);
    json_end_object(&w);
    return GUEST_AGENT_REFUSED;
}

unsigned guest_agent_put_quote(struct sink *out, const struct guest_agent_quote *quote)
{
    struct json_writer w = json_write_to(out, 0);
    json_begin_object(&w);
    json_put_key(&w, "quote");
    json_put_hex(&w, quote->quote);
    json_put_key(&w, "event_log");
    json_put_span(&w, quote->event_log);
    json_put_key(&w, "report_data");
    json_put_hex(&w, span_of(quote->report_data, GUEST_AGENT_REPORT_DATA));
    json_put_key(&w, "vm_config");
    json_put_span(&w, quote->vm_config);
    json_put_key(&w, "attestation");
    json_put_text(&w, "");
    json_end_object(&w);
    return GUEST_AGENT_OK;
}

unsigned guest_agent_put_version(struct sink *out, const char *rev)
{
    struct json_writer w = json_write_to(out, 0);
    json_begin_object(&w);
    json_put_key(&w, "version");
    json_put_text(&w, "0.5.0");
    json_put_key(&w, "rev");
    json_put_text(&w, rev);
    json_end_object(&w);
    return GUEST_AGENT_OK;
}
