/* admission.c - see core.h: the owner looks at bans and suspicions, imposes and lifts them. */
#include "base/number.h"
#include "codec/protobuf.h"
#include "os/clock.h"
#include "proc/core/core.h"

enum { LIST_USUAL = 100, LIST_MOST = 1000, PEER_TEXT = ADDRESS_TEXT_ROOM + 4 };

static uint64_t now_us(void)
{
    return (uint64_t)clock_monotonic_ms() * 1000;
}

/* An address, or a network that is what one peer is: a /64 as the list says it. */
static bool read_peer(struct span text, struct address *out)
{
    struct network network;
    if (!network_parse(text, &network))
        return false;
    bool whole = network.bits == ADDRESS_BITS;
    if (!whole && (network.bits != ADDRESS_PEER_BITS || address_is_v4(&network.base)))
        return false;
    *out = address_peer(&network.base);
    return true;
}

static bool is_known(const struct bans_writer *table, const struct address *peer)
{
    uint64_t now = now_us();
    return ban_find(&table->bans.view, peer, now, NULL) ||
           ban_find(&table->suspects.view, peer, now, NULL);
}

enum reason core_admission_wants(struct core *core, const struct request *request, struct ban *out)
{
    uint8_t memory[1024];
    struct arena scratch = arena_over(memory, sizeof memory);
    struct api_admission_impose_request impose = { .seconds = 0 };
    struct api_admission_lift_request lift;
    struct values_error error;
    struct ban ban = { .offence = OFFENCE_IMPOSED, .until_us = UINT64_MAX, .count = 1 };
    bool imposes = request->method == METHOD_ADMISSION_IMPOSE;
    bool read = imposes ? protobuf_read(&api_admission_impose_request, request->body, &scratch,
                                        &impose, &error)
                        : protobuf_read(&api_admission_lift_request, request->body, &scratch, &lift,
                                        &error);
    if (!read || !read_peer(imposes ? impose.address : lift.address, &ban.peer))
        return REASON_HTTP_BODY_INVALID;
    if (imposes && ban_is_never(&core->bans.table.bans, &ban.peer))
        return REASON_ADMIT_NEVER_BANNED;
    if (!imposes && !is_known(&core->bans.table, &ban.peer))
        return REASON_ADMIT_NOT_BANNED;
    if (impose.seconds > 0)
        ban.until_us = now_us() + (uint64_t)impose.seconds * 1000000;
    *out = ban;
    return REASON_OK;
}

static struct span peer_text(const struct address *peer, struct arena *scratch)
{
    uint8_t *room = arena_alloc(scratch, PEER_TEXT);
    struct sink text = sink_over(room, room == NULL ? 0 : PEER_TEXT);
    core_peer_write(&text, peer);
    return sink_bytes(&text);
}

static struct api_ban shown(const struct ban *ban, bool suspected, struct arena *scratch)
{
    return (struct api_ban){
        .address = peer_text(&ban->peer, scratch),
        .state = span_text(suspected ? "suspected" : "banned"),
        .offence = span_text(suspected ? "" : offence_name(ban->offence)),
        .count = ban->count,
        .until = core_ban_ends(ban) / 1000,
    };
}

/* One row after the other: those of the bans, then those of the suspects. */
static bool row_at(const struct bans_writer *table, size_t row, uint64_t now, struct ban *out,
                   bool *suspected)
{
    const size_t bans = (size_t)TABLES_BAN_SETS * BAN_WAYS;
    *suspected = row >= bans;
    return *suspected ? ban_at(&table->suspects.view, row - bans, now, out)
                      : ban_at(&table->bans.view, row, now, out);
}

enum reason core_admission_list(struct core *core, const struct request *request,
                                struct arena *scratch, struct sink *answer)
{
    const size_t rows = ((size_t)TABLES_BAN_SETS + TABLES_SUSPECT_SETS) * BAN_WAYS;
    struct api_admission_list_request wanted;
    struct api_admission_list_response list = { .next = 0 };
    struct values_error error;
    uint64_t now = now_us();
    if (!protobuf_read(&api_admission_list_request, request->body, scratch, &wanted, &error))
        return REASON_HTTP_BODY_INVALID;
    size_t most = wanted.limit == 0 ? LIST_USUAL : wanted.limit;
    struct api_ban *bans = arena_array(scratch, most, sizeof *bans);
    if (bans == NULL)
        return REASON_OUT_OF_MEMORY;
    list.bans.items = bans;
    for (size_t row = wanted.from; row < rows; row++) {
        struct ban ban;
        bool suspected;
        if (!row_at(&core->bans.table, row, now, &ban, &suspected))
            continue;
        if (list.bans.count == most) {
            list.next = (uint32_t)row;
            break;
        }
        bans[list.bans.count++] = shown(&ban, suspected, scratch);
    }
    return core_write(&api_admission_list_response, &list, answer);
}

enum reason core_admission_impose(struct core *core, const struct request *request,
                                  struct arena *scratch, struct sink *answer)
{
    struct ban ban;
    enum reason reason = core_admission_wants(core, request, &ban);
    if (reason != REASON_OK)
        return reason;
    if (ban_impose(&core->bans.table.bans, &ban.peer, ban.until_us, now_us()) == BAN_NO_ROOM)
        return REASON_ADMIT_BANS_FULL;
    core_bans_changed(core);
    struct api_ban said = shown(&ban, false, scratch);
    return core_write(&api_ban, &said, answer);
}

enum reason core_admission_lift(struct core *core, const struct request *request,
                                struct arena *scratch, struct sink *answer)
{
    struct ban ban;
    enum reason reason = core_admission_wants(core, request, &ban);
    if (reason != REASON_OK)
        return reason;
    (void)ban_lift(&core->bans.table.bans, &ban.peer);
    (void)ban_lift(&core->bans.table.suspects, &ban.peer);
    struct api_admission_lift_response said = { .address = peer_text(&ban.peer, scratch) };
    return core_write(&api_admission_lift_response, &said, answer);
}
