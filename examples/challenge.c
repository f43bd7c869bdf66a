/* challenge.c - a challenge takes jobs from a validator that has proved what it is.  With libward.

       cc challenge.c $(pkg-config --cflags --libs libward) -o challenge
       systemd-socket-activate --accept --inetd -l 127.0.0.1:10000 \
           ./challenge policy.toml root.pem COLLATERAL..

   Both sides show evidence; the validator's is judged by the policy, that root and the collateral.
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
    fprintf(stderr, "challenge: %s\n", error->message);
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

/* A question of ours goes out first; its answer is told from other messages by its message_id. */
static enum ward_outcome serve(struct ward_channel *channel, struct ward_error *error)
{
    static const char query[] = "{\"type\":\"orm_query\",\"message_id\":\"q1\",\"payload\":{"
                                "\"query\":{\"operation\":\"count\",\"table\":\"scores\"}}}";
    static const char result[] = "{\"type\":\"job_result\",\"job_id\":\"%s\",\"message_id\":\"m1\","
                                 "\"result\":{\"score\":1}}";
    static char text[WARD_CHANNEL_MESSAGE + 1], reply[2 * TEXT], type[TEXT], id[TEXT];
    struct ward_bytes got;
    enum ward_outcome outcome;
    say(channel, query, error);
    while ((outcome = ward_channel_receive(channel, WAIT_MS, &got, error)) == WARD_DONE) {
        memcpy(text, got.data, got.len);
        text[got.len] = 0;
        member(text, "type", type);
        if (strcmp(type, "job_execute") == 0) {
            snprintf(reply, sizeof reply, result, member(text, "job_id", id));
            say(channel, reply, error);
        } else if (strcmp(member(text, "message_id", id), "q1") == 0) {
            fprintf(stderr, "the answer to q1: %s\n", type);
        }
    }
    return outcome;
}

int main(int argc, char **argv)
{
    struct ward_error error = { 0 };
    struct ward_source *source;
    struct ward_channel *channel;
    if (argc < 4 || argc - 1 > FILES_MAX) {
        fprintf(stderr, "usage: challenge POLICY ROOT COLLATERAL.. (its connection is stdin)\n");
        return 2;
    }
    struct ward_channel_trust trust = trust_of(argv + 1, (size_t)argc - 1, &error);
    const char *simulator = getenv("DSTACK_SIMULATOR_ENDPOINT");
    must(ward_source_open(NULL, simulator, 0, &source, &error), &error);
    struct ward_channel_setup setup = { .purpose = "challenge/example",
                                        .trust = &trust,
                                        .evidence = ward_source_evidence,
                                        .evidence_arg = source };
    must(ward_channel_accept(&setup, 0, WARD_FRAMING_WEBSOCKET, &channel, &error), &error);
    enum ward_outcome outcome = serve(channel, &error);
    fprintf(stderr, "challenge: %s\n", error.message);
    return outcome == WARD_CLOSED ? 0 : 1; /* the process ends: nothing is freed */
}
