/* bombs.c - see bombs.h. */
#include "bombs.h"

#include "base/number.h"

#define X16(x)  x x x x x x x x x x x x x x x x
#define X64(x)  X16(x) X16(x) X16(x) X16(x)
#define X256(x) X64(x) X64(x) X64(x) X64(x)
#define X1K(x)  X256(x) X256(x) X256(x) X256(x)

/* The head of a gzip member: what a reader that unpacks would go by.  None here does. */
#define GZIP "\x1f\x8b\x08\x08\x01\x01\x01\x01\x02\x03q\x01"

#define RUN "{\"imr\":3,\"event_type\":134217729,\"digest\":\"\",\"event\":\""
#define BOOT                                                                                       \
    "{\"imr\":0,\"event_type\":4,\"digest\":\"" X16("738ae3") "\",\"event\":\"\","                 \
                                                              "\"event_payload\":\"" X16("00")     \
                                                                  X16("61") "\"}"
#define END "\",\"event_payload\":\"\"}"

const struct bomb bombs[] = {
    { "json", "valid", "[", "1,", "1]", .accepted = true },
    { "json", "brackets", "", "[", "", .accepted = false },
    { "json", "brackets and braces", "", "{\"a\":[", "", .accepted = false },
    { "json", "braces", "", "{\"\":", "", .accepted = false },
    { "json", "deep ones in a row", "[", "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]],", "1]",
      .accepted = true },
    { "json", "empty objects", "[", "{},", "1]", .accepted = true },
    { "json", "empty names", "[", "{\"\":\"\"},", "1]", .accepted = true },
    { "json", "digits", "[", "7", "]", .accepted = true },
    { "json", "digits of a fraction", "[0.", "7", "]", .accepted = true },
    { "json", "digits of an exponent", "[1e", "7", "]", .accepted = true },
    { "json", "digits without an end", "[1e", "7", "e]", .accepted = false },
    { "json", "white space", "[", " \n", "1]", .accepted = true },
    { "json", "escapes", "[\"", "\\n", "\"]", .accepted = true },
    { "json", "hex escapes", "[\"", "\\u0061", "\"]", .accepted = true },
    { "json", "surrogate pairs", "[\"", "\\ud83d\\ude00", "\"]", .accepted = true },
    { "json", "half a pair at the end", "[\"", "\\ud83d\\ude00", "\\ud83d\"]", .accepted = false },
    { "json", "two-byte characters", "[\"", "\xc3\xa9", "\"]", .accepted = true },
    { "json", "a string without an end", "[\"", "a", "", .accepted = false },
    { "json", "a long name", "{\"b\":1,\"", "a", "\":1}", .accepted = true },
    { "json", "a long name of escapes", "{\"b\":1,\"", "\\n", "\":1}", .accepted = true },
    { "json", "a repeated name and a long one", "{\"b\":1,\"b\":1,\"", "\\n", "\":1}",
      .accepted = false },
    { "json", "full objects", "[{", "\"", "\"\":0}]", "\":1,", 1000, "\"\":0},{", true },
    { "json", "objects of 17", "[{", "\"", "\"\":0}]", "\":1,", 16, "\"\":0},{", true },
    { "json", "one object", "{", "\"", "\"\":0}", "\":1,", .accepted = false },
    { "json", "an archive", GZIP, "\x01", "", .accepted = false },

    { "toml", "valid", "a=[", "1,", "]", .accepted = true },
    { "toml", "brackets", "a=", "[", "", .accepted = false },
    { "toml", "braces", "a=", "{a=", "", .accepted = false },
    { "toml", "dotted key", "", "a.", "b=1", .accepted = false },
    { "toml", "dotted header", "[", "a.", "b]", .accepted = false },
    { "toml", "dotted keys", "", X16("a.") "a.", "", "=1\n", .accepted = true },
    { "toml", "dotted headers", "", "[" X16("a.") "b", "", "]\n", .accepted = true },
    { "toml", "keys", "", "a", "", "=1\n", .accepted = true },
    { "toml", "long keys", "", X64("a"), "", "=1\n", .accepted = true },
    { "toml", "tables of a list", "", "[[a]]\n", "", .accepted = true },
    { "toml", "empty tables", "a=[", "{},", "]", .accepted = true },
    { "toml", "digits", "a=", "7", "", .accepted = false },
    { "toml", "digits of a fraction", "a=0.", "7", "", .accepted = false },
    { "toml", "digits of an exponent", "a=1e", "7", "", .accepted = false },
    { "toml", "underscores", "a=1", "_1", "", .accepted = false },
    { "toml", "floats", "a=[", "1e9,", "]", .accepted = true },
    { "toml", "long floats", "a=[", X64("1234567") "e-320,", "]", .accepted = true },
    { "toml", "escapes", "a=\"", "\\n", "\"", .accepted = true },
    { "toml", "a key of escapes", "\"", "\\n", "\"=1", .accepted = true },
    { "toml", "quotes", "a=\"\"\"", "\"\"x", "\"\"\"", .accepted = true },
    { "toml", "folded lines", "a=\"\"\"", "\\\n", "\"\"\"", .accepted = true },
    { "toml", "a folded line without an end", "a=\"\"\"\\\n", " ", "", .accepted = false },
    { "toml", "line ends", "a=[", "\n", "]", .accepted = true },
    { "toml", "a mistake in the last line", "", "\n", "=", .accepted = false },
    { "toml", "an archive", GZIP, "\x01", "", .accepted = false },

    { "cbor", "valid", "\x9f", "\x01", "\xff", .accepted = true },
    { "cbor", "nested arrays", "", "\x81", "", .accepted = false },
    { "cbor", "nested arrays without length", "", "\x9f", "", .accepted = false },
    { "cbor", "nested maps without length", "", "\xbf\x01", "", .accepted = false },
    { "cbor", "empty arrays", "\x9f", "\x80", "\xff", .accepted = true },
    { "cbor", "deep ones in a row", "\x9f", X16("\x9f") "\x9f", "\xff", .accepted = false },
    { "cbor", "empty strings", "\x9f", "\x40", "\xff", .accepted = true },
    { "cbor", "empty texts", "\x9f", "\x60", "\xff", .accepted = true },
    { "cbor", "maps without length", "\x9f", "\xbf\x01\x01\xff", "\xff", .accepted = true },
    { "cbor", "a length of 2^64 - 1", "\xbb\xff\xff\xff\xff\xff\xff\xff\xff", "\x01", "",
      .accepted = false },
    { "cbor", "tags", "", "\xc1", "", .accepted = false },

    { "pem", "valid", "", "-----BEGIN X-----\n" X64("A") "\n" X64("A") "\n-----END X-----\n", "",
      .accepted = true },
    { "pem", "short blocks", "", "-----BEGIN X-----\nAAAA\n-----END X-----\n", "",
      .accepted = true },
    { "pem", "short lines", "-----BEGIN X-----\n", "AAAA\n", "-----END X-----\n",
      .accepted = false },
    { "pem", "white space", "", " ", "", .accepted = false },
    { "pem", "white space between", "", "-----BEGIN X-----\nAAAA\n-----END X-----" X16(" "), "\n",
      .accepted = true },
    { "pem", "a label", "-----BEGIN ", "A", "-----", .accepted = false },
    { "pem", "one line", "-----BEGIN X-----\n", "A", "", .accepted = false },
    { "pem", "without an end", "-----BEGIN X-----\n", X64("A") "\n", "", .accepted = false },

    { "base64", "valid", "", X64("A") "\n", "", .accepted = true },
    { "base64", "white space", "", " ", "", .accepted = true },
    { "base64", "white space inside", "", "A B\tC\rD\n", "", .accepted = true },
    { "base64", "a mistake at the end", "", X64("A"), "=A==", .accepted = false },

    { "eventlog", "valid", "[" RUN "system-ready" END, "," BOOT "," BOOT "," RUN "a" END, "]",
      .accepted = true },
    { "eventlog", "short events", "[" RUN "system-ready" END, "," RUN "a" END, "]",
      .accepted = true },
    { "eventlog", "brackets", "", "[", "", .accepted = false },
    { "eventlog", "names that differ late", "[" RUN, X1K("a"), END "]", END "," RUN, 1, "",
      .accepted = true },
    { "eventlog", "an unknown name",
      "[{\"imr\":3,\"event_type\":134217729,\"event\":\"a\","
      "\"event_payload\":\"\",\"b\":1,\"",
      "\\n", "\":1}]", .accepted = true },
    { "eventlog", "an unknown value",
      "[{\"imr\":3,\"event_type\":134217729,\"event\":\"a\","
      "\"event_payload\":\"\",\"b\":\"",
      "\\n", "\"}]", .accepted = true },
    { "eventlog", "a name of escapes", "[" RUN, "\\u0001", END "]", .accepted = true },
    { "eventlog", "a payload",
      "[{\"imr\":3,\"event_type\":134217729,\"event\":\"a\","
      "\"event_payload\":\"",
      "00", "\"}]", .accepted = true },
    { "eventlog", "small values", "[", "1,", "1]", .accepted = false },
    { "eventlog", "padding", "\xff\xff\xff\xff", "\xff", "", .accepted = false },
};

const size_t bomb_count = COUNT_OF(bombs);

static void put_unit(const struct bomb *bomb, size_t number, struct sink *out)
{
    sink_text(out, bomb->unit);
    if (bomb->after != NULL) {
        sink_format(out, "%zx", number);
        sink_text(out, bomb->after);
    }
    if (bomb->group > 0 && number % bomb->group == bomb->group - 1)
        sink_text(out, bomb->between);
}

void bomb_write(const struct bomb *bomb, struct sink *out)
{
    size_t tail = span_text(bomb->tail).len;
    sink_text(out, bomb->head);
    for (size_t number = 0;; number++) {
        struct sink longer = *out;
        longer.cap = out->cap - tail;
        put_unit(bomb, number, &longer);
        if (!sink_ok(&longer))
            break;
        out->len = longer.len;
    }
    sink_text(out, bomb->tail);
}
