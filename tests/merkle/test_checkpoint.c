/* test_checkpoint.c - one checkpoint has one text, and only what the log and enough witnesses
   have signed is believed. */
#include "merkle/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "codec/base64.h"
#include "model/reason.h"
#include "signer.h"

enum { LOG_SEED = 1, WITNESS_SEED = 10 };

static const char origin[] = "example.com/behind-the-sofa";
static const struct checkpoint_verifier verifier = { signer_verify, NULL };

/* The examples of c2sp.org/tlog-cosignature. */
static const char example[] =
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "\xe2\x80\x94 example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "\xe2\x80\x94 witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
    "mbIUBkBIfZ+qnA==\n";

static uint8_t note_room[CHECKPOINT_MAX + 4096];
static struct sink note;

static enum reason reason_of(rc r)
{
    return rc_ok(r) ? REASON_OK : (enum reason)rc_number(r);
}

static struct span bytes_of(const struct checkpoint_signature *signature)
{
    return span_of(signature->bytes, signature->len);
}

static void print_again(const struct checkpoint *c)
{
    note = sink_over(note_room, sizeof note_room);
    checkpoint_put_text(&note, c->origin, &c->head, c->extensions);
    checkpoint_end_text(&note);
    for (size_t i = 0; i < c->count; i++)
        checkpoint_put_signature(&note, c->signatures[i].name, c->signatures[i].key_id,
                                 bytes_of(&c->signatures[i]));
}

static void test_the_specification_s_example(void **state)
{
    (void)state;
    struct checkpoint c;
    assert_true(rc_ok(checkpoint_parse(span_text(example), &c, NULL)));
    assert_span_equal(c.origin, span_text(origin));
    assert_int_equal(c.head.size, 20852163);
    assert_int_equal(c.head.root.at[0], 0x0a);
    assert_int_equal(c.extensions.len, 0);
    assert_int_equal(c.text.len, strstr(example, "\n\n") + 1 - example);
    assert_int_equal(c.count, 2);
    assert_int_equal(c.signatures[0].key_id, 0x033de0ae);
    assert_int_equal(c.signatures[0].len, CHECKPOINT_ED25519);
    assert_span_equal(c.signatures[1].name, span_text("witness.example.com/w1"));
    assert_int_equal(c.signatures[1].len, CHECKPOINT_COSIGNATURE);
    print_again(&c);
    assert_span_equal(sink_bytes(&note), span_text(example));
}

/* The key of golang.org/x/mod/sumdb/note's documentation: "PeterNeumann+c74f20a3+ARpc2Q...". */
static void test_known_key_id(void **state)
{
    (void)state;
    struct checkpoint_key key = { .name = span_text("PeterNeumann") };
    uint8_t room[1 + CHECKPOINT_KEY_LEN];
    struct sink out = sink_over(room, sizeof room);
    assert_true(base64_decode(span_text("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"), &out));
    memcpy(key.public_key, room + 1, sizeof key.public_key);
    assert_int_equal(checkpoint_key_id(&key, CHECKPOINT_BY_LOG), 0xc74f20a3);
    assert_int_not_equal(checkpoint_key_id(&key, CHECKPOINT_BY_WITNESS), 0xc74f20a3);
}

#define HEAD "log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
#define SIGN "\xe2\x80\x94 k AAAAAQI=\n"

static const struct {
    const char *name;
    const char *text;
    bool good;
} notes[] = {
    { "one signature", HEAD "\n" SIGN, true },
    { "size 0", "log\n0\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, true },
    { "extension lines", HEAD "ext one\next two\n\n" SIGN, true },
    { "a name beyond ASCII", HEAD "\n\xe2\x80\x94 l\xc3\xb6g AAAAAQI=\n", true },
    { "nothing", "", false },
    { "one newline", "\n", false },
    { "no signature", HEAD "\n", false },
    { "no empty line", HEAD SIGN, false },
    { "two empty lines", HEAD "\n\n" SIGN, false },
    { "an empty line at the end", HEAD "\n" SIGN "\n", false },
    { "no newline at the end", HEAD "\n\xe2\x80\x94 k AAAAAQI=", false },
    { "text after the signatures", HEAD "\n" SIGN "more\n", false },
    { "an empty origin", "\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "two lines only", "log\n7\n\n" SIGN, false },
    { "size with a zero before it",
      "log\n07\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "a signed size", "log\n+7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "no size", "log\n\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "the largest size",
      "log\n9223372036854775807\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, true },
    { "one more than that",
      "log\n9223372036854775808\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "a size of 20 digits",
      "log\n18446744073709551623\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "a root of 31 bytes", "log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw==\n\n" SIGN,
      false },
    { "a root of 33 bytes", "log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2Jh\n\n" SIGN,
      false },
    { "a root whose last bits are used",
      "log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=\n\n" SIGN, false },
    { "a root in the URL alphabet", "log\n7\nCsUYapGGPo4dkMgIAUqom_Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN,
      false },
    { "a root without padding", "log\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I\n\n" SIGN,
      false },
    { "CR LF", "log\r\n7\r\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\r\n\r\n" SIGN, false },
    { "a tab in an extension", HEAD "a\tb\n\n" SIGN, false },
    { "an escape in the origin", "l\x1bg\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN,
      false },
    { "an origin that is no UTF-8",
      "l\xffg\n7\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n" SIGN, false },
    { "a hyphen for the dash", HEAD "\n- k AAAAAQI=\n", false },
    { "no space after the dash", HEAD "\n\xe2\x80\x94k AAAAAQI=\n", false },
    { "a key without a name", HEAD "\n\xe2\x80\x94  AAAAAQI=\n", false },
    { "a plus in a key's name", HEAD "\n\xe2\x80\x94 k+k AAAAAQI=\n", false },
    { "a no-break space in a key's name", HEAD "\n\xe2\x80\x94 k\xc2\xa0k AAAAAQI=\n", false },
    { "an em space in a key's name", HEAD "\n\xe2\x80\x94 k\xe2\x80\x83k AAAAAQI=\n", false },
    { "an ideographic space", HEAD "\n\xe2\x80\x94 k\xe3\x80\x80k AAAAAQI=\n", false },
    { "two spaces before the signature", HEAD "\n\xe2\x80\x94 k  AAAAAQI=\n", false },
    { "something after the signature", HEAD "\n\xe2\x80\x94 k AAAAAQI= x\n", false },
    { "no signature after the name", HEAD "\n\xe2\x80\x94 k\n", false },
    { "an empty signature", HEAD "\n\xe2\x80\x94 k \n", false },
    { "a key id alone", HEAD "\n\xe2\x80\x94 k AAAAAQ==\n", false },
    { "a signature whose last bits are used", HEAD "\n\xe2\x80\x94 k AAAAAQJ=\n", false },
};

static void test_notes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++) {
        struct checkpoint c = { .count = 99 };
        rc r = checkpoint_parse(span_text(notes[i].text), &c, NULL);
        if (rc_ok(r) != notes[i].good)
            print_message("# %s\n", notes[i].name);
        assert_int_equal(reason_of(r), notes[i].good ? REASON_OK : REASON_AUDIT_HEAD_INVALID);
        if (!notes[i].good) {
            assert_int_equal(c.count, 99);
            continue;
        }
        print_again(&c);
        assert_span_equal(sink_bytes(&note), span_text(notes[i].text));
    }
}

static const struct {
    const char *name;
    bool legal;
} key_names[] = {
    { "example.com/log", true },
    { "l\xc3\xb6g", true },
    { "", false },
    { "a b", false },
    { "a+b", false },
    { "a\nb", false },
    { "\x1b", false },
    { "a\x7f", false },
    { "a\xff", false },
    { "a\xc3", false },
    { "a\xc2\x85", false },
    { "a\xe1\x9a\x80", false },
    { "\xe2\x80\x80", false },
    { "\xe2\x80\x8a", false },
    { "\xe2\x80\x8b", true }, /* U+200B is no space to Unicode */
    { "\xe2\x80\xa8", false },
    { "\xe2\x80\xa9", false },
    { "\xe2\x80\xaf", false },
    { "\xe2\x81\x9f", false },
};

static void test_key_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof key_names / sizeof key_names[0]; i++)
        assert_int_equal(checkpoint_name_is_legal(span_text(key_names[i].name)),
                         key_names[i].legal);
}

/* A note of `signatures` lines, an extension of `extension` bytes and a name of `name`. */
static bool parses(size_t signatures, size_t extension, size_t name)
{
    static char filler[CHECKPOINT_TEXT_MAX];
    static const uint8_t bytes[CHECKPOINT_ED25519];
    struct merkle_head head = { 1, { { 0 } } };
    struct checkpoint c;
    memset(filler, 'x', sizeof filler);
    note = sink_over(note_room, sizeof note_room);
    checkpoint_put_text(&note, span_text("log"), &head, (struct span){ NULL, 0 });
    sink_put(&note, span_of(filler, extension));
    sink_text(&note, extension > 0 ? "\n\n" : "\n");
    for (size_t i = 0; i < signatures; i++)
        checkpoint_put_signature(&note, span_of(filler, name), 1, SPAN(bytes));
    assert_true(sink_ok(&note));
    return rc_ok(checkpoint_parse(sink_bytes(&note), &c, NULL));
}

static void test_limits(void **state)
{
    (void)state;
    size_t text = strlen("log\n1\n") + 45; /* and the root's line */
    assert_true(parses(CHECKPOINT_SIGNATURES_MAX, 0, 1));
    assert_false(parses(CHECKPOINT_SIGNATURES_MAX + 1, 0, 1));
    assert_true(parses(1, CHECKPOINT_TEXT_MAX - text - 1, 1));
    assert_false(parses(1, CHECKPOINT_TEXT_MAX - text, 1));
    assert_true(parses(1, 0, CHECKPOINT_NAME_MAX));
    assert_false(parses(1, 0, CHECKPOINT_NAME_MAX + 1));
}

/* Signatures of kinds that are unknown here, of any size, are passed over; a whole note has a
   limit. */
static void test_large_unknown_signatures(void **state)
{
    (void)state;
    static uint8_t big[4 + 5000];
    struct checkpoint c;
    for (size_t lines = 1; lines <= 20; lines++) {
        note = sink_over(note_room, sizeof note_room);
        sink_text(&note, HEAD "\n");
        for (size_t i = 0; i < lines && note.len < CHECKPOINT_MAX; i++) {
            sink_text(&note, "\xe2\x80\x94 pq ");
            base64_encode(&note, SPAN(big));
            sink_u8(&note, '\n');
        }
        bool fits = note.len <= CHECKPOINT_MAX;
        assert_int_equal(rc_ok(checkpoint_parse(sink_bytes(&note), &c, NULL)), fits);
        if (fits) {
            assert_int_equal(c.signatures[lines - 1].len, 5000);
            assert_true(bytes_are_zero(c.signatures[0].bytes, sizeof c.signatures[0].bytes));
        }
    }
    assert_true(note.len > CHECKPOINT_MAX);
}

static void test_truncation(void **state)
{
    (void)state;
    struct checkpoint c;
    size_t whole = 0;
    assert_false(rc_ok(checkpoint_parse(span_of(NULL, 0), &c, NULL)));
    for (size_t len = 1; len < sizeof example; len++) {
        if (!rc_ok(checkpoint_parse(span_of(example, len), &c, NULL)))
            continue;
        whole++;
        assert_int_equal(example[len - 1], '\n');
    }
    assert_int_equal(whole, 2); /* with one signature, and with both */
}

/* A note of a tree, signed by whoever is asked. */
static void begin_note(uint64_t size, uint8_t root)
{
    struct merkle_head head = { size, { { root } } };
    note = sink_over(note_room, sizeof note_room);
    checkpoint_put_text(&note, span_text(origin), &head, span_text("an extension\n"));
    checkpoint_end_text(&note);
}

static struct span text_of_note(void)
{
    const char *end = strstr((const char *)note_room, "\n\n");
    return span_of(note_room, (size_t)((const uint8_t *)end + 1 - note_room));
}

static void sign_as_log(const char *name, uint8_t seed)
{
    uint8_t signature[CHECKPOINT_ED25519];
    struct checkpoint_key key = signer_public(name, seed);
    signer_sign(seed, text_of_note(), signature);
    checkpoint_put_signature(&note, key.name, checkpoint_key_id(&key, CHECKPOINT_BY_LOG),
                             SPAN(signature));
}

static void cosign(const char *name, uint8_t seed, uint64_t at, bool wrong)
{
    uint8_t room[CHECKPOINT_TEXT_MAX + 64];
    uint8_t signature[CHECKPOINT_COSIGNATURE];
    struct sink message = sink_over(room, sizeof room);
    struct sink bytes = sink_over(signature, sizeof signature);
    struct checkpoint_key key = signer_public(name, seed);
    checkpoint_put_cosigned(&message, text_of_note(), at);
    sink_u64be(&bytes, at);
    signer_sign(seed, sink_bytes(&message), sink_room(&bytes, CHECKPOINT_ED25519));
    signature[20] ^= wrong ? 1 : 0;
    checkpoint_put_signature(&note, key.name, checkpoint_key_id(&key, CHECKPOINT_BY_WITNESS),
                             SPAN(signature));
}

static struct checkpoint parsed(void)
{
    struct checkpoint c;
    assert_true(rc_ok(checkpoint_parse(sink_bytes(&note), &c, NULL)));
    return c;
}

static void test_the_log_s_signature(void **state)
{
    (void)state;
    struct checkpoint_key key = signer_public(origin, LOG_SEED);
    struct checkpoint_key other = signer_public(origin, LOG_SEED + 1);
    struct checkpoint_key renamed = signer_public("example.com/else", LOG_SEED);
    begin_note(9, 1);
    cosign("w1", WITNESS_SEED, 5, true); /* not asked, so its fault is nobody's business */
    sign_as_log(origin, LOG_SEED);
    struct checkpoint c = parsed();
    assert_true(rc_ok(checkpoint_check_log(&c, &key, &verifier, NULL)));
    assert_int_equal(reason_of(checkpoint_check_log(&c, &other, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
    assert_int_equal(reason_of(checkpoint_check_log(&c, &renamed, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
    /* A second signature of the same key that is wrong spoils the first. */
    c.signatures[c.count] = c.signatures[1];
    c.signatures[c.count++].bytes[0] ^= 1;
    assert_int_equal(reason_of(checkpoint_check_log(&c, &key, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
    c.count--;
    c.signatures[1].len--;
    assert_int_equal(reason_of(checkpoint_check_log(&c, &key, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
    c.count = 1;
    assert_int_equal(reason_of(checkpoint_check_log(&c, &key, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
}

/* Signed by the right key under the log's kind, but for another kind of text. */
static void test_a_witness_key_signs_no_head(void **state)
{
    (void)state;
    struct checkpoint_key key = signer_public(origin, LOG_SEED);
    begin_note(9, 1);
    cosign(origin, LOG_SEED, 5, false);
    struct checkpoint c = parsed();
    assert_int_equal(reason_of(checkpoint_check_log(&c, &key, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
    /* Nor does it when its id is forged to that of the log's kind. */
    c.signatures[0].key_id = checkpoint_key_id(&key, CHECKPOINT_BY_LOG);
    memmove(c.signatures[0].bytes, c.signatures[0].bytes + 8, CHECKPOINT_ED25519);
    c.signatures[0].len = CHECKPOINT_ED25519;
    assert_int_equal(reason_of(checkpoint_check_log(&c, &key, &verifier, NULL)),
                     REASON_AUDIT_HEAD_SIGNATURE);
}

/* Every bit of the note counts, but for the names and ids of other keys' signatures. */
static void test_bit_flips(void **state)
{
    (void)state;
    struct checkpoint_key key = signer_public(origin, LOG_SEED);
    begin_note(9, 1);
    sign_as_log(origin, LOG_SEED);
    size_t refused = 0;
    for (size_t bit = 0; bit < 8 * note.len; bit++) {
        struct checkpoint c;
        note_room[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (rc_ok(checkpoint_parse(sink_bytes(&note), &c, NULL)))
            assert_false(rc_ok(checkpoint_check_log(&c, &key, &verifier, NULL)));
        refused++;
        note_room[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(refused, 8 * note.len);
}

static const struct {
    const char *name;
    size_t need;
    size_t listed;  /* of the four keys below */
    uint64_t at[3]; /* when w1 to w3 signed; 0: they did not */
    unsigned wrong; /* bit i: the signature of w(i+1) is wrong */
    size_t have;
    bool good;
} quorums[] = {
    { "two of three", 2, 3, { 1000, 1001, 0 }, 0, 2, true },
    { "three of three", 3, 3, { 1000, 1001, 1002 }, 0, 3, true },
    { "none needed, none there", 0, 3, { 0, 0, 0 }, 0, 0, true },
    { "none needed, none listed", 0, 0, { 1000, 1001, 1002 }, 0, 0, true },
    { "one too few", 3, 3, { 1000, 1001, 0 }, 0, 2, false },
    { "none listed", 1, 0, { 1000, 1001, 1002 }, 0, 0, false },
    { "more needed than there are", 4, 3, { 1000, 1001, 1002 }, 0, 3, false },
    { "not listed does not count", 2, 1, { 1000, 1001, 1002 }, 0, 1, false },
    { "at the oldest moment", 1, 1, { 900, 0, 0 }, 0, 1, true },
    { "a second before", 1, 1, { 899, 0, 0 }, 0, 0, false },
    { "at the newest moment", 1, 1, { 1100, 0, 0 }, 0, 1, true },
    { "from the future", 1, 1, { 1101, 0, 0 }, 0, 0, false },
    { "one wrong beside enough good ones", 2, 3, { 1000, 1001, 1002 }, 4, 2, false },
    { "one wrong though none is needed", 0, 3, { 1000, 0, 0 }, 1, 0, false },
    { "a wrong one that is not listed", 1, 1, { 1000, 1001, 0 }, 2, 1, true },
    { "a time past what there is", 1, 1, { UINT64_C(1) << 63, 0, 0 }, 0, 0, false },
    { "one key under two names is one witness", 4, 4, { 1000, 1001, 1002 }, 0, 3, false },
};

static void test_witnesses(void **state)
{
    (void)state;
    static const char *const names[] = { "w1", "w2", "w3" };
    /* The fourth is w3's key by another name, which signs too. */
    struct checkpoint_key keys[4] = { signer_public("w1", WITNESS_SEED),
                                      signer_public("w2", WITNESS_SEED + 1),
                                      signer_public("w3", WITNESS_SEED + 2),
                                      signer_public("w4", WITNESS_SEED + 2) };
    for (size_t i = 0; i < sizeof quorums / sizeof quorums[0]; i++) {
        begin_note(9, 1);
        sign_as_log(origin, LOG_SEED);
        for (size_t w = 0; w < 3; w++) {
            if (quorums[i].at[w] != 0)
                cosign(names[w], (uint8_t)(WITNESS_SEED + w), quorums[i].at[w],
                       (quorums[i].wrong >> w & 1) != 0);
        }
        cosign("w4", WITNESS_SEED + 2, 1000, false);
        cosign("w4", WITNESS_SEED + 2, 1001, false);
        struct checkpoint c = parsed();
        struct checkpoint_witnesses witnesses = { keys, quorums[i].listed, quorums[i].need, 900,
                                                  1100 };
        size_t have = 99;
        rc r = checkpoint_check_witnesses(&c, &witnesses, &verifier, &have, NULL);
        if (rc_ok(r) != quorums[i].good || have != quorums[i].have)
            print_message("# %s: %zu\n", quorums[i].name, have);
        assert_int_equal(reason_of(r), quorums[i].good ? REASON_OK : REASON_AUDIT_WITNESS_QUORUM);
        assert_int_equal(have, quorums[i].have);
        assert_true(rc_ok(r) ==
                    rc_ok(checkpoint_check_witnesses(&c, &witnesses, &verifier, NULL, NULL)));
    }
}

/* One witness that signs twice is one. */
static void test_a_witness_counts_once(void **state)
{
    (void)state;
    struct checkpoint_key key = signer_public("w1", WITNESS_SEED);
    struct checkpoint_key twice[] = { key, key };
    struct checkpoint_witnesses witnesses = { twice, 2, 2, 0, 2000 };
    size_t have;
    begin_note(9, 1);
    cosign("w1", WITNESS_SEED, 1000, false);
    cosign("w1", WITNESS_SEED, 1001, false);
    struct checkpoint c = parsed();
    assert_false(rc_ok(checkpoint_check_witnesses(&c, &witnesses, &verifier, &have, NULL)));
    assert_int_equal(have, 1);
}

/* A cosignature is over the time and the whole text: neither can be exchanged. */
static void test_a_cosignature_covers_all(void **state)
{
    (void)state;
    struct checkpoint_key key = signer_public("w1", WITNESS_SEED);
    struct checkpoint_witnesses witnesses = { &key, 1, 1, 0, INT64_MAX };
    begin_note(9, 1);
    cosign("w1", WITNESS_SEED, 1000, false);
    struct checkpoint c = parsed();
    assert_true(rc_ok(checkpoint_check_witnesses(&c, &witnesses, &verifier, NULL, NULL)));
    for (size_t i = 0; i < CHECKPOINT_COSIGNATURE; i++) {
        c.signatures[0].bytes[i] ^= 1;
        assert_false(rc_ok(checkpoint_check_witnesses(&c, &witnesses, &verifier, NULL, NULL)));
        c.signatures[0].bytes[i] ^= 1;
    }
    for (size_t i = 0; i < c.text.len; i++) {
        note_room[i] ^= 1;
        assert_false(rc_ok(checkpoint_check_witnesses(&c, &witnesses, &verifier, NULL, NULL)));
        note_room[i] ^= 1;
    }
}

static const struct {
    const char *name;
    uint64_t size;
    uint8_t root;
    uint8_t seed;
    enum reason reason;
} second_notes[] = {
    { "another root of that size", 9, 2, LOG_SEED, REASON_OK },
    { "the same root", 9, 1, LOG_SEED, REASON_AUDIT_PROOF_INVALID },
    { "another size", 10, 2, LOG_SEED, REASON_AUDIT_PROOF_INVALID },
    { "signed by another key", 9, 2, LOG_SEED + 1, REASON_AUDIT_HEAD_SIGNATURE },
};

static void test_a_fork_is_proven(void **state)
{
    (void)state;
    static uint8_t first[1024];
    struct checkpoint_key key = signer_public(origin, LOG_SEED);
    struct checkpoint a;
    begin_note(9, 1);
    sign_as_log(origin, LOG_SEED);
    memcpy(first, note_room, note.len);
    assert_true(rc_ok(checkpoint_parse(span_of(first, note.len), &a, NULL)));
    for (size_t i = 0; i < sizeof second_notes / sizeof second_notes[0]; i++) {
        begin_note(second_notes[i].size, second_notes[i].root);
        sign_as_log(origin, second_notes[i].seed);
        struct checkpoint b = parsed();
        assert_int_equal(reason_of(checkpoint_check_fork(&a, &b, &key, &verifier, NULL)),
                         second_notes[i].reason);
        assert_int_equal(reason_of(checkpoint_check_fork(&b, &a, &key, &verifier, NULL)),
                         second_notes[i].reason);
    }
}

/* Ed25519 is asked only about keys that were named. */
static void test_unknown_keys_cost_nothing(void **state)
{
    (void)state;
    size_t calls = 0;
    struct checkpoint_verifier counting = { signer_verify, &calls };
    struct checkpoint_key key = signer_public("nobody", 77);
    struct checkpoint_witnesses witnesses = { &key, 1, 1, 0, INT64_MAX };
    begin_note(9, 1);
    for (unsigned i = 0; i < CHECKPOINT_SIGNATURES_MAX; i++)
        cosign("w1", WITNESS_SEED, 1000 + i, false);
    struct checkpoint c = parsed();
    assert_false(rc_ok(checkpoint_check_witnesses(&c, &witnesses, &counting, NULL, NULL)));
    key.name = span_text(origin);
    assert_false(rc_ok(checkpoint_check_log(&c, &key, &counting, NULL)));
    assert_int_equal(calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_specification_s_example, ""),
        TEST(test_known_key_id, ""),
        TEST(test_notes, ""),
        TEST(test_key_names, ""),
        TEST(test_limits, ""),
        TEST(test_large_unknown_signatures, ""),
        TEST(test_truncation, ""),
        TEST(test_the_log_s_signature, ""),
        TEST(test_a_witness_key_signs_no_head, ""),
        TEST(test_bit_flips, ""),
        TEST(test_witnesses, ""),
        TEST(test_a_witness_counts_once, ""),
        TEST(test_a_cosignature_covers_all, ""),
        TEST(test_a_fork_is_proven, "RL-78"),
        TEST(test_unknown_keys_cost_nothing, ""),
    };
    return RUN_TESTS(tests);
}
