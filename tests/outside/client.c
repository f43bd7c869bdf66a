/* client.c - a stranger's program, written from the man page: judges evidence in 64 threads
   while the collateral is replaced.  client QUOTE TIME ROOT FILES..; exit 0: always allowed */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <ward/verify.h>
enum { THREADS = 64, ROUNDS = 8, MAX = 16 };
static struct ward_bytes file[MAX];
static struct ward_policy *policy;
static struct ward_collateral *shared;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct ward_request request;
static struct ward_bytes slurp(const char *path)
{
    struct ward_bytes bytes = { malloc(1 << 18), 0, path };
    FILE *in = fopen(path, "rb");
    if (in == NULL || bytes.data == NULL)
        exit(2);
    bytes.len = fread((void *)bytes.data, 1, 1 << 18, in);
    fclose(in);
    return bytes;
}
static void *work(void *failures)
{
    struct ward_verifier *verifier;
    struct ward_result *result;
    if (ward_verifier_new(&verifier, NULL) != WARD_DONE ||
        ward_result_new(&result, NULL) != WARD_DONE)
        exit(2);
    for (int i = 0; i < ROUNDS; i++) {
        pthread_rwlock_rdlock(&lock);
        struct ward_request mine = request;
        mine.collateral = shared;
        ward_verify(verifier, &mine, result);
        pthread_rwlock_unlock(&lock);
        *(int *)failures += !ward_result_allowed(result);
    }
    ward_result_free(&result);
    ward_verifier_free(&verifier);
    return NULL;
}
static void renew(struct ward_collateral_files files)
{
    struct ward_collateral *fresh;
    if (ward_collateral_new(&files, policy, &fresh, NULL) != WARD_DONE)
        exit(2);
    pthread_rwlock_wrlock(&lock);
    struct ward_collateral *old = shared;
    shared = fresh;
    pthread_rwlock_unlock(&lock);
    ward_collateral_free(&old);
}
int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    int failures[THREADS] = { 0 }, failed = 0;
    if (argc < 4 || argc > 3 + MAX - 2)
        return 2;
    for (int i = 4; i < argc; i++)
        file[i - 4] = slurp(argv[i]);
    struct ward_collateral_files files = { .pool = file, .pool_count = (size_t)argc - 4 };
    file[MAX - 1] = slurp(argv[1]), file[MAX - 2] = slurp(argv[3]);
    static const char rules[] = "hardware = false\n";
    if (ward_policy_load((struct ward_bytes){ rules, sizeof rules - 1, NULL }, &policy, NULL) !=
            WARD_DONE ||
        ward_policy_add_root(policy, file[MAX - 2], NULL) != WARD_DONE)
        return 2;
    request = (struct ward_request){ .evidence = file[MAX - 1],
                                     .time = strtoll(argv[2], NULL, 10),
                                     .policy = policy };
    renew(files);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, &failures[i]);
    for (int i = 0; i < 20; i++)
        renew(files);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL), failed += failures[i];
    ward_collateral_free(&shared);
    ward_policy_free(&policy);
    for (int i = 0; i < MAX; i++)
        free((void *)file[i].data);
    return failed == 0 ? 0 : 1;
}
