/* store_password.c - see store_password.h. */
#include "proc/store_password.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/reason.h"
#include "os/fd.h"

rc store_password_open(struct trail *trail, const char *path, uid_t owner, int *out)
{
    struct stat is;
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return REFUSE(trail, REASON_HOUSE_STATE_UNUSABLE);
    if (fstat(fd, &is) != 0 || !S_ISREG(is.st_mode) ||
        (is.st_uid != geteuid() && is.st_uid != owner) || (is.st_mode & 077) != 0)
        return REFUSE(trail, REASON_HOUSE_STATE_UNSAFE);
    *out = fd_take(&fd);
    return RC_SUCCESS;
}

void store_password_read(int fd, char out[STORE_PASSWORD_BYTES + 1])
{
    ssize_t len = fd < 0 ? 0 : fd_read_at(fd, 0, out, STORE_PASSWORD_BYTES);
    out[len > 0 ? len : 0] = 0;
    out[strcspn(out, "\r\n")] = 0;
}
