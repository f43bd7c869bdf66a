/* refused.c - see refused.h. */
#include "job/refused.h"

#include "base/cursor.h"
#include "codec/utf8.h"

void job_refused_write(struct sink *out, const struct job_refused *row)
{
    sink_u32le(out, row->count);
    sink_u8(out, (uint8_t)row->rule.len);
    sink_put(out, row->rule);
    sink_u16le(out, (uint16_t)row->words.len);
    sink_put(out, row->words);
    sink_u16le(out, (uint16_t)row->change.len);
    sink_put(out, row->change);
}

static bool is_rule(struct span rule)
{
    for (size_t i = 0; i < rule.len; i++) {
        if ((rule.at[i] < 'a' || rule.at[i] > 'z') && rule.at[i] != '-')
            return false;
    }
    return rule.len > 0 && rule.len <= JOB_REFUSED_RULE_MAX;
}

static bool are_words(struct span words)
{
    return words.len <= JOB_REFUSED_WORDS_MAX && utf8_is_plain(words);
}

bool job_refused_read(struct span bytes, struct job_refused *out)
{
    struct cursor in = cur_over(bytes);
    struct job_refused row = { .count = 0 };
    uint8_t rule = 0;
    uint16_t words = 0, change = 0;
    if (!cur_u32le(&in, &row.count) || row.count == 0 || !cur_u8(&in, &rule) ||
        !cur_take(&in, rule, &row.rule) || !is_rule(row.rule) || !cur_u16le(&in, &words) ||
        words == 0 || !cur_take(&in, words, &row.words) || !are_words(row.words) ||
        !cur_u16le(&in, &change) || !cur_take(&in, change, &row.change) || !are_words(row.change) ||
        !cur_end(&in))
        return false;
    *out = row;
    return true;
}
