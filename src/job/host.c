/* host.c - see host.h. */
#include "job/host.h"

#include "base/cursor.h"
#include "base/number.h"
#include "codec/host_name.h"
#include "model/address.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* One spelling of each name, so that two are the same when their bytes are. */
static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (host_lower(text.at[i]) != text.at[i])
            return false;
    }
    return host_is_name(text);
}

bool job_host_parse(struct span text, struct job_host *out)
{
    struct job_host host = { .kind = JOB_HOST_NAME, .text = text };
    struct address address;
    if (address_parse(text, &address)) {
        host.kind = JOB_HOST_ADDRESS;
    } else if (text.len > 2 && text.at[0] == '*' && text.at[1] == '.') {
        host.kind = JOB_HOST_WILDCARD;
        host.text = span_of(text.at + 2, text.len - 2);
        /* A wildcard over a whole top level is a slip, or worse. */
        if (host_first_label(host.text) == host.text.len || text.len > HOST_TEXT_MAX)
            return false;
    }
    if (host.kind != JOB_HOST_ADDRESS && !is_name(host.text))
        return false;
    *out = host;
    return true;
}

void job_host_write(struct sink *out, const struct job_host *host)
{
    if (host->kind == JOB_HOST_WILDCARD)
        sink_text(out, "*.");
    sink_put(out, host->text);
}

bool job_host_is_own(const struct job_host *host)
{
    static const char *const own[] = { "localhost", "127.0.0.1", "::1" };
    for (size_t i = 0; i < COUNT_OF(own); i++) {
        if (host->kind != JOB_HOST_WILDCARD && span_equal_text(host->text, own[i]))
            return true;
    }
    return false;
}

bool job_port_parse(struct span text, struct job_port *out)
{
    struct cursor in = cur_over(text);
    uint32_t number = 0;
    uint8_t c;
    size_t digits = 0;
    for (; digits < 5 && cur_peek(&in, &c) && is_digit(c) && cur_skip(&in, 1); digits++)
        number = 10 * number + (uint32_t)(c - '0');
    struct span protocol = cur_rest(&in);
    bool udp = span_equal_text(protocol, "/udp");
    if (digits == 0 || number == 0 || number > UINT16_MAX || text.at[0] == '0' ||
        (protocol.len > 0 && !udp && !span_equal_text(protocol, "/tcp")))
        return false;
    *out = (struct job_port){ (uint16_t)number, udp };
    return true;
}

void job_port_write(struct sink *out, const struct job_port *port)
{
    sink_format(out, "%u/%s", port->number, port->udp ? "udp" : "tcp");
}
