/* backup_unpack.c - see backup.h: the files of a backup into an empty folder.  What the stream
   says is believed block by block as it is opened; a name that is none of ours, or one that
   comes twice, is damage. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/rotate.h"
#include "base/number.h"
#include "cmd/backup.h"
#include "crypto/hash.h"
#include "os/fd.h"

enum { ENTRY_FILE = 1, ENTRY_PIECE, ENTRY_END, FILES_AT_MOST = 8192 };

/* One file of the stream, being read. */
struct entry {
    struct vault *vault;
    uint32_t left; /* of the piece */
    bool over;
};

static rc entry_get(struct trail *trail, void *arg, void *out, size_t cap, size_t *got)
{
    struct entry *entry = arg;
    uint8_t head[5];
    *got = 0;
    if (entry->left == 0 && !entry->over) {
        struct cursor in = cur_over(SPAN(head));
        uint8_t kind = 0;
        TRY(trail, vault_read(trail, entry->vault, head, sizeof head));
        if (!cur_u8(&in, &kind) || !cur_u32le(&in, &entry->left) || kind != ENTRY_PIECE)
            return REFUSE(trail, REASON_BACKUP_DAMAGED);
        entry->over = entry->left == 0;
    }
    if (entry->over)
        return RC_SUCCESS;
    size_t part = cap < entry->left ? cap : entry->left;
    TRY(trail, vault_read(trail, entry->vault, out, part));
    entry->left -= (uint32_t)part;
    *got = part;
    return RC_SUCCESS;
}

static bool name_is_ours(const char *name)
{
    static const char *const names[] = { "keyring.backup", "ward.toml", "audit/heads",
                                         "audit/leaves", "audit/security.log" };
    struct audit_file_name rotated;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        if (strcmp(name, names[i]) == 0)
            return true;
    }
    return strncmp(name, "audit/", 6) == 0 && audit_file_name_read(span_text(name + 6), &rotated);
}

static rc write_file(struct trail *trail, struct entry *entry, const char *folder, const char *name)
{
    uint8_t bytes[16 << 10];
    char path[BACKUP_PATH];
    if (!name_is_ours(name))
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    auto_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return REFUSE(trail, errno == EEXIST ? REASON_BACKUP_DAMAGED : REASON_STORE_IO);
    struct backup_out out = backup_file_out(&fd);
    for (;;) {
        size_t got = 0;
        TRY(trail, entry_get(trail, entry, bytes, sizeof bytes, &got));
        if (got == 0)
            return fsync(fd) == 0 ? RC_SUCCESS : REFUSE(trail, REASON_STORE_IO);
        TRY(trail, out.put(trail, out.arg, span_of(bytes, got)));
    }
}

static rc write_store(struct trail *trail, struct entry *entry, const char *folder, int64_t now)
{
    char place[BACKUP_PATH];
    struct store store = { 0 };
    struct backup_proof proof;
    struct db_spec spec = { .kind = DB_SQLITE, .place = place };
    const struct backup_in from = { entry_get, entry };
    backup_path(place, folder, "ward.db");
    TRY(trail, store_migrate(trail, &spec, now, UINT32_MAX));
    TRY(trail, store_open(trail, &spec, &store_limits_default, &store));
    rc done = backup_restore(trail, &store, &from, now, &proof);
    store_close(&store);
    TRY(trail, done);
    return RC_SUCCESS;
}

static rc read_name(struct trail *trail, struct vault *vault, char name[BACKUP_NAME_LEN + 1])
{
    uint8_t bytes[2];
    uint16_t len = 0;
    TRY(trail, vault_read(trail, vault, bytes, sizeof bytes));
    struct cursor in = cur_over(SPAN(bytes));
    if (!cur_u16le(&in, &len) || len == 0 || len > BACKUP_NAME_LEN)
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    TRY(trail, vault_read(trail, vault, (uint8_t *)name, len));
    name[len] = 0;
    return strlen(name) == len ? RC_SUCCESS : REFUSE(trail, REASON_BACKUP_DAMAGED);
}

static rc read_end(struct trail *trail, struct vault *vault, struct house_state *said)
{
    uint8_t bytes[144];
    struct house_state state = { 0 };
    uint8_t hash[32];
    uint64_t created = 0;
    TRY(trail, vault_read(trail, vault, bytes, sizeof bytes));
    TRY(trail, vault_read_end(trail, vault));
    struct cursor in = cur_over(SPAN(bytes));
    if (!(cur_u64le(&in, &created) && created <= INT64_MAX && cur_copy(&in, state.store, 32) &&
          cur_u64le(&in, &state.log_size) && cur_copy(&in, state.log_root, 32) &&
          cur_copy(&in, state.config, 32) && cur_copy(&in, hash, 32) && cur_end(&in)))
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    state.created = (int64_t)created;
    house_state_seal(&state);
    if (!span_equal(SPAN(state.hash), SPAN(hash)))
        return REFUSE(trail, REASON_BACKUP_DAMAGED);
    *said = state;
    return RC_SUCCESS;
}

rc backup_unpack(struct trail *trail, struct vault *vault, const char *folder, int64_t now,
                 struct house_state *said)
{
    char path[BACKUP_PATH], name[BACKUP_NAME_LEN + 1];
    backup_path(path, folder, "audit");
    if (mkdir(path, 0700) != 0)
        return REFUSE(trail, REASON_STORE_IO);
    for (unsigned files = 0; files <= FILES_AT_MOST; files++) {
        struct entry entry = { .vault = vault };
        uint8_t kind = 0;
        TRY(trail, vault_read(trail, vault, &kind, 1));
        if (kind == ENTRY_END)
            return read_end(trail, vault, said);
        if (kind != ENTRY_FILE)
            return REFUSE(trail, REASON_BACKUP_DAMAGED);
        TRY(trail, read_name(trail, vault, name));
        if (strcmp(name, "store") == 0)
            TRY(trail, write_store(trail, &entry, folder, now));
        else
            TRY(trail, write_file(trail, &entry, folder, name));
        size_t more = 0; /* the store's own end comes before that of the file */
        uint8_t one;
        if (!entry.over)
            TRY(trail, entry_get(trail, &entry, &one, 1, &more));
        if (more != 0)
            return REFUSE(trail, REASON_BACKUP_DAMAGED);
    }
    return REFUSE(trail, REASON_BACKUP_DAMAGED);
}
