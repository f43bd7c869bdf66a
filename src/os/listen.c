/* listen.c - see listen.h. */
#include "os/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/fd.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static bool parse_port(const char *text, uint16_t *out)
{
    uint32_t port = 0;
    size_t len = strlen(text);
    if (len == 0 || len > 5 || text[0] == '0')
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        port = port * 10 + (uint32_t)(text[i] - '0');
    }
    if (port > 65535)
        return false;
    *out = (uint16_t)port;
    return true;
}

static bool parse(const char *text, union address *out, socklen_t *len)
{
    char host[64] = "";
    uint16_t port = 0;
    bool six = text[0] == '[';
    const char *end = six ? strchr(text, ']') : strrchr(text, ':');
    const char *start = six ? text + 1 : text;
    if (end == NULL || (size_t)(end - start) >= sizeof host || (six && end[1] != ':') ||
        !parse_port(six ? end + 2 : end + 1, &port))
        return false;
    memcpy(host, start, (size_t)(end - start));
    *out = (union address){ 0 };
    if (six) {
        out->v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        *len = sizeof out->v6;
        return inet_pton(AF_INET6, host, &out->v6.sin6_addr) == 1;
    }
    out->v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
    *len = sizeof out->v4;
    return inet_pton(AF_INET, host, &out->v4.sin_addr) == 1;
}

rc listen_check(struct trail *trail, const char *text)
{
    union address address;
    socklen_t len;
    return parse(text, &address, &len) ? RC_SUCCESS : FAIL(trail, RC_PEER, LISTEN_E_TEXT);
}

rc listen_on(struct trail *trail, const char *text, int backlog, int *out)
{
    union address address;
    socklen_t len;
    if (!parse(text, &address, &len))
        return FAIL(trail, RC_PEER, LISTEN_E_TEXT);
    auto_fd int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, &address.any, len) != 0 || listen(fd, backlog) != 0)
        return FAIL_ERRNO(trail);
    *out = fd_take(&fd);
    return RC_SUCCESS;
}

static bool write_address(struct sink *out, const union address *address)
{
    char host[INET6_ADDRSTRLEN];
    bool six = address->any.sa_family == AF_INET6;
    const void *bytes = six ? (const void *)&address->v6.sin6_addr
                            : (const void *)&address->v4.sin_addr;
    uint16_t port = ntohs(six ? address->v6.sin6_port : address->v4.sin_port);
    if ((!six && address->any.sa_family != AF_INET) ||
        inet_ntop(address->any.sa_family, bytes, host, sizeof host) == NULL)
        return false;
    sink_format(out, six ? "[%s]:%u" : "%s:%u", host, port);
    return sink_ok(out);
}

static bool option_is(int fd, int option, int wanted)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 && value == wanted;
}

rc listen_given(struct trail *trail, int fd, struct sink *address)
{
    union address name = { 0 };
    socklen_t len = sizeof name;
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || !option_is(fd, SO_TYPE, SOCK_STREAM) || !option_is(fd, SO_ACCEPTCONN, 1) ||
        !option_is(fd, SO_PROTOCOL, IPPROTO_TCP) || getsockname(fd, &name.any, &len) != 0 ||
        !write_address(address, &name))
        return FAIL(trail, RC_PEER, LISTEN_E_SOCKET);
    if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}
