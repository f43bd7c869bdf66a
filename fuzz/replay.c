/* replay.c - runs a fuzz target over files, without a fuzzer: so the corpora are replayed by
   the normal test run, under any compiler and under valgrind.  It judges nothing: a target
   that dies is the failure. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each input lies in a block of exactly its size, so that one byte too far is seen. */
static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        return -1;
    long len = ftell(file);
    rewind(file);
    uint8_t *data = len < 0 ? NULL : malloc(len == 0 ? 1 : (size_t)len);
    int done = -1;
    if (data != NULL && fread(data, 1, (size_t)len, file) == (size_t)len)
        done = LLVMFuzzerTestOneInput(data, (size_t)len);
    free(data);
    (void)fclose(file);
    return done;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (replay(argv[i]) != 0) {
            (void)fprintf(stderr, "cannot replay %s\n", argv[i]);
            return 2;
        }
    }
    return 0;
}
