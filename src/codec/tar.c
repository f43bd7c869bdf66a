/* tar.c - see tar.h. */
#include "codec/tar.h"

#include <string.h>

#include "base/cursor.h"

enum tar_state {
    AT_HEADER = 0,
    IN_FILE,
    IN_EXTENDED,
    IN_PADDING,
    AT_SECOND_ZERO, /* one block of zeros was there */
    AT_END,         /* two were: only zeros may follow */
    AT_REFUSED,
};

/* Where the fields of a header are (ustar interchange format). */
struct place {
    size_t at, len;
};
static const struct place name_at = { 0, 100 }, mode_at = { 100, 8 }, uid_at = { 108, 8 },
                          gid_at = { 116, 8 }, size_at = { 124, 12 }, mtime_at = { 136, 12 },
                          sum_at = { 148, 8 }, link_at = { 157, 100 }, magic_at = { 257, 8 },
                          prefix_at = { 345, 155 };
enum { KIND_AT = 156 };

static struct span field(const struct tar *tar, struct place place)
{
    return span_of(tar->block + place.at, place.len);
}

/* Up to the first NUL, or all of it. */
static struct span text_of(struct span field)
{
    const uint8_t *end = memchr(field.at, 0, field.len);
    return span_of(field.at, end == NULL ? field.len : (size_t)(end - field.at));
}

/* Big endian behind a set top bit: what does not fit into the digits.  Never negative here. */
static bool read_binary(struct span field, uint64_t *out)
{
    uint64_t value = field.at[0] & 0x7f;
    for (size_t i = 1; i < field.len; i++) {
        if (value >> 55 != 0)
            return false;
        value = value << 8 | field.at[i];
    }
    *out = value;
    return true;
}

/* Octal digits, blanks before them allowed, a blank or NUL after them. */
static bool read_number(struct span field, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    if ((field.at[0] & 0x80) != 0)
        return read_binary(field, out);
    while (i < field.len && field.at[i] == ' ')
        i++;
    for (; i < field.len && field.at[i] >= '0' && field.at[i] <= '7'; i++)
        value = value << 3 | (uint64_t)(field.at[i] - '0'); /* 12 digits at most: 36 bits */
    for (; i < field.len; i++) {
        if (field.at[i] != ' ' && field.at[i] != 0)
            return false;
    }
    *out = value;
    return true;
}

/* The sum of all bytes, with blanks in the place of the sum. */
static bool sum_is_right(const struct tar *tar)
{
    uint64_t stated, sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += i - sum_at.at < sum_at.len ? ' ' : tar->block[i];
    return read_number(field(tar, sum_at), &stated) && stated == sum;
}

static enum tar_kind kind_of(uint8_t letter)
{
    switch (letter) {
    case 0:
    case '0':
    case '7':
        return TAR_FILE;
    case '1':
        return TAR_HARD_LINK;
    case '2':
        return TAR_SYMBOLIC_LINK;
    case '3':
        return TAR_CHARACTER;
    case '4':
        return TAR_BLOCK_DEVICE;
    case '5':
        return TAR_FOLDER;
    case '6':
        return TAR_FIFO;
    default:
        return TAR_NONE;
    }
}

static enum tar_event refuse(struct tar *tar, struct tar_step *out, const char *what)
{
    tar->state = AT_REFUSED;
    out->what = what;
    return TAR_REFUSED;
}

/* --- extended headers ---------------------------------------------------------------------- */

static bool decimal(struct span text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9' ||
            __builtin_mul_overflow(value, UINT64_C(10), &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.at[i] - '0'), &value))
            return false;
    }
    *out = value;
    return text.len > 0;
}

/* A time may have a sign and a fraction, which is cut off. */
static bool read_time(struct span text, int64_t *out)
{
    bool before = text.len > 0 && text.at[0] == '-';
    size_t begin = before ? 1 : 0;
    const uint8_t *point = text.len == 0 ? NULL : memchr(text.at, '.', text.len);
    size_t end = point == NULL ? text.len : (size_t)(point - text.at);
    uint64_t value;
    if (end < begin || !decimal(span_of(text.at + begin, end - begin), &value) || value > INT64_MAX)
        return false;
    *out = before ? -(int64_t)value : (int64_t)value;
    return true;
}

static bool keep_text(struct span value, uint8_t room[TAR_PATH_MAX], size_t *len, bool *said)
{
    if (value.len == 0 || value.len > TAR_PATH_MAX || memchr(value.at, 0, value.len) != NULL)
        return false;
    memcpy(room, value.at, value.len);
    *len = value.len;
    *said = true;
    return true;
}

static bool keep_id(struct span value, uint32_t *id, bool *said)
{
    uint64_t number;
    if (!decimal(value, &number) || number > UINT32_MAX)
        return false;
    *id = (uint32_t)number;
    *said = true;
    return true;
}

static bool begins(struct span key, const char *start)
{
    struct span text = span_text(start);
    return key.len >= text.len && bytes_equal(key.at, text.at, text.len);
}

/* One "KEY=VALUE".  What only describes is passed over; what makes another file of the bytes that
   follow (GNU's sparse files) is not read here. */
static bool take_record(struct tar *tar, struct span key, struct span value)
{
    struct tar_says *says = &tar->says;
    if (span_equal_text(key, "path"))
        return keep_text(value, tar->path, &says->path_len, &says->path);
    if (span_equal_text(key, "linkpath"))
        return keep_text(value, tar->target, &says->target_len, &says->target);
    if (span_equal_text(key, "uid"))
        return keep_id(value, &says->uid_is, &says->uid);
    if (span_equal_text(key, "gid"))
        return keep_id(value, &says->gid_is, &says->gid);
    if (span_equal_text(key, "mtime"))
        return says->mtime = read_time(value, &says->mtime_is);
    if (span_equal_text(key, "size"))
        return says->size = decimal(value, &says->size_is);
    return !begins(key, "GNU.sparse.");
}

/* Records "LEN KEY=VALUE\n", LEN counting all of it. */
static bool read_records(struct tar *tar, struct span text)
{
    while (text.len > 0) {
        const uint8_t *blank = memchr(text.at, ' ', text.len);
        uint64_t len;
        if (blank == NULL || !decimal(span_of(text.at, (size_t)(blank - text.at)), &len) ||
            len > text.len || len == 0 || text.at[len - 1] != '\n')
            return false;
        size_t begin = (size_t)(blank - text.at) + 1;
        if (begin > len - 1)
            return false;
        struct span record = span_of(text.at + begin, (size_t)len - 1 - begin);
        const uint8_t *equals = record.len == 0 ? NULL : memchr(record.at, '=', record.len);
        if (equals == NULL || equals == record.at)
            return false;
        size_t key = (size_t)(equals - record.at);
        if (!take_record(tar, span_of(record.at, key), span_of(equals + 1, record.len - key - 1)))
            return false;
        text = span_of(text.at + len, text.len - (size_t)len);
    }
    return true;
}

static bool says_something(const struct tar_says *says)
{
    return says->path || says->target || says->size || says->uid || says->gid || says->mtime;
}

/* A header for all that follows may say nothing that changes what follows. */
static bool is_comment(struct span text)
{
    struct tar probe;
    memset(&probe.says, 0, sizeof probe.says);
    return read_records(&probe, text) && !says_something(&probe.says);
}

static bool read_extended(struct tar *tar)
{
    struct span text = span_of(tar->extended, tar->extended_len);
    struct tar_says *says = &tar->says;
    switch (tar->extended_kind) {
    case 'x':
        return read_records(tar, text);
    case 'g':
        return is_comment(text);
    case 'L':
        return keep_text(text_of(text), tar->path, &says->path_len, &says->path);
    default:
        return keep_text(text_of(text), tar->target, &says->target_len, &says->target);
    }
}

/* --- headers --------------------------------------------------------------------------------- */

/* Prefix, slash, name: only where an extended header has not said it. */
static bool take_path(struct tar *tar)
{
    struct span name = text_of(field(tar, name_at)), prefix = text_of(field(tar, prefix_at));
    if (tar->says.path)
        return true;
    if (tar->block[magic_at.at + 5] != 0)
        prefix = (struct span){ 0 }; /* GNU's own header has other things there */
    size_t len = 0;
    if (prefix.len > 0) {
        memcpy(tar->path, prefix.at, prefix.len);
        len = prefix.len;
        tar->path[len++] = '/';
    }
    memcpy(tar->path + len, name.at, name.len);
    tar->says.path_len = len + name.len;
    return name.len > 0;
}

static void take_target(struct tar *tar)
{
    struct span link = text_of(field(tar, link_at));
    if (tar->says.target)
        return;
    memcpy(tar->target, link.at, link.len);
    tar->says.target_len = link.len;
}

static bool take_numbers(const struct tar *tar, struct tar_entry *entry)
{
    const struct tar_says *says = &tar->says;
    uint64_t mode, uid, gid, size, mtime;
    if (!read_number(field(tar, mode_at), &mode) || !read_number(field(tar, uid_at), &uid) ||
        !read_number(field(tar, gid_at), &gid) || !read_number(field(tar, size_at), &size) ||
        !read_number(field(tar, mtime_at), &mtime) || mtime > INT64_MAX)
        return false;
    entry->mode = (uint32_t)(mode & 07777);
    entry->size = says->size ? says->size_is : size;
    entry->mtime = says->mtime ? says->mtime_is : (int64_t)mtime;
    if ((!says->uid && uid > UINT32_MAX) || (!says->gid && gid > UINT32_MAX))
        return false;
    entry->uid = says->uid ? says->uid_is : (uint32_t)uid;
    entry->gid = says->gid ? says->gid_is : (uint32_t)gid;
    return entry->size <= INT64_MAX;
}

static void follow_with(struct tar *tar, int state, uint64_t bytes)
{
    tar->state = state;
    tar->left = bytes;
    tar->padding = (uint32_t)((TAR_BLOCK - bytes % TAR_BLOCK) % TAR_BLOCK);
}

static enum tar_event begin_extended(struct tar *tar, struct tar_step *out)
{
    uint64_t size;
    if (!read_number(field(tar, size_at), &size) || size > TAR_EXTENDED_MAX)
        return refuse(tar, out, "an extended header that is too long");
    tar->extended_kind = tar->block[KIND_AT];
    tar->extended_len = 0;
    follow_with(tar, IN_EXTENDED, size);
    return TAR_MORE;
}

static enum tar_event take_header(struct tar *tar, struct tar_step *out)
{
    const uint8_t letter = tar->block[KIND_AT];
    struct tar_entry entry = { .kind = kind_of(letter) };
    if (!bytes_equal(tar->block + magic_at.at, "ustar\00000", 8) &&
        !bytes_equal(tar->block + magic_at.at, "ustar  ", 8))
        return refuse(tar, out, "no header of a tar archive");
    if (!sum_is_right(tar))
        return refuse(tar, out, "a header with a wrong sum");
    if (letter == 'x' || letter == 'g' || letter == 'L' || letter == 'K')
        return begin_extended(tar, out);
    if (entry.kind == TAR_NONE)
        return refuse(tar, out, "an entry of a kind that is not read");
    if (!take_numbers(tar, &entry))
        return refuse(tar, out, "a header with a number that is none, or too large");
    if (!take_path(tar))
        return refuse(tar, out, "an entry without a name");
    take_target(tar);
    bool is_link = entry.kind == TAR_HARD_LINK || entry.kind == TAR_SYMBOLIC_LINK;
    if (is_link && tar->says.target_len == 0)
        return refuse(tar, out, "a link that leads nowhere");
    if (entry.kind != TAR_FILE && entry.size != 0 && entry.kind != TAR_FOLDER)
        return refuse(tar, out, "bytes of what is no file");
    if (entry.kind != TAR_FILE)
        entry.size = 0; /* a folder may state what it would take */
    entry.path = span_of(tar->path, tar->says.path_len);
    entry.target = span_of(tar->target, is_link ? tar->says.target_len : 0);
    tar->says = (struct tar_says){ 0 };
    follow_with(tar, IN_FILE, entry.size);
    out->entry = entry;
    return TAR_ENTRY;
}

static enum tar_event take_block(struct tar *tar, struct tar_step *out)
{
    bool zero = bytes_are_zero(tar->block, TAR_BLOCK);
    switch (tar->state) {
    case AT_HEADER:
        if (zero && says_something(&tar->says))
            return refuse(tar, out, "an extended header of nothing");
        if (!zero)
            return take_header(tar, out);
        tar->state = AT_SECOND_ZERO;
        return TAR_MORE;
    case AT_SECOND_ZERO:
        if (!zero)
            return refuse(tar, out, "entries after the end");
        tar->state = AT_END;
        return TAR_MORE;
    default:
        return refuse(tar, out, "a state that does not exist");
    }
}

/* --- bytes ------------------------------------------------------------------------------------ */

static struct span take(struct span *in, uint64_t most)
{
    struct span part = span_of(in->at, most < in->len ? (size_t)most : in->len);
    *in = span_of(in->at + part.len, in->len - part.len);
    return part;
}

/* One block more of what is read block by block; TAR_MORE when it is not whole yet. */
static enum tar_event gather(struct tar *tar, struct span *in, struct tar_step *out)
{
    struct span part = take(in, TAR_BLOCK - tar->have);
    memcpy(tar->block + tar->have, part.at, part.len);
    tar->have += part.len;
    if (tar->have < TAR_BLOCK)
        return TAR_MORE;
    tar->have = 0;
    return take_block(tar, out);
}

static enum tar_event take_extended(struct tar *tar, struct span *in, struct tar_step *out)
{
    struct span part = take(in, tar->left);
    memcpy(tar->extended + tar->extended_len, part.at, part.len);
    tar->extended_len += part.len;
    tar->left -= part.len;
    if (tar->left > 0)
        return TAR_MORE;
    tar->state = IN_PADDING;
    return read_extended(tar) ? TAR_MORE : refuse(tar, out, "an extended header that is not read");
}

static enum tar_event step(struct tar *tar, struct span *in, struct tar_step *out)
{
    switch (tar->state) {
    case IN_FILE:
        if (tar->left == 0) {
            tar->state = IN_PADDING;
            return TAR_MORE;
        }
        out->data = take(in, tar->left);
        tar->left -= out->data.len;
        return TAR_DATA;
    case IN_EXTENDED:
        return take_extended(tar, in, out);
    case IN_PADDING:
        tar->padding -= (uint32_t)take(in, tar->padding).len;
        if (tar->padding == 0)
            tar->state = AT_HEADER;
        return TAR_MORE;
    case AT_END: {
        struct span rest = take(in, in->len);
        tar->after += rest.len;
        if (tar->after > TAR_AFTER_MAX)
            return refuse(tar, out, "more than 1 MiB after the end");
        return bytes_are_zero(rest.at, rest.len) ? TAR_MORE
                                                 : refuse(tar, out, "bytes after the end");
    }
    case AT_REFUSED:
        return TAR_REFUSED;
    default:
        return gather(tar, in, out);
    }
}

enum tar_event tar_next(struct tar *tar, struct span *in, struct tar_step *out)
{
    enum tar_event event = tar->state == AT_REFUSED ? TAR_REFUSED : TAR_MORE;
    while (in->len > 0 && event == TAR_MORE)
        event = step(tar, in, out);
    return event;
}

uint64_t tar_skip(struct tar *tar)
{
    uint64_t left = tar->state == IN_FILE ? tar->left : 0;
    if (tar->state == IN_FILE)
        tar->left = 0;
    return left;
}

bool tar_is_whole(const struct tar *tar)
{
    return tar->state == AT_END;
}
