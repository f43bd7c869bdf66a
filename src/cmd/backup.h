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

/* backup_random_name makes one that no folder beside it has. */
enum { BACKUP_RANDOM_NAME = 17 };
void backup_random_name(char out[BACKUP_RANDOM_NAME]);

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
    int store;              /* the stream of a store that is a server; -1: it is in the folder */
    uint8_t store_hash[32]; /* of such a store */
    int64_t generation;     /* that the log knew of before the store was read */
};

MUST_USE
enum exit_code backup_pack(const struct backup_source *source, struct vault *vault,
                           struct house_state *out);

/* backup_server.c: a store that is a server, between it and the file `stream`, which is taken from
   its beginning on.  They have said what failed.  The server is spoken to by a child that is core's
   user and has none of the secrets of this command: what a server says is never parsed as root. */
MUST_USE
bool backup_is_server(const struct settings *settings);

MUST_USE
enum exit_code backup_server_write(const char *command, const struct settings *settings, int stream,
                                   int64_t generation, uint8_t state[32]);

/* backup_judge: a store that was read, against the generation that the log knew of before:
   STORE_ROLLED_BACK. */
MUST_USE
rc backup_judge(const struct backup_proof *proof, int64_t generation);

/* backup_server_fill fills the empty database; with !keep it is tried, and taken back.  A
   backup that was kept there for this very folder, and is still as it was, is success again. */
MUST_USE
enum exit_code backup_server_fill(const char *command, const struct settings *settings, int stream,
                                  const struct house_state *state, bool keep);

/* backup_unpack.c: the stream into an empty folder; *said is what its end says. */
MUST_USE
rc backup_unpack(struct trail *trail, struct vault *vault, const char *folder, int64_t now,
                 struct house_state *said);

/* backup_prove.c: the folder's log is verified to its heads and its end, its store opened and
   read, both are what is said, and the log is the one that the store knows: STORE_LOG_ROLLED_BACK.
   *generation is the latest that the log knows of. */
MUST_USE
enum exit_code backup_prove(struct invocation *in, const char *folder,
                            const struct house_state *said, int64_t *generation);

/* The log of an open folder, read to its end. */
struct backup_log {
    uint64_t size;
    uint8_t root[32];
    uint64_t torn;      /* bytes of an unfinished last line */
    int64_t generation; /* of the store, as the log knows it */
    /* The caller's size of it, 0: none is asked for; the root that the log had then, zeros when it
       is not that long. */
    struct merkle_head anchor;
};

/* backup_prove_log is backup_log_verify of the log in a state folder. */
MUST_USE
enum exit_code backup_prove_log(struct invocation *in, const char *folder, struct backup_log *out);

MUST_USE
enum exit_code backup_log_verify(struct invocation *in, const struct audit_heads *heads,
                                 struct audit_log *log, struct backup_log *out);

#endif
