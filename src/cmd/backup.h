/* backup.h - what `ward backup create` and `restore` share: a whole house as a row of named
   files in a sealed stream (store/vault.h), out of a folder and into one, and the proof that
   what lies in a folder is what the backup says.

   The stream, little endian:
     u8 1, u16 length, name; then pieces u8 2, u32 length, bytes; a piece of length 0 ends it
     u8 3, u64 seconds since 1970, 32 state of the store, u64 records and 32 root of the log,
           32 SHA-256 of ward.toml, 32 the state hash of the house: the end
   Names: keyring.backup, store, ward.toml, audit/heads, audit/leaves, audit/security.log, and
   audit/ with the name of a rotated log.  docs/backup.md says what each holds. */
#ifndef WARD_CMD_BACKUP_H
#define WARD_CMD_BACKUP_H

#include "cmd/audit_log.h"
#include "cmd/keyring_copy.h"
#include "store/vault.h"

enum { BACKUP_NAME_LEN = 96, BACKUP_PIECE = 64 << 10, BACKUP_PATH = COPY_PATH };

/* What a house is, whatever machine it is on. */
struct house_state {
    int64_t created;
    uint8_t store[32];
    uint64_t log_size;
    uint8_t log_root[32];
    uint8_t config[32];
    uint8_t hash[32]; /* of all above but the time */
};

/* backup_path makes "folder/name"; empty, which opens nothing, where that is too long. */
void backup_path(char out[BACKUP_PATH], const char *folder, const char *name);

void house_state_seal(struct house_state *state);
bool house_state_equal(const struct house_state *a, const struct house_state *b);

/* backup_say says a failure of the store or the stream in words, and gives the exit code. */
enum exit_code backup_say(const char *command, rc failure);

/* backup_print writes what was done: JSON on one line, or lines for people. */
enum exit_code backup_print(bool json, const char *path, uint64_t bytes,
                            const struct house_state *state);

/* backup_file_out and backup_file_in are a descriptor as either end of a stream. */
struct backup_out backup_file_out(int *fd);
struct backup_in backup_file_in(int *fd);

/* backup_phrase_read reads the passphrase of keyring_phrase's descriptor and rewinds it. */
MUST_USE
bool backup_phrase_read(int fd, uint8_t out[ARGON2_PASSPHRASE_MAX], size_t *len);

/* backup_pack.c: the house in `settings` into the stream.  `keys` is its keyring, made by
   ward-keyring for this backup; config the bytes of ward.toml.  It has said what failed. */
struct backup_source {
    struct invocation *in;
    const struct settings *settings;
    int keys;
    struct span config;
};

MUST_USE
enum exit_code backup_pack(const struct backup_source *source, struct vault *vault,
                           struct house_state *out);

/* backup_unpack.c: the stream into an empty folder; *said is what its end says. */
MUST_USE
rc backup_unpack(struct trail *trail, struct vault *vault, const char *folder, int64_t now,
                 struct house_state *said);

/* backup_prove.c: the folder's log is verified to its heads and its end, its store opened and
   read, and both are what is said.  *generation is the latest that the log knows of. */
MUST_USE
enum exit_code backup_prove(struct invocation *in, const char *folder,
                            const struct house_state *said, int64_t *generation);

/* The log of an open folder, read to its end. */
struct backup_log {
    uint64_t size;
    uint8_t root[32];
    uint64_t torn;      /* bytes of an unfinished last line */
    int64_t generation; /* of the store, as the log knows it */
};

MUST_USE
enum exit_code backup_log_verify(struct invocation *in, const struct audit_heads *heads,
                                 struct audit_log *log, struct backup_log *out);

#endif
