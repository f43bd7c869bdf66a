/* far.c - where a name leads: what its name servers say, and what of that is outside. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fence/inside.h"
#include "model/place.h"
#include "net/lead.h"
#include "os/fd.h"

/* Whether it is this machine's: then what goes there leaves from there.  Connecting a socket for
   datagrams sends nothing. */
static bool is_this_machine(const struct sockaddr_storage *at, socklen_t len)
{
    struct sockaddr_storage own = { 0 };
    socklen_t own_len = sizeof own;
    auto_fd int fd = socket(at->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)at, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&own, &own_len) != 0)
        return false; /* there is no way to it */
    const struct address leaves = address_of_socket(&own), goes = address_of_socket(at);
    return address_equal(&leaves, &goes);
}

static void take(struct fence *fence, struct far *far, struct job_port port, size_t index)
{
    struct sockaddr_storage *at = &far->lookup.found.at[index];
    const socklen_t len = far->lookup.found.len[index];
    if (at->ss_family != AF_INET && at->ss_family != AF_INET6)
        return;
    const struct address address = address_of_socket(at);
    const struct reach_name *name = reach_by_address(fence->reach, &address);
    const bool listed = name != NULL && reach_allows(fence->reach, name, &port);
    const bool own = is_this_machine(at, len);
    if (!reach_leads(fence->reach, &address, &port) || (!listed && own)) {
        far->is_inside = true;
        far->inside = address;
        return;
    }
    /* A name that leads to what is not outside needs that address beside it. */
    if (listed && (own || address_place(&address, NULL) != PLACE_OUTWARD))
        used(fence, name, port);
    far->found.at[far->found.count] = *at;
    far->found.len[far->found.count++] = len;
}

bool far_step(struct fence *fence, struct far *far, struct job_port port)
{
    if (far->state != FAR_NAME)
        return true;
    if (!far->lookup.done)
        return false;
    for (size_t i = 0; lookup_fault(&far->lookup) == NULL && i < far->lookup.found.count; i++)
        take(fence, far, port, i);
    far->state = far->found.count > 0 ? FAR_FOUND : FAR_FAILED;
    return true;
}

/* A listed address is met at itself, and nobody is asked. */
static void take_address(struct far *far, const struct address *address, uint16_t port)
{
    struct sockaddr_storage *at = &far->found.at[0];
    if (address_is_v4(address)) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)at;
        *v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
        memcpy(&v4->sin_addr, address->bytes + ADDRESS_LEN - 4, 4);
        far->found.len[0] = sizeof *v4;
    } else {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)at;
        *v6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(port) };
        memcpy(&v6->sin6_addr, address->bytes, ADDRESS_LEN);
        far->found.len[0] = sizeof *v6;
    }
    far->found.count = 1;
    far->state = FAR_FOUND;
}

void far_begin(struct fence *fence, struct far *far, const struct reach_name *name,
               struct job_port port)
{
    char host[HOST_TEXT_MAX + 1] = "", digits[8];
    memset(far, 0, sizeof *far);
    if (name->number == 0) {
        take_address(far, &name->address, port.number);
        return;
    }
    memcpy(host, name->name.at, name->name.len < HOST_TEXT_MAX ? name->name.len : HOST_TEXT_MAX);
    far->state = FAR_NAME;
    snprintf(digits, sizeof digits, "%u", port.number);
    resolver_begin(&fence->resolver, host, digits, &far->lookup);
}
