/* session.c - proves itself to a house of Ward, gets a session in the channel, and makes a request
   that is signed for it.  With libward.

       cc session.c $(pkg-config --cflags --libs libward) -o session
       ./session ward-state policy.toml ward-state/tee/root.pem ward-state/tee/collateral/...

   The house is reached over its owner's socket, and vouches for this machine as well: both sides
   are simulated alike.  The session lives as long as the channel, an hour at most. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <ward/channel.h>
#include <ward/request.h>
#include <ward/seal.h>

enum { FILES_MAX = 16, FILE_MAX = 256 * 1024, WAIT_MS = 30000, TEXT = 1024 };

static void must(enum ward_outcome outcome, const struct ward_error *error)
{
    if (outcome == WARD_DONE)
        return;
    fprintf(stderr, "session: %s\n", error->message);
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

static int dial(const char *state)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    snprintf(to.sun_path, sizeof to.sun_path, "%s/run/ward.sock", state);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        perror(to.sun_path);
        exit(1);
    }
    return fd;
}

/* Asks for a session whose requests this key signs; its token. */
static const char *ask(struct ward_channel *channel, const uint8_t *seed, struct ward_error *error)
{
    static char text[TEXT], token[TEXT];
    uint8_t key[WARD_SEAL_KEY];
    char shown[TEXT];
    struct ward_bytes message = { .data = text };
    ward_seal_key(seed, key);
    base64(key, sizeof key, shown);
    message.len = (size_t)snprintf(text, sizeof text,
                                   "{\"type\":\"session\",\"public_key\":\"%s\"}", shown);
    must(ward_channel_send(channel, message, WAIT_MS, error), error);
    must(ward_channel_receive(channel, WAIT_MS, &message, error), error);
    if (message.len >= TEXT)
        exit(1);
    memcpy(text, message.data, message.len);
    text[message.len] = 0;
    if (*member(text, "token", token) == 0) {
        fprintf(stderr, "session: %s\n", text);
        exit(1);
    }
    return token;
}

/* What the house says of this session to whom it is. */
static void request(const char *state, const char *token, const uint8_t *seed,
                    struct ward_error *error)
{
    struct ward_call call = { .method = "GET", .host = "localhost", .target = "/v1/session" };
    struct ward_call_headers h;
    char text[16 * TEXT];
    must(ward_call_sign(&call, seed, token, time(NULL), &h, error), error);
    int fd = dial(state),
        len = snprintf(text, sizeof text,
                       "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
                       "X-Signature: %s\r\nX-Timestamp: %s\r\nX-Nonce: %s\r\nX-Public-Key: %s\r\n"
                       "X-Session-Token: %s\r\nX-Signature-Version: %s\r\n\r\n",
                       call.target, call.host, h.signature, h.timestamp, h.nonce, h.public_key,
                       h.token, h.version);
    if (write(fd, text, (size_t)len) != len)
        exit(1);
    for (ssize_t got; (got = read(fd, text, sizeof text)) > 0;)
        fwrite(text, 1, (size_t)got, stdout);
    close(fd);
}

int main(int argc, char **argv)
{
    struct ward_error error = { 0 };
    struct ward_source *source;
    struct ward_channel *channel;
    struct ward_bytes last;
    uint8_t seed[WARD_CALL_SEED];
    char name[TEXT];
    if (argc < 5 || argc - 2 > FILES_MAX) {
        fprintf(stderr, "usage: session STATE POLICY ROOT COLLATERAL..\n");
        return 2;
    }
    struct ward_channel_trust trust = trust_of(argv + 2, (size_t)argc - 2, &error);
    snprintf(name, sizeof name, "house:%s", argv[1]);
    must(ward_source_open(name, NULL, 0, &source, &error), &error);
    struct ward_channel_setup setup = { .purpose = "ward-house",
                                        .trust = &trust,
                                        .evidence = ward_source_evidence,
                                        .evidence_arg = source };
    must(ward_channel_join(&setup, dial(argv[1]), WARD_FRAMING_WEBSOCKET, &channel, &error),
         &error);
    if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return 1;
    request(argv[1], ask(channel, seed, &error), seed, &error);
    must(ward_channel_close(channel, WAIT_MS, &error), &error);
    while (ward_channel_receive(channel, WAIT_MS, &last, &error) == WARD_DONE)
        ; /* until the house has said the same */
    ward_channel_free(&channel);
    ward_source_free(&source);
    return 0;
}
