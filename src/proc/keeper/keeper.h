/* keeper.h - the process that holds every long-term key.  It has no network and opens no file:
   one descriptor leads to its sealed file, which it reads and writes in place.

   Nobody is told a private part, and no key is used on bytes that guard/ does not recognise
   as exactly what that process may have signed. */
#ifndef WARD_PROC_KEEPER_H
#define WARD_PROC_KEEPER_H

#include "guard/guard.h"
#include "guard/keyfile.h"
#include "guard/keyring.h"
#include "merkle/proof.h"
#include "proc/house.h"
#include "proc/keeper/tls_read.h"
#include "proc/messages.h"
#include "secret/secret.h"

enum { TLS_POINT_LEN = 65 };   /* of a P-256 key, as front names it */
enum { KEEPER_GIVEN_MAX = 3 }; /* chains of the listener that front may use at once */

enum {
    KEEPER_CERTIFICATE_MAX = 2048, /* bytes of one of its own certificates */
    KEEPER_LEAF_S = 90 * 86400,    /* how long a listener's certificate is good */
    KEEPER_CA_S = 3650 * 86400,    /* and that of the CA */
    KEEPER_SKEW_S = 3600,          /* clocks that are behind see them as good, too */
    KEEPER_BLOCK = 4096,           /* apart, so that no sector holds two of them */
    KEEPER_FILE_LEN = KEYFILE_LEN + 2 * KEEPER_BLOCK, /* and the two blocks of the standing */
    KEEPER_HANDOVER = 640,       /* bytes of a note by which one log key names the next */
    KEEPER_WAIT_MS = 900,        /* for the log, before a key is not rotated */
    KEEPER_AGAIN_MS = 1000,      /* after the log would not take a record */
    KEEPER_REFUSED_MS = 60000,   /* refusals of one kind are told of once in this time */
    KEEPER_LOOK_MS = 600 * 1000, /* how often the listener's certificate is looked at */
};

/* What the keeper must not forget and the keyring does not say, kept behind the slots of the
   sealed file.  The last head that was signed: neither a restart nor the audit process can
   make the keeper sign a second story.  The generation of the keyring up to which the
   security log has its records.  And the note with which the log's key before this one named
   this one, until the log has it. */
struct standing {
    uint64_t counter; /* of these records; 0: none was written yet */
    struct merkle_head head;
    uint64_t logged;
    size_t handover_len;
    uint8_t handover[KEEPER_HANDOVER];
};

/* What is refused, counted until the security log is told. */
enum keeper_refused {
    REFUSED_HANDSHAKE,
    REFUSED_HEAD,
    REFUSED_TOKEN,
    REFUSED_RESULT,
    REFUSED_COUNT
};

struct refused {
    uint32_t count;
    enum reason reason; /* of the last one */
    int64_t next_ms;
};

/* What the security log is being told, one record at a time (events.c). */
enum telling { TELLING_NOTHING, TELLING_CHANGE, TELLING_OPEN, TELLING_REFUSED };

struct teller {
    enum telling what;
    uint64_t id;     /* of the question that is under way; 0: none */
    uint64_t told;   /* the generation that it is about, of a change */
    size_t step;     /* keys of generation 1 that were told of */
    size_t kind;     /* enum keeper_refused */
    uint32_t count;  /* how many refusals it is about */
    int64_t next_ms; /* not before */
    bool opened;     /* this start was told of */
};

/* A rotation that waits for the log to have the change before it. */
struct waiting_rotation {
    uint64_t id; /* of core's question; 0: none */
    enum key_role role;
    uint64_t generation; /* that the keyring must have; 0: any */
    int64_t until_ms;
};

/* An answer that waits for the front to have the new chain: what is done is in effect. */
struct held_answer {
    uint64_t id; /* 0: none */
    int64_t until_ms;
    size_t len;
    uint8_t bytes[64];
};

struct keeper {
    struct house *house;
    int file;
    struct secret_pool *pool;
    struct secret *seal;  /* the key of the sealed file */
    struct secret *plain; /* the keyring with its private parts */
    struct secret *next;  /* the one that takes its place, while keys are rotated */
    struct keyring ring;  /* without them */
    struct keyfile_head head;
    uint64_t generation;
    enum keyfile_other other; /* how the other slot was found */
    struct standing standing;
    bool lost; /* a write failed: what is on disk is not known, so no key is changed and no head
                  signed until it was written over */
    bool slot_lost;                          /* that of a keyring */
    bool lost_was_said;                      /* to people */
    int64_t mend_ms;                         /* when to try it again */
    struct guard front, audit, core;         /* how often each channel has asked */
    uint8_t given[KEEPER_GIVEN_MAX][KEY_ID]; /* keys whose chains the front's channel was given and
                                                may still use, the newest last */
    uint32_t given_count;
    bool front_is_behind;
    struct secret *room;                          /* to read the file of a key into */
    struct job_result_room *results;              /* and a result that is to be signed */
    struct file_pair pairs[KEEPER_GIVEN_MAX + 2]; /* those that were given, the next, and one that
                                                     is read */
    struct file_pair *pair;   /* whose certificate the listener shows; NULL: its own */
    enum reason pair_problem; /* why the files were not taken when they were read last */
    struct span origin;       /* the name of the log */
    char origin_text[64];
    struct refused refused[REFUSED_COUNT];
    struct teller teller;
    struct waiting_rotation waiting;
    struct held_answer held;
    int64_t look_ms; /* when to look at the listener's certificate again */
    int64_t leaf_until;
    size_t ca_len, leaf_len;
    uint8_t ca[KEEPER_CERTIFICATE_MAX], leaf[KEEPER_CERTIFICATE_MAX];
};

/* file.c */

/* keeper_open_file opens the sealed file with its standing, or makes it when it was never made
   whole.  A failure
   has a reason for its number, or one of enum house_error. */
MUST_USE
rc keeper_open_file(struct trail *trail, struct keeper *keeper);

/* keeper_store_next makes `next`, which is the plaintext of `ring`, the keyring: durable as the
   next generation first, then in use, and the plaintext before it wiped. */
MUST_USE
rc keeper_store_next(struct trail *trail, struct keeper *keeper, const struct keyring *ring);

/* Whole blocks behind the slots; a write is durable, or the keeper writes nothing more until
   keeper_mend. */
MUST_USE
rc keeper_read_block(struct trail *trail, struct keeper *keeper, size_t at, uint8_t *block,
                     size_t len);
MUST_USE
rc keeper_write_block(struct trail *trail, struct keeper *keeper, size_t at, struct span block);

/* keeper_mend writes over what a failed write left: the slot is emptied, the standing is written
   again.  Says when it wants to be called again. */
int64_t keeper_mend(struct keeper *keeper, int64_t now_ms);

/* ring.c */

/* keeper_make_ring fills `plain` with a new keyring, and the index of it. */
MUST_USE
rc keeper_make_ring(struct keeper *keeper);

/* keeper_prepare_rotation fills `next` with the keyring in which a new key takes over from the
   one of this role that signs, gives its index, and names both.  Of a role that came later than
   the keyring there is none yet: then the new one is its first. */
struct rotation {
    enum key_role role;
    int64_t now;
    struct keyring ring;
    struct keyring_key old, new;
    bool first; /* there is no old one */
};

MUST_USE
rc keeper_prepare_rotation(struct trail *trail, struct keeper *keeper, struct rotation *rotation);

/* head.c */
MUST_USE
rc keeper_load_standing(struct trail *trail, struct keeper *keeper);

/* keeper_write_standing makes these the standing; the counter is not the caller's. */
MUST_USE
rc keeper_write_standing(struct trail *trail, struct keeper *keeper, struct standing *next);
MUST_USE
rc keeper_on_sign_head(struct trail *trail, void *keeper, struct call *call);

/* sign.c */

/* keeper_sign uses the active key of a role on bytes that were checked already. */
MUST_USE
rc keeper_sign_p256(struct trail *trail, struct keeper *keeper, enum key_role role,
                    struct span message, uint8_t raw[64]);
MUST_USE
rc keeper_sign_ed25519(struct trail *trail, struct keeper *keeper, enum key_role role,
                       struct span message, uint8_t signature[64]);

/* keeper_sign_pair does so with the key of a file's. */
MUST_USE
rc keeper_sign_pair(struct trail *trail, const struct file_pair *pair, struct span message,
                    uint8_t raw[64]);

/* keeper_sign_note appends the log's signature to the text of a note. */
MUST_USE
rc keeper_sign_note(struct trail *trail, struct keeper *keeper, struct sink *note);
MUST_USE
rc keeper_on_used(struct trail *trail, void *keeper, struct call *call);
MUST_USE
rc keeper_on_sign_tls(struct trail *trail, void *keeper, struct call *call);
MUST_USE
rc keeper_on_sign_miner(struct trail *trail, void *keeper, struct call *call);
MUST_USE
rc keeper_on_sign_result(struct trail *trail, void *keeper, struct call *call);

/* certificates.c */

/* keeper_make_certificates makes the CA's own and the listener's from the keyring: the same
   ones at every start, as long as the keys are the same and the listener's has not run out.
   *changed tells whether they are others than before. */
MUST_USE
rc keeper_make_certificates(struct trail *trail, struct keeper *keeper, int64_t now, bool *changed);

/* keeper_publish_ca writes the file that clients read. */
MUST_USE
rc keeper_publish_ca(struct trail *trail, struct keeper *keeper);

/* keeper_renew_certificates makes them again, and tells the front when they are others. */
MUST_USE
rc keeper_renew_certificates(struct trail *trail, struct keeper *keeper);
MUST_USE
rc keeper_on_chain(struct trail *trail, void *keeper, struct call *call);

/* keeper_tell_front that the chain is another one. */
void keeper_tell_front(struct keeper *keeper);

/* tls_files.c */

/* keeper_open_tls_files takes the pair of the files that were handed over, if there are any.  A
   house that was ready once goes on with its own certificate when it cannot be taken; else the
   failure is its reason. */
MUST_USE
rc keeper_open_tls_files(struct trail *trail, struct keeper *keeper);

/* keeper_reload_tls_files: the same while it serves.  False: the one in force stays. */
bool keeper_reload_tls_files(struct keeper *keeper, const struct settings *next);

/* keeper_pair_of finds a pair that is in use by the id of its key; NULL: it is none of those. */
const struct file_pair *keeper_pair_of(const struct keeper *keeper, struct span id);

/* keeper_give: front was given the chain of this key.  keeper_given_key finds the key of a point
   among those that it may use; NULL: it is none of them.  keeper_used: no chain that it was given
   before this one is in use any more; keeper_give_none: it has none at all.  A pair that is neither
   in force nor in use is dropped. */
void keeper_give(struct keeper *keeper, const uint8_t id[KEY_ID]);
const struct keyring_key *keeper_given_key(const struct keeper *keeper, struct span point);
void keeper_used(struct keeper *keeper, struct span point);
void keeper_give_none(struct keeper *keeper);

/* keeper_tell_core which certificate is shown, and until when. */
void keeper_tell_core(struct keeper *keeper);

/* rotate.c, keyring_doors.c */
MUST_USE
rc keeper_on_rotate(struct trail *trail, void *keeper, struct call *call);

/* keeper_rotate_waiting does what waited, or refuses it, and answers what was held; says when it
 * wants to be called again. */
int64_t keeper_rotate_waiting(struct keeper *keeper, int64_t now_ms);
MUST_USE
rc keeper_on_list(struct trail *trail, void *keeper, struct call *call);

/* events.c */

/* keeper_refused counts a refusal, which the log is told of, and says it to people. */
void keeper_refused(struct keeper *keeper, enum keeper_refused kind, rc refusal,
                    const struct trail *trail);

/* keeper_tell puts the next record, if there is one and the log can take it; never waits.
   Returns when it wants to be called again. */
int64_t keeper_tell(struct keeper *keeper, int64_t now_ms);

/* keeper_log_is_gone: the audit process is another one, or none. */
void keeper_log_is_gone(struct keeper *keeper);

/* keeper_all_told: the log has a record of every change of the keyring. */
bool keeper_all_told(const struct keeper *keeper);
MUST_USE
rc keeper_on_appended(struct trail *trail, void *keeper, struct call *call);

/* keeper_log writes a failure for people, with the reason's name where it has one. */
void keeper_log(const char *event, rc failure, const struct trail *trail);

#endif
