/* notify.c - see notify.h. */
#include "os/notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/fd.h"

rc notify_send(struct trail *trail, const char *socket_name, const char *text)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = strnlen(socket_name, sizeof to.sun_path), text_len = strlen(text);
    if (len < 2 || len >= sizeof to.sun_path || (socket_name[0] != '/' && socket_name[0] != '@'))
        return FAIL(trail, RC_PEER, NOTIFY_E_NAME);
    memcpy(to.sun_path, socket_name, len);
    if (to.sun_path[0] == '@') /* a name without a file begins with a zero byte */
        to.sun_path[0] = 0;
    auto_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return FAIL_ERRNO(trail);
    socklen_t whole = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    ssize_t sent = sendto(fd, text, text_len, MSG_NOSIGNAL, (const struct sockaddr *)&to, whole);
    return sent == (ssize_t)text_len ? RC_SUCCESS : FAIL_ERRNO(trail);
}
