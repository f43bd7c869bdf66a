/* session.h - a peer that was let in once and signs what it asks from then on. */
#ifndef WARD_MODEL_SESSION_H
#define WARD_MODEL_SESSION_H

enum {
    SESSION_TOKEN = 32,      /* random bytes of a token */
    SESSION_TOKEN_TEXT = 43, /* of its text: base64url without padding */
    SESSION_ID = 16,         /* what people call it by: the first bytes of its token's digest */
    SESSION_NAME_MAX = 64,   /* bytes of a peer's name */
    SESSION_SECONDS = 3600,  /* that it lives */
};

/* How the peer speaks.  What weakens a guarantee is a profile of its own. */
enum session_profile {
    SESSION_NONE = 0,
    SESSION_V2,     /* Ward's own */
    SESSION_SDK_V1, /* the public Challenge SDK's; always unbound */
};

#endif
