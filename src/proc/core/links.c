/* links.c - see links.h. */
#include "proc/core/links.h"

#include <string.h>

#include "base/number.h"
#include "os/clock.h"
#include "proc/core/core.h"
#include "proc/core/records.h"

bool core_links_open(struct core *core)
{
    struct core_links *links = &core->links;
    struct arena *arena = &core->house->arena;
    links->rows = arena_room(arena, LINKS_MAX * sizeof *links->rows);
    for (size_t i = 0; i < COUNT_OF(links->policy.rooms); i++)
        links->policy.rooms[i] = arena_room(arena, LINK_POLICY_ROOM);
    links->untold = arena_room(arena, LINKS_MAX * sizeof *links->untold);
    for (size_t i = 0; i < COLLATERAL_OWN; i++) {
        links->own[i].bytes = arena_room(arena, COLLATERAL_BODY_MAX);
        if (links->own[i].bytes == NULL)
            return false;
    }
    return links->rows != NULL && links->untold != NULL && links->policy.rooms[0] != NULL &&
           links->policy.rooms[1] != NULL && link_blocks_open(&links->blocks, arena);
}

uint64_t link_number(const struct core *core, const struct core_link *link)
{
    return (uint64_t)link->generation << 32 | (uint64_t)(link - core->links.rows + 1);
}

struct core_link *link_find(struct core *core, uint64_t number)
{
    uint32_t at = (uint32_t)number;
    if (at == 0 || at > core->links.used)
        return NULL;
    struct core_link *link = &core->links.rows[at - 1];
    return link->state == LINK_OPEN && link->generation == (uint32_t)(number >> 32) ? link : NULL;
}

bool link_is_called(const struct core_link *link)
{
    return link->peer != LINK_NOBODY;
}

/* Those who called the house leave as many rows as it may call peers. */
static bool has_place(const struct core_links *links, bool called)
{
    uint32_t rows = links->open + links->waiting - links->called;
    return called || (links->waiting - links->called_waiting < LINKS_WAITING_MAX &&
                      rows < LINKS_MAX - LINKS_CALLED_MAX);
}

/* A row that was never used has no generation yet. */
static struct core_link *occupy(struct core_links *links, bool called)
{
    uint32_t at = links->free;
    uint32_t generation = 1;
    if (at == 0 && links->used == LINKS_MAX)
        return NULL;
    if (at == 0) {
        at = ++links->used;
    } else {
        generation = links->rows[at - 1].generation;
        links->free = (uint32_t)links->rows[at - 1].question;
    }
    struct core_link *link = &links->rows[at - 1];
    *link = (struct core_link){ .state = LINK_WAITS, .generation = generation };
    links->waiting++;
    links->called += called;
    links->called_waiting += called;
    return link;
}

void link_drop(struct core *core, struct core_link *link)
{
    struct core_links *links = &core->links;
    uint32_t generation = link->generation + 1;
    link_blocks_drop(&links->blocks, link->block);
    links->judged -= link->state == LINK_JUDGED ||
                     (link->state == LINK_OPEN && link->question != 0);
    links->due -= link->due;
    links->called -= link_is_called(link);
    links->called_waiting -= link_is_called(link) && link->state != LINK_OPEN;
    if (link->state == LINK_OPEN)
        links->open--;
    else
        links->waiting--;
    *link = (struct core_link){ .generation = generation != 0 ? generation : 1,
                                .question = links->free };
    links->free = (uint32_t)(link - links->rows + 1);
}

bool link_tell_front(struct core *core, uint16_t message, uint64_t id, struct span body)
{
    struct frame frame = { .message = message, .id = id, .body = body };
    rc told = house_put(NULL, core->house, PEER_FRONT, &frame);
    return rc_class_of(told) != RC_BUSY; /* a front that is gone has no channels */
}

/* False: front has not heard of all that are over. */
static bool tell_ends(struct core *core)
{
    struct core_links *links = &core->links;
    uint32_t told = 0;
    for (; told < links->untold_count; told++) {
        const struct link_untold *over = &links->untold[told];
        uint8_t bytes[10];
        struct sink body = sink_over(bytes, sizeof bytes);
        sink_u64le(&body, over->number);
        sink_u16le(&body, (uint16_t)over->reason);
        if (!link_tell_front(core, MSG_LINK_END, over->front_id, sink_bytes(&body)))
            break;
    }
    links->untold_count -= told;
    memmove(links->untold, links->untold + told, links->untold_count * sizeof *links->untold);
    return links->untold_count == 0;
}

static bool answer(struct core *core, uint64_t front_id, enum reason reason, uint64_t number)
{
    uint8_t bytes[10];
    struct sink body = sink_over(bytes, sizeof bytes);
    sink_u16le(&body, (uint16_t)reason);
    sink_u64le(&body, number);
    return link_tell_front(core, MSG_LINK_JUDGED, front_id, sink_bytes(&body));
}

void link_refuse(struct core *core, struct core_link *link, enum reason reason)
{
    core_log_link_refuse(core, link, reason);
    (void)answer(core, link->front_id, reason, 0); /* unheard, it ends by its own deadline */
    link_drop(core, link);
}

void link_end(struct core *core, struct core_link *link, enum reason reason)
{
    struct core_links *links = &core->links;
    /* There is room: front has no more open ones than there are rows. */
    if (links->untold_count < LINKS_MAX)
        links->untold[links->untold_count++] = (struct link_untold){ link_number(core, link),
                                                                     link->front_id, reason };
    (void)tell_ends(core);
    core_log_link_end(core, link, reason);
    link_session_end(core, link, reason);
    link_drop(core, link);
}

static bool read_judge(struct call *call, struct core_link *out, struct span parts[2])
{
    return cur_u8(&call->body, &out->role) &&
           (out->role == ATTESTED_INITIATOR || out->role == ATTESTED_RESPONDER) &&
           cur_u8(&call->body, &out->peer) &&
           cur_copy(&call->body, out->bound, sizeof out->bound) &&
           cur_u8(&call->body, &out->kind) && out->kind > ATTESTED_KIND_NONE &&
           out->kind <= ATTESTED_KIND_NITRO &&
           cur_copy(&call->body, out->address, sizeof out->address) &&
           cur_copy(&call->body, out->trace, sizeof out->trace) &&
           get_bytes(&call->body, LINK_PART_MAX, &parts[0]) && parts[0].len > 0 &&
           get_bytes(&call->body, LINK_PART_MAX, &parts[1]) && cur_end(&call->body);
}

/* The house begins with whom it has called just now, and with nobody else; in the profile that is
   set for him, and in no other. */
static bool may_be(const struct core *core, const struct core_link *link)
{
    if (link->role == ATTESTED_RESPONDER)
        return link->peer == LINK_NOBODY;
    return link->sdk ? peers_is_met_sdk(core, link->peer) : peers_is_met(core, link->peer);
}

/* One that is over before it was open. */
static void end_waiting(struct core *core, struct core_link *link, enum reason reason)
{
    if (link->state == LINK_LOGGED) /* its record says that it is open */
        core_log_link_end(core, link, reason);
    else
        core_log_link_refuse(core, link, reason);
    link_drop(core, link);
}

/* Front has one connection to each peer: with another one the older is gone, and may have gone
   unheard. */
static void give_up_older(struct core *core, uint8_t peer)
{
    struct core_links *links = &core->links;
    for (uint32_t i = 0; links->called_waiting > 0 && i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (link->state != LINK_FREE && link->state != LINK_OPEN && link->peer == peer)
            end_waiting(core, link, REASON_CHANNEL_TRUNCATED);
    }
}

static void take_in(struct core *core, struct core_link asked, const struct span parts[2])
{
    struct core_links *links = &core->links;
    bool called = link_is_called(&asked);
    if (called)
        give_up_older(core, asked.peer);
    struct core_link *link = has_place(links, called) ? occupy(links, called) : NULL;
    if (link == NULL) {
        core_log_link_refuse(core, &asked, REASON_LINK_FULL);
        (void)answer(core, asked.front_id, REASON_LINK_FULL, 0);
        return;
    }
    asked.state = LINK_WAITS;
    asked.generation = link->generation;
    asked.order = ++links->order;
    asked.until_ms = clock_monotonic_ms() + LINKS_FIRST_MS;
    asked.evidence_len = (uint32_t)parts[0].len;
    asked.log_len = (uint32_t)parts[1].len;
    *link = asked;
    if (core->house->settings.channel_policy[0] == 0 && !peers_has_policy(core, link->peer))
        link_refuse(core, link, REASON_LINK_NO_POLICY);
    else if (!link_blocks_put(&links->blocks, parts, called ? 0 : LINKS_CALLED_BLOCKS,
                              &link->block))
        link_refuse(core, link, REASON_LINK_FULL);
}

rc core_on_link_judge(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_link asked = { .front_id = call->id };
    struct span parts[2];
    if (!read_judge(call, &asked, parts) || !may_be(core, &asked))
        return door_fault(trail, call, DOOR_E_BODY);
    take_in(core, asked, parts);
    return RC_SUCCESS;
}

rc core_on_sdk_link_judge(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    struct core_link asked = {
        .front_id = call->id, .role = ATTESTED_INITIATOR, .kind = ATTESTED_KIND_TDX, .sdk = true
    };
    struct span parts[2];
    if (!(cur_u8(&call->body, &asked.peer) &&
          cur_copy(&call->body, asked.bound, sizeof asked.bound) &&
          cur_copy(&call->body, asked.address, sizeof asked.address) &&
          cur_copy(&call->body, asked.trace, sizeof asked.trace) &&
          get_bytes(&call->body, LINK_PART_MAX, &parts[0]) && parts[0].len > 0 &&
          get_bytes(&call->body, LINK_PART_MAX, &parts[1]) && cur_end(&call->body)) ||
        !may_be(core, &asked))
        return door_fault(trail, call, DOOR_E_BODY);
    take_in(core, asked, parts);
    return RC_SUCCESS;
}

/* Front has ended a handshake that core still has a part in. */
static void give_up(struct core *core, uint64_t front_id, enum reason reason)
{
    struct core_links *links = &core->links;
    for (uint32_t i = 0; links->waiting > 0 && i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (link->state == LINK_FREE || link->state == LINK_OPEN || link->front_id != front_id)
            continue;
        end_waiting(core, link, reason);
        return;
    }
}

rc core_on_link_over(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint64_t number = 0;
    uint16_t reason = 0;
    if (!(cur_u64le(&call->body, &number) && cur_u16le(&call->body, &reason) &&
          reason < REASON_COUNT && cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_link *link = link_find(core, number);
    if (number == 0)
        give_up(core, call->id, (enum reason)reason);
    if (link == NULL)
        return RC_SUCCESS; /* core has ended it meanwhile */
    core_log_link_end(core, link, (enum reason)reason);
    link_session_end(core, link, (enum reason)reason);
    link_drop(core, link);
    return RC_SUCCESS;
}

/* A peer that talks much is counted: its words are not the log's only content. */
rc core_on_link_note(struct trail *trail, void *self, struct call *call)
{
    struct core *core = self;
    uint64_t number = 0;
    struct span text;
    int64_t now = clock_monotonic_ms();
    if (!(cur_u64le(&call->body, &number) && get_bytes(&call->body, LINK_NOTE_MAX, &text) &&
          cur_end(&call->body)))
        return door_fault(trail, call, DOOR_E_BODY);
    struct core_link *link = link_find(core, number);
    if (link == NULL || (link->note_ms != 0 && now - link->note_ms < LINKS_NOTE_MS))
        return RC_SUCCESS;
    link->note_ms = now;
    core_log_link_note(core, link, text);
    return RC_SUCCESS;
}

/* One that is due already keeps its place. */
static void mark_due(struct core_links *links, struct core_link *link)
{
    link->due_ms = 0;
    if (link->due)
        return;
    link->due = true;
    link->due_since_ms = clock_monotonic_ms();
    link->order = ++links->order;
    links->due++;
}

void links_look_again(struct core *core)
{
    struct core_links *links = &core->links;
    sdk_look_again(core);
    links->epoch++;
    for (uint32_t i = 0; i < links->used; i++) {
        if (links->rows[i].state == LINK_OPEN)
            mark_due(links, &links->rows[i]);
    }
}

/* What it was judged with has ended: whether there is newer is verify's to know. */
static void look_at_ends(struct core_links *links)
{
    int64_t now = clock_now();
    for (uint32_t i = 0; i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (link->state == LINK_OPEN && !link->due && link->valid_until != 0 &&
            link->valid_until <= now)
            mark_due(links, link);
    }
}

static void expire(struct core *core, int64_t now_ms, int64_t *next)
{
    struct core_links *links = &core->links;
    for (uint32_t i = 0; links->waiting > 0 && i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (link->state == LINK_FREE || link->state == LINK_OPEN)
            continue;
        if (link->until_ms <= now_ms) {
            bool logs = link->state == LINK_LOGGED;
            if (logs) {
                core_not_logged(core);
                core_log_link_end(core, link, REASON_AUDIT_CANNOT_LOG); /* behind a late record */
            }
            link_refuse(core, link, logs ? REASON_AUDIT_CANNOT_LOG : REASON_HOUSE_DEADLINE);
        } else if (link->until_ms < *next) {
            *next = link->until_ms;
        }
    }
}

int64_t links_step(struct core *core, int64_t now_ms)
{
    struct core_links *links = &core->links;
    int64_t next = INT64_MAX;
    links_sweep_sessions(core, now_ms);
    if (!tell_ends(core))
        next = now_ms + LINKS_TELL_MS;
    core_log_links_unrecorded(core, now_ms, &next);
    links_policy_step(core, now_ms, &next);
    links_quotes_expire(core, now_ms, &next);
    expire(core, now_ms, &next);
    if (links->open > 0 && now_ms >= links->look_ms) {
        links->look_ms = now_ms + LINKS_LOOK_MS;
        look_at_ends(links);
    }
    /* In a quiet house, too: verify is asked by others than links. */
    if (channel_is_open(&core->house->channels[PEER_VERIFY]) && !links_tell_own(core, now_ms) &&
        now_ms + LINKS_TELL_MS < next)
        next = now_ms + LINKS_TELL_MS;
    links_ask_verify(core, now_ms);
    if (links->open > 0 && links->look_ms < next)
        next = links->look_ms;
    /* A place at verify may be free again, and a judge be there again. */
    bool more = links->due > 0 || links->waiting > 0;
    return more && now_ms + LINKS_AGAIN_MS < next ? now_ms + LINKS_AGAIN_MS : next;
}

bool links_appended(struct core *core, uint64_t id, bool logged)
{
    struct core_links *links = &core->links;
    for (uint32_t i = 0; links->waiting > 0 && i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (link->state != LINK_LOGGED || link->question != id)
            continue;
        if (!logged) {
            link_refuse(core, link, REASON_AUDIT_CANNOT_LOG);
            return true;
        }
        link->state = LINK_OPEN;
        link->question = 0;
        links->waiting--;
        links->called_waiting -= link_is_called(link);
        links->open++;
        if (link->epoch != links->epoch)
            mark_due(links, link); /* changed since verify was asked */
        /* One that front does not hear of is not open there, and nobody would ever end it. */
        if (!tell_ends(core) || !answer(core, link->front_id, REASON_OK, link_number(core, link))) {
            core_log_link_end(core, link, REASON_HOUSE_UNAVAILABLE);
            link_drop(core, link);
        }
        return true;
    }
    return false;
}

/* All of a front's channels ended with it. */
static void front_is_gone(struct core *core)
{
    struct core_links *links = &core->links;
    uint32_t open = links->open;
    for (uint32_t i = 0; i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        if (link->state == LINK_OPEN)
            link_session_end(core, link, REASON_HOUSE_UNAVAILABLE);
        if (link->state != LINK_FREE)
            link_drop(core, link);
    }
    links->untold_count = 0;
    if (open > 0)
        core_log_links_end(core, open, REASON_HOUSE_UNAVAILABLE);
    for (size_t i = 0; i < COUNT_OF(links->quotes); i++)
        links->quotes[i].id = 0;
}

/* What verify was asked it will never answer: it is asked again. */
static void verify_is_gone(struct core *core)
{
    struct core_links *links = &core->links;
    for (uint32_t i = 0; links->judged > 0 && i < links->used; i++) {
        struct core_link *link = &links->rows[i];
        bool first = link->state == LINK_JUDGED;
        if (!first && !(link->state == LINK_OPEN && link->question != 0))
            continue;
        if (first)
            link->state = LINK_WAITS;
        link->question = 0;
        links->judged--;
    }
    links_policy_gone(core);
}

void links_peer(struct core *core, enum peer peer, bool open)
{
    if (peer == PEER_FRONT)
        front_is_gone(core);
    if (peer == PEER_VERIFY)
        verify_is_gone(core);
    if (peer == PEER_TEE)
        links_quotes_gone(core);
    if (peer == PEER_VERIFY)
        core->links.own_told = false;
    if (open && (peer == PEER_TEE || peer == PEER_VERIFY))
        links_ask_own(core);
}
