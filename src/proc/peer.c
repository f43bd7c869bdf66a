/* peer.c - see peer.h. */
#include "proc/peer.h"

const char *peer_name(enum peer peer)
{
    switch (peer) {
    case PEER_MONITOR:
        return "monitor";
    case PEER_AUDIT:
        return "audit";
    case PEER_KEEPER:
        return "keeper";
    case PEER_VERIFY:
        return "verify";
    case PEER_CORE:
        return "core";
    case PEER_FRONT:
        return "front";
    case PEER_FETCH:
        return "fetch";
    case PEER_DIAL:
        return "dial";
    case PEER_RUNNER:
        return "runner";
    case PEER_TEE:
        return "tee";
    case PEER_COUNT:
        break;
    }
    return "nobody";
}

enum peer file_owner(enum house_file file)
{
    switch (file) {
    case FILE_AUDIT_LOG:
    case FILE_AUDIT_LEAVES:
    case FILE_AUDIT_HEADS:
        return PEER_AUDIT;
    case FILE_KEYRING:
    case FILE_SEAL:
    case FILE_CA:
    case FILE_TLS_CERTIFICATE:
    case FILE_TLS_KEY:
        return PEER_KEEPER;
    case FILE_STATE:
    case FILE_PASSWORD:
    case FILE_BANS:
    case FILE_SERVING_READ:
    case FILE_PEER_POLICIES:
    case FILE_CHANNEL_POLICY:
    case FILE_MINERS:
        return PEER_CORE;
    case FILE_PROVIDER_CA:
        return PEER_FETCH;
    case FILE_COLLATERAL_ROOT:
        return PEER_VERIFY;
    case FILE_TEE:
        return PEER_TEE;
    case FILE_TLS_LISTENER:
    case FILE_OWNER_LISTENER:
    case FILE_BANS_READ:
    case FILE_SERVING:
    case FILE_PEER_CAS:
    case FILE_TLS_CLIENT_CA:
    case FILE_TLS_CLIENT_CRL:
        return PEER_FRONT;
    case FILE_WARD:
        return PEER_RUNNER;
    case FILE_COUNT:
        break;
    }
    return PEER_COUNT;
}
