/* rl_wrapper.c - stands in the place of a process of the house for tools/rl and other tests: the
   first time it is started it becomes what FILE.words says, words that end with NUL (strace with
   a fault and the real process), ever after what FILE.always says, or else the real process,
   real/FILE beside it.  FILE is its own path. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 4096, WORDS_ROOM = 8192, WORDS = 32 };

/* Returns when there is no such file, or it was another's. */
static void become(const char *self, const char *suffix, int once)
{
    char name[PATH_ROOM + 16], text[WORDS_ROOM];
    char *list[WORDS + 1] = { NULL };
    size_t count = 0;
    snprintf(name, sizeof name, "%s.%s", self, suffix);
    int file = open(name, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, sizeof text - 1) : 0;
    if (got <= 0 || (once && unlink(name) != 0))
        return;
    text[got] = 0;
    for (char *at = text; at < text + got && count < WORDS; at += strlen(at) + 1)
        list[count++] = at;
    execv(list[0], list);
    _exit(126);
}

int main(int argc, char **argv)
{
    char self[PATH_ROOM], real[PATH_ROOM + 16];
    (void)argc;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len <= 0)
        return 126;
    self[len] = 0;
    become(self, "words", 1);
    become(self, "always", 0);
    char *slash = strrchr(self, '/');
    if (slash == NULL)
        return 126;
    *slash = 0;
    snprintf(real, sizeof real, "%s/real/%s", self, slash + 1);
    execv(real, argv);
    return 126;
}
