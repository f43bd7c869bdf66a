/* seal_workload.c - a program with a credential, for test_seal_others.py.

     seal_workload abort                crashes with it
     seal_workload exec PROGRAM ARG..   becomes that program, with SDK_DB_DSN; two children that
                                        know nothing of it are there until it ends

   On stdin come 32 bytes of a seed, 2 of a length (big-endian) and a box.  What goes wrong is said
   on stderr. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "ward/seal.h"

enum { BOX_MAX = 8192, LENGTH = 2 };

static void read_all(uint8_t *at, size_t len)
{
    for (size_t have = 0; have < len;) {
        ssize_t got = read(STDIN_FILENO, at + have, len - have);
        if (got <= 0)
            exit(3);
        have += (size_t)got;
    }
}

static void leave_child(void)
{
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        exit(3);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        while (getppid() == parent) /* it may be gone already */
            pause();
        _exit(0);
    }
    (void)fprintf(stderr, "child %d\n", (int)child);
}

int main(int argc, char **argv)
{
    static uint8_t seed[WARD_SEAL_SEED], length[LENGTH], box[BOX_MAX];
    struct ward_error error = { 0 };
    struct ward_credential *credential = NULL;
    if (argc < 2)
        return 2;
    leave_child();
    read_all(seed, sizeof seed);
    read_all(length, sizeof length);
    size_t len = (size_t)length[0] << 8 | length[1];
    if (len > sizeof box)
        return 2;
    read_all(box, len);
    struct ward_bytes bytes = { .data = box, .len = len };
    bool opened = ward_credential_open(seed, bytes, "SDK_DB_DSN", &credential, &error) == WARD_DONE;
    explicit_bzero(seed, sizeof seed);
    if (opened && strcmp(argv[1], "abort") == 0)
        abort();
    if (opened) {
        leave_child();
        opened = ward_credential_exec(credential, argv[2], argv + 2, environ, &error) == WARD_DONE;
    }
    (void)fprintf(stderr, "%s %s\n", error.reason != NULL ? error.reason : "-", error.message);
    ward_credential_free(&credential);
    return opened ? 0 : 1;
}
