/* veil.c - see veil.h.  Nothing is remembered between two questions, and each answer is made in a
   few bytes and steps, whatever was asked. */
#include "os/veil.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/decimal.h"
#include "base/number.h"
#include "os/fd.h"

enum {
    FIRST = FUSE_ROOT_ID + 1, /* the node of entry 0 */
    NAME_LONGEST = 255,
    MINOR_LEAST = 31, /* of the protocol: Linux 5.4 */
    WRITE_MOST = 4096,
    BLOCK = 4096,
    ALWAYS = 1 << 30, /* seconds: what is said of a node stays so */
    STATX = 52,       /* FUSE_STATX, of version 7.39 */
};

rc veil_lay(struct trail *trail, const char *target, int *fd)
{
    char options[128];
    auto_fd int server = open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (server < 0)
        return FAIL_ERRNO(trail);
    snprintf(options, sizeof options, "fd=%d,rootmode=%o,user_id=0,group_id=0,allow_other", server,
             S_IFDIR);
    if (mount("ward", target, "fuse", MS_NOSUID | MS_NODEV, options) != 0)
        return FAIL_ERRNO(trail);
    *fd = fd_take(&server);
    return RC_SUCCESS;
}

rc veil_lack(struct trail *trail, const char *target)
{
    const unsigned long same = MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV;
    if (mount(target, target, NULL, MS_BIND, NULL) != 0 ||
        mount(NULL, target, NULL, same, NULL) != 0)
        return FAIL_ERRNO(trail);
    return RC_SUCCESS;
}

/* --- answers ---------------------------------------------------------------------------------- */

static size_t say(uint64_t unique, int error, struct span body, uint8_t answer[VEIL_ANSWER_MAX])
{
    const struct fuse_out_header head = { .len = (uint32_t)(sizeof head + body.len),
                                          .error = -error,
                                          .unique = unique };
    memcpy(answer, &head, sizeof head);
    if (body.len > 0)
        memcpy(answer + sizeof head, body.at, body.len);
    return head.len;
}

_Static_assert(
    sizeof(struct fuse_out_header) + sizeof(struct fuse_entry_out) <= VEIL_ANSWER_MAX &&
        sizeof(struct fuse_out_header) + sizeof(struct fuse_attr_out) <= VEIL_ANSWER_MAX &&
        sizeof(struct fuse_out_header) + sizeof(struct fuse_init_out) <= VEIL_ANSWER_MAX &&
        sizeof(struct fuse_out_header) + sizeof(struct fuse_statfs_out) <= VEIL_ANSWER_MAX,
    "each answer has room");

/* Root's, and nobody's right.  But a file says that it can be executed: the kernel looks at that
   before it asks, and a try would not be heard of. */
static struct fuse_attr describe(const struct veil *veil, uint64_t node)
{
    struct fuse_attr attr = { .ino = node, .nlink = 1, .blksize = BLOCK };
    if (node == FUSE_ROOT_ID)
        attr.mode = S_IFDIR | 0711;
    else if (veil->is_file[node - FIRST])
        attr.mode = S_IFREG | 0111;
    else
        attr.mode = S_IFDIR;
    return attr;
}

/* One question, of which the head is whole. */
struct asked {
    const struct veil *veil;
    struct fuse_in_header head;
    struct span body;
    uint8_t *answer;
};

static size_t refuse(const struct asked *asked, int error)
{
    return say(asked->head.unique, error, span_of("", 0), asked->answer);
}

static size_t give(const struct asked *asked, struct span body)
{
    return say(asked->head.unique, 0, body, asked->answer);
}

static size_t begin(const struct asked *asked)
{
    struct { /* what the oldest that is known has of it */
        uint32_t major, minor;
    } theirs;
    if (asked->body.len < sizeof theirs)
        return refuse(asked, EPROTO);
    memcpy(&theirs, asked->body.at, sizeof theirs);
    if (theirs.major != FUSE_KERNEL_VERSION || theirs.minor < MINOR_LEAST)
        return refuse(asked, EPROTO);
    /* No read-ahead, no write of weight, and no more than one question that nobody waits for. */
    const struct fuse_init_out ours = { .major = FUSE_KERNEL_VERSION,
                                        .minor = MINOR_LEAST,
                                        .max_background = 1,
                                        .congestion_threshold = 1,
                                        .max_write = WRITE_MOST,
                                        .time_gran = 1 };
    return give(asked, span_of(&ours, sizeof ours));
}

static size_t show(const struct asked *asked)
{
    const struct fuse_attr_out out = { .attr_valid = ALWAYS,
                                       .attr = describe(asked->veil, asked->head.nodeid) };
    return give(asked, span_of(&out, sizeof out));
}

static size_t show_all(const struct asked *asked)
{
    const struct fuse_statfs_out out = {
        .st = { .bsize = BLOCK, .frsize = BLOCK, .namelen = NAME_LONGEST }
    };
    return give(asked, span_of(&out, sizeof out));
}

/* The name that a body is: with a NUL at its end and none before.  Empty: it is none. */
static struct span name_in(struct span body)
{
    const uint8_t *end = body.len == 0 ? NULL : memchr(body.at, 0, body.len);
    if (end != body.at + body.len - 1 || body.len > NAME_LONGEST + 1)
        return (struct span){ 0 };
    return span_of(body.at, body.len - 1);
}

/* In the folder of the entries, which no job sees. */
static size_t find(const struct asked *asked)
{
    uint64_t number;
    if (!decimal_read(name_in(asked->body), VEIL_MAX, &number) || number >= asked->veil->count)
        return refuse(asked, ENOENT);
    const uint64_t node = FIRST + number;
    const struct fuse_entry_out out = { .nodeid = node,
                                        .entry_valid = ALWAYS,
                                        .attr_valid = ALWAYS,
                                        .attr = describe(asked->veil, node) };
    return give(asked, span_of(&out, sizeof out));
}

/* Whether something is there (F_OK) may be known; of an entry, that is all. */
static bool asks_if_there(const struct asked *asked)
{
    struct fuse_access_in in;
    if (asked->body.len < sizeof in)
        return false;
    memcpy(&in, asked->body.at, sizeof in);
    return in.mask == 0 || asked->head.nodeid == FUSE_ROOT_ID;
}

/* Never ENOSYS where the kernel would take that for a yes from then on (FUSE_OPEN, FUSE_ACCESS), so
   not for what is not known either. */
static size_t answer_one(const struct asked *asked, struct veil_try *tried)
{
    const uint64_t node = asked->head.nodeid;
    switch (asked->head.opcode) {
    case FUSE_GETATTR:
        return show(asked);
    case FUSE_STATFS:
        return show_all(asked);
    case STATX:          /* then it asks for what is usual, */
    case FUSE_GETXATTR:  /* and says of these that there are none: */
    case FUSE_LISTXATTR: /* programs ask for them beside everything */
        return refuse(asked, ENOSYS);
    case FUSE_ACCESS:
        if (asks_if_there(asked))
            return give(asked, span_of("", 0));
        break;
    case FUSE_LOOKUP:
        if (node == FUSE_ROOT_ID)
            return find(asked);
        break;
    default:
        break;
    }
    if (node != FUSE_ROOT_ID) {
        tried->made = true;
        tried->entry = (size_t)(node - FIRST);
        if (asked->head.opcode == FUSE_LOOKUP)
            tried->name = name_in(asked->body);
    }
    return refuse(asked, EACCES);
}

size_t veil_answer(const struct veil *veil, struct span question, uint8_t answer[VEIL_ANSWER_MAX],
                   struct veil_try *tried)
{
    struct asked asked = { .veil = veil };
    asked.answer = answer;
    *tried = (struct veil_try){ 0 };
    if (question.len < sizeof asked.head)
        return 0;
    memcpy(&asked.head, question.at, sizeof asked.head);
    asked.body = span_of(question.at + sizeof asked.head, question.len - sizeof asked.head);
    switch (asked.head.opcode) {
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT: /* each question has had its answer */
    case FUSE_NOTIFY_REPLY:
        return 0;
    case FUSE_INIT:
        return begin(&asked);
    case FUSE_DESTROY:
        return give(&asked, span_of("", 0));
    default:
        break;
    }
    if (asked.head.nodeid < FUSE_ROOT_ID || asked.head.nodeid - FUSE_ROOT_ID > veil->count)
        return refuse(&asked, ESTALE);
    return answer_one(&asked, tried);
}

enum veil_turn veil_serve(const struct veil *veil, int fd, uint8_t question[VEIL_QUESTION_MAX],
                          struct veil_try *tried)
{
    uint8_t answer[VEIL_ANSWER_MAX];
    *tried = (struct veil_try){ 0 };
    ssize_t got = read(fd, question, VEIL_QUESTION_MAX);
    if (got < 0 && errno == ENODEV)
        return VEIL_OVER;
    if (got < 0)
        return errno == EAGAIN || errno == EINTR || errno == ENOENT ? VEIL_NOTHING : VEIL_FAILED;
    const size_t len = veil_answer(veil, span_of(question, (size_t)got), answer, tried);
    /* A thread that was killed while it waited takes no answer. */
    if (len > 0 && write(fd, answer, len) != (ssize_t)len && errno != ENOENT)
        return VEIL_FAILED;
    return VEIL_SERVED;
}
