/* verify.c - judges one piece of evidence with libward.

       cc verify.c $(pkg-config --cflags --libs libward) -o verify
       ./verify quote.bin 1751624191 tcbinfo.json qeidentity.json pck.crl root.crl signing.pem

   The files after the time may stand in any order: collateral is recognised by content. */
#include <stdio.h>
#include <stdlib.h>

#include <ward/verify.h>

enum { FILES_MAX = 16, FILE_MAX = 256 * 1024 };

static struct ward_bytes read_file(const char *path)
{
    static char room[FILES_MAX][FILE_MAX];
    static int used;
    FILE *file = used < FILES_MAX ? fopen(path, "rb") : NULL;
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    struct ward_bytes bytes = { room[used], fread(room[used], 1, FILE_MAX, file), path };
    used++;
    fclose(file);
    return bytes;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc - 3 >= FILES_MAX) {
        fprintf(stderr, "usage: verify EVIDENCE TIME [COLLATERAL..]\n");
        return 2;
    }
    struct ward_bytes pool[FILES_MAX];
    for (int i = 3; i < argc; i++)
        pool[i - 3] = read_file(argv[i]);
    struct ward_collateral_files files = { .pool = pool, .pool_count = (size_t)argc - 3 };
    struct ward_collateral *collateral;
    struct ward_verifier *verifier;
    struct ward_result *result;
    struct ward_error error = { 0 };
    if (ward_collateral_new(&files, NULL, &collateral, &error) != WARD_DONE ||
        ward_verifier_new(&verifier, &error) != WARD_DONE ||
        ward_result_new(&result, &error) != WARD_DONE) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    struct ward_request request = { .evidence = read_file(argv[1]),
                                    .time = strtoll(argv[2], NULL, 10),
                                    .collateral = collateral };
    ward_verify(verifier, &request, result);
    bool allowed = ward_result_allowed(result);
    printf("%s %s %s\n", allowed ? "allow" : "deny", ward_result_reason(result),
           ward_result_type(result));
    ward_result_free(&result);
    ward_verifier_free(&verifier);
    ward_collateral_free(&collateral);
    return allowed ? 0 : 1;
}
