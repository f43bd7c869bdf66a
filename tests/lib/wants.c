/* wants.c - a program with a document of AWS's kind, for test_wants.py: it is judged once as it is,
   once as one whose nonce was seen before, and once against other user data.

     wants DOCUMENT TIME ROOT

   Each verdict is a line on stdout. */
#include <stdio.h>
#include <stdlib.h>

#include "ward/policy.h"
#include "ward/verify.h"

enum { FILE_MAX = 64 * 1024 };

static struct ward_bytes read_file(const char *path, char room[FILE_MAX])
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    struct ward_bytes bytes = { room, fread(room, 1, FILE_MAX, file), path };
    fclose(file);
    return bytes;
}

static void must(enum ward_outcome outcome, const struct ward_error *error)
{
    if (outcome == WARD_DONE)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(2);
}

int main(int argc, char **argv)
{
    static char document[FILE_MAX], root[FILE_MAX];
    static const char rules[] = "hardware = false\n";
    struct ward_error error = { 0 };
    struct ward_policy *policy;
    struct ward_verifier *verifier;
    struct ward_result *result;
    if (argc != 4)
        return 2;
    must(ward_policy_load((struct ward_bytes){ rules, sizeof rules - 1, "rules" }, &policy, &error),
         &error);
    must(ward_policy_add_root(policy, read_file(argv[3], root), &error), &error);
    must(ward_verifier_new(&verifier, &error), &error);
    must(ward_result_new(&result, &error), &error);
    struct ward_request usual = { .evidence = read_file(argv[1], document),
                                  .time = strtoll(argv[2], NULL, 10),
                                  .policy = policy };
    struct ward_request requests[] = { usual, usual, usual };
    requests[1].nonce_seen = true;
    requests[2].user_data = (struct ward_bytes){ "of nobody", 9, NULL };
    for (int i = 0; i < 3; i++) {
        ward_verify(verifier, &requests[i], result);
        printf("%s %s\n", ward_result_allowed(result) ? "allow" : "deny",
               ward_result_reason(result));
    }
    ward_result_free(&result);
    ward_verifier_free(&verifier);
    ward_policy_free(&policy);
    return 0;
}
