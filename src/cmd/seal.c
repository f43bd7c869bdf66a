/* seal.c - `ward seal`: bytes that only the holder of a key can read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "cmd/command.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "os/fd.h"
#include "secret/secret.h"
#include "ward/seal.h"

enum { OPT_TO, OPT_JSON };
enum { SEAL_MAX = 32 * 1024 };

static const struct option_spec options[] = {
    [OPT_TO] = { "--to", "KEY", NULL, "the Ed25519 public key, in base64 or hex" },
    [OPT_JSON] = { "--json", NULL, NULL, "print one JSON object" },
};

/* What is read, and where to. */
struct sealing {
    const struct invocation *in;
    int fd;
    ssize_t have; /* of the secret; less than 0 with errno when it cannot be read */
    uint8_t key[WARD_SEAL_KEY];
    uint8_t *box;
    struct ward_error error;
};

static bool read_key(const char *text, uint8_t out[WARD_SEAL_KEY])
{
    struct sink bytes = sink_over(out, WARD_SEAL_KEY);
    if (text != NULL && strlen(text) == (size_t)2 * WARD_SEAL_KEY)
        return hex_decode(span_text(text), out, WARD_SEAL_KEY);
    return text != NULL && base64_decode(span_text(text), &bytes) && bytes.len == WARD_SEAL_KEY;
}

static rc fill(uint8_t *at, size_t len, void *arg)
{
    struct sealing *sealing = arg;
    sealing->have = fd_read(sealing->fd, at, len);
    return sealing->have < 0 ? FAIL_ERRNO(NULL) : RC_SUCCESS;
}

static rc seal(struct span bytes, void *arg)
{
    struct sealing *sealing = arg;
    struct ward_bytes plain = { .data = bytes.at, .len = (size_t)sealing->have };
    if (plain.len > 0 && bytes.at[plain.len - 1] == '\n')
        note(sealing->in, "seal: the last byte is an end of line, and is sealed with the rest");
    return ward_seal(sealing->key, plain, sealing->box, &sealing->error) == WARD_DONE
               ? RC_SUCCESS
               : FAIL(NULL, RC_PEER, 0);
}

static enum exit_code print_box(struct invocation *in, const struct sealing *sealing)
{
    size_t len = (size_t)sealing->have + WARD_SEAL_EXTRA, cap = 2 * len + 8;
    struct sink text = sink_over(arena_room(&in->arena, cap), cap);
    if (text.at == NULL)
        return EXIT_INTERNAL;
    base64_encode(&text, span_of(sealing->box, len));
    printf(json_wanted(in) ? "{\"box\":\"%.*s\"}\n" : "%.*s\n", (int)text.len,
           (const char *)text.at);
    return fflush(stdout) == 0 ? EXIT_DONE : EXIT_INTERNAL;
}

/* The plain bytes lie in the locked memory, and nowhere else. */
static enum exit_code seal_in(struct sealing *sealing, struct secret *secret, const char *path)
{
    if (!rc_ok(secret_fill(secret, fill, sealing))) {
        say("seal: %s: %s", path, strerror(errno));
        return EXIT_USAGE;
    }
    if (sealing->have > SEAL_MAX) {
        say("seal: %s: more than %d bytes: encrypt it with a key of its own, and seal that", path,
            SEAL_MAX);
        return EXIT_USAGE;
    }
    if (rc_ok(secret_lend(secret, seal, sealing)))
        return EXIT_DONE;
    say("seal: --to: %s", sealing->error.message);
    return EXIT_USAGE;
}

static enum exit_code run(struct invocation *in)
{
    const char *path = in->operand_count > 0 ? in->operands[0] : "-";
    struct secret_pool *pool = NULL;
    struct secret *secret = NULL;
    struct sealing sealing = { .in = in };
    if (!read_key(in->values[OPT_TO], sealing.key)) {
        say("seal: --to wants an Ed25519 public key: 32 bytes, in base64 or hex");
        return EXIT_USAGE;
    }
    auto_fd int file = strcmp(path, "-") == 0 ? dup(STDIN_FILENO)
                                              : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        say("seal: %s: %s", path, strerror(errno));
        return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    sealing.fd = file;
    sealing.box = arena_room(&in->arena, SEAL_MAX + WARD_SEAL_EXTRA);
    if (sealing.box == NULL || !rc_ok(secret_pool_new(NULL, 1, SEAL_MAX + 1, &pool)) ||
        !rc_ok(secret_take(NULL, pool, SEAL_MAX + 1, &secret))) {
        say("seal: no memory that can be locked: raise RLIMIT_MEMLOCK (`ulimit -l`)");
        secret_pool_free(&pool);
        return EXIT_INTERNAL;
    }
    enum exit_code code = seal_in(&sealing, secret, path);
    secret_free(&secret);
    secret_pool_free(&pool);
    return code == EXIT_DONE ? print_box(in, &sealing) : code;
}

const struct command command_seal = {
    .name = "seal",
    .operands = "[FILE]",
    .operands_min = 0,
    .operands_max = 1,
    .summary = "seal a secret to a public key",
    .description =
        "Reads up to 32 KiB from FILE or standard input and prints them as a sealed box in\n"
        "base64, which the holder of the key's secret part opens: libward's ward_unseal and\n"
        "ward_credential_open, or PyNaCl's SealedBox.\n\n"
        "Everything that is read is sealed, an end of line too.  Who sealed it is not in the\n"
        "box: it is as trustworthy as the way on which the public key came.  A secret on the\n"
        "command line would be in ps(1), so it is not taken from there.",
    .example = "ward seal dsn.txt --to iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=",
    .options = options,
    .option_count = COUNT_OF(options),
    .schema = "seal.json",
    .run = run,
};
