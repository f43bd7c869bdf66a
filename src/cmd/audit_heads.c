/* audit_heads.c - see audit_log.h: signed heads, and the key that they are believed by. */
#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "cmd/audit_log.h"
#include "codec/hex.h"
#include "crypto/ed25519.h"
#include "os/file.h"
#include "proc/audit_slot.h"

bool audit_heads_add(struct audit_heads *heads, struct span note)
{
    struct checkpoint checkpoint;
    size_t at = heads->count;
    if (at == AUDIT_LOG_HEADS || !rc_ok(checkpoint_parse(note, &checkpoint, NULL)))
        return false;
    for (; at > 0 && heads->heads[at - 1].size > checkpoint.head.size; at--) {
        heads->heads[at] = heads->heads[at - 1];
        heads->notes[at] = heads->notes[at - 1];
    }
    heads->heads[at] = checkpoint.head;
    heads->notes[at] = note;
    heads->count++;
    return true;
}

bool audit_heads_read(struct arena *arena, const char *folder, struct audit_heads *out)
{
    char path[AUDIT_LOG_PATH];
    struct sink name = sink_over(path, sizeof path);
    struct trail trail = { 0 };
    struct span text;
    *out = (struct audit_heads){ 0 };
    sink_format(&name, "%s/heads", folder);
    sink_terminate(&name);
    rc read = file_read(&trail, path, (size_t)AUDIT_SLOTS_ALL * AUDIT_SLOT_BYTES, arena, &text);
    if (rc_class_of(read) == RC_WORLD && rc_errno(read) == ENOENT)
        return true;
    if (!rc_ok(read)) {
        say("%s: %s", path, file_error_text(read));
        return false;
    }
    struct cursor in = cur_over(text);
    struct audit_slot slot;
    struct span bytes;
    while (cur_take(&in, AUDIT_SLOT_BYTES, &bytes)) {
        if (!audit_slot_get(bytes, &slot))
            continue;
        if (slot.kind == AUDIT_SLOT_BASE && slot.a > out->base)
            out->base = slot.a;
        if (slot.kind == AUDIT_SLOT_HEIR && out->heir_count < COUNT_OF(out->heirs))
            out->heirs[out->heir_count++] = (struct audit_heir){ slot.a, slot.payload };
        if (slot.kind == AUDIT_SLOT_HEAD && !audit_heads_add(out, slot.payload))
            say("%s: a head in it is none and is passed over", path);
    }
    return true;
}

static bool read_named(struct span text, struct audit_key *out)
{
    out->any_origin = false;
    return checkpoint_key_read(text, CHECKPOINT_BY_LOG, &out->key);
}

bool audit_key_read(const char *text, struct audit_key *out)
{
    struct span all = span_text(text);
    *out = (struct audit_key){ .any_origin = true };
    return hex_decode(all, out->key.public_key, CHECKPOINT_KEY_LEN) || read_named(all, out);
}

static bool verify(void *arg, const uint8_t public_key[CHECKPOINT_KEY_LEN], struct span message,
                   const uint8_t signature[CHECKPOINT_ED25519])
{
    (void)arg;
    return ed25519_verify(span_of(public_key, CHECKPOINT_KEY_LEN), message,
                          span_of(signature, CHECKPOINT_ED25519));
}

const struct checkpoint_verifier *audit_key_verifier(void)
{
    static const struct checkpoint_verifier verifier = { .ed25519 = verify };
    return &verifier;
}
