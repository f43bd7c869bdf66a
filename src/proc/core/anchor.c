/* anchor.c - see core.h: the store, opened before the jail, and the log's size and root in it.

   The log is kept by another process and could be put back to yesterday's copy with all that
   belongs to it; the store remembers how far it was.  A head that the audit process shows is
   anchored only when it is proven to extend the last one that was. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/log.h"

enum { FDS_LOOKED_AT = 256 };

static void mark_fds(bool open[FDS_LOOKED_AT])
{
    for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
        open[fd] = fcntl(fd, F_GETFD) >= 0;
}

/* What the library takes from the system at its first write is taken here, and the generation
   stays what it was: the store is judged by it. */
static rc open_store(struct trail *trail, struct core_store *store, int64_t now)
{
    TRY(trail, store_migrate(trail, &store->spec, now, UINT32_MAX));
    TRY(trail, store_open(trail, &store->spec, &store_limits_default, &store->store));
    TRY(trail, store_found(trail, &store->store, now));
    TRY(trail, store_touch(trail, &store->store));
    return store_anchor_read(trail, &store->store, &store->anchor);
}

static bool keep_new_fds(struct house *house, const bool before[FDS_LOOKED_AT])
{
    bool after[FDS_LOOKED_AT];
    mark_fds(after);
    for (int fd = 0; fd < FDS_LOOKED_AT; fd++) {
        if (after[fd] && !before[fd] && !house_keep_fd(house, fd))
            return false;
    }
    return true;
}

/* Without its store the house still answers, and doctor says why there is none. */
static bool try_store(struct core_store *store)
{
    struct trail trail = { 0 };
    rc opened = open_store(&trail, store, clock_now());
    store->reason = rc_ok(opened) ? REASON_OK : reason_of_rc(opened, REASON_STORE_IO);
    if (rc_ok(opened))
        return true;
    log_event("store not opened: %s", reason_info(store->reason)->name);
    log_failure("store not opened", opened, &trail);
    store_close(&store->store);
    return false;
}

void core_store_open(struct core *core)
{
    struct core_store *store = &core->store;
    const struct settings *settings = &core->house->settings;
    bool before[FDS_LOOKED_AT];
    signal(SIGXFSZ, SIG_IGN);
    store->reason = REASON_STORE_UNREACHABLE;
    if (strcmp(settings->store, "sqlite") != 0) {
        store->spec = (struct db_spec){ .kind = DB_POSTGRES,
                                        .place = settings->store,
                                        .password = store->password,
                                        .answer_ms = CORE_SERVER_MS,
                                        .once = true };
        store_password_read(core->house->files[FILE_PASSWORD], store->password);
        return;
    }
    snprintf(store->place, sizeof store->place, "%s/ward.db", settings->state);
    store->spec = (struct db_spec){ .kind = DB_SQLITE,
                                    .place = store->place,
                                    .answer_ms = CORE_TURN_MS };
    mark_fds(before);
    if (try_store(store) && !keep_new_fds(core->house, before))
        store->reason = REASON_STORE_UNREACHABLE;
}

enum reason core_store_is_there(const struct core *core)
{
    if (core->store.reason != REASON_OK)
        return core->store.reason;
    return core->store.judged ? REASON_OK : REASON_HOUSE_UNAVAILABLE;
}

rc core_store_reach(struct trail *trail, void *self, bool *reached)
{
    struct core *core = self;
    struct core_store *store = &core->store;
    (void)trail;
    if (store->spec.kind != DB_POSTGRES)
        return RC_SUCCESS;
    *reached = true;
    if (try_store(store))
        log_event("store opened: a server");
    store->spec.password = NULL;
    explicit_bzero(store->password, sizeof store->password);
    return RC_SUCCESS;
}

/* What the world took away it may give back, be it a server, room on the disk or memory, and a
   mistake of ours may be one of this life.  The store is opened before the jail, so the next one
   tries, and judges all of a file before it is used.  What was denied only people mend. */
int64_t store_step(struct core *core, int64_t now_ms)
{
    struct core_store *store = &core->store;
    if (core->house->stopping || store->reason == REASON_OK ||
        reason_info(store->reason)->class == RC_DENIED)
        return INT64_MAX;
    if (store->again_ms == 0) {
        int64_t wait = CORE_AGAIN_MS;
        for (uint32_t i = 0; i < core->house->settings.lives && wait < CORE_AGAIN_LONGEST_MS; i++)
            wait *= 2;
        store->again_ms = now_ms + wait;
    }
    if (now_ms < store->again_ms)
        return store->again_ms;
    struct frame again = { .message = CONTROL_AGAIN };
    if (!rc_ok(channel_put(NULL, &core->house->control, &again)))
        return now_ms + CORE_RETRY_MS;
    core->house->stopping = true; /* what is under way is finished first */
    return INT64_MAX;
}

/* From here on the store is not touched: it may have lost its file, and could not open it
   again where this process lives. */
static void give_up(struct core_store *store, enum reason reason)
{
    store->reason = reason;
    log_event("store given up: %s", reason_info(reason)->name);
}

static void ask(struct core *core, enum method method, struct span request)
{
    struct core_store *store = &core->store;
    struct channel *audit = &core->house->channels[PEER_AUDIT];
    uint8_t bytes[256];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)method);
    put_bytes(&body, request);
    struct frame frame = { .message = MSG_AUDIT_ASK,
                           .id = channel_next_id(audit),
                           .body = sink_bytes(&body) };
    bool asked = sink_ok(&body) && rc_ok(channel_put(NULL, audit, &frame));
    store->id = asked ? frame.id : 0;
    store->asked = method;
    store->next_ms = clock_monotonic_ms() + (asked ? CORE_ANSWER_MS : CORE_ANCHOR_MS);
}

static void move(struct core *core)
{
    struct core_store *store = &core->store;
    struct trail trail = { 0 };
    struct store_anchor to = { .size = (int64_t)store->head.size };
    memcpy(to.root, store->head.root.at, sizeof to.root);
    rc moved = store_anchor_move(&trail, &store->store, clock_now(), &to);
    if (rc_ok(moved)) {
        store->anchor = to;
        mark_put(core);
        return;
    }
    log_failure("anchor not moved", moved, &trail);
    bool again = rc_number(moved) == REASON_STORE_FULL || rc_number(moved) == REASON_STORE_BUSY;
    if (!again)
        give_up(store, reason_of_rc(moved, REASON_STORE_IO));
}

/* Nothing is to be written; that it could be is known of a file. */
static void look(struct core_store *store)
{
    struct trail trail = { 0 };
    rc looked = store->spec.kind == DB_POSTGRES ? store_look(&trail, &store->store) : RC_SUCCESS;
    if (rc_ok(looked))
        return;
    log_failure("store does not answer", looked, &trail);
    give_up(store, reason_of_rc(looked, REASON_STORE_IO));
}

/* Which of the two is the longer: the proof is from the shorter one.  A head that is behind
   the anchor is one that was not kept; the log itself may be as long as it was. */
static void compare(struct core *core)
{
    struct core_store *store = &core->store;
    uint64_t size = store->head.size, anchored = (uint64_t)store->anchor.size;
    uint8_t bytes[64];
    struct sink request = sink_over(bytes, sizeof bytes);
    struct api_audit_prove_request prove = { .size = size > anchored ? size : anchored,
                                             .old_size = size > anchored ? anchored : size };
    bool same = span_equal(SPAN(store->head.root.at), SPAN(store->anchor.root));
    if (anchored == 0 && size > 0) {
        move(core);
    } else if (size == anchored) {
        if (size > 0 && !same)
            give_up(store, REASON_STORE_LOG_ROLLED_BACK);
        else
            look(store);
    } else {
        if (prove.old_size == 0)
            prove.seq = anchored - 1;
        if (protobuf_write(&api_audit_prove_request, &prove, &request))
            ask(core, METHOD_AUDIT_PROVE, sink_bytes(&request));
    }
}

static void take_head(struct core *core, struct span body, struct arena *scratch)
{
    struct core_store *store = &core->store;
    struct api_audit_head_response head;
    struct values_error error;
    if (!protobuf_read(&api_audit_head_response, body, scratch, &head, &error) ||
        head.root_hash.len != sizeof store->head.root.at || head.size > INT64_MAX)
        return;
    store->head.size = head.size;
    memcpy(store->head.root.at, head.root_hash.at, sizeof store->head.root.at);
    compare(core);
}

static bool read_proof(struct span body, struct arena *scratch, struct merkle_proof *out)
{
    struct api_audit_prove_response answer;
    struct values_error error;
    if (!protobuf_read(&api_audit_prove_response, body, scratch, &answer, &error) ||
        answer.hashes.count > MERKLE_PROOF_MAX)
        return false;
    const struct span *hashes = answer.hashes.items;
    out->count = answer.hashes.count;
    for (size_t i = 0; i < out->count; i++) {
        if (hashes[i].len != sizeof out->at[i].at)
            return false;
        memcpy(out->at[i].at, hashes[i].at, sizeof out->at[i].at);
    }
    return true;
}

static void take_proof(struct core *core, struct span body, struct arena *scratch)
{
    struct core_store *store = &core->store;
    struct merkle_head anchor = { .size = (uint64_t)store->anchor.size };
    struct merkle_proof proof = { 0 };
    memcpy(anchor.root.at, store->anchor.root, sizeof anchor.root.at);
    bool grown = store->head.size > anchor.size;
    const struct merkle_head *old = grown ? &anchor : &store->head;
    const struct merkle_head *new = grown ? &store->head : &anchor;
    if (old->size == 0) /* as long as it was: the next head will be compared */
        return;
    if (!read_proof(body, scratch, &proof) ||
        !rc_ok(merkle_check_consistency(old, new, &proof, NULL)))
        give_up(store, REASON_STORE_LOG_ROLLED_BACK);
    else if (grown)
        move(core);
}

/* What has expired does no harm where it lies: a sweep that fails is made at the next start. */
static void sweep(struct core_store *store)
{
    struct trail trail = { 0 };
    int64_t swept = 0;
    rc done = store_sweep(&trail, &store->store, clock_now(), &swept);
    if (!rc_ok(done))
        log_failure("store not swept", done, &trail);
}

/* Whether it is a copy of another day is known before anything is done with it. */
static void take_marks(struct core *core, struct span body, struct arena *scratch)
{
    struct core_store *store = &core->store;
    struct trail trail = { 0 };
    bool last = false;
    if (!mark_found(core, body, scratch, &last))
        return;
    if (last) {
        rc judged = mark_judge(&trail, store);
        store->judged = rc_ok(judged);
        if (rc_ok(judged))
            sweep(store);
        else
            give_up(store, reason_of_rc(judged, REASON_STORE_IO));
    }
    store->next_ms = clock_monotonic_ms();
}

bool anchor_answered(struct core *core, uint64_t id, enum reason reason, struct span body)
{
    struct core_store *store = &core->store;
    if (store->id == 0 || store->id != id)
        return false;
    struct arena scratch = arena_over(core->scratch, CORE_SCRATCH_MAX);
    store->id = 0;
    store->next_ms = clock_monotonic_ms() + CORE_ANCHOR_MS;
    if (store->asked == METHOD_AUDIT_QUERY && reason != REASON_OK)
        store->cursor_len = 0; /* a rotation came between: from the beginning */
    else if (reason == REASON_OK && store->asked == METHOD_AUDIT_QUERY)
        take_marks(core, body, &scratch);
    else if (reason == REASON_OK && store->asked == METHOD_AUDIT_HEAD)
        take_head(core, body, &scratch);
    else if (reason == REASON_OK)
        take_proof(core, body, &scratch);
    else if (reason == REASON_AUDIT_PROOF_RANGE && store->asked == METHOD_AUDIT_PROVE)
        give_up(store, REASON_STORE_LOG_ROLLED_BACK); /* it is shorter than it was */
    return true;
}

int64_t anchor_step(struct core *core, int64_t now_ms)
{
    struct core_store *store = &core->store;
    if (store->reason != REASON_OK)
        return INT64_MAX;
    uint8_t bytes[128];
    struct sink request = sink_over(bytes, sizeof bytes);
    if (now_ms < store->next_ms)
        return store->next_ms;
    if (store->judged)
        ask(core, METHOD_AUDIT_HEAD, (struct span){ 0 });
    else if (mark_search(store, &request))
        ask(core, METHOD_AUDIT_QUERY, sink_bytes(&request));
    return store->next_ms;
}
