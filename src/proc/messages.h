/* messages.h - what the processes say to each other, with the layout of each body.  `bytes`
   is a u32 length and so many bytes; numbers are little endian. */
#ifndef WARD_PROC_MESSAGES_H
#define WARD_PROC_MESSAGES_H

enum message {
    /* front -> core: a request that was read, routed and admitted.
         u16 method      number of the row in the table of methods
         u8 caller       enum caller
         16 address      of the peer, v4 as ::ffff:a.b.c.d; zeros for the owner's socket
         16 trace id
         bytes request   protobuf, made by front from what it read
         and with CALLER_OPERATOR 32 digest of the certificate, bytes name as tls.operators has it;
         and with CALLER_SESSION what proc/credential.h writes: who signed it, and what; then
         u8 sealed       1: what is in the body was opened with the key of the session */
    MSG_REQUEST = 0x100,
    /* core -> front, the same id.
         u16 reason      enum reason; REASON_OK with an answer
         bytes detail    text for people
         bytes answer    protobuf */
    MSG_REPLY,
    /* front -> core: what it refused itself to somebody without the right identity, for the log.
         u16 method, 16 address, 16 trace id: as MSG_REQUEST; u16 reason; and where an operator was
         refused what is not for him, what stands with CALLER_OPERATOR.  No answer. */
    MSG_REFUSED,

    /* front -> core: u8 offence, GRACE_EXCEEDED or ABUSE (admit/ban.h), and 16 address: it was
       done from there, over a connection.  No answer. */
    MSG_OFFENCE,

    /* front -> keeper: 65 the point of the key that is to sign, and what is to be signed in a TLS
       1.3 CertificateVerify, whole (RFC 8446 4.4.3).
       keeper -> front, the same id: u8 1 and the signature, or u8 0. */
    MSG_SIGN_TLS = 0x200,
    MSG_TLS_SIGNED,
    /* front -> keeper: nothing.  keeper -> front: u32 count, then bytes for each certificate,
       DER, leaf first. */
    MSG_TLS_CHAIN,
    MSG_TLS_CHAIN_IS,
    /* front -> keeper: no handshake is under way any more but with the chain of the key of this
       point, 65 bytes, and later ones.  No answer. */
    MSG_TLS_CHAIN_USED,

    /* core, keeper -> audit: a record with the types of its details (audit_client.h has the
       layout, and both ends).
       audit -> the same id, once it is durable: u8 1, u64 seq; u8 0 when it cannot be logged. */
    MSG_AUDIT_APPEND = 0x300,
    MSG_AUDIT_APPENDED,
    /* core -> audit: u16 method, bytes request.  audit -> core: as MSG_REPLY. */
    MSG_AUDIT_ASK,
    MSG_AUDIT_ANSWER,

    /* audit -> keeper: sign this head
         u64 old size, 32 old root, u64 size, 32 root, u32 count, count * 32 the proof
       keeper -> audit: u8 1, bytes the signed checkpoint; u8 0, u64 size, 32 root when it is
       no consistent extension of the last head that was signed, which is that one. */
    MSG_SIGN_HEAD = 0x400,
    MSG_HEAD_SIGNED,

    /* core -> keeper: keys without their secrets.  keeper -> core: u64 generation, u32 count,
       then for each u8 role, u8 state, u8 1: of tls.key, u64 created, u64 retired, bytes id, bytes
       public key. */
    MSG_KEYRING_LIST = 0x500,
    MSG_KEYRING_IS,
    /* core -> keeper: u8 role, u64 the generation that the keyring must have, 0: any.
       keeper -> core: u16 reason; with REASON_OK u64 generation, bytes id of the new key, bytes
       id of the one that it replaces. */
    MSG_KEY_ROTATE,
    MSG_KEY_ROTATED,
    /* keeper -> front, nobody asked: the chain is another one now, fetch it.  With the key of a
       file handshakes of the old one are signed until MSG_TLS_CHAIN_USED; a key of the keyring that
       was replaced is destroyed already. */
    MSG_CHAIN_CHANGED,
    /* core -> keeper: what is signed of a miner's token (codec/miner_token.h), whole.
       keeper -> core, the same id: u16 reason; with REASON_OK 64 the signature. */
    MSG_SIGN_MINER,
    MSG_MINER_SIGNED,
    /* core -> keeper: what is signed of a job's result (codec/job_result.h), whole.
       keeper -> core, the same id: as MSG_MINER_SIGNED. */
    MSG_SIGN_RESULT,
    MSG_RESULT_SIGNED,
    /* keeper -> core, nobody asked: the certificate that the listener shows.
         u8 of files     1: of tls.certificate; 0: the house's own
         u64 until       when it ends, seconds since 1970
         u16 reason      why the files were not taken when they were read last; else 0 */
    MSG_CERTIFICATE,

    /* core -> verify: evidence to be judged.
         u64 now         seconds since 1970, for a request that names no time
         bytes request   protobuf of ward.v1.Attest.Verify, as front made it
       verify -> core, the same id: as MSG_REPLY, and then
         bytes platform  of genuine evidence of Intel's: 9 bytes as MSG_FETCH has them, with a 0
                         for the thing; otherwise none
       What a child of verify said, byte for byte. */
    MSG_JUDGE = 0x600,
    MSG_JUDGED,
    /* core -> verify: what the house holds in this place from now on, for evidence that comes
       without collateral of its own.  No answer.
         u8 place        below COLLATERAL_PLACES_HELD
         bytes chain     PEM of its issuers; may be none
         bytes body      none: the place is empty */
    MSG_COLLATERAL_HELD,
    /* core -> verify: may this reply take the place of what is held?
         u64 now         seconds since 1970
         u8 place        where an older one of the same is held, if there is one
         u8 thing, u8 tdx, u8 ca, 6 fmspc: what was asked for, as MSG_FETCH has it
         bytes chain, bytes reply: as MSG_FETCHED has them
         bytes chains    PEM of issuers that came with other pieces
       verify -> core, the same id:
         u16 reason      REASON_OK: it may
         bytes detail    text for people
         bytes dates     with REASON_OK: u64 issued, u64 expires, u32 evaluation number */
    MSG_COLLATERAL_JUDGE,
    MSG_COLLATERAL_JUDGED,

    /* core -> fetch: a piece of collateral is wanted
         u8 thing        enum pcs_thing
         u8 tdx, u8 ca   1: of TDX, else SGX; 1: the Platform CA, else the Processor CA
         6 fmspc
       fetch -> core, the same id:
         u16 reason      enum reason; REASON_OK with what the provider said
         bytes detail    text for people
         bytes chain     PEM of its issuers, as they came
         bytes reply     as it came: judged by nobody yet */
    MSG_FETCH = 0x800,
    MSG_FETCHED,

    /* core -> dial: connect to a peer of ward.toml
         u8 peer         its place in the settings
         u32 milliseconds, 1 to DIAL_MS_MAX: for its name and all its addresses
       dial -> front, the same id, with the connected socket: u8 peer.
       dial -> core, the same id:
         u16 reason      REASON_OK: front has been handed the socket
         bytes detail    text for people */
    MSG_DIAL = 0xA00,
    MSG_CONNECTED,
    MSG_DIALED,
    /* front -> core, with the id of that question: how the connection is. No answer.
         u8 peer
         u8 open         1: the peer is who it should be; 0: it is over, or never will be
         u16 reason      why; REASON_OK with 1
         bytes detail    text for people */
    MSG_OUTWARD,
    /* core -> dial: connect to a peer's public routes, for a request that front waits with; its
       number there is the id.  u8 peer, u32 milliseconds: as MSG_DIAL.
       dial -> front, the same id: with the connected socket u8 peer; or u8 peer, u16 reason,
       bytes detail. */
    MSG_DIAL_PASSAGE,
    MSG_PASSAGE_CONNECTED,
    MSG_PASSAGE_REFUSED,
    /* front -> core: how a request fared that was passed on to a peer.  u8 peer; u16 reason,
       REASON_OK: an answer came back; bytes detail.  No answer. */
    MSG_PASSED_ON,

    /* core -> tee: the 64 bytes of report_data that evidence is to bear.
       tee -> core, the same id: u16 reason, bytes quote, bytes event log; both empty when the
       reason is not REASON_OK. */
    MSG_EVIDENCE = 0x700,
    MSG_EVIDENCE_IS,
    /* runner -> tee: what a sandbox begins with, open for reading: its specification and its
       image's manifest; of a machine its kernel and initramfs, too. 16 job, 32 arguments, u8
       folder, bytes command line (sim/launch.h) tee -> runner, the same id: u16 reason, bytes
       ticket.  The ticket is what tee will know it by: tee keeps nothing. */
    MSG_MEASURE_CONTAINER,
    MSG_MEASURE_MACHINE,
    MSG_MEASURED,
    /* core -> tee: evidence of the house, and of a sandbox that it has launched.
         64 report data, 64 of the sandbox's evidence
         16 job, 32 SHA-256 of its specification: what the ticket must be of
         bytes ticket
       tee -> core, the same id: u16 reason, bytes quote, bytes event log, bytes quote of the
       sandbox, bytes its event log; all empty when the reason is not REASON_OK. */
    MSG_EVIDENCE_BOTH,
    MSG_EVIDENCE_BOTH_ARE,
    /* runner -> tee: evidence of a sandbox that it has launched, for the job in it.
         16 job
         64 report data, not of a result
         bytes ticket
       tee -> runner, the same id: u16 reason, bytes quote, bytes event log; both empty when the
       reason is not REASON_OK. */
    MSG_EVIDENCE_SANDBOX,
    MSG_EVIDENCE_SANDBOX_IS,

    /* Attested channels.  Front has the channel, core what it is about; `bound` is what evidence
       of it is bound to, from which core makes the 64 bytes (channel/attested.h), and `role` the
       house's own in it.  A link is a channel whose peer core knows, by a number of core's.

       front -> core: evidence of the house for a channel.  u8 role, 32 bound.
       core -> front, the same id: u16 reason, bytes quote, bytes event log. */
    MSG_LINK_QUOTE = 0x900,
    MSG_LINK_QUOTED,
    /* front -> core: evidence that the other side shows.
         u8 role
         u8 peer         where the house has begun: its place in the settings; else LINK_NOBODY
         32 bound
         u8 kind         enum attested_kind
         16 address, 16 trace
         bytes evidence, bytes event log
       core -> front, the same id: u16 reason, REASON_OK: open it; u64 link, 0 with any other. */
    MSG_LINK_JUDGE,
    MSG_LINK_JUDGED,
    /* front -> core: the channel is over.  u64 link, u16 reason.  Link 0: it was over before core
       said whether to open it, and the id is that of MSG_LINK_JUDGE. */
    MSG_LINK_OVER,
    /* core -> front: end it; the id is that of MSG_LINK_JUDGE.  u64 link, u16 reason. */
    MSG_LINK_END,
    /* front -> core: the peer wants a session.  u64 link, 32 the key that it will sign with.
       core -> front, the same id: u16 reason; with REASON_OK bytes token, u64 expires. */
    MSG_LINK_SESSION,
    MSG_LINK_SESSION_IS,
    /* front -> core: what the peer wants the owner to read.  u64 link, bytes text. */
    MSG_LINK_NOTE,
    /* core -> verify: evidence of a channel's other side.
         u64 now         seconds since 1970
         bytes request   protobuf of ward.v1.Attest.Verify, whose report_data a document has as
                         its user_data
       verify -> core, the same id: u16 reason, bytes detail, bytes verdict, bytes platform; the
       last as in MSG_JUDGED, the verdict with REASON_OK alone:
         u8 1: allowed, u16 why not, u8 hardware, u64 valid until, 32 identity */
    MSG_LINK_EVIDENCE,
    MSG_LINK_EVIDENCE_IS,
    /* core -> tee: the collateral of the house's own evidence.
       tee -> core, the same id, one for each piece: u8 which, bytes piece. */
    MSG_COLLATERAL_OWN,
    MSG_COLLATERAL_OWN_IS,

    /* Profile sdk-v1 (channel/sdk_bootstrap.h).  Front has read what came, and has the keys of
       sessions; core has the nonces and decides.  A place is one of SDK_SESSIONS_MAX, of a session
       and its key.

       front -> core: a nonce is wanted.  16 address.
       core -> front, the same id: u16 reason; with REASON_OK bytes answer, whole. */
    MSG_SDK_CHALLENGE = 0xB00,
    MSG_SDK_CHALLENGED,
    /* front -> core: evidence for a nonce.
         32 key          that requests will be signed with
         32 point        of X25519, that bodies will be sealed with
         32 nonce
         16 address, 16 trace
         bytes quote, bytes event log
       core -> front, the same id: u16 reason; with REASON_OK u16 place, bytes token. */
    MSG_SDK_ATTEST,
    MSG_SDK_ATTESTED,
    /* core -> front: the session in this place is over, and its key is good for nothing.
         u16 place */
    MSG_SDK_OVER,
    /* core -> verify: evidence of such a peer; as MSG_LINK_EVIDENCE, and MSG_LINK_EVIDENCE_IS. */
    MSG_SDK_EVIDENCE,
    MSG_SDK_EVIDENCE_IS,
    /* front -> core: what a client with a session posts (channel/sdk_post.h).
         u8 kind, 16 address, 16 trace, 32 digest of the body
         bytes value     for each that its kind has
         credential (credential.h), u8 1: the body was opened with the session's key
       core -> front, the same id: u16 reason; with REASON_OK bytes answer, whole. */
    MSG_SDK_POST,
    MSG_SDK_POSTED,
    /* /sdk/ws of a peer of that profile, which the house has called: a link as any other, but that
       evidence is bound to the nonce of the handshake and to nothing else.

       front -> core: evidence of the house for it.  u8 peer, 32 nonce.  Answered with
       MSG_LINK_QUOTED. */
    MSG_SDK_LINK_QUOTE,
    /* front -> core: evidence that its challenge shows.
         u8 peer, 32 nonce
         16 address, 16 trace
         bytes quote, bytes event log
       Answered with MSG_LINK_JUDGED. */
    MSG_SDK_LINK_JUDGE,

    /* Jobs.  Core has the queue, the runner what of it runs; a job is 16 bytes.

       core -> runner: what is there?
       runner -> core, the same id:
         u16 reason      REASON_OK: it begins jobs; else why it never will
         u32 processors, u64 bytes of memory, u64 bytes of disk, for all jobs together
         u32 count, count * 16 the jobs that it has begun and core has not settled, after which
                         those of them that have ended are told with MSG_JOB_ENDED once more. */
    MSG_JOB_SYNC = 0xC00,
    MSG_JOB_SYNCED,
    /* core -> runner: begin this one.
         16 job, u8 1: with a signed result
         bytes spec, bytes images, bytes folder (none: the job has none), u32 count, bytes each
                         argument
       runner -> core, the same id: 16 job, u16 reason; anything but REASON_OK: nothing has begun.
     */
    MSG_JOB_START,
    MSG_JOB_STARTED,
    /* core -> runner: end it.  16 job.  No answer but its end. */
    MSG_JOB_STOP,
    /* runner -> core, nobody asked: it has ended.
         16 job, u16 reason, u8 code, u8 signal, u64 microseconds of processors, u64 bytes of
                         memory at most */
    MSG_JOB_ENDED,
    /* runner -> core, nobody asked: it was refused something, of a kind that was not told before.
       One at a time of each job.
         16 job, then a row of job/refused.h
       core -> runner: 16 job, u8 1: it is in the log, durable, or nobody's; else it is said again.
     */
    MSG_JOB_REFUSED,
    MSG_JOB_REFUSED_IS,
    /* core -> runner: its end is known, and durable.  16 job.  No answer. */
    MSG_JOB_SETTLED,
    /* core -> runner: a part of what a job has said, or its report.
         16 job, u8 1: the report, u64 offset, u32 bytes at most
       runner -> core, the same id: u16 reason, u64 size of it by now, bytes part, u64 offset. */
    MSG_JOB_READ,
    MSG_JOB_READ_IS,
    /* core -> runner: what do they use?  runner -> core, the same id: u32 count, each 16 job, u64
       microseconds of processors, u64 bytes of memory at most. */
    MSG_JOB_TOP,
    MSG_JOB_TOP_IS,
    /* core -> runner: its folder is not wanted any more.  runner -> core, the same id: 16 job, u8
       1: it is gone. */
    MSG_JOB_REMOVE,
    MSG_JOB_REMOVED,
};

/* Jobs. */
enum {
    JOB_ID = 16,
    JOB_RUNS_MAX = 128,         /* at once, in one house */
    JOB_PART_MAX = 64 << 10,    /* bytes of a log in one answer */
    JOB_REPORT_MAX = 128 << 10, /* of a report that is handed on */
    JOB_PATH_MAX = 1023,        /* of a folder or an argument */
    JOB_ARGUMENTS_MAX = 60,
    JOB_START_BYTES = 24 << 10, /* of a MSG_JOB_START */
    JOB_SYNCED_BYTES = 26 + JOB_ID * JOB_RUNS_MAX,
    JOB_TOP_BYTES = 4 + (JOB_ID + 16) * JOB_RUNS_MAX,
};

/* Bytes of the detail of a MSG_JUDGED, and of a MSG_FETCHED. */
enum { JUDGED_DETAIL_MAX = 256, FETCHED_DETAIL_MAX = 256 };

/* Milliseconds of a MSG_DIAL, bytes of the detail of a MSG_DIALED or MSG_OUTWARD. */
enum { DIAL_MS_MAX = 30000, DIALED_DETAIL_MAX = 160 };

/* Requests of miners that are passed on at once, to all challenges and to one of them. */
enum { PASSAGES_MAX = 64, PASSAGES_OF_ONE_MAX = 32 };

/* Attested channels. */
enum {
    LINKS_MAX = 10240,        /* that core knows, and so all whose end anybody is told of */
    LINK_PART_MAX = 64 << 10, /* bytes of a peer's evidence, and of its log */
    LINK_EVIDENCE_BYTES = 2 * LINK_PART_MAX,
    LINK_POLICY_MAX = 16 << 10, /* of the policy for it */
    LINK_NOTE_MAX = 512,        /* of a text for the owner */
    LINK_KEY = 32,
    LINK_NOBODY = 255,
    LINK_TOKEN = 64,
    LINK_VERDICT = 1 + 2 + 1 + 8 + 32, /* bytes of one of verify's */
};

/* Profile sdk-v1. */
enum {
    SDK_SESSIONS_MAX = 256,                       /* and handshakes, at once */
    SDK_ATTEST_HEAD = 32 + 32 + 32 + 16 + 16 + 8, /* bytes of a MSG_SDK_ATTEST besides its parts */
    SDK_ANSWER_BYTES = 160,               /* of the answer in a MSG_SDK_CHALLENGED, _POSTED */
    SDK_VALUE_BYTES = 1 << 10,            /* of one value of a MSG_SDK_POST */
    SDK_POST_BYTES = 20 << 10,            /* of a MSG_SDK_POST */
    SDK_LINK_HEAD = 1 + 32 + 16 + 16 + 8, /* of a MSG_SDK_LINK_JUDGE besides its parts */
};

/* Collateral that the house holds: TCB info of eight platforms, both identities, three lists. */
enum {
    COLLATERAL_PLATFORMS = 8,
    COLLATERAL_PLACES = COLLATERAL_PLATFORMS + 2 + 3,
    COLLATERAL_OWN = 5, /* pieces of the house's own TEE, in places of their own behind those */
    COLLATERAL_PLACES_HELD = COLLATERAL_PLACES + COLLATERAL_OWN,
    COLLATERAL_BODY_MAX = 64 << 10,
    COLLATERAL_CHAIN_MAX = 16 << 10, /* PEM of its issuers */
};

enum { PLATFORM_LEN = 9 }; /* bytes of a thing and whose it is, in a message */

/* Bytes of what a MSG_EVIDENCE_IS has. */
enum { EVIDENCE_QUOTE_MAX = 8192, EVIDENCE_LOG_MAX = 8192 };

/* Launches of sandboxes. */
enum {
    LAUNCH_TICKET_MAX = 512,  /* bytes of a ticket */
    LAUNCH_LINE_MAX = 256,    /* of a kernel's command line */
    LAUNCH_HEAD = 32 + 1 + 4, /* of what is said of one besides it */
    LAUNCH_CONTAINER_FDS = 2,
    LAUNCH_MACHINE_FDS = 4,
    EVIDENCE_BOTH_HEAD = 64 + 64 + 16 + 32 + 4, /* of a MSG_EVIDENCE_BOTH besides its ticket */
    EVIDENCE_SANDBOX_HEAD = 16 + 64 + 4,        /* of a MSG_EVIDENCE_SANDBOX */
};

/* Who asks, as front found out. */
enum caller {
    CALLER_ANYONE = 0, /* over TLS, without identity */
    CALLER_OWNER,      /* over the owner's socket, by peer credentials */
    CALLER_SESSION,    /* over either: by a signature, which core judges */
    CALLER_OPERATOR,   /* over TLS, by a certificate: of what is an operator's, too */
    CALLER_MINER,      /* over either, of Token.Redeem alone: by a token, for his request here */
};

#endif
