/* bans.c - see core.h: who is banned, and for what.  Front tells of offences, the monitor of the
   end of processes, verify of evidence that ended its judge; the owner bans and lifts. */
#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"
#include "proc/log.h"
#include "proc/tables.h"

static uint64_t now_us(void)
{
    return (uint64_t)clock_monotonic_ms() * 1000;
}

rc core_bans_open(struct trail *trail, struct core *core)
{
    struct core_bans *bans = &core->bans;
    const int *files = core->house->files;
    bans->never = address_list_over(bans->networks, 2 * CONFIG_NETWORKS_MAX);
    bans->serving = serving_read(files[FILE_SERVING_READ]);
    /* An edge is banned for nobody's deeds: with it all its clients would be. */
    if (!address_list_read(&bans->never, span_text(core->house->settings.never_ban)) ||
        !address_list_read(&bans->never, span_text(core->house->settings.proxies)) ||
        bans->serving == NULL || !bans_write(&bans->table, files[FILE_BANS], &bans->never))
        return FAIL(trail, RC_WORLD, HOUSE_E_FILE);
    return RC_SUCCESS;
}

/* A flood of addresses fills the table and not the disk. */
static void tell(struct core *core, const struct address *address)
{
    struct core_refusals *told = &core->bans.told;
    struct ban ban;
    if (!ban_find(&core->bans.table.bans.view, address, now_us(), &ban))
        return;
    if (!refusals_may_record(told, CORE_BANS_TOLD)) {
        told->unrecorded++;
        return;
    }
    char text[ADDRESS_TEXT_ROOM + 1];
    struct sink peer = sink_over(text, ADDRESS_TEXT_ROOM);
    core_peer_write(&peer, &ban.peer);
    sink_terminate(&peer);
    log_event("banned peer=%s offence=%s", text, offence_name(ban.offence));
    told->unrecorded = core_log_ban(core, &ban, told->unrecorded) ? 0 : told->unrecorded + 1;
}

bool core_has_suspects(const struct core *core)
{
    return ban_count(&core->bans.table.suspects.view, now_us()) > 0;
}

/* A ban that begins is of interest to who is connected from there. */
static void offend(struct core *core, const struct address *address, enum offence offence)
{
    struct bans_writer *table = &core->bans.table;
    enum ban_outcome outcome = ban_offend(&table->bans, address, offence, now_us());
    if (outcome != BAN_BEGUN)
        return;
    core_bans_changed(core);
    tell(core, address);
}

void core_bans_changed(struct core *core)
{
    __atomic_add_fetch(core->bans.table.changes, 1, __ATOMIC_RELEASE);
}

/* Front is believed that this was done from there, for nobody else has seen it, and no further:
   which offences it may name, and who is never banned, is decided here. */
rc core_on_offence(struct trail *trail, void *self, struct call *call)
{
    struct address address;
    uint8_t offence = 0;
    if (!cur_u8(&call->body, &offence) ||
        !cur_copy(&call->body, address.bytes, sizeof address.bytes) || !cur_end(&call->body) ||
        (offence != OFFENCE_GRACE_EXCEEDED && offence != OFFENCE_ABUSE))
        return door_fault(trail, call, DOOR_E_BODY);
    offend(self, &address, (enum offence)offence);
    return RC_SUCCESS;
}

static void judge_one(struct core *core, const struct address *peer)
{
    struct bans_writer *table = &core->bans.table;
    uint64_t now = now_us();
    switch (crash_judge(table->crashes, peer, now)) {
    case CRASH_CLEAR:
        break;
    case CRASH_GUILTY:
        offend(core, peer, OFFENCE_CRASH);
        (void)ban_impose(&table->suspects, peer, now + CRASH_MEMORY_US, now);
        break;
    case CRASH_SUSPECT:
        (void)ban_impose(&table->suspects, peer, now + CRASH_MEMORY_US, now);
        break;
    }
}

/* The newest crash has named them.  A suspect is served alone by front until it is cleared by
   time; who is never banned is never held up either. */
static void judge_named(struct core *core)
{
    const struct crash_log *log = core->bans.table.crashes;
    const struct crash *crash = &log->crashes[(log->count - 1) % CRASHES_MAX];
    for (size_t i = 0; i < crash->peers && i < CRASH_PEERS_MAX; i++)
        judge_one(core, &crash->named[i]);
}

/* The number first: a core that ends between the two forgets a crash, and none counts twice. */
void core_front_died(struct core *core, const struct happening *happening)
{
    struct bans_writer *table = &core->bans.table;
    struct address *left = core->scratch;
    size_t most = CORE_SCRATCH_MAX / sizeof *left;
    if (happening->number <= *table->crash_seen)
        return;
    *table->crash_seen = happening->number;
    size_t count = serving_left(core->bans.serving, happening->pid, left, most);
    if (count == 0)
        return;
    log_event("front died while it served peers=%zu", count);
    crash_note(table->crashes, left, count, now_us());
    judge_named(core);
}

/* Each piece of evidence has a process of its own, so whoever sent it was alone.  The owner's
   socket has no address, and nobody is blamed for what came over it. */
void core_evidence_crashed(struct core *core, const struct request *request)
{
    struct address address;
    memcpy(address.bytes, request->address, sizeof address.bytes);
    if (bytes_are_zero(address.bytes, sizeof address.bytes))
        return;
    crash_note(core->bans.table.crashes, &address, 1, now_us());
    judge_named(core);
}
