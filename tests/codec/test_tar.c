/* test_tar.c - tar archives: what is read of them, every form of a number and a name, and
   everything that is refused.  Archives of others: test_tar_peer.py. */
#include "test.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/sink.h"
#include "codec/tar.h"

/* An archive under way. */
struct making {
    uint8_t bytes[64 << 10];
    size_t len;
};

static void put_sum(uint8_t *block)
{
    unsigned sum = 0;
    memset(block + 148, ' ', 8);
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += block[i];
    snprintf((char *)block + 148, 8, "%06o", sum);
}

/* Fields of a header end with it or with a NUL: as much of the text as there is. */
static void put_field(uint8_t *at, const char *text)
{
    while (*text != 0)
        *at++ = (uint8_t)*text++;
}

/* A header; the caller may change it, and puts the sum. */
static uint8_t *put_header(struct making *m, const char *name, char kind, size_t size)
{
    uint8_t *block = m->bytes + m->len;
    assert_true(m->len + TAR_BLOCK <= sizeof m->bytes);
    memset(block, 0, TAR_BLOCK);
    put_field(block, name);
    put_field(block + 100, "0000644");
    put_field(block + 108, "0001750");
    put_field(block + 116, "0000144");
    snprintf((char *)block + 124, 12, "%011zo", size);
    put_field(block + 136, "14000000000");
    block[156] = (uint8_t)kind;
    put_field(block + 257, "ustar");
    put_field(block + 263, "00");
    put_sum(block);
    m->len += TAR_BLOCK;
    return block;
}

static void put_data(struct making *m, const void *bytes, size_t len)
{
    size_t room = (len + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
    assert_true(m->len + room <= sizeof m->bytes);
    memset(m->bytes + m->len, 0, room);
    memcpy(m->bytes + m->len, bytes, len);
    m->len += room;
}

static void put_end(struct making *m)
{
    memset(m->bytes + m->len, 0, 2 * TAR_BLOCK);
    m->len += 2 * TAR_BLOCK;
}

static void put_file(struct making *m, const char *name, const char *text)
{
    put_header(m, name, '0', strlen(text));
    put_data(m, text, strlen(text));
}

static void put_extended(struct making *m, char kind, const char *text, size_t len)
{
    put_header(m, "extended", kind, len);
    put_data(m, text, len);
}

/* "LEN KEY=VALUE\n", where LEN counts its own digits too. */
static void add_record(struct sink *out, const char *said)
{
    size_t len = strlen(said) + 3; /* a digit, the blank, the end */
    len += len >= 10 ? 1 : 0;
    len += len >= 100 ? 1 : 0;
    len += len >= 1000 ? 1 : 0;
    sink_format(out, "%zu %s\n", len, said);
}

static void put_records(struct making *m, char kind, const char *const *said, size_t count)
{
    char text[8192];
    struct sink out = sink_over(text, sizeof text);
    for (size_t i = 0; i < count; i++)
        add_record(&out, said[i]);
    assert_true(sink_ok(&out));
    put_extended(m, kind, text, out.len);
}

static void put_record(struct making *m, char kind, const char *said)
{
    put_records(m, kind, &said, 1);
}

/* What an archive says, as text: for comparison. */
struct said {
    char text[4096];
    struct sink out;
    const char *refused;
    bool whole;
};

static void read_in_pieces(struct span bytes, size_t piece, struct said *said)
{
    static struct tar tar;
    memset(&tar, 0, sizeof tar);
    *said = (struct said){ .out = sink_over(said->text, sizeof said->text) };
    while (bytes.len > 0 && said->refused == NULL) {
        struct span part = span_of(bytes.at, piece < bytes.len ? piece : bytes.len);
        bytes = span_of(bytes.at + part.len, bytes.len - part.len);
        struct tar_step step = { 0 };
        enum tar_event event;
        while ((event = tar_next(&tar, &part, &step)) != TAR_MORE && said->refused == NULL) {
            const struct tar_entry *e = &step.entry;
            if (event == TAR_ENTRY)
                sink_format(&said->out, "\n%d %.*s>%.*s %o %u:%u %llu %lld ", (int)e->kind,
                            (int)e->path.len, (const char *)e->path.at, (int)e->target.len,
                            e->target.len == 0 ? "" : (const char *)e->target.at, e->mode, e->uid,
                            e->gid, (unsigned long long)e->size, (long long)e->mtime);
            else if (event == TAR_DATA)
                sink_put(&said->out, step.data);
            else
                said->refused = step.what;
        }
    }
    said->whole = tar_is_whole(&tar);
    sink_terminate(&said->out);
}

static void read_all(const struct making *m, struct said *said)
{
    read_in_pieces(span_of(m->bytes, m->len), m->len, said);
}

static void assert_says(const struct making *m, const char *text)
{
    static struct said said;
    read_all(m, &said);
    if (said.refused != NULL || !said.whole || strcmp(said.text, text) != 0)
        fail_msg("refused: %s, whole: %d, says:%s\nnot:%s", said.refused ? said.refused : "-",
                 said.whole, said.text, text);
}

static void assert_refused(const struct making *m, const char *why)
{
    static struct said said;
    read_all(m, &said);
    if (said.refused == NULL || strcmp(said.refused, why) != 0 || said.whole)
        fail_msg("\"%s\" and not \"%s\"", said.refused ? said.refused : "not refused", why);
}

static struct making m;

static void begin(void)
{
    m.len = 0;
}

#define WHEN "1610612736"

static void test_kinds(void **state)
{
    (void)state;
    begin();
    put_file(&m, "a", "hello");
    put_header(&m, "d/", '5', 0);
    uint8_t *link = put_header(&m, "s", '2', 0);
    put_field(link + 157, "/etc");
    put_sum(link);
    link = put_header(&m, "h", '1', 0);
    put_field(link + 157, "a");
    put_sum(link);
    put_header(&m, "c", '3', 0);
    put_header(&m, "b", '4', 0);
    put_header(&m, "f", '6', 0);
    put_header(&m, "old", 0, 0);
    put_header(&m, "contiguous", '7', 0);
    put_end(&m);
    assert_says(&m, "\n1 a> 644 1000:100 5 " WHEN " hello"
                    "\n6 d/> 644 1000:100 0 " WHEN " "
                    "\n3 s>/etc 644 1000:100 0 " WHEN " "
                    "\n2 h>a 644 1000:100 0 " WHEN " "
                    "\n4 c> 644 1000:100 0 " WHEN " "
                    "\n5 b> 644 1000:100 0 " WHEN " "
                    "\n7 f> 644 1000:100 0 " WHEN " "
                    "\n1 old> 644 1000:100 0 " WHEN " "
                    "\n1 contiguous> 644 1000:100 0 " WHEN " ");
}

static void test_names(void **state)
{
    (void)state;
    char name[101] = { 0 };
    char want[600];
    memset(name, 'n', 100);
    begin();
    uint8_t *header = put_header(&m, name, '0', 0); /* no NUL ends it */
    memset(header + 345, 'p', 155);
    put_sum(header);
    put_end(&m);
    snprintf(want, sizeof want, "\n1 %.155s/%s> 644 1000:100 0 " WHEN " ",
             "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp"
             "pppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp",
             name);
    assert_says(&m, want);

    /* GNU's own header has times where ustar has the prefix. */
    begin();
    header = put_header(&m, "g", '0', 0);
    put_field(header + 257, "ustar  ");
    header[264] = 0;
    put_field(header + 345, "14000000000");
    put_sum(header);
    put_extended(&m, 'L', "a/long/name", 12);
    put_extended(&m, 'K', "a/long/target", 14);
    put_header(&m, "short", '2', 0);
    put_end(&m);
    assert_says(&m, "\n1 g> 644 1000:100 0 " WHEN " "
                    "\n3 a/long/name>a/long/target 644 1000:100 0 " WHEN " ");
}

static void test_extended_headers(void **state)
{
    (void)state;
    static const char *const records[] = { "path=a/\xc3\xa4/long",
                                           "linkpath=target",
                                           "uid=70000",
                                           "gid=80",
                                           "mtime=-12.345678",
                                           "SCHILY.xattr.user.a=\x01\x02\nx=y",
                                           "uname=nobody",
                                           "size=3" };
    begin();
    put_record(&m, 'g', "comment=an archive");
    put_records(&m, 'x', records, COUNT_OF(records));
    put_header(&m, "x", '0', 0);
    put_data(&m, "abc", 3);
    put_file(&m, "next", "!");
    put_end(&m);
    assert_says(&m, "\n1 a/\xc3\xa4/long> 644 70000:80 3 -12 abc"
                    "\n1 next> 644 1000:100 1 " WHEN " !");
}

static void test_wrong_records(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "6 a=b",   /* no end of line */
        "5 a=b\n", /* one less than it is */
        "7 a=b\n", /* one more */
        "0 a=b\n", "x a=b\n",          " a=b\n", "6a=b\n", "99999999999999999999 a=b\n",
        "4 a\n", /* nothing is said */
        "5 =b\n",  "14 path=a\0b/c\n",
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        size_t len = i + 1 == COUNT_OF(texts) ? 14 : strlen(texts[i]);
        begin();
        put_extended(&m, 'x', texts[i], len);
        put_file(&m, "a", "");
        put_end(&m);
        assert_refused(&m, "an extended header that is not read");
    }
    static const char *const values[] = { "path=",
                                          "size=a",
                                          "size=-1",
                                          "uid=4294967296",
                                          "mtime=a",
                                          "mtime=-",
                                          "mtime=",
                                          "gid=",
                                          "linkpath=",
                                          "size=99999999999999999999",
                                          "GNU.sparse.major=1" };
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        begin();
        put_record(&m, 'x', values[i]);
        put_file(&m, "a", "");
        put_end(&m);
        assert_refused(&m, "an extended header that is not read");
    }
    /* What would hold for every entry that follows. */
    static const char *const global[] = { "path=a", "size=3", "uid=10" };
    for (size_t i = 0; i < COUNT_OF(global); i++) {
        begin();
        put_record(&m, 'g', global[i]);
        assert_refused(&m, "an extended header that is not read");
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *size;
        size_t bytes;
    } rows[] = { { "00000000003", 3 },
                 { "3          ", 3 },
                 { "         3 ", 3 },
                 { "3\0\0\0\0\0\0\0\0\0", 3 },
                 { "\x80\0\0\0\0\0\0\0\0\0\0\x03", 3 } };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        begin();
        uint8_t *header = put_header(&m, "a", '0', 0);
        memcpy(header + 124, rows[i].size, i + 1 == COUNT_OF(rows) ? 12 : 11);
        put_sum(header);
        put_data(&m, "abc", 3);
        put_end(&m);
        assert_says(&m, "\n1 a> 644 1000:100 3 " WHEN " abc");
    }
    static const char *const wrong[] = { "0000000008 ", "-0000000003", "3x         ", "3 3        ",
                                         "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        begin();
        uint8_t *header = put_header(&m, "a", '0', 0);
        memcpy(header + 124, wrong[i], 11);
        put_sum(header);
        put_end(&m);
        assert_refused(&m, "a header with a number that is none, or too large");
    }
}

static void test_refused_headers(void **state)
{
    (void)state;
    begin();
    put_file(&m, "a", "hello");
    m.bytes[0] ^= 1;
    assert_refused(&m, "a header with a wrong sum");
    begin();
    uint8_t *header = put_header(&m, "a", '0', 0);
    memset(header + 257, 0, 8); /* the form before ustar */
    put_sum(header);
    assert_refused(&m, "no header of a tar archive");
    begin();
    put_header(&m, "a", 'S', 0);
    assert_refused(&m, "an entry of a kind that is not read");
    begin();
    put_header(&m, "", '0', 0);
    assert_refused(&m, "an entry without a name");
    begin();
    put_header(&m, "a", '2', 0);
    assert_refused(&m, "a link that leads nowhere");
    begin();
    put_header(&m, "a", '6', 5);
    assert_refused(&m, "bytes of what is no file");
    begin();
    put_header(&m, "a", 'x', TAR_EXTENDED_MAX + 1);
    assert_refused(&m, "an extended header that is too long");
    begin();
    put_record(&m, 'x', "path=ab");
    put_end(&m);
    assert_refused(&m, "an extended header of nothing");
}

static void test_the_end(void **state)
{
    (void)state;
    static struct said said;
    begin();
    put_file(&m, "a", "hello");
    read_all(&m, &said);
    assert_true(said.refused == NULL && !said.whole);
    put_end(&m);
    for (size_t len = 0; len < m.len; len++) { /* every prefix lacks something */
        read_in_pieces(span_of(m.bytes, len), len + 1, &said);
        assert_true(said.refused == NULL && !said.whole);
    }
    put_data(&m, "", 0);
    memset(m.bytes + m.len, 0, 20 * TAR_BLOCK); /* as tar pads */
    m.len += 20 * TAR_BLOCK;
    read_all(&m, &said);
    assert_true(said.refused == NULL && said.whole);
    m.bytes[m.len - 1] = 1;
    assert_refused(&m, "bytes after the end");
    begin();
    put_end(&m);
    m.len -= TAR_BLOCK;
    put_file(&m, "a", "hello");
    assert_refused(&m, "entries after the end");
}

/* A file with holes gives zeros for ever: what fills up a record is taken, and no more. */
static void test_zeros_after_the_end(void **state)
{
    (void)state;
    static const uint8_t zeros[TAR_AFTER_MAX];
    static struct tar tar;
    struct tar_step step = { 0 };
    begin();
    put_end(&m);
    struct span bytes = span_of(m.bytes, m.len), more = span_of(zeros, sizeof zeros);
    memset(&tar, 0, sizeof tar);
    assert_int_equal(tar_next(&tar, &bytes, &step), TAR_MORE);
    assert_int_equal(tar_next(&tar, &more, &step), TAR_MORE);
    assert_true(more.len == 0 && tar_is_whole(&tar));
    more = span_of(zeros, 1);
    assert_int_equal(tar_next(&tar, &more, &step), TAR_REFUSED);
    assert_string_equal(step.what, "more than 1 MiB after the end");
    assert_false(tar_is_whole(&tar));
}

/* What is said depends on the bytes alone, never on how they came. */
static void test_every_piece_says_the_same(void **state)
{
    (void)state;
    static struct said whole, pieces;
    begin();
    put_record(&m, 'x', "path=a/very/long");
    put_file(&m, "a", "hello");
    put_file(&m, "b", "");
    put_end(&m);
    read_all(&m, &whole);
    assert_true(whole.whole);
    for (size_t piece = 1; piece < 1200; piece += piece < 20 ? 1 : 37) {
        read_in_pieces(span_of(m.bytes, m.len), piece, &pieces);
        assert_true(pieces.whole);
        assert_string_equal(pieces.text, whole.text);
    }
}

static void test_a_file_is_passed_over(void **state)
{
    (void)state;
    static struct tar tar;
    struct tar_step step = { 0 };
    begin();
    put_file(&m, "a", "hello");
    put_file(&m, "b", "there");
    put_end(&m);
    memset(&tar, 0, sizeof tar);
    struct span bytes = span_of(m.bytes, m.len);
    assert_int_equal(tar_next(&tar, &bytes, &step), TAR_ENTRY);
    uint64_t len = tar_skip(&tar);
    assert_int_equal(len, 5);
    assert_int_equal(tar_skip(&tar), 0);
    bytes = span_of(bytes.at + len, bytes.len - (size_t)len);
    assert_int_equal(tar_next(&tar, &bytes, &step), TAR_ENTRY);
    assert_true(span_equal_text(step.entry.path, "b"));
}

/* The longest names; one byte more does not fit into a header that is read. */
static void test_limits(void **state)
{
    (void)state;
    for (size_t extra = 0; extra < 2; extra++) {
        static char text[TAR_PATH_MAX + 64] = "path=";
        memset(text + 5, 'p', TAR_PATH_MAX + extra);
        begin();
        put_record(&m, 'x', text);
        put_file(&m, "a", "");
        put_end(&m);
        static struct said said;
        read_all(&m, &said);
        assert_int_equal(said.refused == NULL, extra == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kinds, ""),
        TEST(test_names, ""),
        TEST(test_extended_headers, ""),
        TEST(test_wrong_records, ""),
        TEST(test_numbers, ""),
        TEST(test_refused_headers, ""),
        TEST(test_the_end, ""),
        TEST(test_zeros_after_the_end, ""),
        TEST(test_every_piece_says_the_same, ""),
        TEST(test_a_file_is_passed_over, ""),
        TEST(test_limits, ""),
    };
    return RUN_TESTS(tests);
}
