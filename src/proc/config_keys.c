/* config_keys.c - the table of what can be set, and its forms for people.  Reads and judges
   nothing. */
#include <string.h>

#include "base/number.h"
#include "codec/nearest.h"
#include "proc/config.h"

#define AT(field) offsetof(struct settings, field)

enum {
    DAY_SECONDS = 24 * 60 * 60,
    ROTATE_LEAST = 1 << 20,
};

static const char *const seal_kinds[] = { [SEAL_BY_FILE] = "file",
                                          [SEAL_BY_PASSPHRASE] = "passphrase",
                                          [SEAL_BY_CREDENTIAL] = "credential" };

static const struct config_key keys[] = {
    { "state.folder", CONFIG_PATH, AT(state), "ward-state", .flag = "--state",
      .summary = "the folder that holds all that the house keeps; made at the first start" },

    { "listen.tls", CONFIG_ADDRESS, AT(listen), "127.0.0.1:8443", .flag = "--listen",
      .summary = "the address and port of the TLS listener; names are not looked up" },

    { "tls.certificate", CONFIG_PATH, AT(tls_certificate), NULL,
      .derived = "one that the house makes and its own CA signs", .optional = true,
      .summary = "a file with the chain of the TLS listener's certificate, as PEM, its own first; "
                 "goes with tls.key. What is in both is read anew at a reload" },
    { "tls.key", CONFIG_PATH, AT(tls_key), NULL, .derived = "the keeper's", .optional = true,
      .summary = "the file of that certificate's private key: P-256, PEM, not encrypted, and "
                 "readable by its owner alone" },
    { "tls.client_ca", CONFIG_PATH, AT(tls_client_ca), NULL, .derived = "none: no client is asked",
      .optional = true,
      .summary = "a file with the CAs that certificates of operators are signed under, roots among "
                 "them, as PEM. What is in it is read anew at a reload" },
    { "tls.client_crl", CONFIG_PATH, AT(tls_client_crl), NULL, .derived = "none", .optional = true,
      .summary = "a file with the revocation list of each of those CAs, as PEM; read anew at a "
                 "reload" },
    { "tls.operators", CONFIG_OPERATORS, AT(operators), NULL, .derived = "none", .optional = true,
      .reloads = true,
      .summary = "who may ask over TLS with such a certificate what changes nothing of the house: "
                 "names that their "
                 "certificates have, a DNS name or a URI each" },

    { "store.url", CONFIG_STORE, AT(store), "sqlite",
      .summary = "\"sqlite\" keeps the store in the state folder; else how to find a PostgreSQL "
                 "server, without its password, which belongs into store.password_file" },

    { "store.password_file", CONFIG_PATH, AT(password), NULL, .derived = "none", .optional = true,
      .summary = "a file with the PostgreSQL server's password and nothing else, opened before the "
                 "house gives up its rights" },

    { "seal.kind", CONFIG_CHOICE, AT(seal), "file", .words = seal_kinds,
      .word_count = COUNT_OF(seal_kinds), .flag = "--seal",
      .summary = "what seals the keeper's keys where there is no TEE: a file outside the state "
                 "folder, a passphrase, or a systemd credential" },
    { "seal.path", CONFIG_PATH, AT(seal_path), NULL,
      .derived = "the state folder's name with .seal after it; none for seal.kind credential",
      .summary = "the file of seal.kind file or credential; not used for passphrase" },

    { "backup.dir", CONFIG_PATH, AT(backup_dir), "ward-backups",
      .summary = "the folder that `ward backup create` writes to, and that is looked into for the "
                 "newest backup" },

    { "limit.connections", CONFIG_U32, AT(connections), "4096", 1, 1000000,
      .summary = "connections at one time, of all addresses together" },
    { "limit.connections_per_address", CONFIG_U32, AT(connections_per_address), "64", 1, 1000000,
      .reloads = true, .summary = "connections at one time of one address (IPv6: of one /64)" },
    { "limit.connects_per_second", CONFIG_U32, AT(connects_per_second), "2", 1, 1000000,
      .reloads = true, .summary = "new connections a second that one address may keep up" },
    { "limit.connects_burst", CONFIG_U32, AT(connects_burst), "60", 1, 1000000, .reloads = true,
      .summary = "new connections that one address may open at once after a pause" },
    { "limit.requests_per_second", CONFIG_U32, AT(requests_per_second), "100", 1, 1000000,
      .reloads = true, .summary = "requests a second that one address may keep up" },
    { "limit.requests_burst", CONFIG_U32, AT(requests_burst), "200", 1, 1000000, .reloads = true,
      .summary = "requests that one address may make at once after a pause" },
    { "limit.header_seconds", CONFIG_SECONDS, AT(header_seconds), "10", 1, 300, .reloads = true,
      .summary = "how long a peer may take for a request's header" },
    { "limit.idle_seconds", CONFIG_SECONDS, AT(idle_seconds), "60", 1, DAY_SECONDS, .reloads = true,
      .summary = "how long a connection may say nothing before it is closed" },

    { "admit.never_ban", CONFIG_NETWORKS, AT(never_ban), NULL, .derived = "none", .optional = true,
      .summary = "who is never banned, whatever is done from there: proxies, a gateway that many "
                 "share, your own address; loopback always is" },

    { "admit.proxies", CONFIG_NETWORKS, AT(proxies), NULL, .derived = "none", .optional = true,
      .summary =
          "edges whose word for where a client is counts: they must begin each connection "
          "with a header of the PROXY protocol, version 2. Nobody else may be able to connect "
          "from there" },

    { "audit.rotate_bytes", CONFIG_SIZE, AT(audit_rotate_bytes), "64M", ROTATE_LEAST,
      UINT64_C(1) << 30, .reloads = true,
      .summary = "size at which the security log is put away and begun anew" },
    { "audit.keep_days", CONFIG_U32, AT(audit_keep_days), "7", 1, 36500, .reloads = true,
      .summary = "days that logs put away are kept; their leaf hashes are kept for ever" },

    { "collateral.folder", CONFIG_PATH, AT(collateral), NULL, .derived = "none", .optional = true,
      .summary = "the folder that `ward collateral fetch` keeps, whose age `ward doctor` looks "
                 "at" },
    { "collateral.url", CONFIG_URL, AT(provider_url), NULL, .derived = "none", .optional = true,
      .summary = "the PCS or PCCS that the house fetches collateral from; without it nothing is "
                 "ever fetched. Intel's own is https://api.trustedservices.intel.com, where all "
                 "but the root's list is" },
    { "collateral.ca_file", CONFIG_PATH, AT(provider_ca), NULL, .derived = "the system's",
      .optional = true, .summary = "CAs to know that server by, and no others, as PEM" },
    { "collateral.root_file", CONFIG_PATH, AT(collateral_root), NULL, .derived = "none",
      .optional = true,
      .summary = "a root certificate that collateral may be signed under besides Intel's: of a "
                 "test authority" },
    { "collateral.inward", CONFIG_BOOL, AT(provider_inward), "false",
      .summary = "the server's name may lead to a private address; one that is written as an "
                 "address always may be" },
    { "collateral.refresh", CONFIG_SECONDS, AT(collateral_refresh), "24h", 60 * 60,
      30 * DAY_SECONDS, .reloads = true,
      .summary = "how often each piece of collateral is fetched anew; sooner when it is about to "
                 "end" },

    { "channel.policy", CONFIG_PATH, AT(channel_policy), NULL, .derived = "none", .optional = true,
      .summary = "the policy that peers of attested channels are judged by, a file as `ward verify "
                 "--policy` takes it, with its roots in it; without one nobody is let in. What is "
                 "in it is read anew at a reload" },

    { "miners.file", CONFIG_PATH, AT(miners), NULL, .derived = "none: every miner with a token",
      .optional = true,
      .summary = "the miners whose requests are passed on, a file with a hotkey a line; \"#\" "
                 "begins a comment. What is in it is read anew at a reload" },

    { "sdk.policy", CONFIG_PATH, AT(sdk_policy), NULL, .derived = "none", .optional = true,
      .summary = "the policy that the peer of profile sdk-v1 must pass, a client of the public "
                 "Challenge SDK: a file like that of channel.policy that names compose_hash; "
                 "without one the profile, whose sessions are unbound, is not served. What is in "
                 "it is read at a start" },
    { "sdk.peer", CONFIG_TEXT, AT(sdk_peer), "challenge",
      .summary = "the name of that peer: a-z, 0-9 and inner hyphens, and no [peers.NAME]" },
    { "sdk.strict", CONFIG_BOOL, AT(sdk_strict), "false",
      .summary =
          "its evidence must bind the client's keys, so that no relay can put in others; the "
          "public SDK's client as it is does not, and is refused" },

    { "jobs.vcpu", CONFIG_U32, AT(jobs_vcpu), "0", 0, 65536,
      .summary =
          "processors that jobs of the queue may reserve together; 0: as many as the machine "
          "has. More than that has them take turns" },
    { "jobs.patience", CONFIG_SECONDS, AT(jobs_patience), "5m", 0, DAY_SECONDS, .reloads = true,
      .summary = "how long a job that waits may be overtaken by smaller ones of its tenant" },
    { "jobs.keep", CONFIG_U32, AT(jobs_keep), "256", 1, 1000, .reloads = true,
      .summary = "jobs that have ended whose results and logs are kept" },
    { "jobs.keep_days", CONFIG_U32, AT(jobs_keep_days), "30", 1, 3650, .reloads = true,
      .summary = "and for how many days" },
};
_Static_assert(COUNT_OF(keys) <= CONFIG_KEYS_MAX, "struct config has a place for each");

const struct config_key *config_keys(size_t *count)
{
    *count = COUNT_OF(keys);
    return keys;
}

const struct config_key *config_key_find(struct span name)
{
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (span_equal_text(name, keys[i].name))
            return &keys[i];
    }
    return NULL;
}

size_t config_key_index(const struct config_key *key)
{
    return (size_t)(key - keys);
}

/* What stands behind the section and its dot. */
static const char *last_part(const char *name)
{
    return strchr(name, '.') + 1;
}

static struct span behind_dot(struct span name)
{
    const uint8_t *dot = name.len == 0 ? NULL : memchr(name.at, '.', name.len);
    size_t skipped = dot == NULL ? 0 : (size_t)(dot - name.at) + 1;
    return span_of(name.at + skipped, name.len - skipped);
}

/* First the whole name; then the name alone, for a section that is quite another one. */
const char *config_key_nearest(struct span name)
{
    const char *names[COUNT_OF(keys)];
    const char *parts[COUNT_OF(keys)];
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        names[i] = keys[i].name;
        parts[i] = last_part(keys[i].name);
    }
    const char *near = text_nearest(name, names, COUNT_OF(keys));
    if (near != NULL)
        return near;
    near = text_nearest(behind_dot(name), parts, COUNT_OF(keys));
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        if (near != NULL && parts[i] == near)
            return names[i];
    }
    return NULL;
}

void config_key_variable(struct sink *out, const struct config_key *key)
{
    sink_text(out, "WARD_");
    for (const char *c = key->name; *c != 0; c++) {
        bool small = *c >= 'a' && *c <= 'z';
        sink_u8(out, (uint8_t)(*c == '.' ? '_' : small ? *c - 'a' + 'A' : *c));
    }
}

void config_key_default(struct sink *out, const struct config_key *key)
{
    sink_text(out, key->fallback != NULL ? key->fallback : key->derived);
}

/* 1048576 as 1M, where a unit divides it. */
static void write_bytes(struct sink *out, uint64_t bytes)
{
    static const char units[] = { 'G', 'M', 'K' };
    for (size_t i = 0; i < sizeof units; i++) {
        unsigned shift = 30 - 10 * (unsigned)i;
        if (bytes != 0 && bytes % (UINT64_C(1) << shift) == 0) {
            sink_format(out, "%llu%c", (unsigned long long)(bytes >> shift), units[i]);
            return;
        }
    }
    sink_format(out, "%llu", (unsigned long long)bytes);
}

void config_key_bounds(struct sink *out, const struct config_key *key)
{
    switch (key->form) {
    case CONFIG_TEXT:
        sink_text(out, "text");
        break;
    case CONFIG_ADDRESS:
        sink_text(out, "ADDRESS:PORT, an IPv6 address in brackets");
        break;
    case CONFIG_PATH:
        sink_text(out, "path");
        break;
    case CONFIG_STORE:
        sink_text(out, "sqlite, postgresql://..., or KEYWORD=VALUE pairs of libpq");
        break;
    case CONFIG_URL:
        sink_text(out, "https://HOST, with :PORT and /PATH where there are any");
        break;
    case CONFIG_NETWORKS:
        sink_text(out, "addresses or networks, commas between them");
        break;
    case CONFIG_PEER_URL:
        sink_text(out, "wss://HOST or ws://HOST, with :PORT and /PATH where there are any");
        break;
    case CONFIG_PEER_PUBLIC:
        sink_text(out, "https://HOST or http://HOST, with :PORT where there is one");
        break;
    case CONFIG_OPERATORS:
        sink_text(out, "an array of \"dns:NAME\" and \"uri:URI\"");
        break;
    case CONFIG_PINS:
        sink_text(out, "an array of \"sha256/BASE64\" (RFC 7469, 2.4)");
        break;
    case CONFIG_U32:
        sink_format(out, "%llu to %llu", (unsigned long long)key->least,
                    (unsigned long long)key->most);
        break;
    case CONFIG_SIZE:
        write_bytes(out, key->least);
        sink_text(out, " to ");
        write_bytes(out, key->most);
        sink_text(out, "; bytes, or text with K, M or G");
        break;
    case CONFIG_SECONDS:
        sink_format(out, "%llu to %llu; seconds, or text with s, m, h or d",
                    (unsigned long long)key->least, (unsigned long long)key->most);
        break;
    case CONFIG_CHOICE:
        for (size_t i = 0; i < key->word_count; i++)
            sink_format(out, "%s%s", i == 0 ? "" : ", ", key->words[i]);
        break;
    case CONFIG_BOOL:
        sink_text(out, "true or false");
        break;
    case CONFIG_SHARE:
        sink_text(out, "a fraction above 0 and at most 1");
        break;
    }
}

const char *config_source_name(enum config_source source)
{
    static const char *const names[] = { [CONFIG_DEFAULT] = "default",
                                         [CONFIG_FILE] = "file",
                                         [CONFIG_ENVIRONMENT] = "environment",
                                         [CONFIG_FLAG] = "flag" };
    return names[source];
}

static void write_row(struct sink *out, const struct config_key *key, bool elsewhere)
{
    const char *quote = key->fallback != NULL ? "`" : "";
    sink_format(out, "| `%s` | ", key->name);
    config_key_bounds(out, key);
    sink_format(out, " | %s", quote);
    config_key_default(out, key);
    sink_format(out, "%s | ", quote);
    if (elsewhere) {
        sink_text(out, "`");
        config_key_variable(out, key);
        sink_format(out, "` | `%s` | ", key->flag != NULL ? key->flag : "--set");
    }
    sink_format(out, "%s | %s |\n", key->reloads ? "reload" : "start", key->summary);
}

static void write_table(struct sink *out, const struct config_table *table)
{
    sink_format(out,
                "\n### [%s.NAME]\n\nA table for each %s, at most %zu. They are set in the file "
                "only. A name is of a-z, 0-9 and inner hyphens, at most %zu of them.\n\n"
                "| key | value | default | taken over at | what |\n|---|---|---|---|---|\n",
                table->section, table->one, table->most, table->name_room - 1);
    for (size_t i = 0; i < table->key_count; i++)
        write_row(out, &table->keys[i], false);
}

void config_write_reference(struct sink *out)
{
    size_t section = 0;
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        size_t len = strcspn(keys[i].name, ".");
        if (i == 0 || len != section || strncmp(keys[i].name, keys[i - 1].name, len + 1) != 0) {
            section = len;
            sink_format(out, "\n### [%.*s]\n\n", (int)len, keys[i].name);
            sink_text(out, "| key | value | default | variable | option | taken over at | what |\n"
                           "|---|---|---|---|---|---|---|\n");
        }
        write_row(out, &keys[i], true);
    }
    for (size_t i = 0; i < CONFIG_TABLES; i++)
        write_table(out, config_table_at(i));
}
