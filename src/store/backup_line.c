/* backup_line.c - see backup_line.h.  Pure: bytes in, bytes out. */
#include "store/backup_line.h"

#include <string.h>

#include "base/number.h"
#include "codec/json.h"
#include "codec/json_write.h"
#include "crypto/hash.h"

static const char format_name[] = "ward-backup";

const struct backup_table backup_tables[BACKUP_TABLES] = {
    { "audit_anchor", "ib", SQL_ANCHOR_PAGE, SQL_ANCHOR_PUT, 1 },
    { "bans", "biti", SQL_BAN_PAGE, SQL_BAN_PUT, 1 },
    { "nonces", "bbi", SQL_NONCE_PAGE, SQL_NONCE_PUT, 2 },
    { "sessions", "bbiibiib", SQL_SESSION_PAGE, SQL_SESSION_PUT, 1 },
    { "collateral", "ibii", SQL_COLLATERAL_PAGE, SQL_COLLATERAL_FLOOR, 2 },
};

const char *backup_table_name(size_t table)
{
    return table < BACKUP_TABLES ? backup_tables[table].name : "";
}

struct backup_chain backup_chain_of_state(uint32_t schema, const struct store_meta *meta)
{
    struct backup_chain chain;
    uint8_t bytes[64];
    struct sink out = sink_over(bytes, sizeof bytes);
    sink_text(&out, "ward-state");
    sink_u32be(&out, schema);
    sink_put(&out, SPAN(meta->installation));
    sink_u64be(&out, (uint64_t)meta->created);
    hash_sha256(sink_bytes(&out), chain.digest);
    return chain;
}

void backup_chain_line(struct backup_chain *chain, struct span line)
{
    const struct span parts[] = { SPAN(chain->digest), line };
    hash_sha256_parts(parts, 2, chain->digest);
}

/* Every length stands before its bytes, so no two rows have the same form.  A row longer than
   the buffer cannot be restored either (backup_row_write refuses it). */
void backup_chain_row(struct backup_chain *chain, size_t table, const struct db_row *row)
{
    uint8_t bytes[BACKUP_LINE_LEN];
    struct sink out = sink_over(bytes, sizeof bytes);
    const char *letters = backup_tables[table].columns;
    sink_u32be(&out, (uint32_t)table);
    for (size_t i = 0; letters[i] != 0; i++) {
        if (letters[i] == 'i') {
            sink_u64be(&out, (uint64_t)row->at[i].number);
            continue;
        }
        sink_u32be(&out, (uint32_t)row->at[i].bytes.len);
        sink_put(&out, row->at[i].bytes);
    }
    backup_chain_line(chain, sink_bytes(&out));
}

bool backup_head_write(const struct backup_head *head, struct sink *out)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "format");
    json_put_text(&json, format_name);
    json_put_key(&json, "version");
    json_put_u64(&json, BACKUP_VERSION);
    json_put_key(&json, "schema");
    json_put_u64(&json, head->schema);
    json_put_key(&json, "installation");
    json_put_hex(&json, SPAN(head->meta.installation));
    json_put_key(&json, "created");
    json_put_i64(&json, head->meta.created);
    json_put_key(&json, "high_water");
    json_put_i64(&json, head->meta.high_water);
    json_put_key(&json, "generation");
    json_put_i64(&json, head->meta.generation);
    json_end_object(&json);
    sink_u8(out, '\n');
    return json_write_ok(&json);
}

bool backup_row_write(size_t table, const struct db_row *row, struct sink *out)
{
    const char *letters = backup_tables[table].columns;
    struct json_writer json = json_write_to(out, 0);
    json_begin_array(&json);
    json_put_text(&json, backup_tables[table].name);
    for (size_t i = 0; letters[i] != 0; i++) {
        if (letters[i] != 'i' && row->at[i].bytes.len > BACKUP_BYTES)
            return false;
        if (letters[i] == 'i')
            json_put_i64(&json, row->at[i].number);
        else
            json_put_hex(&json, row->at[i].bytes);
    }
    json_end_array(&json);
    sink_u8(out, '\n');
    return json_write_ok(&json);
}

bool backup_end_write(const struct backup_end *end, struct sink *out)
{
    struct json_writer json = json_write_to(out, 0);
    json_begin_object(&json);
    json_put_key(&json, "rows");
    json_put_u64(&json, end->rows);
    json_put_key(&json, "state");
    json_put_hex(&json, SPAN(end->state));
    json_put_key(&json, "sum");
    json_put_hex(&json, SPAN(end->sum));
    json_end_object(&json);
    sink_u8(out, '\n');
    return json_write_ok(&json);
}

enum { NODES = 16 };

static bool parse(struct span line, struct json_node nodes[NODES], struct json *out)
{
    const struct json_limits limits = { .depth = 1, .nodes = NODES };
    return line.len < BACKUP_LINE_LEN && json_parse_into(line, nodes, NODES, &limits, out, NULL);
}

bool backup_head_read(struct span line, uint32_t *version, struct backup_head *out)
{
    struct json_node nodes[NODES];
    struct json json;
    struct backup_head head = { 0 };
    uint64_t number = 0;
    if (!parse(line, nodes, &json) ||
        !json_equal_text(&json, json_member(&json, 0, "format"), format_name) ||
        !json_u64(&json, json_member(&json, 0, "version"), UINT32_MAX, &number))
        return false;
    *version = (uint32_t)number;
    if (*version != BACKUP_VERSION)
        return true;
    uint8_t *installation = head.meta.installation;
    bool whole = json_length(&json, 0) == 7 &&
                 json_u64(&json, json_member(&json, 0, "schema"), UINT32_MAX, &number) &&
                 json_hex(&json, json_member(&json, 0, "installation"), installation,
                          STORE_INSTALLATION_LEN) &&
                 json_i64(&json, json_member(&json, 0, "created"), &head.meta.created) &&
                 json_i64(&json, json_member(&json, 0, "high_water"), &head.meta.high_water) &&
                 json_i64(&json, json_member(&json, 0, "generation"), &head.meta.generation) &&
                 head.meta.generation >= 0;
    head.schema = (uint32_t)number;
    if (whole)
        *out = head;
    return whole;
}

bool backup_end_read(struct span line, struct backup_end *out)
{
    struct json_node nodes[NODES];
    struct json json;
    struct backup_end end;
    if (!parse(line, nodes, &json) || json_length(&json, 0) != 3 ||
        !json_u64(&json, json_member(&json, 0, "rows"), INT64_MAX, &end.rows) ||
        !json_hex(&json, json_member(&json, 0, "state"), end.state, sizeof end.state) ||
        !json_hex(&json, json_member(&json, 0, "sum"), end.sum, sizeof end.sum))
        return false;
    *out = end;
    return true;
}

static bool table_named(const struct json *json, uint32_t node, size_t *out)
{
    for (size_t i = 0; i < BACKUP_TABLES; i++) {
        if (json_equal_text(json, node, backup_tables[i].name)) {
            *out = i;
            return true;
        }
    }
    return false;
}

/* Bytes and text are both hex: what stands in a text is nobody's business here. */
static bool column_read(const struct json *json, uint32_t node, char letter, uint8_t *memory,
                        struct db_value *out)
{
    struct span hex;
    int64_t number = 0;
    if (letter == 'i') {
        if (!json_i64(json, node, &number))
            return false;
        *out = DB_INT(number);
        return true;
    }
    if (!json_string(json, node, &hex) || hex.len > 2 * BACKUP_BYTES ||
        !json_hex(json, node, memory, hex.len / 2))
        return false;
    *out = DB_BYTES(span_of(memory, hex.len / 2));
    return true;
}

bool backup_row_read(struct span line, uint8_t *memory, size_t *table, struct db_row *out)
{
    struct json_node nodes[NODES];
    struct json json;
    struct db_row row = { 0 };
    size_t found = 0;
    if (!parse(line, nodes, &json) || json_type(&json, 0) != JSON_ARRAY ||
        !table_named(&json, json_first(&json, 0), &found))
        return false;
    const char *letters = backup_tables[found].columns;
    uint32_t node = json_next(&json, json_first(&json, 0));
    for (size_t i = 0; letters[i] != 0; i++, node = json_next(&json, node)) {
        if (!column_read(&json, node, letters[i], memory + i * BACKUP_BYTES, &row.at[i]))
            return false;
    }
    if (node != JSON_NONE)
        return false;
    *table = found;
    *out = row;
    return true;
}
