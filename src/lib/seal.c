/* seal.c - the public face of sealed boxes, and of a credential that was in one. */
#include "ward/seal.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/number.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "crypto/ct.h"
#include "crypto/curve.h"
#include "crypto/sealed_box.h"
#include "lib/objects.h"
#include "os/random.h"
#include "secret/secret.h"

_Static_assert((int)WARD_SEAL_SEED == (int)ED25519_SEED, "a secret key");
_Static_assert((int)WARD_SEAL_KEY == (int)ED25519_PUBLIC, "a public key");
_Static_assert((int)WARD_SEAL_EXTRA == (int)SEALED_BOX_EXTRA, "what a box adds");

enum {
    NAME_LEN = 64,                    /* of a variable */
    PLAIN = WARD_CREDENTIAL_MAX + 64, /* a credential as JSON */
    ENTRY = NAME_LEN + 1 + WARD_CREDENTIAL_MAX + 1,
    CREDENTIAL_VALUES = 32, /* values of that JSON */
    VARIABLES = 4096,       /* of an environment */
};

struct ward_credential {
    struct arena memory;
    struct secret_pool *pool;
    struct secret *entry; /* "NAME=credential", a NUL, and zeros */
    size_t name_len;
};

static enum ward_outcome refuse(struct ward_error *error, enum reason reason)
{
    return error_reason(error, WARD_BAD_INPUT, reason, REASON_NONE);
}

void ward_seal_key(const uint8_t seed[WARD_SEAL_SEED], uint8_t key[WARD_SEAL_KEY])
{
    struct ed25519_secret secret;
    ed25519_secret_of_seed(seed, &secret);
    ed25519_secret_public(&secret, key);
    ct_wipe(&secret, sizeof secret);
}

enum ward_outcome ward_seal(const uint8_t key[WARD_SEAL_KEY], struct ward_bytes plain, uint8_t *box,
                            struct ward_error *error)
{
    uint8_t to[X25519_LEN], once[X25519_LEN];
    if (plain.data == NULL && plain.len > 0)
        return ERROR(error, WARD_BAD_INPUT, "%zu bytes to seal, at no address", plain.len);
    if (!curve_public(key, to))
        return refuse(error, REASON_SEAL_KEY_UNUSABLE);
    random_bytes(once, sizeof once);
    bool sealed = sealed_box_seal(to, once, span_of_bytes(plain), box);
    ct_wipe(once, sizeof once);
    return sealed ? WARD_DONE : refuse(error, REASON_SEAL_KEY_UNUSABLE);
}

static bool open_box(const uint8_t seed[WARD_SEAL_SEED], struct ward_bytes box, uint8_t *plain)
{
    uint8_t secret[X25519_LEN];
    curve_secret(seed, secret);
    bool opened = sealed_box_open(secret, span_of_bytes(box), plain);
    ct_wipe(secret, sizeof secret);
    return opened;
}

enum ward_outcome ward_unseal(const uint8_t seed[WARD_SEAL_SEED], struct ward_bytes box,
                              uint8_t *plain, struct ward_error *error)
{
    return open_box(seed, box, plain) ? WARD_DONE : refuse(error, REASON_SEAL_NOT_OPENED);
}

/* --- a credential ----------------------------------------------------------------------------- */

static bool name_is_good(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t len = name != NULL ? strlen(name) : 0;
    return len > 0 && len <= NAME_LEN && strspn(name, letters) == len &&
           strchr("0123456789", name[0]) == NULL;
}

/* What would end an environment's value early, or a line of whatever shows it. */
static bool is_plain_text(struct span text)
{
    for (size_t at = 0; at < text.len; at++) {
        if (text.at[at] < ' ' || text.at[at] == 0x7f)
            return false;
    }
    return utf8_valid(text);
}

/* Nodes of JSON say where its values stand and hold none: they need no locked memory. */
static bool put_dsn(struct span plain, struct sink *entry)
{
    struct json_node nodes[CREDENTIAL_VALUES];
    struct json json;
    if (plain.len == 0 || plain.at[0] != '{') {
        sink_put(entry, plain);
        return plain.len > 0;
    }
    return json_parse_into(plain, nodes, COUNT_OF(nodes), NULL, &json, NULL) &&
           json_string_copy(&json, json_member(&json, 0, "dsn"), entry);
}

/* A box that is being opened into a credential's memory. */
struct opening {
    const uint8_t *seed;
    struct ward_bytes box;
    const char *name;
    enum reason reason; /* why it failed */
};

/* Behind the entry there is room for what was sealed, which is wiped again. */
static rc fill(uint8_t *at, size_t len, void *arg)
{
    struct opening *opening = arg;
    struct sink entry = sink_over(at, ENTRY - 1);
    uint8_t *plain = at + ENTRY;
    size_t plain_len = opening->box.len - WARD_SEAL_EXTRA;
    opening->reason = REASON_SEAL_NOT_OPENED;
    if (!open_box(opening->seed, opening->box, plain))
        return FAIL(NULL, RC_PEER, 0);
    sink_text(&entry, opening->name);
    sink_u8(&entry, '=');
    size_t begin = entry.len;
    bool put = put_dsn(span_of(plain, plain_len), &entry) && sink_ok(&entry);
    struct span value = span_of(at + begin, entry.len - begin);
    opening->reason = REASON_SEAL_CREDENTIAL_UNUSABLE;
    if (!put || value.len == 0 || value.len > WARD_CREDENTIAL_MAX || !is_plain_text(value))
        return FAIL(NULL, RC_PEER, 0);
    ct_wipe(at + entry.len, len - entry.len);
    return RC_SUCCESS;
}

static struct ward_credential *credential_new(const char *name)
{
    struct arena memory;
    struct ward_credential *made = object_new(sizeof *made, 64 * 1024, &memory);
    if (made == NULL)
        return NULL;
    made->memory = memory;
    made->name_len = strlen(name);
    if (!rc_ok(secret_pool_new(NULL, 1, ENTRY + PLAIN, &made->pool)) ||
        !rc_ok(secret_take(NULL, made->pool, ENTRY + PLAIN, &made->entry)))
        ward_credential_free(&made);
    return made;
}

enum ward_outcome ward_credential_open(const uint8_t seed[WARD_SEAL_SEED], struct ward_bytes box,
                                       const char *name, struct ward_credential **out,
                                       struct ward_error *error)
{
    struct opening opening = { seed, box, name, REASON_SEAL_NOT_OPENED };
    if (!name_is_good(name))
        return ERROR(error, WARD_BAD_INPUT,
                     "a variable has 1 to %d capital letters, digits and underscores", NAME_LEN);
    if (box.data == NULL || box.len <= WARD_SEAL_EXTRA)
        return refuse(error, REASON_SEAL_NOT_OPENED);
    if (box.len > WARD_SEAL_EXTRA + PLAIN)
        return refuse(error, REASON_SEAL_CREDENTIAL_UNUSABLE);
    struct ward_credential *made = credential_new(name);
    if (made == NULL)
        return ERROR(error, WARD_NO_MEMORY,
                     "no locked memory for a credential: raise RLIMIT_MEMLOCK (`ulimit -l`)");
    if (!rc_ok(secret_fill(made->entry, fill, &opening))) {
        ward_credential_free(&made);
        return refuse(error, opening.reason);
    }
    *out = made;
    return WARD_DONE;
}

void ward_credential_free(struct ward_credential **credential)
{
    if (credential == NULL || *credential == NULL)
        return;
    struct ward_credential *gone = *credential;
    struct arena memory = gone->memory;
    *credential = NULL;
    secret_free(&gone->entry);
    secret_pool_free(&gone->pool);
    arena_fini(&memory);
}

/* What execve is called with; the credential is readable during the call. */
struct execution {
    const struct ward_credential *credential;
    const char *path;
    char *const *arguments;
    char *const *environment;
    int failure;
};

static bool is_of_name(const char *variable, struct span name)
{
    return strlen(variable) > name.len && span_equal(span_of(variable, name.len), name) &&
           variable[name.len] == '=';
}

static rc become(struct span bytes, void *arg)
{
    struct execution *execution = arg;
    char *variables[VARIABLES + 2];
    size_t count = 0;
    struct span name = span_of(bytes.at, execution->credential->name_len);
    for (char *const *v = execution->environment; v != NULL && *v != NULL; v++) {
        if (count == VARIABLES) {
            execution->failure = E2BIG;
            return FAIL(NULL, RC_WORLD, E2BIG);
        }
        if (!is_of_name(*v, name))
            variables[count++] = *v;
    }
    variables[count++] = (char *)(uintptr_t)bytes.at; /* execve takes it so, and changes nothing */
    variables[count] = NULL;
    (void)execve(execution->path, execution->arguments, variables);
    execution->failure = errno;
    return FAIL_ERRNO(NULL);
}

/* 1 and not 0: of a core that goes to a program the kernel asks for this number alone.  Whoever may
   have 0 and no more (LimitCORE=0 of a service) may not have 1; no core goes to a file then, and
   such a program is told of the 0. */
static bool forbid_cores(void)
{
    const struct rlimit least = { 1, 1 }, none = { 0, 0 };
    return setrlimit(RLIMIT_CORE, &least) == 0 || setrlimit(RLIMIT_CORE, &none) == 0;
}

enum ward_outcome ward_credential_exec(struct ward_credential *credential, const char *path,
                                       char *const arguments[], char *const environment[],
                                       struct ward_error *error)
{
    struct execution execution = { credential, path, arguments, environment, 0 };
    if (!forbid_cores())
        return ERROR(error, WARD_BAD_INPUT, "cores cannot be forbidden: %s",
                     strerrordesc_np(errno));
    rc done = secret_lend(credential->entry, become, &execution);
    (void)done;
    return ERROR(error, WARD_BAD_INPUT, "%s: %s", path, strerrordesc_np(execution.failure));
}
