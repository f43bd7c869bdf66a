// peer.js - the attested channel a third time, in JavaScript, from docs/wire.md alone: Node's own
// X25519, HMAC and ChaCha20-Poly1305, libsodium's XChaCha20, ws for the connection. For tests only.
//
//     node peer.js validator CIPHERS ADDRESS     gives a job, and wants its result
//     node peer.js challenge CIPHERS             says its address, then does jobs of one validator
//
// CIPHERS are the numbers of ciphers, best first. Evidence comes from the agent at
// DSTACK_SIMULATOR_ENDPOINT and is judged by the program WARD_PROGRAM, with the root and the collateral
// in WARD_FOLDER. FAULT is what it does wrong: stale (evidence of another channel), replay, tamper,
// point (a key of small order), cut (it leaves without a word).
"use strict";
const child = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const http = require("http");
const os = require("os");
const path = require("path");
const sodium = require("libsodium-wrappers");
const { WebSocket, WebSocketServer } = require("ws");

const [ROLE, CIPHERS, ADDRESS] = process.argv.slice(2);
const FAULT = process.env.FAULT || "";
const HELLO = 1, ACCEPT = 2, FINISH = 3, REFUSE = 4, REFUSE_SEALED = 5, DONE = 6, DATA = 7, REKEY = 8,
    CLOSE = 9, REFUSE_RECORD = 10;
const GIVES = 1, WANTS = 2, TDX = 1, CHACHA = 1;
const PURPOSE = Buffer.from("challenge/example");

class Refused extends Error {}

const u8 = (...numbers) => Buffer.from(numbers);
const u32 = (number) => { const b = Buffer.alloc(4); b.writeUInt32LE(number); return b; };
const u64 = (number) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(number)); return b; };
const framed = (bytes) => Buffer.concat([u32(bytes.length), bytes]);
const label = (text) => Buffer.from("ward channel v2 " + text);
const hash = (kind, ...parts) => crypto.createHash(kind).update(Buffer.concat(parts)).digest();
const hmac = (key, ...parts) => crypto.createHmac("sha256", key).update(Buffer.concat(parts)).digest();
const expand = (secret, text, more = u8()) => hmac(secret, label(text), more, u8(1));

function insist(holds, reason) {
    if (!holds)
        throw new Refused(reason);
}

// --- keys --------------------------------------------------------------------------------------

const PRIVATE = Buffer.from("302e020100300506032b656e04220420", "hex");
const PUBLIC = Buffer.from("302a300506032b656e032100", "hex");

function agree(secret, point) {
    const number = BigInt("0x" + Buffer.from(point).reverse().toString("hex"));
    insist(number < 2n ** 255n - 19n, "CHANNEL_KEY");
    try {
        return crypto.diffieHellman({
            privateKey: crypto.createPrivateKey({ key: Buffer.concat([PRIVATE, secret]), format: "der", type: "pkcs8" }),
            publicKey: crypto.createPublicKey({ key: Buffer.concat([PUBLIC, point]), format: "der", type: "spki" }),
        });
    } catch (error) {
        throw new Refused("CHANNEL_KEY"); // of small order
    }
}

function publicOf(secret) {
    const key = crypto.createPrivateKey({ key: Buffer.concat([PRIVATE, secret]), format: "der", type: "pkcs8" });
    return crypto.createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);
}

// One sender under one secret.
class Way {
    constructor(secret, cipher) {
        Object.assign(this, { secret, cipher, epoch: 0 });
        this.begin();
    }

    begin() {
        this.key = expand(this.secret, "key");
        this.iv = expand(this.secret, "iv").subarray(0, this.cipher === CHACHA ? 12 : 24);
        this.number = 0n;
    }

    next() {
        this.secret = expand(this.secret, "next");
        this.epoch++;
        this.begin();
    }

    nonce() {
        const nonce = Buffer.from(this.iv), last = nonce.length - 8;
        nonce.writeBigUInt64LE(nonce.readBigUInt64LE(last) ^ this.number++, last);
        return nonce;
    }

    seal(plain, extra) {
        if (this.cipher !== CHACHA)
            return Buffer.from(sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(plain, extra, null, this.nonce(), this.key));
        const cipher = crypto.createCipheriv("chacha20-poly1305", this.key, this.nonce(), { authTagLength: 16 });
        cipher.setAAD(extra, { plaintextLength: plain.length });
        return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    }

    open(sealed, extra, reason) {
        insist(sealed.length >= 16, "CHANNEL_MALFORMED");
        try {
            if (this.cipher !== CHACHA)
                return Buffer.from(sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, sealed, extra, this.nonce(), this.key));
            const plain = sealed.subarray(0, -16);
            const cipher = crypto.createDecipheriv("chacha20-poly1305", this.key, this.nonce(), { authTagLength: 16 });
            cipher.setAAD(extra, { plaintextLength: plain.length }).setAuthTag(sealed.subarray(-16));
            return Buffer.concat([cipher.update(plain), cipher.final()]);
        } catch (error) {
            throw new Refused(reason);
        }
    }

    record(type, plain = u8()) {
        const head = Buffer.concat([u8(type), u32(this.epoch), u64(this.number)]);
        return Buffer.concat([head, this.seal(plain, Buffer.concat([head, u32(plain.length)]))]);
    }

    openRecord(message) {
        insist(message.length >= 29, "CHANNEL_MALFORMED");
        insist(message.readUInt32LE(1) === this.epoch, "CHANNEL_EPOCH");
        const number = message.readBigUInt64LE(5);
        insist(number >= this.number, "CHANNEL_REPLAY");
        insist(number === this.number, "CHANNEL_GAP");
        const extra = Buffer.concat([message.subarray(0, 13), u32(message.length - 29)]);
        return [message[0], this.open(message.subarray(13), extra, "CHANNEL_TAMPERED")];
    }
}

// --- evidence ----------------------------------------------------------------------------------

function quote(reportData) {
    return new Promise((resolve, reject) => {
        if (FAULT === "stale")
            reportData = Buffer.alloc(64, 9);
        const request = http.request({ socketPath: process.env.DSTACK_SIMULATOR_ENDPOINT, path: "/GetQuote", method: "POST", headers: { "Content-Type": "application/json" } }, (answer) => {
            const parts = [];
            answer.on("data", (part) => parts.push(part));
            answer.on("end", () => {
                const got = JSON.parse(Buffer.concat(parts).toString());
                resolve(Buffer.concat([u8(TDX), framed(Buffer.from(got.quote, "hex")), framed(Buffer.from(got.event_log))]));
            });
        });
        request.on("error", reject);
        request.end(JSON.stringify({ report_data: reportData.toString("hex") }));
    });
}

function judge(shown, reportData) {
    const size = shown.readUInt32LE(1), evidence = shown.subarray(5, 5 + size), log = shown.subarray(9 + size);
    insist(shown[0] === TDX && shown.readUInt32LE(5 + size) === log.length, "CHANNEL_MALFORMED");
    const from = process.env.WARD_FOLDER, folder = fs.mkdtempSync(path.join(os.tmpdir(), "ward-peer-"));
    fs.writeFileSync(path.join(folder, "quote"), evidence);
    fs.writeFileSync(path.join(folder, "log"), log);
    const done = child.spawnSync(process.env.WARD_PROGRAM, ["verify", path.join(folder, "quote"), "--event-log", path.join(folder, "log"), "--report-data", reportData.toString("hex"),
        "--root", path.join(from, "root.pem"), "--collateral", path.join(from, "collateral"), "--json"]);
    fs.rmSync(folder, { recursive: true });
    const result = JSON.parse(done.stdout.toString());
    if (done.status !== 0)
        throw Object.assign(new Refused("CHANNEL_EVIDENCE_DENIED"), { said: result.reason });
}

// --- the channel -------------------------------------------------------------------------------

class Channel {
    constructor(socket) {
        Object.assign(this, { socket, waiting: [], wanted: null, ended: false });
        this.nonce = crypto.randomBytes(32);
        this.secret = crypto.randomBytes(32);
        socket.on("message", (message) => this.came(Buffer.from(message)));
        socket.on("close", () => { this.ended = true; this.came(null); });
        socket.on("error", () => {});
    }

    came(message) {
        if (this.wanted)
            this.wanted(message);
        else
            this.waiting.push(message);
        this.wanted = null;
    }

    async get() {
        const message = this.waiting.length ? this.waiting.shift() : await new Promise((resolve) => { this.wanted = resolve; });
        insist(message !== null, "CHANNEL_TRUNCATED");
        if (message[0] === REFUSE)
            throw new Refused("peer: " + message.subarray(3));
        if (message[0] === REFUSE_SEALED)
            throw new Refused("peer: " + this.inward.open(message.subarray(2), message.subarray(0, 2), "CHANNEL_TRANSCRIPT").subarray(1));
        return message;
    }

    put(message) { this.socket.send(message); }

    own() { return FAULT === "point" ? Buffer.alloc(32) : publicOf(this.secret); }

    begin(nonces, point, hello, clear) {
        insist(!point.equals(publicOf(this.secret)), "CHANNEL_KEY");
        this.root = hmac(nonces, agree(this.secret, point));
        this.transcript = hash("sha256", label("transcript 0"), framed(hello), framed(clear));
        this.report = [1, 2].map((role) => hash("sha512", label("report data"), u8(role), this.transcript));
    }

    more(text, part) { this.transcript = hash("sha256", label(text), this.transcript, framed(part)); }

    way(text) { return new Way(expand(this.root, text, this.transcript), this.cipher); }

    async initiate() {
        const ciphers = [...CIPHERS].map(Number);
        const hello = Buffer.concat([u8(HELLO, 2), this.nonce, this.own(), u8(ciphers.length, ...ciphers, GIVES | WANTS, PURPOSE.length), PURPOSE]);
        this.put(hello);
        const accept = await this.get(), clear = accept.subarray(0, 68);
        insist(accept[0] === ACCEPT && accept[1] === 2, "CHANNEL_UNEXPECTED");
        this.cipher = accept[66];
        insist(ciphers.includes(this.cipher), "CHANNEL_AEAD");
        insist(accept[67] === (GIVES | WANTS), "CHANNEL_EVIDENCE_REQUIRED");
        this.begin(Buffer.concat([this.nonce, clear.subarray(2, 34)]), clear.subarray(34, 66), hello, clear);
        this.inward = this.way("handshake r");
        this.more("transcript 1", accept.subarray(68));
        this.out = this.way("handshake i");
        judge(this.inward.open(accept.subarray(68), clear, "CHANNEL_TRANSCRIPT"), this.report[1]);
        const head = u8(FINISH, 2), finish = Buffer.concat([head, this.out.seal(await quote(this.report[0]), head)]);
        this.more("transcript 2", finish);
        this.put(finish);
        const done = await this.get();
        this.inward = this.way("traffic r");
        this.out = this.way("traffic i");
        insist(this.inward.openRecord(done)[0] === DONE, "CHANNEL_UNEXPECTED");
    }

    async respond() {
        const hello = await this.get(), count = hello[66], offered = [...hello.subarray(67, 67 + count)];
        insist(hello[0] === HELLO && hello[1] === 2, "CHANNEL_VERSION");
        insist(hello.subarray(69 + count).equals(PURPOSE), "CHANNEL_PURPOSE");
        insist(hello[67 + count] === (GIVES | WANTS), "CHANNEL_EVIDENCE_REQUIRED");
        this.cipher = [...CIPHERS].map(Number).find((cipher) => offered.includes(cipher));
        const clear = Buffer.concat([u8(ACCEPT, 2), this.nonce, this.own(), u8(this.cipher, GIVES | WANTS)]);
        this.begin(Buffer.concat([hello.subarray(2, 34), this.nonce]), hello.subarray(34, 66), hello, clear);
        this.out = this.way("handshake r");
        const sealed = this.out.seal(await quote(this.report[1]), clear);
        this.more("transcript 1", sealed);
        this.inward = this.way("handshake i");
        this.put(Buffer.concat([clear, sealed]));
        const finish = await this.get();
        insist(finish[0] === FINISH && finish[1] === 2, "CHANNEL_UNEXPECTED");
        const shown = this.inward.open(finish.subarray(2), finish.subarray(0, 2), "CHANNEL_TRANSCRIPT");
        this.more("transcript 2", finish);
        judge(shown, this.report[0]);
        this.inward = this.way("traffic i");
        this.out = this.way("traffic r");
        this.put(this.out.record(DONE));
    }

    // An object; null when the peer has said that no more follows.
    async hear() {
        for (;;) {
            const [type, plain] = this.inward.openRecord(await this.get());
            if (type === DATA)
                return JSON.parse(plain.toString());
            if (type === CLOSE)
                return null;
            if (type === REFUSE_RECORD)
                throw new Refused("peer: " + plain.subarray(1));
            insist(type === REKEY, "CHANNEL_UNEXPECTED");
            this.inward.next();
        }
    }

    say(object) {
        const record = this.out.record(DATA, Buffer.from(JSON.stringify(object)));
        if (FAULT === "tamper")
            record[20] ^= 1;
        this.put(record);
        if (FAULT === "replay")
            this.put(record);
        this.put(this.out.record(REKEY)); // whenever a side likes to
        this.out.next();
    }

    close() { this.put(this.out.record(CLOSE)); }
}

async function validator(channel) {
    await channel.initiate();
    channel.say({ type: "job_execute", job_id: "j7", job_name: "evaluate", payload: { a: 1 } });
    if (FAULT === "cut")
        return channel.socket.terminate();
    for (let got; (got = await channel.hear()) !== null;) {
        if (got.type === "orm_query")
            channel.say({ type: "error", message_id: got.message_id, error: "no database" });
        if (got.type === "job_result") {
            console.log(`result ${got.job_id} ${got.result.score}`);
            return channel.close();
        }
    }
}

async function challenge(channel) {
    await channel.respond();
    channel.say({ type: "orm_query", message_id: "q9", payload: { query: { operation: "count" } } });
    for (let got; (got = await channel.hear()) !== null;) {
        if (got.type === "job_execute")
            channel.say({ type: "job_result", job_id: got.job_id, message_id: "m1", result: { score: 3 } });
        else
            console.log(`${got.type} ${got.message_id}`);
    }
    channel.close();
}

// What ends it is said to the peer, sealed or in the clear as the peer can read it now.
function refuse(channel, error) {
    const reason = Buffer.from(error.said || error.message), words = Buffer.concat([u8(reason.length), reason]);
    if (channel.ended || !/^[A-Z0-9_]+$/.test(reason))
        return;
    if (!channel.out)
        return channel.put(Buffer.concat([u8(REFUSE, 2), words]));
    const head = u8(REFUSE_SEALED, 2);
    channel.put(error.said ? Buffer.concat([head, channel.out.seal(words, head)]) : channel.out.record(REFUSE_RECORD, words));
}

async function run(channel, talk) {
    let code = 0;
    try {
        await talk(channel);
    } catch (error) {
        if (!(error instanceof Refused))
            throw error;
        console.log(`refused ${error.message} ${error.said || ""}`.trim());
        refuse(channel, error);
        code = 1;
    }
    channel.socket.close();
    channel.socket.once("close", () => process.exit(code));
    setTimeout(() => process.exit(code), 3000).unref();
}

sodium.ready.then(() => {
    if (ROLE === "validator") {
        const socket = new WebSocket(ADDRESS), channel = new Channel(socket);
        return socket.on("open", () => run(channel, validator));
    }
    const server = new WebSocketServer({ host: "127.0.0.1", port: 0, path: "/v1/channel" });
    server.on("listening", () => console.log(`ws://127.0.0.1:${server.address().port}/v1/channel`));
    server.on("connection", (socket) => { server.close(); run(new Channel(socket), challenge); });
});
