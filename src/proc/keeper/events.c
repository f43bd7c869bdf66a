/* events.c - see keeper.h: what the security log is told of keys.

   The keeper never waits for the log: one record is under way at a time, and the next one
   follows its acknowledgement.  A change of the keyring is durable in the sealed file first;
   the standing says up to which generation the log has the records, so that a crash between
   the two only repeats them.  What a generation changed is seen from the keyring itself: the
   first made every key, each later one put its new key last.

   A refusal must not be able to fill the log, or to feed on itself (a record needs a head,
   and a head that is refused makes a record): of each kind one record a minute, with their
   number. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/audit_client.h"
#include "proc/keeper/keeper.h"
#include "proc/log.h"

enum { ID_TEXT = 2 * KEY_ID };

void keeper_log(const char *event, rc failure, const struct trail *trail)
{
    enum reason reason = reason_of_rc(failure, REASON_NONE);
    if (reason != REASON_NONE)
        log_event("%s reason=%s", event, reason_info(reason)->name);
    log_failure(event, failure, trail);
}

void keeper_refused(struct keeper *keeper, enum keeper_refused kind, rc refusal,
                    const struct trail *trail)
{
    static const char *const events[REFUSED_COUNT] = {
        [REFUSED_HANDSHAKE] = "handshake not signed",
        [REFUSED_HEAD] = "head not signed",
        [REFUSED_TOKEN] = "token not signed",
        [REFUSED_RESULT] = "result not signed",
    };
    struct refused *refused = &keeper->refused[kind];
    if (refused->count < UINT32_MAX)
        refused->count++;
    refused->reason = reason_of_rc(refusal, REASON_KEYRING_NOT_WRITTEN);
    if (refused->count == 1) /* the others are told of as a number */
        keeper_log(events[kind], refusal, trail);
}

static void add_id(struct audit_record *record, const char *name, struct sink *text,
                   const struct keyring_key *key)
{
    sink_hex(text, SPAN(key->id));
    audit_add_text(record, name, sink_bytes(text));
}

/* The key that signed before this one; NULL for the first of its role. */
static const struct keyring_key *before(const struct keyring *ring, const struct keyring_key *key)
{
    const struct keyring_key *found = NULL;
    for (const struct keyring_key *one = ring->keys; one < key; one++) {
        if (one->role == key->role)
            found = one;
    }
    return found;
}

static rc put(struct keeper *keeper, struct audit_record *record, enum telling what)
{
    struct trail trail = { 0 };
    audit_set_actor(record, AUDIT_SYSTEM, span_text("keeper"));
    rc sent = audit_client_append(&trail, &keeper->house->channels[PEER_AUDIT], record,
                                  &keeper->teller.id);
    if (rc_ok(sent))
        keeper->teller.what = what;
    else
        keeper_log("event not sent to the log", sent, &trail);
    return sent;
}

static rc tell_created(struct keeper *keeper, const struct keyring_key *key)
{
    uint8_t id[ID_TEXT];
    struct sink text = sink_over(id, sizeof id);
    struct audit_record record = audit_record_of(AUDIT_EVENT_KEY_CREATE, AUDIT_SUCCESS, 0);
    add_id(&record, "key_id", &text, key);
    audit_set_resource(&record, sink_bytes(&text));
    audit_add_text(&record, "kind", span_text(key_kind_name(key->kind)));
    audit_add_text(&record, "role", span_text(key_role_name(key->role)));
    audit_add_number(&record, "generation", (int64_t)keeper->teller.told);
    return put(keeper, &record, TELLING_CHANGE);
}

static rc tell_rotated(struct keeper *keeper, const struct keyring_key *key,
                       const struct keyring_key *old)
{
    uint8_t ids[2][ID_TEXT];
    struct sink text = sink_over(ids[0], ID_TEXT), old_text = sink_over(ids[1], ID_TEXT);
    const struct standing *standing = &keeper->standing;
    struct audit_record record = audit_record_of(AUDIT_EVENT_KEY_ROTATE, AUDIT_SUCCESS, 0);
    add_id(&record, "key_id", &text, key);
    add_id(&record, "replaces", &old_text, old);
    audit_set_resource(&record, sink_bytes(&text));
    audit_add_text(&record, "role", span_text(key_role_name(key->role)));
    audit_add_number(&record, "generation", (int64_t)keeper->teller.told);
    if (key->role == KEY_ROLE_LOG)
        audit_add_text(&record, "handover", span_of(standing->handover, standing->handover_len));
    return put(keeper, &record, TELLING_CHANGE);
}

static rc tell_change(struct keeper *keeper)
{
    const struct keyring *ring = &keeper->ring;
    struct teller *teller = &keeper->teller;
    teller->told = keeper->generation;
    if (keeper->generation == 1)
        return tell_created(keeper, &ring->keys[teller->step]);
    const struct keyring_key *key = &ring->keys[ring->count - 1];
    const struct keyring_key *old = before(ring, key);
    return old != NULL ? tell_rotated(keeper, key, old) : tell_created(keeper, key);
}

static rc tell_opened(struct keeper *keeper)
{
    static const char *const others[] = { [KEYFILE_OTHER_EMPTY] = "empty",
                                          [KEYFILE_OTHER_OLDER] = "older",
                                          [KEYFILE_OTHER_DAMAGED] = "damaged" };
    struct audit_record record = audit_record_of(AUDIT_EVENT_KEYRING_OPEN, AUDIT_SUCCESS, 0);
    audit_set_resource(&record, span_text("keyring"));
    audit_add_number(&record, "generation", (int64_t)keeper->generation);
    audit_add_text(&record, "other_slot", span_text(others[keeper->other]));
    return put(keeper, &record, TELLING_OPEN);
}

static rc tell_refused(struct keeper *keeper, size_t kind)
{
    static const char *const what[REFUSED_COUNT] = { [REFUSED_HANDSHAKE] = "handshake",
                                                     [REFUSED_HEAD] = "head",
                                                     [REFUSED_TOKEN] = "token",
                                                     [REFUSED_RESULT] = "result" };
    const struct refused *refused = &keeper->refused[kind];
    struct audit_record record = audit_record_of(AUDIT_EVENT_POLICY_REFUSE, AUDIT_DENIED, 0);
    audit_set_resource(&record, span_text(what[kind]));
    audit_add_text(&record, "reason", span_text(reason_info(refused->reason)->name));
    audit_add_number(&record, "times", refused->count);
    keeper->teller.kind = kind;
    keeper->teller.count = refused->count;
    return put(keeper, &record, TELLING_REFUSED);
}

bool keeper_all_told(const struct keeper *keeper)
{
    return keeper->standing.logged >= keeper->generation;
}

/* The kind of refusals that is due, or REFUSED_COUNT; *next is when one will be. */
static size_t refusal_due(const struct keeper *keeper, int64_t now_ms, int64_t *next)
{
    for (size_t kind = 0; kind < REFUSED_COUNT; kind++) {
        const struct refused *refused = &keeper->refused[kind];
        if (refused->count > 0 && refused->next_ms <= now_ms)
            return kind;
        if (refused->count > 0 && refused->next_ms < *next)
            *next = refused->next_ms;
    }
    return REFUSED_COUNT;
}

int64_t keeper_tell(struct keeper *keeper, int64_t now_ms)
{
    struct teller *teller = &keeper->teller;
    int64_t next = INT64_MAX;
    rc told;
    if (teller->id != 0 || !channel_is_open(&keeper->house->channels[PEER_AUDIT]))
        return INT64_MAX;
    if (now_ms < teller->next_ms)
        return teller->next_ms;
    if (!keeper_all_told(keeper) && !keeper->lost)
        told = tell_change(keeper);
    else if (!teller->opened)
        told = tell_opened(keeper);
    else {
        size_t kind = refusal_due(keeper, now_ms, &next);
        if (kind == REFUSED_COUNT)
            return next;
        told = tell_refused(keeper, kind);
    }
    if (rc_ok(told))
        return INT64_MAX;
    teller->next_ms = now_ms + KEEPER_AGAIN_MS;
    return teller->next_ms;
}

void keeper_log_is_gone(struct keeper *keeper)
{
    keeper->teller.id = 0;
    keeper->teller.what = TELLING_NOTHING;
    keeper->teller.next_ms = 0;
}

/* The log has it.  The first generation is a record for each of its keys. */
static rc change_is_told(struct trail *trail, struct keeper *keeper)
{
    struct teller *teller = &keeper->teller;
    struct standing next = keeper->standing;
    if (teller->told == 1 && ++teller->step < keeper->ring.count)
        return RC_SUCCESS;
    next.logged = teller->told;
    next.handover_len = 0;
    memset(next.handover, 0, sizeof next.handover);
    return keeper_write_standing(trail, keeper, &next);
}

static void refusals_are_told(struct keeper *keeper, int64_t now_ms)
{
    struct refused *refused = &keeper->refused[keeper->teller.kind];
    refused->count -= keeper->teller.count;
    refused->next_ms = now_ms + KEEPER_REFUSED_MS;
}

rc keeper_on_appended(struct trail *trail, void *self, struct call *call)
{
    struct keeper *keeper = self;
    struct teller *teller = &keeper->teller;
    enum telling what = teller->what;
    struct trail of_standing = { 0 };
    uint64_t seq = 0;
    (void)trail;
    if (call->id != teller->id || teller->id == 0)
        return RC_SUCCESS; /* of a record that was given up */
    teller->id = 0;
    teller->what = TELLING_NOTHING;
    if (!audit_client_appended(&call->body, &seq)) {
        teller->next_ms = clock_monotonic_ms() + KEEPER_AGAIN_MS;
        return RC_SUCCESS;
    }
    if (what == TELLING_OPEN)
        teller->opened = true;
    if (what == TELLING_REFUSED)
        refusals_are_told(keeper, clock_monotonic_ms());
    if (what != TELLING_CHANGE)
        return RC_SUCCESS;
    rc written = change_is_told(&of_standing, keeper);
    if (!rc_ok(written))
        keeper_log("what the log has is not kept", written, &of_standing);
    return RC_SUCCESS;
}
