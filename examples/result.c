/* result.c - checks the result of a job with libward: is it what a node that I trust says?

       cc result.c $(pkg-config --cflags --libs libward) -o result
       ./result result.jws policy.toml 1790000000 tcbinfo.json qeidentity.json pck.crl root.crl
   signing.pem

   The files after the time are collateral of the node's evidence, in any order. */
#include <stdio.h>
#include <stdlib.h>

#include <ward/result.h>

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
    if (argc < 4 || argc - 2 > FILES_MAX) {
        fprintf(stderr, "usage: result RESULT POLICY TIME [COLLATERAL..]\n");
        return 2;
    }
    struct ward_bytes pool[FILES_MAX];
    for (int i = 4; i < argc; i++)
        pool[i - 4] = read_file(argv[i]);
    struct ward_collateral_files files = { .pool = pool, .pool_count = (size_t)argc - 4 };
    struct ward_collateral *collateral;
    struct ward_verifier *verifier;
    struct ward_policy *policy;
    struct ward_error error = { 0 };
    if (ward_policy_load(read_file(argv[2]), &policy, &error) != WARD_DONE ||
        ward_collateral_new(&files, policy, &collateral, &error) != WARD_DONE ||
        ward_verifier_new(&verifier, &error) != WARD_DONE) {
        fprintf(stderr, "%s\n", error.message);
        return 2;
    }
    struct ward_job_request request = { .result = read_file(argv[1]),
                                        .time = strtoll(argv[3], NULL, 10),
                                        .collateral = collateral,
                                        .policy = policy };
    struct ward_job *job = NULL;
    struct ward_job_output output;
    bool good = ward_job_verify(verifier, &request, NULL, &job, &error) == WARD_DONE;
    if (!good)
        printf("not good: %s\n", error.message);
    else
        printf("job %s exited with %d\n", ward_job_claims(job)->job_id, ward_job_claims(job)->code);
    for (size_t i = 0; good && ward_job_output(job, i, &output); i++)
        printf("%s\n", output.path);
    ward_job_free(&job);
    ward_verifier_free(&verifier);
    ward_collateral_free(&collateral);
    ward_policy_free(&policy);
    return good ? 0 : 1;
}
