// sdk_peer.mjs - profile sdk-v1 from docs/wire.md once more, over ws and libsodium-wrappers.
//
//     node sdk_peer.mjs MODULES challenge AGENT          listens, says its port, serves one peer
//     node sdk_peer.mjs MODULES validator AGENT PORT     connects and asks
//
// MODULES is where the packages are; quotes come from the guest agent on the unix socket AGENT.
import crypto from 'node:crypto';
import http from 'node:http';
import { createRequire } from 'node:module';

const [modules, role, agent, port] = process.argv.slice(2);
const require = createRequire(modules + '/');
const sodium = require('libsodium-wrappers');
const { WebSocket, WebSocketServer } = require('ws');
await sodium.ready;

const over = nonce => crypto.createHash('sha256').update(nonce).digest();

const quote = reportData => new Promise((done, failed) => {
  const ask = http.request({ socketPath: agent, path: '/GetQuote', method: 'POST' }, answer => {
    const parts = [];
    answer.on('data', part => parts.push(part));
    answer.on('end', () => done(JSON.parse(Buffer.concat(parts))));
  });
  ask.on('error', failed);
  ask.end(JSON.stringify({ report_data: reportData.toString('hex') }));
});

const shows = (text, nonce) => {
  const bytes = Buffer.from(text, 'base64');
  if (!bytes.subarray(568, 600).equals(over(nonce))) throw new Error('a quote of another nonce');
};

class Session {
  constructor(secret, point, salt) {
    const shared = sodium.crypto_scalarmult(secret, Buffer.from(point, 'base64'));
    this.key = Buffer.from(crypto.hkdfSync('sha256', shared, Buffer.from(salt, 'base64'),
      'platform-api-sdk-v1', 32));
  }

  seal(message) {
    const nonce = crypto.randomBytes(12);
    const sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(JSON.stringify(message), null,
      null, nonce, this.key);
    return JSON.stringify({ enc: 'chacha20poly1305', nonce: nonce.toString('base64'),
      ciphertext: Buffer.from(sealed).toString('base64') });
  }

  open(frame) {
    const envelope = JSON.parse(frame);
    return JSON.parse(Buffer.from(sodium.crypto_aead_chacha20poly1305_ietf_decrypt(null,
      Buffer.from(envelope.ciphertext, 'base64'), null, Buffer.from(envelope.nonce, 'base64'),
      this.key)));
  }
}

// Frames one after the other.
const reader = socket => {
  const waiting = [], came = [];
  socket.on('message', data => {
    const next = waiting.shift();
    if (next) next(data.toString()); else came.push(data.toString());
  });
  return () => new Promise(done => {
    if (came.length > 0) done(came.shift()); else waiting.push(done);
  });
};

async function challenge(socket) {
  const next = reader(socket);
  const begin = JSON.parse(await next());
  const nonce = Buffer.from(begin.nonce, 'hex');
  shows(begin.val_quote, nonce);
  const secret = crypto.randomBytes(32);
  const made = await quote(over(nonce));
  socket.send(JSON.stringify({ type: 'attestation_response',
    quote: Buffer.from(made.quote, 'hex').toString('base64'), event_log: made.event_log,
    rtmrs: null,
    chal_x25519_pub: Buffer.from(sodium.crypto_scalarmult_base(secret)).toString('base64') }));
  const session = new Session(secret, begin.val_x25519_pub, JSON.parse(await next()).hkdf_salt);
  for (;;) {
    const said = session.open(await next());
    const answer = { message_id: said.message_id };
    if (said.type === 'job_execute' && said.job_name === 'evaluate_agent')
      Object.assign(answer, { type: 'job_result', job_id: said.job_id,
        result: { echo: said.payload } });
    else if (said.type === 'job_execute')
      Object.assign(answer, { type: 'job_result', job_id: said.job_id,
        error: `No job handler found for '${said.job_name}'` });
    else if (said.type.endsWith('_request'))
      Object.assign(answer, { type: said.type.replace('request', 'response'),
        payload: { db_version: 1, migrations: [] } });
    else if (said.type === 'job_result_ack')
      console.log(`acknowledged ${said.job_id}`);
    if (answer.type) socket.send(session.seal(answer));
  }
}

async function validator(socket) {
  const next = reader(socket);
  const nonce = crypto.randomBytes(32), secret = crypto.randomBytes(32);
  const salt = crypto.randomBytes(32).toString('base64');
  const made = await quote(over(nonce));
  socket.send(JSON.stringify({ type: 'attestation_begin', nonce: nonce.toString('hex'),
    val_x25519_pub: Buffer.from(sodium.crypto_scalarmult_base(secret)).toString('base64'),
    val_quote: Buffer.from(made.quote, 'hex').toString('base64'),
    val_event_log: made.event_log }));
  const response = JSON.parse(await next());
  shows(response.quote, nonce);
  socket.send(JSON.stringify({ type: 'attestation_ok', aead: 'chacha20poly1305',
    hkdf_salt: salt }));
  const session = new Session(secret, response.chal_x25519_pub, salt);
  const ask = async message => {
    socket.send(session.seal(message));
    return session.open(await next());
  };
  const result = await ask({ type: 'job_execute', job_id: 'j1', job_name: 'echo',
    payload: { a: 1 } });
  console.log(`result ${JSON.stringify(result.result)}`);
  const version = await ask({ type: 'db_version_request', message_id: 'm' });
  console.log(`version ${version.payload.db_version}`);
  const query = await ask({ type: 'orm_ready' });
  console.log(`query ${query.payload.query.operation}`);
  await ask({ type: 'db_version_request' }); // what comes before it was heard
  socket.send(session.seal({ type: 'orm_result', query_id: query.payload.query_id,
    result: { rows: [] } }));
  await ask({ type: 'db_version_request' });
  socket.close(1000);
}

if (role === 'challenge') {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/sdk/ws' }, () =>
    console.log(server.address().port));
  server.once('connection', socket => {
    socket.once('close', () => process.exit(0));
    challenge(socket);
  });
} else {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/sdk/ws`);
  socket.once('open', () => validator(socket));
}
