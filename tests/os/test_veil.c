/* test_veil.c - what a file system that hides answers: every kind of question there is, cut,
   longer, and at random.  No answer gives anything, and a try is heard of. */
#include "os/veil.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"
#include "os/fd.h"
#include "temp.h"
#include "test.h"

enum { ENTRY = FUSE_ROOT_ID + 1, STATX = 52 };

static const struct veil veil = { .count = 3, .is_file = { false, true, false } };

struct asked {
    struct fuse_in_header head;
    uint8_t body[600];
};

struct answered {
    size_t len;
    struct fuse_out_header head;
    uint8_t bytes[VEIL_ANSWER_MAX];
    struct veil_try tried;
};

static struct answered answer(const struct asked *asked, size_t body)
{
    struct answered got = { 0 };
    memset(got.bytes, 0xa5, sizeof got.bytes);
    got.len = veil_answer(&veil, span_of(asked, sizeof asked->head + body), got.bytes, &got.tried);
    if (got.len == 0)
        return got;
    memcpy(&got.head, got.bytes, sizeof got.head);
    assert_true(got.len >= sizeof got.head && got.len <= VEIL_ANSWER_MAX);
    assert_int_equal(got.head.len, got.len);
    assert_int_equal(got.head.unique, asked->head.unique);
    assert_true(got.head.error <= 0);
    if (got.head.error != 0)
        assert_int_equal(got.len, sizeof got.head);
    return got;
}

static struct asked ask(uint32_t opcode, uint64_t node, const char *body)
{
    struct asked asked = { .head = {
                               .opcode = opcode, .unique = 77, .nodeid = node, .uid = 65532 } };
    memcpy(asked.body, body, strlen(body));
    return asked;
}

static struct answered ask_name(uint32_t opcode, uint64_t node, const char *name)
{
    const struct asked asked = ask(opcode, node, name);
    return answer(&asked, strlen(name) + 1);
}

static void test_the_beginning(void **state)
{
    struct asked asked = ask(FUSE_INIT, 0, "");
    const struct fuse_init_in theirs = { .major = FUSE_KERNEL_VERSION,
                                         .minor = FUSE_KERNEL_MINOR_VERSION,
                                         .max_readahead = 1 << 20,
                                         .flags = UINT32_MAX };
    struct fuse_init_out ours;
    (void)state;
    memcpy(asked.body, &theirs, sizeof theirs);
    struct answered got = answer(&asked, sizeof theirs);
    assert_int_equal(got.head.error, 0);
    assert_int_equal(got.len, sizeof got.head + sizeof ours);
    memcpy(&ours, got.bytes + sizeof got.head, sizeof ours);
    assert_int_equal(ours.major, 7);
    assert_int_equal(ours.minor, 31);
    assert_int_equal(ours.flags, 0); /* nothing is left to the kernel */
    assert_int_equal(ours.max_readahead, 0);
    assert_int_equal(ours.max_background, 1);
    assert_int_equal(ours.max_write, 4096);
    for (size_t cut = 0; cut < 8; cut++)
        assert_int_equal(answer(&asked, cut).head.error, -EPROTO);
    memcpy(asked.body, &(uint32_t[]){ 6, 40 }, 8);
    assert_int_equal(answer(&asked, 8).head.error, -EPROTO);
    memcpy(asked.body, &(uint32_t[]){ 7, 30 }, 8);
    assert_int_equal(answer(&asked, 8).head.error, -EPROTO);
}

static mode_t mode_of(uint64_t node)
{
    const struct asked asked = ask(FUSE_GETATTR, node, "");
    const struct answered got = answer(&asked, sizeof(struct fuse_getattr_in));
    struct fuse_attr_out out;
    assert_int_equal(got.head.error, 0);
    assert_false(got.tried.made);
    memcpy(&out, got.bytes + sizeof got.head, sizeof out);
    assert_int_equal(out.attr.ino, node);
    assert_int_equal(out.attr.uid, 0);
    assert_int_equal(out.attr.gid, 0);
    assert_int_equal(out.attr.size, 0);
    return out.attr.mode;
}

static void test_what_is_shown(void **state)
{
    static const char *const none[] = { "3",  "00", "-1", "",   "0x0", " 0",
                                        "+1", "1 ", ".",  "..", "256", "18446744073709551616",
                                        "a" };
    (void)state;
    assert_int_equal(mode_of(FUSE_ROOT_ID), S_IFDIR | 0711);
    assert_int_equal(mode_of(ENTRY), S_IFDIR);
    assert_int_equal(mode_of(ENTRY + 1), S_IFREG | 0111);
    assert_int_equal(mode_of(ENTRY + 2), S_IFDIR);
    for (uint64_t i = 0; i < veil.count; i++) {
        const char name[] = { (char)('0' + i), 0 };
        const struct answered got = ask_name(FUSE_LOOKUP, FUSE_ROOT_ID, name);
        struct fuse_entry_out out;
        assert_int_equal(got.head.error, 0);
        assert_false(got.tried.made);
        memcpy(&out, got.bytes + sizeof got.head, sizeof out);
        assert_int_equal(out.nodeid, ENTRY + i);
        assert_int_equal(out.attr.mode, veil.is_file[i] ? S_IFREG | 0111 : S_IFDIR);
    }
    for (size_t i = 0; i < COUNT_OF(none); i++) {
        const struct answered got = ask_name(FUSE_LOOKUP, FUSE_ROOT_ID, none[i]);
        assert_int_equal(got.head.error, -ENOENT);
        assert_false(got.tried.made);
    }
}

/* Those that are no try, whatever is asked of them. */
static bool is_quiet(uint32_t opcode)
{
    static const uint32_t quiet[] = {
        FUSE_GETATTR, FUSE_STATFS,    FUSE_GETXATTR,     FUSE_LISTXATTR,    STATX,
        FUSE_FORGET,  FUSE_INTERRUPT, FUSE_BATCH_FORGET, FUSE_NOTIFY_REPLY, FUSE_INIT,
        FUSE_DESTROY
    };
    for (size_t i = 0; i < COUNT_OF(quiet); i++) {
        if (opcode == quiet[i])
            return true;
    }
    return false;
}

/* Also those that no kernel has yet.  None is answered with ENOSYS but the three for which that is
   no yes: FUSE_OPEN and FUSE_ACCESS without an answer are granted ever after. */
static void test_every_kind_of_question(void **state)
{
    (void)state;
    for (uint32_t opcode = 0; opcode < 256; opcode++) {
        for (uint64_t i = 0; i < veil.count; i++) {
            struct asked asked = ask(opcode, ENTRY + i, "");
            memset(asked.body, 0x37, 40); /* of an access all rights, of a name a text */
            const struct answered got = answer(&asked, 41);
            assert_true(got.tried.made == !is_quiet(opcode));
            if (!got.tried.made)
                continue;
            assert_int_equal(got.tried.entry, i);
            assert_int_equal(got.head.error, -EACCES);
            assert_int_equal(got.tried.name.len, opcode == FUSE_LOOKUP ? 40 : 0);
        }
        struct asked of_root = ask(opcode, FUSE_ROOT_ID, "x"), of_none = ask(opcode, 99, "x");
        assert_false(answer(&of_root, 2).tried.made);
        const struct answered got = answer(&of_none, 2);
        assert_false(got.tried.made);
        assert_true(got.len == 0 || got.head.error == -ESTALE || opcode == FUSE_INIT ||
                    opcode == FUSE_DESTROY);
    }
    const uint32_t unknown[] = { FUSE_GETXATTR, FUSE_LISTXATTR, STATX };
    for (size_t i = 0; i < COUNT_OF(unknown); i++)
        assert_int_equal(ask_name(unknown[i], ENTRY, "user.x").head.error, -ENOSYS);
}

static void test_whether_it_is_there(void **state)
{
    (void)state;
    for (uint32_t mask = 0; mask < 8; mask++) {
        struct asked asked = ask(FUSE_ACCESS, ENTRY, "");
        memcpy(asked.body, &mask, sizeof mask);
        const struct answered got = answer(&asked, sizeof(struct fuse_access_in));
        assert_int_equal(got.head.error, mask == 0 ? 0 : -EACCES);
        assert_true(got.tried.made == (mask != 0));
        for (size_t cut = 0; cut < sizeof(struct fuse_access_in); cut++)
            assert_int_equal(answer(&asked, cut).head.error, -EACCES);
    }
}

static void test_names(void **state)
{
    char longest[257];
    (void)state;
    memset(longest, 'a', sizeof longest);
    longest[256] = 0;
    struct answered got = ask_name(FUSE_LOOKUP, ENTRY, longest + 1);
    assert_int_equal(got.tried.name.len, 255);
    got = ask_name(FUSE_LOOKUP, ENTRY, longest);
    assert_true(got.tried.made);
    assert_int_equal(got.tried.name.len, 0);
    struct asked asked = ask(FUSE_LOOKUP, ENTRY, "name");
    asked.body[2] = 0; /* one within */
    assert_int_equal(answer(&asked, 5).tried.name.len, 0);
    asked = ask(FUSE_LOOKUP, ENTRY, "name");
    for (size_t len = 0; len <= 4; len++)
        assert_int_equal(answer(&asked, len).tried.name.len, 0); /* none at the end */
    const struct answered whole = answer(&asked, 5);
    assert_span_equal(whole.tried.name, span_text("name"));
}

static void test_questions_that_are_cut(void **state)
{
    (void)state;
    for (uint32_t opcode = 0; opcode < 64; opcode++) {
        const struct asked asked = ask(opcode, ENTRY, "x");
        for (size_t len = 0; len < sizeof asked.head; len++) {
            uint8_t room[VEIL_ANSWER_MAX];
            struct veil_try tried;
            /* Its end is the end of memory that is there, for whoever looks for reads past it. */
            uint8_t *cut = malloc(len + 1);
            assert_non_null(cut);
            memcpy(cut + 1, &asked, len);
            assert_int_equal(veil_answer(&veil, span_of(cut + 1, len), room, &tried), 0);
            assert_false(tried.made);
            free(cut);
        }
    }
}

static void test_anything(void **state)
{
    struct test_random random = { 20261130 };
    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct asked asked;
        for (size_t at = 0; at < sizeof asked; at++)
            ((uint8_t *)&asked)[at] = (uint8_t)test_random_next(&random);
        if (i % 2 == 0)
            asked.head.opcode %= 64;
        if (i % 3 != 0)
            asked.head.nodeid %= 8;
        const struct answered got = answer(&asked, test_random_next(&random) % sizeof asked.body);
        const bool shows = got.len > sizeof got.head;
        /* What has a body is what shows something, and of nobody else. */
        assert_true(!shows || asked.head.opcode == FUSE_GETATTR ||
                    asked.head.opcode == FUSE_STATFS || asked.head.opcode == FUSE_INIT ||
                    (asked.head.opcode == FUSE_LOOKUP && asked.head.nodeid == FUSE_ROOT_ID));
        assert_true(!got.tried.made || (got.tried.entry < veil.count && got.head.error == -EACCES));
    }
}

/* --- the kernel's own ------------------------------------------------------------------------- */

/* Serves until `stop` ends; says each try: which entry, and the first byte of its name. */
static _Noreturn void serve(int fd, int stop, int to)
{
    uint8_t question[VEIL_QUESTION_MAX];
    struct veil_try tried;
    for (;;) {
        struct pollfd polled[] = { { .fd = fd, .events = POLLIN },
                                   { .fd = stop, .events = POLLIN } };
        poll(polled, 2, -1);
        if (polled[1].revents != 0)
            _exit(0);
        const enum veil_turn turn = veil_serve(&veil, fd, question, &tried);
        if (turn == VEIL_FAILED)
            _exit(2);
        if (turn == VEIL_OVER)
            _exit(0);
        if (!tried.made)
            continue;
        const uint8_t said[] = { (uint8_t)tried.entry, tried.name.len > 0 ? tried.name.at[0] : 0 };
        if (!fd_write(to, SPAN(said)))
            _exit(3);
    }
}

/* In a child with mounts of its own, as another user, that ends with the number of the step that
   was otherwise; 0: none was. */
static int look(const char *folder, int stop)
{
    char at[3][128], name[160];
    struct stat is;
    for (int i = 0; i < 3; i++)
        snprintf(at[i], sizeof at[i], "%s/%d", folder, i);
    if (setresgid(65532, 65532, 65532) != 0 || setresuid(65532, 65532, 65532) != 0)
        return 1;
    if (stat(at[0], &is) != 0 || is.st_mode != S_IFDIR || access(at[0], F_OK) != 0)
        return 2;
    if (open(at[0], O_RDONLY) >= 0 || errno != EACCES || chdir(at[2]) == 0 || errno != EACCES)
        return 3;
    snprintf(name, sizeof name, "%s/x/y", at[0]);
    if (open(name, O_WRONLY | O_CREAT, 0600) >= 0 || errno != EACCES || unlink(name) == 0 ||
        errno != EACCES)
        return 4;
    if (execl(at[1], at[1], (char *)NULL) == 0 || errno != EACCES)
        return 5;
    close(stop);
    return 0;
}

static int live(const char *folder)
{
    int fd = -1, stop[2], told[2], status = 0;
    uint8_t said[64];
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return 77;
    if (!rc_ok(veil_lay(NULL, folder, &fd)))
        return 94;
    if (pipe(stop) != 0 || pipe(told) != 0)
        return 90;
    const pid_t server = fork();
    if (server == 0) {
        close(stop[1]);
        serve(fd, stop[0], told[1]);
    }
    close(fd);
    close(told[1]);
    const pid_t looker = fork();
    if (looker == 0)
        _exit(look(folder, stop[1]));
    if (waitpid(looker, &status, 0) != looker || status != 0)
        return WEXITSTATUS(status);
    close(stop[1]);
    if (waitpid(server, &status, 0) != server || status != 0)
        return 91;
    /* Of the folder itself, of one that is entered, below twice, and of the file that is run. */
    static const uint8_t wanted[] = { 0, 0, 2, 0, 0, 'x', 0, 'x', 1, 0 };
    const ssize_t got = fd_read(told[0], said, sizeof said);
    if (got != (ssize_t)sizeof wanted || !bytes_equal(said, wanted, sizeof wanted))
        return 92;
    /* Nobody serves it any more. */
    return open(folder, O_RDONLY) < 0 && errno == ENOTCONN ? 0 : 93;
}

static void test_in_a_kernel(void **state)
{
    int status = 0;
    const struct temp *temp = *state;
    if (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK) != 0)
        skip();
    assert_int_equal(chmod(temp->path, 0711), 0);
    const pid_t child = fork();
    if (child == 0)
        _exit(live(temp->path));
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        TEST(test_the_beginning, ""),
        TEST(test_what_is_shown, ""),
        TEST(test_every_kind_of_question, ""),
        TEST(test_whether_it_is_there, ""),
        TEST(test_names, ""),
        TEST(test_questions_that_are_cut, ""),
        TEST(test_anything, ""),
        TEMP_TEST(test_in_a_kernel),
    };
    return RUN_TESTS(tests);
}
