/* image.c - see image.h. */
#include "job/image.h"

#include <string.h>

#include "base/cursor.h"
#include "base/number.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/json_write.h"

static const char digest_start[] = "sha256:";
enum { DIGEST_START = sizeof digest_start - 1 };

bool image_hex_read(struct span text, uint8_t out[IMAGE_DIGEST])
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] >= 'A' && text.at[i] <= 'F')
            return false;
    }
    return hex_decode(text, out, IMAGE_DIGEST);
}

bool image_digest_read(struct span text, uint8_t out[IMAGE_DIGEST])
{
    return text.len > DIGEST_START && bytes_equal(text.at, digest_start, DIGEST_START) &&
           image_hex_read(span_of(text.at + DIGEST_START, text.len - DIGEST_START), out);
}

void image_digest_write(struct sink *out, const uint8_t digest[IMAGE_DIGEST])
{
    sink_text(out, digest_start);
    sink_hex(out, span_of(digest, IMAGE_DIGEST));
}

/* One document being read: the first thing that is wrong with it ends it. */
struct reading {
    struct json json;
    struct arena *arena;
    enum reason reason;
    const char *what;
};

static bool wrong(struct reading *r, enum reason reason, const char *what)
{
    if (r->reason == REASON_OK) {
        r->reason = reason;
        r->what = what;
    }
    return false;
}

static const char no_memory[] = "no memory";

static bool begin(struct reading *r, struct span text, struct arena *arena)
{
    enum { NODES = 65536 };
    static const struct json_limits limits = { .depth = 16, .nodes = NODES };
    *r = (struct reading){ .arena = arena, .reason = REASON_OK };
    if (text.len > IMAGE_DOCUMENT_MAX)
        return wrong(r, REASON_IMAGE_FORMAT, "a document of more than 1 MiB");
    const size_t values = json_values_at_most(text), count = values < NODES ? values : NODES;
    struct json_node *nodes = arena_array(arena, count, sizeof *nodes);
    if (nodes == NULL)
        return wrong(r, REASON_OUT_OF_MEMORY, no_memory);
    if (!json_parse_into(text, nodes, count, &limits, &r->json, NULL) ||
        json_type(&r->json, 0) != JSON_OBJECT)
        return wrong(r, REASON_IMAGE_FORMAT, "a document that is no JSON object");
    return true;
}

static bool read_digest(const struct reading *r, uint32_t node, uint8_t out[IMAGE_DIGEST])
{
    struct span text;
    return json_string(&r->json, node, &text) && image_digest_read(text, out);
}

static bool is_one_of(const struct reading *r, uint32_t node, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (json_equal_text(&r->json, node, *words))
            return true;
    }
    return false;
}

/* A descriptor (OCI Image Format, "Content Descriptors"). */
static bool read_blob(struct reading *r, uint32_t node, struct image_blob *out)
{
    struct image_blob blob = { 0 };
    if (!read_digest(r, json_member(&r->json, node, "digest"), blob.digest) ||
        !json_u64(&r->json, json_member(&r->json, node, "size"), INT64_MAX, &blob.size))
        return wrong(r, REASON_IMAGE_FORMAT, "a descriptor without a SHA-256 or a size");
    if (json_member(&r->json, node, "urls") != JSON_NONE)
        return wrong(r, REASON_IMAGE_FORMAT, "a layer that lies elsewhere");
    *out = blob;
    return true;
}

static bool read_layer(struct reading *r, uint32_t node, struct image_blob *out)
{
    static const char *const plain[] = { "application/vnd.oci.image.layer.v1.tar", NULL };
    static const char *const gzip[] = { "application/vnd.oci.image.layer.v1.tar+gzip",
                                        "application/vnd.docker.image.rootfs.diff.tar.gzip", NULL };
    struct image_blob blob;
    if (!read_blob(r, node, &blob))
        return false;
    uint32_t type = json_member(&r->json, node, "mediaType");
    if (is_one_of(r, type, gzip))
        blob.packing = IMAGE_GZIP;
    else if (is_one_of(r, type, plain))
        blob.packing = IMAGE_PLAIN;
    else
        return wrong(r, REASON_IMAGE_PACKING, "a layer that is neither tar nor gzip of one");
    *out = blob;
    return true;
}

static void read_manifest(struct reading *r, struct image_manifest *out)
{
    static const char *const types[] = { "application/vnd.oci.image.manifest.v1+json",
                                         "application/vnd.docker.distribution.manifest.v2+json",
                                         NULL };
    uint64_t version;
    uint32_t type = json_member(&r->json, 0, "mediaType");
    uint32_t layers = json_member(&r->json, 0, "layers");
    if (!json_u64(&r->json, json_member(&r->json, 0, "schemaVersion"), 2, &version) ||
        version != 2 || (type != JSON_NONE && !is_one_of(r, type, types)) ||
        json_type(&r->json, layers) != JSON_ARRAY ||
        json_member(&r->json, 0, "manifests") != JSON_NONE) {
        /* CVE-2021-41190: without a media type such a document could be taken for either. */
        wrong(r, REASON_IMAGE_FORMAT, "no manifest of one image");
        return;
    }
    if (json_length(&r->json, layers) > IMAGE_LAYERS_MAX) {
        wrong(r, REASON_IMAGE_FORMAT, "more than 128 layers");
        return;
    }
    if (!read_blob(r, json_member(&r->json, 0, "config"), &out->config))
        return;
    for (uint32_t n = json_first(&r->json, layers); n != JSON_NONE; n = json_next(&r->json, n)) {
        if (!read_layer(r, n, &out->layers[out->layer_count]))
            return;
        out->layer_count++;
    }
}

enum reason image_manifest_read(struct span text, struct arena *arena, struct image_manifest *out,
                                const char **what)
{
    struct reading r;
    *out = (struct image_manifest){ 0 };
    if (begin(&r, text, arena))
        read_manifest(&r, out);
    *what = r.what;
    return r.reason;
}

/* --- configuration -------------------------------------------------------------------------- */

/* A string without a NUL, or nothing where there is none. */
static bool read_text(struct reading *r, uint32_t node, struct span *out)
{
    static const char wrong_text[] = "a text that is none, or too long";
    *out = (struct span){ 0 };
    if (node == JSON_NONE || json_type(&r->json, node) == JSON_NULL)
        return true;
    size_t len = json_raw(&r->json, node).len;
    if (len > IMAGE_PATH_MAX)
        return wrong(r, REASON_IMAGE_FORMAT, wrong_text);
    uint8_t *room = arena_alloc(r->arena, len + 1);
    if (room == NULL)
        return wrong(r, REASON_OUT_OF_MEMORY, no_memory);
    struct sink text = sink_over(room, len + 1);
    if (!json_string_copy(&r->json, node, &text) ||
        (text.len > 0 && memchr(text.at, 0, text.len) != NULL))
        return wrong(r, REASON_IMAGE_FORMAT, wrong_text);
    *out = sink_bytes(&text);
    return true;
}

static bool read_texts(struct reading *r, uint32_t node, struct span_list *out)
{
    size_t length = json_length(&r->json, node);
    *out = (struct span_list){ 0 };
    if (node == JSON_NONE || json_type(&r->json, node) == JSON_NULL)
        return true;
    if (json_type(&r->json, node) != JSON_ARRAY || length > IMAGE_ARGUMENTS_MAX)
        return wrong(r, REASON_IMAGE_FORMAT, "a list that is none, or too long");
    struct span *items = arena_array(r->arena, length, sizeof *items);
    if (items == NULL)
        return wrong(r, REASON_OUT_OF_MEMORY, no_memory);
    size_t count = 0;
    for (uint32_t n = json_first(&r->json, node); n != JSON_NONE; n = json_next(&r->json, n)) {
        if (json_type(&r->json, n) != JSON_STRING || !read_text(r, n, &items[count++]))
            return wrong(r, REASON_IMAGE_FORMAT, "a list of something else than texts");
    }
    *out = (struct span_list){ items, count };
    return true;
}

static void read_config(struct reading *r, const char *architecture, struct image_config *out)
{
    uint32_t rootfs = json_member(&r->json, 0, "rootfs"),
             inner = json_member(&r->json, 0, "config");
    uint32_t ids = json_member(&r->json, rootfs, "diff_ids");
    if (!json_equal_text(&r->json, json_member(&r->json, 0, "os"), "linux") ||
        !json_equal_text(&r->json, json_member(&r->json, 0, "architecture"), architecture)) {
        wrong(r, REASON_IMAGE_PLATFORM, "an image for another system or processor");
        return;
    }
    if (!json_equal_text(&r->json, json_member(&r->json, rootfs, "type"), "layers") ||
        json_type(&r->json, ids) != JSON_ARRAY || json_length(&r->json, ids) > IMAGE_LAYERS_MAX) {
        wrong(r, REASON_IMAGE_FORMAT, "a configuration that does not name its layers");
        return;
    }
    for (uint32_t n = json_first(&r->json, ids); n != JSON_NONE; n = json_next(&r->json, n)) {
        if (!read_digest(r, n, out->diff_ids[out->layer_count++])) {
            wrong(r, REASON_IMAGE_FORMAT, "a layer that is not named by its SHA-256");
            return;
        }
    }
    if (read_texts(r, json_member(&r->json, inner, "Entrypoint"), &out->entrypoint) &&
        read_texts(r, json_member(&r->json, inner, "Cmd"), &out->command) &&
        read_texts(r, json_member(&r->json, inner, "Env"), &out->environment) &&
        read_text(r, json_member(&r->json, inner, "User"), &out->user))
        (void)read_text(r, json_member(&r->json, inner, "WorkingDir"), &out->folder);
}

bool image_config_load(struct span text, struct arena *arena, struct image_config *out)
{
    struct reading r;
    struct image_config read = { 0 };
    if (!begin(&r, text, arena) ||
        !read_texts(&r, json_member(&r.json, 0, "entrypoint"), &read.entrypoint) ||
        !read_texts(&r, json_member(&r.json, 0, "command"), &read.command) ||
        !read_texts(&r, json_member(&r.json, 0, "environment"), &read.environment) ||
        !read_text(&r, json_member(&r.json, 0, "user"), &read.user) ||
        !read_text(&r, json_member(&r.json, 0, "folder"), &read.folder))
        return false;
    *out = read;
    return true;
}

enum reason image_config_read(struct span text, struct arena *arena, const char *architecture,
                              struct image_config *out, const char **what)
{
    struct reading r;
    *out = (struct image_config){ 0 };
    if (begin(&r, text, arena))
        read_config(&r, architecture, out);
    *what = r.what;
    return r.reason;
}

static void write_texts(struct json_writer *json, const char *name, const struct span_list *list)
{
    json_put_key(json, name);
    json_begin_array(json);
    for (size_t i = 0; i < list->count; i++)
        json_put_span(json, list->items[i]);
    json_end_array(json);
}

void image_config_write(struct sink *out, const struct image_config *config)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    write_texts(&json, "entrypoint", &config->entrypoint);
    write_texts(&json, "command", &config->command);
    write_texts(&json, "environment", &config->environment);
    json_put_key(&json, "user");
    json_put_span(&json, config->user);
    json_put_key(&json, "folder");
    json_put_span(&json, config->folder);
    json_end_object(&json);
}

/* --- names ------------------------------------------------------------------------------------ */

/* The next part of a name between slashes; false at its end. */
static bool next_part(struct span *rest, struct span *part)
{
    while (rest->len > 0 && rest->at[0] == '/')
        *rest = span_of(rest->at + 1, rest->len - 1);
    const uint8_t *slash = rest->len == 0 ? NULL : memchr(rest->at, '/', rest->len);
    *part = span_of(rest->at, slash == NULL ? rest->len : (size_t)(slash - rest->at));
    *rest = span_of(rest->at + part->len, rest->len - part->len);
    return part->len > 0;
}

/* OCI Image Format, "Whiteouts": names with this prefix mean something and are never made. */
static const char mark[] = ".wh.", opaque[] = ".wh..wh..opq";
enum { MARK = sizeof mark - 1, NAME_LEN_MAX = 255 };

static bool is_marked(struct span name)
{
    return name.len >= MARK && bytes_equal(name.at, mark, MARK);
}

static bool leads_nowhere(struct span name)
{
    return name.len == 0 || span_equal_text(name, ".") || span_equal_text(name, "..");
}

/* The last part of a name, which may be a mark; it goes to the sink as what it means. */
static enum image_entry put_last(struct sink *out, struct span part)
{
    if (span_equal_text(part, opaque))
        return IMAGE_ENTRY_OPAQUE;
    enum image_entry entry = is_marked(part) ? IMAGE_ENTRY_WHITEOUT : IMAGE_ENTRY_PLAIN;
    if (entry == IMAGE_ENTRY_WHITEOUT)
        part = span_of(part.at + MARK, part.len - MARK);
    if (leads_nowhere(part) || is_marked(part))
        return IMAGE_ENTRY_NONE;
    sink_text(out, out->len > 0 ? "/" : "");
    sink_put(out, part);
    return entry;
}

enum image_entry image_entry_read(struct span path, char room[IMAGE_PATH_MAX + 1])
{
    struct sink out = sink_over(room, IMAGE_PATH_MAX + 1);
    struct span part;
    size_t depth = 0;
    enum image_entry entry = IMAGE_ENTRY_ROOT;
    if (path.len == 0 || path.len > IMAGE_PATH_MAX || path.at[0] == '/' ||
        memchr(path.at, 0, path.len) != NULL)
        return IMAGE_ENTRY_NONE;
    while (next_part(&path, &part)) {
        if (span_equal_text(part, "."))
            continue;
        /* Nothing lies in what only marks. */
        if (entry != IMAGE_ENTRY_ROOT && entry != IMAGE_ENTRY_PLAIN)
            return IMAGE_ENTRY_NONE;
        entry = put_last(&out, part);
        if (entry == IMAGE_ENTRY_NONE || ++depth > IMAGE_DEPTH_MAX || part.len > NAME_LEN_MAX)
            return IMAGE_ENTRY_NONE;
    }
    sink_terminate(&out);
    return entry;
}
