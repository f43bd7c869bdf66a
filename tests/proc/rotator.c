/* rotator.c - a monitor that does nothing but rotate: for test_rotate.py, which kills it.

       rotator FOLDER NAME    puts FOLDER/security.log away under NAME, then packs it */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "os/fd.h"
#include "proc/monitor/monitor.h"

static bool opened(struct monitor *monitor, const char *folder)
{
    monitor->audit = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    monitor->files[FILE_AUDIT_LOG] = openat(monitor->audit, "security.log",
                                            O_RDWR | O_APPEND | O_CLOEXEC);
    return monitor->audit >= 0 && monitor->files[FILE_AUDIT_LOG] >= 0;
}

static rc rotate_and_pack(struct trail *trail, struct monitor *monitor, struct span name)
{
    int fd = -1, fds[2] = { -1, -1 };
    char text[64];
    TRY(trail, monitor_rotate(trail, monitor, name, &fd));
    TRY(trail, monitor_open_packed(trail, monitor, name, fds));
    ssize_t len = read(fds[0], text, sizeof text);
    if (len < 0 || write(fds[1], text, (size_t)len) != len)
        return FAIL(trail, RC_WORLD, MONITOR_E_FILE);
    fd_close(&fds[0]);
    fd_close(&fds[1]);
    return monitor_packed(trail, monitor, name);
}

int main(int argc, char **argv)
{
    struct monitor monitor = { 0 };
    struct trail trail = { 0 };
    if (argc != 3 || !opened(&monitor, argv[1]))
        return 2;
    rc done = rotate_and_pack(&trail, &monitor, span_text(argv[2]));
    if (rc_ok(done))
        return 0;
    fprintf(stderr, "%s %u\n", rc_class_name(rc_class_of(done)), rc_number(done));
    return 1;
}
