/* api_token.c - see api.h: ward.v1.Token. */
#include "model/api_rows.h"

static const struct schema_field api_token_issue_request_fields[] = {
    { AT(api_token_issue_request, type), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "What kind of token: miner." },
    { AT(api_token_issue_request, subject), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "For whom: the miner's hotkey, in base58." },
    { AT(api_token_issue_request, challenge), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "For which challenge." },
    { AT(api_token_issue_request, uid), .number = 4, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "The miner's number." },
    { AT(api_token_issue_request, job), .number = 5, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The job that it is about, if there is one." },
    { AT(api_token_issue_request, scope), .number = 6, .type = SCHEMA_STRING, .limit = WORD,
      .most = SCOPES, .doc = "The public routes that it is good for; none means all." },
    { AT(api_token_issue_request, seconds), .number = 7, .type = SCHEMA_UINT32,
      .limit = TOKEN_SECONDS, .doc = "For how long; 0 means 300, which is the most." },
};
MESSAGE(api_token_issue_request, "TokenIssueRequest", "What a new token is to be good for.");

static const struct schema_field api_token_issue_response_fields[] = {
    { AT(api_token_issue_response, token), .number = 1, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "The token: it is shown this once and good once." },
    { AT(api_token_issue_response, id), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Its jti, by which the security log knows it." },
    { AT(api_token_issue_response, expires), .number = 3, .type = SCHEMA_TIME,
      .doc = "The second at which it is over." },
    { AT(api_token_issue_response, key_id), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The id of the key that signed it, in hex." },
};
MESSAGE(api_token_issue_response, "TokenIssueResponse", "A token that was issued.");

static const struct schema_field api_token_redeem_request_fields[] = {
    { AT(api_token_redeem_request, token), .number = 1, .type = SCHEMA_STRING, .limit = SENTENCE,
      .required = true, .doc = "The token, as the miner showed it." },
    { AT(api_token_redeem_request, challenge), .number = 2, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "The challenge that is asked for: the name of a peer." },
    { AT(api_token_redeem_request, route), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "Its public route." },
    { AT(api_token_redeem_request, method), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .required = true, .doc = "GET or POST." },
    { AT(api_token_redeem_request, query), .number = 5, .type = SCHEMA_STRING, .limit = SENTENCE,
      .doc = "The query as it is passed on, without its question mark." },
    { AT(api_token_redeem_request, body_hash), .number = 6, .type = SCHEMA_BYTES, .limit = HASH,
      .required = true, .doc = "SHA-256 of the body as it is passed on." },
};
MESSAGE(api_token_redeem_request, "TokenRedeemRequest",
        "A token, and the request it is shown for.");

static const struct schema_field api_token_redeem_response_fields[] = {
    { AT(api_token_redeem_response, hotkey), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "X-Verified-Miner-Hotkey." },
    { AT(api_token_redeem_response, uid), .number = 2, .type = SCHEMA_UINT32, .limit = UINT32_MAX,
      .doc = "X-Miner-UID." },
    { AT(api_token_redeem_response, job), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "X-Job-Id; empty: there is none." },
    { AT(api_token_redeem_response, id), .number = 4, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "X-Verified-Nonce: the token's jti." },
    { AT(api_token_redeem_response, timestamp), .number = 5, .type = SCHEMA_UINT64,
      .doc = "X-Verified-Timestamp: seconds since 1970." },
    { AT(api_token_redeem_response, signature), .number = 6, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "X-Verified-Signature: of all this and the request, in base64." },
    { AT(api_token_redeem_response, key_id), .number = 7, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "X-Verified-Key: the id of the key that signed." },
};
MESSAGE(api_token_redeem_response, "TokenRedeemResponse",
        "Whose request it is, and the house's word.");

static const struct schema_field api_token_key_fields[] = {
    { AT(api_token_key, kid), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Its id, as the header of a token names it." },
    { AT(api_token_key, kty), .number = 2, .type = SCHEMA_STRING, .limit = WORD, .doc = "OKP." },
    { AT(api_token_key, crv), .number = 3, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "Ed25519." },
    { AT(api_token_key, alg), .number = 4, .type = SCHEMA_STRING, .limit = WORD, .doc = "EdDSA." },
    { AT(api_token_key, use), .number = 5, .type = SCHEMA_STRING, .limit = WORD, .doc = "sig." },
    { AT(api_token_key, x), .number = 6, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "The public key, in base64url without padding." },
    { AT(api_token_key, retired), .number = 7, .type = SCHEMA_TIME,
      .doc = "When it stopped signing; what it had signed is good until it expires." },
};
MESSAGE(api_token_key, "TokenKey",
        "A key that miners' tokens are signed with, as a JWK (RFC 8037).");

static const struct schema_field api_token_keys_response_fields[] = {
    { AT(api_token_keys_response, issuer), .number = 1, .type = SCHEMA_STRING, .limit = WORD,
      .doc = "What their tokens have as iss: the name of this house's security log." },
    { AT(api_token_keys_response, keys), .number = 2, .type = SCHEMA_MESSAGE, .most = 64,
      .message = &api_token_key, .doc = "The keys whose tokens are good now." },
};
MESSAGE(api_token_keys_response, "TokenKeysResponse", "The keys of miners' tokens.");
