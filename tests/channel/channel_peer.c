/* channel_peer.c - Ward's end of a channel for a peer that is no Ward: on stdin and stdout, with
   the length of each message before it, as docs/wire.md has it for streams.

       channel_peer ROLE CIPHERS FLAGS NONCE SECRET    e.g.  initiator 12 gw HEX HEX
       channel_peer vectors                            prints vectors/channel/v2.json

   ROLE is initiator or responder; CIPHERS their numbers, best first; FLAGS g (gives evidence) and
   w (wants it), or -.  Once open it sends every message back, but for "tick" (an hour passes),
   "close" and "big" (64 KiB of zeros).  How it ended is the last line on stderr. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WIRE_MAX (2 * (ATTESTED_PLAIN_MAX + 2 * ATTESTED_RECORD_EXTRA))
#include "channel/attested.h"
#include "codec/hex.h"
#include "pair.h"

static bool read_all(void *at, size_t len)
{
    for (size_t done = 0; done < len;) {
        ssize_t got = read(STDIN_FILENO, (uint8_t *)at + done, len - done);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* A port of a machine takes 32 KiB at a time. */
static void write_all(struct span bytes)
{
    for (size_t done = 0; done < bytes.len;) {
        ssize_t put = write(STDOUT_FILENO, bytes.at + done, bytes.len - done);
        if (put <= 0)
            exit(3);
        done += (size_t)put;
    }
}

static void write_message(struct span message)
{
    uint8_t head[4];
    struct sink out = sink_over(head, sizeof head);
    sink_u32le(&out, (uint32_t)message.len);
    if (message.len > 0) {
        write_all(sink_bytes(&out));
        write_all(message);
    }
}

static int finished(const char *how, enum reason reason, enum reason about)
{
    (void)fprintf(stderr, "%s %s %s\n", how, reason_info(reason)->name, reason_info(about)->name);
    return 0;
}

/* Sends back what came, or does what it says. */
static void obey(struct end *end, struct span said)
{
    static uint8_t room[WIRE_MAX];
    static uint8_t big[ATTESTED_PLAIN_MAX];
    struct sink out = sink_over(room, sizeof room);
    struct attested_sent sent = { .count = 0 };
    if (span_equal_text(said, "tick"))
        end->now_ms += ATTESTED_EPOCH_MS;
    else if (span_equal_text(said, "close") && attested_close(&end->channel, &out))
        sent = (struct attested_sent){ .messages = { sink_bytes(&out) }, .count = 1 };
    else if (!attested_send(&end->channel, span_equal_text(said, "big") ? SPAN(big) : said,
                            end->now_ms, &out, &sent))
        exit(3);
    for (size_t m = 0; m < sent.count; m++)
        write_message(sent.messages[m]);
}

static int serve(struct end *end)
{
    static uint8_t message[WIRE_MAX];
    uint8_t head[4];
    uint32_t len;
    while (end->channel.state != ATTESTED_IS_OVER) {
        if (!read_all(head, sizeof head)) {
            struct attested_event event = attested_cut(&end->channel);
            return finished(event.kind == ATTESTED_ENDED ? "ended" : "closed", event.reason, 0);
        }
        struct cursor in = cur_over(SPAN(head));
        if (!cur_u32le(&in, &len) || len > attested_message_max(&end->channel) ||
            len > sizeof message)
            return finished("ended", REASON_CHANNEL_TOO_LARGE, 0);
        if (!read_all(message, len))
            return finished("ended", attested_cut(&end->channel).reason, 0);
        end_hear(end, span_of(message, len));
        write_message(said_by(end));
        if (end->event.kind == ATTESTED_ENDED)
            return finished("ended", end->event.reason, end->event.about);
        if (end->event.kind == ATTESTED_DATA)
            obey(end, end->event.data);
    }
    return finished("closed", 0, 0);
}

static void hex_argument(const char *text, uint8_t out[ATTESTED_RANDOM])
{
    if (!hex_decode(span_text(text), out, ATTESTED_RANDOM))
        exit(2);
}

static int talk(char **argv)
{
    static struct end end;
    uint8_t nonce[ATTESTED_RANDOM], secret[ATTESTED_RANDOM];
    bool initiator = strcmp(argv[1], "initiator") == 0;
    struct attested_setup setup = setup_of(initiator ? ATTESTED_INITIATOR : ATTESTED_RESPONDER,
                                           bulk_new());
    setup.aead_count = strlen(argv[2]);
    for (size_t i = 0; i < 2 && i < setup.aead_count; i++)
        setup.aeads[i] = (enum aead)(argv[2][i] - '0');
    setup.gives_evidence = strchr(argv[3], 'g') != NULL;
    setup.wants_evidence = strchr(argv[3], 'w') != NULL;
    hex_argument(argv[4], nonce);
    hex_argument(argv[5], secret);
    setup.nonce = nonce;
    setup.secret = secret;
    end.judge = fake_judge;
    end.quote = fake_quote;
    end.now_ms = setup.now_ms;
    if (!attested_init(&end.channel, &setup))
        return 2;
    if (initiator) {
        end_start(&end);
        write_message(said_by(&end));
    }
    int code = serve(&end);
    attested_fini(&end.channel);
    bulk_free(&setup.bulk);
    return code;
}

/* --- vectors --------------------------------------------------------------------------------- */

static void put(const char *name, struct span bytes, const char *after)
{
    printf("   \"%s\": \"", name);
    for (size_t i = 0; i < bytes.len; i++)
        printf("%02x", bytes.at[i]);
    printf("\"%s\n", after);
}

/* Nonces and secrets anybody can write down: one byte again and again. */
static void make_plain(struct end *end, struct attested_setup setup, uint8_t nonce, uint8_t secret)
{
    uint8_t random[2][ATTESTED_RANDOM];
    memset(random[0], nonce, ATTESTED_RANDOM);
    memset(random[1], secret, ATTESTED_RANDOM);
    setup.nonce = random[0];
    setup.secret = random[1];
    *end = (struct end){ .judge = fake_judge, .quote = fake_quote, .now_ms = setup.now_ms };
    if (!attested_init(&end->channel, &setup))
        exit(3);
}

static void put_repeated(const char *name, uint8_t byte)
{
    uint8_t bytes[ATTESTED_RANDOM];
    memset(bytes, byte, sizeof bytes);
    put(name, SPAN(bytes), ",");
}

static void put_record(struct end *from, struct end *to, const char *name, const char *text,
                       bool last)
{
    struct sink out = sink_over(from->said.at, sizeof from->said.at);
    struct attested_sent sent = { .count = 0 };
    if (text == NULL && attested_close(&from->channel, &out))
        sent = (struct attested_sent){ .messages = { sink_bytes(&out) }, .count = 1 };
    else if (!attested_send(&from->channel, span_text(text), from->now_ms, &out, &sent))
        exit(3);
    for (size_t m = 0; m < sent.count; m++) {
        struct span message = sent.messages[m];
        bool rekey = m + 1 < sent.count;
        printf("    {\"from\": \"%s\", \"type\": \"%s\", \"text\": \"%s\",\n     \"message\": \"",
               name,
               rekey          ? "rekey"
               : text == NULL ? "close"
                              : "data",
               rekey || text == NULL ? "" : text);
        for (size_t i = 0; i < message.len; i++)
            printf("%02x", message.at[i]);
        printf("\"}%s\n", last ? "" : ",");
        end_hear(to, message);
    }
}

static void put_case(enum aead aead, bool attested, bool last)
{
    static struct pair pair;
    static struct script script;
    struct attested_setup i = setup_of(ATTESTED_INITIATOR, bulk_new());
    struct attested_setup r = setup_of(ATTESTED_RESPONDER, i.bulk);
    r.aeads[0] = aead;
    r.aead_count = 1;
    i.gives_evidence = i.wants_evidence = r.gives_evidence = r.wants_evidence = attested;
    make_plain(&pair.i, i, 0x11, 0x22);
    make_plain(&pair.r, r, 0x33, 0x44);
    pair_shake(&pair, &script);
    printf("  {\n   \"cipher\": %d, \"evidence\": %s, \"purpose\": \"test\",\n", (int)aead,
           attested ? "true" : "false");
    put_repeated("nonce_i", 0x11);
    put_repeated("secret_i", 0x22);
    put_repeated("nonce_r", 0x33);
    put_repeated("secret_r", 0x44);
    put("hello", span_of(script.hello.at, script.hello.len), ",");
    put("accept", span_of(script.accept.at, script.accept.len), ",");
    put("finish", span_of(script.finish.at, script.finish.len), ",");
    put("done", span_of(script.done.at, script.done.len), ",");
    put("report_data_i", SPAN(pair.i.channel.report_data[0]), ",");
    put("report_data_r", SPAN(pair.i.channel.report_data[1]), ",");
    put("transcript_2", SPAN(pair.i.channel.transcript), ",");
    put("traffic_i", SPAN(pair.i.channel.keys.out.secret), ",");
    put("traffic_r", SPAN(pair.i.channel.keys.in.secret), ",");
    puts("   \"records\": [");
    put_record(&pair.i, &pair.r, "i", "hello", false);
    put_record(&pair.r, &pair.i, "r", "hello yourself", false);
    put_record(&pair.i, &pair.r, "i", "", false);
    pair.i.now_ms += ATTESTED_EPOCH_MS;
    put_record(&pair.i, &pair.r, "i", "an hour later", false);
    put_record(&pair.i, &pair.r, "i", NULL, false);
    put_record(&pair.r, &pair.i, "r", NULL, true);
    printf("   ]\n  }%s\n", last ? "" : ",");
    bulk_free(&i.bulk);
}

static int put_vectors(void)
{
    puts("{\n \"made_by\": \"channel_peer vectors\",\n \"cases\": [");
    put_case(AEAD_CHACHA20_POLY1305, true, false);
    put_case(AEAD_XCHACHA20_POLY1305, true, false);
    put_case(AEAD_CHACHA20_POLY1305, false, true);
    puts(" ]\n}");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "vectors") == 0)
        return put_vectors();
    if (argc != 6)
        return 2;
    return talk(argv);
}
