/* validator.c - gives a challenge a job, over a channel on which both have proved what they are.
   With libward.

       cc validator.c $(pkg-config --cflags --libs libward) -o validator
       ./validator ws://127.0.0.1:10000/v1/channel policy.toml root.pem COLLATERAL..

   It has no database: a challenge that asks for one gets an error, with the question's message_id.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ward/channel.h>

enum { FILES_MAX = 16, FILE_MAX = 256 * 1024, WAIT_MS = 30000, TEXT = 1024 };

static void must(enum ward_outcome outcome, const struct ward_error *error)
{
    if (outcome == WARD_DONE)
        return;
    fprintf(stderr, "validator: %s\n", error->message);
    exit(1);
}

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

static struct ward_channel_trust trust_of(char **files, size_t count, struct ward_error *error)
{
    struct ward_channel_trust trust = { 0 };
    struct ward_bytes pool[FILES_MAX];
    struct ward_policy *policy;
    struct ward_collateral *collateral;
    must(ward_policy_load(read_file(files[0]), &policy, error), error);
    must(ward_policy_add_root(policy, read_file(files[1]), error), error);
    for (size_t i = 2; i < count; i++)
        pool[i - 2] = read_file(files[i]);
    struct ward_collateral_files all = { .pool = pool, .pool_count = count - 2 };
    must(ward_collateral_new(&all, policy, &collateral, error), error);
    must(ward_verifier_new(&trust.verifier, error), error);
    must(ward_result_new(&trust.result, error), error);
    trust.policy = policy;
    trust.collateral = collateral;
    return trust;
}

/* The text of a member, "" where there is none; a real challenge reads JSON with a library. */
static const char *member(const char *json, const char *name, char out[TEXT])
{
    const char *at = strstr(json, name);
    if (at == NULL || sscanf(at + strlen(name), "\" : \"%1023[^\"]", out) != 1)
        out[0] = 0;
    return out;
}

static void say(struct ward_channel *channel, const char *text, struct ward_error *error)
{
    struct ward_bytes message = { .data = text, .len = strlen(text) };
    must(ward_channel_send(channel, message, WAIT_MS, error), error);
}

/* The result of the job is the end of it. */
static enum ward_outcome work(struct ward_channel *channel, struct ward_error *error)
{
    static const char job[] =
        "{\"type\":\"job_execute\",\"job_id\":\"j1\",\"job_name\":\"evaluate\","
        "\"payload\":{\"a\":1}}";
    static const char refusal[] = "{\"type\":\"error\",\"message_id\":\"%s\","
                                  "\"error\":\"there is no database here\"}";
    static char text[WARD_CHANNEL_MESSAGE + 1], reply[2 * TEXT], type[TEXT], id[TEXT];
    struct ward_bytes got;
    enum ward_outcome outcome;
    say(channel, job, error);
    while ((outcome = ward_channel_receive(channel, WAIT_MS, &got, error)) == WARD_DONE) {
        memcpy(text, got.data, got.len);
        text[got.len] = 0;
        member(text, "type", type);
        if (strcmp(type, "orm_query") == 0) {
            snprintf(reply, sizeof reply, refusal, member(text, "message_id", id));
            say(channel, reply, error);
        } else if (strcmp(type, "job_result") == 0 &&
                   strcmp(member(text, "job_id", id), "j1") == 0) {
            printf("%s\n", text);
            return ward_channel_close(channel, WAIT_MS, error);
        }
    }
    return outcome;
}

int main(int argc, char **argv)
{
    struct ward_error error = { 0 };
    struct ward_source *source;
    struct ward_channel *channel;
    if (argc < 5 || argc - 2 > FILES_MAX) {
        fprintf(stderr, "usage: validator ADDRESS POLICY ROOT COLLATERAL..\n");
        return 2;
    }
    struct ward_channel_trust trust = trust_of(argv + 2, (size_t)argc - 2, &error);
    const char *simulator = getenv("DSTACK_SIMULATOR_ENDPOINT");
    must(ward_source_open(NULL, simulator, 0, &source, &error), &error);
    struct ward_channel_setup setup = { .purpose = "challenge/example",
                                        .trust = &trust,
                                        .evidence = ward_source_evidence,
                                        .evidence_arg = source };
    must(ward_channel_connect(&setup, argv[1], &channel, &error), &error);
    must(work(channel, &error), &error);
    ward_channel_free(&channel);
    ward_source_free(&source);
    return 0;
}
