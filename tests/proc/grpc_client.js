// grpc_client.js - the stock gRPC client of Node.js against a house.  It knows nothing of Ward:
// what it calls it learned by reflection.  Prints one line of JSON for each call.
//
//     NODE_PATH=... node grpc_client.js ADDRESS CA.PEM < CALLS        CA.PEM of "-": plain
//
// CALLS is a JSON array of {path, request, metadata}; a path of another service than ward.v1's is
// health's.  The answer of each is {code, message, reason, streams}.
"use strict";
const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const loader = require("@grpc/proto-loader");

const AS_JSON = { keepCase: true, longs: String, enums: String, bytes: String, defaults: true };
const REFLECTION = {
  nested: { grpc: { nested: { reflection: { nested: { v1: { nested: {
    Asked: { fields: { file_containing_symbol: { type: "string", id: 4 },
                       list_services: { type: "string", id: 7 } },
             oneofs: { what: { oneof: ["file_containing_symbol", "list_services"] } } },
    Files: { fields: { file_descriptor_proto: { rule: "repeated", type: "bytes", id: 1 } } },
    Service: { fields: { name: { type: "string", id: 1 } } },
    Services: { fields: { service: { rule: "repeated", type: "Service", id: 1 } } },
    Told: { fields: { file_descriptor_response: { type: "Files", id: 4 },
                      list_services_response: { type: "Services", id: 6 } } },
    ServerReflection: { methods: { ServerReflectionInfo: {
      requestType: "Asked", requestStream: true, responseType: "Told", responseStream: true } } },
  } } } } } } },
};
const HEALTH = {
  nested: { grpc: { nested: { health: { nested: { v1: { nested: {
    Asked: { fields: { service: { type: "string", id: 1 } } },
    Told: { fields: { status: { type: "Status", id: 1 } } },
    Status: { values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } },
    Health: { methods: { Check: { requestType: "Asked", responseType: "Told" } } },
  } } } } } } },
};

const [address, trust] = process.argv.slice(2);
const credentials = trust === "-" ? grpc.credentials.createInsecure()
  : grpc.credentials.createSsl(fs.readFileSync(trust));

// One stream, one question after the other; the answers in order.
function reflect(questions) {
  const found = loader.fromJSON(REFLECTION, AS_JSON);
  const Client = grpc.makeGenericClientConstructor(
    found["grpc.reflection.v1.ServerReflection"], "ServerReflection");
  const client = new Client(address, credentials);
  return new Promise((done, failed) => {
    const answers = [];
    const stream = client.ServerReflectionInfo();
    stream.on("data", (answer) => {
      answers.push(answer);
      if (answers.length < questions.length) stream.write(questions[answers.length]);
      else stream.end();
    });
    stream.on("error", failed);
    stream.on("end", () => { client.close(); done(answers); });
    stream.write(questions[0]);
  });
}

// {path: definition of the method} of all that the house says it serves.
async function learn() {
  const [list] = await reflect([{ list_services: "*" }]);
  const names = list.list_services_response.service.map((one) => one.name);
  const own = names.filter((name) => name.startsWith("ward."));
  const told = await reflect(own.map((name) => ({ file_containing_symbol: name })));
  const methods = {};
  for (const answer of told) {
    const files = answer.file_descriptor_response.file_descriptor_proto
      .map((file) => Buffer.from(file, "base64"));
    const set = Buffer.concat(files.map((file) => Buffer.concat([head(file.length), file])));
    const found = loader.loadFileDescriptorSetFromBuffer(set, AS_JSON);
    for (const service of Object.values(found).filter((one) => !one.format))
      for (const method of Object.values(service)) methods[method.path] = method;
  }
  for (const method of Object.values(loader.fromJSON(HEALTH, AS_JSON)["grpc.health.v1.Health"]))
    methods[method.path] = method;
  return { names, methods };
}

// Of a FileDescriptorSet: field 1, bytes.
function head(length) {
  const out = [0x0a];
  for (; length > 127; length >>>= 7) out.push((length & 127) | 128);
  return Buffer.from([...out, length]);
}

function reason(metadata) {
  const [details] = metadata ? metadata.get("grpc-status-details-bin") : [];
  return details ? Buffer.from(details).toString("base64") : "";
}

function call(client, method, { request, metadata }) {
  return new Promise((done) => {
    const said = new grpc.Metadata();
    for (const [name, value] of Object.entries(metadata || {})) said.set(name, value);
    client.makeUnaryRequest(method.path, method.requestSerialize, method.responseDeserialize,
      request || {}, said, { deadline: Date.now() + 60000 }, (error, answer) => done({
        code: error ? error.code : 0, message: error ? null : answer,
        reason: error ? reason(error.metadata) : "" }));
  });
}

async function main() {
  const { names, methods } = await learn();
  const streams = Object.values(methods).filter((one) => one.responseStream).map((one) => one.path);
  console.log(JSON.stringify({ services: names, methods: Object.keys(methods), streams }));
  const client = new grpc.Client(address, credentials);
  for (const one of JSON.parse(fs.readFileSync(0)))
    console.log(JSON.stringify(await call(client, methods[one.path], one)));
  client.close();
}

main().catch((error) => { console.error(error); process.exitCode = 1; });
