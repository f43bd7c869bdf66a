/* collateral_folder.c - see collateral_folder.h. */
#include "cmd/collateral_folder.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "base/time.h"
#include "cmd/command.h"
#include "cmd/input.h"
#include "crypto/hash.h"
#include "os/fd.h"
#include "os/file.h"

enum { PATH_ROOM = 4096, DATE_LEN = 8, WHAT_LEN = 64 };

/* Files judged at once when a folder is tidied, besides the chains. */
enum { BATCH = 32, CHAIN_FILES = 32, TIDY_MEMORY = 64 * 1024 * 1024 };

/* How many of one thing stay. */
enum { GENERATIONS = 2 };

/* --- names ------------------------------------------------------------------------------- */

/* Names of items, and the kind that ward_collateral_item gives their content. */
static const struct {
    const char *label, *ending, *kind;
} forms[] = {
    { "tcb-info-", ".json", "tcb-info" },
    { "qe-identity-", ".json", "qe-identity" },
    { "pck-crl-", ".crl", "crl" },
    { "root-crl-", ".crl", "crl" },
};

static bool begins_with(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What stands between "tcb-info-" and "-20260101.json", when the name has that form. */
static bool item_name_is(const char *name, const char *label, const char *ending, size_t *stem)
{
    size_t len = strlen(name);
    size_t tail = 1 + DATE_LEN + strlen(ending);
    if (!begins_with(name, label) || len <= strlen(label) + tail ||
        len > strlen(label) + WHAT_LEN + tail || strcmp(name + len - strlen(ending), ending) != 0)
        return false;
    *stem = len - tail;
    const char *what = name + strlen(label);
    size_t what_len = *stem - strlen(label);
    return strspn(what, "0123456789abcdefghijklmnopqrstuvwxyz-") >= what_len &&
           name[*stem] == '-' && strspn(name + *stem + 1, "0123456789") == DATE_LEN;
}

/* The kind of an own name other than a chain's, else NULL; *stem is the length of what stands
   before the date. */
static const char *item_kind(const char *name, size_t *stem)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        if (item_name_is(name, forms[i].label, forms[i].ending, stem))
            return forms[i].kind;
    return NULL;
}

static bool is_chain_name(const char *name)
{
    return strlen(name) == CHAIN_NAME_LEN - 1 && begins_with(name, "chain-") &&
           strspn(name + 6, "0123456789abcdef") == 16 && strcmp(name + 22, ".pem") == 0;
}

static bool is_own_name(const char *name)
{
    size_t stem;
    return item_kind(name, &stem) != NULL || is_chain_name(name);
}

static void put_chain_name(struct span chain, char out[CHAIN_NAME_LEN])
{
    uint8_t digest[SHA256_LEN];
    hash_sha256(chain, digest);
    struct sink name = sink_over(out, CHAIN_NAME_LEN);
    sink_text(&name, "chain-");
    sink_hex(&name, span_of(digest, 8));
    sink_text(&name, ".pem");
    sink_terminate(&name);
}

static bool put_date(int64_t at, char out[DATE_LEN + 1])
{
    struct civil date;
    struct sink text = sink_over(out, DATE_LEN + 1);
    if (!time_to_civil(at, &date))
        return false;
    sink_format(&text, "%04d%02d%02d", date.year, date.month, date.day);
    sink_terminate(&text);
    return sink_ok(&text);
}

/* The part of a path behind its last '/'. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

/* --- writing ----------------------------------------------------------------------------- */

int kept_lock(const struct kept_folder *folder, bool *held)
{
    struct trail trail = { 0 };
    int lock = -1;
    rc r = folder_lock(&trail, folder->path, &lock, held);
    if (!rc_ok(r))
        say("%s: %s", folder->path, file_error_text(r));
    return lock;
}

/* What finds no room is done all the same, and only not told to a program. */
static void note_file(struct kept_folder *folder, const char *path, bool removed)
{
    struct span copy;
    if (folder->noted_count == KEPT_NOTED ||
        !arena_copy(&folder->in->arena, span_of(path, strlen(path) + 1), &copy))
        return;
    folder->noted[folder->noted_count++] = (struct kept_file){ (const char *)copy.at, removed };
}

static bool write_file(struct kept_folder *folder, const char *name, struct span bytes)
{
    char path[PATH_ROOM];
    struct trail trail = { 0 };
    int len = snprintf(path, sizeof path, "%s/%s", folder->path, name);
    if (len < 0 || (size_t)len >= sizeof path) {
        say("collateral fetch: the folder's name is too long");
        return false;
    }
    rc r = file_write_atomic(&trail, path, bytes, 0644);
    if (!rc_ok(r)) {
        say("collateral fetch: %s: %s", path, file_error_text(r));
        return false;
    }
    note_file(folder, path, false);
    if (json_wanted(folder->in))
        return true;
    print_safe(stdout, path);
    putchar('\n');
    return true;
}

bool kept_put_item(struct kept_folder *folder, const char *stem, const char *ending,
                   int64_t valid_from, struct span bytes)
{
    char name[160];
    char date[DATE_LEN + 1];
    if (!put_date(valid_from, date))
        return false;
    snprintf(name, sizeof name, "%s-%s.%s", stem, date, ending);
    return write_file(folder, name, bytes);
}

bool kept_put_chain(struct kept_folder *folder, struct span chain)
{
    char name[CHAIN_NAME_LEN];
    put_chain_name(chain, name);
    if (folder->chain_count < CHAINS_A_RUN)
        memcpy(folder->chains[folder->chain_count++], name, sizeof name);
    return write_file(folder, name, chain);
}

/* --- judging ----------------------------------------------------------------------------- */

/* Files that are judged together. */
struct pile {
    struct kept_folder *folder;
    struct arena *arena;
    struct ward_bytes *at;
    size_t count, room;
};

static bool pile_begin(struct pile *pile, struct kept_folder *folder, struct arena *arena,
                       size_t room)
{
    struct ward_bytes *at = arena_array(arena, room, sizeof *at);
    *pile = (struct pile){ folder, arena, at, 0, room };
    return at != NULL;
}

/* Puts one file of the folder on the pile; false when it is not there though it might count.
   What is too large to be collateral does not. */
static bool pile_add(struct pile *pile, const char *name)
{
    struct span bytes;
    struct trail trail = { 0 };
    size_t len = strlen(pile->folder->path) + strlen(name) + 2;
    char *path = arena_alloc(pile->arena, len);
    if (path == NULL || pile->count == pile->room)
        return false;
    snprintf(path, len, "%s/%s", pile->folder->path, name);
    rc r = file_read_plain(&trail, path, COLLATERAL_FILE_MAX, pile->arena, &bytes);
    if (!rc_ok(r))
        return rc_number(r) == FILE_E_TOO_LARGE;
    pile->at[pile->count++] = (struct ward_bytes){ bytes.at, bytes.len, path };
    return true;
}

/* Own chains are named after their content: one that was changed is nobody's. */
static bool is_own_chain(const struct ward_bytes *file)
{
    char name[CHAIN_NAME_LEN];
    if (!is_chain_name(name_of(file->name)))
        return false;
    put_chain_name(span_of(file->data, file->len), name);
    return strcmp(name, name_of(file->name)) == 0;
}

static struct ward_collateral *snapshot_of(const struct kept_folder *folder,
                                           const struct ward_bytes *files, size_t count)
{
    struct ward_error error = { 0 };
    struct ward_collateral *snapshot = NULL;
    const struct ward_collateral_files all = { .pool = files, .pool_count = count };
    if (ward_collateral_new(&all, folder->policy, &snapshot, &error) != WARD_DONE)
        return NULL;
    return snapshot;
}

/* --- what is superseded ------------------------------------------------------------------ */

/* Of one thing, and whenever `newer` can be used from now on, `older` need not be. */
static bool supersedes(const struct ward_collateral_item *newer,
                       const struct ward_collateral_item *older, int64_t now)
{
    size_t stem;
    return newer->genuine && strcmp(newer->kind, older->kind) == 0 &&
           strcmp(newer->detail, older->detail) == 0 && newer->valid_from > older->valid_from &&
           newer->valid_until >= older->valid_until &&
           newer->evaluation_number >= older->evaluation_number && newer->valid_from <= now &&
           item_kind(name_of(newer->name), &stem) != NULL;
}

/* The content is what the name says: genuine, of that kind and that day. */
static bool is_what_was_written(const struct ward_collateral_item *item)
{
    size_t stem;
    char date[DATE_LEN + 1];
    const char *name = name_of(item->name);
    const char *kind = item_kind(name, &stem);
    return item->genuine && kind != NULL && strcmp(kind, item->kind) == 0 &&
           put_date(item->valid_from, date) && strncmp(name + stem + 1, date, DATE_LEN) == 0;
}

static bool is_superseded(const struct ward_collateral *all,
                          const struct ward_collateral_item *item, int64_t now)
{
    struct ward_collateral_item other;
    size_t newer = 0;
    size_t in_file = 0;
    for (size_t i = 0; ward_collateral_item(all, i, &other); i++) {
        newer += supersedes(&other, item, now) ? 1 : 0;
        in_file += strcmp(other.name, item->name) == 0 ? 1 : 0;
    }
    return newer >= GENERATIONS && in_file == 1 && is_what_was_written(item);
}

static void take_away(struct kept_folder *folder, int lock, const char *path, const char *why)
{
    struct trail trail = { 0 };
    rc r = folder_remove(&trail, lock, name_of(path));
    if (!rc_ok(r)) {
        say("collateral fetch: %s: cannot be removed: %s", path, file_error_text(r));
        return;
    }
    note_file(folder, path, true);
    note(folder->in, "collateral fetch: %s: removed, %s", path, why);
}

/* The pile holds chains and files of one stem. */
static void tidy_pile(const struct pile *pile, int lock)
{
    struct kept_folder *folder = pile->folder;
    struct ward_collateral *all = snapshot_of(folder, pile->at, pile->count);
    struct ward_collateral_item item;
    for (size_t i = 0; all != NULL && ward_collateral_item(all, i, &item); i++) {
        if (is_superseded(all, &item, folder->now))
            take_away(folder, lock, item.name, "two newer ones are there");
    }
    ward_collateral_free(&all);
}

/* Names of one stem are sorted by date: each batch of older ones is judged with the newest. */
static void tidy_stem(struct kept_folder *folder, int lock, const struct folder *names,
                      const char *const *stem, size_t count)
{
    size_t older = count > GENERATIONS ? count - GENERATIONS : 0;
    for (size_t at = 0; at < older; at += BATCH) {
        struct arena arena;
        struct pile pile;
        arena_init(&arena, TIDY_MEMORY);
        bool usable = pile_begin(&pile, folder, &arena, CHAIN_FILES + BATCH + GENERATIONS);
        for (size_t i = 0; usable && i < names->count && pile.count < CHAIN_FILES; i++)
            if (is_chain_name(names->names[i]))
                usable = pile_add(&pile, names->names[i]);
        for (size_t i = at; usable && i < older && i < at + BATCH; i++)
            usable = pile_add(&pile, stem[i]);
        for (size_t i = older; usable && i < count; i++)
            usable = pile_add(&pile, stem[i]);
        if (usable)
            tidy_pile(&pile, lock);
        arena_fini(&arena);
    }
}

static void tidy_items(struct kept_folder *folder, int lock, const struct folder *names)
{
    for (size_t at = 0; at < names->count;) {
        size_t len, other, count = 1;
        const char *const *stem = &names->names[at];
        if (item_kind(stem[0], &len) == NULL) {
            at++;
            continue;
        }
        while (at + count < names->count && item_kind(stem[count], &other) != NULL &&
               other == len && strncmp(stem[0], stem[count], len) == 0)
            count++;
        tidy_stem(folder, lock, names, stem, count);
        at += count;
    }
}

/* --- chains that nothing needs ----------------------------------------------------------- */

/* How much is genuine besides the file `but`, with it in the pile or without. */
static size_t genuine_but(const struct pile *pile, const char *but, bool with, bool own_only)
{
    struct ward_bytes *files = arena_array(pile->arena, pile->count, sizeof *files);
    struct ward_collateral_item item;
    size_t count = 0, genuine = 0;
    for (size_t i = 0; files != NULL && i < pile->count; i++) {
        bool is_it = pile->at[i].name == but;
        if ((with || !is_it) && (!own_only || is_own_name(name_of(pile->at[i].name))))
            files[count++] = pile->at[i];
    }
    struct ward_collateral *all = files == NULL ? NULL : snapshot_of(pile->folder, files, count);
    for (size_t i = 0; all != NULL && ward_collateral_item(all, i, &item); i++)
        genuine += item.genuine && strcmp(item.name, but) != 0 ? 1 : 0;
    bool judged = all != NULL;
    ward_collateral_free(&all);
    return judged ? genuine : with ? SIZE_MAX : 0;
}

static bool was_written_now(const struct kept_folder *folder, const char *name)
{
    for (size_t i = 0; i < folder->chain_count; i++)
        if (strcmp(folder->chains[i], name) == 0)
            return true;
    return false;
}

/* Needed by what is there now, and by Ward's own files even when others' are gone. */
static bool is_needed(const struct pile *pile, const char *chain)
{
    for (size_t own = 0; own < 2; own++)
        if (genuine_but(pile, chain, false, own == 1) < genuine_but(pile, chain, true, own == 1))
            return true;
    return false;
}

static bool pile_all(struct pile *pile, const struct folder *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (!pile_add(pile, names->names[i]))
            return false;
    return true;
}

static void tidy_chains_of(struct pile *pile, int lock)
{
    size_t left = CHAIN_FILES;
    for (size_t i = pile->count; i-- > 0 && left > 0;) {
        const struct ward_bytes file = pile->at[i];
        if (!is_own_chain(&file) || was_written_now(pile->folder, name_of(file.name)))
            continue;
        left--;
        if (is_needed(pile, file.name))
            continue;
        take_away(pile->folder, lock, file.name, "nothing needs it");
        pile->at[i] = pile->at[--pile->count];
    }
}

/* A mirror may put the same certificates into ever new chains. */
static void tidy_chains(struct kept_folder *folder, int lock)
{
    struct arena arena;
    struct pile pile;
    struct folder names;
    struct trail trail = { 0 };
    arena_init(&arena, TIDY_MEMORY);
    if (rc_ok(folder_list(&trail, folder->path, COLLATERAL_FILES_MAX, &arena, &names)) &&
        pile_begin(&pile, folder, &arena, names.count) && pile_all(&pile, &names))
        tidy_chains_of(&pile, lock);
    arena_fini(&arena);
}

/* A hidden file is somebody's until nobody else can be at work. */
static void sweep(const struct kept_folder *folder, int lock)
{
    struct trail trail = { 0 };
    size_t unfinished = 0;
    rc r = file_write_sweep(&trail, lock, is_own_name, &unfinished);
    if (!rc_ok(r))
        say("collateral fetch: %s: what a stopped run left cannot be removed: %s", folder->path,
            file_error_text(r));
    if (unfinished > 0)
        note(folder->in, "collateral fetch: %s: removed %zu unfinished files of a stopped run",
             folder->path, unfinished);
}

bool kept_tidy(struct kept_folder *folder)
{
    struct trail trail = { 0 };
    struct folder names;
    struct arena arena;
    bool held;
    auto_fd int lock = kept_lock(folder, &held);
    if (lock < 0)
        return false;
    if (held)
        sweep(folder, lock);
    if (folder->keep_all)
        return true;
    arena_init(&arena, TIDY_MEMORY);
    rc r = folder_list(&trail, folder->path, TIDY_NAMES_MAX, &arena, &names);
    if (rc_ok(r))
        tidy_items(folder, lock, &names);
    else
        say("%s: %s", folder->path, file_error_text(r));
    arena_fini(&arena);
    /* Before anything is fetched nobody knows which chain will come again. */
    if (rc_ok(r) && folder->chain_count > 0)
        tidy_chains(folder, lock);
    return rc_ok(r);
}
