/* say.c - see inside.h: frames to whoever runs the machine. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/inside.h"
#include "os/fd.h"

enum { DEPTH_MAX = 64, PIECE = 16384, BODY_ROOM = GUEST_PATH_MAX + 16 };

/* What is told of /output: where it is, and whether all of it could be. */
struct telling {
    struct guest *guest;
    char path[GUEST_PATH_MAX + 1];
    bool untold;
};

static void tell_folder(struct telling *telling, int folder, size_t at, unsigned depth);

void guest_say(struct guest *guest, uint8_t kind, struct span body)
{
    uint8_t head[GUEST_HEAD];
    struct sink out = sink_over(head, sizeof head);
    sink_u32le(&out, (uint32_t)body.len);
    sink_u8(&out, kind);
    if (fd_write(guest->port, sink_bytes(&out)) && fd_write(guest->port, body))
        return;
    reboot(RB_AUTOBOOT);
    _exit(1); /* the kernel stops without its first process */
}

void guest_say_failed(struct guest *guest)
{
    char words[GUEST_WORDS_MAX];
    struct sink out = sink_over(words, sizeof words);
    const int why = errno;
    sink_format(&out, "%.120s", guest->fault);
    if (guest->at != NULL)
        sink_format(&out, " %.40s", guest->at);
    if (why != 0)
        sink_format(&out, ": %.30s", strerror(why));
    guest_say(guest, GUEST_FAILED, sink_bytes(&out));
}

static void say_entry(struct telling *telling, uint8_t kind, const struct stat *is, uint8_t odd)
{
    uint8_t body[BODY_ROOM];
    struct sink out = sink_over(body, sizeof body);
    if (kind == GUEST_ODD)
        sink_u8(&out, odd);
    else
        sink_u16le(&out, (uint16_t)(is->st_mode & 07777));
    if (kind == GUEST_FILE)
        sink_u64le(&out, (uint64_t)is->st_size);
    sink_text(&out, telling->path);
    guest_say(telling->guest, kind, sink_bytes(&out));
}

/* The job is gone: the file is as long as it was. */
static void say_bytes(struct telling *telling, int file, uint64_t left)
{
    uint8_t room[PIECE];
    while (left > 0) {
        const size_t wanted = left < sizeof room ? (size_t)left : sizeof room;
        ssize_t got = fd_read(file, room, wanted);
        if (got <= 0) {
            memset(room, 0, sizeof room);
            got = (ssize_t)wanted;
        }
        guest_say(telling->guest, GUEST_BYTES, span_of(room, (size_t)got));
        left -= (uint64_t)got;
    }
}

static void tell_file(struct telling *telling, int folder, const char *name, const struct stat *is)
{
    auto_fd int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        telling->untold = true;
        return;
    }
    say_entry(telling, GUEST_FILE, is, 0);
    say_bytes(telling, file, (uint64_t)is->st_size);
}

static void tell_entry(struct telling *telling, int folder, const char *name, size_t at,
                       unsigned depth)
{
    struct stat is;
    const int len = snprintf(telling->path + at, sizeof telling->path - at, "%s%s",
                             at == 0 ? "" : "/", name);
    if (len < 0 || (size_t)len >= sizeof telling->path - at || depth == DEPTH_MAX ||
        fstatat(folder, name, &is, AT_SYMLINK_NOFOLLOW) != 0) {
        telling->untold = true;
        return;
    }
    if (S_ISLNK(is.st_mode)) {
        say_entry(telling, GUEST_ODD, &is, GUEST_LINK);
    } else if (S_ISREG(is.st_mode) && is.st_nlink > 1) {
        say_entry(telling, GUEST_ODD, &is, GUEST_NAMED_TWICE);
    } else if (S_ISREG(is.st_mode)) {
        tell_file(telling, folder, name, &is);
    } else if (S_ISDIR(is.st_mode)) {
        say_entry(telling, GUEST_FOLDER, &is, 0);
        auto_fd int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        tell_folder(telling, below, at + (size_t)len, depth + 1);
    } else {
        say_entry(telling, GUEST_ODD, &is, GUEST_SPECIAL);
    }
}

static void tell_folder(struct telling *telling, int folder, size_t at, unsigned depth)
{
    auto_fd int again = folder < 0 ? -1 : openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    auto_dir DIR *names = again < 0 ? NULL : fdopendir(again);
    if (names == NULL) {
        telling->untold = true;
        return;
    }
    fd_take(&again);
    for (const struct dirent *entry; !telling->untold && (entry = readdir(names)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            tell_entry(telling, folder, entry->d_name, at, depth);
    }
}

void guest_say_output(struct guest *guest)
{
    static struct telling telling;
    telling.guest = guest;
    auto_fd int top = open("/output", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    tell_folder(&telling, top, 0, 0);
    guest_say(guest, telling.untold ? GUEST_UNTOLD : GUEST_DONE, span_of("", 0));
}
