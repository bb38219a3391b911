// A webhook receiver with the verifiers of Standard Webhooks and of Svix, which other people wrote.
//
// It prints {"port": …} once it listens on 127.0.0.1, with TLS by the chain in CHAIN. The last part of a path says how it
// behaves: hook, refuse, silent, cut, slow, full, redirect; answer/<status>/<base64 of the body> answers so. Each request
// needs the bearer TOKEN and a signature by SECRET. An id that was taken once is answered the same again, and not kept.
"use strict";
const { createHmac, timingSafeEqual } = require("node:crypto");
const { readFileSync } = require("node:fs");
const https = require("node:https");
const standard = require("standardwebhooks");
const svix = require("svix");

const { SECRET, TOKEN, CHAIN } = process.env;
let taken = new Map();
let epoch = 0; // What was asked before a reset changes nothing after it.

function verify(body, headers) {
  if ((headers["content-type"] || "").startsWith("application/json")) {
    new standard.Webhook(SECRET).verify(body, headers);
    new svix.Webhook(SECRET).verify(body, headers);
    return;
  }
  // Both read a body as UTF-8 text, which files are not; so this is what the standard says, over the bytes.
  const key = Buffer.from(SECRET.replace(/^whsec_/, ""), "base64");
  const start = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
  const wanted = createHmac("sha256", key).update(start).update(body).digest();
  const fits = (one) => {
    const [version, signature] = one.split(",");
    const given = Buffer.from(signature || "", "base64");
    return version === "v1" && given.length === wanted.length && timingSafeEqual(given, wanted);
  };
  if (!(headers["webhook-signature"] || "").split(" ").some(fits)) throw new Error("No matching signature found");
}

function filesOf(body, headers) {
  const type = headers["content-type"] || "";
  if (type.startsWith("application/json")) {
    const files = JSON.parse(body.toString()).data.files;
    return files.map((file) => [file.filename, file.base64 ?? Buffer.from(file.text ?? "").toString("base64")]);
  }
  const edge = Buffer.from(`--${type.split("boundary=")[1]}`);
  const found = [];
  for (let at = body.indexOf(edge); at >= 0; ) {
    const next = body.indexOf(edge, at + edge.length);
    if (next < 0) break;
    const part = body.subarray(at + edge.length + 2, next - 2);
    const split = part.indexOf("\r\n\r\n");
    const head = part.subarray(0, split).toString();
    if (head.includes('name="file"')) {
      found.push([head.match(/filename="([^"]*)"/)[1], part.subarray(split + 4).toString("base64")]);
    }
    at = next;
  }
  return found;
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}

function take(request, response, body, mode, asked) {
  if (asked !== epoch) return request.socket.destroy();
  try {
    verify(body, request.headers);
  } catch (error) {
    return answer(response, 400, { error: String(error.message) });
  }
  if (mode[0] === "refuse") return answer(response, 422, { error: "no" });
  if (mode[0] === "full") return answer(response, 507, { error: "no room" });
  if (mode[0] === "redirect") return answer(response, 302, "", { location: "/hook" });
  const id = request.headers["webhook-id"];
  if (!taken.has(id)) taken.set(id, { files: filesOf(body, request.headers), body: body.toString("latin1") });
  if (mode[0] === "lost") return request.socket.destroy(); // Taken, and the answer never arrives.
  if (mode[0] === "answer") {
    return answer(response, Number(mode[1]), Buffer.from(mode[2] || "", "base64url").toString());
  }
  return answer(response, 200, { status: "accepted", job: { id: `job-${id}` } });
}

const server = https.createServer({ key: readFileSync(CHAIN), cert: readFileSync(CHAIN) }, (request, response) => {
  if (request.url === "/received") return answer(response, 200, [...taken.values()]);
  if (request.url === "/reset") {
    taken = new Map();
    epoch += 1;
    return answer(response, 200, {});
  }
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return answer(response, 401, { error: "who?" });
  if (request.method !== "POST") return answer(response, 405, "");
  const mode = request.url.split("?")[0].split("/").slice(1);
  const [chunks, asked] = [[], epoch];
  request.on("data", (chunk) => {
    chunks.push(chunk);
    if (mode[0] === "cut") request.socket.destroy();
  });
  request.on("end", () => {
    if (mode[0] === "silent") return;
    setTimeout(() => take(request, response, Buffer.concat(chunks), mode, asked), mode[0] === "slow" ? 400 : 0);
  });
  request.on("error", () => {}); // The sender has gone.
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
