/* backup_pack.c - see backup.h: a house out of its folder, while it runs.

   The order matters.  The keyring first: what its keeper had signed by then is in the log that
   is read later.  Then the store, which knows of no record that is not in that log (a server's was
   read into a file between the two).  Then heads, hashes and lines, each behind the one that must
   not be ahead of it.  Records past the last head are taken too: they were acknowledged. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/backup.h"
#include "crypto/hash.h"
#include "os/clock.h"
#include "os/fd.h"

enum { AUDIT_FOLDER = SETTING_TEXT_MAX + 16, HEADS_BYTES = 1 << 20 };

struct packing {
    const struct backup_source *source;
    struct vault *vault;
    char folder[AUDIT_FOLDER]; /* of the log */
    uint8_t piece[BACKUP_PIECE];
};

static rc begin_file(struct trail *trail, struct vault *vault, const char *name)
{
    uint8_t bytes[BACKUP_NAME_LEN + 8];
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_u8(&out, 1);
    sink_u16le(&out, (uint16_t)strlen(name));
    sink_text(&out, name);
    if (!sink_ok(&out) || strlen(name) > BACKUP_NAME_LEN)
        return REFUSE(trail, REASON_STORE_STATEMENT);
    return vault_write(trail, vault, sink_bytes(&out));
}

/* An empty piece ends the file. */
static rc put_piece(struct trail *trail, void *arg, struct span bytes)
{
    struct vault *vault = arg;
    uint8_t head[8];
    struct sink out = sink_over(head, sizeof head);
    sink_u8(&out, 2);
    sink_u32le(&out, (uint32_t)bytes.len);
    TRY(trail, vault_write(trail, vault, sink_bytes(&out)));
    return vault_write(trail, vault, bytes);
}

static rc put_bytes_as(struct trail *trail, struct vault *vault, const char *name,
                       struct span bytes)
{
    TRY(trail, begin_file(trail, vault, name));
    while (bytes.len > 0) {
        size_t part = bytes.len < BACKUP_PIECE ? bytes.len : BACKUP_PIECE;
        TRY(trail, put_piece(trail, vault, span_of(bytes.at, part)));
        bytes = span_of(bytes.at + part, bytes.len - part);
    }
    return put_piece(trail, vault, (struct span){ 0 });
}

/* Exactly `len` bytes of a file from its beginning, or all of it for UINT64_MAX. */
static rc put_file(struct trail *trail, struct packing *p, const char *name, int fd, uint64_t len)
{
    uint64_t at = 0;
    TRY(trail, begin_file(trail, p->vault, name));
    while (at < len) {
        size_t want = len - at < sizeof p->piece ? (size_t)(len - at) : sizeof p->piece;
        ssize_t got = pread(fd, p->piece, want, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || (got == 0 && len != UINT64_MAX))
            return REFUSE(trail, REASON_STORE_IO);
        if (got == 0)
            break;
        TRY(trail, put_piece(trail, p->vault, span_of(p->piece, (size_t)got)));
        at += (uint64_t)got;
    }
    return put_piece(trail, p->vault, (struct span){ 0 });
}

static rc put_store(struct trail *trail, struct packing *p, struct house_state *out)
{
    char place[BACKUP_PATH];
    struct store store = { 0 };
    struct backup_proof proof;
    struct db_spec spec = { .kind = DB_SQLITE, .place = place };
    const struct backup_out to = { put_piece, p->vault };
    if (p->source->store >= 0) {
        memcpy(out->store, p->source->store_hash, sizeof out->store);
        return put_file(trail, p, "store", p->source->store, UINT64_MAX);
    }
    backup_path(place, p->source->settings->state, "ward.db");
    if (access(place, F_OK) != 0) /* opening it would make it */
        return REFUSE(trail, REASON_STORE_UNREACHABLE);
    TRY(trail, store_open(trail, &spec, &store_limits_default, &store));
    rc done = begin_file(trail, p->vault, "store");
    if (rc_ok(done))
        done = backup_write(trail, &store, &to, &proof);
    store_close(&store);
    TRY(trail, done);
    TRY(trail, backup_judge(&proof, p->source->generation));
    memcpy(out->store, proof.state, sizeof out->store);
    return put_piece(trail, p->vault, (struct span){ 0 });
}

/* A plain file that was listed may have been packed meanwhile. */
static rc put_closed(struct trail *trail, struct packing *p, const char *name)
{
    char path[BACKUP_PATH], entry[BACKUP_NAME_LEN + 8];
    snprintf(entry, sizeof entry, "audit/%s", name);
    snprintf(path, sizeof path, "%s/%s", p->folder, name);
    auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        snprintf(entry, sizeof entry, "audit/%s.gz", name);
        snprintf(path, sizeof path, "%s/%s.gz", p->folder, name);
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    return fd < 0 ? REFUSE(trail, REASON_STORE_IO) : put_file(trail, p, entry, fd, UINT64_MAX);
}

static rc put_lines(struct trail *trail, struct packing *p, const struct audit_log *log, int open,
                    uint64_t open_len)
{
    size_t closed = log->count - (open >= 0 ? 1 : 0);
    TRY(trail, put_file(trail, p, "audit/leaves", log->leaves,
                        log->leaf_count * sizeof(struct merkle_hash)));
    for (size_t i = 0; i < closed; i++)
        TRY(trail, put_closed(trail, p, log->names[i]));
    if (open >= 0)
        TRY(trail, put_file(trail, p, "audit/security.log", open, open_len));
    return RC_SUCCESS;
}

static enum exit_code put_log(struct packing *p, struct house_state *out)
{
    struct invocation *in = p->source->in;
    struct audit_heads heads;
    struct audit_log log = { .open = -1, .fd = -1, .leaves = -1 };
    struct backup_log found = { 0 };
    char path[BACKUP_PATH];
    struct trail trail = { 0 };
    backup_path(path, p->folder, "heads");
    auto_fd int slots = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    rc done = slots < 0 ? rc_make(RC_WORLD, REASON_STORE_IO)
                        : put_file(&trail, p, "audit/heads", slots, UINT64_MAX);
    if (!rc_ok(done))
        return backup_say("backup create", done);
    if (!audit_heads_read(&in->arena, p->folder, &heads))
        return EXIT_USAGE;
    enum exit_code code = audit_log_open(in, p->folder, &log);
    auto_fd int lines = log.open >= 0 ? dup(log.open) : -1;
    uint64_t len = log.open_size;
    if (code == EXIT_DONE)
        code = backup_log_verify(in, &heads, &log, &found);
    if (code == EXIT_DONE) {
        done = put_lines(&trail, p, &log, lines, len - found.torn);
        code = rc_ok(done) ? EXIT_DONE : backup_say("backup create", done);
        out->log_size = found.size;
        memcpy(out->log_root, found.root, sizeof out->log_root);
    }
    audit_log_close(&log);
    return code;
}

static rc put_end(struct trail *trail, struct vault *vault, const struct house_state *state)
{
    uint8_t bytes[192];
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_u8(&out, 3);
    sink_u64le(&out, (uint64_t)state->created);
    sink_put(&out, SPAN(state->store));
    sink_u64le(&out, state->log_size);
    sink_put(&out, SPAN(state->log_root));
    sink_put(&out, SPAN(state->config));
    sink_put(&out, SPAN(state->hash));
    TRY(trail, vault_write(trail, vault, sink_bytes(&out)));
    return vault_write_end(trail, vault);
}

static rc put_head_files(struct trail *trail, struct packing *p, struct house_state *out)
{
    TRY(trail, put_file(trail, p, "keyring.backup", p->source->keys, UINT64_MAX));
    TRY(trail, put_bytes_as(trail, p->vault, "ward.toml", p->source->config));
    return put_store(trail, p, out);
}

enum exit_code backup_pack(const struct backup_source *source, struct vault *vault,
                           struct house_state *out)
{
    struct packing *p = arena_alloc(&source->in->arena, sizeof *p);
    struct trail trail = { 0 };
    if (p == NULL)
        return EXIT_INTERNAL;
    p->source = source;
    p->vault = vault;
    snprintf(p->folder, sizeof p->folder, "%s/audit", source->settings->state);
    *out = (struct house_state){ .created = clock_now() };
    hash_sha256(source->config, out->config);
    rc done = put_head_files(&trail, p, out);
    if (!rc_ok(done))
        return backup_say("backup create", done);
    enum exit_code code = put_log(p, out);
    if (code != EXIT_DONE)
        return code;
    house_state_seal(out);
    done = put_end(&trail, vault, out);
    return rc_ok(done) ? EXIT_DONE : backup_say("backup create", done);
}
