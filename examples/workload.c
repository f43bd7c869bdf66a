/* workload.c - a job of Ward's proves to a house what its sandbox began with, over a channel that
   nobody between them can read, and gets a session there.  With libward.

       cc workload.c $(pkg-config --cflags --libs libward) -o workload
       ./workload wss://HOUSE:8443/v1/channel /job

   The evidence is that of whatever vouches for this machine: in a job with guest_agent = true, of
   its guest agent.  The folder has policy.toml, by which the house's own evidence is judged,
   root.pem, ca.pem (its TLS certificate is under that) and the files of collateral/. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <ward/channel.h>
#include <ward/request.h>
#include <ward/seal.h>
#include <ward/source.h>

enum { FILES_MAX = 16, FILE_MAX = 256 * 1024, WAIT_MS = 30000, TEXT = 1024 };

static void must(enum ward_outcome outcome, const struct ward_error *error)
{
    if (outcome == WARD_DONE)
        return;
    fprintf(stderr, "workload: %s\n", error->message);
    exit(1);
}

static struct ward_bytes read_file(const char *folder, const char *name)
{
    static char room[FILES_MAX][FILE_MAX];
    static char paths[FILES_MAX][TEXT];
    static int used;
    if (used == FILES_MAX)
        exit(2);
    snprintf(paths[used], TEXT, "%s/%s", folder, name);
    FILE *file = fopen(paths[used], "rb");
    if (file == NULL) {
        perror(paths[used]);
        exit(2);
    }
    struct ward_bytes bytes = { room[used], fread(room[used], 1, FILE_MAX, file), paths[used] };
    used++;
    fclose(file);
    return bytes;
}

static size_t read_collateral(const char *folder, struct ward_bytes pool[FILES_MAX])
{
    char path[TEXT];
    size_t count = 0;
    snprintf(path, sizeof path, "%s/collateral", folder);
    DIR *names = opendir(path);
    if (names == NULL) {
        perror(path);
        exit(2);
    }
    for (const struct dirent *one; (one = readdir(names)) != NULL && count < FILES_MAX;) {
        if (one->d_name[0] != '.')
            pool[count++] = read_file(path, one->d_name);
    }
    closedir(names);
    return count;
}

static struct ward_channel_trust trust_of(const char *folder, struct ward_error *error)
{
    static struct ward_bytes pool[FILES_MAX];
    struct ward_channel_trust trust = { 0 };
    struct ward_policy *policy;
    struct ward_collateral *collateral;
    must(ward_policy_load(read_file(folder, "policy.toml"), &policy, error), error);
    must(ward_policy_add_root(policy, read_file(folder, "root.pem"), error), error);
    struct ward_collateral_files all = { .pool = pool,
                                         .pool_count = read_collateral(folder, pool) };
    must(ward_collateral_new(&all, policy, &collateral, error), error);
    must(ward_verifier_new(&trust.verifier, error), error);
    must(ward_result_new(&trust.result, error), error);
    trust.policy = policy;
    trust.collateral = collateral;
    return trust;
}

static void base64(const uint8_t *bytes, size_t len, char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < len; i += 3) {
        size_t have = len - i < 3 ? len - i : 3;
        uint32_t three = (uint32_t)bytes[i] << 16;
        three |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        three |= have > 2 ? bytes[i + 2] : 0;
        for (size_t n = 0; n < 4; n++)
            *out++ = (char)(n <= have ? letters[three >> (18 - 6 * n) & 63] : '=');
    }
    *out = 0;
}

/* Asks for a session whose requests this key signs.  What comes back has the token: a program that
   uses it shows it to nobody, and so does this one. */
static void ask(struct ward_channel *channel, struct ward_error *error)
{
    uint8_t seed[WARD_CALL_SEED], key[WARD_SEAL_KEY];
    char shown[TEXT], text[TEXT];
    struct ward_bytes message = { .data = text };
    if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        exit(1);
    ward_seal_key(seed, key);
    base64(key, sizeof key, shown);
    message.len = (size_t)snprintf(text, sizeof text,
                                   "{\"type\":\"session\",\"public_key\":\"%s\"}", shown);
    must(ward_channel_send(channel, message, WAIT_MS, error), error);
    must(ward_channel_receive(channel, WAIT_MS, &message, error), error);
    snprintf(text, sizeof text, "%.*s", (int)message.len, (const char *)message.data);
    if (strstr(text, "\"token\"") == NULL) {
        fprintf(stderr, "workload: %s\n", text);
        exit(1);
    }
    puts("the house knows what this job is, and gave it a session");
}

int main(int argc, char **argv)
{
    struct ward_error error = { 0 };
    struct ward_source *source;
    struct ward_channel *channel;
    struct ward_bytes last;
    if (argc != 3) {
        fprintf(stderr, "usage: workload ADDRESS FOLDER\n");
        return 2;
    }
    struct ward_channel_trust trust = trust_of(argv[2], &error);
    must(ward_source_open(NULL, getenv("DSTACK_SIMULATOR_ENDPOINT"), 0, &source, &error), &error);
    struct ward_channel_setup setup = { .purpose = "ward-house",
                                        .trust = &trust,
                                        .evidence = ward_source_evidence,
                                        .evidence_arg = source,
                                        .ca = read_file(argv[2], "ca.pem") };
    must(ward_channel_connect(&setup, argv[1], &channel, &error), &error);
    ask(channel, &error);
    must(ward_channel_close(channel, WAIT_MS, &error), &error);
    while (ward_channel_receive(channel, WAIT_MS, &last, &error) == WARD_DONE)
        ; /* until the house has said the same */
    ward_channel_free(&channel);
    ward_source_free(&source);
    return 0;
}
