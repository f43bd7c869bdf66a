/* simulator.c - runs seeds of the simulated house (world.h), one after the other:

       simulator [--seed FIRST] [--seeds COUNT] [--trace]

   It prints the digest of all of them, and for the first that shows something wrong the seed and
   what does not hold; exit code 1 then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "simulator/world.h"

static struct world world;

static uint64_t number(const char *text)
{
    char *end = NULL;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end != 0) {
        fprintf(stderr, "simulator: %s is no number\n", text);
        exit(2);
    }
    return value;
}

static void usage(void)
{
    fprintf(stderr, "usage: simulator [--seed FIRST] [--seeds COUNT] [--trace]\n");
    exit(2);
}

/* --seed alone is for one. */
static void read_words(int argc, char **argv, uint64_t *first, uint64_t *count, bool *tracing)
{
    for (int i = 1; i < argc; i++) {
        bool more = i + 1 < argc;
        if (strcmp(argv[i], "--trace") == 0) {
            *tracing = true;
        } else if (strcmp(argv[i], "--seed") == 0 && more) {
            *first = number(argv[++i]);
            *count = 1;
        } else if (strcmp(argv[i], "--seeds") == 0 && more) {
            *count = number(argv[++i]);
        } else {
            usage();
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t first = 1, count = 1000, digest = 0, steps = 0;
    bool tracing = false;
    read_words(argc, argv, &first, &count, &tracing);
    for (uint64_t seed = first; seed - first < count; seed++) {
        const char *wrong = run_seed(&world, seed, tracing);
        digest = digest * 31 + world.digest;
        steps += world.steps;
        if (wrong == NULL)
            continue;
        printf("seed %llu: %s: %s\n", (unsigned long long)seed, wrong, world.what);
        return 1;
    }
    printf("%llu seeds, %llu steps, digest %016llx\n", (unsigned long long)count,
           (unsigned long long)steps, (unsigned long long)digest);
    return 0;
}
