/* tries.h - ways in which a job tries what is refused to it, for the programs of tests that do so.
   Before this is included: REFUSED, the errno of a try that is refused; and try_it, which makes one
   of two and says its errno, 0 where it was let through. */
#ifndef WARD_TESTS_SANDBOX_TRIES_H
#define WARD_TESTS_SANDBOX_TRIES_H

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 64, OF_A_THREAD = 500, KILLED = 200, FLOOD_S = 3, SIGNALLED = 3000 };

static _Noreturn void otherwise(const char *what, int number)
{
    printf("%s %d\n", what, number);
    exit(1);
}

/* As many as it can for some seconds, and how many that were. */
static void flood(void)
{
    struct timeval begun, now;
    long count = 0;
    gettimeofday(&begun, NULL);
    do {
        if (try_it(0) != REFUSED)
            otherwise("flood", errno);
        count++;
        gettimeofday(&now, NULL);
    } while (now.tv_sec - begun.tv_sec < FLOOD_S);
    printf("= %ld\n", count);
}

static void *of_a_thread(void *arg)
{
    for (int i = 0; i < OF_A_THREAD; i++) {
        if (try_it(i % 2) != REFUSED)
            otherwise("thread", errno);
    }
    return arg;
}

static void threads(void)
{
    pthread_t all[THREADS];
    for (int i = 0; i < THREADS; i++) {
        if (pthread_create(&all[i], NULL, of_a_thread, NULL) != 0)
            otherwise("pthread_create", errno);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(all[i], NULL);
}

/* Children that are ended at any moment of their tries, also while they wait for an answer; and
   their numbers are used again. */
static void killed(void)
{
    for (int i = 0; i < KILLED; i++) {
        const pid_t child = fork();
        if (child == 0) {
            for (;;)
                try_it(0);
        }
        usleep((useconds_t)(i * 37 % 2000)); /* from the first instruction to hundreds of tries */
        int status;
        if (kill(child, SIGKILL) != 0 || waitpid(child, &status, 0) != child ||
            !WIFSIGNALED(status) || try_it(0) != REFUSED)
            otherwise("killed", errno);
    }
}

static void nothing(int number)
{
    (void)number;
}

/* A signal may end the wait before the answer, as it ends any call that waits. */
static void signals(void)
{
    const struct sigaction heard = { .sa_handler = nothing };
    const struct itimerval often = { { 0, 300 }, { 0, 300 } };
    sigaction(SIGALRM, &heard, NULL);
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < SIGNALLED; i++) {
        const int said = try_it(0);
        if (said != REFUSED && said != EINTR)
            otherwise("signalled", said);
    }
    const struct itimerval never = { 0 };
    setitimer(ITIMER_REAL, &never, NULL);
}

/* Its own pace, a line for each. */
static void slowly(void)
{
    printf("up\n");
    fflush(stdout);
    usleep(100000);
    for (int i = 0; i < 100; i++) {
        printf("= %d\n", try_it(0));
        fflush(stdout);
        usleep(100000);
    }
}

struct way {
    const char *word;
    void (*run)(void);
};

/* The way that the only word names, and "done" behind it. */
static int go(int argc, char **argv, const struct way *ways, size_t count)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++) {
        if (argc != 2 || strcmp(ways[i].word, argv[1]) != 0)
            continue;
        ways[i].run();
        printf("done\n");
        return 0;
    }
    return 2;
}

#endif
